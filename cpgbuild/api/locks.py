"""Locks: whether `cpgbuild.lock` is what a build would write."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core.graph import Graph
from cpgbuild.core.lock import Aspect, Change, Difference, LockedTask, differences, lock_of
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.report import Problems
from cpgbuild.errors.state import SourceNotLocked
from cpgbuild.plan.compiler import Compiler
from cpgbuild.project import config
from cpgbuild.project.discovery import discover
from cpgbuild.project.modules import importable
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import (
    is_current,
    parse_lock,
    read_text,
    source_schema,
)
from cpgbuild.state.lock import planner as planner_text
from cpgbuild.workspace import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cpgbuild.core.lock import Lock
    from cpgbuild.plan.definition import Definition
    from cpgbuild.project.config import Project


def locked(project: str | Path = ".") -> list[Difference]:
    """Return how `cpgbuild.lock` differs from what a build would write: not at all, if it is good.

    Looks at no data: the sources' schemas are those in the lock. Writes nothing.

    Raises:
        LockMissing, LockUnreadable, LockVersion: there is no lock to compare with.
        CpgbuildError: the project is wrong.
    """
    root = config.find_root(Path(project))
    loaded, text = config.load(root), read_text(root / LOCK)
    lock = parse_lock(text, str(root / LOCK))
    with importable(root):
        found = discover(loaded)
        Problems.raise_if(found.errors)
        definitions = found.definitions
        compiler, missing = _planned_on(lock, definitions, loaded)
        graph = Graph(compiler.portable(), checked(compiler).sources)
    differing = differences(lock, lock_of(graph, planner_text()))
    if missing:
        tasks = (d for d in definitions if d.kind is not TaskKind.CHECK)
        unplanned = [d for d in tasks if d.name not in compiler.tasks]
        return _unlocked(missing, unplanned, differing)
    if not differing and not is_current(text, graph):
        return [Difference("", (Change(Aspect.TEXT, "it is not as cpgbuild writes it"),))]
    return differing


def _planned_on(
    lock: Lock, definitions: Sequence[Definition], loaded: Project
) -> tuple[Compiler, list[str]]:
    """Return the plans of what can be planned on a lock's sources, and the sources that it lacks.

    Raises:
        CpgbuildError: something else is wrong with a plan.
    """
    schemas = {name: partial(source_schema, lock, name) for name in loaded.sources}
    compiler = Compiler(definitions, schemas, loaded.variables, loaded.root)
    compiler.compile_all()
    missing = [e.source for e in compiler.errors if isinstance(e, SourceNotLocked)]
    if missing:
        Problems.raise_if([e for e in compiler.errors if not isinstance(e, SourceNotLocked)])
        rest = [d for d in definitions if d.name in compiler.tasks]
        compiler, _ = _planned_on(lock, rest, loaded)
    return compiler, missing


def _unlocked(
    missing: Iterable[str], unplanned: Iterable[Definition], found: Iterable[Difference]
) -> list[Difference]:
    """Return the differences where some tasks cannot be planned for want of their sources."""
    blind = {d.name: LockedTask(d.name, d.dataset, str(d.kind)) for d in unplanned}
    why = Change(Aspect.UNLOCKED, "needs a source that is not in the lock")
    sources = [Difference(name, (Change(Aspect.ADDED),)) for name in missing]
    known = [d for d in found if d.name not in blind and (d.task or _is_there(d))]
    return [*sources, *known, *(Difference(n, (why,), task) for n, task in sorted(blind.items()))]


def _is_there(source: Difference) -> bool:
    """Return whether a source is read still; its readers may be among what was not planned."""
    return all(change.aspect is not Aspect.REMOVED for change in source.changes)
