"""Nothing changed: nothing runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cpgbuild.core.events import UpToDate
from tests.engine.builds import Site
from tests.minimal.expect import becomes, nothing, versions
from tests.minimal.forms import FORMS, STORED, VIEWS, opened, orders, shop, write
from tests.support.projects import ProjectFolder

pytestmark = pytest.mark.parametrize("form", FORMS)


def test_the_first_build_runs_everything(form: str, tmp_path: Path) -> None:
    made = shop(tmp_path, form)
    write(made, orders())
    becomes(
        made,
        built={name: f"never_built {name}" for name in STORED},
        views={name: f"never_built {name}" for name in VIEWS},
    )
    nothing(made)
    assert made.said(UpToDate).keys() == {*STORED, *VIEWS}


def test_the_second_build_runs_nothing(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    nothing(made)
    nothing(made)


def test_without_its_state_folder_a_project_knows_the_same(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    shutil.rmtree(made.root / ".cpgbuild")
    nothing(made)


@pytest.mark.parametrize("state", ["with its state folder", "without"])
def test_a_copy_of_the_project_with_the_same_warehouse_runs_nothing(
    form: str, state: str, tmp_path: Path
) -> None:
    made = opened(tmp_path / "one", form)
    shared = made.root / "warehouse"
    made.folder.edit("cpgbuild.toml", 'warehouse = "warehouse"', f'warehouse = "{shared}"')
    nothing(made)
    shutil.copytree(made.root, tmp_path / "two", ignore=shutil.ignore_patterns("warehouse"))
    copy = Site(ProjectFolder(tmp_path / "two"))
    if state == "without":
        shutil.rmtree(copy.root / ".cpgbuild")
    before = versions(made)
    assert copy.built() == {}
    assert copy.said(UpToDate).keys() == {*STORED, *VIEWS}
    assert versions(made) == before
    nothing(made)


def test_a_project_that_was_moved_with_its_warehouse_runs_nothing(
    form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path / "one", form)
    nothing(Site(ProjectFolder(made.root.rename(tmp_path / "two"))))


def test_another_target_asked_for_runs_nothing_more(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    becomes(made, targets=["totals"])
    assert made.said(UpToDate).keys() == {*VIEWS, "lines", "totals"}


def test_knobs_that_mean_nothing_for_rows_run_nothing(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    if form == "ibis":
        text = made.root / "tasks/shop.py"
        text.write_text(
            text.read_text().replace("@compute\n", '@compute(priority=7, tags=["x"])\n')
        )
    else:
        made.sql("totals", "select sum(doubled) as total from v_doubled", more=", priority = 7")
    if form == "keyed":
        made.folder.edit("tasks/lines.py", "@compute(", '@compute(priority=7, tags=["x"], ')
    nothing(made)


def test_a_task_more_runs_alone(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    made.sql("most", "select max(amount) as most from lines")
    becomes(made, built={"most": "never_built most"})


def test_a_task_less_runs_nothing(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    made.sql("most", "select max(amount) as most from lines")
    made.built()
    (made.root / "tasks/most.sql").unlink()
    nothing(made)
