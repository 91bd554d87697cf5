"""Graphs: what lies downstream of a change, and the graph as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.api.columns import cell_named
from cpgbuild.core import picture
from cpgbuild.core.impact import Impact, column_impact, impact_since, lost
from cpgbuild.core.lock import Difference, lock_of
from cpgbuild.project import config
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import (
    parse_lock,
    read_lock,
)
from cpgbuild.state.lock import planner as planner_text
from cpgbuild.state.repository import text_at
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace


def impact(
    name: str,
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
) -> list[Impact]:
    """Return the tasks downstream of a dataset or task, nearest first.

    `name` may be a column, as `orders.amount`: then they are those that its values reach.

    Raises:
        UnknownTarget, UnknownColumn: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        return _downstream(workspace, name)


def _downstream(workspace: Workspace, name: str) -> list[Impact]:
    graph = workspace.graph
    if graph.find(name) is not None or name in workspace.project.sources:
        return graph.impact(name)
    dataset, column = cell_named(workspace, name)
    return column_impact(graph, dataset, column, workspace.compiler.lineage)


@dataclass(frozen=True, slots=True)
class Since:
    """What became of a project: the tasks that are reached, and what is gone or is no task."""

    impacts: list[Impact]
    others: list[Difference]


def since(
    ref: str,
    project: str | Path = ".",
    *,
    name: str | None = None,
    overrides: Overrides | None = None,
) -> Since:
    """Return what the way from the lock at a git commit to the project as it is now reaches.

    Of a source that is not there the schema is that in `cpgbuild.lock`. With a name, only what
    lies downstream of it.

    Raises:
        NoRepository, UnknownRef, NoLockAtRef: git does not give the lock.
        CpgbuildError: that lock, the request or the project is wrong.
    """
    path = config.find_root(Path(project)) / LOCK
    old = parse_lock(text_at(ref, path), f"{ref}:{LOCK}")
    known = read_lock(path) if path.exists() else old
    with opened(project, overrides, known) as workspace:
        new = lock_of(workspace.locked, planner_text())
        impacts, others = impact_since(old, new, workspace.graph), list(lost(old, new))
        if name is not None:
            behind = {found.task.name for found in _downstream(workspace, name)}
            impacts = [found for found in impacts if found.task.name in behind]
            others = [other for other in others if other.name == name]
        return Since(impacts, others)


def graph(
    project: str | Path = ".", *, form: str = "dot", overrides: Overrides | None = None
) -> str:
    """Return the graph of datasets as text: `dot`, `mermaid`, `json` or `svg`.

    Raises:
        CpgbuildError: the project is wrong.
    """
    forms = {"dot": picture.dot, "mermaid": picture.mermaid, "svg": picture.svg}
    draw = (forms | {"json": picture.as_json})[form]
    with opened(project, overrides) as workspace:
        return draw(workspace.graph)
