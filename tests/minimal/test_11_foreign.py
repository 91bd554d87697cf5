"""Changes by somebody else: of rows they are noticed and named, of files alone they are nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.engine.builds import Site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, changed, in_turn, opened, write

MINE = pa.table({"id": [9], "amount": [9], "doubled": [9]})
ROWS: dict[str, Callable[[DeltaTable], Any]] = {
    "appended": lambda t: write_deltalake(t, MINE, mode="append"),
    "overwritten": lambda t: write_deltalake(t, MINE, mode="overwrite"),
    "overwritten with other columns": lambda t: write_deltalake(
        t, pa.table({"other": [1]}), mode="overwrite", schema_mode="overwrite"
    ),
    "deleted": lambda t: t.delete("id = 2"),
    "all deleted": lambda t: t.delete(),
    "updated": lambda t: t.update(predicate="id = 2", updates={"doubled": "0"}),
}
WHY = "output_changed lines"

IN_EACH_FORM = pytest.mark.parametrize("form", FORMS)


@pytest.mark.parametrize(("rows", "form"), in_turn(ROWS))
def test_rows_that_somebody_else_changed_are_restored(rows: str, form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    ROWS[rows](made.delta("lines"))
    becomes(made, restored={"lines": WHY})
    nothing(made)


@pytest.mark.parametrize(("rows", "form"), in_turn(["overwritten", "updated", "deleted"]))
def test_rows_that_somebody_else_changed_for_good_are_made_anew(
    rows: str, form: str, tmp_path: Path
) -> None:
    """What is read below is what it was when they are there again."""
    made = opened(tmp_path, form)
    ROWS[rows](made.delta("lines"))
    vacuum(made)
    becomes(made, built={"lines": WHY}, maybe=["totals", "report"])
    nothing(made)


@IN_EACH_FORM
def test_rows_that_somebody_else_changed_and_a_change_of_ours(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    ROWS["appended"](made.delta("lines"))
    write(made, changed({2: {"amount": 500}}))
    becomes(
        made,
        built={
            "lines": f"data_changed orders, {WHY}",
            "totals": "data_changed lines",
            "report": "data_changed totals",
        },
        unchanged={"small": "data_changed orders"},
        maybe=["totals", "report"],
    )


@IN_EACH_FORM
def test_a_table_that_is_gone_is_made_anew(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    shutil.rmtree(made.root / "warehouse/lines")
    becomes(made, built={"lines": "output_missing lines"}, maybe=["totals", "report"])
    nothing(made)


@IN_EACH_FORM
def test_a_warehouse_that_is_gone_is_made_anew(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    shutil.rmtree(made.root / "warehouse")
    becomes(
        made,
        built={
            name: f"output_missing {name}"
            for name in ("lines", "names", "report", "small", "totals")
        },
    )
    nothing(made)


def compact(made: Site) -> None:
    made.delta("lines").optimize.compact()


def order(made: Site) -> None:
    made.delta("lines").optimize.z_order(["id"])


def vacuum(made: Site) -> None:
    made.delta("lines").vacuum(0, dry_run=False, enforce_retention_duration=False)


def clean_log(made: Site) -> None:
    """Leave a checkpoint, and no commit before it."""
    made.delta("lines").create_checkpoint()
    commits = sorted((made.root / "warehouse/lines/_delta_log").glob("*.json"))
    for commit in commits[:-1]:
        commit.unlink()


def set_properties(made: Site) -> None:
    made.delta("lines").alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 9 days"}
    )


UPKEEP = {
    "compaction": (compact,),
    "z-order": (order,),
    "vacuum": (vacuum,),
    "clean-up of the log": (clean_log,),
    "compaction and vacuum": (compact, vacuum),
    "clean-up of the log and compaction": (clean_log, compact),
    "clean-up of the log, z-order and vacuum": (clean_log, order, vacuum),
    "z-order, vacuum and clean-up of the log": (order, vacuum, clean_log),
    "table properties": (set_properties,),
}


@pytest.mark.parametrize(("upkeep", "form"), in_turn(UPKEEP))
@pytest.mark.parametrize("state", ["with its state folder", "without"])
def test_upkeep_by_somebody_else_runs_nothing(
    upkeep: str, state: str, form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path, form)
    for act in UPKEEP[upkeep]:
        act(made)
    if state == "without":
        shutil.rmtree(made.root / ".cpgbuild")
    nothing(made)


@IN_EACH_FORM
def test_other_rows_of_which_the_log_does_not_tell_make_the_table_anew(
    form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path, form)
    made.delta("lines").delete("id = 2")
    for act in (order, vacuum, clean_log):
        act(made)
    becomes(made, built={"lines": WHY}, maybe=["totals", "report"])
    nothing(made)


@IN_EACH_FORM
def test_upkeep_and_then_a_change_runs_what_it_would_have_run(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    for act in (clean_log, order, vacuum):
        act(made)
    write(made, changed({2: {"amount": 51}, 3: {"amount": 69}}))
    becomes(
        made,
        built={"lines": "data_changed orders"},
        unchanged={"small": "data_changed orders", "totals": "data_changed lines"},
        maybe=["totals", "report"],
    )
