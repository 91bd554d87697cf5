"""Meaning: what a task's plan covers through views, Merkle-wise over (view, required columns).

A view is not a thing of its own: whoever reads it evaluates it, and of it only what is required.
So a plan's fingerprint covers each view behind it narrowed to the columns that are asked for, and
its leaves are the stored datasets at the ends. Each pair of a view and its columns is planned
once, so that cost grows with the number of such pairs and not with the depth of views.
"""

from __future__ import annotations

from dataclasses import replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Protocol

from cpgbuild.core.fingerprint import UNKNOWN, fingerprint
from cpgbuild.core.schema import Column
from cpgbuild.core.task import Requirement, TaskKind
from cpgbuild.plan.outline import WHOLE, Marks, Meaning, Planned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.plan.outline import Columns, Outline, Reading

# A view that varies is evaluated once for all where it would be read so many times.
SEVERAL = 2

# A task, all of its columns or some of them.
_Key = tuple[str, "Columns"]


class Outlines(Protocol):
    """Who has the outlines of all tasks, and can read their queries."""

    def outline(self, task: str) -> Outline:
        """Return what is known of a task."""
        ...

    def reading(self, task: str, columns: Columns) -> Reading:
        """Return a task's query, or that narrowed to some of its columns."""
        ...


class Meanings:
    """Says what tasks mean by what lies behind their views; what an outline has of it stands."""

    def __init__(
        self,
        outlines: Outlines,
        producers: Mapping[str, list[Task]],
        schemas: Mapping[str, Schema],
        kept: frozenset[str],
    ) -> None:
        """Take the outlines, the tasks by their datasets, all schemas, and the views that are kept.

        Of each dataset the tasks are in the order of their names.
        """
        self._outlines = outlines
        self._producers = producers
        self._schemas = schemas
        self._kept = kept

    def planned(self, name: str, columns: Columns = WHOLE) -> Planned:
        """Return a task with its plan, its leaves, and what makes its rows vary.

        All this is that of what some of its columns mean, where only they are asked for; its query
        is its own, as it is kept.
        """
        meaning = self.meaning(name, columns)
        outline = self._outlines.outline(name)
        if WHOLE not in outline.readings:
            outline.readings[WHOLE] = self._outlines.reading(name, WHOLE)
        query = outline.readings[WHOLE].query
        task = replace(
            outline.task,
            query=query.exact,
            plan=meaning.plan.exact,
            views=tuple((view, marks.exact) for view, marks in sorted(meaning.views.items())),
            leaves=tuple(self._leaf(*leaf) for leaf in sorted(meaning.leaves.items())),
            volatile=tuple(sorted(meaning.volatile)),
            unstable=tuple(sorted(meaning.unstable)),
            inexact=tuple(sorted(meaning.inexact)),
            kept=name in self._kept,
        )
        views = tuple((view, marks.written) for view, marks in sorted(meaning.views.items()))
        return Planned(task, (query.written, meaning.plan.written, views))

    def alone(self, name: str) -> Planned:
        """Return a view of which nobody asks what it means: without a plan."""
        outline = self._outlines.outline(name)
        reading = outline.readings.get(WHOLE)
        query = reading.query if reading is not None else Marks(UNKNOWN, UNKNOWN)
        return Planned(replace(outline.task, query=query.exact), (query.written, UNKNOWN, ()))

    def _leaf(self, name: str, columns: set[str]) -> Requirement:
        return requirement(name, columns, self._schemas[name.partition("/")[0]])

    def meaning(self, name: str, columns: Columns = WHOLE) -> Meaning:
        """Return what a task means; first, one after the other, all that lies behind it."""
        wanted = columns
        stack: list[_Key] = [(name, wanted)]
        while stack:
            task, columns = stack[-1]
            outline = self._outlines.outline(task)
            if columns not in outline.readings:
                outline.readings[columns] = self._outlines.reading(task, columns)
            if columns not in outline.meanings:
                behind = self.behind(outline.readings[columns])
                missing = [key for key in behind if not self._is_known(*key)]
                if missing:
                    stack += missing
                    continue
                outline.meanings[columns] = self._made(outline.task, outline.readings[columns])
            stack.pop()
        return self._outlines.outline(name).meanings[wanted]

    def _is_known(self, task: str, columns: Columns) -> bool:
        return columns in self._outlines.outline(task).meanings

    def behind(self, reading: Reading) -> Iterator[_Key]:
        """Give the views that a query evaluates, each with the columns that it requires."""
        for needed in reading.requires:
            for part in self._producers.get(needed.dataset, ()):
                if not self._is_stored(part):
                    # Of all columns too: their order, and that there are no more, is not a
                    # reader's matter.
                    yield part.name, tuple(sorted(needed.names))

    def _made(self, task: Task, reading: Reading) -> Meaning:
        """Return the meaning of a reading of a task, those behind it being known."""
        meaning = Meaning(reading.query)
        _vary(meaning, task)
        facts: list[str | Marks] = []
        for needed in sorted(reading.requires, key=lambda r: r.dataset):
            dataset, columns = needed.dataset, tuple(sorted(needed.names))
            plans: list[str | Marks] = []
            for part in self._producers.get(dataset, ()):
                if self._is_stored(part):
                    _add_leaf(meaning, part.output, columns)
                    facts += ["leaf", part.output]
                else:
                    behind = self._outlines.outline(part.name).meanings[columns]
                    plans += [part.output, behind.plan]
                    _vary(meaning, behind)
                    for leaf, some in behind.leaves.items():
                        _add_leaf(meaning, leaf, some)
            if plans:
                meaning.views[dataset] = _marks("views", plans)
                facts += ["view", dataset, meaning.views[dataset]]
            if dataset not in self._producers:
                _add_leaf(meaning, dataset, columns)
                facts += ["leaf", dataset]
        meaning.plan = _marks("plan", [reading.query, *facts])
        return meaning

    def _is_stored(self, task: Task) -> bool:
        return task.kind is TaskKind.COMPUTE or task.name in self._kept


def _marks(what: str, facts: Iterable[str | Marks]) -> Marks:
    """Return the fingerprints of facts, of which some are fingerprints of both kinds."""
    pairs = [fact if isinstance(fact, Marks) else (fact, fact) for fact in facts]
    exact = fingerprint(what, *(one for one, _ in pairs))
    alike = all(one == other for one, other in pairs)
    return Marks(exact, exact if alike else fingerprint(what, *(other for _, other in pairs)))


def _vary(meaning: Meaning, behind: Task | Meaning) -> None:
    meaning.volatile.update(behind.volatile)
    meaning.unstable.update(behind.unstable)
    meaning.inexact.update(behind.inexact)


def _add_leaf(meaning: Meaning, leaf: str, columns: Collection[str]) -> None:
    meaning.leaves.setdefault(leaf, set()).update(columns)


def kept_views(outlines: Outlines, tasks: Mapping[str, Task]) -> frozenset[str]:
    """Return the views whose rows vary from one reading to the next, and that are read so.

    How often a view is evaluated is known once it is known how often its readers are.
    """
    readers: dict[str, list[str]] = {}
    for task in tasks.values():
        for needed in task.requires:
            readers.setdefault(needed.dataset, []).append(task.name)
    sorter = _readers_of_what_varies(tasks, readers)
    kept: set[str] = set()
    times: dict[str, int] = {}
    for name in sorter.static_order():
        task = tasks[name]
        times[name] = 0
        for reader in readers.get(task.dataset, ()):
            # A check is evaluated by itself, once.
            once = tasks[reader].kind is not TaskKind.VIEW or reader in kept
            scans = outlines.outline(reader).scanned.count(task.dataset)
            times[name] += scans if once else scans * times[reader]
        own = outlines.outline(name).task
        if times[name] >= SEVERAL and (own.volatile or own.unstable):
            kept.add(name)
    return frozenset(kept)


def _readers_of_what_varies(
    tasks: Mapping[str, Task], readers: Mapping[str, list[str]]
) -> TopologicalSorter[str]:
    """Return the views that vary by themselves and the views that read them, readers first."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    views = [task for task in tasks.values() if task.kind is TaskKind.VIEW]
    waiting = [task.name for task in views if task.volatile or task.unstable]
    known = set(waiting)
    while waiting:
        name = waiting.pop()
        above = [r for r in readers.get(tasks[name].dataset, ()) if _is_view(tasks[r])]
        sorter.add(name, *above)
        waiting += [reader for reader in above if reader not in known]
        known.update(above)
    return sorter


def _is_view(task: Task) -> bool:
    return task.kind is TaskKind.VIEW


def requirement(name: str, columns: Iterable[str], schema: Schema) -> Requirement:
    """Return the requirement of some columns of a schema."""
    wanted = set(columns)
    kinds = (Column(c.name, c.type) for c in schema.columns if c.name in wanted)
    return Requirement(name, tuple(sorted(kinds, key=lambda c: c.name)))
