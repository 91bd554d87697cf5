"""Past: what builds did, and what tables held before."""

from __future__ import annotations

from dataclasses import dataclass
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
        return _joined(workspace.warehouse.states(task.output), runs)


def _joined(eras: Sequence[Era], runs: Sequence[tuple[str, TaskRun]]) -> list[State]:
    """Return versions of a table with the runs that made them, and the runs that made none.

    A run is known to have made a version by when it ended: not before its build began.
    """
    found = [_state(era) for era in eras]
    for started, run in runs:
        made = run.event in {"built", "restored"}
        at = next(
            (
                n
                for n in range(len(found) - 1, -1, -1)
                if made
                and found[n].is_ours
                and found[n].run is None
                and found[n].when >= started
                and found[n].version is not None
            ),
            None,
        )
        if at is None:
            found.append(State(None, started, run.rows, run.seconds, run))
        else:
            old = found[at]
            found[at] = State(old.version, old.when, old.rows, old.seconds, run)
    return sorted(found, key=lambda state: (state.when, state.version or -1), reverse=True)


def _state(era: Era) -> State:
    trace = era.trace
    if trace is None:
        return State(era.oldest, "", None, 0.0, is_ours=False)
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
