"""Small graphs, written as the edges that they have."""

from __future__ import annotations

from dataclasses import replace

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.task import Lane, Requirement, Task, TaskKind
from cpgbuild.errors.report import Place


def schema(text: str) -> Schema:
    """Return the schema `a: int64, b: string`; a bare name is an `int64`."""
    columns = [part.partition(":") for part in text.split(",") if part.strip()]
    return Schema(tuple(Column(n.strip(), t.strip() or "int64") for n, _, t in columns))


def task(
    dataset: str,
    *reads: str,
    kind: str = "compute",
    part: str = "",
    plan: str = "1",
    gives: str = "v",
    priority: int = 100,
    lane: str = "engine",
    name: str = "",
    volatile: tuple[str, ...] = (),
    query: str = "1",
    views: dict[str, str] | None = None,
    leaves: tuple[str, ...] | None = None,
) -> Task:
    """Return a task; each of `reads` is a dataset, or `dataset(a, b: string)`.

    `leaves` are written likewise; where none are given the task reads no views.
    """
    requires = _requirements(reads)
    return Task(
        name=name or f"{kind}.{part or dataset}",
        dataset=dataset,
        kind=TaskKind(kind),
        requires=requires,
        plan=Fingerprint(f"plan {plan}"),
        schema=schema(gives),
        output=f"{dataset}/{part}" if part else "",
        lane=Lane(lane),
        priority=priority,
        volatile=volatile,
        query=Fingerprint(f"query {query}"),
        views=tuple((view, Fingerprint(f"view {v}")) for view, v in (views or {}).items()),
        leaves=requires if leaves is None else _requirements(leaves),
        place=Place(f"tasks/{dataset}.py", 3),
    )


def kept(view: Task) -> Task:
    """Return a view that is kept as a table."""
    return replace(view, kept=True)


def _requirements(reads: tuple[str, ...]) -> tuple[Requirement, ...]:
    parts = [read.partition("(") for read in reads]
    return tuple(Requirement(name, schema(text.rstrip(")")).columns) for name, _, text in parts)


def graph(*tasks: Task, **sources: str) -> Graph:
    """Return the graph of tasks, and of sources by their schemas."""
    return Graph(tasks, {name: schema(text) for name, text in sources.items()})
