"""Doctor: how all is that a build needs, also where the project itself is broken."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core.finding import Finding, problem
from cpgbuild.core.graph import Graph
from cpgbuild.core.task import TaskKind
from cpgbuild.engine.condition import look_at_source, look_at_warehouse
from cpgbuild.engine.sources import Sources
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.project import config
from cpgbuild.project.installed import look_at_installed
from cpgbuild.state.condition import (
    look_at_holder,
    look_at_lock,
    look_at_repository,
    look_at_state,
)
from cpgbuild.workspace import STATE, attempted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cpgbuild.project.config import Overrides, Project
    from cpgbuild.workspace import Attempt


def doctor(project: str | Path = ".", *, overrides: Overrides | None = None) -> Iterator[Finding]:
    """Give how Python, packages, configuration, tasks, sources, warehouse and state are.

    Changes nothing. Whatever is wrong is a finding and is not raised.
    """
    yield from look_at_installed()
    try:
        root = config.find_root(Path(project))
    except CpgbuildError as error:
        yield _from_error("configuration", error)
        return
    yield from look_at_state(root / STATE)
    yield look_at_lock(root)
    yield look_at_repository(root, STATE)
    try:
        loaded = config.load(root, overrides)
    except CpgbuildError as error:
        yield from (_from_error("configuration", one) for one in _each(error))
        return
    yield Finding("configuration", f"`{root / config.FILE}`")
    attempt = attempted(root, overrides)
    yield _tasks(attempt)
    yield from _data(loaded, attempt)


def _tasks(attempt: Attempt) -> Finding:
    """Return whether all tasks can be planned; which ones cannot, `check` says."""
    kinds = [definition.kind for definition in attempt.found.definitions]
    count = sum(kind is not TaskKind.CHECK for kind in kinds)
    if attempt.problems:
        number, first = len(attempt.problems), attempt.problems[0].message
        fact = f"{number} problem{'' if number == 1 else 's'}, the first: {first}"
        return problem("tasks", fact, "`cpgbuild check` shows all that is wrong")
    return Finding("tasks", f"{count:,} task{'' if count == 1 else 's'}, all can be planned")


def _data(loaded: Project, attempt: Attempt) -> Iterator[Finding]:
    """Give how sources and warehouse are."""
    read = attempt.compiler.sources
    with closing(Sources(loaded.sources, {})) as sources:
        for name, source in loaded.sources.items():
            # Where a task is wrong it may be the one that reads it.
            is_read = name in read or bool(attempt.problems)
            yield look_at_source(source, sources, is_read=is_read)
    warehouse = Warehouse(loaded.warehouse)
    outputs = None
    if not attempt.problems:
        graph = Graph(attempt.compiler.tasks.values(), read)
        outputs = [task.output for task in graph.stored]
    folder = loaded.root / STATE if "://" in warehouse.location else Path(warehouse.location)
    yield from look_at_holder(folder, warehouse.location)
    yield from look_at_warehouse(warehouse, outputs)


def _each(error: CpgbuildError) -> tuple[CpgbuildError, ...]:
    return error.errors if isinstance(error, Problems) else (error,)


def _from_error(about: str, error: CpgbuildError) -> Finding:
    place = f" at {error.place}" if error.place is not None else ""
    return problem(about, f"{error.message}{place}", f"`cpgbuild explain {error.code}`")
