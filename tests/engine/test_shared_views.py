"""Views that a build evaluates once for all who read them: the rows are those that they were."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from cpgbuild import api
from cpgbuild.core import sharing
from cpgbuild.core.events import Action, SharedView
from cpgbuild.engine import evaluations
from cpgbuild.engine.context import Context, Rows
from cpgbuild.errors.project import SourceMissing
from tests.engine.builds import Site, site


@pytest.fixture(autouse=True)
def _whatever_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share each view that does some work, and that several tables are to read."""
    monkeypatch.setattr(sharing, "LEAST", -1.0)


def world(tmp_path: Path) -> Site:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"k": [1, 1, 2], "v": [1, 2, 3], "w": [5, 6, 7]})
    made.sql(
        "per_key", "select k, sum(v) as v, max(w) as w, count(*) as n from s group by k", "view"
    )
    return made


def shared(made: Site) -> dict[str, tuple[int, int]]:
    """Return the views that the last build shared, each with its readings and its rows."""
    found = [event for event in made.events if isinstance(event, SharedView)]
    assert len({event.task.name for event in found}) == len(found), "a view was evaluated twice"
    return {event.task.dataset: (event.readings, event.rows) for event in found}


def test_tables_that_read_one_view_get_the_rows_that_each_would_make_of_it(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(w) as w from per_key where k > 1")
    made.sql("three", "select count(*) as n from per_key")
    made.built()
    assert shared(made) == {"per_key": (3, 2)}
    assert made.rows("one") == [(1, 3), (2, 3)]
    assert made.rows("two") == [(7,)]
    assert made.rows("three") == [(2,)]


def test_a_table_that_reads_all_of_it_gets_all_of_it(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("one", "select * from per_key")
    made.sql("two", "select a.n, b.w from per_key as a join per_key as b on a.k = b.k")
    made.built()
    assert shared(made)["per_key"][0] == 2
    assert made.rows("one") == [(1, 3, 6, 2), (2, 3, 7, 1)]
    assert made.rows("two") == [(1, 7), (2, 6)]


def test_what_is_up_to_date_does_not_count(tmp_path: Path) -> None:
    made = world(tmp_path)
    for name in ("one", "two", "three"):
        made.sql(name, "select k, v from per_key")
    made.built()
    made.sql("one", "select k, v + 1 as v from per_key")
    made.built()
    assert shared(made) == {}
    made.sql("one", "select k, v + 2 as v from per_key")
    made.sql("two", "select k, v + 2 as v from per_key")
    made.built()
    assert shared(made) == {"per_key": (2, 2)}


def test_a_source_that_changed_is_a_reason_for_all_who_read_it(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    made.built()
    made.folder.parquet("data/s.parquet", {"k": [1, 1, 2], "v": [1, 2, 4], "w": [5, 6, 7]})
    assert made.built() == {"one": ["data_changed s"], "two": ["data_changed s"]}
    assert shared(made) == {"per_key": (2, 2)}
    assert (made.rows("one"), made.rows("two")) == ([(1, 3), (2, 4)], [(7,)])


def test_plan_tells_of_it_and_what_it_may_save(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    found = {one.task.dataset: one.once for one in api.plan(made.root)}
    assert found["per_key"] is not None
    assert (found["per_key"].readings, found["one"], found["two"]) == (2, None, None)
    made.built()
    assert {one.once for one in api.plan(made.root)} == {None}


def test_views_on_views_and_parts_of_one_dataset(tmp_path: Path) -> None:
    made = world(tmp_path)
    part = ', contributes_to = "both"'
    made.sql("left_part", "select k, v from per_key", "view", part)
    made.sql("right_part", "select k, count(*) as v from s group by k", "view", part)
    made.sql("totals", "select k, sum(v) as v from both group by k", "view")
    made.sql("one", "select v from totals")
    made.sql("two", "select k from totals where v > 3")
    made.sql("three", "select k, v from both")
    made.sql("four", "select v from per_key")
    made.built()
    assert {"per_key", "totals"} <= shared(made).keys()
    assert made.rows("one") == [(4,), (5,)]
    assert made.rows("two") == [(1,), (2,)]
    assert made.rows("three") == [(1, 2), (1, 3), (2, 1), (2, 3)]
    assert made.rows("four") == [(3,), (3,)]


def test_the_python_lane_reads_it_too(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.python(
        "lane",
        """
        def doubled(rows: pa.Table) -> pa.Table:
            values = [2 * value for value in rows["v"].to_pylist()]
            return pa.table({"k": rows["k"], "v": pa.array(values, pa.int64())})

        @compute(map=doubled, key="k", content="v", schema={"k": "int64", "v": "int64"})
        def mapped(c: Catalog) -> ibis.Table:
            return c.table("per_key").select("k", "v")
        """,
    )
    made.sql("one", "select k, v from per_key")
    made.built()
    assert shared(made) == {"per_key": (2, 2)}
    assert made.rows("mapped") == [(1, 6), (2, 6)]


def test_what_fails_for_all_rows_fails_for_who_reads_them_and_no_other(tmp_path: Path) -> None:
    """A view that fails at a row which a reader leaves out: that reader does not come upon it."""
    made = world(tmp_path)
    made.sql("risky", "select k, sum(10 / (v - 3)) as r from s group by k", "view")
    made.sql("good", "select r from risky where k = 1")
    made.sql("bad", "select r from risky")
    made.build(keep_going=True)
    assert made.outcome.failed == 1
    assert shared(made) == {}
    assert made.rows("good") == [(-15,)]


def test_what_cannot_be_decided_about_a_view_fails_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To decide, what others read is looked at: it may be gone, and that is theirs to tell."""

    def gone(*_: object) -> bool:
        raise SourceMissing("other", "data/other.parquet", None)

    monkeypatch.setattr(Context, "is_costly", gone)
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    assert made.built().keys() == {"one", "two"}
    assert shared(made) == {}


def test_without_space_each_reader_evaluates_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluations.pa, "OSFile", full)
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    made.built()
    assert shared(made) == {}
    assert made.rows("two") == [(6,)]


def test_what_is_too_large_is_given_up_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluations, "MOST", 8)
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    made.built()
    assert shared(made) == {}
    assert made.rows("two") == [(6,)]
    monkeypatch.undo()
    monkeypatch.setattr(sharing, "LEAST", -1.0)
    made.sql("one", "select k, v + 1 as v from per_key")
    made.sql("two", "select sum(v) + 1 as v from per_key")
    made.built()
    assert shared(made) == {}
    # A view that is another may be smaller.
    made.sql("per_key", "select k, max(v) as v, max(w) as w from s group by k", "view")
    made.built()
    assert shared(made) == {"per_key": (2, 2)}


def test_an_interrupt_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    before = evaluations.Evaluations._put_aside

    def slow(self: evaluations.Evaluations, view: object) -> object:
        begun.set()
        while not self._is_cancelled():
            pass
        return before(self, view)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluations.Evaluations, "_put_aside", slow)
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    made.build(interrupted=begun.is_set)
    assert made.outcome.interrupted
    assert (made.outcome.tables, shared(made)) == (0, {})
    monkeypatch.setattr(evaluations.Evaluations, "_put_aside", before)
    made.built()
    assert made.rows("two") == [(6,)]


def test_what_it_took_is_known_the_next_time(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("one", "select k, v from per_key")
    made.sql("two", "select sum(v) as v from per_key")
    made.built()
    with api.opened(made.root) as workspace:
        trace = workspace.journal.load()["view.per_key"]
    assert trace.is_of_view
    assert trace.rows == 2
    assert trace.seconds > 0
    # The view is another now, and has cost what it has cost.
    made.sql(
        "per_key", "select k, max(v) as v, max(w) as w, count(*) as n from s group by k", "view"
    )
    made.sql("two", "select 1 as v")
    made.built()
    assert shared(made) == {}
    with api.opened(made.root) as workspace:
        assert workspace.journal.load()["view.per_key"].seconds == trace.seconds


def test_what_the_first_table_took_decides_for_those_that_come_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "LEAST", 1e-9)
    made = world(tmp_path)
    for name in ("one", "two"):
        made.sql(name, "select k, v from per_key")
    made.built()
    assert shared(made) == {}, "of two, only one is to come"
    for name in ("one", "two", "three"):
        made.sql(name, "select k, v + 1 as v from per_key")
    shutil.rmtree(made.root / ".cpgbuild")
    shutil.rmtree(made.root / "warehouse")
    made.built()
    assert shared(made) == {"per_key": (2, 2)}
    assert made.rows("one") == made.rows("two") == made.rows("three") == [(1, 4), (2, 4)]


def test_views_on_a_view_that_is_put_aside_read_it_from_there(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.sql("outer", "select k, v + 1 as v from per_key", "view")
    made.sql("last", "select k from outer where v > 1", "view")
    with api.opened(made.root) as workspace, closing(workspace.engine()) as engine:
        context = engine.context
        context.register("last")
        before = context.session.table("last").logical_plan().display_indent()
        kinds = pa.schema([("k", pa.int64()), ("v", pa.int64())])
        held = pa.RecordBatch.from_pylist([{"k": 7, "v": 8}], schema=kinds)
        context.hold("view.per_key", Rows(kinds, [[held]]))
        context.register("last")
        assert "held" not in before
        assert context.session.table("last").to_pydict() == {"k": [7]}
        # What is put aside stays what it is, when what it was made of is put aside too.
        context.hold("view.outer", Rows(kinds, [[held]]))
        context.register("last")
        context.hold("view.per_key", Rows(kinds, [[]]))
        context.register("last")
        assert context.session.table("last").to_pydict() == {"k": [7]}


def test_a_chain_of_views_may_be_of_any_length(tmp_path: Path) -> None:
    """Python's stack is not so deep, and neither is that of who plans one query of all of them."""
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"a": [1, 2]})
    for number in range(1200):
        before = f"v{number - 1}" if number else "s"
        made.sql(f"v{number}", f"select a + 1 as a from {before}", "view")
    made.sql("t", "select a from v1199")
    assert made.built() == {"t": ["never_built t"]}
    assert made.rows("t") == [(1201,), (1202,)]
    assert {readings for readings, _ in shared(made).values()} == {1}
    (why,) = api.why("v0", made.root)
    assert why.action is Action.SKIP


def test_rows_of_all_types_are_put_aside_as_they_are(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet(
        "data/s.parquet",
        {
            "k": [1, 2],
            "d": pa.array([None, 1], pa.decimal128(20, 3)),
            "t": pa.array([0, None], pa.timestamp("us", "UTC")),
            "l": pa.array([["a", None], []], pa.list_(pa.string())),
            "m": pa.array([{"x": 1}, None], pa.struct([("x", pa.int32())])),
            "b": pa.array([b"\\x00", None], pa.binary()),
            "f": pa.array([float("nan"), -0.0]),
        },
    )
    made.sql("all_types", "select distinct k, d, t, l, m, b, f from s", "view")
    made.sql("alone", "select distinct k, d, t, l, m, b, f from s")
    made.sql("one", "select * from all_types")
    made.sql("two", "select * from all_types")
    made.built()
    assert shared(made) == {"all_types": (2, 2)}
    tables = [made.delta(name).to_pyarrow_table().sort_by("k") for name in ("alone", "one", "two")]
    assert tables[0].schema == tables[1].schema == tables[2].schema
    assert str(tables[0].to_pylist()) == str(tables[1].to_pylist()) == str(tables[2].to_pylist())
    versions = {made.trace(name).wrote.version for name in ("alone", "one", "two")}
    assert len(versions) == 1
