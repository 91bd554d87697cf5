"""Dominators, post-dominators and control dependence of a flow graph."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tasks.control.flow_graph import ENTRY, EXCEPTION, EXIT, Edge, Flow, How, predecessors

Graph = Sequence[Sequence[int]]  # each node's successors
NONE = -1


class Dominance(NamedTuple):
    """What dominates what, in the part of a flow that the entry reaches.

    Attributes:
        order: the nodes that the entry reaches, in reverse post-order.
        immediate: each node's immediate dominator; -1 of the entry and of unreachable nodes.
        post: each node's immediate post-dominator; -1 of the exit and of unreachable nodes.
        dependences: node -> node that its outcome decides upon, by the way that leads there.
    """

    order: list[int]
    immediate: list[int]
    post: list[int]
    dependences: list[Edge]


def dominance(flow: Flow) -> Dominance:
    """Return dominators, post-dominators and control dependences of a flow."""
    successors = flow.successors()
    order = reverse_postorder(successors, ENTRY)
    count = len(flow.nodes)
    immediate = immediate_dominators(order, predecessors(flow.edges, count))
    is_reached = [False] * count
    for node in order:
        is_reached[node] = True
    edges = [edge for edge in flow.edges if is_reached[edge.source]]
    edges += ways_out_of_endless_loops(order, successors)
    # Post-dominators are the dominators of the flow that runs backwards.
    backward = predecessors(edges, count)
    forward: list[list[int]] = [[] for _ in range(count)]
    for source, target, _ in edges:
        forward[source].append(target)
    post = immediate_dominators(reverse_postorder(backward, EXIT), forward)
    return Dominance(order, immediate, post, _dependences(edges, forward, post))


def reverse_postorder(successors: Graph, root: int) -> list[int]:
    """Return the nodes that a root reaches: each before its successors, but for loops."""
    seen = {root}
    found = []
    path = [(root, iter(successors[root]))]
    while path:
        node, ways = path[-1]
        for target in ways:
            if target not in seen:
                seen.add(target)
                path.append((target, iter(successors[target])))
                break
        else:
            found.append(node)
            path.pop()
    found.reverse()
    return found


def immediate_dominators(order: Sequence[int], incoming: Graph) -> list[int]:
    """Return each node's immediate dominator, -1 of the root and of what it does not reach.

    The algorithm is that of Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm".

    Args:
        order: the nodes that the root reaches in reverse post-order, the root first.
        incoming: each node's predecessors.
    """
    rank = [NONE] * len(incoming)
    for position, node in enumerate(order):
        rank[node] = position
    # Ranks, not nodes, from here on: a dominator's rank is smaller.
    before = [
        # The last first: each meets the next nearby, even where a thousand ways come together.
        sorted((rank[p] for p in incoming[node] if rank[p] != NONE), reverse=True)
        for node in order
    ]
    has_loops = any(ranks and ranks[0] >= position for position, ranks in enumerate(before))
    found = [NONE] * len(order)
    found[0] = 0
    changed = True
    while changed:
        changed = False
        for position in range(1, len(order)):
            nearest = NONE
            for other in before[position]:
                if found[other] != NONE:
                    nearest = other if nearest == NONE else _meet(found, nearest, other)
            if found[position] != nearest:
                found[position] = nearest
                changed = True
        changed = changed and has_loops
    immediate = [NONE] * len(incoming)
    for position, node in enumerate(order[1:], start=1):
        immediate[node] = order[found[position]]
    return immediate


def _meet(found: Sequence[int], one: int, other: int) -> int:
    while one != other:
        while one > other:
            one = found[one]
        while other > one:
            other = found[other]
    return one


def ways_out_of_endless_loops(order: Sequence[int], successors: Graph) -> list[Edge]:
    """Return edges to the exit that make every node reach it.

    A loop that never ends is treated as though its head could leave it: the last heads are taken
    first, until every node reaches the exit.
    """
    rank = {node: position for position, node in enumerate(order)}
    into = predecessors((Edge(n, t, None) for n in order for t in successors[n]), len(successors))
    ending: set[int] = set()
    _add_what_reaches(EXIT, into, ending)
    endless = [node for node in order if node not in ending]
    heads = {t for n in endless for t in successors[n] if rank[t] <= rank[n]}
    heads.update(node for node in endless if not successors[node])
    found = []
    for head in sorted(heads, key=rank.__getitem__, reverse=True):
        if head not in ending:
            found.append(Edge(head, EXIT, None))
            _add_what_reaches(head, into, ending)
    return found


def _add_what_reaches(target: int, into: Graph, found: set[int]) -> None:
    waiting = [target]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(into[node])


def _dependences(edges: Iterable[Edge], forward: Graph, post: Sequence[int]) -> list[Edge]:
    """Return for each way out of a fork the nodes that are sure to come only by it.

    That is the post-dominance frontier, as Ferrante, Ottenstein and Warren define control
    dependence: the way's end and its post-dominators, up to that of the fork.
    """
    found: set[tuple[int, int, How]] = set()
    for source, target, how in edges:
        if len(forward[source]) > 1:
            node, last = target, post[source]
            while node not in {last, NONE}:
                found.add((source, node, how))
                node = post[node]
    return [Edge(*dependence) for dependence in sorted(found, key=_in_order)]


def _in_order(dependence: tuple[int, int, How]) -> tuple[int, int, str]:
    return dependence[0], dependence[1], dependence[2] or ""


def is_exceptional(edge: Edge) -> bool:
    """Return whether a way is taken by an exception, before or after what its node does."""
    return edge.how == EXCEPTION
