"""The control flow graph of one function, while it is put together and when it is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

ENTRY, EXIT = 0, 1

# Why control goes this way; None: it just goes on.
How = str | None
TRUE, FALSE, EXCEPTION = "true", "false", "exception"
RETURN, BREAK, CONTINUE = "return", "break", "continue"


class Edge(NamedTuple):
    """A way from one node of a flow to another."""

    source: int
    target: int
    how: How


class Flow(NamedTuple):
    """A function's control flow graph.

    Attributes:
        nodes: the syntax node of each node; of `ENTRY` and `EXIT` the function's own.
        edges: distinct, by source in the order of the code.
    """

    nodes: list[int]
    edges: list[Edge]

    def successors(self) -> list[list[int]]:
        """Return each node's successors."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for source, target, _ in self.edges:
            found[source].append(target)
        return found


@dataclass(slots=True)
class Draft:
    """A flow under construction; it has junctions, which are no syntax and go in the end."""

    function: int
    nodes: list[int] = field(default_factory=list)  # -1: a junction
    entered: list[bool] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make entry and exit."""
        self.add(self.function)
        self.add(self.function)

    def add(self, syntax: int) -> int:
        """Return a new node."""
        self.nodes.append(syntax)
        self.entered.append(False)
        return len(self.nodes) - 1

    def junction(self) -> int:
        """Return a new place where ways meet, without code of its own."""
        return self.add(-1)

    def connect(self, source: int, target: int, how: How = None) -> None:
        """Add a way."""
        self.edges.append(Edge(source, target, how))
        self.entered[target] = True

    def finish(self) -> Flow:
        """Return the graph without junctions, its nodes in the order of the code."""
        order = sorted(
            (n for n, syntax in enumerate(self.nodes) if n > EXIT and syntax >= 0),
            key=self.nodes.__getitem__,
        )
        numbers = {ENTRY: ENTRY, EXIT: EXIT}
        numbers |= {node: number for number, node in enumerate(order, start=EXIT + 1)}
        leads = self._behind_junctions()
        edges = {
            Edge(numbers[source], numbers[end], last or how)
            for source, target, how in self.edges
            if source in numbers
            for end, last in leads.get(target, ((target, None),))
        }
        nodes = [self.function, self.function, *(self.nodes[node] for node in order)]
        return Flow(nodes, sorted(edges, key=_in_order))

    def _behind_junctions(self) -> dict[int, Sequence[tuple[int, How]]]:
        """Return where each junction leads."""
        out: dict[int, list[tuple[int, How]]] = {
            node: [] for node, syntax in enumerate(self.nodes) if syntax < 0
        }
        for source, target, how in self.edges:
            if source in out:
                out[source].append((target, how))
        return {junction: _ends(junction, out) for junction in out}


def _ends(junction: int, out: dict[int, list[tuple[int, How]]]) -> Sequence[tuple[int, How]]:
    found: dict[tuple[int, How], None] = {}
    waiting: list[tuple[int, How]] = [(junction, None)]
    seen = set(waiting)
    while waiting:
        node, how = waiting.pop()
        if node not in out:
            found[node, how] = None
            continue
        for target, last in out[node]:
            way = (target, last or how)
            if way not in seen:
                seen.add(way)
                waiting.append(way)
    return list(found)


def _in_order(edge: Edge) -> tuple[int, int, str]:
    return edge.source, edge.target, edge.how or ""


def predecessors(edges: Iterable[Edge], count: int) -> list[list[int]]:
    """Return each node's predecessors."""
    found: list[list[int]] = [[] for _ in range(count)]
    for source, target, _ in edges:
        found[target].append(source)
    return found
