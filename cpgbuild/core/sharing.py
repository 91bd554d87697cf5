"""Sharing: the views that a build evaluates once for all who read them, where that is cheaper.

A view holds nothing: each table that reads it evaluates it anew, or what of it the table's query
needs. Where several tables are about to run, it can be cheaper to evaluate it once, put its rows
aside and read them from there. What that costs is known from when it was done before. Else it is
guessed from what the tables took that evaluate the view, and it is done only for one that joins,
groups or sorts. Which rows a table gets does not depend on it.

Where views are read by views so many times over that one query of all of them would take long to
plan, or could not be planned at all, some on the way are evaluated first too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Engine
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace

# The fact of a view's trace that its rows are too many to be put aside.
TOO_LARGE = "too large to put aside"
# It has to be read so many times.
SEVERAL = 2
# Less than this is not worth another way of doing it, in seconds.
LEAST = 0.25
# What it costs to put a row aside, and to take it from there again, in seconds.
WRITING, READING = 2e-7, 5e-8
# So many views one above the other are evaluated in one query: planning it takes time that grows
# with the square of that, 0.4 s for so many, and DataFusion 55 dies of some hundreds.
DEEP = 50
# Of the time of the fastest table that evaluates a view, at most so much is taken to be the view's.
PART = 0.5


@dataclass(frozen=True, slots=True)
class Once:
    """That a view is evaluated once, though it is read so often, and the seconds that may save."""

    readings: int
    saves: float


@dataclass(frozen=True, slots=True)
class _Use:
    """How often a view is read by what runs, and what the fastest table that evaluates it took."""

    readings: int
    fastest: float


class Sharing:
    """Decides about each view when it is asked for, and sticks to having it evaluated once."""

    def __init__(
        self,
        graph: Graph,
        engine: Engine,
        traces: Mapping[str, Trace],
        runs: Callable[[Task], bool],
    ) -> None:
        """Take the graph, the last traces by task, and who knows whether a table is to run."""
        self._graph = graph
        self._engine = engine
        self._traces = dict(traces)
        self._runs = runs
        self._uses: dict[str, _Use] = {}
        self._decided: dict[str, Once | None] = {}

    def behind(self, task: Task) -> tuple[Task, ...]:
        """Return the views behind a task that are evaluated before it, in this order."""
        order: dict[str, Task] = {}
        stack: list[tuple[Task, bool]] = [(task, False)]
        seen: set[str] = set()
        while stack:
            one, is_done = stack.pop()
            if is_done:
                order[one.name] = one
            elif one.name not in seen:
                seen.add(one.name)
                stack.append((one, True))
                stack += [(view, False) for view in self._views_of(one)]
        found: list[Task] = []
        depth: dict[str, int] = {}
        for view in order.values():
            depth[view.name] = 1 + max((depth[v.name] for v in self._views_of(view)), default=0)
            if view is not task and (self.once(view) or depth[view.name] == DEEP):
                found.append(view)
                depth[view.name] = 0
        return tuple(found)

    def learn(self, trace: Trace) -> None:
        """Take what a table, or a view, took just now for what it takes the next time."""
        self._traces[trace.task] = trace
        if trace.seconds >= LEAST:
            # What was not worth it by what was known then, may be so for those who are to come.
            self._decided = {name: once for name, once in self._decided.items() if once}

    def _views_of(self, task: Task) -> Iterator[Task]:
        for needed in task.requires:
            for part in self._graph.producers.get(needed.dataset, ()):
                if not part.stored:
                    yield part

    def once(self, view: Task) -> Once | None:
        """Return whether a view is evaluated once, what reads it being decided about first."""
        stack = [view]
        while stack:
            one = stack[-1]
            readers = self._graph.readers(one.dataset)
            missing = [r for r in readers if not r.stored and r.name not in self._decided]
            if one.name in self._decided or not missing:
                stack.pop()
                if one.name not in self._decided:
                    self._uses[one.name] = self._use(readers)
                    self._decided[one.name] = self._decision(one, self._uses[one.name])
            else:
                stack += missing
        return self._decided[view.name]

    def _use(self, readers: list[Task]) -> _Use:
        readings, times = 0, []
        for reader in readers:
            if reader.stored:
                readings += self._runs(reader)
                trace = self._traces.get(reader.name)
                times.append(trace.seconds if trace is not None else 0.0)
            else:
                use = self._uses[reader.name]
                readings += 1 if self._decided[reader.name] else use.readings
                times.append(use.fastest)
        return _Use(readings, min(filter(None, times), default=0.0))

    def _decision(self, view: Task, use: _Use) -> Once | None:
        trace = self._traces.get(view.name)
        # To put rows aside is no part of what it takes to evaluate the view.
        rows, seconds = (trace.rows, trace.seconds) if trace is not None else (0, 0.0)
        cost = max(0.0, seconds - rows * WRITING)
        more = use.readings - 1
        if use.readings < SEVERAL or more * max(cost, use.fastest) < LEAST:
            return None
        is_known = trace is not None and trace.query == self._engine.query(view)
        if is_known and trace is not None and TOO_LARGE in trace.facts:
            return None
        if not (seconds and is_known):
            if not self._engine.is_costly(view):
                return None
            cost = max(cost, use.fastest * PART)
        saves = more * cost - rows * (WRITING + use.readings * READING)
        return Once(use.readings, saves) if saves >= LEAST else None
