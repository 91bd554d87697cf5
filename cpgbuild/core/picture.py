"""Picture: the graph as DOT, Mermaid or SVG, without the edges that others imply, or as data."""

from __future__ import annotations

import json
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

import rustworkx as rx

from cpgbuild.core.dataset import DatasetKind
from cpgbuild.core.layered import layered

if TYPE_CHECKING:
    from cpgbuild.core.graph import Graph

_DOT_SHAPE = {
    DatasetKind.SOURCE: "cylinder",
    DatasetKind.VIEW: "box",
    DatasetKind.TABLE: "box3d",
}
_MERMAID_SHAPE = {
    DatasetKind.SOURCE: ("[(", ")]"),
    DatasetKind.VIEW: ("[", "]"),
    DatasetKind.TABLE: ("[[", "]]"),
}
_FORMAT = 1
# Sizes of the SVG in pixels: letters are about so wide, lines so high.
_LETTER, _LINE, _BOX, _BETWEEN, _EDGE = 7.2, 34, 24, 56, 16
_SVG_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#1b1f24}"
    "path{fill:none;stroke:#8a94a0;stroke-width:1.2}"
    ".source{fill:#e3f1e5;stroke:#3d8b4a}.view{fill:#fff;stroke:#6a737d}"
    ".table{fill:#dce9f9;stroke:#2f6fb5;stroke-width:1.8}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e8ea}.source{fill:#1d3a24}.view{fill:#22262b}"
    ".table{fill:#18324f}}"
)


def reduced(graph: Graph) -> list[tuple[str, str]]:
    """Return the edges between datasets in the transitive reduction, sorted."""
    flat: rx.PyDiGraph[str, None] = rx.PyDiGraph(multigraph=False)
    node = {dataset.name: flat.add_node(dataset.name) for dataset in graph.datasets}
    for task in graph.tasks.values():
        for requirement in task.requires:
            flat.add_edge(node[requirement.dataset], node[task.dataset], None)
    small, _ = rx.transitive_reduction(flat)
    return sorted((small[a], small[b]) for a, b in small.edge_list())


def dot(graph: Graph) -> str:
    """Return the graph of datasets in Graphviz' language: sources, views and tables by shape."""
    lines = ["digraph cpgbuild {", "  rankdir=LR", '  node [fontname="sans-serif"]']
    lines += [f'  "{d.name}" [shape={_DOT_SHAPE[d.kind]}]' for d in graph.datasets]
    lines += [f'  "{a}" -> "{b}"' for a, b in reduced(graph)]
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(graph: Graph) -> str:
    """Return the graph of datasets in Mermaid's language, as Markdown pages render it."""
    lines = ["graph LR"]
    for dataset in graph.datasets:
        left, right = _MERMAID_SHAPE[dataset.kind]
        lines.append(f"  {dataset.name}{left}{dataset.name}{right}")
    lines += [f"  {a} --> {b}" for a, b in reduced(graph)]
    return "\n".join(lines) + "\n"


def as_json(graph: Graph) -> str:
    """Return the graph as one JSON object: datasets, and all edges with the columns they require.

    An edge goes from a dataset to the one that a task makes of it, by the task that does.
    """
    datasets = [
        {
            "dataset": dataset.name,
            "kind": str(dataset.kind),
            "tasks": [task.name for task in graph.makers(dataset.name)],
        }
        for dataset in graph.datasets
    ]
    edges = [
        {"from": r.dataset, "to": task.dataset, "task": task.name, "columns": list(r.names)}
        for _, task in sorted(graph.tasks.items())
        for r in task.requires
    ]
    return json.dumps({"v": _FORMAT, "datasets": datasets, "edges": edges}, indent=1) + "\n"


def svg(graph: Graph) -> str:
    """Return the graph of datasets as a picture, from the sources on the left to the right."""
    edges = reduced(graph)
    names = [dataset.name for dataset in graph.datasets]
    layout = layered(names, edges)
    widths: dict[int, float] = {}
    for name, layer in layout.layer.items():
        widths[layer] = max(widths.get(layer, 0.0), len(name) * _LETTER + 2 * _EDGE)
    left: dict[int, float] = {}
    for layer in sorted(widths):
        left[layer] = left[layer - 1] + widths[layer - 1] + _BETWEEN if layer else _EDGE
    width = max((left[n] + widths[n] for n in widths), default=0.0) + _EDGE
    height = (max(layout.height.values(), default=0.0) + 1) * _LINE + 2 * _EDGE

    def middle(at: float) -> float:
        return _EDGE + at * _LINE + _LINE / 2

    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Datasets">',
        f"<style>{_SVG_STYLE}</style>",
    ]
    for (start, _), way in sorted(layout.ways.items()):
        x = left[way[0][0]] + _width(start)
        path = [f"M{x:.0f} {middle(way[0][1]):.0f}"]
        for (before, from_), (layer, to) in pairwise(way):
            bend = left[layer] - _BETWEEN / 2
            y, end = middle(from_), middle(to)
            path.append(f"H{left[before] + widths[before]:.0f}")
            path.append(f"C{bend:.0f} {y:.0f} {bend:.0f} {end:.0f} {left[layer]:.0f} {end:.0f}")
        lines.append(f'<path d="{"".join(path)}"/>')
    for dataset in graph.datasets:
        x, y = left[layout.layer[dataset.name]], middle(layout.height[dataset.name])
        lines.append(
            f'<rect class="{dataset.kind}" x="{x:.0f}" y="{y - _BOX / 2:.0f}" rx="4" '
            f'width="{_width(dataset.name):.0f}" height="{_BOX}"/>'
            f'<text x="{x + _EDGE:.0f}" y="{y + 4:.0f}">{escape(dataset.name)}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _width(name: str) -> float:
    return len(name) * _LETTER + 2 * _EDGE
