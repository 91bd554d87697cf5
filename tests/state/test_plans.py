"""Kept plans are a cache: whatever becomes of the file, plans are those from nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.graph import ChangedMeanwhile
from cpgbuild.errors.report import Place
from cpgbuild.plan.compiled import Compiled
from cpgbuild.plan.definition import Definition
from cpgbuild.state.plans import (
    FILE,
    Changes,
    File,
    PlanStore,
    columns_text,
    nothing,
    schema_of_text,
)
from cpgbuild.workspace import opened
from tests.engine.builds import Site, site
from tests.support.plans import evaluated

ODD = ("a", "a b", "é", "日本", 'q"x', "x\\y", "\\x1f", "a\x1fb", "a\x1eb", "\n", "tab\t", "!", "")


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """s → a → b, all planned."""
    found = site(tmp_path, "s parquet data/s.parquet")
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "data/s.parquet")
    found.sql("a", "select n from s", "view")
    found.sql("b", "select n + 1 as n from a")
    assert compiled(found) == {"a", "b"}
    assert compiled(found) == set()
    return found


def compiled(made: Site) -> set[str]:
    return evaluated(made.root)


def file(made: Site) -> Path:
    return made.root / ".cpgbuild" / FILE


def about(made: Site, what: str) -> str:
    """Return what a file of plans says about itself."""
    with closing(sqlite3.connect(file(made))) as db:
        rows: dict[str, str] = dict(db.execute("SELECT what, value FROM about"))
    return rows[what]


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def gone(path: Path) -> None:
    path.unlink()


def changed(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        db = sqlite3.connect(path)
        with db:
            db.execute(statement)
        db.close()

    return change


HARMED = {
    "empty": emptied,
    "garbage": garbage,
    "torn": torn,
    "gone": gone,
    "of another version": changed("UPDATE about SET value = '0' WHERE what = 'version'"),
    "of another program": changed("UPDATE about SET value = 'x' WHERE what = 'program'"),
    "without a table": changed("DROP TABLE sources"),
    "with a torn task": changed("UPDATE tasks SET planned = substr(planned, 1, 99)"),
    "with another shape": changed("UPDATE tasks SET planned = '{}'"),
    "with a torn definition": changed("INSERT INTO unplanned VALUES ('view.a', '[')"),
}


@pytest.mark.parametrize("how", HARMED)
def test_a_file_that_is_no_good_is_written_anew(made: Site, how: str) -> None:
    HARMED[how](file(made))
    assert compiled(made) == {"a", "b"}
    assert compiled(made) == set()


def test_a_task_of_which_the_rest_is_lost_is_compiled_where_it_is_needed(made: Site) -> None:
    made.built()
    changed("UPDATE tasks SET outline = '['")(file(made))
    assert compiled(made) == set()
    made.sql("b", "select n + 2 as n from a")
    assert compiled(made) == {"a", "b"}
    assert made.built() == {"b": ["plan_changed b"]}


@pytest.mark.parametrize("rest", ["kept", "lost"])
@pytest.mark.parametrize("task", ["view.a", "compute.b"])
def test_what_was_planned_is_what_is_compiled_or_told(made: Site, task: str, rest: str) -> None:
    """Between the two anybody may write the file."""
    made.built()
    if rest == "lost":
        changed("UPDATE tasks SET outline = '['")(file(made))
    with opened(made.root) as workspace:
        planned = workspace.compiler.compiled(task)
        assert planned.task == workspace.graph.tasks[task]
    with opened(made.root) as workspace:
        made.sql("a", "select n * 2 as n from s", "view")
        made.sql("b", "select n * 2 as n from a")
        if rest == "kept":
            assert workspace.compiler.compiled(task).sql == planned.sql
            return
        with pytest.raises(ChangedMeanwhile):
            workspace.compiler.compiled(task)


def test_plans_that_somebody_else_kept_meanwhile_are_not_mixed_with_ours(made: Site) -> None:
    state = made.root / ".cpgbuild"
    (program,) = (
        sqlite3.connect(file(made))
        .execute("SELECT value FROM about WHERE what = 'program'")
        .fetchone()
    )
    one, other = PlanStore(state, program), PlanStore(state, program)
    kept = {store: store.load().tasks for store in (one, other)}
    assert kept[one].keys() == kept[other].keys() == {"view.a", "compute.b"}
    one.save(Changes(gone_tasks=["view.a"]), anew=False)
    other.save(Changes(gone_tasks=["compute.b"]), anew=False)
    assert PlanStore(state, program).load().tasks.keys() == {"compute.b"}


def test_a_task_that_was_replaced_meanwhile_is_not_taken_for_what_was_kept(made: Site) -> None:
    program = about(made, "program")
    kept = PlanStore(made.root / ".cpgbuild", program).load().tasks
    made.sql("b", "select n + 2 as n from a")
    assert compiled(made) == {"b"}
    assert kept["view.a"].outline() is not None
    assert kept["compute.b"].outline() is None


def test_what_is_kept_anew_is_all_that_is_kept(made: Site) -> None:
    state = made.root / ".cpgbuild"
    files = {"one.sql": File("", "digest", "{}")}
    PlanStore(state, "of another program").save(Changes(files=files), anew=True)
    assert PlanStore(state, "of another program").load() == nothing()._replace(files=files)


def test_a_file_that_is_gone_and_comes_back_has_its_tasks_again(made: Site) -> None:
    query = made.root / "tasks/b.sql"
    text = query.read_text()
    query.unlink()
    assert [one.task.dataset for one in api.plan(made.root)] == ["a"]
    query.write_text(text)
    assert compiled(made) == {"b"}
    assert [one.task.dataset for one in api.plan(made.root)] == ["a", "b"]


def test_a_folder_that_cannot_be_written_is_no_error(made: Site) -> None:
    made.sql("b", "select n + 2 as n from a")
    with mock.patch.object(PlanStore, "_opened", side_effect=PermissionError):
        assert compiled(made) == {"a", "b"}
    assert compiled(made) == {"b"}


@pytest.mark.parametrize("name", ODD)
def test_a_task_that_nobody_planned_comes_back_as_it_is_defined(tmp_path: Path, name: str) -> None:
    whole = Definition(
        name=f"compute.{name}",
        dataset=name,
        kind=TaskKind.COMPUTE,
        place=Place(f"{name}.sql", 3, 2, 1),
        sql="select 1",
        part=name or None,
        priority=-1,
        tags=(name, "t"),
        description=name,
        partition_by=(name,),
        inputs=None if name else (),
        key=name or None,
        file=f"{name}.sql",
    )
    bare = Definition("view.v", "v", TaskKind.VIEW, Place("v.py"), inputs=("a",), file="v.py")
    store = PlanStore(tmp_path, "program")
    store.save(Changes(unplanned=[whole, bare]), anew=True)
    found = {one.name: one for one in PlanStore(tmp_path, "program").load().unplanned}
    assert found == {whole.name: replace(whole, sql=None), bare.name: bare}
    # Who keeps more knows of all that are not planned.
    store.load()
    store.save(Changes(unplanned=[bare]), anew=False)
    assert PlanStore(tmp_path, "program").load().unplanned == [bare]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("nullable", [True, False])
def test_a_schema_comes_back_whatever_its_names_are(name: str, nullable: bool) -> None:
    schema = Schema((Column(name, f"struct<{name}: int64>", nullable), Column("b", "string")))
    assert schema_of_text(columns_text(schema)) == schema
    assert schema_of_text(columns_text(Schema())) == Schema()


def test_a_python_task_that_was_planned_is_run_without_a_look_at_its_module(made: Site) -> None:
    made.python(
        "c",
        """
        def doubled(rows: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch({"n": pa.array([2 * n for n in rows["n"].to_pylist()])})


        @compute(map=doubled, schema={"n": "int64"})
        def c(catalog: Catalog) -> ibis.Table:
            return catalog.table("b")
        """,
    )
    made.built()
    before = made.rows("c")
    with opened(made.root) as workspace:
        kept = workspace.compiler.compiled("compute.c")
        assert kept.row_map is not None
        assert kept.row_map.function.__module__ == "tasks.c"
        assert kept.row_map.function.__qualname__ == "doubled"
        assert kept.map_facts
        assert kept.schema.names == ["n"]
    assert made.build(force=["c"]) == {"c": ["forced c"]}
    assert made.rows("c") == before


def test_what_was_kept_is_what_planning_it_again_gives(made: Site) -> None:
    made.sql("c", "select a.n, s.n as m from a join s on a.n = s.n where 'from b' <> 'scan b'")
    made.sql(
        "d",
        "with recursive r as (select n from a union all select n + 1 from r where n < 3) "
        "select n, cast(n as decimal(9, 2)) as price, [n] as list from r",
    )
    made.python(
        "e",
        """
        def doubled(rows: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch({"id": rows["n"], "n": rows["m"]})


        @compute(map=doubled, schema={"id": "int64", "n": "int64"}, key="n", content="m")
        def e(catalog: Catalog) -> ibis.Table:
            return catalog.table("c")


        @view
        def f(catalog: Catalog) -> ibis.Table:
            e = catalog.table("d")
            return e.mutate(price=e.price.cast("float64"), list=e.list[0])
        """,
    )
    with opened(made.root):
        pass
    with opened(made.root) as kept:
        names = sorted(kept.compiler.tasks)
        found = [kept.compiler.compiled(name) for name in names]
        # None of them was planned for that.
        assert not kept.compiler._frames
        for name, one in zip(names, found, strict=True):
            frame = kept.compiler.frame(name)
            again = kept.compiler.compiled(name)
            assert frame.schema().names == one.rows.names
            assert facts_of(again) == facts_of(one)
            assert list(again.inputs) == list(one.inputs)
    assert [one.recursive for one in found] == [name.endswith("d") for name in names]
    assert compiled(made) == set()


def facts_of(one: Compiled) -> tuple[object, ...]:
    """Return a compiled task but for the function that it calls by its name."""
    function = one.row_map and (one.row_map.function.__qualname__, one.row_map.key)
    kept = replace(one, row_map=None, definition=replace(one.definition, row_map=None))
    return kept, function
