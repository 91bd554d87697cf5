"""Builds the graph of large trees and checks that no file is lost: `make stdlib-graph`.

Without arguments, of the standard library of the Python that runs this.
"""

import argparse
import sysconfig
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
from deltalake import DeltaTable

from cpgbuild.engine.listing import list_files
from tests.cpg.graphs import ROOT, build

FILES = tomllib.loads((ROOT / "cpgbuild.toml").read_text())["sources"]["repo_files"]


def sweep(tree: Path, indexer: str) -> None:
    """Build the graph of a tree and print what it holds; raise where something is lost."""
    with tempfile.TemporaryDirectory(prefix="cpg-sweep-") as folder:
        start = time.perf_counter()
        built = build(tree, Path(folder), indexer=indexer)
        seconds = time.perf_counter() - start
        tables = {name: DeltaTable(Path(folder) / name) for name in (*TABLES, "cst_nested")}
        nodes, edges, props = (tables[n].to_pyarrow_dataset().to_table() for n in TABLES)
        parsed = tables["cst_nested"].to_pyarrow_dataset().to_table(["path", "size"])
    listed = {row.path for row in list_files(tree, FILES["include"], FILES["exclude"], {}).rows}
    files = nodes.filter(pc.equal(nodes["kind"], "FILE"))["path"].to_pylist()
    assert set(parsed["path"].to_pylist()) == listed, "a file was lost while parsing"
    assert sorted(files) == sorted(listed), "a file has no node, or two"
    ids = pc.unique(nodes["node_id"])
    assert len(ids) == nodes.num_rows, "two nodes have one id"
    for end in ("src", "dst"):
        assert pc.all(pc.is_in(edges[end], ids)).as_py(), f"an edge's {end} is no node"
    problems = props.filter(pc.equal(props["key"], "problem"))["value"].to_pylist()
    size = pc.sum(parsed["size"]).as_py()
    print(f"{tree}: {len(listed):,} files of {size / 1e6:.1f} MB in {seconds:.0f} s by {indexer}")
    print(f"  {nodes.num_rows:,} nodes, {edges.num_rows:,} edges, {len(built.built)} tables")
    print(f"  {dict(Counter(edges['kind'].to_pylist()).most_common())}")
    for problem, count in Counter(text[:70] for text in problems).most_common():
        print(f"  {count:5,} {problem}")


TABLES = ("cpg_nodes_delta", "cpg_edges_delta", "cpg_props_delta")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="*", type=Path)
    parser.add_argument("--indexer", default="ty-scip")
    arguments = parser.parse_args()
    for tree in arguments.trees or [Path(sysconfig.get_path("stdlib"))]:
        sweep(tree.resolve(), arguments.indexer)
