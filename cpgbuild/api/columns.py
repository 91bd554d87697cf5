"""Lineage: where the columns of a project come from, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.lineage import Cell, Step, downstream, upstream
from cpgbuild.errors.project import UnknownColumn, UnknownTarget
from cpgbuild.errors.report import near_match
from cpgbuild.plan.contract import schema_of
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.core.schema import Schema
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Lineage:
    """The steps up and down from a column; of a dataset, one step for each of its columns."""

    dataset: str
    column: str | None
    up: list[Step]
    down: list[Step]


def lineage(name: str, project: str | Path = ".", *, overrides: Overrides | None = None) -> Lineage:
    """Return the lineage of a column, as `sales.amount`, or of all columns of a dataset.

    Raises:
        UnknownTarget, UnknownColumn: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        graph, derive = workspace.graph, workspace.compiler.derivations
        schema = schema_named(workspace, name)
        if schema is not None:
            makers = graph.makers(name)
            dataset = makers[0].dataset if makers else name
            cells = [Cell(dataset, column) for column in schema.names]
            up = [step for cell in cells for step in upstream(graph, cell, derive, within=0)]
            down = [step for cell in cells for step in downstream(graph, cell, derive, within=1)]
            return Lineage(dataset, None, up, _once(down))
        cell = cell_named(workspace, name)
        up, down = upstream(graph, cell, derive), downstream(graph, cell, derive)
        return Lineage(cell.dataset, cell.column, up, down)


def _once(steps: list[Step]) -> list[Step]:
    return list({(step.cell, step.task): step for step in steps}.values())


def schema_named(workspace: Workspace, name: str) -> Schema | None:
    """Return the columns of the dataset or task that is named so, if one is."""
    makers = workspace.graph.makers(name)
    if makers:
        return makers[0].schema
    if name in workspace.project.sources:
        return schema_of(workspace.sources.schema(name))
    return None


def cell_named(workspace: Workspace, name: str) -> Cell:
    """Return the column that a name with a dot in it means.

    Raises:
        UnknownTarget, UnknownColumn: it means none.
    """
    words = name.split(".")
    for end in range(len(words) - 1, 0, -1):
        owner, column = ".".join(words[:end]), ".".join(words[end:])
        schema = schema_named(workspace, owner)
        if schema is not None:
            makers = workspace.graph.makers(owner)
            dataset = makers[0].dataset if makers else owner
            if column not in schema.names:
                raise UnknownColumn(column, dataset, schema.names)
            return Cell(dataset, column)
    graph = workspace.graph
    known = [*(d.name for d in graph.datasets), *graph.tasks, *workspace.project.sources]
    owner = name.rpartition(".")[0]
    raise UnknownTarget(owner if near_match(owner, known) else name, known)
