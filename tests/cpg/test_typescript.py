"""The graph of a TypeScript project, by the same views, from its sources and a given index.

The index is made with `npx @sourcegraph/scip-typescript index`, in tests/cpg/typescript.
"""

import random
from pathlib import Path

import pytest

from tasks.extract.concrete_syntax import extract_files
from tests.cpg.graphs import build
from tests.cpg.sources import listing
from tests.cpg.test_bad_input import mutated

TREE = Path(__file__).with_name("typescript")


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return build(TREE, tmp_path_factory.mktemp("graph"), scip_index=str(TREE / "index.scip"))


def parse(source: str, path: str = "m.ts"):
    (row,) = extract_files(listing({path: source})).to_pylist()
    return row


def pick(rows, *fields):
    return [tuple(row[field] for field in fields) for row in rows]


def test_calls_reach_functions_methods_constructors_and_what_is_outside(graph):
    assert graph.calls() == {
        ("src.base.total", "lib.lib.es5.Array.reduce", "method"),
        ("src.base.total.sum", "src.base.Priced.price", "method"),
        ("src.cart.Book.price", "src.base.Item.price", "method"),
        ("src.cart.checkout", "lib.lib.es5.Array.map", "method"),
        ("src.cart.checkout", "src.base.total", "direct"),
        ("src.cart.checkout.<lambda>", "src.base.Item.constructor", "constructor"),
        ("src.view.View.<lambda>", "src.cart.checkout", "direct"),
    }


def test_classes_inherit_and_implement_directly(graph):
    assert graph.pairs("INHERITS_FROM") == {
        ("src.base.Item", "src.base.Priced"),
        ("src.cart.Book", "src.base.Item"),
    }


def test_modules_import_by_relative_paths_and_by_packages_names(graph):
    assert graph.pairs("IMPORTS") == {
        ("src.cart", "node:path"),
        ("src.cart", "src.base"),
        ("src.cart", "src.lib"),  # an index.ts
        ("src.lib", "src.base"),  # an export … from
        ("src.view", "src.cart"),  # with the ending of what it is compiled to
    }


def test_names_refer_and_define_also_after_wide_characters(graph):
    assert {("books", "books"), ("é", "é"), ("title", "title")} <= graph.pairs("REF")
    assert ('"./base"', "src.base") in graph.pairs("REF")
    defined = {("all", "all"), ("count", "src.base.Item.count"), ("View", "src.view.View")}
    assert defined <= graph.pairs("DEF")


def test_annotations_are_types_as_they_are_written(graph):
    assert {("items", "Priced[]"), ("src.base.total", "number")} <= graph.pairs("EVAL_TYPE")


def test_nodes_hang_below_files_and_edges_are_between_nodes(graph):
    ends = {end for edge in graph.edges for end in (edge["src"], edge["dst"])}
    assert ends <= graph.nodes.keys()
    children = {edge["dst"] for edge in graph.edges if edge["kind"] == "AST"}
    assert {n for n, node in graph.nodes.items() if node["cst_kind"]} <= children
    files = {node["path"] for node in graph.nodes.values() if node["kind"] == "FILE"}
    assert files == {"src/base.ts", "src/cart.ts", "src/view.tsx", "src/lib/index.ts"}
    assert not [key for _, key in graph.props() if key == "problem"]


def test_a_function_is_called_like_the_variable_that_it_is_put_into():
    row = parse("const f = () => 1;\nclass A { g = function () {}; h() { return x => x; } }\n")
    assert pick(row["defs"], "kind", "qualname", "scope_kind") == [
        ("function", "f", "module"),
        ("class", "A", "module"),
        ("function", "A.g", "class"),
        ("function", "A.h", "class"),
        ("lambda", "A.h.<lambda>", "function"),
    ]


def test_parameters_are_plain_optional_or_take_the_rest():
    row = parse("function f(a: T, b?: U, c = 1, { d }: V, ...e: W[]) {}\n")
    assert pick(row["params"], "index", "name", "kind", "has_default") == [
        (0, "a", "positional", False),
        (1, "b", "positional", False),
        (2, "c", "positional", True),
        (3, None, "positional", False),
        (4, "e", "args", False),
    ]


def test_imports_are_relative_by_folders_as_pythons_are_by_dots():
    source = """
import a, { b, c as d } from "./x/y";
import * as e from "../z.js";
import "..";
import type { F } from "@scope/package/part";
export * from "./w";
export { g } from "./index";
"""
    assert pick(parse(source)["imports"], "module", "level", "name", "alias") == [
        ("x.y", 1, "default", "a"),
        ("x.y", 1, "b", None),
        ("x.y", 1, "c", "d"),
        ("z", 2, None, "e"),
        ("", 2, None, None),
        ("@scope/package/part", 0, "F", None),
        ("w", 1, "*", None),
        ("", 1, "g", None),
    ]


def test_bases_are_what_is_extended_and_implemented():
    row = parse("class A extends B<T> implements m.C {}\ninterface D extends E, F<G> {}\n")
    assert pick(row["bases"], "index", "text") == [(0, "B"), (1, "m.C"), (0, "E"), (1, "F<G>")]


def test_elements_are_parsed_in_tsx_only():
    assert not parse("const a = <b>{f()}</b>;\n", "m.tsx")["has_error"]
    assert parse("const a = <b>{f()}</b>;\n", "m.ts")["has_error"]


@pytest.mark.parametrize("seed", range(10))
def test_a_file_with_bytes_mutated_at_random_has_whole_facts(seed):
    random_ = random.Random(seed)
    source = (TREE / random_.choice(("src/base.ts", "src/cart.ts"))).read_bytes()
    row = parse(mutated(source, random_), "m.ts")
    nodes = {node["node"] for node in row["nodes"]}
    references = {"node", "scope", "parent", "name_node", "target", "value", "function", "class"}
    for facts in (value for value in row.values() if isinstance(value, list)):
        for fact in facts:
            assert {fact[key] for key in references & fact.keys()} - {None} <= nodes
