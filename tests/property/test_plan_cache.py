"""The law of the plan cache: what is planned with it is what is planned from nothing.

Over random projects of SQL files and Python modules, and random series of edits to all that their
plans rest on: texts, helpers near and far, files and variables that are read, files that are asked
for, sources, variables of the project. Between edits all is planned, or what somebody asks for.
Plans, lock and errors are compared after each edit.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.core.selection import Request, select
from cpgbuild.core.task import Task
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.project.config import Overrides
from cpgbuild.project.rests import Rest, Rests
from cpgbuild.workspace import Workspace
from tests.support.plans import nothing_is_kept, planned

SEEDS = int(os.environ.get("SEEDS", "6"))
EDITS = 14
MODULES = 3
HEAD = """
import json
import os
from pathlib import Path

import ibis

from cpgbuild import Catalog, compute, view
from tasks.lib.near import FACTOR, scaled

LIMITS = json.loads((Path(__file__).parent / "limits.json").read_text())
FLAG = (Path(__file__).parent / "flag").exists()
LISTED = len(list((Path(__file__).parent / "listed").iterdir()))


def far(column):
    from tasks.lib import late

    return late.moved(column)

"""
BODIES = (
    "t.mutate(b=t.b + {n})",
    "t.mutate(b=scaled(t.b))",
    "t.filter(t.a > FACTOR)",
    "t.mutate(b=far(t.b))",
    "t.mutate(b=t.b + LIMITS['x'])",
    "t.filter(t.a > int(os.environ.get('CACHE_TEST', '0')))",
    "t.filter(t.a > 3) if FLAG else t",
    "t.limit(5 + LISTED)",
    "t.mutate(c=ibis.literal(c.var('word')))",
    "t.mutate(columns=len(t.columns))",
    "t.mutate(r=ibis.row_number().over(order_by=t.a))",
)
QUERIES = (
    "SELECT *, b + {n} AS e{n} FROM {t}",
    "SELECT a, b, c FROM {t} WHERE a > {n}",
    "SELECT a, sum(b) AS b, max(c) AS c FROM {t} GROUP BY a",
    "WITH unread AS (SELECT {n} AS n FROM {u}) SELECT * FROM {t}",
    "SELECT t.*, u.b AS b{n} FROM {t} AS t LEFT JOIN {u} AS u ON t.a = u.a",
    "SELECT t.a, t.b, u.c FROM {t} AS t JOIN {u} AS u ON t.b = u.b WHERE u.a < {n}",
    "SELECT a, b, c FROM {t} UNION ALL SELECT a, b, c FROM {u}",
    "SELECT a, row_number() OVER (ORDER BY b) AS b, c FROM {t}",
    "SELECT a, b, c FROM {t} -- {u} {n}",
    "SELECT d AS a, b, c FROM {t}",
)


@dataclass
class Spec:
    """One task: what it reads, how it is written, and where."""

    reads: tuple[str, str]
    query: int
    number: int = 1
    module: int | None = None
    stored: bool = False
    part: bool = False
    checked: bool = False


@dataclass
class World:
    """A project, and the random edits that change it."""

    root: Path
    random: Random
    tasks: dict[str, Spec] = field(default_factory=dict)
    helpers: list[int] = field(default_factory=lambda: [1, 1, 1])
    limit: int = 1
    listed: int = 1
    flag: bool = False
    variable: str = "1"
    word: str = "x"
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sources = {"s0": ("a", "b", "c"), "s1": ("a", "b", "c", "d")}
        for number in range(self.random.randint(4, 9)):
            self.add(f"t{number}")

    def add(self, name: str) -> None:
        known = [*self.sources, *self.tasks]
        in_python = self.random.random() < 0.5
        self.tasks[name] = Spec(
            (self.random.choice(known), self.random.choice(known)),
            self.random.randrange(len(BODIES if in_python else QUERIES)),
            module=self.random.randrange(MODULES) if in_python else None,
            stored=self.random.random() < 0.4,
            checked=self.random.random() < 0.2,
        )

    def write(self) -> None:
        """Write the files that are not as they should be."""
        config = f'[project]\nname = "cache"\n[vars]\nword = "{self.word}"\n'
        for name in self.sources:
            config += f'[sources.{name}]\npath = "data/{name}.parquet"\n'
        files = {"cpgbuild.toml": config, "tasks/limits.json": json.dumps({"x": self.limit})}
        near, nearer, late = self.helpers
        files["tasks/lib/near.py"] = (
            f"from tasks.lib.nearer import BY\nFACTOR = {near}\n"
            "def scaled(column):\n    return column * BY\n"
        )
        files["tasks/lib/nearer.py"] = f"BY = {nearer}\n"
        files["tasks/lib/late.py"] = f"def moved(column):\n    return column + {late}\n"
        files |= {f"tasks/listed/{n}": "" for n in range(self.listed)}
        if self.flag:
            files["tasks/flag"] = ""
        modules = dict.fromkeys(range(MODULES), HEAD)
        for name, spec in self.tasks.items():
            if spec.module is None:
                files[f"tasks/{name}.sql"] = self._sql(spec)
            else:
                modules[spec.module] += self._python(name, spec)
        files |= {f"tasks/m{number}.py": text for number, text in modules.items()}
        for path in self.root.rglob("*"):
            inner = str(path.relative_to(self.root))
            stray = inner.startswith("tasks/") and "__pycache__" not in inner
            if path.is_file() and stray and inner not in files:
                path.unlink()
        for inner, text in files.items():
            path = self.root / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        for name, columns in self.sources.items():
            table = pa.table({c: pa.array([1], pa.int64()) for c in columns})
            path = self.root / f"data/{name}.parquet"
            path.parent.mkdir(exist_ok=True)
            if not path.exists() or pq.read_schema(path) != table.schema:
                pq.write_table(table, path)
        os.environ["CACHE_TEST"] = self.variable

    def _sql(self, spec: Spec) -> str:
        head = '-- cpgbuild: kind = "compute"\n' if spec.stored else ""
        if spec.part:
            head += '-- cpgbuild: contributes_to = "parts"\n'
        if spec.checked:
            head += '-- cpgbuild: not_null = ["a"]\n'
        reads = dict(zip("tu", spec.reads, strict=True))
        return head + QUERIES[spec.query % len(QUERIES)].format(n=spec.number, **reads) + "\n"

    def _python(self, name: str, spec: Spec) -> str:
        kind = "compute" if spec.stored else "view"
        part = 'contributes_to="parts", ' if spec.part else ""
        checks = 'not_null=["a"]' if spec.checked else ""
        body = BODIES[spec.query % len(BODIES)].format(n=spec.number)
        table = f'    t = c.table("{spec.reads[0]}")\n'
        return (
            f"\n@{kind}({part}{checks})\n"
            f"def {name}(c: Catalog) -> ibis.Table:\n{table}    return {body}\n\n"
        )

    def edit(self) -> str:
        """Change one thing; return what."""
        name = self.random.choice([*self.tasks])
        spec = self.tasks[name]
        what = self.random.choice(
            ["number"] * 4
            + ["query"] * 3
            + [
                "stored",
                "stored",
                "checked",
                "reads",
                "gone",
                "new",
                "part",
                "source",
                "source",
                "word",
            ]
            + ["helper", "helper", "limit", "listed", "flag", "variable", "nothing"]
        )
        if what == "number":
            spec.number += 1
        elif what == "query":
            spec.query += 1
        elif what == "stored":
            spec.stored = not spec.stored
        elif what == "checked":
            spec.checked = not spec.checked
        elif what == "part":
            spec.part = not spec.part
        elif what == "reads":
            known = [*self.sources, *self.tasks, "nowhere"]
            spec.reads = (self.random.choice(known), self.random.choice(known))
        elif what == "gone" and len(self.tasks) > 2:
            del self.tasks[name]
        elif what == "new":
            self.add(f"t{self.random.randrange(12)}")
        elif what == "source":
            one = self.random.choice([*self.sources])
            more = self.random.choice([(), ("d",), ("e", "d")])
            self.sources[one] = ("a", "b", "c", *more)
        elif what == "helper":
            self.helpers[self.random.randrange(3)] += 1
        elif what == "limit":
            self.limit += 1
        elif what == "listed":
            self.listed += 1
        elif what == "flag":
            self.flag = not self.flag
        elif what == "variable":
            self.variable = str(self.random.randrange(9))
        elif what == "word":
            self.word += "x"
        return f"{what} of {name}"


def decided(root: Path) -> dict[str, str]:
    """Return tables as they are planned where nobody asks what views mean, and views' queries."""
    with api.opened(root, views=False) as workspace:
        tasks = workspace.graph.tasks.values()
        queries = {t.name: str(workspace.compiler.query(t.name)) for t in tasks if not t.stored}
        return queries | {task.name: repr(task) for task in tasks if task.stored}


def whole(root: Path) -> dict[str, str]:
    """Return what `decided` is to be."""
    with api.opened(root) as workspace:
        tasks = workspace.graph.tasks.values()
        return {t.name: repr(t) if t.stored else str(t.query) for t in tasks}


def stored(workspace: Workspace) -> dict[str, Task]:
    """Return tables as they are planned."""
    return {name: task for name, task in workspace.graph.tasks.items() if task.stored}


def some_are_planned(world: World, done: list[str]) -> None:
    """Plan what a random request is about, and nothing else; all of it is as in the whole."""
    names, random = [*world.tasks, "parts", "t[0-4]", "+t5", "t2+"], world.random
    exclude = random.choices(names, k=random.choice([0, 0, 1]))
    request = Request(tuple(random.choices(names, k=random.choice([1, 1, 2]))), tuple(exclude))
    variables = random.choice([{}, {}, {"word": "y"}])
    nothing = random.random() < 0.1
    done.append(f"{request} with {variables}" + " from nothing" * nothing)
    whole: dict[str, Task] | None = None
    every, overrides = (Overrides(variables, from_nothing=one) for one in (True, nothing))
    with suppress(CpgbuildError), nothing_is_kept(), api.opened(world.root, every) as workspace:
        select(workspace.graph, request)
        whole = stored(workspace)
    try:
        with api.opened(world.root, overrides, request=request) as workspace:
            found, selected = stored(workspace), select(workspace.graph, request).tasks
    except CpgbuildError:
        assert whole is None, done
        return
    for name, task in found.items() if whole is not None else ():
        # What is known of others is so too, but for their checks, which nobody makes.
        same = task if name in selected else replace(task, checks=whole[name].checks)
        assert repr(same) == repr(whole[name]), done


@pytest.mark.parametrize("seed", range(SEEDS))
def test_with_the_cache_plans_are_those_from_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_TEST", "")
    world = World(tmp_path, Random(seed))
    done: list[str] = []
    for _ in range(EDITS):
        world.write()
        with suppress(CpgbuildError), nothing_is_kept():
            known = whole(tmp_path)
        for _ in range(world.random.choice([0, 0, 1, 2])):
            some_are_planned(world, done)
        if world.random.random() < 0.3:
            # As `cpgbuild plan` does, before anything else looks at the project.
            with suppress(CpgbuildError):
                assert decided(tmp_path) == known, done
        with ExitStack() as block:
            if world.random.random() < 0.5:
                # So that what is kept is of some tasks, for longer than one edit.
                block.enter_context(nothing_is_kept())
            found = planned(tmp_path, from_nothing=False)
        with nothing_is_kept():
            assert found == planned(tmp_path, from_nothing=True), done
        done += [world.edit() for _ in range(world.random.choice([1, 1, 1, 2, 3]))]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_modules_that_are_not_loaded_again_are_what_they_would_be(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that says `read_…` beside Ibis may read anything, so it is loaded each time."""
    read = 'LIMITS = json.loads((Path(__file__).parent / "limits.json").read_text())'
    opened = (
        'with open(Path(__file__).parent / "limits.json") as file:\n    LIMITS = json.load(file)'
    )
    assert HEAD.count(read) == 1
    monkeypatch.setitem(globals(), "HEAD", HEAD.replace(read, opened))
    rests = Rests.of

    def of(self: Rests, path: Path) -> Rest | None:
        found = rests(self, path)
        assert found is not None, path
        assert found.parts is not None, path
        return found

    monkeypatch.setattr(Rests, "of", of)
    test_with_the_cache_plans_are_those_from_nothing(seed, tmp_path, monkeypatch)


CONFIG = """
[project]
name = "cache"
[vars]
word = "one"
[sources.s]
path = "data/s.parquet"
"""
VIEW = "SELECT n, m FROM s\n"
TABLE = '-- cpgbuild: kind = "compute"\n'
PART = '-- cpgbuild: contributes_to = "parts"\n'
CHANCE = "SELECT n, row_number() OVER (ORDER BY m) AS m FROM s\n"
MODULE = """
import ibis

from cpgbuild import compute

@compute
def c(catalog):
    return catalog.table("a").mutate(w=ibis.literal(catalog.var("word")))
"""
# The files of a project's tasks, and the same after an edit; of a view that is `a`, and others.
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a view behind a view": (
        {"a.sql": VIEW, "b.sql": "SELECT n FROM a\n", "c.sql": f"{TABLE}SELECT n FROM b\n"},
        {"a.sql": "SELECT n + 1 AS n, m FROM s\n"},
    ),
    "a schema behind a view": (
        {"a.sql": VIEW, "b.sql": "SELECT * FROM a\n", "c.sql": f"{TABLE}SELECT * FROM b\n"},
        {"a.sql": "SELECT m, n FROM s\n"},
    ),
    "a file that is moved": (
        {"a.sql": VIEW, "c.sql": f"{TABLE}SELECT n FROM a\n"},
        {"a.sql": "", "inner/a.sql": VIEW},
    ),
    "a part that comes first": (
        {"b.sql": PART + VIEW, "c.sql": f"{TABLE}SELECT * FROM parts\n"},
        {"a.sql": f"{PART}SELECT m, n FROM s\n"},
    ),
    "a part that comes last": (
        {"a.sql": PART + VIEW, "c.sql": f"{TABLE}SELECT * FROM parts\n"},
        {"b.sql": f"{PART}SELECT m, n FROM s WHERE m > 1\n"},
    ),
    "a view that is left to chance and has two readers": (
        {"a.sql": CHANCE, "c.sql": f"{TABLE}SELECT m FROM a\n"},
        {"d.sql": f"{TABLE}SELECT m FROM a WHERE m > 1\n"},
    ),
    "a variable of the project": (
        {"a.sql": VIEW, "m.py": MODULE},
        {"../cpgbuild.toml": CONFIG.replace("one", "two")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_there_and_back_plans_are_those_from_nothing(what: str, tmp_path: Path) -> None:
    table = pa.table({"n": pa.array([1], pa.int64()), "m": pa.array([1], pa.int64())})
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data/s.parquet")
    before, edit = CASES[what]
    seen: list[tuple[str, object]] = []
    for files in (before, before | edit) * 2:
        for path in tmp_path.glob("tasks/**/*.sql"):
            path.unlink()
        for name, text in ({"../cpgbuild.toml": CONFIG} | files).items():
            path = tmp_path / "tasks" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text)
        seen.append(planned(tmp_path, from_nothing=False))
        with nothing_is_kept():
            assert seen[-1] == planned(tmp_path, from_nothing=True)
        assert seen[-1][0] != "errors", seen[-1][1]
    assert seen[0] == seen[2] != seen[1] == seen[3]
