"""Picture: the graph as DOT or Mermaid text, without the edges that others imply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rustworkx as rx

from cpgbuild.core.dataset import DatasetKind

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
