"""The clock stands still for a whole build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.engine.builds import site


def test_the_moment_of_a_build_can_be_a_column(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("k", "select now() as moment, current_date as day, current_time as hour")
    made.python(
        "i",
        "@compute\ndef j(catalog):\n    return ibis.range(3).unnest().as_table().mutate(at=ibis.now())\n",
    )
    before = datetime.now(UTC).replace(tzinfo=None)
    made.built()
    ((moment, day, _),) = made.rows("k")
    assert timedelta(0) <= moment.replace(tzinfo=None) - before < timedelta(seconds=60)
    assert abs(day - before.date()) <= timedelta(days=1)
    assert {at for _, at in made.rows("j")} == {moment}


def test_all_tasks_of_a_build_see_one_moment_through_views_too(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v_now", "select now() as moment", "view")
    made.sql("one", "select moment from v_now")
    made.sql("two", "select current_timestamp as moment")
    made.built()
    assert made.rows("one") == made.rows("two")


def test_another_build_sees_another_moment_and_says_that_the_task_is_volatile(
    tmp_path: Path,
) -> None:
    made = site(tmp_path)
    made.sql("k", "select now()")
    made.built()
    first = made.rows("k")
    assert made.built() == {"k": ["volatile k"]}
    assert made.rows("k") > first
