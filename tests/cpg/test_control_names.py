"""Which definitions reach which uses, by lines."""

import pytest

from tests.cpg.flows import Source, reaches_in_words, row


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("x = 1\nx = 2\nf(x)", {"x: 2 -> 3"}),
        ("x = 1\nif c:\n  x = 2\nf(x)", {"x: 1 -> 4", "x: 3 -> 4"}),
        ("x = 1\nx += 1\nx", {"x: 1 -> 2", "x: 2 -> 3"}),
        ("x = 1\nwhile f(x):\n  x = 2", {"x: 1 -> 2", "x: 3 -> 2"}),
        ("x = 1\nfor x in g(x):\n  x\nx", {"x: 1 -> 2", "x: 2 -> 3", "x: 1 -> 4", "x: 2 -> 4"}),
        ("x = 1\ndel x\nx", {"x: 1 -> 2"}),
        ("a, (b, *c) = d\na\nb\nc", {"a: 1 -> 2", "b: 1 -> 3", "c: 1 -> 4"}),
        ("x.y = z[i] = 1\nx\nz\ny", set()),
        ("x = 1\nx.y = x", {"x: 1 -> 2"}),
        ("import a.b as c, d.e\nfrom m import p as q, r\nc\nd\nq\nr\ne\np", "c d q r"),
        ("with a as b:\n  b", {"b: 1 -> 2"}),
        ("try:\n  x = f()\nexcept E as e:\n  e\n  x", {"e: 3 -> 4", "x: 2 -> 5"}),
        ("x = 1\ntry:\n  x = 2\nfinally:\n  x", {"x: 1 -> 5", "x: 3 -> 5"}),
        ("if (n := f()) and g(n):\n  n", {"n: 1 -> 1", "n: 1 -> 2"}),
        ("f(n := 1, n)\nn", {"n: 1 -> 1", "n: 1 -> 2"}),
        ("n = 1\nn = [n for n in n]\nn", {"n: 1 -> 2", "n: 2 -> 2", "n: 2 -> 3"}),
        ("x = [y := z for z in a]\ny\nz", {"z: 1 -> 1", "y: 1 -> 2"}),
        (
            "match a:\n  case [x, *y] | K(z=w):\n    x, y, z, w",
            {"x: 2 -> 3", "y: 2 -> 3", "w: 2 -> 3"},
        ),
        (
            "match a:\n  case {'k': v, **r} as q if v:\n    q, r",
            {"v: 2 -> 2", "q: 2 -> 3", "r: 2 -> 3"},
        ),
        ("match a:\n  case b.c:\n    b\nb = 1", set()),
        ("class A:\n  x = 1\n  y = x\n  def f(self): return x\nA\nx", {"x: 2 -> 3", "A: 1 -> 5"}),
        ("def f(): pass\nf\nlambda: f", {"f: 1 -> 2"}),
        ("f(x=1)\nx\na.x = 1\nx", set()),
        ("type T = int\nT", {"T: 1 -> 2"}),
        ("x: int = 1\nx: str\nx", {"x: 1 -> 3"}),
        ("x = 1\nf'{x}'", {"x: 1 -> 2"}),
        ("x = 1\n@x\ndef f(a=x) -> x: x", {"x: 1 -> 2", "x: 1 -> 3"}),
    ],
)
def test_definitions_reach_uses(text, reaches):
    if isinstance(reaches, str):
        reaches = {f"{name}: {1 + n // 2} -> {3 + n}" for n, name in enumerate(reaches.split())}
    assert reaches_in_words(text) == reaches


def test_parameters_reach_their_uses_by_the_node_of_the_parameter():
    source = Source("def f(a, b=1, *c, d: int, e: int = 2, **g): return a, b, c, d, e, g\n")
    (function,) = [f for f in source.functions if f.syntax]
    kinds = [source.table.kinds[reach.definition] for reach in function.reaches]
    assert [reach.name for reach in function.reaches] == list("abcdeg")
    assert kinds == [
        "identifier",
        "default_parameter",
        "list_splat_pattern",
        "typed_parameter",
        "typed_default_parameter",
        "dictionary_splat_pattern",
    ]


def test_of_thousands_of_definitions_the_last_in_the_code_are_kept():
    found = row("def f(x):\n" + "    if x: y = 1\n" * 100 + "    return y\n")
    starts = [int(r["src"].split("-")[0]) for r in found["reaches"] if r["name"] == "y"]
    assert (len(starts), min(starts)) == (64, 10 + 36 * 16 + 10)
