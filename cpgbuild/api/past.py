"""Past: what builds did, and what tables held before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cpgbuild.engine.differing import row_difference
from cpgbuild.errors.project import UnknownTarget
from cpgbuild.errors.run import NotBuilt, NoVersion, NoVersions
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deltalake import DeltaTable

    from cpgbuild.core.history import BuildRecord, TaskRun
    from cpgbuild.core.task import Task
    from cpgbuild.engine.differing import RowDifference
    from cpgbuild.engine.history import Era
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace


@dataclass(frozen=True, slots=True)
class State:
    """What a table held: from which version on, since when (ISO 8601, UTC), how many rows.

    `run` says what made it so; None where only the table's own log tells of it. What somebody else
    wrote is not ours. Runs that left the table as it was have no version of their own.
    """

    version: int | None
    when: str
    rows: int | None
    seconds: float
    run: TaskRun | None = None
    is_ours: bool = True


def history(project: str | Path = ".", *, overrides: Overrides | None = None) -> list[BuildRecord]:
    """Return the builds that did something, newest first.

    Raises:
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        return workspace.history.load()[::-1]


def states(
    name: str, project: str | Path = ".", *, overrides: Overrides | None = None
) -> list[State]:
    """Return what a dataset's table held, and the runs that it came from, newest first.

    Raises:
        UnknownTarget: nothing is named so.
        NoVersions: it is a source or a view.
    """
    with opened(project, overrides) as workspace:
        task = _stored(workspace, name)
        builds = workspace.history.load()
        runs = [(b.started, run) for b in builds for run in b.tasks if run.task == task.name]
        return states_of(workspace, task, runs)


def states_of(workspace: Workspace, task: Task, runs: Sequence[tuple[str, TaskRun]]) -> list[State]:
    """Return what a task's table held, as its log tells, with its `runs` that are known otherwise.

    These come oldest first, each with when its build began; what is returned is newest first.
    """
    found = [_state(workspace, task, era) for era in workspace.warehouse.states(task.output)]
    return _joined(found[::-1], runs)


def _joined(versions: Sequence[State], runs: Sequence[tuple[str, TaskRun]]) -> list[State]:
    """Return versions of a table with the runs that made them, and the runs that made none.

    Both come in their order, runs with when their build began: what they made is not older.
    """
    made: dict[int, int] = {}
    others: list[tuple[str, int, int, State]] = []
    for number, (began, run) in enumerate(runs):
        fits = (
            n
            for n, state in enumerate(versions)
            if n not in made and state.is_ours and state.when >= began
        )
        at = next(fits, None) if run.event in {"built", "restored"} else None
        if at is None:
            state = State(None, began, run.rows, run.seconds, run)
            others.append((began, number, len(versions), state))
        else:
            made[at] = number
    found, last = others, -1
    for n, state in enumerate(versions):
        # Of one second, versions come in their order, and runs after those that were before them.
        last = max(last, made.get(n, last))
        run_of = runs[made[n]][1] if n in made else None
        found.append((state.when, last, n, replace(state, run=run_of)))
    found.sort(key=lambda each: each[:3], reverse=True)
    return [state for *_, state in found]


def _state(workspace: Workspace, task: Task, era: Era) -> State:
    trace = era.trace
    if trace is None:
        when = workspace.warehouse.moment(task.output, era.oldest)
        return State(era.oldest, when, None, 0.0, is_ours=False)
    return State(era.newest, trace.finished, trace.rows, trace.seconds)


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """How two versions of a dataset's table differ; when each was made, where that is known."""

    dataset: str
    before: int
    after: int
    before_when: str
    after_when: str
    rows: RowDifference


def diff(  # noqa: PLR0913 -- the options of the command
    name: str,
    project: str | Path = ".",
    *,
    before: int | None = None,
    after: int | None = None,
    key: Sequence[str] = (),
    limit: int = 10,
    overrides: Overrides | None = None,
) -> VersionDifference:
    """Return how a dataset's table differs between two versions: the last two, if none is named.

    Rows of one `key` are compared with each other; a keyed task has one of its own.

    Raises:
        UnknownTarget: nothing is named so.
        NoVersions: it is a source or a view, or has had one state only.
        NotBuilt, NoVersion: there is no such version.
    """
    with opened(project, overrides) as workspace:
        task = _stored(workspace, name)
        eras = workspace.warehouse.states(task.output)
        if not eras:
            raise NotBuilt([task.dataset])
        after = eras[0].newest if after is None else after
        if before is None:
            earlier = [era.newest for era in eras if era.newest < after]
            if not earlier:
                raise NoVersions(task.dataset, "has had one state only: there is nothing before it")
            before = earlier[0]
        tables = [_table(workspace, task, version, eras) for version in (before, after)]
        compiled = workspace.compiler.compiled(task.name)
        own = compiled.row_map.key if compiled.row_map is not None else None
        rows = row_difference(tables[0], tables[1], key or ([own] if own else []), limit)
        when = {era.newest: era.trace.finished for era in eras if era.trace is not None}
        dates = (when.get(before, ""), when.get(after, ""))
        return VersionDifference(task.dataset, before, after, *dates, rows)


def _stored(workspace: Workspace, name: str) -> Task:
    """Return the task whose table a dataset, or one of its parts, is."""
    tasks = workspace.graph.tasks.values()
    found = [task for task in tasks if name in {task.name, task.dataset, task.output}]
    if not found:
        if name in workspace.project.sources:
            raise NoVersions(name, "is a source: what it held before is not kept here")
        known = [*(task.dataset for task in tasks), *workspace.graph.tasks]
        raise UnknownTarget(name, known)
    stored = [task for task in found if task.stored]
    if not stored:
        raise NoVersions(name, "is a view: it holds no rows of its own")
    return stored[0]


def _table(workspace: Workspace, task: Task, version: int, eras: Sequence[Era]) -> DeltaTable:
    table = workspace.warehouse.at(task.output, version)
    if table is None:
        known = [era.newest for era in eras]
        raise NoVersion(task.dataset, version, known)
    return table
