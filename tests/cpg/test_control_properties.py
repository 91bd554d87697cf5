"""Random functions: their flow beside real runs, their analyses beside definitions and networkx.

`CONTROL_SEEDS=1000` for long.
"""

import os
import random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.control.dominators import dominance, ways_out_of_endless_loops
from tasks.control.flow_graph import ENTRY, EXIT, Edge, Flow
from tasks.control.functions import events_by_node
from tasks.control.names import Names
from tests.cpg import control_oracles as oracles
from tests.cpg.flows import Source
from tests.cpg.random_functions import Run, random_function

SEEDS = range(int(os.environ.get("CONTROL_SEEDS", "16")))
RUNS = 8


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_makes_only_steps_of_the_flow_and_reads_only_what_reaches(seed):
    text = random_function(seed)
    source = Source(text)
    function = source.function("f")
    steps = oracles.Steps(source, function.flow)
    reached = {(r.name, source.line(r.definition), source.line(r.use)) for r in function.reaches}
    for number in range(RUNS):
        run = Run(text, random.Random(seed * RUNS + number))
        assert steps.impossible(run.lines) == []
        assert run.reads <= reached


@pytest.mark.parametrize("seed", SEEDS)
def test_definitions_reach_the_uses_that_naive_sets_say(seed):
    source = Source(random_function(seed))
    flows = [function.flow for function in source.functions]
    events = events_by_node(source.table, flows, Names(source.table, source.text))
    for function, happening in zip(source.functions, events, strict=True):
        found = {(reach.definition, reach.use) for reach in function.reaches}
        assert found == oracles.reaches(function.flow, happening, source.table.kinds)


@pytest.mark.parametrize("seed", SEEDS)
def test_dominance_of_functions_is_that_of_networkx_and_of_the_definition(seed):
    for function in Source(random_function(seed)).functions:
        compare(function.flow)


@st.composite
def flows(draw):
    """Any graph; control goes from the entry to anywhere, and nowhere from the exit."""
    count = draw(st.integers(2, 9))
    inner = st.integers(1, count - 1)
    edges = draw(st.lists(st.tuples(inner, inner), max_size=3 * count))
    ways = {Edge(a, b, None) for a, b in edges if a != EXIT}
    starts = draw(st.lists(inner, min_size=1, max_size=3))
    ways |= {Edge(ENTRY, start, None) for start in starts}
    return Flow(list(range(count)), sorted(ways))


@settings(max_examples=200, deadline=None)
@given(flows())
def test_dominance_of_any_graph_is_that_of_networkx_and_of_the_definition(flow):
    compare(flow)


def compare(flow: Flow) -> None:
    found = dominance(flow)
    pairs = [(edge.source, edge.target) for edge in flow.edges]
    assert parents(found.immediate) == networkx_parents(pairs, ENTRY)
    alive = oracles.reached(pairs, ENTRY)
    assert set(found.order) == alive
    ending = ways_out_of_endless_loops(found.order, flow.successors())
    edges = [edge for edge in flow.edges if edge.source in alive] + ending
    backwards = [(edge.target, edge.source) for edge in edges]
    assert oracles.reached(backwards, EXIT) >= alive, "every node has a way to the exit"
    assert parents(found.post) == networkx_parents(backwards, EXIT)
    assert set(found.dependences) == oracles.dependences(edges)


def parents(found: list[int]) -> dict[int, int]:
    return {node: parent for node, parent in enumerate(found) if parent >= 0}


def networkx_parents(pairs: list[tuple[int, int]], root: int) -> dict[int, int]:
    graph = nx.DiGraph(pairs)
    graph.add_node(root)
    found = nx.immediate_dominators(graph, root)
    return {node: parent for node, parent in found.items() if parent not in {node, None}}
