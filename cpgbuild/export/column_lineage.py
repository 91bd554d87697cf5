"""Column lineage: what each column of each task is made of, by the numbers that the page counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import UNKNOWN, Fingerprint, fingerprint
from cpgbuild.core.lineage import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.lineage import Derivation, Derivations, Use, Uses
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.workspace import Workspace

# Of an expression so many characters are shown.
SHOWN = 2000
# How columns are used, as `filter`, with the numbers of these columns.
UsesPart = list[tuple[str, list[int]]]
# What a task makes one column of: its expression, the columns whose values are in it, and those
# that decide which value it gets.
MadePart = tuple[str, list[int], UsesPart]


@dataclass(frozen=True, slots=True)
class KnownDerivations:
    """What was found of tasks before: by name, with what of a task decides it.

    To find it takes the planner some milliseconds a task, and most stay as they are while a page
    is served.
    """

    found: dict[str, tuple[Fingerprint, Derivations]] = field(default_factory=dict)

    def of(self, workspace: Workspace, task: Task) -> Derivations:
        """Return what a task's output is made of."""
        reads = [str(column) for needed in task.requires for column in needed.columns]
        mark = fingerprint(task.query, task.schema.fingerprint, *reads)
        before = self.found.get(task.name)
        if before is not None and before[0] == mark and task.query != UNKNOWN:
            return before[1]
        derivations = workspace.compiler.derivations(task.name)
        self.found[task.name] = (mark, derivations)
        return derivations


class ColumnLineage:
    """Knows the number of each column of a project, and what tasks make of them."""

    def __init__(self, workspace: Workspace, known: KnownDerivations) -> None:
        """Number the columns of all datasets through, in the graph's order."""
        self._workspace = workspace
        self._known = known
        cells = (
            Cell(dataset.name, column)
            for dataset in workspace.graph.datasets
            for column in schema_of(workspace, dataset.name).names
        )
        self._numbers = {cell: number for number, cell in enumerate(cells)}

    def made(self, task: Task) -> tuple[list[MadePart], UsesPart]:
        """Return what each column of a task is made of, in their order, and what decides its rows.

        An expression that is longer than `SHOWN` is cut.
        """
        derivations = self._known.of(self._workspace, task)
        columns = [self._column(derivations.columns[name]) for name in task.schema.names]
        return columns, self._uses(derivations.rows)

    def _column(self, made: Derivation) -> MadePart:
        text = made.expression
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        return shown, self._numbered(made.direct), self._uses(made.uses)

    def _uses(self, uses: Uses) -> UsesPart:
        """Return columns by how they decide something."""
        found: dict[Use, list[Cell]] = {}
        for cell, kinds in sorted(uses.items()):
            for kind in kinds:
                if not kind.is_direct:
                    found.setdefault(kind, []).append(cell)
        return [(str(kind), self._numbered(cells)) for kind, cells in sorted(found.items())]

    def _numbered(self, cells: Iterable[Cell]) -> list[int]:
        return [self._numbers[cell] for cell in cells]


def schema_of(workspace: Workspace, dataset: str) -> Schema:
    """Return the columns of a dataset of the graph."""
    makers = workspace.graph.makers(dataset)
    return makers[0].schema if makers else workspace.graph.sources[dataset]
