"""A warehouse that is only looked at: what is there, what was there, and which traces there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cpgbuild.core.evidence import Columns, Evidence, Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.ports import Past
from cpgbuild.core.rebuilder import Decision, Rebuilder
from cpgbuild.core.selection import Selection
from cpgbuild.core.task import Task
from cpgbuild.core.trace import Trace
from tests.core.graphs import schema

F = Fingerprint


def evidence(text: str, version: str, **data: str) -> Evidence:
    """Return evidence of columns; `data` has fingerprints by columns, as `a_b="1"`."""
    known = {tuple(c for c in names.split("_") if c): F(d) for names, d in data.items()}
    return Evidence(schema(text), F(version), known)


def stamp(text: str, version: str, data: str | None = None) -> Stamp:
    return Stamp(schema(text).fingerprint, F(version), F(data) if data is not None else None)


class Warehouse:
    """An engine that only looks, and counts how often.

    `contents` has data fingerprints by dataset, version and columns: of what is gone there is none.
    `translations` has plans of earlier versions by what this version makes of them.
    """

    version = "fake 2.1"

    def __init__(self, **found: Evidence) -> None:
        self.found = {name.replace("__", "/"): evidence for name, evidence in found.items()}
        self.traces: dict[str, Trace] = {}
        self.before: dict[str, list[Past]] = {}
        self.contents: dict[tuple[str, str, Columns], str] = {}
        self.translations: dict[str, str] = {}
        self.asked: list[str] = []

    def evidence(self, name: str) -> Evidence | None:
        self.asked.append(name)
        return self.found.get(name)

    def data(self, name: str, columns: Columns) -> Fingerprint:
        found = self.data_then(name, self.found[name].version, columns)
        assert found is not None
        return found

    def data_then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        self.asked.append(f"{name} {version}")
        found = self.contents.get((name, version, columns))
        return F(found) if found else None

    def trace(self, output: str) -> Trace | None:
        self.asked.append(f"trace of {output}")
        return self.traces.get(output)

    def query(self, task: Task) -> Fingerprint:
        return task.query

    def is_costly(self, view: Task) -> bool:
        return True

    def today(self, output: str, trace: Trace) -> Trace:
        self.asked.append(f"today of {output}")
        plan = self.translations.get(trace.plan, trace.plan)
        return replace(trace, plan=F(plan), query=F(plan), engine=self.version)

    def past(self, output: str) -> Iterator[Past]:
        self.asked.append(f"past of {output}")
        return iter(self.before.get(output, ()))


def rebuilder(built: Graph, engine: Warehouse, *traces: Trace, forced: str = "") -> Rebuilder:
    known = {trace.task: trace for trace in traces}
    selection = Selection(frozenset(built.tasks), frozenset([forced] if forced else []))
    return Rebuilder(built, engine, known, selection)  # type: ignore[arg-type]


def decided(
    built: Graph, name: str, engine: Warehouse, *traces: Trace, forced: str = ""
) -> Decision:
    return rebuilder(built, engine, *traces, forced=forced).decide(built.tasks[name])


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(str(r.cause), r.dataset) for r in decision.reasons]


def trace_of(task: Task, version: str, **reads: Stamp) -> Trace:
    """Return the trace of a run of a task as it is, that wrote a version."""
    return Trace(
        task.name,
        task.plan,
        {name.replace("__", "/"): read for name, read in reads.items()},
        Stamp(task.schema.fingerprint, F(version), F(version)),
        query=task.query,
        views=dict(task.views),
    )
