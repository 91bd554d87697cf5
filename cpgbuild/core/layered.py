"""Layered: where the nodes of an acyclic graph stand in a picture that reads from left to right.

Layers by the longest way, edges over several layers as chains of points, and fewer crossings by
barycenters: K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical
System Structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import rustworkx as rx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SWEEPS = 12
# A point that an edge goes through between layers: the edge, and the layer.
_Point = tuple[str, str, int]
_Node = str | _Point


@dataclass(frozen=True, slots=True)
class Layout:
    """For each node its layer and its height in it; for each edge the heights on its way.

    Heights are in lines, beginning with 0; a layer's nodes are at least one line apart.
    """

    layer: Mapping[str, int]
    height: Mapping[str, float]
    ways: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]


def layered(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """Return where nodes stand; the same for the same graph."""
    edges = sorted(set(edges))
    layer = _layers(nodes, edges)
    above: dict[_Node, list[_Node]] = defaultdict(list)
    below: dict[_Node, list[_Node]] = defaultdict(list)
    rows: list[list[_Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    chains: dict[tuple[str, str], list[_Node]] = {}
    for start, end in edges:
        points: list[_Node] = [(start, end, n) for n in range(layer[start] + 1, layer[end])]
        for number, point in enumerate(points, layer[start] + 1):
            rows[number].append(point)
        chains[start, end] = [start, *points, end]
        for one, other in pairwise(chains[start, end]):
            above[other].append(one)
            below[one].append(other)
    _uncross(rows, above, below)
    height = _heights(rows, above, below)
    ways = {
        edge: tuple((layer[edge[0]] + n, height[point]) for n, point in enumerate(chain))
        for edge, chain in chains.items()
    }
    return Layout(layer, {node: height[node] for node in nodes}, ways)


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return each node's layer: as far right as what it leads to allows."""
    dag: rx.PyDiGraph[str, None] = rx.PyDiGraph()
    index = {node: dag.add_node(node) for node in nodes}
    dag.add_edges_from_no_data([(index[a], index[b]) for a, b in edges])
    order = [dag[n] for n in rx.topological_sort(dag)]
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        after[a].append(b)
        before[b].append(a)
    first: dict[str, int] = {}
    for node in order:
        first[node] = 1 + max((first[b] for b in before[node]), default=-1)
    layer: dict[str, int] = {}
    for node in reversed(order):
        # A source stands beside what reads it, not at the far end.
        layer[node] = min((layer[b] for b in after[node]), default=first[node] + 1) - 1
    lowest = min(layer.values(), default=0)
    return {node: number - lowest for node, number in layer.items()}


def _uncross(
    rows: list[list[_Node]],
    above: Mapping[_Node, list[_Node]],
    below: Mapping[_Node, list[_Node]],
) -> None:
    """Order the rows so that few edges cross: each node in the middle of those it is joined to."""
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        joined = above if forward else below
        numbers = range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1)
        for number in numbers:
            other = rows[number - 1 if forward else number + 1]
            place = {node: n for n, node in enumerate(other)}
            middle = {
                node: _mean([place[o] for o in joined.get(node, ())], n)
                for n, node in enumerate(rows[number])
            }
            rows[number].sort(key=lambda node, middle=middle: middle[node])  # type: ignore[misc]


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _heights(
    rows: list[list[_Node]],
    above: Mapping[_Node, list[_Node]],
    below: Mapping[_Node, list[_Node]],
) -> dict[_Node, float]:
    """Return heights in the order of the rows, drawn towards what each node is joined to."""
    height: dict[_Node, float] = {}
    tallest = max(map(len, rows), default=0)
    for row in rows:
        for n, node in enumerate(row):
            height[node] = n + (tallest - len(row)) / 2
    for sweep in range(SWEEPS):
        ordered = rows if sweep % 2 == 0 else rows[::-1]
        for row in ordered:
            _settle(row, height, above if sweep % 2 == 0 else below)
    least = min(height.values(), default=0.0)
    return {node: at - least for node, at in height.items()}


def _settle(
    row: list[_Node], height: dict[_Node, float], joined: Mapping[_Node, list[_Node]]
) -> None:
    """Move the nodes of a row to where they are drawn to, and keep them one line apart."""
    wanted = [_mean([height[o] for o in joined.get(node, ())], height[node]) for node in row]
    down: list[float] = []
    for want in wanted:
        down.append(max(want, down[-1] + 1) if down else want)
    up: list[float] = []
    for want in reversed(wanted):
        up.append(min(want, up[-1] - 1) if up else want)
    for node, one, other in zip(row, down, reversed(up), strict=True):
        height[node] = (one + other) / 2
