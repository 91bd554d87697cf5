"""Scheduler: which tasks are ready. A readiness loop over the graph; it starts nothing itself."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeGuard

import rustworkx as rx

from cpgbuild.core.task import Task

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.task import Lane


class Scheduler:
    """Hands out each selected task once, when all producers of all it reads have succeeded.

    Ready tasks come by priority (ascending), then by the time that the longest way through what
    waits for them took before, then by name, with no barrier between generations.
    """

    def __init__(
        self, graph: Graph, selected: Iterable[str], seconds: Mapping[str, float] | None = None
    ) -> None:
        """Take the graph, the names of the tasks to hand out, and what each took, where known."""
        self._tasks = {name: graph.tasks[name] for name in selected}
        self._dag: rx.PyDiGraph[str | Task, None] = rx.PyDiGraph(multigraph=False)
        self._node = {name: self._dag.add_node(task) for name, task in self._tasks.items()}
        self._connect()
        self._ways = self._longest_ways(seconds or {})
        # The evidence that is there, and the tasks that need none: all that nothing precedes.
        initial = [n for n in self._dag.node_indices() if not self._dag.in_degree(n)]
        self._sorter = rx.TopologicalSorter(self._dag, check_cycle=False, initial=initial)
        self._ready: dict[Lane, list[tuple[int, float, str]]] = {}
        self._unfinished = set(self._tasks)
        self._advance()

    def _connect(self) -> None:
        datasets: dict[str, int] = {}

        def dataset(name: str) -> int:
            if name not in datasets:
                datasets[name] = self._dag.add_node(name)
            return datasets[name]

        for name, task in self._tasks.items():
            self._dag.add_edge(self._node[name], dataset(task.dataset), None)
            for needed in task.needs:
                self._dag.add_edge(dataset(needed), self._node[name], None)

    def _longest_ways(self, seconds: Mapping[str, float]) -> dict[int, float]:
        """Return for each node how long the longest way from it took; what is new, the mean.

        The time that a build takes is at least that of its longest way, so that is begun first.
        """
        known = [seconds[n] for n, task in self._tasks.items() if task.stored and n in seconds]
        mean = sum(known) / len(known) if known else 0.0
        ways: dict[int, float] = {}
        for node in reversed(rx.topological_sort(self._dag)):
            payload = self._dag[node]
            # Of a view it is what its readers take.
            own = seconds.get(payload.name, mean) if _takes_time(payload) else 0.0
            ways[node] = own + max(
                (ways[n] for n in self._dag.successor_indices(node)), default=0.0
            )
        return ways

    def _advance(self) -> None:
        """Pass through datasets that became ready, up to the tasks behind them."""
        while nodes := self._sorter.get_ready():
            for node in nodes:
                payload = self._dag[node]
                if isinstance(payload, Task):
                    ready = self._ready.setdefault(payload.lane, [])
                    heappush(ready, (payload.priority, -self._ways[node], payload.name))
                else:
                    self._sorter.done(node)

    def pop_ready(self, full: Container[Lane] = ()) -> Task | None:
        """Take the first ready task whose lane is not in `full`; None where there is none."""
        open_lanes = [ready for lane, ready in self._ready.items() if ready and lane not in full]
        if not open_lanes:
            return None
        return self._tasks[heappop(min(open_lanes))[-1]]

    def succeed(self, task: Task) -> None:
        """Mark a task done, run or up to date, and free those that wait for it."""
        self._unfinished.discard(task.name)
        self._sorter.done(self._node[task.name])
        self._advance()

    def fail(self, task: Task) -> list[Task]:
        """Mark a task failed; return the selected tasks that can now never start, by name."""
        self._unfinished.discard(task.name)
        below = rx.descendants(self._dag, self._node[task.name])
        lost = [n for n in map(self._dag.get_node_data, below) if isinstance(n, Task)]
        fresh = sorted((t for t in lost if t.name in self._unfinished), key=lambda t: t.name)
        self._unfinished.difference_update(t.name for t in fresh)
        return fresh

    def remaining(self) -> list[Task]:
        """Return the tasks that neither succeeded, failed nor were lost, by name."""
        return [self._tasks[name] for name in sorted(self._unfinished)]


def _takes_time(node: str | Task) -> TypeGuard[Task]:
    return isinstance(node, Task) and node.stored
