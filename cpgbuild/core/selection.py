"""Selection: which tasks a request is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from cpgbuild.errors.project import UnknownTarget
from cpgbuild.errors.report import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.core.graph import Graph

TAG = "tag:"
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for, by selectors; no target means all of the project.

    A selector is the name of a dataset or a task, a pattern of names with `*`, `?` or `[…]`, or
    `tag:` and a tag. With `+` before it it also means all that is upstream, with `+` behind it all
    that is downstream. An excluded table is left as it is and its readers take it so; what is
    forced runs anyway.
    """

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The tasks to bring up to date, and those of them that run without a further reason."""

    tasks: frozenset[str]
    forced: frozenset[str]

    def among(self, names: Iterable[str]) -> Selection:
        """Return what of it is among some tasks; what else these read is taken as it is."""
        return replace(self, tasks=self.tasks.intersection(names))


def select(graph: Graph, request: Request) -> Selection:
    """Resolve a request's selectors.

    Raises:
        UnknownTarget: one means nothing that is there (`Problems` if there are several).
    """
    found = {text: _selected(graph, text) for text in _all(request)}
    known = [*(d.name for d in graph.datasets), *graph.tasks, *_tags(graph)]
    unknown = [text for text, tasks in found.items() if tasks is None]
    Problems.raise_if([UnknownTarget(text, known) for text in unknown])
    excluded = _together(found, request.exclude)
    targets = _together(found, request.targets) if request.targets else set(graph.tasks)
    wanted = _closure(graph, targets - excluded, excluded)
    return Selection(frozenset(wanted), frozenset(_together(found, request.force)))


def _all(request: Request) -> list[str]:
    return list(dict.fromkeys((*request.targets, *request.exclude, *request.force)))


def _tags(graph: Graph) -> list[str]:
    return [f"{TAG}{tag}" for task in graph.tasks.values() for tag in task.tags]


def _together(found: Mapping[str, set[str] | None], texts: Iterable[str]) -> set[str]:
    return {name for text in texts for name in found[text] or ()}


class Named(Protocol):
    """What a selector can mean: a task, planned or not."""

    @property
    def name(self) -> str: ...  # noqa: D102 -- as of a task
    @property
    def dataset(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> tuple[str, ...]: ...  # noqa: D102


def named_by(text: str, tasks: Iterable[Named]) -> set[str] | None:
    """Return the tasks that a selector means by itself; None where others hang on it too."""
    if text.endswith("+"):
        return None
    core = text.removeprefix("+")
    return {task.name for task in tasks if _means(core, task)}


def _means(core: str, task: Named) -> bool:
    if core.startswith(TAG):
        return core.removeprefix(TAG) in task.tags
    if _PATTERN.search(core):
        return fnmatchcase(task.name, core) or fnmatchcase(task.dataset, core)
    return core in {task.name, task.dataset}


def _selected(graph: Graph, text: str) -> set[str] | None:
    """Return the tasks that a selector means; None where there is nothing that it could mean.

    A source has no task, and what is upstream of it neither.
    """
    core = text.removeprefix("+").removesuffix("+")
    node = graph.find(core)
    if node is not None:
        # Of a task and a dataset of one name the dataset is meant.
        names = {task.name for task in graph.makers(core)}
        nodes = [node]
    else:
        names = {task.name for task in graph.tasks.values() if _means(core, task)}
        nodes = [graph.tasks[name] for name in names]
        sources = [d for d in graph.datasets if _PATTERN.search(core) and fnmatchcase(d.name, core)]
        nodes += sources
    if not nodes:
        return None
    upstream = _closure(graph, names, set()) if text.startswith("+") else set()
    downstream = graph.downstream(nodes) if text.endswith("+") else set()
    return names | upstream | downstream


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
        for dataset in graph.tasks[name].needs:
            stack += [task.name for task in graph.producers.get(dataset, ())]
    return found
