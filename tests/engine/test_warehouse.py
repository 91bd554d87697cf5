"""A table holds what was committed to it, and says which run wrote that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.engine import folder, staging
from cpgbuild.engine.failures import run_failure
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.run import TableUnreadable
from tests.engine.tables import OUTPUT, TASK, Shelf, a_trace

ONE = pa.table({"a": [1, 2], "b": ["x", None]})
TWO = pa.table({"a": [3], "b": ["y"]})
OTHER = pa.table({"a": ["text"], "c": pa.array([7], pa.uint32())})
LOCAL = pa.table({"a": [1], "when": pa.array([1], pa.timestamp("us"))})


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def broken(error: Exception):
    """Give some rows, then this."""
    for _ in range(50):
        yield from ONE.to_batches()
    raise error


# What a commit does.


def test_nothing_is_seen_of_staged_rows_until_they_are_committed(shelf: Shelf) -> None:
    staged = shelf.stage(ONE)
    assert staged.rows == 2
    assert staged.bytes == sum((shelf.path / f).stat().st_size for f in shelf.files())
    assert shelf.version() is None
    assert shelf.warehouse.trace(OUTPUT) is None
    shelf.warehouse.commit(TASK, staged, a_trace("one"))
    assert shelf.version() == "one"
    assert shelf.rows() == [(1, "x"), (2, None)]
    staged = shelf.stage(TWO)
    assert shelf.version() == "one"
    assert shelf.rows() == [(1, "x"), (2, None)]
    shelf.warehouse.discard(staged)


def test_a_commit_replaces_the_rows_and_carries_its_trace(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    shelf.put(TWO, "two")
    assert shelf.rows() == [(3, "y")]
    assert shelf.version() == "two"
    assert shelf.warehouse.trace(OUTPUT) == a_trace("two")
    assert shelf.delta.version() == 1
    assert shelf.rows(0) == [(1, "x"), (2, None)]
    assert shelf.delta.transaction_version("cpgbuild") == 2


def test_no_marker_is_left_of_a_commit(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    assert shelf.side() == ["trace-1.json"]


def test_discarded_rows_leave_no_file(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    before = shelf.files()
    staged = shelf.stage(TWO)
    shelf.warehouse.discard(staged)
    shelf.warehouse.discard(staged)
    assert shelf.files() == before
    assert shelf.side() == ["trace-1.json"]
    assert shelf.version() == "one"


def test_committed_rows_are_never_discarded(shelf: Shelf) -> None:
    staged = shelf.stage(ONE)
    shelf.warehouse.commit(TASK, staged, a_trace("one"))
    shelf.warehouse.discard(staged)
    assert shelf.rows() == [(1, "x"), (2, None)]


CHANGES = {
    "other columns": (OTHER, ()),
    "partitioned": (ONE, ("b",)),
    "partitioned by another": (TWO, ("a",)),
    "times without a zone": (LOCAL, ()),
    "all of it": (LOCAL, ("when",)),
    "plain again": (TWO, ()),
}


def test_schema_and_partitioning_change_in_one_commit(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    identity = shelf.delta.metadata().id
    for number, (name, (table, by)) in enumerate(CHANGES.items(), 1):
        shelf.put(table, name, by)
        delta = shelf.delta
        assert delta.version() == number, "more than one commit"
        assert delta.metadata().id == identity
        assert tuple(delta.metadata().partition_columns) == by
        assert shelf.ask("select * from k order by 1") == sorted(
            (tuple(r.values()) for r in table.to_pylist()), key=str
        )
        assert shelf.version() == name
        assert len(delta.file_uris()) == (len(table) if by else 1)
        assert not [n for n in shelf.side() if n.startswith("staged")]
    for number, (name, (table, _)) in enumerate(CHANGES.items(), 1):
        assert len(shelf.rows(number)) == len(table), name
        found = shelf.warehouse.table_at(OUTPUT, Fingerprint(name))
        assert found is not None
        assert found.version() == number
    for number, (name, (table, by)) in list(enumerate(CHANGES.items(), 1))[:-1]:
        shelf.restore(number, name)
        assert shelf.version() == name
        assert tuple(shelf.delta.metadata().partition_columns) == by
        assert shelf.ask("select * from k order by 1") == sorted(
            (tuple(r.values()) for r in table.to_pylist()), key=str
        )


@pytest.mark.parametrize("name", ["same", *CHANGES])
def test_a_commit_is_refused_where_somebody_else_committed_since(shelf: Shelf, name: str) -> None:
    shelf.put(ONE, "one")
    table, by = CHANGES.get(name, (TWO, ()))
    shelf.anew().evidence(OUTPUT)
    staged = shelf.stage(table, by)
    shelf.append(a=[9], b=["foreign"])
    before = shelf.files()
    with pytest.raises(DeltaError, match="Failed to commit transaction") as caught:
        shelf.warehouse.commit(TASK, staged, a_trace("two"))
    assert "another program writes this table" in str(run_failure(caught.value, TASK, "").hint)
    assert shelf.files() == sorted(set(before) - {f.path for f in staged.files})
    assert not [n for n in shelf.side() if n.startswith("staged")]
    assert set(shelf.rows()) == {(1, "x"), (2, None), (9, "foreign")}


def test_a_first_commit_is_refused_where_somebody_else_made_the_table(shelf: Shelf) -> None:
    assert shelf.warehouse.evidence(OUTPUT) is None
    staged = shelf.stage(ONE)
    shelf.append(a=[9], b=["foreign"])
    with pytest.raises(DeltaError, match="Failed to commit transaction"):
        shelf.warehouse.commit(TASK, staged, a_trace("one"))
    assert shelf.rows() == [(9, "foreign")]
    assert len(shelf.files()) == 1


@pytest.mark.parametrize("what", ["append", "optimize"])
def test_renewing_and_restoring_are_refused_likewise(shelf: Shelf, what: str) -> None:
    shelf.put(ONE, "one")
    shelf.put(TWO, "two")
    shelf.append(a=[1], b=["z"])
    shelf.anew().evidence(OUTPUT)
    _ = shelf.append(a=[9], b=["z"]) if what == "append" else shelf.delta.optimize.compact()
    before = shelf.delta.version()
    with pytest.raises(DeltaError, match="Failed to commit transaction"):
        shelf.renew("two", "other")
    with pytest.raises(DeltaError, match="Failed to commit transaction"):
        shelf.restore(0, "one")
    assert shelf.delta.version() == before
    assert shelf.version() == f"{shelf.delta.metadata().id}@{before}"


def test_what_follows_upon_a_commit_may_fail_without_harm(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put(ONE, "one")

    def failing(self: DeltaTable, *given: Any, **more: Any) -> None:
        whole(self, *given, **more)
        raise DeltaError("the checkpoint could not be written")

    whole = DeltaTable.create_write_transaction
    monkeypatch.setattr(DeltaTable, "create_write_transaction", failing)
    shelf.put(TWO, "two")
    assert shelf.rows() == [(3, "y")]
    assert shelf.version() == "two"
    shelf.renew("two", "other")
    assert shelf.version() == "two"


def test_a_constraint_that_somebody_set_is_kept(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    shelf.delta.alter.add_constraint({"small": "a < 10"})
    shelf.anew()
    with pytest.raises(DeltaError, match="failed validation check"):
        shelf.put(pa.table({"a": [11], "b": ["y"]}), "two")
    assert shelf.version() == "one"
    assert not [n for n in shelf.side() if n.startswith("staged")]
    shelf.put(TWO, "two")
    assert shelf.version() == "two"
    assert shelf.rows() == [(3, "y")]


# What is written.


def test_no_rows_are_a_table_with_a_schema_and_no_file(shelf: Shelf) -> None:
    for number, given in enumerate((ONE.schema.empty_table(), TWO, ONE.slice(0, 0))):
        shelf.put(given, f"n{number}", ("a",) if number == 2 else ())
        assert shelf.ask("select count(*), min(a) from k")[0][0] == len(given)
        evidence = shelf.warehouse.evidence(OUTPUT)
        assert evidence is not None
        assert [c.name for c in evidence.schema.columns] == ["a", "b"]
    assert shelf.delta.file_uris() == []


def test_an_error_of_the_rows_comes_out_as_it_is_and_leaves_no_file(shelf: Shelf) -> None:
    error = KeyError("this very one")
    for by in ((), ("a",)):
        with pytest.raises(KeyError) as caught:
            shelf.warehouse.stage(OUTPUT, ONE.schema, by, broken(error))
        assert caught.value is error
        assert shelf.files() == []
        assert shelf.side() == []


def test_large_rows_go_into_several_files_in_their_order(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "GROUP_ROWS", 100)
    monkeypatch.setattr(staging, "FILE_BYTES", 1000)
    table = pa.table({"a": range(1050)})
    shelf.warehouse.commit(
        TASK,
        shelf.warehouse.stage(OUTPUT, table.schema, (), iter(table.to_batches(max_chunksize=7))),
        a_trace("one"),
    )
    read = [v for f in shelf.files() for v in pq.read_table(shelf.path / f)["a"].to_pylist()]
    assert read == list(range(1050))
    assert len(shelf.files()) > 3
    assert shelf.ask("select count(*), min(a), max(a), sum(a) from k") == [
        (1050, 0, 1049, sum(range(1050)))
    ]


def test_rows_of_many_partitions_wait_in_little_memory_for_few_open_files(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "WAITING_BYTES", 10_000)
    monkeypatch.setattr(staging, "SPLIT_ROWS", 500)
    monkeypatch.setattr(staging, "OPEN_FILES", 3)
    table = pa.table({"p": [n % 40 for n in range(6000)], "a": range(6000)})
    shelf.warehouse.commit(
        TASK,
        shelf.warehouse.stage(OUTPUT, table.schema, ("p",), iter(table.to_batches(100))),
        a_trace("one"),
    )
    assert shelf.ask("select count(*), sum(a), count(distinct p) from k") == [
        (6000, sum(range(6000)), 40)
    ]
    assert shelf.ask("select p, sum(a) from k group by p order by p") == [
        (p, sum(range(p, 6000, 40))) for p in range(40)
    ]


# Beside the table.


@pytest.mark.parametrize("local", [True, False])
def test_a_table_at_a_url_is_as_one_in_a_folder(
    tmp_path: Path, local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "a folder", (tmp_path / "a folder").as_uri())
    if not local:
        # As with a store that only Delta has access to.
        monkeypatch.setattr(folder, "_local", lambda uri: None)
        shelf.path.mkdir(parents=True)
    shelf.put(ONE, "one", ("b",))
    shelf.put(TWO, "two", ("b",))
    shelf.restore(0, "one", "other")
    assert shelf.version() == "one"
    assert sorted(shelf.rows()) == [(1, "x"), (2, None)]
    assert shelf.past() == [(1, "two"), (0, "one")]
    shelf.put(LOCAL, "three", ("when",))
    before = shelf.files()
    shelf.stage(TWO)
    shelf.anew().sweep([OUTPUT])
    assert shelf.files() == before
    keys = pa.table({"key": ["a"], "content": ["1"]})
    shelf.warehouse.keep_keys(OUTPUT, "r1", keys)
    assert shelf.warehouse.keys(OUTPUT, "r1") == keys
    shelf.warehouse.drop_other_keys(OUTPUT, {"r2"})
    assert shelf.warehouse.keys(OUTPUT, "r1") is None
    shelf.delta.delete()
    with pytest.raises(KeyError, match="this very one"):
        shelf.warehouse.stage(OUTPUT, ONE.schema, (), broken(KeyError("this very one")))
    assert shelf.files() == before
    assert not [n for n in shelf.side() if n.startswith("staged")]


def test_keys_are_kept_by_the_run_that_they_are_of(shelf: Shelf) -> None:
    keys = pa.table({"key": ["a"], "content": ["1"]})
    shelf.warehouse.keep_keys(OUTPUT, "r1", keys)
    shelf.put(ONE, "one")
    shelf.warehouse.keep_keys(OUTPUT, "r2", keys)
    shelf.warehouse.keep_keys(OUTPUT, "r3", keys)
    assert shelf.warehouse.keys(OUTPUT, "r1") == keys
    shelf.warehouse.drop_other_keys(OUTPUT, {"r2", "r3"})
    assert shelf.warehouse.keys(OUTPUT, "r1") is None
    assert shelf.warehouse.keys(OUTPUT, "r3") == keys
    assert shelf.rows() == [(1, "x"), (2, None)]
    (shelf.path / "_cpgbuild/keys-r3.parquet").write_bytes(b"damaged")
    assert shelf.warehouse.keys(OUTPUT, "r3") is None


def test_a_foreign_table_is_known_by_its_id_and_version(shelf: Shelf) -> None:
    shelf.append(a=[1])
    assert shelf.version() == f"{shelf.delta.metadata().id}@0"
    shelf.append(a=[2])
    assert shelf.version() == f"{shelf.delta.metadata().id}@1"
    assert shelf.past() == []


def test_a_table_that_cannot_be_read_is_an_error(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    (shelf.path / "_delta_log/00000000000000000000.json").write_text("{")
    with pytest.raises(TableUnreadable):
        shelf.anew().evidence(OUTPUT)


def test_parts_of_a_dataset_are_tables_beside_each_other(tmp_path: Path) -> None:
    warehouse = Warehouse(str(tmp_path))
    assert warehouse.uri("k/part") == f"{tmp_path}/k.part"
    write_deltalake(warehouse.uri("k/part"), ONE)
    assert warehouse.evidence("k/part") is not None
    assert warehouse.evidence("k") is None
