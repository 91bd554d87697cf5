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
    """Where what a variable is at a node holds, as an interval of the tree of dominators.

    Attributes:
        first: of the node itself.
        last: of the last node that it dominates.
        value: the definition, none after a deletion; or the join.
        outer: the number of the stretch around, among those of the variable; -1 if there is none.
    """

    first: int
    last: int
    value: Value
    outer: int


def reaching_definitions(
    flow: Flow, dominance: Dominance, events: Sequence[Sequence[Event]], heads: AbstractSet[int]
) -> list[Reach]:
    """Return what reaches each use, in the part of the flow that the entry reaches.

    Where an exception leaves a node, its definitions may have happened or not: what was there
    before reaches on, and so does each of them.

    Above each node in the tree of dominators the nearest definition is the one, or the nearest join
    of definitions: the iterated dominance frontier of a variable's definitions (Cytron and others,
    "Efficiently computing static single assignment form"). What reaches a join is asked of all ways
    into it, and only for variables that somebody uses.

    Args:
        flow: of one function.
        dominance: of the flow.
        events: of each node, in order.
        heads: the nodes that define only what they lead to if true: loops and handlers.
    """
    tree = _DominatorTree(flow, dominance, heads)
    values = _Values(tree, events)
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


class _DominatorTree:
    """A flow's tree of dominators, with the joins at which what a node defines meets other things.

    Attributes:
        parents: each node's immediate dominator.
        entering: the ways into each node, from nodes that the entry reaches.
        joins: each node's dominance frontier, and what it leads to when it is not through.
    """

    def __init__(self, flow: Flow, dominance: Dominance, heads: AbstractSet[int]) -> None:
        count = len(flow.nodes)
        self.heads = heads
        self.parents = dominance.immediate
        self.entering: list[list[Edge]] = [[] for _ in range(count)]
        is_reached = [False] * count
        for node in dominance.order:
            is_reached[node] = True
        for edge in flow.edges:
            if is_reached[edge.source]:
                self.entering[edge.target].append(edge)
        self.first = [0] * count
        self.last = [0] * count
        self._number(dominance)
        self.joins: list[list[int]] = [[] for _ in range(count)]
        for node in dominance.order:
            self._add_join(node)

    def is_through(self, edge: Edge) -> bool:
        """Return whether all that a node defines is defined when control goes this way."""
        return edge.how == TRUE or (edge.how != EXCEPTION and edge.source not in self.heads)

    def _number(self, dominance: Dominance) -> None:
        """Number the nodes in pre-order of the tree."""
        below: list[list[int]] = [[] for _ in self.parents]
        for node in dominance.order[1:]:
            below[self.parents[node]].append(node)
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

    def _add_join(self, node: int) -> None:
        """Add a node to the frontiers of those that lead to it and do not dominate it."""
        joins = self.joins
        for edge in self.entering[node]:
            source = edge.source
            if not self.is_through(edge) and node not in joins[source][-1:]:
                joins[source].append(node)
        if len(self.entering[node]) > 1:
            for edge in self.entering[node]:
                runner = edge.source
                while runner != self.parents[node]:
                    if node in joins[runner][-1:] and runner != edge.source:
                        break  # and so it is in the frontiers of those above
                    if node not in joins[runner][-1:]:
                        joins[runner].append(node)
                    runner = self.parents[runner]


class _Values:
    """What each variable is, where it is asked for."""

    def __init__(self, tree: _DominatorTree, events: Sequence[Sequence[Event]]) -> None:
        self.tree = tree
        # Where a node may stop halfway: all that it defines.
        self.inside: dict[tuple[int, Variable], list[int]] = defaultdict(list)
        # What a variable is after each node that defines or deletes it.
        self.changes: dict[Variable, dict[int, Value]] = defaultdict(dict)
        self.defined: set[Variable] = set()
        for node, happening in enumerate(events):
            if tree.entering[node] or node == ENTRY:
                for event in happening:
                    if event.action != USE:
                        self._add(node, event)
        self.stretches: dict[Variable, tuple[list[int], list[Stretch]]] = {}
        self.joins: dict[Variable, set[int]] = {}

    def _add(self, node: int, event: Event) -> None:
        is_defined = event.action == DEFINE
        value = frozenset((event.token,)) if is_defined else NOTHING
        self.changes[event.variable][node] = value
        if is_defined:
            self.defined.add(event.variable)
            self.inside[node, event.variable].append(event.token)

    def before(self, node: int, variable: Variable) -> Value:
        """Return what a variable is when control comes to a node."""
        if node == ENTRY:
            return NOTHING
        self._stretches(variable)
        if node in self.joins[variable]:
            return Join(node, variable)
        return self.after(self.tree.parents[node], variable)

    def after(self, node: int, variable: Variable) -> Value:
        """Return what a variable is when control goes on from a node."""
        starts, found = self._stretches(variable)
        position = self.tree.first[node]
        at = bisect_right(starts, position) - 1
        while at >= 0 and found[at].last < position:
            at = found[at].outer
        return found[at].value if at >= 0 else NOTHING

    def _stretches(self, variable: Variable) -> tuple[list[int], list[Stretch]]:
        """Return the stretches of a variable, with their beginnings, in order."""
        known = self.stretches.get(variable)
        if known is not None:
            return known
        tree, changes = self.tree, self.changes[variable]
        joins: set[int] = set()
        waiting = list(changes)
        while waiting:
            new = [join for join in tree.joins[waiting.pop()] if join not in joins]
            joins.update(new)
            waiting.extend(join for join in new if join not in changes)
        found: list[Stretch] = []
        for node in sorted(joins | changes.keys(), key=tree.first.__getitem__):
            outer, first = len(found) - 1, tree.first[node]
            while outer >= 0 and found[outer].last < first:
                outer = found[outer].outer
            value = changes.get(node, Join(node, variable))
            found.append(Stretch(first, tree.last[node], value, outer))
        known = [stretch.first for stretch in found], found
        self.joins[variable] = joins
        self.stretches[variable] = known
        return known

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
        for edge in self.tree.entering[join.node]:
            if self.tree.is_through(edge):
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
