"""Print a random sample of the calls of a built graph, with code, to be checked by hand.

    python bench/sample_calls.py WAREHOUSE TREE [--calls 100] [--seed 1]

A numbered block each: where the call is, how it was found and how sure that is, what it is said to
call, the lines around it, and the first line of what it calls.
"""

import argparse
import random
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

AROUND = 3


def rows_of(warehouse: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    rows: list[dict[str, Any]] = (
        DeltaTable(warehouse / name).to_pyarrow_dataset().to_table().to_pylist()
    )
    return rows


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("tree", type=Path, help="the source tree that the graph is of")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    nodes = {row["node_id"]: row for row in rows_of(arguments.warehouse, "cpg_nodes_delta")}
    edges = [e for e in rows_of(arguments.warehouse, "cpg_edges_delta") if e["kind"] == "CALL"]
    edges.sort(key=lambda edge: (edge["src"], edge["dst"], edge["how"]))
    chosen = random.Random(arguments.seed).sample(edges, arguments.calls)
    print(f"{len(edges)} CALL edges, {len(chosen)} of them:")
    for number, edge in enumerate(chosen, start=1):
        call, callee = nodes[edge["src"]], nodes[edge["dst"]]
        lines = (arguments.tree / call["path"]).read_text(errors="replace").splitlines()
        line = call["line"]
        print(f"\n#{number} {call['path']}:{line} {edge['how']} {edge['confidence']}")
        print(f"  says: {callee['full_name']} ({callee['path']}:{callee['line']})")
        for at in range(max(1, line - AROUND), min(len(lines), line + AROUND) + 1):
            print(f"  {'>' if at == line else ' '} {at:5} {lines[at - 1][:120]}")


if __name__ == "__main__":
    main()
