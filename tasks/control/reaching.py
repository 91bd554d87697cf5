"""Which definitions of a variable reach which uses of it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from tasks.control.dominators import Dominance
from tasks.control.flow_graph import ENTRY, EXCEPTION, TRUE, Edge, Flow
from tasks.control.names import DEFINE, USE, Event, Variable

NOTHING = frozenset[int]()
# So many definitions of a variable are kept for a use, the last in the code: otherwise a thousand
# branches that set what a thousand others read would make a million edges.
MOST = 64


class Reach(NamedTuple):
    """A definition reaches a use; both are nodes of names."""

    definition: int
    use: int
    name: str


class Join(NamedTuple):
    """What a variable is at a node where it may be several things."""

    node: int
    variable: Variable


# What a variable is at some place: definitions, or what it was at a join.
Value = frozenset[int] | Join


class Stretch(NamedTuple):
    """Where a node's definition of a variable holds, as an interval of a pre-order.

    Attributes:
        first: of the node itself.
        last: of the last node that only comes after it.
        value: the definition; none after a deletion.
        outer: the number of the stretch around, among those of the variable; -1 if there is none.
    """

    first: int
    last: int
    value: frozenset[int]
    outer: int


def reaching_definitions(
    flow: Flow, dominance: Dominance, events: Sequence[Sequence[Event]], heads: AbstractSet[int]
) -> list[Reach]:
    """Return what reaches each use, in the part of the flow that the entry reaches.

    Where an exception leaves a node, its definitions may have happened or not: what was there
    before reaches on, and so does each of them.

    The flow is taken as trees, each a join with what comes after it by one way only. Inside of a
    tree the nearest definition above is the one; what is above the tree's root is asked of all
    ways into the root, and only for variables that somebody uses.

    Args:
        flow: of one function.
        dominance: of the flow.
        events: of each node, in order.
        heads: the nodes that define only what they lead to if true: loops and handlers.
    """
    trees = _Trees(flow, dominance, heads)
    values = _Values(trees, events, _DominatorTree(dominance))
    wanted: list[tuple[Event, Value]] = []
    for node in dominance.order:
        current: dict[Variable, frozenset[int]] = {}
        for event in events[node]:
            variable = event.variable
            if event.action == USE:
                if variable in values.defined:
                    value = current.get(variable)
                    known = values.before(node, variable) if value is None else value
                    wanted.append((event, known))
            else:
                is_defined = event.action == DEFINE
                current[variable] = frozenset((event.token,)) if is_defined else NOTHING
    joined = values.at_joins(value for _, value in wanted if isinstance(value, Join))
    return [
        Reach(definition, event.token, event.variable.name)
        for event, value in wanted
        for definition in sorted(joined[value] if isinstance(value, Join) else value)
    ]


class _Trees:
    """A flow as trees: each root is entered by several ways, or where a node is not through."""

    def __init__(self, flow: Flow, dominance: Dominance, heads: AbstractSet[int]) -> None:
        count = len(flow.nodes)
        self.heads = heads
        self.entering: list[list[Edge]] = [[] for _ in range(count)]
        is_reached = [False] * count
        for node in dominance.order:
            is_reached[node] = True
        for edge in flow.edges:
            if is_reached[edge.source]:
                self.entering[edge.target].append(edge)
        self.is_root = [len(e) != 1 or not self.is_through(e[0]) for e in self.entering]
        self.is_root[ENTRY] = True
        self.roots = list(range(count))
        self.first = [0] * count
        self.last = [0] * count
        self._number(flow, dominance.order)

    def is_through(self, edge: Edge) -> bool:
        """Return whether all that a node defines is defined when control goes this way."""
        return edge.how == TRUE or (edge.how != EXCEPTION and edge.source not in self.heads)

    def _number(self, flow: Flow, order: Sequence[int]) -> None:
        """Number the nodes in pre-order, tree by tree."""
        inside = flow.successors()
        number = 0
        for root in order:
            if not self.is_root[root]:
                continue
            waiting = [root]
            while waiting:
                node = waiting.pop()
                if node < 0:
                    self.last[~node] = number - 1
                    continue
                self.roots[node] = root
                self.first[node] = number
                number += 1
                waiting.append(~node)
                waiting.extend(n for n in inside[node] if not self.is_root[n])


class _DominatorTree:
    """Says which node dominates which, by intervals of a pre-order."""

    def __init__(self, dominance: Dominance) -> None:
        below: list[list[int]] = [[] for _ in dominance.immediate]
        for node in dominance.order[1:]:
            below[dominance.immediate[node]].append(node)
        self.first = [0] * len(below)
        self.last = [0] * len(below)
        number, waiting = 0, [ENTRY]
        while waiting:
            node = waiting.pop()
            if node < 0:
                self.last[~node] = number - 1
                continue
            self.first[node] = number
            number += 1
            waiting.append(~node)
            waiting.extend(below[node])

    def dominates(self, one: int, other: int) -> bool:
        """Return whether every way to `other` comes through `one`; both are reachable."""
        return self.first[one] <= self.first[other] <= self.last[one]


class _Values:
    """What each variable is, where it is asked for."""

    def __init__(
        self, trees: _Trees, events: Sequence[Sequence[Event]], dominators: _DominatorTree
    ) -> None:
        self.trees = trees
        self.dominators = dominators
        self.defined: set[Variable] = set()
        # Variables that only one node changes, once.
        self.only: dict[Variable, tuple[int, frozenset[int]] | None] = {}
        # Where a node may stop halfway: all that it defines.
        self.inside: dict[tuple[int, Variable], list[int]] = defaultdict(list)
        self.starts: dict[tuple[int, Variable], list[int]] = defaultdict(list)
        self.stretches: dict[tuple[int, Variable], list[Stretch]] = defaultdict(list)
        first = trees.first
        changing = [
            node
            for node, found in enumerate(events)
            if trees.entering[node] or node == ENTRY
            if any(event.action != USE for event in found)
        ]
        for node in sorted(changing, key=first.__getitem__):
            self._add_stretches(node, events[node])

    def _add_stretches(self, node: int, events: Sequence[Event]) -> None:
        last: dict[Variable, frozenset[int]] = {}
        for event in events:
            if event.action == DEFINE:
                self.inside[node, event.variable].append(event.token)
                self.defined.add(event.variable)
            if event.action != USE:
                is_defined = event.action == DEFINE
                value = frozenset((event.token,)) if is_defined else NOTHING
                last[event.variable] = value
                is_only = event.variable not in self.only and node not in self.trees.heads
                self.only[event.variable] = (node, value) if is_only else None
        root, position = self.trees.roots[node], self.trees.first[node]
        for variable, value in last.items():
            found = self.stretches[root, variable]
            outer = len(found) - 1
            while outer >= 0 and found[outer].last < position:
                outer = found[outer].outer
            found.append(Stretch(position, self.trees.last[node], value, outer))
            self.starts[root, variable].append(position)

    def before(self, node: int, variable: Variable) -> Value:
        """Return what a variable is when control comes to a node."""
        if self.trees.is_root[node]:
            only = self.only.get(variable)
            if only is not None and only[0] != node and self.dominators.dominates(only[0], node):
                return only[1]
            return NOTHING if node == ENTRY else Join(node, variable)
        return self.after(self.trees.entering[node][0].source, variable)

    def after(self, node: int, variable: Variable) -> Value:
        """Return what a variable is when control goes on from a node."""
        root, position = self.trees.roots[node], self.trees.first[node]
        found = self.stretches.get((root, variable))
        if found:
            at = bisect_right(self.starts[root, variable], position) - 1
            while at >= 0 and found[at].last < position:
                at = found[at].outer
            if at >= 0:
                return found[at].value
        return self.before(root, variable)

    def at_joins(self, joins: Iterable[Join]) -> dict[Join, frozenset[int]]:
        """Return the definitions that reach each of some joins, and all joins before them."""
        found: dict[Join, frozenset[int]] = {}
        readers: dict[Join, list[Join]] = defaultdict(list)
        waiting = list(joins)
        while waiting:
            join = waiting.pop()
            if join in found:
                continue
            known: list[frozenset[int]] = []
            for value in self._ways_into(join):
                if isinstance(value, Join):
                    readers[value].append(join)
                    waiting.append(value)
                else:
                    known.append(value)
            found[join] = _last_of(NOTHING.union(*known))
        _spread(found, readers)
        return found

    def _ways_into(self, join: Join) -> set[Value]:
        values: set[Value] = set()
        for edge in self.trees.entering[join.node]:
            if self.trees.is_through(edge):
                values.add(self.after(edge.source, join.variable))
                continue
            values.add(self.before(edge.source, join.variable))
            if edge.how == EXCEPTION:
                values.add(frozenset(self.inside.get((edge.source, join.variable), ())))
        return values


def _spread(found: dict[Join, frozenset[int]], readers: dict[Join, list[Join]]) -> None:
    """Let definitions flow from join to join until nothing is new.

    The last of a union are the last of the last of its parts: whatever the order, what is kept is
    the same.
    """
    waiting = [join for join, definitions in found.items() if definitions]
    while waiting:
        join = waiting.pop()
        for reader in readers[join]:
            merged = _last_of(found[reader] | found[join])
            if merged != found[reader]:
                found[reader] = merged
                waiting.append(reader)


def _last_of(definitions: frozenset[int]) -> frozenset[int]:
    return definitions if len(definitions) <= MOST else frozenset(sorted(definitions)[-MOST:])
