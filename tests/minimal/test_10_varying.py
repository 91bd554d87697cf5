"""What varies: `random()` always runs, `now()` is frozen, views whose rows vary are evaluated once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.builds import Site, site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import orders, write

RANDOM = {
    "sql": "select id, {} as r from orders",
    "ibis": 'orders.select("id", r=ibis.{})',
}


def started(root: Path) -> Site:
    made = site(root, "orders parquet data/orders.parquet", engine="threads = 1")
    write(made, orders())
    return made


def task(made: Site, form: str, name: str, sql: str, ibis: str, kind: str = "compute") -> None:
    """Write a task in a form; `{}` in the Ibis text is the table `orders`."""
    if form == "sql":
        made.sql(name, sql, kind)
        return
    made.python(
        name,
        f"\n@{kind}\ndef {name}(catalog: Catalog) -> ibis.Table:\n"
        f"    t = catalog.table\n    return {ibis}\n",
    )


FORMS = pytest.mark.parametrize("form", ["ibis", "sql"])


@FORMS
def test_a_random_task_always_runs(form: str, tmp_path: Path) -> None:
    made = started(tmp_path)
    task(
        made,
        form,
        "k",
        "select id, random() as r from orders",
        't("orders").select("id", r=ibis.random())',
    )
    made.sql("ids", "select id from k")
    made.sql("all_of_k", "select * from k")
    made.built()
    for _ in range(2):
        becomes(
            made,
            built={"k": "volatile k", "all_of_k": "data_changed k"},
            maybe=["ids", "all_of_k"],
            from_scratch=False,
        )  # fmt: skip


@FORMS
def test_a_random_view_makes_its_reader_run(form: str, tmp_path: Path) -> None:
    made = started(tmp_path)
    task(
        made,
        form,
        "v",
        "select id, random() as r from orders",
        't("orders").select("id", r=ibis.random())',
        "view",
    )
    made.sql("v_more", "select id, r + 1 as s from v", "view")
    made.sql("k", "select id, s from v_more")
    made.built()
    becomes(made, built={"k": "volatile k"}, from_scratch=False)


@FORMS
def test_a_random_column_that_a_reader_does_not_need_is_nothing_to_it(
    form: str, tmp_path: Path
) -> None:
    """Though its view is volatile, what it reads of that is not; the safe side is to run."""
    made = started(tmp_path)
    task(
        made,
        form,
        "v",
        "select id, random() as r from orders",
        't("orders").select("id", r=ibis.random())',
        "view",
    )
    made.sql("k", "select id from v")
    made.built()
    becomes(made, unchanged={"k": "volatile k"}, from_scratch=False)


def test_a_random_task_that_comes_out_the_same_stops_there(tmp_path: Path) -> None:
    made = started(tmp_path)
    made.sql("k", "select id, random() < 2 as sure from orders")
    made.sql("below", "select count(*) as n from k where sure")
    made.built()
    becomes(made, unchanged={"k": "volatile k"}, maybe=["below"], from_scratch=False)


@FORMS
def test_now_is_one_moment_for_a_whole_build(form: str, tmp_path: Path) -> None:
    made = started(tmp_path)
    task(
        made,
        form,
        "one",
        "select id, now() as at from orders",
        't("orders").select("id", at=ibis.now())',
    )
    made.sql("two", "select now() as at")
    made.built()
    moments = {row[-1] for name in ("one", "two") for row in made.rows(name)}
    assert len(moments) == 1
    becomes(made, built={"one": "volatile one", "two": "volatile two"}, from_scratch=False)
    later = {row[-1] for name in ("one", "two") for row in made.rows(name)}
    assert len(later) == 1
    assert later > moments or min(later) > min(moments)


VARYING = {
    "row_number over ties": "select id, row_number() over (order by kind) as n from orders",
    "limit without order": "select id, amount as n from orders limit 3",
    "a first value over ties": (
        "select id, first_value(id) over (partition by kind order by 1) as n from orders"
    ),
}


@pytest.mark.parametrize("varying", VARYING)
def test_a_view_of_chance_order_is_evaluated_once_for_all(varying: str, tmp_path: Path) -> None:
    """Also between builds: a reader that is edited later sees what the others saw."""
    made = started(tmp_path)
    made.sql("v", VARYING[varying], "view")
    made.sql("one", "select id, n from v")
    made.sql("two", "select n, id from v")
    becomes(
        made,
        built={name: f"never_built {name}" for name in ("v", "one", "two")},
        from_scratch=False,
    )
    assert made.rows("one") == sorted((i, n) for n, i in made.rows("two"))
    nothing(made)
    made.sql("two", "select n, id, 1 as more from v")
    becomes(made, built={"two": "plan_changed two"}, from_scratch=False)
    assert made.rows("one") == sorted((i, n) for n, i, _ in made.rows("two"))


@FORMS
def test_ids_of_a_view_agree_wherever_they_are_read(form: str, tmp_path: Path) -> None:
    made = started(tmp_path)
    task(
        made,
        form,
        "v",
        "select id, uuid() as u from orders",
        't("orders").select("id", u=ibis.uuid().cast("string"))',
        "view",
    )
    made.sql("v_more", "select id, u from v where id < 3", "view")
    made.sql("one", "select id, u from v_more")
    made.sql("two", "select u, id from v")
    made.built()
    becomes(
        made,
        built={"v": "volatile v", "one": "data_changed v", "two": "data_changed v"},
        maybe=["one", "two"],
        from_scratch=False,
    )
    assert set(made.rows("one")) <= {(i, u) for u, i in made.rows("two")}


def test_a_map_over_a_view_of_chance_order_sees_what_others_see(tmp_path: Path) -> None:
    made = started(tmp_path)
    made.sql("v", VARYING["row_number over ties"], "view")
    made.sql("one", "select id, n from v")
    made.folder.write("tasks/mapped.py", "def same(rows):\n    return rows\n")
    made.python(
        "k",
        """
        from tasks.mapped import same

        @compute(map=same, key="id", content="n", schema={"id": "int64", "n": "uint64"})
        def k(catalog: Catalog) -> ibis.Table:
            return catalog.table("v").select("id", "n")
        """,
    )
    made.built()
    assert made.rows("k") == made.rows("one")
    nothing(made)
    made.folder.edit("tasks/mapped.py", "return rows", "return rows.slice(0)")
    becomes(made, unchanged={"k": "plan_changed k"}, from_scratch=False)
