"""The digest of a function's code: what must not change it, and what must."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from cpgbuild.plan import origins
from cpgbuild.plan.code import Undigestible, code_digest

EXTRACT = '''
"""Parses things."""
import dataclasses
import enum
import functools
import re

import pyarrow as pa
import tree_sitter
import tree_sitter_python

from {package}.tasks import spans
from {package}.tasks.spans import width

LANGUAGE = tree_sitter.Language(tree_sitter_python.language())
SCHEMA = pa.schema([("a", pa.int64()), ("k", pa.string())])
WORD = re.compile("a+", re.I)
KINDS = {{"call", "def", "ref"}}
TABLE = {{"x": (1, 2.5), "y": [None, b"z"]}}


class Kind(enum.Enum):
    """Which."""

    CALL = 1


@dataclasses.dataclass(frozen=True)
class Span:
    """A span."""

    start: int
    end: int = 7

    def size(self) -> int:
        """How long."""
        return self.end - self.start + spans.ONE


DEFAULT = Span(1, 2)


@functools.cache
def helper(x):
    return Span(x, 2).size() + DEFAULT.size()


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def parse(batch, limit=10, *, kind=Kind.CALL):
    """Maps a batch."""
    from {package}.tasks import late

    parser = tree_sitter.Parser(LANGUAGE)
    found = [helper(width(x)) for x in batch if WORD.match(str(x)) and x not in KINDS]
    return parser, found, SCHEMA, TABLE, even(limit), late.value(), kind


def unrelated():
    return 1
'''
SPANS = """
ONE = 1


def width(x):
    return x + OFFSET


OFFSET = 3


def not_used():
    return 2
"""
LATE = """
from {package}.tasks.later import deep


def value():
    return deep()
"""
LATER = """
def deep():
    return 5
"""


class Project:
    """A project's folder with its task modules, imported under a name of its own."""

    def __init__(self, root: Path, package: str) -> None:
        self.root, self.package = root, package
        tasks = root / package / "tasks"
        tasks.mkdir(parents=True)
        (root / package / "__init__.py").touch()
        (tasks / "__init__.py").touch()
        for name, text in (
            ("extract", EXTRACT),
            ("spans", SPANS),
            ("late", LATE),
            ("later", LATER),
        ):
            (tasks / f"{name}.py").write_text(text.format(package=package))

    def edit(self, module: str, old: str, new: str) -> None:
        path = self.root / self.package / "tasks" / f"{module}.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def function(self, name: str, module: str = "extract"):
        for loaded in [m for m in sys.modules if m.split(".")[0] == self.package]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        return getattr(importlib.import_module(f"{self.package}.tasks.{module}"), name)

    def digest(self, name: str = "parse", module: str = "extract") -> str:
        return code_digest(self.function(name, module), self.root)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Project(tmp_path, "shop")
    yield made
    for loaded in [m for m in sys.modules if m.split(".")[0] == "shop"]:
        del sys.modules[loaded]


NO_CHANGE = {
    "a comment": ("extract", "    parser = ", "    # why not\n    parser = "),
    "white space": ("extract", "limit=10, *,", "limit = 10,\n    *,"),
    "a docstring": ("extract", '"""Maps a batch."""', '"""Maps it."""'),
    "a docstring that goes": ("extract", '    """How long."""\n', ""),
    "a class docstring": ("extract", '"""A span."""', '"""The span."""'),
    "moved lines": ("extract", "import dataclasses", "\n\n\nimport dataclasses"),
    "another function": (
        "extract",
        "def unrelated():\n    return 1",
        "def unrelated():\n    return 9",
    ),
    "a set written in another order": (
        "extract",
        '{{"call", "def", "ref"}}'.format(),
        '{"ref", "def", "call"}',
    ),
    "quotes": ("extract", '"a+"', "'a+'"),
    "an annotation beside a class that has some": (
        "extract",
        "TABLE = {",
        "OTHER: dict[str, int | None] = {}\nTABLE: dict[str, object] = {",
    ),
    "a comment in an imported module": ("spans", "ONE = 1", "ONE = 1  # one"),
}
CHANGE = {
    "the body": ("extract", "even(limit)", "odd(limit)"),
    "a default": ("extract", "limit=10", "limit=11"),
    "a keyword default": ("extract", "kind=Kind.CALL", "kind=None"),
    "an enum's value": ("extract", "CALL = 1", "CALL = 2"),
    "a helper": ("extract", "DEFAULT.size()", "1"),
    "a decorator's argument": (
        "extract",
        "@functools.cache",
        "@functools.lru_cache(None)\n@functools.cache",
    ),
    "mutual recursion": ("extract", "return False if", "return True if"),
    "a method": ("extract", "self.end - self.start", "self.start - self.end"),
    "a dataclass' default": ("extract", "end: int = 7", "end: int = 8"),
    "a class decorator": ("extract", "frozen=True", "frozen=False"),
    "an instance": ("extract", "Span(1, 2)\n", "Span(1, 3)\n"),
    "a regex": ("extract", '"a+"', '"b+"'),
    "a regex' flags": ("extract", "re.I", "re.M"),
    "a schema": ("extract", "pa.int64()", "pa.int32()"),
    "a set": ("extract", '"call", ', ""),
    "a nested constant": ("extract", "2.5", "2.6"),
    "an int for a float": ("extract", "(1, 2.5)", "(1.0, 2.5)"),
    "an object that only its making describes": (
        "extract",
        "tree_sitter_python.language()",
        "(None or tree_sitter_python.language())",
    ),
    "a function of another module": ("spans", "x + OFFSET", "x - OFFSET"),
    "a constant of another module": ("spans", "OFFSET = 3", "OFFSET = 4"),
    "an attribute of an imported module": ("spans", "ONE = 1", "ONE = 2"),
    "a module imported in the body": ("late", "return deep()", "return deep() + 1"),
    "a module that it imports": ("later", "return 5", "return 6"),
}


@pytest.mark.parametrize("what", NO_CHANGE)
def test_unchanged_by(project, what):
    before = project.digest()
    project.edit(*NO_CHANGE[what])
    assert project.digest() == before


@pytest.mark.parametrize("what", CHANGE)
def test_changed_by(project, what):
    before = project.digest()
    project.edit(*CHANGE[what])
    assert project.digest() != before


def test_equal_in_every_process_and_place(project, tmp_path):
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import shop.tasks.extract as e; from cpgbuild.plan.code import code_digest; print(code_digest(e.parse, {str(tmp_path)!r}))"
    env = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": ""}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**env, "PYTHONHASHSEED": str(seed)},
        ).stdout.strip()
        for seed in (1, 2, 3)
    ]
    assert set(runs) == {project.digest()}


def test_loading_order_does_not_matter(project):
    before = project.digest()
    project.function("value", "late")
    assert code_digest(importlib.import_module("shop.tasks.extract").parse, project.root) == before


def test_code_edited_after_its_import_is_not_the_code_that_runs(project):
    parse = project.function("parse")
    before = code_digest(parse, project.root)
    project.edit("extract", "even(limit)", "odd(limit)")
    stale = code_digest(parse, project.root)
    assert len({before, stale, project.digest()}) == 3


def module(project, text, name="f"):
    (project.root / "shop" / "tasks" / "made.py").write_text(text)
    return project.digest(name, "made")


def differ(project, one, other, name="f"):
    return module(project, one, name) != module(project, other, name)


def test_closures_count_by_value(project):
    text = "def make(n):\n    def inner(x):\n        return x + n\n    return inner\nf = make({})\n"
    assert differ(project, text.format(1), text.format(2))
    assert not differ(project, text.format(1), text.format("2 - 1"))


def test_closures_over_functions_count_by_their_code(project):
    text = "def make(g):\n    return lambda x: g(x)\ndef one(x):\n    return {}\nf = make(one)\n"
    assert differ(project, text.format("x"), text.format("-x"))


def test_lambdas_on_one_line_are_told_apart(project):
    text = "pair = (lambda x: x + 1, lambda x: x + 2)\nf = pair[{}]\n"
    assert differ(project, text.format(0), text.format(1))


def test_partials_methods_and_wrapped_functions_count(project):
    partial = "import functools\ndef g(a, b):\n    return a\nf = functools.partial(g, {})\n"
    assert differ(project, partial.format(1), partial.format(2))
    method = "class C:\n    def __init__(self, n): self.n = n\n    def go(self, x): return x + self.n\nf = C({}).go\n"
    assert differ(project, method.format(1), method.format(2))
    wrapped = "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(x):\n        return g(x){}\n    return inner\n@deco\ndef f(x):\n    return x\n"
    assert differ(project, wrapped.format(""), wrapped.format(" + 1"))


def test_base_classes_metaclasses_and_properties_count(project):
    base = (
        "class A:\n    def go(self): return {}\nclass B(A):\n    pass\ndef f(): return B().go()\n"
    )
    assert differ(project, base.format(1), base.format(2))
    meta = "class M(type):\n    x = {}\nclass B(metaclass=M):\n    pass\ndef f(): return B.x\n"
    assert differ(project, meta.format(1), meta.format(2))
    prop = "K = {}\nclass A:\n    @property\n    def p(self): return K\ndef f(): return A().p\n"
    assert differ(project, prop.format(1), prop.format(2))


def test_equal_names_of_different_things_are_told_apart(project):
    text = "def make(n):\n    class C:\n        def go(self): return n\n    return C\nC1, C2 = make(1), make(2)\ndef f(): return {}()\n"
    assert differ(project, text.format("C1"), text.format("C2"))
    branch = "if {}:\n    def g(): return 1\nelse:\n    def g(): return 2\ndef f(): return g()\n"
    assert differ(project, branch.format(True), branch.format(False))


def test_values_of_different_types_or_signs_are_told_apart(project):
    text = "K = {}\ndef f(): return K\n"
    values = [
        "0",
        "0.0",
        "-0.0",
        "False",
        "None",
        "''",
        "b''",
        "()",
        "[]",
        "{}",
        "set()",
        "frozenset()",
        "'0'",
        "float('nan')",
        "10**5000",
        "range(1)",
        "slice(1)",
        "int",
        "len",
        "'a'.upper",
        "b'a'.upper",
        "list[int]",
    ]
    assert len({module(project, text.replace("{}", value, 1)) for value in values}) == len(values)


def test_a_missing_name_is_not_a_present_one(project):
    assert differ(project, "def f(): return g()\n", "def g(): return 1\ndef f(): return g()\n")


def test_a_cyclic_value_ends(project):
    text = "K = [{}]\nK.append(K)\ndef f(): return K\n"
    assert differ(project, text.format(1), text.format(2))


def test_a_value_that_is_shared_is_one_that_is_equal(project):
    assert not differ(
        project,
        "A = [1]\nB = A\ndef f(): return A, B\n",
        "A = [1]\nB = [1]\ndef f(): return A, B\n",
    )


PACKAGED = """\
import functools
import pyarrow.compute as pc

@functools.cache
def f(x, how=functools.partial):
    return pc.add(x, 1)
"""


def other_versions(monkeypatch):
    monkeypatch.setattr(origins, "_PYTHON", "python 9.9")
    monkeypatch.setattr(origins, "_versioned", lambda name: f"{name} 9.9")


def test_installed_code_counts_by_its_version(project, monkeypatch):
    before = module(project, PACKAGED)
    other_versions(monkeypatch)
    assert module(project, PACKAGED) != before


def test_without_versions_the_projects_own_code_counts_alone(project, monkeypatch):
    def digest(text):
        module(project, text)
        return code_digest(project.function("f", "made"), project.root, versions=False)

    before = digest(PACKAGED)
    assert digest(PACKAGED.replace("1)", "2)")) != before
    assert digest(PACKAGED.replace("pc.add", "pc.subtract")) != before
    other_versions(monkeypatch)
    assert digest(PACKAGED) == before


def test_without_versions_it_does_not_matter_where_the_project_lies(project, tmp_path):
    def digests(root, text):
        """Return the digests of a function of a project that lies at `root`."""
        module(project, text.replace("HOME", repr(str(root))))
        function = project.function("f", "made")
        # The code is the same; that the path is another one is what counts.
        return [code_digest(function, root, versions=exact) for exact in (False, True)]

    text = "from pathlib import Path\nHERE = Path(HOME) / 'shop'\ndef f():\n    return HERE / 'x'\n"
    here, there = tmp_path / "here", tmp_path / "there"
    written, exact = digests(here, text)
    assert digests(there, text)[0] == written
    assert digests(there, text)[1] != exact
    assert digests(here, text.replace("'shop'", "'sales'"))[0] != written
    outside = text.replace("HOME", "'/elsewhere'")
    assert digests(here, outside)[0] != digests(here, outside.replace("else", "any"))[0]


def test_an_optional_import_that_is_missing_is_fine(project):
    assert module(
        project,
        "def f():\n    try:\n        import no_such_module_here\n    except ImportError:\n        return 1\n",
    )


def test_a_package_installed_inside_the_project_is_not_the_projects(project):
    inside = project.root / ".venv" / "lib" / "site-packages"
    inside.mkdir(parents=True)
    (inside / "installed_thing.py").write_text("def g(): return 1\n")
    (project.root / "shop" / "tasks" / "made.py").write_text(
        f"import sys\nsys.path.append({str(inside)!r})\nimport installed_thing\nsys.path.pop()\ndef f(): return installed_thing.g()\n"
    )
    assert project.digest("f", "made")
    sys.modules.pop("installed_thing")


HOPELESS = {
    "an open file": ("K = open(__file__)\ndef f(): return K.read()\n", "K"),
    "a generator": ("K = (x for x in [1])\ndef f(): return next(K)\n", "K"),
    "eval": ("def f(x): return eval(x)\n", "eval"),
    "globals": ("def f(x): return globals()[x]\n", "globals"),
    "import_module": (
        "from importlib import import_module\ndef f(x): return import_module(x)\n",
        "import_module",
    ),
    "importlib in the body": (
        "def f(x):\n    import importlib\n    return importlib.import_module(x)\n",
        "f",
    ),
    "an object of C": (
        "import threading\nK = [threading.Lock()]\nK.append(1)\nK = [*K]\ndef f(): return K\n",
        "K",
    ),
}


@pytest.mark.parametrize("what", HOPELESS)
def test_what_has_no_digest_says_so(project, what):
    text, name = HOPELESS[what]
    with pytest.raises(Undigestible) as caught:
        module(project, text)
    assert caught.value.name == name
    assert caught.value.reason
    found = sys.modules["shop.tasks.made"]
    if hasattr(getattr(found, "K", None), "close"):
        found.K.close()


def test_a_function_without_source_counts_by_its_byte_code(project):
    made = [eval(f"lambda x: x + {n}") for n in (1, 1, 2)]
    one, same, other = (code_digest(f) for f in made)
    assert one == same != other


def test_a_failed_look_inside_leaves_nothing_half_described(project):
    # `g` is reached first through a value that fails, and then again by its name.
    text = (
        "import threading\ndef g(): return {}\nK = [g, threading.Lock()]\ndef f(): return K, g()\n"
    )
    assert differ(project, text.format(1), text.format(2))
