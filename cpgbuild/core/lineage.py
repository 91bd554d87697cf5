"""Lineage: what each column of each task is made of, and the ways that lead up and down from it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cpgbuild.core.graph import Graph


class Use(StrEnum):
    """How a column of an input is used; the kinds are those of OpenLineage's column lineage.

    The first three are direct: values are made of values. A condition or a window decides which
    value one column gets; the others decide which rows there are, for all columns.
    """

    IDENTITY = "identity"
    TRANSFORMATION = "transformation"
    AGGREGATION = "aggregation"
    CONDITION = "condition"
    WINDOW = "window"
    FILTER = "filter"
    JOIN = "join"
    GROUP = "group"
    SORT = "sort"
    UNNEST = "unnest"

    @property
    def is_direct(self) -> bool:
        """Whether values are made of values."""
        return self in _DIRECT


# From the weakest to the strongest: what is made of a sum is an aggregate.
_DIRECT = (Use.IDENTITY, Use.TRANSFORMATION, Use.AGGREGATION)


class Cell(NamedTuple):
    """A column of a dataset."""

    dataset: str
    column: str

    def __str__(self) -> str:
        """Return it as users write it."""
        return f"{self.dataset}.{self.column}"


# The columns that something is made of, and how each is used.
Uses = Mapping[Cell, frozenset[Use]]


@dataclass(frozen=True, slots=True)
class Derivation:
    """What one output column is made of.

    The expression is in terms of the columns of the task's inputs, as SQL.
    """

    expression: str
    uses: Uses = field(default_factory=dict)

    @property
    def direct(self) -> list[Cell]:
        """The columns whose values are in it, sorted."""
        return sorted(cell for cell, uses in self.uses.items() if any(u.is_direct for u in uses))


@dataclass(frozen=True, slots=True)
class Derivations:
    """What a task's output is made of: each column, and which rows there are."""

    columns: Mapping[str, Derivation]
    rows: Uses = field(default_factory=dict)


# What knows the derivations of a task by its name.
Deriver = Callable[[str], Derivations]


@dataclass(frozen=True, slots=True)
class Step:
    """A column on the way up or down: which task makes it, and of what.

    `distance` counts the tasks between it and the column that was asked for. A column of a source
    has no task.
    """

    cell: Cell
    distance: int
    task: str = ""
    derivation: Derivation | None = None
    rows: Uses = field(default_factory=dict)


def upstream(graph: Graph, start: Cell, derive: Deriver, within: float = math.inf) -> list[Step]:
    """Return the steps from a column up to the sources, nearest first, each column once.

    Direct uses are followed, those `within` some distance; what else decides is told at each step.
    """
    found: list[Step] = []
    waiting, seen = deque([(start, 0)]), {start}
    while waiting:
        cell, distance = waiting.popleft()
        steps = list(_made(graph, cell, distance, derive))
        found += steps or [Step(cell, distance)]
        for step in steps if distance < within else ():
            for above in step.derivation.direct if step.derivation else ():
                if above not in seen:
                    seen.add(above)
                    waiting.append((above, distance + 1))
    return found


def _made(graph: Graph, cell: Cell, distance: int, derive: Deriver) -> Iterator[Step]:
    for task in graph.makers(cell.dataset):
        derivations = derive(task.name)
        derivation = derivations.columns.get(cell.column)
        if derivation is not None:
            yield Step(cell, distance, task.name, derivation, derivations.rows)


def downstream(graph: Graph, start: Cell, derive: Deriver, within: float = math.inf) -> list[Step]:
    """Return the steps from a column down to what is made of its values, nearest first.

    Those are followed that are `within` some distance.
    """
    found: dict[tuple[Cell, str], Step] = {}
    waiting, seen = deque([(start, 0)]), {start}
    while waiting:
        cell, distance = waiting.popleft()
        for task in graph.readers(cell.dataset) if graph.find(cell.dataset) is not None else ():
            if all(cell.column not in r.names for r in task.requires if r.dataset == cell.dataset):
                continue
            derivations = derive(task.name)
            for name, derivation in derivations.columns.items():
                if cell not in derivation.direct:
                    continue
                below = Cell(task.dataset, name)
                step = Step(below, distance + 1, task.name, derivation, derivations.rows)
                found.setdefault((below, task.name), step)
                if below not in seen and distance + 1 < within:
                    seen.add(below)
                    waiting.append((below, distance + 1))
    return list(found.values())


def merged(parts: Iterable[Uses]) -> dict[Cell, frozenset[Use]]:
    """Return the uses of several together."""
    found: dict[Cell, frozenset[Use]] = {}
    for uses in parts:
        for cell, kinds in uses.items():
            found[cell] = found.get(cell, frozenset()) | kinds
    return found


def as_use(uses: Uses, use: Use) -> dict[Cell, frozenset[Use]]:
    """Return the same columns, all used in one way; of direct ways the stronger one counts."""
    if not use.is_direct:
        return dict.fromkeys(uses, frozenset({use}))
    return {cell: frozenset(_stronger(kind, use) for kind in kinds) for cell, kinds in uses.items()}


def _stronger(kind: Use, use: Use) -> Use:
    return max(kind, use, key=_DIRECT.index) if kind.is_direct else kind
