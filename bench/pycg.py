"""Score the calls of the graph on PyCG's micro-benchmark, beside other tools.

    python bench/pycg.py PyCG/micro-benchmark [--peers PYTHON] [--misses]

The path is that of a copy of the public repository vitsalis/PyCG. Each case is a folder with
sources and `callgraph.json`, its exact call edges. The project is built on each as a user would
build it, and its CALL edges are compared as pairs of names. `--peers` runs `pycg`, `pyan3` and
`code2flow` too, with a Python that has them. Prints markdown.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deltalake import DeltaTable

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cpgbuild import api  # noqa: E402 -- needs the path
from cpgbuild.core.events import Failed  # noqa: E402
from cpgbuild.project.config import Overrides  # noqa: E402

Edge = tuple[str, str]
TARGETS = ("cpg_nodes_delta", "resolved_calls", "v_cst_defs")
# How the benchmark calls values of builtin types, and builtins.
LITERALS = {"str": "<**PyStr**>", "dict": "<**PyDict**>", "list": "<**PyList**>"}
PEER_SECONDS = 60


@dataclass
class Score:
    """Edges found and right, found and wrong, and missed, over all cases."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, found: set[Edge], truth: set[Edge]) -> None:
        """Count one case."""
        self.right += len(found & truth)
        self.wrong += len(found - truth)
        self.missed += len(truth - found)

    def row(self, name: str) -> str:
        """Return a line of the table."""
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        failed = f"{len(self.failed)} failed" if self.failed else ""
        counts = f"{self.right} | {self.wrong} | {self.missed}"
        return f"| {name} | {counts} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {failed} |"


def truth_of(case: Path) -> set[Edge]:
    """Return a case's edges."""
    graph = json.loads((case / "callgraph.json").read_text())
    return {(caller, callee) for caller, callees in graph.items() for callee in callees}


def graph_edges(case: Path, warehouse: Path) -> set[Edge]:
    """Build the project on a case and return its calls in the benchmark's names."""
    overrides = Overrides(variables={"repo": str(case)}, warehouse=str(warehouse))

    def report(event: object) -> None:
        if isinstance(event, Failed):
            raise event.error

    api.build(ROOT, targets=TARGETS, overrides=overrides, report=report)
    nodes = {row["node_id"]: row for row in _table(warehouse, "cpg_nodes_delta")}
    names = _names(nodes)
    if (case / "__init__.py").exists():
        # The project takes such a case as a package, the benchmark as a folder of modules.
        names = {key: name.removeprefix(f"{case.name}.") for key, name in names.items()}
    edges = set()
    for call in _table(warehouse, "resolved_calls"):
        callee = nodes[call["callee_id"]]
        # The benchmark has no edge to a class, except to one outside.
        if callee["kind"] != "TYPE_DECL" or callee["is_external"]:
            edges.add((names[call["caller_id"]], names[call["callee_id"]]))
    return edges


def _table(warehouse: Path, name: str) -> Iterable[Mapping[str, object]]:
    dataset = DeltaTable(warehouse / name).to_pyarrow_dataset()
    rows: list[Mapping[str, object]] = dataset.to_table().to_pylist()
    return rows


def _names(nodes: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return nodes' names as the benchmark writes them: lambdas are numbered in their scope."""
    names: dict[str, str] = {}
    lambdas: dict[str, int] = {}
    for node_id, node in sorted(nodes.items(), key=_place):
        full_name = str(node["full_name"] or node["name"] or node_id)
        if full_name.endswith("<lambda>"):
            scope = full_name.removesuffix("<lambda>")
            lambdas[scope] = lambdas.get(scope, 0) + 1
            full_name = f"{scope}<lambda{lambdas[scope]}>"
        names[node_id] = _outside(full_name) if node["is_external"] else full_name
    return names


def _place(item: tuple[str, Mapping[str, object]]) -> tuple[str, int, str]:
    node_id, node = item
    span = node["span"]
    start = span["start"] if isinstance(span, Mapping) else None
    return str(node["path"]), -1 if start is None else int(start), node_id


def _outside(full_name: str) -> str:
    first, *rest = full_name.split(".")
    if first != "builtins":
        return full_name
    if rest[-1] in {"__init__", "__new__"}:
        rest = rest[:-1]
    if len(rest) > 1 and rest[0] in LITERALS:
        return f"{LITERALS[rest[0]]}.{'.'.join(rest[1:])}"
    return f"<builtin>.{'.'.join(rest)}"


def pycg_edges(python: Path, case: Path, output: Path) -> set[Edge]:
    """Return the calls that PyCG finds."""
    files = [str(path) for path in case.rglob("*.py")]
    command = [str(python), "-m", "pycg", "--package", str(case), *files, "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True, timeout=PEER_SECONDS)
    graph = json.loads(output.read_text())
    return {(caller, callee) for caller, callees in graph.items() for callee in callees}


def pyan_edges(python: Path, case: Path, output: Path) -> set[Edge]:
    """Return the calls that pyan3 finds: the edges of its DOT that say that something is used."""
    files = [str(path) for path in case.rglob("*.py")]
    command = [str(python), "-m", "pyan", *files, "--uses", "--no-defines", "--dot"]
    command += ["--root", str(case)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PEER_SECONDS)
    output.write_text(done.stdout)
    names = dict(_DOT_NODE.findall(done.stdout))
    return {(names.get(a, a), names.get(b, b)) for a, b in _DOT_EDGE.findall(done.stdout)}


def code2flow_edges(python: Path, case: Path, output: Path) -> set[Edge]:
    """Return the calls that code2flow finds."""
    target = output.with_suffix(".json")
    command = [str(python.with_name("code2flow")), str(case), "--output", str(target), "--quiet"]
    subprocess.run(command, check=True, capture_output=True, timeout=PEER_SECONDS)
    graph = json.loads(target.read_text())["graph"]
    names = {key: _of_code2flow(node["name"]) for key, node in graph["nodes"].items()}
    return {(names[edge["source"]], names[edge["target"]]) for edge in graph["edges"]}


def _of_code2flow(name: str) -> str:
    module, _, rest = name.partition("::")
    return module if rest == "(global)" else f"{module}.{rest.removesuffix('()')}"


_DOT_NODE = re.compile(r'^\s*"(\w+)" \[.*tooltip="([^"\\]+)', re.MULTILINE)
_DOT_EDGE = re.compile(r'^\s*"(\w+)" -> "(\w+)"', re.MULTILINE)
PEERS = {"PyCG": pycg_edges, "pyan3": pyan_edges, "code2flow": code2flow_edges}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="the folder micro-benchmark of PyCG's repository")
    parser.add_argument("--peers", type=Path, help="a Python with PyCG, pyan3 and code2flow")
    parser.add_argument("--misses", action="store_true", help="print each case that is not exact")
    arguments = parser.parse_args()
    cases = sorted(path.parent for path in arguments.path.rglob("callgraph.json"))
    if not cases:
        raise SystemExit(f"there is no callgraph.json below {arguments.path}")
    tools = {"cpgbuild": None} | (PEERS if arguments.peers else {})
    scores = {name: Score() for name in tools}
    with tempfile.TemporaryDirectory(prefix="pycg-bench-") as folder:
        for index, case in enumerate(cases):
            truth, name = truth_of(case), case.relative_to(arguments.path).as_posix()
            found = graph_edges(case, Path(folder) / str(index))
            scores["cpgbuild"].add(found, truth)
            if arguments.misses and found != truth:
                print(f"{name}: wrong {sorted(found - truth)}, missed {sorted(truth - found)}")
            for peer, run in PEERS.items() if arguments.peers else ():
                edges: set[Edge] = set()
                try:
                    edges = run(arguments.peers, case, Path(folder) / f"{index}-{peer}")
                except (OSError, subprocess.SubprocessError, ValueError, KeyError):
                    scores[peer].failed.append(name)
                scores[peer].add(edges, truth)
    n_edges = sum(len(truth_of(case)) for case in cases)
    print(f"{len(cases)} cases, {n_edges} edges\n")
    print("| tool | right | wrong | missed | precision | recall | F1 | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for name, score in scores.items():
        print(score.row(name))


if __name__ == "__main__":
    main()
