"""Types of what has no annotation, as the real checker infers them."""

import pytest

from tasks.types.pyrefly import checked_types
from tests.cpg.graphs import build, write_tree
from tests.cpg.sources import request

SHOP = {
    "__init__.py": "",
    "a.py": """class A:
    kind = "é😀"

    def m(self, k=1):
        return [k]


def made(word: str, n=2):
    é = "😀"; a = A(); return a, len(é)


stated: int = 1
plain = A()
""",
    "deep.py": "x = " + "-" * 2_000 + "1\n",
    "latin.py": b"x = '\xe9'\n",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    tree = write_tree(folder / "shop", SHOP)
    return build(tree, folder / "warehouse", type_checker="pyrefly", indexer="none")


def typed(graph, confidence):
    found = [e for e in graph.edges if e["kind"] == "EVAL_TYPE" and e["confidence"] == confidence]
    return {(graph.name(e["src"]), e["how"], graph.name(e["dst"])) for e in found}


def test_what_is_annotated_is_as_written_and_sure(graph):
    assert typed(graph, None) == {("word", "parameter", "str"), ("=", "variable", "int")}


def test_what_is_not_has_the_type_that_is_inferred(graph):
    assert typed(graph, "medium") >= {
        ("self", "parameter", "shop.a.A"),
        ("k", "parameter", "int"),
        ("n", "parameter", "int"),
        ("kind", "variable", "str"),
        ("plain", "variable", "shop.a.A"),
    }
    inferred = {name for name, _, _ in typed(graph, "medium")}
    assert not {"word", "stated"} & inferred


def test_files_that_are_not_checked_say_why_and_edges_are_between_nodes(graph):
    problems = {(n, v) for (n, key), v in graph.props().items() if key == "problem"}
    assert {
        ("deep.py:file", "not checked: nested 2,004 deep"),
        ("latin.py:file", "not checked: not UTF-8"),
    } <= problems
    ends = {end for edge in graph.edges for end in (edge["src"], edge["dst"])}
    assert ends <= graph.nodes.keys()


def test_a_tree_without_files_has_no_types():
    given = request("shop", {}).append_column("checker", ["pyrefly 1"])
    assert checked_types(given).num_rows == 0
