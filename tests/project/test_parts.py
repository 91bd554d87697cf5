"""An edit of a module of tasks: those functions are evaluated again that it can touch."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engine.builds import Site, site
from tests.support.plans import evaluated, nothing_is_kept, planned

MODULE = """\
import ibis
import cpgbuild as cb
from cpgbuild import compute, view

N = 1
TAGS = ("x",)


@view
def a(catalog):
    return catalog.table("s").mutate(m=1)


# What b is.
@compute(tags=TAGS)
def b(catalog):
    return catalog.table("s").mutate(m=N)


@cb.compute
def c(catalog):
    return catalog.table("a")
"""
ALL = {"a", "b", "c"}
# What is made of the module, and which tasks are evaluated after that.
EDITS: dict[str, tuple[tuple[str, str], set[str]]] = {
    "a body": (("m=1", "m=2"), {"a"}),
    "a body, and its columns": (("m=1", "k=1"), {"a", "c"}),
    "a longer body": (('s").mutate(m=1)', 's").mutate(\n        m=2\n    )'), {"a"}),
    "a comment in a body": (("m=1)", "m=1)  # one"), {"a"}),
    "an option": (("@cb.compute", '@cb.compute(tags=["y"])'), {"c"}),
    "a comment beside the functions": (("# What b is.", "#\n# This is b.\n"), set()),
    "a task more": (("# What", "@view\ndef d(catalog):\n    return catalog.table('a')\n#"), {"d"}),
    "a task less": (('    return catalog.table("a")', '    return catalog.table("s")'), {"c"}),
    "another name": (("def c(", "def d("), {"d"}),
    "another kind": (("@cb.compute", "@cb.view"), {"c"}),
    "what stands beside": (("N = 1", "N = 2"), ALL),
    "what stands beside, for options": (('TAGS = ("x",)', 'TAGS = ("y",)'), ALL),
    "an import more": (("import ibis\n", "import ibis\nimport math\n"), ALL),
    "options of a later moment": (("# What b is.", 'TAGS = ("y",)'), ALL),
    "an option that is called for": (("@cb.compute", "@cb.compute(tags=list(TAGS))"), ALL),
    "a decorator more": (("@cb.compute", "@cb.compute\n@staticmethod"), ALL),
    "its own decorator": (("N = 1", "N = 1\nview = view"), ALL),
    "a function that another is": (('c(catalog):\n    return catalog.table("a")', "c(catalog):\n    return b(catalog)"), {"c"}),
}  # fmt: skip
# What a module has beside, whose tasks are no longer told apart: each `a` may touch the others.
WHOLE = {
    "a task that calls another": "@view\ndef d(catalog):\n    return a(catalog)",
    "a function that calls a task": "def helped(catalog):\n    return a(catalog)",
    "a list of tasks": "TASKS = [a]",
    "a task by its name": "import sys\nMODULE = sys.modules",
    "all there is": "EVERYTHING = vars",
    "an iterator": "TICKETS = iter(range(9))",
    "a counter": "import itertools\nCOUNT = itertools.count()",
    "an iterator in a list": "TICKETS = [[iter(range(9))]]",
    "an iterator in a default": "def next_one(tickets=iter(range(9))):\n    return next(tickets)",
    "an iterator in a function": (
        "def tickets():\n    it = iter(range(9))\n    return lambda: next(it)\nNEXT = tickets()"
    ),
    "a method of what nobody sees": "ADD = [].append",
    "the next one of an iterator": "NEXT = iter(range(9)).__next__",
    "what is remembered": "import functools\n@functools.cache\ndef names():\n    return []",
    "an object that is a list": "class Names(list):\n    pass\nNAMES = Names()",
    "an object that hides something": "class Box:\n    __slots__ = ('x',)\nBOX = Box()",
    "a class that holds an iterator": "class Box:\n    inner = iter(range(9))",
    "another task of that name": "a = a",
    "a task that somebody else makes": "if True:\n    @view\n    def d(catalog):\n        return a(catalog)",
    "a task that changes another": "@view\ndef d(catalog):\n    global a\n    return catalog.table('s')",
    "everything of somebody's": "from math import *",
    "a function of the engine": (
        "from typing import TypeVar\nT = TypeVar('T')\n"
        "@ibis.udf.scalar.python\ndef twice(x: int) -> int:\n    T\n    return 2 * x\n"
        "@view\ndef d(catalog):\n    return catalog.table('s').mutate(m=twice(ibis._.n))"
    ),
    "a module that imports this one": "def late():\n    from lib import back\n    return back",
    "its own text": "from pathlib import Path\nTEXT = Path(__file__).read_text()",
    "an unusual text": "# -*- coding: utf-8 -*-",
}  # fmt: skip
# What is beside, and is seen to be the same.
PLAIN = {
    "values": "X = [1, 2.5, ('a', b'b'), {'c': {3}}, None, ..., range(3), slice(1)]",
    "moments": "from datetime import date, datetime, timedelta\nX = [date(2020, 1, 1), timedelta(1)]",
    "expressions": "X = [ibis._.m, ibis.literal(1), ibis.schema({'n': 'int64'})]",
    "types": "import pyarrow as pa\nX = pa.schema({'n': pa.int64()})",
    "functions": "import functools\ndef f(x=(1, 2)):\n    return x\ng = functools.partial(f, x=1)",
    "classes": (
        "from dataclasses import dataclass, field\nfrom enum import Enum\n"
        "@dataclass(frozen=True)\nclass P:\n    x: int = 1\n    y: list = field(default_factory=list)\n"
        "class E(Enum):\n    A = 1\n"
        "class C:\n    z = [1]\n    @property\n    def p(self):\n        return 1\n"
        "    @classmethod\n    def make(cls):\n        return cls()\n"
        "X = [P(), E.A, C.make()]"
    ),
    "names of types": "from typing import NamedTuple\nclass T(NamedTuple):\n    x: int\nX = T(1)",
    "patterns": "import re\nfrom pathlib import Path\nX = [re.compile('x'), Path(__file__)]",
    "a helper": "from lib import plain\nX = plain.X",
    "a helper's function of the engine": "from lib.engine import twice",
}
# A function of rows, of which the digest is that of all of the module.
MAPPED = """
from typing import TypeVar

T = TypeVar("T")


def same(batch):
    T
    return batch


@compute(map=same, schema={"n": "int64"})
def d(catalog):
    return catalog.table("s")
"""
# What `a` does to the others, once it was edited.
DEEDS = {
    "it adds to a list": ("SEEN = []", "SEEN.append(1)", "len(SEEN)"),
    "it adds to a list of a dict": ("SEEN = {'x': []}", "SEEN['x'].append(1)", "len(SEEN['x'])"),
    "it sets a variable": ("N = [1]", "global N; N = [5]", "N[0]"),
    "it sets what an object has": ("class C:\n    n = 1", "C.n = 5", "C.n"),
    "it sets a default": ("def f(x=1):\n    return x", "f.__defaults__ = (5,)", "f()"),
    "it changes a helper": ("from lib import plain", "plain.X.append(1)", "len(plain.X)"),
}


def written(made: Site, text: str, name: str = "m") -> None:
    (made.root / f"tasks/{name}.py").write_text(text)


@pytest.fixture
def made(tmp_path: Path) -> Site:
    found = site(tmp_path, "s parquet data/s.parquet")
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "data/s.parquet")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/plain.py").write_text("X = [1]\n")
    twice = "@ibis.udf.scalar.python\ndef twice(x: int) -> int:\n    return 2 * x\n"
    (tmp_path / "lib/engine.py").write_text(f"import ibis\n{twice}")
    (tmp_path / "lib/back.py").write_text("import tasks.m\n")
    (tmp_path / "tasks").mkdir(exist_ok=True)
    written(found, MODULE)
    return found


def assert_as_from_nothing(made: Site) -> None:
    found = planned(made.root, from_nothing=False)
    with nothing_is_kept():
        assert found == planned(made.root, from_nothing=True)
    assert found[0] != "errors", found[1]


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_evaluates_what_it_can_touch(made: Site, what: str) -> None:
    (old, new), expected = EDITS[what]
    assert evaluated(made.root) == ALL
    assert MODULE.count(old) == 1
    written(made, MODULE.replace(old, new))
    assert evaluated(made.root) == expected
    assert evaluated(made.root) == set()
    assert_as_from_nothing(made)
    written(made, MODULE)
    evaluated(made.root)
    assert_as_from_nothing(made)


@pytest.mark.parametrize("what", WHOLE)
def test_where_one_may_touch_the_others_all_are_evaluated(made: Site, what: str) -> None:
    text = f"{WHOLE[what]}\n{MODULE}" if "coding" in WHOLE[what] else f"{MODULE}\n{WHOLE[what]}\n"
    written(made, text)
    everything = evaluated(made.root)
    written(made, text.replace("m=1", "m=2"))
    assert evaluated(made.root) == everything
    assert_as_from_nothing(made)


@pytest.mark.parametrize("what", PLAIN)
def test_what_shows_that_it_is_the_same_keeps_the_others(made: Site, what: str) -> None:
    text = MODULE.replace("N = 1\n", f"N = 1\n{PLAIN[what]}\n")
    written(made, text)
    evaluated(made.root)
    written(made, text.replace("m=1", "m=2"))
    assert evaluated(made.root) == {"a"}
    assert_as_from_nothing(made)


@pytest.mark.parametrize("what", DEEDS)
def test_an_edited_function_that_changes_what_others_find_has_them_evaluated(
    made: Site, what: str
) -> None:
    beside, deed, found = DEEDS[what]
    text = MODULE.replace("N = 1\n", f"{beside}\n").replace("m=N", f"m={found}")
    written(made, text)
    other = f"from cpgbuild import view\n{beside}\n\n@view\ndef other(catalog):\n"
    other += f'    return catalog.table("s").mutate(m={found})\n'
    written(made, other, "z")
    assert evaluated(made.root) == {*ALL, "other"}
    edited = text.replace("def a(catalog):\n", f"def a(catalog):\n    {deed}\n")
    assert edited != text
    written(made, edited)
    # The helper is the other module's too.
    assert evaluated(made.root) == ({*ALL, "other"} if "plain" in beside else ALL)
    assert_as_from_nothing(made)


def test_a_task_that_has_moved_is_built_and_told_of_where_it_is(made: Site) -> None:
    made.built()
    longer = "mutate(\n        m=22,\n    )"
    written(made, MODULE.replace("mutate(m=1)", longer).replace("m=N)", "m=N).drop('x')"))
    found = planned(made.root, from_nothing=False)
    with nothing_is_kept():
        assert found == planned(made.root, from_nothing=True)
    assert found[0] == "errors"
    written(made, MODULE.replace("mutate(m=1)", longer))
    assert evaluated(made.root) == {"a"}
    assert made.built() == {"c": ["plan_changed a"]}
    assert made.build(force=["b"]) == {"b": ["forced b"]}


def test_what_one_task_looked_at_is_remembered_while_another_is_edited(made: Site) -> None:
    read = 'm=len((Path(__file__).parents[1] / "lib/n.txt").read_text())'
    text = "from pathlib import Path\n" + MODULE.replace("m=N", read)
    (made.root / "lib/n.txt").write_text("1")
    written(made, text)
    evaluated(made.root)
    written(made, text.replace("m=1", "m=2"))
    assert evaluated(made.root) == {"a"}
    (made.root / "lib/n.txt").write_text("123")
    assert evaluated(made.root) == ALL
    assert_as_from_nothing(made)


def test_a_file_that_changed_beside_the_edit_has_all_evaluated(made: Site) -> None:
    text = MODULE.replace("N = 1\n", "from lib.plain import X\nN = len(X)\n")
    written(made, text)
    evaluated(made.root)
    written(made, text.replace("m=1", "m=2"))
    (made.root / "lib/plain.py").write_text("X = [1, 2]\n")
    assert evaluated(made.root) == ALL
    assert_as_from_nothing(made)


def test_a_function_of_rows_is_known_by_its_module(made: Site) -> None:
    text = MODULE + MAPPED
    written(made, text)
    evaluated(made.root)
    written(made, text.replace("m=1", "m=2"))
    assert evaluated(made.root) == {"a", "d"}
    assert_as_from_nothing(made)


def test_a_task_that_is_gone_is_missed_by_who_calls_it(made: Site) -> None:
    start, end = MODULE.index("@view"), MODULE.index("# What b is")
    text = MODULE.replace(
        'c(catalog):\n    return catalog.table("a")', "c(catalog):\n    return a(catalog)"
    )
    written(made, text)
    evaluated(made.root)
    written(made, text[:start] + text[end:])
    found = planned(made.root, from_nothing=False)
    with nothing_is_kept():
        assert found == planned(made.root, from_nothing=True)
    assert found[0] == "errors"


def test_a_task_that_is_moved_has_the_options_of_its_new_place(made: Site) -> None:
    later = 'TAGS = ("y",)\n'
    start, end = MODULE.index("@compute(tags"), MODULE.index("@cb.compute")
    task = MODULE[start:end]
    written(made, MODULE.replace(task, task + later))
    evaluated(made.root)
    written(made, MODULE.replace(task, later + task))
    assert evaluated(made.root) == {"b"}
    assert_as_from_nothing(made)
