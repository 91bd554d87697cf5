"""Where nodes stand in a picture: laws of any picture, on random graphs."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.core.layered import layered


@st.composite
def graphs(draw) -> tuple[list[str], list[tuple[str, str]]]:
    count = draw(st.integers(0, 12))
    nodes = [f"n{number}" for number in range(count)]
    pairs = [(a, b) for n, a in enumerate(nodes) for b in nodes[n + 1 :]]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []
    return draw(st.permutations(nodes)), edges


@given(graphs())
def test_every_edge_goes_to_the_right(graph):
    nodes, edges = graph
    layout = layered(nodes, edges)
    assert all(layout.layer[a] < layout.layer[b] for a, b in edges)


@given(graphs())
def test_nothing_overlaps(graph):
    layout = layered(*graph)
    rows: dict[int, list[float]] = {}
    for node, layer in layout.layer.items():
        rows.setdefault(layer, []).append(layout.height[node])
    for way in layout.ways.values():
        for layer, at in way[1:-1]:
            rows.setdefault(layer, []).append(at)
    for heights in rows.values():
        assert all(b - a > 0.999 for a, b in pairwise(sorted(heights)))


@given(graphs())
def test_an_edge_is_a_way_through_each_layer_between(graph):
    nodes, edges = graph
    layout = layered(nodes, edges)
    assert set(layout.ways) == set(edges)
    for (start, end), way in layout.ways.items():
        layers = range(layout.layer[start], layout.layer[end] + 1)
        assert [layer for layer, _ in way] == list(layers)
        assert (way[0][1], way[-1][1]) == (layout.height[start], layout.height[end])


@given(graphs())
def test_a_graph_has_one_picture(graph):
    nodes, edges = graph
    assert layered(nodes, edges) == layered(nodes, edges[::-1] + edges)


def test_a_diamond_has_no_crossing_and_is_level():
    layout = layered(["s", "a", "b", "t"], [("s", "a"), ("s", "b"), ("a", "t"), ("b", "t")])
    assert layout.layer == {"s": 0, "a": 1, "b": 1, "t": 2}
    assert layout.height["s"] == layout.height["t"] == 0.5
    assert sorted((layout.height["a"], layout.height["b"])) == [0, 1]
