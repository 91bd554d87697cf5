"""A build may die at any step: a table is at a committed version, and the next one cleans up."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from cpgbuild.engine import commits, warehouse
from cpgbuild.engine.folder import Folder
from cpgbuild.engine.warehouse import Warehouse
from tests.engine.tables import OUTPUT, TASK, Shelf, a_trace

ONE = pa.table({"a": [1, 2], "b": ["x", None]})
TWO = pa.table({"a": [3], "b": ["y"]})
LOCAL = pa.table({"a": [1], "b": pa.array([1], pa.timestamp("us"))})


class Died(BaseException):
    """The process ended here: nobody handles this."""


def dies(*_: Any, **__: Any) -> Any:
    raise Died


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def is_clean(shelf: Shelf) -> None:
    """Sweep, and see that exactly the files of the log are left."""
    shelf.anew().sweep([OUTPUT, "never built"])
    assert not [n for n in shelf.side() if not n.startswith("trace")]
    known = set()
    if DeltaTable.is_deltatable(str(shelf.path)):
        for version in range(shelf.delta.version() + 1):
            known |= {a["path"] for a in shelf.actions(version, "add")}
    assert set(shelf.files()) == known


def dying_commit(
    shelf: Shelf, table: pa.Table, data: str, by: tuple[str, ...], where: list[tuple[Any, str]]
) -> None:
    """Stage, and die in the commit; what handles exceptions is dead too."""
    staged = shelf.stage(table, by)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Warehouse, "discard", lambda *_: None)
        for owner, name in where:
            patch.setattr(owner, name, dies)
        with pytest.raises(Died):
            shelf.warehouse.commit(TASK, staged, a_trace(data))


BEFORE: dict[str, tuple[Any, str]] = {
    "before the copy": (Folder, "write"),
    "before a first commit": (commits, "create_table_with_add_actions"),
    "before a commit": (DeltaTable, "create_write_transaction"),
    "before what is written again": (commits, "write_deltalake"),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("change", [(TWO, ()), (TWO, ("b",)), (LOCAL, ())])
def test_death_before_a_commit_leaves_the_table_as_it_was(
    shelf: Shelf, first: bool, change: tuple[pa.Table, tuple[str, ...]]
) -> None:
    table, by = change
    if not first:
        shelf.put(ONE, "one")
    for steps in (list(BEFORE.values())[:1], list(BEFORE.values())[1:]):
        dying_commit(shelf, table, "two", by, steps)
        assert shelf.version() == (None if first else "one")
        if not first:
            assert shelf.rows() == [(1, "x"), (2, None)]
    is_clean(shelf)
    assert shelf.version() == (None if first else "one")
    shelf.put(table, "two", by)
    assert shelf.version() == "two"
    assert len(shelf.rows()) == len(table)
    is_clean(shelf)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("change", [(TWO, ()), (TWO, ("b",)), (LOCAL, ())])
def test_death_after_a_commit_leaves_the_table_as_it_is(
    shelf: Shelf, first: bool, change: tuple[pa.Table, tuple[str, ...]]
) -> None:
    table, by = change
    if not first:
        shelf.put(ONE, "one")
    staged = shelf.stage(table, by)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "delete", dies)
        with pytest.raises(Died):
            shelf.warehouse.commit(TASK, staged, a_trace("two"))
    assert f"staged-{staged.id}" in shelf.side()
    assert shelf.version() == "two"
    is_clean(shelf)
    assert shelf.version() == "two"
    assert len(shelf.rows()) == len(table)
    assert len(shelf.past()) == (0 if first else 1)


def test_what_was_committed_and_replaced_since_is_not_swept(shelf: Shelf) -> None:
    staged = shelf.stage(ONE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "delete", dies)
        with pytest.raises(Died):
            shelf.warehouse.commit(TASK, staged, a_trace("one"))
    shelf.anew().evidence(OUTPUT)
    shelf.put(TWO, "two")
    shelf.append(a=[1], b=["foreign"])
    is_clean(shelf)
    assert shelf.past() == [(1, "two"), (0, "one")]
    assert shelf.rows(0) == [(1, "x"), (2, None)]


def test_what_the_log_no_longer_tells_is_asked_of_the_table(shelf: Shelf) -> None:
    staged = shelf.stage(ONE)
    mark = shelf.path / f"_cpgbuild/staged-{staged.id}"
    shelf.warehouse.commit(TASK, staged, a_trace("one"))
    mark.write_text("-1")
    shelf.delta.alter.set_table_description("later")
    shelf.delta.create_checkpoint()
    (shelf.path / "_delta_log/00000000000000000000.json").unlink()
    shelf.anew().sweep([OUTPUT])
    assert not mark.exists()
    assert shelf.rows() == [(1, "x"), (2, None)]


def test_death_while_rows_are_staged(shelf: Shelf) -> None:
    def rows():
        yield from ONE.to_batches()
        raise Died

    for by in ((), ("b",)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Folder, "delete", lambda *_: None)
            with pytest.raises(Died):
                shelf.warehouse.stage(OUTPUT, ONE.schema, by, rows())
        assert shelf.side()
        assert shelf.version() is None
    is_clean(shelf)
    assert shelf.version() is None
    shelf.put(ONE, "one")
    is_clean(shelf)


def test_death_at_the_marker(shelf: Shelf) -> None:
    side = shelf.path / "_cpgbuild"
    side.mkdir(parents=True)
    (side / "staged-0123456789abcdef").write_text("")
    (side / "staged-0123456789abcdef.4711.tmp").write_text("")
    is_clean(shelf)
    assert shelf.version() is None


def test_a_copy_without_its_commit_says_nothing(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    for step in (partial(shelf.renew, "one"), partial(shelf.restore, 0, "one")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DeltaTable, "create_write_transaction", dies)
            patch.setattr(DeltaTable, "restore", dies)
            with pytest.raises(Died):
                step("never")
        assert shelf.anew().trace(OUTPUT) == a_trace("one")
    assert shelf.side() == ["trace-1.json", "trace-2.json"]
    shelf.delta.alter.set_table_description("later")
    shelf.delta.create_checkpoint()
    (shelf.path / "_delta_log/00000000000000000000.json").unlink()
    assert shelf.anew().trace(OUTPUT) == a_trace("one")
    assert shelf.warehouse.copy(OUTPUT) == a_trace("one")
    shelf.renew("one", "now")
    assert shelf.anew().trace(OUTPUT) == a_trace("one", "now")


def test_no_folder_is_looked_through_without_a_marker(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put(ONE, "one")
    asked = []
    names = Folder.names

    def watched(self: Folder, under: str = "", *, deep: bool = False) -> list[str]:
        asked.append((under, deep))
        return names(self, under, deep=deep)

    monkeypatch.setattr(Folder, "names", watched)
    shelf.anew().sweep([OUTPUT, "other"])
    assert asked == [("_cpgbuild", False)] * 2


def test_what_others_are_writing_is_not_swept(shelf: Shelf) -> None:
    shelf.put(ONE, "one")
    other = shelf.path / "part-00000-somebody.snappy.parquet"
    other.write_bytes(b"uncommitted")
    shelf.stage(TWO)
    shelf.anew().sweep([OUTPUT])
    assert other.exists()
    assert shelf.files() == sorted([other.name, shelf.actions(0, "add")[0]["path"]])


def test_files_are_on_the_disk_before_a_commit_names_them(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    whole = os.fsync

    def watched(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        whole(handle)

    monkeypatch.setattr(os, "fsync", watched)
    staged = shelf.stage(ONE, ("b",))
    folder = os.path.realpath(shelf.path)
    assert {f"{folder}/{f.path}" for f in staged.files} <= set(synced)
    assert {f"{folder}/b=x", folder} <= set(synced)


# Slow rows.


def test_many_slow_stages_wait_for_each_other_and_end(tmp_path: Path) -> None:
    """Each gives its rows only when all have begun: with a thread too few none would end."""
    many = 3 * (os.cpu_count() or 1) + 8
    begun, house = threading.Barrier(many), Warehouse(str(tmp_path))

    def rows(number: int):
        begun.wait(timeout=30)
        for _ in range(20):
            time.sleep(0.01)
            yield from pa.table({"a": [number], "p": [number % 3]}).to_batches()

    schema = pa.schema([("a", pa.int64()), ("p", pa.int64())])

    def build(number: int) -> int:
        staged = house.stage(f"t{number}", schema, ("p",) if number % 2 else (), rows(number))
        house.commit(TASK.__class__(**_task(f"t{number}")), staged, a_trace("one"))
        return staged.rows

    with ThreadPoolExecutor(many) as pool:
        assert list(pool.map(build, range(many), timeout=60)) == [20] * many
    assert DeltaTable(tmp_path / "t3").version() == 0
    assert warehouse.Warehouse(str(tmp_path)).trace("t3") == a_trace("one")


def _task(output: str) -> dict[str, Any]:
    return {"name": output, "dataset": output, "kind": TASK.kind, "requires": (), "plan": TASK.plan}
