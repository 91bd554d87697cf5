"""Execution: a project whose tasks are brought up to date one by one, in somebody else's order.

What decides and what runs is a build's. Each task gets references to what it reads, which prove
that all of it was brought up to date before, and gives one to what it made.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from cpgbuild.api.building import building
from cpgbuild.core.events import Failed
from cpgbuild.core.fingerprint import fingerprint
from cpgbuild.core.selection import Request
from cpgbuild.errors.project import ModuleOutdated
from cpgbuild.errors.run import GivenOtherwise
from cpgbuild.export.references import (
    Reference,
    SourceReference,
    TableReference,
    ViewReference,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from cpgbuild.core.builder import Builder
    from cpgbuild.core.events import Event
    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Reporter
    from cpgbuild.core.task import Task
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace

_R = TypeVar("_R", ViewReference, TableReference)


@contextmanager
def execution(
    project: str | Path,
    tasks: Collection[str],
    overrides: Overrides | None = None,
    report: Reporter | None = None,
) -> Iterator[Execution]:
    """Open a project to bring these tasks up to date, and hold its warehouse meanwhile.

    Raises:
        CpgbuildError: the project is wrong, or a build holds the warehouse.
    """
    failures: dict[str, Exception] = {}

    def take(event: Event) -> None:
        if isinstance(event, Failed):
            failures[event.task.name] = event.error
        if report is not None:
            report(event)

    # What goes on after a failure is for whoever keeps the order to say.
    begun = building(project, Request(), overrides, among=tasks, report=take, keep_going=True)
    with begun as (workspace, builder):
        yield Execution(workspace, builder, failures)


class Execution:
    """The tasks of a project that is open."""

    def __init__(
        self, workspace: Workspace, builder: Builder, failures: dict[str, Exception]
    ) -> None:
        """Take the open project, what brings its tasks, and where failures are put."""
        self._workspace = workspace
        self._builder = builder
        self._failures = failures
        self._brought: set[str] = set()

    @property
    def graph(self) -> Graph:
        """The project's graph as it is now."""
        return self._workspace.graph

    def bring(self, name: str, given: Sequence[Reference], kind: type[_R]) -> _R:
        """Bring a task up to date, and return what it made; `given` is what it reads.

        Raises:
            ModuleOutdated: there is no such task, or it reads other datasets, or makes nothing of
                that kind.
            GivenOtherwise: something else is given than what is there.
            CpgbuildError: the task failed.
        """
        task = self.graph.tasks.get(name)
        if task is None:
            raise ModuleOutdated([(name, "is no task")])
        if task.stored is not (kind is TableReference):
            raise ModuleOutdated([(name, "is a table" if task.stored else "is a view")])
        self._check(task.name, [r.dataset for r in task.requires], given)
        if name not in self._brought:
            self._failures.pop(name, None)
            self._builder.bring(name)
            if name in self._failures:
                raise self._failures[name]
            self._brought.add(name)
        made = self._of(task)
        assert isinstance(made, kind)  # noqa: S101 -- it was brought up to date
        return made

    def union(self, dataset: str, given: Sequence[Reference]) -> ViewReference:
        """Return what stands for a dataset; `given` are the parts that tasks made of it.

        Raises:
            ModuleOutdated, GivenOtherwise: its parts are others.
        """
        parts = self.graph.producers.get(dataset, [])
        self._check(dataset, [part.output for part in parts], given)
        return self._together(dataset)

    def _check(self, name: str, read: Sequence[str], given: Sequence[Reference]) -> None:
        """See that somebody was given all that he reads, and as it is now."""
        task = self.graph.tasks.get(name)
        place = task.place if task is not None else None
        for one in given:
            if not isinstance(one, Reference):
                raise GivenOtherwise(name, repr(one), place)
        known = {reference.name: reference for reference in given}
        if known.keys() != {*read}:
            words = f"reads {_names(read)}; was given {_names(known)}"
            raise ModuleOutdated([(name, words)])
        for dataset, reference in known.items():
            if reference != self.reference(dataset):
                raise GivenOtherwise(name, repr(reference), place)

    def reference(self, name: str) -> Reference | None:
        """Return what stands for a source, a dataset or a part of one; None: it was not built."""
        dataset, slash, _ = name.partition("/")
        parts = self.graph.producers.get(dataset)
        if parts is None:
            return SourceReference(dataset)
        if slash:
            return next((self._of(part) for part in parts if part.output == name), None)
        return self._of(parts[0]) if parts[0].output == name else self._together(dataset)

    def _of(self, task: Task) -> ViewReference | TableReference | None:
        """Return what stands for what a task made; None where its table is not there, or not ours.

        A task that was brought up to date has one.
        """
        schema = task.schema.fingerprint
        if not task.stored:
            return ViewReference(task.output, schema, task.plan)
        warehouse = self._workspace.warehouse
        version, trace = warehouse.version(task.output), warehouse.trace(task.output)
        if version is None or trace is None:
            return None
        path = warehouse.uri(task.output)
        return TableReference(task.output, path, version, schema, trace.rows)

    def _together(self, dataset: str) -> ViewReference:
        """Return what stands for a dataset that several tasks contribute to."""
        parts = self.graph.producers[dataset]
        traces = {p.output: self._workspace.warehouse.trace(p.output) for p in parts if p.stored}
        held = {output: trace.wrote.version for output, trace in traces.items() if trace}
        stands = fingerprint(*(held.get(part.output, part.plan) for part in parts))
        return ViewReference(dataset, parts[0].schema.fingerprint, stands)


def _names(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"
