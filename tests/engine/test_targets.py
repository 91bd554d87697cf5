"""A request about some tasks plans these and what they read, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.errors.graph import MissingColumn
from cpgbuild.errors.project import UnknownTarget
from tests.engine.builds import Site, site
from tests.support.plans import evaluated


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """s → a → b → c, and s → x → y; `y` and `c` are tagged."""
    found = site(tmp_path, "s parquet data/s.parquet\nu parquet data/u.parquet")
    (tmp_path / "data").mkdir()
    for name in "su":
        pq.write_table(pa.table({"n": [1]}), tmp_path / f"data/{name}.parquet")
    found.sql("a", "select n from s")
    found.sql("b", "select n + 1 as n from a", "view")
    found.sql("c", "select n from b", more=', tags = ["last"]')
    found.sql("x", "select n from s")
    found.sql("y", "select n from x", more=', tags = ["last"]')
    return found


def compiled(made: Site, *targets: str, **options: list[str]) -> set[str]:
    """Return the tasks that a plan compiles."""
    return evaluated(made.root, targets=targets, **options)


@pytest.mark.parametrize(
    ("targets", "wanted"),
    [
        (["c"], "abc"),
        (["compute.y"], "xy"),
        (["+b"], "ab"),
        (["[xy]"], "xy"),
        (["tag:last"], "abcxy"),
        (["s", "x"], "x"),
        (["a", "x"], "ax"),
        # What is downstream of it, is known once all is planned.
        (["b+"], "abcxy"),
    ],
)
def test_what_is_not_asked_for_is_not_planned(made: Site, targets: list[str], wanted: str) -> None:
    assert compiled(made, *targets) == set(wanted)


def test_what_is_known_anyhow_is_planned_in_no_case(made: Site) -> None:
    assert compiled(made) == set("abcxy")
    made.sql("x", "select n + 1 as n from s")
    made.sql("c", "select n + 1 as n from b")
    assert compiled(made, "c") == {"c"}
    assert compiled(made) == {"x"}


def test_what_is_wrong_elsewhere_is_in_nobodys_way(made: Site) -> None:
    made.sql("x", "select nowhere from s")
    assert made.built("c") == {"a": ["never_built a"], "c": ["never_built c"]}
    with pytest.raises(MissingColumn):
        api.build(made.root)


def test_a_lock_is_of_the_whole_project(made: Site) -> None:
    lock = made.root / "cpgbuild.lock"
    made.built("c")
    assert not lock.exists()
    made.built()
    before = lock.read_text()
    made.sql("x", "select n + 1 as n from s")
    made.built("c")
    assert lock.read_text() == before
    made.built("y")
    assert lock.read_text() != before


def test_an_excluded_or_forced_task_is_planned_too(made: Site) -> None:
    assert compiled(made, "c", exclude=["a"]) == set("abc")
    assert compiled(made, "b", force=["x"]) == {"x"}


def test_a_name_that_is_not_there_is_said_with_all_that_are(made: Site) -> None:
    with pytest.raises(UnknownTarget) as caught:
        api.plan(made.root, targets=["compute.cc"])
    assert caught.value.report().hint == "did you mean `compute.c`?"


def test_whether_a_view_that_varies_is_kept_is_for_all_its_readers_to_say(made: Site) -> None:
    made.sql("b", "select n, row_number() over () as m from a", "view")
    made.sql("y", "select n from x union all select m from b")
    planned = {one.task.dataset: one.task for one in api.plan(made.root, targets=["c"])}
    assert planned["b"].kept
