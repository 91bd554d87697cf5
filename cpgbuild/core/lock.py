"""Lock: what the plans of a project are, to be compared with what they were or will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import UNKNOWN, Fingerprint
from cpgbuild.core.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.task import Task


@dataclass(frozen=True, slots=True)
class LockedTask:
    """A task as a lock has it; see `Task`. `inputs` has the required columns of each dataset."""

    name: str
    dataset: str
    kind: str
    query: Fingerprint = UNKNOWN
    plan: Fingerprint = UNKNOWN
    schema: Schema = field(default_factory=Schema)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    views: Mapping[str, Fingerprint] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """The schemas of the sources that are read, all tasks, and who made the plans."""

    planner: str = ""
    signature: Fingerprint = UNKNOWN
    sources: Mapping[str, Schema] = field(default_factory=dict)
    tasks: Mapping[str, LockedTask] = field(default_factory=dict)


class Aspect(StrEnum):
    """What of a task or source differs; the words that `--json` prints."""

    ADDED = "added"
    REMOVED = "removed"
    QUERY = "query"
    INPUTS = "inputs"
    SCHEMA = "schema"
    DATASET = "dataset"
    KIND = "kind"
    VARIABLES = "variables"
    KEPT = "kept"
    VIEW = "view"
    PLAN = "plan"
    VOLATILE = "volatile"
    UNSTABLE = "unstable"
    UPSTREAM = "upstream"
    UNLOCKED = "unlocked"
    PLANNER = "planner"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs; `detail` says how, `dataset` through which dataset it came."""

    aspect: Aspect
    detail: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs of one task, of one source, or of the lock itself, which has no name."""

    name: str
    changes: tuple[Change, ...]
    task: LockedTask | None = None


def lock_of(graph: Graph, planner: str = "") -> Lock:
    """Return the lock of a graph."""
    tasks = {name: _locked(task) for name, task in graph.tasks.items()}
    return Lock(planner, graph.signature, graph.sources, tasks)


def _locked(task: Task) -> LockedTask:
    return LockedTask(
        name=task.name,
        dataset=task.dataset,
        kind=str(task.kind),
        query=task.query,
        plan=task.plan,
        schema=task.schema,
        inputs={r.dataset: r.names for r in task.requires},
        views=dict(task.views),
        variables=task.variables,
        volatile=task.volatile,
        unstable=task.unstable,
        kept=task.kept,
    )


def differences(old: Lock, new: Lock) -> list[Difference]:
    """Return what is different in `new`: of the planner, of sources, of tasks, each by name.

    Another planner matters where it may be why the rest is different, and by itself not at all.
    """
    found: list[Difference] = []
    for name in sorted({*old.sources, *new.sources}):
        changes = _source_changes(old.sources.get(name), new.sources.get(name))
        if changes:
            found.append(Difference(name, tuple(changes)))
    for name in sorted({*old.tasks, *new.tasks}):
        before, after = old.tasks.get(name), new.tasks.get(name)
        if before is None:
            found.append(Difference(name, (Change(Aspect.ADDED),), after))
        elif after is None:
            found.append(Difference(name, (Change(Aspect.REMOVED),), before))
        elif before != after:
            found.append(Difference(name, tuple(_task_changes(before, after)), after))
    if found and old.planner != new.planner:
        detail = f"{old.planner} → {new.planner}"
        found.insert(0, Difference("", (Change(Aspect.PLANNER, detail),)))
    return found


def _source_changes(before: Schema | None, after: Schema | None) -> list[Change]:
    if before is None:
        return [Change(Aspect.ADDED)]
    if after is None:
        return [Change(Aspect.REMOVED)]
    return [Change(Aspect.SCHEMA, text) for text in schema_changes(before, after)]


def schema_changes(before: Schema, after: Schema) -> list[str]:
    """Say, a clause a column, what became of a schema."""
    said = [f"{column} added" for column in after.columns if before.get(column.name) is None]
    said += [f"{name} removed" for name in before.names if after.get(name) is None]
    for column in before.columns:
        now = after.get(column.name)
        if now is not None and now != column:
            was, here = (str(c).partition(": ")[2] for c in (column, now))
            said.append(f"{column.name}: {was} → {here}")
    return said or ([] if before == after else ["columns in another order"])


def _task_changes(before: LockedTask, after: LockedTask) -> Iterator[Change]:
    """Say what is different of a task, what is its own first."""
    if before.query != after.query:
        yield Change(Aspect.QUERY)
    yield from (Change(Aspect.INPUTS, text) for text in _input_changes(before, after))
    yield from (Change(Aspect.SCHEMA, t) for t in schema_changes(before.schema, after.schema))
    for aspect in (Aspect.DATASET, Aspect.KIND):
        was, now = getattr(before, aspect), getattr(after, aspect)
        if was != now:
            yield Change(aspect, f"{was} → {now}")
    if before.variables != after.variables:
        yield Change(Aspect.VARIABLES, _names_text(before.variables, after.variables))
    if before.kept != after.kept:
        yield Change(Aspect.KEPT, "as a table" if after.kept else "no longer as a table")
    yield from _plan_changes(before, after)
    for aspect in (Aspect.VOLATILE, Aspect.UNSTABLE):
        was, now = getattr(before, aspect), getattr(after, aspect)
        if was != now:
            yield Change(aspect, _names_text(was, now))


def _plan_changes(before: LockedTask, after: LockedTask) -> Iterator[Change]:
    """Say through which views a plan changed; one that is read otherwise is so by the query."""
    through = [
        dataset
        for dataset in sorted({*before.views, *after.views})
        if before.views.get(dataset) != after.views.get(dataset)
        and before.inputs.get(dataset) == after.inputs.get(dataset)
    ]
    for dataset in through:
        if dataset not in before.views:
            detail = f"{dataset} is evaluated by whoever reads it now"
        elif dataset not in after.views:
            detail = f"{dataset} is a table now"
        else:
            detail = f"{dataset} means something else"
        yield Change(Aspect.VIEW, detail, dataset)
    if before.plan != after.plan and before.query == after.query and not through:
        yield Change(Aspect.PLAN, "what it reads is stored otherwise")


def _input_changes(before: LockedTask, after: LockedTask) -> Iterator[str]:
    for dataset in sorted({*before.inputs, *after.inputs}):
        was, now = before.inputs.get(dataset), after.inputs.get(dataset)
        if was is None:
            yield f"{_read_text(dataset, now or ())} added"
        elif now is None:
            yield f"{dataset} removed"
        else:
            yield from (f"{dataset}.{name} added" for name in now if name not in was)
            yield from (f"{dataset}.{name} removed" for name in was if name not in now)


def _read_text(dataset: str, columns: Sequence[str]) -> str:
    return f"{dataset}({', '.join(columns)})"


def _names_text(was: Sequence[str], now: Sequence[str]) -> str:
    said = [f"{name} added" for name in now if name not in was]
    said += [f"{name} removed" for name in was if name not in now]
    return ", ".join(said)
