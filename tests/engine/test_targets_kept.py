"""What was planned of targets is kept, and it is as good as what is planned of the whole project."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.core.selection import Request
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan.compiler import Compiler
from cpgbuild.project import discovery
from cpgbuild.project.config import Overrides
from cpgbuild.state.names import load_names
from cpgbuild.state.plans import FILE, PlanStore
from tests.engine.builds import Site, site
from tests.support.plans import evaluated, planned

MODULE = """
@view
def p(c: Catalog) -> ibis.Table:
    return c.table("a").mutate(w=ibis.literal(c.var("word")))


@compute
def q(c: Catalog) -> ibis.Table:
    return c.table("p").mutate(m=c.table("p").n + 1)


@compute(not_null=["n"])
def r(c: Catalog) -> ibis.Table:
    return c.table("x").mutate(e=ibis.literal(os.environ.get("KEPT_TEST", "")))
"""
ALL = set("abcxypqr") | {"part"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """s → a → b → c and s → x → y, in SQL; in one module a → p → q and x → r.

    `b` and `p` are views. `c` also reads `part`, which `one` and `two` feed; `y` reads `u` too, and
    has a check.
    """
    monkeypatch.delenv("KEPT_TEST", raising=False)
    found = site(tmp_path, "s parquet data/s.parquet\nu parquet data/u.parquet", vars='word = "w"')
    (tmp_path / "data").mkdir()
    source(found, "s", n=1)
    source(found, "u", n=1)
    found.sql("a", "select n from s")
    found.sql("b", "select n + 1 as n from a", "view")
    found.sql("c", "select b.n from b join part on b.n = part.n")
    found.sql("one", "select n from s", more=', contributes_to = "part"')
    found.sql("two", "select cast(n as bigint) as n from u", more=', contributes_to = "part"')
    found.sql("x", "select n from s")
    found.sql("y", "select x.n from x join u on x.n = u.n", more=', not_null = ["n"]')
    found.python("m", f"import os\n{MODULE}")
    return found


def source(made: Site, name: str, **columns: object) -> None:
    table = pa.table({column: [value] for column, value in columns.items()})
    pq.write_table(table, made.root / f"data/{name}.parquet")


def compiled(made: Site, *targets: str, **options: Any) -> set[str]:
    """Return the datasets of the tasks that a plan compiles, without checks."""
    found = evaluated(made.root, targets=targets, **options)
    return {name for name in found if ":" not in name and not name.endswith(")")}


def kept(root: Path) -> dict[str, list[Any]]:
    """Return what is kept, but for what may be known of a task beyond what it is."""
    with closing(sqlite3.connect(root / ".cpgbuild" / FILE)) as db:
        return {
            "tasks": sorted(db.execute("SELECT name, module, planned, overtaken FROM tasks")),
            "files": sorted(db.execute("SELECT path, digest, facts, parts FROM files")),
            "sources": sorted(db.execute("SELECT name, declared, columns FROM sources")),
            "unplanned": sorted(db.execute("SELECT name, definition FROM unplanned")),
        }


def assert_like_from_nothing(made: Site) -> None:
    """See that what is kept after a plan of all is what is kept of it where nothing was."""
    found = planned(made.root, from_nothing=False)
    after = kept(made.root)
    assert after["unplanned"] == []
    shutil.rmtree(made.root / ".cpgbuild")
    assert planned(made.root, from_nothing=False) == found
    assert kept(made.root) == after


@pytest.mark.parametrize("target", ["c", "y", "q", "r", "p", "part", "b"])
def test_what_was_planned_of_a_target_is_not_planned_again(made: Site, target: str) -> None:
    assert compiled(made, target) != set()
    with mock.patch.object(discovery, "load_module", side_effect=AssertionError):
        assert compiled(made, target) == set()
    api.build(made.root, targets=[target])
    assert compiled(made, target) == set()


def test_each_target_is_planned_once(made: Site) -> None:
    assert compiled(made, "y") == {"x", "y"}
    assert compiled(made, "r") == {"r"}
    assert compiled(made, "q") == {"a", "p", "q"}
    assert compiled(made, "q", "r", "y") == set()
    assert compiled(made) == {"b", "c", "part"}
    assert compiled(made) == set()
    assert_like_from_nothing(made)


def test_of_what_was_planned_of_all_no_target_is_planned(made: Site) -> None:
    assert compiled(made) == ALL
    before = kept(made.root)
    for target in "cyqr":
        assert compiled(made, target) == set()
    assert compiled(made, "c", exclude=["a"]) == set()
    assert kept(made.root) == before


def test_what_is_excluded_is_planned_and_kept_too(made: Site) -> None:
    assert compiled(made, "c", exclude=["b"]) == {"a", "b", "c", "part"}
    assert compiled(made, "b") == set()


def test_a_part_that_was_planned_says_nothing_of_the_others(made: Site) -> None:
    assert compiled(made, "compute.one") == {"part"}
    assert compiled(made, "c") == {"a", "b", "c", "part"}
    with api.opened(made.root, request=Request(("c",))) as workspace:
        assert {"compute.one", "compute.two"} <= workspace.graph.tasks.keys()
    assert_like_from_nothing(made)


def edit_of_the_target(made: Site) -> None:
    made.sql("c", "select b.n + 1 as n from b join part on b.n = part.n")


def edit_of_a_view_before_the_target(made: Site) -> None:
    made.sql("b", "select n + 2 as n from a", "view")


def edit_of_a_table_before_the_target(made: Site) -> None:
    made.sql("a", "select n, n as more from s")


def edit_of_a_function_before_the_target(made: Site) -> None:
    path = made.root / "tasks/m.py"
    path.write_text(path.read_text().replace("ibis.literal(c.var", "ibis.literal('!' + c.var"))


def edit_of_a_function_that_moves_others(made: Site) -> None:
    path = made.root / "tasks/m.py"
    path.write_text(path.read_text().replace('return c.table("a")', '\n    return c.table("a")'))


def edit_of_a_function_outside(made: Site) -> None:
    path = made.root / "tasks/m.py"
    path.write_text(path.read_text().replace('"KEPT_TEST", ""', '"KEPT_TEST", "edited"'))


def edit_that_moves_functions(made: Site) -> None:
    path = made.root / "tasks/m.py"
    path.write_text(path.read_text().replace("@view", "\n\n@view"))


def edit_outside(made: Site) -> None:
    made.sql("x", "select n + 1 as n, n as more from s")


def a_view_becomes_a_table(made: Site) -> None:
    made.sql("b", "select n + 1 as n from a")


def a_view_is_left_to_chance(made: Site) -> None:
    made.sql("b", "select row_number() over () as n from a", "view")


def a_task_is_removed(made: Site) -> None:
    (made.root / "tasks/y.sql").unlink()


def a_part_is_removed(made: Site) -> None:
    (made.root / "tasks/two.sql").unlink()


def a_part_is_added(made: Site) -> None:
    made.sql("three", "select n * 2 as n from s", more=', contributes_to = "part"')


def a_task_is_added(made: Site) -> None:
    made.sql("z", "select n from y")


def a_task_is_renamed(made: Site) -> None:
    (made.root / "tasks/y.sql").rename(made.root / "tasks/z.sql")


def a_function_is_removed(made: Site) -> None:
    path = made.root / "tasks/m.py"
    before, mark, rest = path.read_text().partition("@compute\n")
    path.write_text(before + rest.partition("\n\n\n")[2])
    assert mark


def a_check_is_removed(made: Site) -> None:
    path = made.root / "tasks/y.sql"
    path.write_text(path.read_text().replace(', not_null = ["n"]', ""))


def a_check_is_added(made: Site) -> None:
    made.sql("x", "select n from s", more=', unique = ["n"]')


def a_source_is_another(made: Site) -> None:
    source(made, "u", n=1.5)


def a_source_has_more(made: Site) -> None:
    source(made, "s", n=1, more=2)


def a_variable_is_another(made: Site) -> None:
    config = made.root / "cpgbuild.toml"
    config.write_text(config.read_text().replace('"w"', '"other"'))


def nothing_happens(made: Site) -> None:
    del made


EDITS: list[Callable[[Site], None]] = [
    edit_of_the_target,
    edit_of_a_view_before_the_target,
    edit_of_a_table_before_the_target,
    edit_of_a_function_before_the_target,
    edit_of_a_function_that_moves_others,
    edit_of_a_function_outside,
    edit_that_moves_functions,
    edit_outside,
    a_view_becomes_a_table,
    a_view_is_left_to_chance,
    a_task_is_removed,
    a_part_is_removed,
    a_part_is_added,
    a_task_is_added,
    a_task_is_renamed,
    a_function_is_removed,
    a_check_is_removed,
    a_check_is_added,
    a_source_is_another,
    a_source_has_more,
    a_variable_is_another,
    nothing_happens,
]


@pytest.mark.parametrize("first", [(), ("c",), ("q",), ("c", "y")])
@pytest.mark.parametrize("then", [("c",), ("a",), ("r",), ("x",)])
@pytest.mark.parametrize("edit", EDITS)
def test_after_an_edit_and_a_target_all_is_as_from_nothing(
    made: Site, first: tuple[str, ...], edit: Callable[[Site], None], then: tuple[str, ...]
) -> None:
    compiled(made, *first)
    edit(made)
    compiled(made, *then)
    assert compiled(made, *then) == set()
    assert_like_from_nothing(made)


def test_what_reads_something_that_was_planned_without_it_is_looked_at_again(made: Site) -> None:
    """Its schema is what it was, so its query stands; what the view means is another thing."""
    api.build(made.root)
    made.sql("b", "select n + 2 as n from a", "view")
    assert compiled(made, "b") == {"b"}
    assert [one.task.dataset for one in api.plan(made.root, targets=["y"])] == ["x", "y"]
    # For the columns of it that `c` requires.
    assert compiled(made) == {"b"}
    assert made.built() == {"c": ["plan_changed b"]}


def test_a_variable_of_one_plan_is_no_other_plans(made: Site) -> None:
    """Of the command line, and of the environment."""
    assert compiled(made) == ALL
    assert compiled(made, "q", overrides=Overrides({"word": "other"})) == {"p"}
    assert compiled(made, "y") == set()
    assert compiled(made) == {"p"}
    assert_like_from_nothing(made)


def test_what_code_found_in_the_environment_is_looked_at_whoever_is_asked_for(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled(made, "q") == {"a", "p", "q"}
    # Nobody asked for it: `r` was not evaluated.
    monkeypatch.setenv("KEPT_TEST", "1")
    assert compiled(made, "q") == set()
    assert compiled(made, "r") == {"x", "r"}
    monkeypatch.setenv("KEPT_TEST", "2")
    assert compiled(made, "y") == {"y"}
    assert compiled(made) == {"b", "c", "part", "p", "q", "r"}
    assert_like_from_nothing(made)


def test_what_somebody_else_keeps_meanwhile_stays(made: Site) -> None:
    """What was planned here is of another moment, and goes with none of that."""
    assert compiled(made, "y") == {"x", "y"}
    compile_all, others = Compiler.compile_all, [("q",)]

    def overtaken(self: Compiler, *args: Any, **options: Any) -> None:
        if others:
            made.sql("x", "select n + 1 as n from s")
            api.plan(made.root, targets=others.pop())
        compile_all(self, *args, **options)

    with mock.patch.object(Compiler, "compile_all", overtaken):
        assert compiled(made, "c") == {"a", "b", "c", "p", "part", "q"}
    assert compiled(made, "q") == set()
    assert compiled(made, "y") == {"x"}
    assert compiled(made) == {"b", "c", "part", "r"}
    assert_like_from_nothing(made)


def test_plans_from_nothing_take_the_place_of_what_was_kept(made: Site) -> None:
    assert compiled(made) == ALL
    nothing = Overrides(from_nothing=True)
    assert compiled(made, "y", overrides=nothing) == {"x", "y"}
    assert compiled(made) == ALL - {"x", "y"}
    assert_like_from_nothing(made)


def test_a_file_that_changes_while_a_task_of_it_is_loaded_is_told(made: Site) -> None:
    """Of its other tasks it is known what they were."""
    assert compiled(made, "q") == {"a", "p", "q"}
    load = discovery.load_module

    def edited(path: Path, root: Path) -> object:
        path.write_text(path.read_text().replace("n + 1", "n + 2"))
        return load(path, root)

    with (
        mock.patch.object(discovery, "load_module", edited),
        pytest.raises(CpgbuildError, match="changed"),
    ):
        api.plan(made.root, targets=["r"])
    assert compiled(made, "q") == {"q"}
    assert_like_from_nothing(made)


def test_a_shell_completes_the_names_of_all_that_was_planned(made: Site) -> None:
    state = str(made.root / ".cpgbuild")
    assert compiled(made, "c", "y") == {"a", "b", "c", "part", "x", "y"}
    assert load_names(state).tasks == []
    assert compiled(made, "q", "r") == {"p", "q", "r"}
    assert len(load_names(state).tasks) == len(ALL) + 1
    # A task that comes, and one that nobody planned and that goes.
    made.sql("z", "select n from y")
    made.sql("w", "select nothing from y")
    assert compiled(made, "z") == {"z"}
    assert "compute.z" not in load_names(state).tasks
    (made.root / "tasks/w.sql").unlink()
    assert compiled(made) == set()
    assert "compute.z" in load_names(state).tasks


@pytest.fixture(autouse=True)
def _kept_as_said(made: Site) -> Iterator[None]:
    """See that each task is kept once: as planned, or as one that is not."""
    yield
    state = made.root / ".cpgbuild"
    with closing(sqlite3.connect(state / FILE)) as db:
        (program,) = next(db.execute("SELECT value FROM about WHERE what = 'program'"))
    edition = PlanStore(state, program).load()
    unplanned = {one.name for one in edition.unplanned}
    assert edition.tasks.keys().isdisjoint(unplanned)
