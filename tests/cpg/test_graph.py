"""The graph of a small package, edge by edge."""

import pytest

from tests.cpg.graphs import build, write_tree

SHOP = {
    "__init__.py": "from .base import Base as Root\n",
    "base.py": '''import functools


def traced(f):
    """Pass `f` through."""
    return f


class Base:
    kind = "base"

    def __init__(self, v: "list[int]" = ()):
        self.v = v

    @traced
    def total(self) -> int:
        return sum(self.v)

    def show(self):
        def inner():
            return self.total()

        return inner()
''',
    "cart.py": """from shop import base
from shop.base import Base, traced
import os.path as osp


class Cart(Base):
    def total(self):
        return super().total() + 1


class Big(Cart):
    pass


@traced
def main(é=1):
    cart = Big([é])
    cart.show()
    base.traced(main)
    return osp.join(cart.kind), unknown()  # an overloaded function, and no function at all
""",
    "app.py": "from . import cart\nfrom .cart import *\nimport shop.base\n\ncart.main()\nshop.base.Base()\n",
    "migrations/0001_initial.py": "def up(): pass\nup()\n",
    "broken.py": "def good(): pass\n\ngood()\ndef bad(:\n",
    "latin.py": b"name = '\xe9'\n",
    "empty.py": "",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    return build(write_tree(folder / "shop", SHOP), folder / "warehouse")


def test_calls_reach_through_imports_methods_constructors_decorators_and_super(graph):
    assert graph.calls() == {
        ("shop.base.Base", "shop.base.traced", "decorator"),
        ("shop.base.Base.total", "builtins.sum", "direct"),
        ("shop.base.Base.show.inner", "shop.base.Base.total", "method"),
        ("shop.base.Base.show.inner", "shop.cart.Cart.total", "method"),  # for main shows a Big
        ("shop.base.Base.show", "shop.base.Base.show.inner", "direct"),
        ("shop.cart.Cart.total", "builtins.super", "constructor"),
        ("shop.cart.Cart.total", "shop.base.Base.total", "super"),
        ("shop.cart", "shop.base.traced", "decorator"),
        ("shop.cart.main", "shop.base.Base.__init__", "constructor"),  # two bases away
        ("shop.cart.main", "shop.base.Base.show", "method"),
        ("shop.cart.main", "shop.base.traced", "direct"),
        ("shop.cart.main", "os.path.join", "direct"),
        ("shop.app", "shop.cart.main", "direct"),
        ("shop.app", "shop.base.Base.__init__", "constructor"),
        ("shop.broken", "shop.broken.good", "direct"),
        # The indexer cannot take this file, and is not needed for it.
        ("shop.migrations.0001_initial", "shop.migrations.0001_initial.up", "direct"),
    }


def test_a_call_says_how_sure_it_is(graph):
    calls = [edge for edge in graph.edges if edge["kind"] == "CALL"]
    unsure = {graph.name(e["dst"]) for e in calls if e["confidence"] == "medium"}
    assert unsure == {"shop.base.Base.total", "shop.cart.Cart.total"}
    assert {e["confidence"] for e in calls} == {"high", "medium"}


def test_classes_inherit_from_their_bases(graph):
    assert graph.pairs("INHERITS_FROM") == {
        ("shop.cart.Cart", "shop.base.Base"),
        ("shop.cart.Big", "shop.cart.Cart"),
    }


def test_modules_import_modules_of_the_tree_and_of_other_packages(graph):
    assert graph.pairs("IMPORTS") == {
        ("shop", "shop.base"),
        ("shop.base", "functools"),
        ("shop.cart", "shop.base"),
        ("shop.cart", "os.path"),
        ("shop.app", "shop.cart"),
        ("shop.app", "shop.base"),
    }


def test_definitions_are_contained_in_what_holds_them(graph):
    kinds = {"METHOD", "TYPE_DECL", "NAMESPACE_BLOCK"}
    named = {n for n, node in graph.nodes.items() if node["kind"] in kinds}
    held = [e for e in graph.edges if e["kind"] == "CONTAINS" and e["dst"] in named]
    contained = {(graph.name(e["src"]), graph.name(e["dst"])) for e in held}
    assert {pair for pair in contained if pair[1].startswith("shop.cart")} == {
        ("cart.py", "shop.cart"),
        ("shop.cart", "shop.cart.Cart"),
        ("shop.cart.Cart", "shop.cart.Cart.total"),
        ("shop.cart", "shop.cart.Big"),
        ("shop.cart", "shop.cart.main"),
    }


def test_annotated_things_have_types(graph):
    assert graph.pairs("EVAL_TYPE") == {("v", "list[int]"), ("shop.base.Base.total", "int")}


def test_names_refer_to_definitions_and_define_them(graph):
    refs = graph.pairs("REF")
    assert {("cart", "cart"), ("Base", "shop.base.Base"), ("kind", "shop.base.Base.kind")} <= refs
    assert ("é", "é") in refs
    defs = graph.pairs("DEF")
    assert {("total", "shop.base.Base.total"), ("total", "shop.cart.Cart.total")} <= defs
    assert ("total", "shop.base.Base.kind") not in defs


def test_every_edge_and_property_is_of_nodes_that_exist(graph):
    ends = {end for edge in graph.edges for end in (edge["src"], edge["dst"])}
    assert ends <= graph.nodes.keys()
    assert {node for node, _ in graph.props()} <= graph.nodes.keys()
    rows = [tuple(edge.values()) for edge in graph.edges]
    assert len(rows) == len(set(rows))


def test_every_syntax_node_hangs_below_a_file(graph):
    parents = {e["dst"]: e["src"] for e in graph.edges if e["kind"] == "AST"}
    tops = {n for n, node in graph.nodes.items() if node["cst_kind"] and n not in parents}
    assert not tops
    files = {n for n, node in graph.nodes.items() if node["kind"] == "FILE"}
    assert {graph.nodes[f]["path"] for f in files} == SHOP.keys()
    assert set(parents.values()) - parents.keys() == files


def test_what_is_outside_is_marked_external_and_nothing_else(graph):
    outside = {node["full_name"] for node in graph.nodes.values() if node["is_external"]}
    assert {"functools", "os.path", "builtins.sum"} <= outside
    assert not {name for name in outside if name.startswith("shop")}


def test_files_that_are_not_covered_whole_say_why(graph):
    problems = {
        node.removesuffix(":file"): value
        for (node, key), value in graph.props().items()
        if key == "problem"
    }
    assert problems.keys() == {"broken.py", "latin.py", "migrations/0001_initial.py"}
    assert problems["broken.py"] == "syntax error"


def test_one_edited_file_is_parsed_alone_and_changes_only_its_facts(tmp_path):
    tree = write_tree(tmp_path / "shop", SHOP)
    before = build(tree, tmp_path / "warehouse")
    assert not build(tree, tmp_path / "warehouse").built
    old = {tuple(e.values()) for e in before.edges if e["owner_path"] != "base.py"}
    (tree / "base.py").write_text(SHOP["base.py"] + "\nadded = 1\n")
    after = build(tree, tmp_path / "warehouse")
    assert "1 of" in after.built["compute.cst_nested"]
    assert {tuple(e.values()) for e in after.edges if e["owner_path"] != "base.py"} == old
    assert "added" in {node["name"] for node in after.nodes.values()}
