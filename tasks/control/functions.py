"""What is found out of each function of a file."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.control.dominators import Dominance, dominance
from tasks.control.expressions import split_nodes
from tasks.control.flow_graph import ENTRY, EXIT, Flow
from tasks.control.names import FUNCTIONS, Event, Names, resolved
from tasks.control.reaching import Reach, reaching_definitions
from tasks.control.statements import flow_of
from tasks.control.syntax_table import SyntaxTable

# What defines its names only where control goes into its body.
HEADS = frozenset(("for_statement", "for_in_clause", "except_clause"))


class Function(NamedTuple):
    """What is found out of one function."""

    syntax: int
    flow: Flow
    dominance: Dominance
    reaches: list[Reach]


def functions(table: SyntaxTable, source: bytes) -> list[Function]:
    """Return what is found out of each function, lambda and of the module, in order."""
    splits = split_nodes(table)
    names = Names(table, source)
    nodes = [node for node, kind in enumerate(table.kinds) if kind in FUNCTIONS]
    flows = [flow_of(table, splits, source, node) for node in nodes]
    happening = events_by_node(table, flows, names)
    found = []
    for node, flow, events in zip(nodes, flows, happening, strict=True):
        dominating = dominance(flow)
        heads = {n for n, syntax in enumerate(flow.nodes) if table.kinds[syntax] in HEADS}
        reaches = reaching_definitions(flow, dominating, events, heads)
        found.append(Function(node, flow, dominating, reaches))
    return found


def events_by_node(
    table: SyntaxTable, flows: Sequence[Flow], names: Names
) -> list[list[list[Event]]]:
    """Return for each flow, for each of its nodes, what happens there in order.

    A name belongs to the innermost flow node whose code holds it.
    """
    first = np.cumsum([0, *(len(flow.nodes) for flow in flows)]).tolist()
    owner: npt.NDArray[np.int32] = np.full(len(table.kinds), -1, np.int32)
    claims = sorted(
        (*_code_of(table, syntax), start + number)
        for start, flow in zip(first, flows, strict=False)
        for number, syntax in enumerate(flow.nodes)
        if number > EXIT
    )
    for begin, stop, node in claims:
        owner[begin:stop] = node
    events = names.events()
    parameters = [names.parameters(flow.nodes[ENTRY]) for flow in flows]
    owners = owner[[event.token for event in events]].tolist()
    for start, listed in zip(first, parameters, strict=False):
        events.extend(listed)
        owners.extend([start] * len(listed))
    by_node: dict[int, list[Event]] = defaultdict(list)
    for node, event in zip(owners, resolved(events, names.scopes, table), strict=True):
        by_node[node].append(event)
    return [
        [sorted(by_node.get(start + number, ())) for number in range(len(flow.nodes))]
        for start, flow in zip(first, flows, strict=False)
    ]


def _code_of(table: SyntaxTable, syntax: int) -> tuple[int, int]:
    """Return the syntax nodes that a flow node evaluates, first and stop.

    A function's name evaluates decorators, defaults and annotations, a class's node decorators.
    """
    parent = table.parents[syntax]
    kinds = table.kinds
    is_name = kinds[syntax] == "identifier" and table.fields[syntax] == "name"
    if is_name and kinds[parent] == "function_definition":
        syntax = parent
    elif kinds[syntax] != "class_definition":
        return syntax, table.stops[syntax]
    around = table.parents[syntax]
    return (around if kinds[around] == "decorated_definition" else syntax), table.stops[syntax]
