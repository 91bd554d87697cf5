"""Upkeep: the commands that look after a project, as functions."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.drift import Drift, drifts
from cpgbuild.engine.abandoned import abandoned, delete
from cpgbuild.engine.cleaning import Cleaned, Litter
from cpgbuild.engine.cleaning import clean as clean_table
from cpgbuild.state.holder import held
from cpgbuild.state.leftovers import leftovers, sizes
from cpgbuild.workspace import STATE, attempted, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cpgbuild.core.task import Task
    from cpgbuild.errors.report import CpgbuildError
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace

_HOUR = 3600
_UNKNOWN = "no task makes it, and nothing here says that this project did"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: tasks that are fine, sources that they read, problems, and drift."""

    tasks: Sequence[Task]
    sources: Sequence[str]
    problems: Sequence[CpgbuildError]
    drifts: Sequence[Drift]


def check(
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
) -> Checked:
    """Evaluate and validate all tasks, and compare what they declare with what they read.

    Runs nothing and writes nothing. What is wrong with tasks is returned, all of it.

    Raises:
        CpgbuildError: the configuration is wrong (`Problems` where it is several things).
    """
    attempt = attempted(project, overrides)
    compiler = attempt.compiler
    tasks = [compiler.tasks[name] for name in sorted(compiler.tasks)]
    return Checked(tasks, sorted(compiler.sources), attempt.problems, drifts(tasks))


def clean(
    project: str | Path = ".",
    *,
    keep: int = 10,
    hours: int = 168,
    dry_run: bool = False,
    overrides: Overrides | None = None,
) -> list[Cleaned]:
    """Free what nobody needs any more, but for what may be restored.

    Of each table that is old versions: the last `keep` states of it stay, and what was replaced in
    the last `hours`. Of the warehouse, tables that this project wrote, that no task makes any more
    and that were not written for `hours`. Of the state folder, what nobody will read again.

    Raises:
        CpgbuildError: the project is wrong, or a build holds the warehouse.
    """
    with opened(project, overrides) as workspace:
        warehouse = workspace.warehouse
        outputs = workspace.outputs
        with held(workspace.holder, warehouse.location):
            if not dry_run:
                warehouse.sweep(outputs)
            found = [clean_table(warehouse, o, keep, hours, dry_run=dry_run) for o in outputs]
            found += _without_a_task(workspace, hours, dry_run=dry_run)
            return [*found, _state(workspace, dry_run=dry_run)]


def _without_a_task(workspace: Workspace, hours: int, *, dry_run: bool) -> Iterator[Cleaned]:
    """Give the tables that no task makes; delete those that are known to be this project's.

    A warehouse may be shared with other projects, so it takes a record of ours that we wrote it.
    """
    warehouse, journal = workspace.warehouse, workspace.journal
    known = journal.load()
    gone: list[str] = []
    for table in abandoned(warehouse, workspace.outputs):
        left = ""
        if table.task not in known:
            left = _UNKNOWN
        elif time.time() - table.written < hours * _HOUR:
            left = f"no task makes it; it was written in the last {hours} hours"
        elif not dry_run:
            delete(warehouse, table)
            gone.append(table.task)
        yield Cleaned(table.name, len(table.files), table.bytes, Litter.TABLE, left)
    # A task that only stopped to store its rows, or stores them elsewhere, has a record of that.
    journal.forget([name for name in gone if name not in workspace.graph.tasks])


def _state(workspace: Workspace, *, dry_run: bool) -> Cleaned:
    """Delete what nobody will read again: also bad rows of tasks that are gone."""
    broken, outputs = workspace.broken, {task.output for task in workspace.graph.tasks.values()}
    files, gone = leftovers(workspace.state), sorted(broken.outputs - outputs)
    every = [*files, *(file for output in gone for file in broken.files(output))]
    found = Cleaned(STATE, len(every), sum(sizes(every)), Litter.STATE)
    if not dry_run:
        for file in files:
            with suppress(OSError):
                file.unlink()
        for output in gone:
            broken.forget(output)
    return found
