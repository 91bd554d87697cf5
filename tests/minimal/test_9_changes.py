"""A real change: exactly the descendants whose inputs really changed run."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.core.events import Built
from tests.engine.builds import site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, ROWS, changed, edit, opened, orders, write

SOURCE = "data_changed orders"
BELOW = ["totals", "report"]
ALL_BELOW = {"totals": "data_changed lines", "report": "data_changed totals"}

pytestmark = pytest.mark.parametrize("form", FORMS)


def test_a_value_runs_who_reads_its_column(form: str, tmp_path: Path) -> None:
    """Small reads the column, too, but not the row; names reads the row, but not the column."""
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 500}}))
    becomes(made, built={"lines": SOURCE, **ALL_BELOW}, unchanged={"small": SOURCE}, maybe=BELOW)
    if form == "keyed":
        assert made.said(Built)["lines"].detail == "1 of 3 keys"
    nothing(made)


def test_a_value_of_another_column_runs_its_one_reader(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, changed({2: {"note": "other"}}))
    becomes(made, built={"names": SOURCE})


def test_a_value_on_one_side_of_the_diamond(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, orders((*ROWS, (6, 1, "f", "x"))))
    becomes(
        made,
        built={"small": SOURCE, "names": SOURCE, "report": "data_changed small"},
        unchanged={"lines": SOURCE},
        maybe=BELOW,
    )


def test_a_value_on_the_other_side_of_the_diamond(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, orders((*ROWS, (6, 100, "f", "x"))))
    becomes(
        made,
        built={"lines": SOURCE, "names": SOURCE, **ALL_BELOW},
        unchanged={"small": SOURCE},
        maybe=BELOW,
    )


def test_a_value_on_both_sides_of_the_diamond(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, changed({1: {"amount": 100}}))
    becomes(
        made,
        built={
            "lines": SOURCE,
            "small": SOURCE,
            **ALL_BELOW,
            "report": "data_changed small, data_changed totals",
        },
        maybe=BELOW,
    )


def test_another_plan_in_the_middle_runs_what_is_below(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    old, new = {"ibis": ("doubled.sum()", "doubled.max()")}.get(form, ("sum(", "max("))
    edit(made, form, "totals", old, new)
    becomes(
        made,
        built={"totals": "plan_changed totals", "report": "data_changed totals"},
        maybe=["report"],
    )


def test_a_view_between_two_tables_runs_what_is_below(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    old, new = {
        "ibis": ('.select("doubled")', ".select(doubled=lambda t: t.doubled + 1)"),
    }.get(form, ("select doubled", "select doubled + 1 as doubled"))
    edit(made, form, "v_doubled", old, new)
    why = "plan_changed v_doubled"
    becomes(
        made,
        built={"totals": why, "report": "data_changed totals"},
        views={"v_doubled": why},
        maybe=["report"],
    )


def test_several_changes_in_one_build_are_told_apart(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 500, "note": "other"}}))
    old, new = {"ibis": ("doubled.sum()", "doubled.max()")}.get(form, ("sum(", "max("))
    edit(made, form, "totals", old, new)
    becomes(
        made,
        built={
            "lines": SOURCE,
            "names": SOURCE,
            "totals": "data_changed lines, plan_changed totals",
            "report": "data_changed totals",
        },
        unchanged={"small": SOURCE},
        maybe=["report"],
    )


def test_a_part_of_a_dataset_runs_alone_and_then_the_readers_of_all(
    form: str, tmp_path: Path
) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet", engine="threads = 1")
    write(made, orders())
    if form == "ibis":
        made.python(
            "parts",
            """
            @compute(contributes_to="parts")
            def few(catalog: Catalog) -> ibis.Table:
                return catalog.table("orders").filter(lambda t: t.amount <= 10).select("id", "note")

            @compute(contributes_to="parts")
            def many(catalog: Catalog) -> ibis.Table:
                return catalog.table("orders").filter(lambda t: t.amount > 10).select("id", "note")
            """,
        )
    else:
        more = ', contributes_to = "parts"'
        made.sql("few", "select id, note from orders where amount <= 10", more=more)
        made.sql("many", "select id, note from orders where amount > 10", more=more)
    if form == "keyed":
        (made.root / "tasks/many.sql").unlink()
        made.folder.write("tasks/mapped.py", "def same(rows):\n    return rows\n")
        made.python(
            "many",
            """
            from tasks.mapped import same

            SCHEMA = {"id": "int64", "note": "string"}

            @compute(map=same, key="id", content="note", schema=SCHEMA, contributes_to="parts")
            def many(catalog: Catalog) -> ibis.Table:
                return catalog.table("orders").filter(lambda t: t.amount > 10).select("id", "note")
            """,
        )
    made.sql("notes", "select note, count(*) as n from parts group by note")
    made.sql("ids", "select id from parts")
    made.built()
    write(made, changed({2: {"note": "other"}}))
    becomes(
        made,
        built={"parts/many": SOURCE, "notes": "data_changed parts"},
        unchanged={"parts/few": SOURCE},
        maybe=["notes", "ids"],
    )
