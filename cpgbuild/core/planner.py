"""Planner: what a build would do, decided as the builder decides it, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.core.events import Planned
from cpgbuild.core.task import TaskKind

if TYPE_CHECKING:
    from cpgbuild.core.graph import Graph
    from cpgbuild.core.rebuilder import Rebuilder
    from cpgbuild.core.selection import Selection


def plan(graph: Graph, rebuilder: Rebuilder, selection: Selection) -> list[Planned]:
    """Return each selected task in the order of a build, with its action and its reasons.

    The action is `run` or `skip`. A task downstream of one that runs is sure to see other data,
    since every run is evidence of its own.
    """
    waves = {t.name: n for n, wave in enumerate(graph.generations(), 1) for t in wave}
    planned: list[Planned] = []
    for task in graph.in_order():
        if task.name not in selection.tasks:
            continue
        decision = rebuilder.decide(task)
        if task.kind is TaskKind.VIEW:
            rebuilder.settle(task, rebuilder.view(decision))
        elif decision.reasons:
            rebuilder.settle(task, None)
        action = "run" if decision.reasons else "skip"
        planned.append(Planned(task, action, decision.reasons, waves[task.name]))
    return planned
