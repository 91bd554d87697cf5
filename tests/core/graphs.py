"""Small graphs, written as the edges that they have."""

from __future__ import annotations

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
) -> Task:
    """Return a task; each of `reads` is a dataset, or `dataset(a, b: string)`."""
    requires = []
    for read in reads:
        source, _, columns = read.partition("(")
        requires.append(Requirement(source, schema(columns.rstrip(")")).columns))
    return Task(
        name=name or f"{kind}.{part or dataset}",
        dataset=dataset,
        kind=TaskKind(kind),
        requires=tuple(requires),
        plan=Fingerprint(f"plan {plan}"),
        schema=schema(gives),
        output=f"{dataset}/{part}" if part else "",
        lane=Lane(lane),
        priority=priority,
        volatile=volatile,
        place=Place(f"tasks/{dataset}.py", 3),
    )


def graph(*tasks: Task, **sources: str) -> Graph:
    """Return the graph of tasks, and of sources by their schemas."""
    return Graph(tasks, {name: schema(text) for name, text in sources.items()})
