"""Facts that a syntax tree states: definitions, calls, imports, parameters, annotations."""

import pytest

from tests.cpg.sources import parse


def pick(rows, *fields):
    return [tuple(row[field] for field in fields) for row in rows]


def test_definitions_have_the_name_that_python_gives_them_inside_the_file():
    source = "class A:\n def f(self):\n  def g(): pass\nasync def h(): pass\nk = lambda: 1\n"
    assert pick(parse(source)["defs"], "kind", "qualname", "scope_kind", "is_async") == [
        ("class", "A", "module", False),
        ("function", "A.f", "class", False),
        ("function", "A.f.g", "function", False),
        ("function", "h", "module", True),
        ("lambda", "<lambda>", "module", False),
    ]


def test_a_docstring_is_kept_without_quotes():
    (definition,) = parse('def f():\n    r"""What it does."""\n')["defs"]
    assert definition["docstring"] == "What it does."


def test_literals_and_called_expressions_are_cut_but_names_and_types_are_whole():
    name, items = "n" * 300, ", ".join(["int"] * 100)
    row = parse(f"{name}: tuple[{items}] = {name}.{name}('{name}')\n")
    kept = {node["kind"]: len(node["name"]) for node in row["nodes"] if node["name"]}
    assert (kept["identifier"], kept["string"]) == (300, 200)
    assert (len(row["calls"][0]["text"]), len(row["calls"][0]["name"])) == (200, 300)
    assert row["annotations"][0]["text"] == f"tuple[{items}]"


def owners(source: str) -> dict[str, str]:
    row = parse(source)
    names = {d["node"]: d["qualname"] for d in row["defs"]} | {"module": "module"}
    return {call["text"]: names[call["scope"]] for call in row["calls"]}


def test_a_call_belongs_to_the_innermost_definition_whose_body_holds_it():
    source = """
a()
class C(base()):
    b()
    @deco()
    def f(self, x=default(), y: note() = 1) -> result():
        c()
        return lambda z=early(): late()
"""
    assert owners(source) == {
        "a": "module",
        "base": "module",
        "b": "C",
        "deco": "C",
        "default": "C",
        "note": "C",
        "result": "C",
        "c": "C.f",
        "early": "C.f",
        "late": "C.f.<lambda>",
    }


def test_a_call_names_its_callee_receiver_and_arguments():
    row = parse("f(1, *a, k=2)\na.b.c(x for x in y)\ng()()\nt[0]()\n")
    assert pick(row["calls"], "text", "name", "name_node", "receiver", "n_args") == [
        ("f", "f", "0-1:identifier", None, 3),
        ("a.b.c", "c", "18-19:identifier", "a.b", 1),
        ("g()", None, None, None, 0),
        ("g", "g", "34-35:identifier", None, 0),
        ("t[0]", None, None, None, 0),
    ]


def test_a_decorator_without_parentheses_is_a_call_and_with_them_its_call_is():
    row = parse("@a\n@m.b\n@c(1)\ndef f(): pass\n")
    assert pick(row["calls"], "kind", "text", "n_args") == [
        ("decorator", "a", 1),
        ("decorator", "m.b", 1),
        ("call", "c", 1),
    ]


def test_imports_keep_module_level_name_and_alias():
    source = """
import a.b, c as d
from ..x.y import (e, f as g)
from . import h
from m import *
from __future__ import annotations
"""
    assert pick(parse(source)["imports"], "module", "level", "name", "alias") == [
        ("a.b", 0, None, None),
        ("c", 0, None, "d"),
        ("x.y", 2, "e", None),
        ("x.y", 2, "f", "g"),
        ("", 1, "h", None),
        ("m", 0, "*", None),
        ("__future__", 0, "annotations", None),
    ]


def test_parameters_know_how_they_are_passed():
    row = parse("def f(a, b: int, /, c=1, *args, d, e: str = 'x', **kw): pass\n")
    assert pick(row["params"], "index", "name", "kind", "has_default") == [
        (0, "a", "positional_only", False),
        (1, "b", "positional_only", False),
        (2, "c", "positional", True),
        (3, "args", "args", False),
        (4, "d", "keyword_only", False),
        (5, "e", "keyword_only", True),
        (6, "kw", "kwargs", False),
    ]
    assert {p["function"] for p in row["params"]} == {row["defs"][0]["node"]}


def test_a_bare_star_makes_what_follows_keyword_only():
    row = parse("f = lambda a, *, b: 1\n")
    assert pick(row["params"], "name", "kind") == [("a", "positional"), ("b", "keyword_only")]


@pytest.mark.parametrize(
    ("annotation", "head"),
    [
        ("int", "int"),
        ("a.B", "B"),
        ("list[int]", "list"),
        ("a.B[int]", "B"),
        ('"Later"', "Later"),
        ('"m.Later[int]"', "Later"),
        ("int | None", None),
    ],
)
def test_an_annotation_knows_the_name_of_its_outermost_type(annotation, head):
    source = f"x: {annotation} = 1\n"
    (found,) = parse(source)["annotations"]
    span = found["head_start"], found["head_end"]
    assert found["text"] == annotation.strip('"')
    assert (None if head is None else source[slice(*span)]) == head


def test_annotations_point_at_what_they_annotate():
    row = parse("def f(a: int, *b: str) -> bool:\n    c: float\n")
    roles = pick(row["annotations"], "role", "text", "target")
    assert [role[:2] for role in roles] == [
        ("parameter", "int"),
        ("parameter", "str"),
        ("return", "bool"),
        ("variable", "float"),
    ]
    assert {role[2] for role in roles} <= {node["node"] for node in row["nodes"]}


def test_bases_leave_out_keywords_and_look_through_subscripts():
    row = parse("class A(B, m.C, Generic[T], metaclass=M): pass\n")
    assert pick(row["bases"], "index", "text", "name_node") == [
        (0, "B", "8-9:identifier"),
        (1, "m.C", "13-14:identifier"),
        (2, "Generic[T]", "16-23:identifier"),
    ]


def test_assignments_and_returns_point_at_their_values():
    row = parse("def f():\n    x = y = g()\n    x += 1\n    return (yield x)\n")
    assert pick(row["assigns"], "target_kind", "value_kind") == [
        ("identifier", "assignment"),
        ("identifier", "call"),
        ("identifier", "integer"),
    ]
    assert pick(row["returns"], "kind") == [("return",), ("yield",)]


def test_every_reference_of_a_fact_is_a_node():
    source = "@d\nclass A(B):\n    def f(self, a: int = 1, *b): x = self.g(a); return lambda c: c\n"
    row = parse(source)
    nodes = {node["node"] for node in row["nodes"]}
    references = {"node", "scope", "name_node", "target", "value", "function", "class"}
    for column in ("defs", "calls", "names", "params", "bases", "assigns", "returns"):
        for fact in row[column]:
            held = {fact[key] for key in references & fact.keys()} - {None}
            assert held <= nodes, column
