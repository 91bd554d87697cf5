"""An edit reverted to something built before: nothing is recomputed, the old version is restored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.builds import Site, site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, changed, edit, opened, orders, write

SOURCE = "data_changed orders"
BELOW = ["totals", "report"]
ALL_BELOW = {"totals": "data_changed lines", "report": "data_changed totals"}
PLAN = "plan_changed lines"


def times(made: Site, form: str, old: int, new: int) -> None:
    """Let `lines` multiply by another number."""
    if form == "keyed":
        made.folder.edit("tasks/mapped.py", f"FACTOR = {old}", f"FACTOR = {new}")
    else:
        edit(made, form, "lines", f"amount * {old}", f"amount * {new}")


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_is_reverted_and_comes_back(form: str, tmp_path: Path) -> None:
    """And what is downstream, since it reads what it read then."""
    made = opened(tmp_path, form)
    times(made, form, 2, 3)
    becomes(made, built={"lines": PLAN, **ALL_BELOW}, maybe=BELOW)
    times(made, form, 3, 2)
    becomes(made, restored={"lines": PLAN, **ALL_BELOW})
    nothing(made)
    times(made, form, 2, 3)
    becomes(made, restored={"lines": PLAN, **ALL_BELOW})


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_of_some_builds_ago_comes_back(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    for old, new in ((2, 3), (3, 4)):
        times(made, form, old, new)
        made.built()
    times(made, form, 4, 2)
    becomes(made, restored={"lines": PLAN, **ALL_BELOW})


@pytest.mark.parametrize("form", FORMS)
def test_without_its_state_folder_it_still_comes_back(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    times(made, form, 2, 3)
    made.built()
    times(made, form, 3, 2)
    shutil.rmtree(made.root / ".cpgbuild")
    # What nobody remembers of a view is that it was there already.
    becomes(made, restored={"lines": PLAN, **ALL_BELOW}, views={"v_big": "never_built v_big"})


@pytest.mark.parametrize("form", FORMS)
def test_a_source_is_reverted_and_all_that_read_it_comes_back(form: str, tmp_path: Path) -> None:
    """Small ran for nothing then, so it is what it was; it only has to learn that again."""
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 51}}))
    becomes(
        made,
        built={"lines": SOURCE, **ALL_BELOW},
        unchanged={"small": SOURCE},
        maybe=BELOW,
    )
    write(made, orders())
    becomes(made, restored={"lines": SOURCE, "small": SOURCE, **ALL_BELOW})
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_view_is_reverted_and_its_readers_come_back(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    why = "plan_changed v_big"
    edit(made, form, "v_big", "amount > 10", "amount > 30")
    becomes(made, built={"lines": why, **ALL_BELOW}, views={"v_big": why}, maybe=BELOW)
    edit(made, form, "v_big", "amount > 30", "amount > 10")
    becomes(made, restored={"lines": why, **ALL_BELOW}, views={"v_big": why})


@pytest.mark.parametrize("form", FORMS)
def test_after_a_vacuum_of_the_old_version_it_is_made_anew(form: str, tmp_path: Path) -> None:
    """Its rows are those that its readers had then, so these come back nevertheless."""
    made = opened(tmp_path, form)
    times(made, form, 2, 3)
    made.built()
    made.delta("lines").vacuum(0, dry_run=False, enforce_retention_duration=False)
    times(made, form, 3, 2)
    becomes(
        made,
        built={"lines": PLAN},
        restored=ALL_BELOW,
        maybe=BELOW,
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_forced_task_is_made_anew(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    times(made, form, 2, 3)
    made.built()
    times(made, form, 3, 2)
    becomes(
        made,
        force=["lines"],
        built={"lines": f"{PLAN}, forced lines"},
        restored=ALL_BELOW,
        maybe=BELOW,
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_table_comes_back_over_a_change_of_its_columns(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    files = {p: p.read_text() for p in (made.root / "tasks").iterdir() if p.is_file()}
    if form == "keyed":
        made.folder.edit("tasks/lines.py", '{"id": "int64"', '{"id": "int64", "more": "int64"')
        made.folder.edit("tasks/mapped.py", '"id": rows', '"more": rows["id"], "id": rows')
    elif form == "ibis":
        edit(made, form, "lines", "doubled=big", "more=big.id, doubled=big")
    else:
        edit(made, form, "lines", "id, amount, amount", "id, amount, id as more, amount")
    becomes(made, built={"lines": PLAN}, maybe=BELOW)
    for path, text in files.items():
        path.write_text(text)
    becomes(made, restored={"lines": PLAN})


@pytest.mark.parametrize("form", FORMS)
def test_a_table_comes_back_over_a_change_of_its_folders(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    files = {p: p.read_text() for p in (made.root / "tasks").iterdir() if p.is_file()}
    if form == "keyed":
        made.folder.edit("tasks/lines.py", "@compute(", '@compute(partition_by="id", ')
    elif form == "ibis":
        edit(made, form, "lines", "@compute\ndef lines", '@compute(partition_by="id")\ndef lines')
    else:
        text = "select id, amount, amount * 2 as doubled from v_big"
        made.sql("lines", text, more=', partition_by = ["id"]')
    becomes(made, built={"lines": PLAN}, maybe=BELOW)
    assert made.delta("lines").metadata().partition_columns == ["id"]
    for path, text in files.items():
        path.write_text(text)
    becomes(made, restored={"lines": PLAN})
    assert made.delta("lines").metadata().partition_columns == []


def test_a_volatile_task_does_not_come_back(tmp_path: Path) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.sql("k", "select id, random() as r from orders")
    made.built()
    made.sql("k", "select id, random() + 1 as r from orders")
    made.built()
    made.sql("k", "select id, random() as r from orders")
    becomes(made, built={"k": "plan_changed k, volatile k"}, from_scratch=False)


def test_a_task_of_chance_order_does_not_come_back(tmp_path: Path) -> None:
    """Its rows may be others each time, and what else reads the view has to agree with it."""
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.sql("k", "select id, row_number() over (order by kind) as n from orders")
    made.built()
    made.sql("k", "select id, row_number() over (order by kind) + 1 as n from orders")
    made.built()
    made.sql("k", "select id, row_number() over (order by kind) as n from orders")
    becomes(made, built={"k": "plan_changed k"}, from_scratch=False)


def test_a_task_that_was_taken_out_and_put_back_is_what_it_was(tmp_path: Path) -> None:
    made = opened(tmp_path, "sql")
    file = made.root / "tasks/small.sql"
    text = file.read_text()
    made.sql("report", "select total from totals")
    file.unlink()
    becomes(made, built={"report": "plan_changed report"})
    file.write_text(text)
    made.sql(
        "report",
        "select total, few from totals cross join (select count(*) as few from small) as s",
    )
    becomes(made, restored={"report": "plan_changed report"})
