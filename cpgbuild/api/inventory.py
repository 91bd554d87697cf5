"""Inventory: all datasets of a project, each with its state, rows, size and age."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.api.building import decided
from cpgbuild.core.dataset import DatasetKind
from cpgbuild.core.selection import Request, select
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.core.events import Action
    from cpgbuild.core.rebuilder import Decision, Reason
    from cpgbuild.core.task import Task
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Listed:
    """A dataset, or a task's part of one, as it is now.

    `action` is what a build would do with it, None of a source. Rows, bytes and the moment of the
    last build (ISO 8601, UTC) are None where there are none, or nobody knows.
    """

    name: str
    kind: DatasetKind
    description: str = ""
    tags: tuple[str, ...] = ()
    action: Action | None = None
    reasons: tuple[Reason, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    built: str | None = None
    columns: int = 0
    is_there: bool = True


def listed(
    project: str | Path = ".",
    *,
    targets: Sequence[str] = (),
    overrides: Overrides | None = None,
) -> list[Listed]:
    """Return the datasets that selectors mean, all where there is none: sources, then in order.

    Raises:
        UnknownTarget: a selector means nothing.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        sources = {name: _source(workspace, name) for name in sorted(workspace.project.sources)}
        named = [text for text in targets if text in sources]
        rest = tuple(text for text in targets if text not in sources)
        chosen = select(workspace.graph, Request(rest)) if rest or not targets else None
        meant = _meant(workspace, rest) if rest else None
        found = [sources[name] for name in (named if targets else sources)]
        if chosen is None:
            return found
        for decision, action in decided(workspace, chosen):
            if meant is None or decision.task.name in meant:
                found.append(_made(workspace, decision, action))
        return found


def _meant(workspace: Workspace, texts: Sequence[str]) -> set[str]:
    """Return the tasks that selectors mean, without what these need."""
    every = tuple(workspace.graph.tasks)
    return {
        name
        for text in texts
        for name in select(workspace.graph, Request((), (), (text,))).forced
        if name in every
    }


def _source(workspace: Workspace, name: str) -> Listed:
    try:
        schema, there = workspace.sources.schema(name), True
    except CpgbuildError:
        schema, there = None, False
    return Listed(
        name,
        DatasetKind.SOURCE,
        description=_where(workspace, name),
        bytes=workspace.sources.size(name) if there else None,
        columns=len(schema.names) if schema is not None else 0,
        is_there=there,
    )


def _where(workspace: Workspace, name: str) -> str:
    source = workspace.project.sources[name]
    path = Path(source.path)
    if not source.path:
        return f"{source.format}: nothing, its path is empty"
    if path.is_relative_to(workspace.project.root):
        return f"{source.format}: {path.relative_to(workspace.project.root)}"
    return f"{source.format}: {source.path}"


def _made(workspace: Workspace, decision: Decision, action: Action) -> Listed:
    task: Task = decision.task
    kind = DatasetKind.TABLE if task.stored else DatasetKind.VIEW
    trace = workspace.warehouse.trace(task.output) if task.stored else None
    return Listed(
        task.output,
        kind,
        task.description,
        task.tags,
        action,
        decision.reasons,
        rows=trace.rows if trace is not None else None,
        bytes=workspace.warehouse.size(task.output) if task.stored else None,
        built=trace.finished if trace is not None else None,
        columns=len(task.schema.names),
        is_there=not task.stored or workspace.warehouse.evidence(task.output) is not None,
    )
