"""What calls are found by following values: assignments, arguments, attributes, containers, …"""

import pytest

from tests.cpg.followed import calls, hows, rows


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param(
            "def f(): pass\ndef g(): pass\nx = f\nx()\nx = g\n",
            {("m", "m.f")},
            id="a name is what it was given last",
        ),
        pytest.param(
            "def f(): pass\ndef g(): pass\nx = f if cond else g\nx()\n",
            {("m", "m.f"), ("m", "m.g")},
            id="a name is what either way gave it",
        ),
        pytest.param(
            "def f(): pass\ndef g(): pass\nx = f\nfor i in y:\n  x()\n  x = g\n",
            {("m", "m.f"), ("m", "m.g")},
            id="a loop's later turns find what the earlier ones left",
        ),
        pytest.param(
            "def f(): pass\ndef g(): pass\nx = f\ntry:\n  x = g\n  h()\nexcept E:\n  x()\n",
            {("m", "m.f"), ("m", "m.g")},
            id="a handler finds whatever its body had given so far",
        ),
        pytest.param(
            "def f(): pass\ndef g(a):\n  a()\ng(f)\n",
            {("m", "m.g"), ("m.g", "m.f")},
            id="an argument is called where its parameter is",
        ),
        pytest.param(
            "def f(): pass\ndef g(*a, **k):\n  h(*a, **k)\ndef h(p, q):\n  q()\ng(1, q=f)\n",
            {("m", "m.g"), ("m.g", "m.h"), ("m.h", "m.f")},
            id="spread arguments are handed on",
        ),
        pytest.param(
            "def f(): pass\ndef g():\n  def h():\n    return f\n  return h\ng()()()\n",
            {("m", "m.g"), ("m", "m.g.h"), ("m", "m.f")},
            id="what is returned is called",
        ),
        pytest.param(
            "def f(): pass\ndef outer():\n  x = f\n  def inner():\n    x()\n  inner()\nouter()\n",
            {("m", "m.outer"), ("m.outer", "m.outer.inner"), ("m.outer.inner", "m.f")},
            id="a closure sees the variables around",
        ),
        pytest.param(
            "def f(): pass\ndef g():\n  global x\n  x = f\ndef h():\n  x()\ng()\nh()\n",
            {("m", "m.g"), ("m", "m.h"), ("m.h", "m.f")},
            id="a global is set from inside of a function",
        ),
        pytest.param(
            "def f(): pass\nd = {'a': f, 'b': 1}\nd['a']()\nd['b']()\n",
            {("m", "m.f")},
            id="a dictionary's keys are told apart",
        ),
        pytest.param(
            "def f(): pass\ndef g(): pass\nd = {'a': f}\nd['a'] = g\nd['a']()\n",
            {("m", "m.g")},
            id="what is stored just before is what is there",
        ),
        pytest.param(
            "def f(): pass\nxs = []\nxs.append(f)\nfor x in xs:\n  x()\n",
            {("m", "builtins.list.append"), ("m", "m.f")},
            id="what is appended comes out of the loop",
        ),
        pytest.param(
            "def f(): pass\na, (b, *c) = 1, (2, 3, f)\nc[1]()\nb()\n",
            {("m", "m.f")},
            id="patterns take tuples apart",
        ),
        pytest.param(
            "def f(x): return x\n[f(i) for i in y if f(i)]\n",
            {("m", "m.f")},
            id="a comprehension belongs to what is around",
        ),
        pytest.param(
            "def f(): yield g\ndef g(): pass\nfor x in f():\n  x()\n",
            {("m", "m.f"), ("m", "m.g")},
            id="a generator's loop gets what it yields",
        ),
        pytest.param(
            "def f(x): pass\nmap(f, [1])\nsorted([1], key=f)\n",
            {("m", "builtins.map"), ("m", "builtins.sorted"), ("m", "m.f")},
            id="builtins call back",
        ),
    ],
)
def test_values_flow(source, found):
    assert calls(source) == found


def test_methods_are_found_in_the_order_of_the_classes():
    source = """
class A:
    def f(self): self.g()
    def g(self): pass
class B(A):
    def g(self): pass
class C(A):
    def f(self): super().f()
class D(B, C): pass
D().f()
"""
    assert calls(source) == {
        ("m", "m.D"),
        ("m", "m.C.f"),  # before A, since C3 puts A behind both
        ("m.C.f", "builtins.super"),
        ("m.C.f", "m.A.f"),
        ("m.A.f", "m.A.g"),
        ("m.A.f", "m.B.g"),  # of the instance of D that came along
    }


def test_attributes_of_instances_hold_what_any_method_stores():
    source = """
def f(): pass
class A:
    def __init__(self, hook):
        self.hook = hook
    def run(self):
        self.hook()
A(f).run()
"""
    found = {("m", "m.A.__init__"), ("m", "m.A.run"), ("m.A.run", "m.f")}
    assert calls(source) == found


def test_the_language_calls_methods_by_itself():
    source = """
class A:
    def __add__(self, other): pass
    def __call__(self): pass
    def __iter__(self): return self
    def __next__(self): return self
    def __enter__(self): return self
    def __exit__(self, *args): pass
    def __getitem__(self, key): pass
    def __len__(self): return 0
    @property
    def size(self): return self
a = A()
a + 1
a()
for b in a: pass
with a as c: c.size
a[0]
len(a)
raise A
"""
    assert hows(source) == {
        ("m.A", "constructor"),
        ("m.A.__add__", "operator"),
        ("m.A.__call__", "method"),
        ("m.A.__iter__", "iteration"),
        ("m.A.__next__", "iteration"),
        ("m.A.__enter__", "context"),
        ("m.A.__exit__", "context"),
        ("m.A.size", "property"),
        ("m.A.__getitem__", "operator"),
        ("m.A.__len__", "operator"),
        ("builtins.len", "direct"),
        ("builtins.property", "decorator"),
    }


def test_a_decorator_replaces_what_it_decorates():
    source = """
import functools
def deco(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args)
    return inner
@deco
def g(): pass
g()
"""
    assert calls(source) == {
        ("m.deco", "functools.wraps"),
        ("m", "m.deco"),
        ("m", "m.deco.inner"),
        ("m.deco.inner", "m.g"),
    }


def test_static_and_class_methods_get_what_they_should():
    source = """
class A:
    @staticmethod
    def s(x): x()
    @classmethod
    def c(cls): return cls()
    def f(self): pass
def g(): pass
A.s(g)
A().s(g)
A.c().f()
"""
    assert calls(source) >= {("m.A.s", "m.g"), ("m", "m.A.c"), ("m.A.c", "m.A"), ("m", "m.A.f")}


def test_annotations_tell_what_parameters_are():
    source = """
from __future__ import annotations
class A:
    def f(self): pass
def g(a: A, bs: list[A], c: "A | None", d: dict[str, A]):
    a.f()
    for b in bs: b.f()
    c.f()
    d["x"].f()
"""
    assert [row["callee"] for row in rows({"m.py": source})] == ["m.A.f"] * 4


def test_isinstance_tells_what_a_name_is():
    source = (
        "class A:\n  def f(self): pass\ndef g(x):\n  if isinstance(x, A):\n    x.f()\n  x.f()\n"
    )
    found = [row for row in rows({"m.py": source}) if row["callee"] == "m.A.f"]
    assert len(found) == 2
    source = "class A:\n  def f(self): pass\ndef g(x):\n  if not isinstance(x, A):\n    x.f()\n"
    assert ("m.g", "m.A.f") not in calls(source)


def test_imports_lead_through_packages_aliases_stars_and_folders_without_a_file():
    files = {
        "pkg/__init__.py": "from .a import f as g\nfrom .b import *\n",
        "pkg/a.py": "def f(): pass\n",
        "pkg/b.py": "from . import a\ndef h(): a.f()\n",
        "bare/c.py": "def k(): pass\n",
        "m.py": "import pkg\nfrom bare import c\nimport pkg.a as pa\npkg.g()\npkg.h()\nc.k()\npa.f()\n",
    }
    assert calls(files) == {
        ("m", "pkg.a.f"),
        ("m", "pkg.b.h"),
        ("m", "bare.c.k"),
        ("pkg.b.h", "pkg.a.f"),
    }


def test_what_is_outside_has_its_dotted_name():
    source = """
import os.path as p
from ext import Thing, base
class A(base):
    def f(self): self.inherited()
p.join("a")
t = Thing()
t.run()
"a".upper()
{}.items()
"""
    assert calls(source) == {
        ("m", "os.path.join"),
        ("m", "ext.Thing"),
        ("m", "ext.Thing.run"),
        ("m", "builtins.str.upper"),
        ("m", "builtins.dict.items"),
        ("m.A.f", "ext.base.inherited"),
    }


def test_how_sure_a_call_is_goes_by_how_much_it_may_be():
    source = "def a(): pass\ndef b(): pass\nx = a if c else b\nx()\na()\n"
    assert {(r["callee"], r["how"], r["confidence"]) for r in rows({"m.py": source})} == {
        ("m.a", "direct", "high"),
        ("m.a", "direct", "medium"),
        ("m.b", "direct", "medium"),
    }
    many = "".join(f"def f{i}(): pass\n" for i in range(9))
    fs = ", ".join(f"f{i}" for i in range(9))
    assert calls(f"{many}for f in ({fs}):\n  f()\n") == set()


def test_a_stub_stands_back_behind_its_module():
    files = {"a.py": "def f(): pass\n", "a.pyi": "def f(): ...\n", "m.py": "import a\na.f()\n"}
    assert calls(files) == {("m", "a.f")}


@pytest.mark.parametrize(
    "source",
    [
        "def f(:\n x(\n",
        "class\n",
        "(" * 5000 + ")" * 5000,
        "x = " + " + ".join(["a"] * 3000),
        "".join("  " * i + "if x:\n" for i in range(300)) + "  " * 300 + "f()\n",
        "x" + ".y()" * 2000,
        "x = " * 2000 + "y",
        "x = y" + "[0]" * 2000 + ".append(1)",
        "[" * 2000 + "x" + "]" * 2000 + " = y",
        "x: " + "list[" * 2000 + "int" + "]" * 2000,
        "def f(x):\n  if isinstance(x, y" + ".z" * 2000 + "): pass\n",
        "a = b = c = d\nfor a[0], b.c in d: pass\n*x, = y\n[a, [b]] = c\n",
        "from . import *\nfrom .... import x\nimport a.b.c\nclass A(A): pass\nclass B(C): pass\nclass C(B): pass\n",
        "def f(a, (b, c)): print b\nexec 'x'\n",
        "match x:\n  case A(b=c) | [d, *e] if f(): g(c)\n  case {'k': v, **r}: pass\n",
        "lambda *a, b=lambda: c, **d: (yield)\nx = yield from y\nasync def f():\n  async with a as b: await b\n",
    ],
)
def test_odd_sources_are_no_error(source):
    rows({"m.py": source, "pkg/__init__.py": source})


def test_an_empty_tree_has_no_calls():
    assert calls({}) == set()


def test_what_a_function_gives_back_comes_back_to_the_call_that_passed_it():
    source = """
def same(f, spare=None): return f
@same
def a(): pass
@same
def b(): pass
a()
same(f=b)()
same(*[b])()
"""
    found = [row["callee"] for row in rows({"m.py": source}) if row["how"] != "decorator"]
    assert [name for name in found if name != "m.same"] == ["m.a", "m.b", "m.b"]


def test_signatures_of_an_overloaded_function_are_never_called():
    source = """
import typing as t
from typing import overload
@overload
def f(x: int) -> int: ...
# a comment
@t.overload
def f(x: str) -> str: ...
def f(x):
    return g()
def g(): ...
def later():
    return f(1)
"""
    found = [row for row in rows({"m.py": source}) if row["caller"] == "m.later"]
    assert [(row["callee"], row["confidence"]) for row in found] == [("m.f", "high")]
    # What stubs have nothing but signatures of, is these.
    stub = source.partition("def f(x):")[0]
    assert ("m", "m.f") in calls({"m.py": f"{stub}\nf(1)\n"})
