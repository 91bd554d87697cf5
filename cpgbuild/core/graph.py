"""Graph: the bipartite DAG of datasets and tasks. Pure, immutable once built.

An edge runs from what is needed to what needs it: dataset → task is `Requirement` (the columns
that the task's plan requires, with their types) or `Verifies` (only a check of it reads them), task
→ dataset is `Produces`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import rustworkx as rx

from cpgbuild.core.dataset import Dataset, DatasetKind
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.core.impact import Impact
from cpgbuild.core.task import Requirement, Task, TaskKind
from cpgbuild.errors.graph import Cycle, UnknownDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cpgbuild.core.schema import Schema

Node = Dataset | Task


@dataclass(frozen=True, slots=True)
class Produces:
    """The edge from a task to the dataset that it makes, or contributes to."""


@dataclass(frozen=True, slots=True)
class Verifies:
    """The edge from a dataset to a task that reads it in a check, and not to make its rows."""

    columns: tuple[str, ...]


Edge = Requirement | Produces | Verifies


class Graph:
    """Datasets and tasks, and the questions that the build asks of them."""

    def __init__(self, tasks: Iterable[Task], sources: Mapping[str, Schema]) -> None:
        """Build the graph.

        Raises:
            UnknownDataset: a task requires what is neither a source nor produced.
            Cycle: some dataset is, through its tasks, required to make itself.
        """
        self.tasks = {task.name: task for task in sorted(tasks, key=lambda t: t.name)}
        self.sources = dict(sorted(sources.items()))
        self.dag: rx.PyDiGraph[Node, Edge] = rx.PyDiGraph(multigraph=False)
        self.producers: dict[str, list[Task]] = {}
        for task in self.tasks.values():
            self.producers.setdefault(task.dataset, []).append(task)
        self._dataset = {
            name: self.dag.add_node(Dataset(name, self._kind(name)))
            for name in sorted({*self.sources, *self.producers})
        }
        self._task = {name: self.dag.add_node(task) for name, task in self.tasks.items()}
        for task in self.tasks.values():
            self._connect(task)
        if cycle := rx.digraph_find_cycle(self.dag):
            raise self._cycle([source for source, _ in cycle])

    def _kind(self, name: str) -> DatasetKind:
        if name not in self.producers:
            return DatasetKind.SOURCE
        kinds = {task.kind for task in self.producers[name]}
        alone = len(self.producers[name]) == 1
        return DatasetKind.TABLE if alone and kinds == {TaskKind.COMPUTE} else DatasetKind.VIEW

    def _connect(self, task: Task) -> None:
        node = self._task[task.name]
        self.dag.add_edge(node, self._dataset[task.dataset], Produces())
        for requirement in task.requires:
            dataset = self._dataset.get(requirement.dataset)
            if dataset is None:
                raise UnknownDataset(requirement.dataset, task.name, self._dataset, task.place)
            self.dag.add_edge(dataset, node, requirement)
        verified: dict[str, set[str]] = {}
        for needed in (needed for check in task.checks for needed in check.requires):
            verified.setdefault(needed.dataset, set()).update(needed.names)
        # What the task reads anyhow has an edge that says more.
        for name in verified.keys() - {requirement.dataset for requirement in task.requires}:
            edge = Verifies(tuple(sorted(verified[name])))
            self.dag.add_edge(self._dataset[name], node, edge)

    def _cycle(self, nodes: list[int]) -> Cycle:
        names = [n.name for n in map(self.dag.get_node_data, nodes) if isinstance(n, Dataset)]
        return Cycle(names, self.producers[names[0]][0].place)

    @property
    def datasets(self) -> Iterator[Dataset]:
        """All dataset nodes, by name."""
        return (cast("Dataset", self.dag[node]) for node in self._dataset.values())

    @property
    def stored(self) -> list[Task]:
        """All tasks whose outputs are tables, by name."""
        return [task for task in self.tasks.values() if task.stored]

    @property
    def signature(self) -> Fingerprint:
        """The graph signature: of every task's plan and schema, and every source's schema."""
        facts: list[str] = []
        for name, schema in self.sources.items():
            facts += ["source", name, schema.fingerprint]
        for task in self.tasks.values():
            reads = [f"{r.dataset}({', '.join(r.names)})" for r in task.requires]
            facts += ["task", task.name, task.output, task.plan, task.schema.fingerprint, *reads]
        return fingerprint(*facts)

    def index(self, node: Node) -> int:
        """Return the node's index in `dag`."""
        table = self._dataset if isinstance(node, Dataset) else self._task
        return table[node.name]

    def find(self, name: str) -> Node | None:
        """Return the dataset or the task of that name; a dataset where both have it."""
        if name in self._dataset:
            return self.dag[self._dataset[name]]
        return self.tasks.get(name)

    def impact(self, name: str) -> list[Impact]:
        """Return the tasks downstream of a dataset or task, nearest first, then by name.

        A task's distance is the number of tasks on the shortest way, itself included.
        """
        start = self.find(name)
        if start is None:
            return []
        first = self.index(start)
        affected = {first, *rx.descendants(self.dag, first)}
        distance = {first: 0}
        layer = [first]
        while layer:
            reached = [
                (node, n)
                for n in layer
                for node in self.dag.successor_indices(n)
                if node not in distance
            ]
            for node, via in reached:
                step = isinstance(self.dag[node], Task)
                distance.setdefault(node, distance[via] + step)
            layer = list(dict.fromkeys(node for node, _ in reached))
        found = [
            Impact(task, distance[node], self._columns_from(node, affected))
            for node, task in ((n, self.dag[n]) for n in affected - {first})
            if isinstance(task, Task)
        ]
        return sorted(found, key=lambda i: (i.distance, i.task.name))

    def downstream(self, nodes: Iterable[Node]) -> set[str]:
        """Return the tasks downstream of datasets or tasks, by name."""
        waiting = [self.index(node) for node in nodes]
        known = set(waiting)
        while waiting:
            further = [n for n in self.dag.successor_indices(waiting.pop()) if n not in known]
            known.update(further)
            waiting += further
        return {node.name for node in map(self.dag.get_node_data, known) if isinstance(node, Task)}

    def _columns_from(self, node: int, affected: set[int]) -> tuple[str, ...]:
        """Return the columns that a task requires of the affected datasets, by name."""
        names: set[str] = set()
        for source, _, edge in self.dag.in_edges(node):
            if source in affected and isinstance(edge, Requirement):
                names.update(edge.names)
            elif source in affected and isinstance(edge, Verifies):
                names.update(edge.columns)
        return tuple(sorted(names))

    def makers(self, name: str) -> list[Task]:
        """Return the task of that name, or those that make the dataset of that name."""
        node = self.find(name)
        return [node] if isinstance(node, Task) else self.producers.get(name, [])

    def readers(self, dataset: str) -> list[Task]:
        """Return the tasks whose own queries read a dataset, by name."""
        edges = self.dag.out_edges(self._dataset[dataset])
        found = [self.dag[node] for _, node, edge in edges if isinstance(edge, Requirement)]
        return sorted((n for n in found if isinstance(n, Task)), key=lambda task: task.name)

    def near(self, dataset: str) -> set[str]:
        """Return the names of the tasks that read a dataset to make their rows or check them."""
        nodes = self.dag.successor_indices(self._dataset[dataset])
        return {n.name for n in map(self.dag.get_node_data, nodes) if isinstance(n, Task)}

    def generations(self) -> list[list[Task]]:
        """Return the waves: the tasks that could start together, if each took no time."""
        layers = rx.topological_generations(self.dag)
        waves = [[n for n in map(self.dag.get_node_data, w) if isinstance(n, Task)] for w in layers]
        return [sorted(wave, key=lambda t: (t.priority, t.name)) for wave in waves if wave]

    def in_order(self) -> list[Task]:
        """Return all tasks in dependency order; where several could come, by priority and name."""

        def key(node: Node) -> str:
            # Datasets come at once, so that they hold back none of their readers.
            if isinstance(node, Dataset):
                return ""
            return f"{node.priority + 10**12:016d} {node.name}"

        ordered = rx.lexicographical_topological_sort(self.dag, key)
        return [node for node in ordered if isinstance(node, Task)]

    def critical_path(self, seconds: Mapping[str, float]) -> list[Task]:
        """Return the chain of tasks that takes longest; a task without a figure counts 1 s."""

        def weight(_source: int, target: int, _edge: Edge) -> float:
            node = self.dag[target]
            return seconds.get(node.name, 1.0) if isinstance(node, Task) else 0.0

        path = rx.dag_weighted_longest_path(self.dag, weight)
        return [n for n in map(self.dag.get_node_data, path) if isinstance(n, Task)]
