"""Views whose rows differ from one reading to the next: all readers see the same rows."""

from __future__ import annotations

from pathlib import Path

from tests.engine.builds import site


def test_all_readers_of_a_volatile_view_see_the_same_rows(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v", "select uuid() as id", "view")
    made.sql("v_more", "select id, 1 as n from v", "view")
    made.sql("one", "select id from v")
    made.sql("two", "select id from v_more")
    assert made.built().keys() == {"v", "one", "two"}
    assert made.rows("one") == made.rows("two")
    before = made.rows("one")
    assert made.built() == {
        "v": ["volatile v"],
        "one": ["data_changed v"],
        "two": ["data_changed v"],
    }
    assert before != made.rows("one") == made.rows("two")


def test_a_query_that_reads_such_a_view_twice_sees_it_once(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v", "select uuid() as id", "view")
    made.sql("both", "select a.id, b.id as other from v as a cross join v as b")
    made.built()
    ((one, other),) = made.rows("both")
    assert one == other


def test_a_view_that_becomes_a_table_was_never_built_as_one(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"a": [1]})
    made.sql("v", "select a, row_number() over () as n from s", "view")
    made.sql("one", "select n from v")
    made.built()
    made.sql("two", "select a from v")
    assert made.built() == {
        "v": ["never_built v"],
        "one": ["plan_changed one"],
        "two": ["never_built two"],
    }


def test_a_view_that_one_query_reads_once_is_evaluated_there(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v", "select uuid() as id", "view")
    made.sql("one", "select id from v")
    assert made.built() == {"one": ["never_built one"]}
    assert made.built() == {"one": ["volatile one"]}
