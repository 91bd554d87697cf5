"""Building the repository's own project on small trees, and reading the graph in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from cpgbuild import api
from cpgbuild.core.events import Built, Failed
from cpgbuild.project.config import Overrides

ROOT = Path(__file__).resolve().parents[2]


def write_tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@dataclass
class Graph:
    """A built graph; `built` are the tasks that ran, with what they say of it."""

    warehouse: Path
    built: dict[str, str]

    def table(self, name: str) -> list[dict[str, Any]]:
        return pa.table(
            DeltaTable(self.warehouse / name).to_pyarrow_dataset().to_table()
        ).to_pylist()

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        rows = self.table("cpg_nodes_delta")
        nodes = {row["node_id"]: row for row in rows}
        assert len(nodes) == len(rows), "node ids are unique"
        return nodes

    @cached_property
    def edges(self) -> list[dict[str, Any]]:
        return self.table("cpg_edges_delta")

    def name(self, node_id: str) -> str:
        node = self.nodes[node_id]
        return node["full_name"] or node["name"] or node_id

    def holder(self, node_id: str) -> str:
        (edge,) = [e for e in self.edges if e["kind"] == "CONTAINS" and e["dst"] == node_id]
        return self.name(edge["src"])

    def calls(self) -> set[tuple[str, str, str]]:
        """Return (caller, callee, how) by name."""
        found = [edge for edge in self.edges if edge["kind"] == "CALL"]
        return {(self.holder(e["src"]), self.name(e["dst"]), e["how"]) for e in found}

    def pairs(self, kind: str) -> set[tuple[str, str]]:
        """Return the edges of a kind by name."""
        found = [edge for edge in self.edges if edge["kind"] == kind]
        return {(self.name(edge["src"]), self.name(edge["dst"])) for edge in found}

    def props(self) -> dict[tuple[str, str], str]:
        return {(p["node_id"], p["key"]): p["value"] for p in self.table("cpg_props_delta")}


def build(tree: Path, warehouse: Path, *targets: str, **variables: str) -> Graph:
    """Build the project on a tree with variables; a task that fails is raised."""
    built: dict[str, str] = {}

    def report(event: object) -> None:
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Built):
            built[event.task.name] = getattr(event, "detail", "") or ""

    overrides = Overrides(variables={"repo": str(tree)} | variables, warehouse=str(warehouse))
    api.build(ROOT, targets=targets, overrides=overrides, report=report)
    return Graph(warehouse, built)
