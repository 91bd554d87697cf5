"""`cpgbuild export graph`: networkx reads back what was written, whatever the text is like."""

import json
from itertools import pairwise

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.commands import run_here

ODD = ["plain", "a<b>&\"c'", "tab\tline\nreturn\r", " é 日本 😀 ", "]]>", "\\x00", "bell\x07\ufffe"]
# What XML cannot hold is written out.
IN_XML = {name: name for name in ODD} | {ODD[-1]: "bell\\x07\\ufffe"}
CONFIG = """
[project]
name = "graph"

[sources.nodes]
path = "nodes.parquet"

[sources.edges]
path = "edges.parquet"

[sources.loose]
path = "loose.parquet"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    (folder / "cpgbuild.toml").write_text(CONFIG)
    (folder / "tasks").mkdir()
    span = [{"start": n, "end": None if n == 1 else n + 2} for n in range(len(ODD))]
    nodes = {
        "node_id": ODD,
        "text": [f"text of {name}" for name in ODD],
        "weight": [n / 2 for n in range(len(ODD))],
        "flag": [n % 2 == 0 for n in range(len(ODD))],
        "span": pa.array(span, pa.struct({"start": pa.int32(), "end": pa.int32()})),
        "lists": [[n, n] if n else None for n in range(len(ODD))],
    }
    # Two edges between the same two nodes, and a loop.
    ends = [*pairwise(ODD), (ODD[0], ODD[1]), (ODD[2], ODD[2])]
    edges = {
        "src": [a for a, _ in ends],
        "dst": [b for _, b in ends],
        "kind": [None if n == 0 else f"K{n}" for n in range(len(ends))],
        "n": pa.array(range(len(ends)), pa.int32()),
    }
    pq.write_table(pa.table(nodes), folder / "nodes.parquet")
    pq.write_table(pa.table(edges), folder / "edges.parquet")
    loose = {"src": ["plain"], "dst": pa.array([None], pa.string())}
    pq.write_table(pa.table(loose), folder / "loose.parquet")
    return folder


def export(folder, *more):
    return run_here("export", "graph", "--nodes", "nodes", "--edges", "edges", *more, folder=folder)


def test_networkx_reads_graphml_with_ids_types_and_parallel_edges(folder):
    ended = export(folder, "--out", "g.graphml")
    assert ended.code == 0, ended.stderr
    graph = nx.read_graphml(folder / "g.graphml", force_multigraph=True)
    assert graph.is_directed()
    assert set(graph) == set(IN_XML.values())
    assert graph.number_of_edges() == len(ODD) + 1
    assert graph.nodes["plain"] == {
        "text": "text of plain",
        "weight": 0.0,
        "flag": True,
        "span_start": 0,
        "span_end": 2,
    }
    second = graph.nodes[ODD[1]]
    assert (second["text"], second["lists"], second["flag"]) == (
        f"text of {ODD[1]}",
        "[1, 1]",
        False,
    )
    assert "span_end" not in second
    assert sorted(d["n"] for d in graph.get_edge_data(ODD[0], ODD[1]).values()) == [0, len(ODD) - 1]
    assert {d.get("kind") for *_, d in graph.edges(data=True)} > {None, "K1"}
    for name, written in IN_XML.items():
        assert graph.nodes[written]["text"] == f"text of {name}".replace(name, written)


def test_networkx_reads_json_with_every_character_as_it_is(folder):
    assert export(folder, "--out", "g.json").code == 0
    graph = nx.node_link_graph(json.loads((folder / "g.json").read_text()), edges="edges")
    assert (graph.is_directed(), graph.is_multigraph()) == (True, True)
    assert set(graph) == set(ODD)
    assert graph.number_of_edges() == len(ODD) + 1
    assert graph.nodes[ODD[-1]]["text"] == f"text of {ODD[-1]}"
    assert graph.nodes[ODD[3]]["lists"] == [3, 3]


def test_a_condition_cuts_nodes_and_the_edges_that_would_hang(folder):
    assert export(folder, "--out", "cut.json", "--where", "weight < 1.5").code == 0
    graph = nx.node_link_graph(json.loads((folder / "cut.json").read_text()), edges="edges")
    assert set(graph) == set(ODD[:3])
    assert sorted((a, b) for a, b in graph.edges()) == sorted(
        [(ODD[0], ODD[1]), (ODD[0], ODD[1]), (ODD[1], ODD[2]), (ODD[2], ODD[2])]
    )


def test_the_form_may_be_named_and_json_says_what_was_written(folder):
    ended = export(folder, "--out", "odd.name", "--format", "json", "--json")
    assert ended.records[0] == {
        "v": 1,
        "event": "exported",
        "form": "json",
        "path": "odd.name",
        "nodes": len(ODD),
        "edges": len(ODD) + 1,
        "changed": True,
    }


def test_an_edge_without_an_end_is_an_error_and_the_file_stays_as_it_was(folder):
    (folder / "kept.json").write_text("mine")
    ended = export(folder, "--out", "kept.json", "--edges", "loose")
    assert ended.code == 2
    assert "error[E383]: column `dst` of dataset `loose` is null" in ended.stderr
    assert (folder / "kept.json").read_text() == "mine"
    assert not list(folder.glob(".*.part"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--out", "graph.gif"), "E"),
        (("--out", "g.json", "--format", "dot"), "E"),
        (("--out", "g.json", "--source", "from"), "E"),
        (("--out", "g.json", "--edges", "edge"), "E"),
        (("--out", "nowhere/g.json"), "E180"),
        (("--out", "g.json", "--where", "weigth < 1"), "E"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_one_error(folder, arguments, code):
    ended = export(folder, *arguments)
    assert ended.code == 2
    assert ended.stderr.startswith(f"error[{code}")
    assert "Traceback" not in ended.stderr
