"""Impact: the tasks downstream of a change, and how it reaches them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.lock import Aspect, Change, Difference, differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.lock import Lock
    from cpgbuild.core.task import Requirement, Task

# Of a task and one of its output columns (None: of its rows): the columns, by dataset, that it is
# made of. Of a dataset with no columns the number of rows matters.
Lineage = Callable[[str, str | None], Mapping[str, Collection[str]]]

# What of a task is its own doing; the rest came to it from elsewhere.
_OWN = frozenset(
    {Aspect.ADDED, Aspect.QUERY, Aspect.INPUTS, Aspect.SCHEMA, Aspect.DATASET}
    | {Aspect.KIND, Aspect.VARIABLES, Aspect.KEPT}
)


@dataclass(frozen=True, slots=True)
class Impact:
    """A task downstream of a change: how many tasks away, and the columns that lead to it.

    `affects` are those of its output columns that the change reaches, where columns were asked
    for; `because` says what changed, where two states of a project were compared.
    """

    task: Task
    distance: int
    columns: tuple[str, ...]
    affects: tuple[str, ...] = ()
    because: tuple[Change, ...] = ()


@dataclass(slots=True)
class _Reached:
    """What a change does to a dataset: to which columns, and to which rows there are."""

    columns: set[str]
    rows: bool
    distance: int

    def touches(self, columns: Collection[str]) -> bool:
        """Return whether who needs these columns, of all rows, sees the change."""
        return self.rows or not self.columns.isdisjoint(columns)


def column_impact(graph: Graph, dataset: str, column: str, lineage: Lineage) -> list[Impact]:
    """Return the tasks that a column's values reach, nearest first, then by name.

    An output column is affected where its values, or which rows there are, depend on the column.
    Only the tasks on the way are looked into.
    """
    reached = {dataset: _Reached({column}, rows=False, distance=0)}
    found: list[Impact] = []
    for task in graph.in_order():
        via = [r for r in task.requires if r.dataset in reached]
        via = [r for r in via if reached[r.dataset].touches(r.names)]
        affects, rows = _affected(task, via, reached, lineage) if via else ((), False)
        if not affects and not rows:
            continue
        distance = 1 + min(reached[r.dataset].distance for r in via)
        leading = {n for r in via for n in r.names if n in reached[r.dataset].columns}
        found.append(Impact(task, distance, tuple(sorted(leading)), affects))
        there = reached.setdefault(task.dataset, _Reached(set(), rows=False, distance=distance))
        there.columns.update(affects)
        there.rows |= rows
        there.distance = min(there.distance, distance)
    return sorted(found, key=_nearest)


def _affected(
    task: Task, via: Iterable[Requirement], reached: Mapping[str, _Reached], lineage: Lineage
) -> tuple[tuple[str, ...], bool]:
    """Return the output columns that are reached, and whether the rows as such are."""

    def depends(column: str | None) -> bool:
        needed = lineage(task.name, column)
        return any(reached[d].touches(columns) for d, columns in needed.items() if d in reached)

    if depends(None):
        return task.schema.names, True
    affects = tuple(name for name in task.schema.names if depends(name))
    required = any(not reached[r.dataset].columns.isdisjoint(r.names) for r in via)
    if not affects and required:
        # The whole query needs the column, and no part of it says what for.
        return task.schema.names, True
    return affects, False


def impact_since(old: Lock, new: Lock, graph: Graph) -> list[Impact]:
    """Return the tasks that the way from one lock to the other reaches, nearest first.

    `graph` is that of the new lock. A task whose own query, schema or inputs changed has a
    distance of 0; what evaluates a view that changed, or reads a table that does, lies behind it.
    """
    changed = {d.name: d for d in differences(old, new) if d.task is not None}
    sources = {d.name for d in differences(old, new) if d.name and d.task is None}
    walk = _Walk(old, graph, sources)
    for task in graph.in_order():
        walk.visit(task, changed.get(task.name))
    return sorted(walk.found.values(), key=_nearest)


class _Walk:
    """A walk down the graph that notes what is reached, and through what."""

    def __init__(self, old: Lock, graph: Graph, sources: set[str]) -> None:
        """Take the old lock, the graph, and the sources whose schemas changed."""
        self.found: dict[str, Impact] = {}
        self._graph = graph
        self._sources = sources
        self._tables: set[str] = set()
        self._producers: dict[str, set[tuple[str, str, bool]]] = {}
        for task in old.tasks.values():
            self._producers.setdefault(task.dataset, set()).add((task.name, task.kind, task.kept))

    def visit(self, task: Task, difference: Difference | None) -> None:
        """Note whether a task is reached; all that it reads was visited."""
        changes = difference.changes if difference is not None else ()
        own = [change for change in changes if change.aspect in _OWN]
        through = {r.dataset: r for r in task.requires if self._comes_through(task, r, changes)}
        if any(change.aspect is Aspect.QUERY for change in own):
            # A query is one of its sources' columns too.
            own += [_from(r.dataset) for r in task.requires if r.dataset in self._sources]
        because = [*own, *(_from(dataset) for dataset in sorted(through))]
        if not because and any(change.aspect is Aspect.PLAN for change in changes):
            because = [change for change in changes if change.aspect is Aspect.PLAN]
        if not because:
            return
        distance = 0 if own else 1 + min(map(self._distance, through), default=0)
        columns = tuple(sorted({name for r in through.values() for name in r.names}))
        self.found[task.name] = Impact(task, distance, columns, (), tuple(because))
        if task.stored:
            self._tables.add(task.output)

    def _comes_through(self, task: Task, read: Requirement, changes: Iterable[Change]) -> bool:
        """Return whether a task is reached through this input of it."""
        dataset = read.dataset
        if any(c.aspect is Aspect.VIEW and c.dataset == dataset for c in changes):
            return True
        parts = self._graph.producers.get(dataset, [])
        now = {(part.name, str(part.kind), part.kept) for part in parts}
        if parts and now != self._producers.get(dataset, now):
            return True
        behind = {leaf.dataset for leaf in task.leaves} & self._tables
        return any(
            part.output in behind
            if part.stored
            else not behind.isdisjoint(leaf.dataset for leaf in part.leaves)
            for part in parts
        )

    def _distance(self, dataset: str) -> int:
        parts = self._graph.producers[dataset]
        known = (self.found[part.name].distance for part in parts if part.name in self.found)
        return min(known, default=0)


def _from(dataset: str) -> Change:
    return Change(Aspect.UPSTREAM, f"through {dataset}", dataset)


def _nearest(impact: Impact) -> tuple[int, str]:
    return (impact.distance, impact.task.name)


def lost(old: Lock, new: Lock) -> Iterator[Difference]:
    """Return what no graph has any more or what is no task: tasks removed, sources that changed."""
    for difference in differences(old, new):
        removed = any(change.aspect is Aspect.REMOVED for change in difference.changes)
        if difference.task is None or removed:
            yield difference
