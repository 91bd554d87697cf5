"""A task whose recomputed output equals the old one: that task only (early cutoff)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.core.events import Unchanged
from tests.engine.builds import Site, site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, ROWS, changed, edit, opened, orders, write

BELOW = ["totals", "report"]
SOURCE = "data_changed orders"
PAIR = ('pc.multiply(rows["amount"], FACTOR)', 'pc.add(rows["amount"], rows["amount"])')


def recompute(made: Site, form: str) -> None:
    """Write `lines` so that it means something else and gives the same rows."""
    if form == "keyed":
        made.folder.edit("tasks/mapped.py", PAIR[0], PAIR[1])
    else:
        edit(
            made,
            form,
            "lines",
            "amount * 2",
            "amount * 3 - " + ("big." * (form == "ibis")) + "amount",
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_of_the_same_rows_runs_that_task_alone(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    before = made.version("totals")
    recompute(made, form)
    becomes(made, unchanged={"lines": "plan_changed lines"}, maybe=BELOW)
    assert made.version("totals") == before
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_view_of_the_same_rows_runs_its_readers_alone(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    edit(made, form, "v_big", "amount > 10", "amount > 11")
    why = "plan_changed v_big"
    becomes(made, unchanged={"lines": why}, views={"v_big": why}, maybe=BELOW)
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_that_a_view_filters_out_ends_at_the_views_reader(form: str, tmp_path: Path) -> None:
    """It changes small, of which report needs the number of rows only."""
    made = opened(tmp_path, form)
    write(made, changed({1: {"amount": 6}}))
    becomes(made, unchanged={"lines": SOURCE}, built={"small": SOURCE}, maybe=BELOW)
    if form == "keyed":
        assert made.said(Unchanged)["lines"].detail == "0 of 3 keys"


@pytest.mark.parametrize("form", FORMS)
def test_a_change_ends_in_the_middle_of_a_chain(form: str, tmp_path: Path) -> None:
    """Behind a view, too: the sum stays what it was."""
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 51}, 3: {"amount": 69}}))
    becomes(
        made,
        built={"lines": SOURCE},
        unchanged={"small": SOURCE, "totals": "data_changed lines"},
        maybe=BELOW,
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_change_ends_before_a_task_whose_columns_have_the_same_rows(
    form: str, tmp_path: Path
) -> None:
    """Two amounts change places: in the one column that totals reads are the same numbers."""
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 70}, 3: {"amount": 50}}))
    becomes(made, built={"lines": SOURCE}, unchanged={"small": SOURCE}, maybe=BELOW)


@pytest.mark.parametrize("form", FORMS)
def test_a_change_ends_on_one_side_of_a_diamond_and_goes_on_the_other(
    form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path, form)
    write(made, orders(ROWS[1:]))
    becomes(
        made,
        unchanged={"lines": SOURCE},
        built={"small": SOURCE, "names": SOURCE, "report": "data_changed small"},
        maybe=BELOW,
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_forced_task_of_the_same_rows_runs_alone(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    becomes(made, force=["lines"], unchanged={"lines": "forced lines"}, maybe=BELOW)


@pytest.mark.parametrize("form", FORMS)
def test_a_view_that_is_narrowed_to_the_same_rows_between_tables(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    old = {"ibis": '("lines").select("doubled")'}.get(form, "from lines")
    new = {"ibis": '("lines").filter(lambda t: t.doubled > 0).select("doubled")'}.get(
        form, "from lines where doubled > 0"
    )
    edit(made, form, "v_doubled", old, new)
    why = "plan_changed v_doubled"
    becomes(made, unchanged={"totals": why}, views={"v_doubled": why}, maybe=["report"])


def test_a_chain_of_three_stops_where_rows_are_the_same(tmp_path: Path) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.sql("a", "select id, amount + 1 as n from orders")
    made.sql("b", "select id, n > 10 as big from a")
    made.sql("c", "select count(*) as many from b where big and id < 9")
    made.sql("d", "select many * 2 as twice from c")
    made.built()
    write(made, changed({2: {"amount": 49}}))
    becomes(
        made,
        built={"a": SOURCE},
        unchanged={"b": "data_changed a"},
        maybe=["b", "c", "d"],
    )
    write(made, changed({2: {"amount": 0}, 1: {"amount": 30}}))
    becomes(
        made,
        built={"a": SOURCE, "b": "data_changed a"},
        unchanged={"c": "data_changed b"},
        maybe=["b", "c", "d"],
    )


def test_the_same_rows_in_another_order_are_the_same(tmp_path: Path) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.sql("a", "select id, amount from orders order by id limit 5")
    made.sql("b", "select count(*) as n, sum(amount) as s from a")
    made.built()
    made.sql("a", "select id, amount from orders order by id desc limit 5")
    becomes(made, unchanged={"a": "plan_changed a"}, maybe=["b"])
