"""Selection: which tasks a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.errors.project import UnknownTarget
from cpgbuild.errors.report import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.graph import Graph


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for, by names of datasets or tasks; no target means all of the project.

    An excluded table is left as it is and its readers take it so; what is forced runs anyway.
    """

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The tasks to bring up to date, and those of them that run without a further reason."""

    tasks: frozenset[str]
    forced: frozenset[str]


def select(graph: Graph, request: Request) -> Selection:
    """Resolve a request's names.

    Raises:
        UnknownTarget: a name is neither a dataset nor a task (`Problems` if there are several).
    """
    names = (*request.targets, *request.exclude, *request.force)
    unknown = [name for name in dict.fromkeys(names) if graph.find(name) is None]
    known = [*(d.name for d in graph.datasets), *graph.tasks]
    Problems.raise_if([UnknownTarget(name, known) for name in unknown])
    excluded = _tasks(graph, request.exclude)
    targets = _tasks(graph, request.targets) if request.targets else set(graph.tasks)
    wanted = _closure(graph, targets - excluded, excluded)
    return Selection(frozenset(wanted), frozenset(_tasks(graph, request.force)))


def _tasks(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return the named tasks, and the producers of the named datasets."""
    return {task.name for name in names for task in graph.makers(name)}


def _closure(graph: Graph, targets: set[str], excluded: set[str]) -> set[str]:
    """Return the targets and what they need, without going through excluded tables."""
    fixed = {n for n in excluded if graph.tasks[n].stored}
    found: set[str] = set()
    stack = sorted(targets)
    while stack:
        name = stack.pop()
        if name in found or name in fixed:
            continue
        found.add(name)
        for requirement in graph.tasks[name].requires:
            stack += [task.name for task in graph.producers.get(requirement.dataset, ())]
    return found
