"""Settled: the tasks about which nothing new can be decided, since nothing near them changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.core.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.graph import Graph


def settled(graph: Graph, upheld: Iterable[str], changed: Iterable[str]) -> frozenset[str]:
    """Return those of the upheld tasks that are up to date still.

    `upheld` were up to date when they were last decided upon, in a graph in which all but
    `changed` tasks were what they are, read what they read, and held what they hold. What is
    downstream of these may have to run, and a view upstream of them may be read otherwise.
    """
    dag = graph.dag
    starts = set(changed)
    names = starts | graph.downstream(graph.tasks[name] for name in starts)
    near = {graph.index(graph.tasks[name]) for name in names}
    waiting = list(near)
    while waiting:
        sources = dag.predecessor_indices(waiting.pop())
        makers = {maker for source in sources for maker in dag.predecessor_indices(source)}
        views = [maker for maker in makers - near if not _is_stored(dag[maker])]
        near.update(views)
        waiting += views
    return frozenset(upheld) - {dag[node].name for node in near}


def _is_stored(node: object) -> bool:
    return isinstance(node, Task) and node.stored
