"""Planner: what a build would do, decided as the builder decides it, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.core.events import Action, Planned
from cpgbuild.core.sharing import SEVERAL, Sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Engine
    from cpgbuild.core.rebuilder import Decision, Rebuilder
    from cpgbuild.core.selection import Selection


def plan(graph: Graph, rebuilder: Rebuilder, selection: Selection) -> list[Planned]:
    """Return each selected task in the order of a build, with its action and its reasons.

    A build decides as it goes: a task whose inputs are about to be made is a `maybe`, since they
    may turn out to be what they were.
    """
    return planned(graph, decisions(graph, rebuilder, selection))


def planned(
    graph: Graph, decided: Iterable[tuple[Decision, Action]], sharing: Sharing | None = None
) -> list[Planned]:
    """Return what was decided of tasks, with the waves that they could run in."""
    waves = {t.name: n for n, wave in enumerate(graph.generations(), 1) for t in wave}
    found = []
    for decision, action in decided:
        task = decision.task
        once = sharing.once(task) if sharing is not None and not task.stored else None
        found.append(Planned(task, action, decision.reasons, waves[task.name], once))
    return found


def sharing(
    graph: Graph, rebuilder: Rebuilder, engine: Engine, decided: Iterable[tuple[Decision, Action]]
) -> Sharing | None:
    """Return what a build would evaluate once; None where nothing runs that could share."""
    acting = {Action.RUN, Action.MAYBE}
    running = {d.task.name for d, action in decided if d.task.stored and action in acting}
    if len(running) < SEVERAL:
        return None
    return Sharing(graph, engine, rebuilder.traces, lambda task: task.name in running)


def decisions(
    graph: Graph, rebuilder: Rebuilder, selection: Selection
) -> Iterator[tuple[Decision, Action]]:
    """Give what is decided of each selected task, in the order of a build."""
    for task in graph.in_order():
        if task.name not in selection.tasks:
            continue
        decision = rebuilder.decide(task)
        action = _action(decision)
        if decision.restore is not None:
            rebuilder.foresee(task, decision.restore)
        elif task.stored and action is not Action.SKIP and not decision.recheck:
            rebuilder.settle(task, None)
        yield decision, action


def _action(decision: Decision) -> Action:
    if not decision.reasons:
        return Action.SKIP
    if decision.restore is not None:
        return Action.RESTORE
    return Action.MAYBE if decision.hangs_on_upstream else Action.RUN
