"""Which run wrote a table's rows is known as long as it can be proven, and never guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.engine import history
from cpgbuild.engine.commits import COPIES
from cpgbuild.engine.warehouse import Warehouse
from tests.engine.tables import OUTPUT, Shelf, a_trace

ROWS = {name: pa.table({"a": [n], "b": [name]}) for n, name in enumerate(("one", "two", "three"))}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    for name, table in ROWS.items():
        shelf.put(table, name)
    return shelf


def vacuum(shelf: Shelf) -> None:
    shelf.delta.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)


def forget_the_log(shelf: Shelf) -> None:
    """Leave of the log a checkpoint, of a commit that is not ours, as Delta's clean-up does."""
    shelf.delta.alter.set_table_properties({"delta.checkpointInterval": "1000"})
    shelf.delta.create_checkpoint()
    for version in range(shelf.delta.version()):
        (shelf.path / f"_delta_log/{version:020}.json").unlink(missing_ok=True)


# What changes rows, and what does not.

SAME_ROWS: dict[str, Callable[[Shelf], object]] = {
    "optimize": lambda s: s.delta.optimize.compact(),
    "z-order": lambda s: s.delta.optimize.z_order(["a"]),
    "vacuum": vacuum,
    "checkpoint": lambda s: s.delta.create_checkpoint(),
    "property": lambda s: s.delta.alter.set_table_properties({"delta.appendOnly": "false"}),
    "comment": lambda s: s.delta.alter.set_table_description("ours"),
}
OTHER_ROWS: dict[str, Callable[[Shelf], object]] = {
    "append": lambda s: s.append(a=[9], b=["foreign"]),
    "delete": lambda s: s.delta.delete("a = 2"),
    "delete all": lambda s: s.delta.delete(),
    "update": lambda s: s.delta.update({"b": "'changed'"}),
    "merge": lambda s: (
        s.delta.merge(pa.table({"a": [2], "b": ["m"]}), "t.a = s.a", "s", "t")
        .when_matched_update_all()
        .execute()
    ),
    "restore": lambda s: s.delta.restore(0),
}


@pytest.mark.parametrize("what", SAME_ROWS)
def test_what_keeps_the_rows_keeps_the_trace(shelf: Shelf, what: str) -> None:
    shelf.put(pa.table({"p": [1, 2], "a": [1, 2]}), "last", ("p",))
    for _ in range(2):
        SAME_ROWS[what](shelf)
        assert shelf.version() == "last"
        assert shelf.warehouse.trace(OUTPUT) == a_trace("last")


@pytest.mark.parametrize("what", OTHER_ROWS)
def test_what_changes_rows_makes_the_table_foreign(shelf: Shelf, what: str) -> None:
    OTHER_ROWS[what](shelf)
    delta = shelf.delta
    assert shelf.version() == f"{delta.metadata().id}@{delta.version()}"
    assert shelf.warehouse.trace(OUTPUT) is None
    shelf.delta.optimize.compact()
    assert shelf.warehouse.trace(OUTPUT) is None
    assert shelf.past() == [(2, "three"), (1, "two"), (0, "one")]
    # The caller can compare what the rows are with what they were.
    assert shelf.warehouse.copy(OUTPUT) == a_trace("three")


def test_columns_that_may_have_been_renamed_are_not_ours(shelf: Shelf) -> None:
    path = shelf.path / "_delta_log/00000000000000000003.json"
    settings = {"configuration": {"delta.columnMapping.mode": "name"}}
    path.write_text(json.dumps({"metaData": settings}) + "\n")
    commit = history.read_commit(shelf.warehouse._folder(OUTPUT), 3)
    assert commit is not None
    assert not commit.same_rows


def test_a_trace_of_an_unknown_format_is_none(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("cpgbuild.core.trace.FORMAT", 99)
        shelf.put(ROWS["one"], "future")
    assert shelf.version() == f"{shelf.delta.metadata().id}@3"


def test_only_the_last_commit_is_read_where_it_is_ours(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    whole = history.read_commit
    monkeypatch.setattr(
        history, "read_commit", lambda f, v, **k: read.append(v) or whole(f, v, **k)
    )
    assert shelf.version() == "three"
    assert read == [2]


# Renewing and restoring.


def test_a_renewed_trace_is_a_commit_without_files(shelf: Shelf) -> None:
    shelf.renew("three", "other plan")
    trace = shelf.anew().trace(OUTPUT)
    assert trace == a_trace("three", "other plan")
    assert shelf.rows() == [(2, "three")]
    assert shelf.actions(3, "add") == shelf.actions(3, "remove") == []
    assert shelf.delta.transaction_version("cpgbuild") == 4
    assert [(p.version, p.trace.plan) for p in shelf.warehouse.past(OUTPUT)] == [
        (2, "plan"),
        (1, "plan"),
        (0, "plan"),
    ]
    assert shelf.rows(3) == [(2, "three")]
    shelf.put(ROWS["one"], "four")
    shelf.restore(3, "three", "other plan")
    assert shelf.rows() == [(2, "three")]
    assert shelf.past()[:2] == [(4, "four"), (3, "three")]


def test_what_a_table_held_once_it_can_hold_again_without_a_new_file(shelf: Shelf) -> None:
    files = shelf.files()
    for version, name in [(0, "one"), (1, "two"), (0, "one")]:
        shelf.restore(version, name, "back")
        assert shelf.rows() == [tuple(ROWS[name].to_pylist()[0].values())]
        assert shelf.version() == name
        assert shelf.warehouse.trace(OUTPUT) == a_trace(name, "back")
    assert shelf.files() == files
    assert shelf.past()[:2] == [(4, "two"), (3, "one")]


def test_what_was_vacuumed_is_no_past_and_cannot_be_restored(shelf: Shelf) -> None:
    vacuum(shelf)
    assert shelf.past() == []
    assert shelf.warehouse.table_at(OUTPUT, Fingerprint("one")) is None
    before = shelf.delta.version()
    with pytest.raises(DeltaError):
        shelf.restore(0, "one")
    assert shelf.delta.version() == before
    assert shelf.rows() == [(2, "three")]
    assert shelf.version() == "three"
    shelf.put(ROWS["one"], "four")
    assert shelf.version() == "four"


def test_the_past_is_what_is_left_of_it(shelf: Shelf) -> None:
    (shelf.path / DeltaTable(shelf.path, version=1).file_uris()[0]).unlink()
    assert shelf.past() == [(0, "one")]


def test_the_past_is_looked_at_as_far_as_it_is_asked_for(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    whole = history.read_commit
    monkeypatch.setattr(
        history, "read_commit", lambda f, v, **k: read.append(v) or whole(f, v, **k)
    )
    past = shelf.anew().past(OUTPUT)
    assert read == []
    assert next(past).version == 1
    assert min(read) == 1


def test_what_was_compacted_is_restored_from_what_is_left(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    rows = pa.table({"p": [1, 1], "a": [2, 1]})
    shelf.put(rows, "one")
    first = shelf.files()
    shelf.delta.optimize.z_order(["a"])
    assert shelf.version() == "one"
    shelf.put(pa.table({"p": [5], "a": [5]}), "two")
    assert shelf.past() == [(1, "one")]
    (shelf.path / first[0]).unlink()
    assert shelf.past() == [(1, "one")]
    (shelf.path / shelf.actions(1, "add")[0]["path"]).unlink()
    assert shelf.past() == []


@pytest.mark.parametrize("text", ["{", "[]", '{"add": {}}', '{"add": 1}'])
def test_the_past_ends_at_what_cannot_be_read(shelf: Shelf, text: str) -> None:
    shelf.anew().evidence(OUTPUT)
    (shelf.path / "_delta_log/00000000000000000000.json").write_text(text)
    assert [p.version for p in shelf.warehouse.past(OUTPUT)] == [1]


def test_a_version_is_found_by_what_its_trace_says_that_it_wrote(shelf: Shelf) -> None:
    shelf.put(ROWS["one"], "one", plan="again")
    shelf.renew("one", "renewed")
    shelf.put(ROWS["two"], "two")
    warehouse = shelf.anew()
    found = {n: warehouse.table_at(OUTPUT, Fingerprint(n)) for n in ("one", "two", "three", "no")}
    assert {n: t.version() if t else None for n, t in found.items()} == {
        "one": 4,
        "two": 5,
        "three": 2,
        "no": None,
    }
    assert Warehouse(str(shelf.root)).table_at("missing", Fingerprint("one")) is None


def test_the_past_is_what_the_log_can_still_tell(shelf: Shelf) -> None:
    shelf.delta.create_checkpoint()
    shelf.put(ROWS["one"], "four")
    shelf.put(ROWS["two"], "five")
    (shelf.path / "_delta_log/00000000000000000000.json").unlink()
    assert shelf.past() == [(3, "four"), (2, "three")]
    shelf.restore(2, "three")
    assert shelf.rows() == [(2, "three")]


# When the log has forgotten.


def test_the_trace_outlives_the_log(shelf: Shelf) -> None:
    forget_the_log(shelf)
    assert shelf.version() == "three"
    assert shelf.warehouse.trace(OUTPUT) == a_trace("three")
    vacuum(shelf)
    assert shelf.version() == "three"
    assert shelf.past() == []
    shelf.renew("three", "renewed")
    forget_the_log(shelf)
    assert shelf.anew().trace(OUTPUT) == a_trace("three", "renewed")
    shelf.put(ROWS["one"], "four")
    shelf.put(ROWS["two"], "five")
    version = shelf.delta.version()
    shelf.restore(version - 1, "four")
    forget_the_log(shelf)
    assert shelf.version() == "four"


def test_the_trace_outlives_deltas_own_clean_up(shelf: Shelf) -> None:
    shelf.delta.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    for number in range(3):
        shelf.anew()
        shelf.put(ROWS["one"], "four")
        shelf.delta.alter.set_table_description(f"number {number}")
        shelf.delta.create_checkpoint()
        shelf.delta.cleanup_metadata()
        assert shelf.version() == "four"
    assert len(list((shelf.path / "_delta_log").glob("*.json"))) < 3


@pytest.mark.parametrize("what", OTHER_ROWS)
def test_foreign_rows_stay_foreign_when_the_log_is_gone(shelf: Shelf, what: str) -> None:
    OTHER_ROWS[what](shelf)
    forget_the_log(shelf)
    assert shelf.anew().trace(OUTPUT) is None
    assert shelf.warehouse.copy(OUTPUT) == a_trace("three")
    shelf.append(a=[5], b=["more"])
    assert shelf.anew().trace(OUTPUT) is None


def test_what_was_compacted_after_the_checkpoint_is_proven(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(pa.table({"a": [1]}), "one")
    forget_the_log(shelf)
    shelf.delta.optimize.z_order(["a"])
    assert shelf.delta.version() == 2
    assert shelf.actions(2, "add")
    assert shelf.version() == "one"
    forget_the_log(shelf)
    assert shelf.anew().trace(OUTPUT) is None, "compacted, and the log gone: nothing proves it"
    assert shelf.warehouse.copy(OUTPUT) == a_trace("one")


def test_without_its_copy_or_its_number_nothing_is_known(shelf: Shelf) -> None:
    forget_the_log(shelf)
    copy = shelf.path / "_cpgbuild/trace-3.json"
    text = copy.read_text()
    for damaged in ("", "{", "[]", '{"trace": "{}", "files": ""}', text[: len(text) // 2]):
        copy.write_text(damaged)
        assert shelf.anew().trace(OUTPUT) is None
        assert shelf.warehouse.copy(OUTPUT) is None
    copy.unlink()
    assert shelf.anew().trace(OUTPUT) is None
    shelf.put(ROWS["one"], "four")
    assert shelf.version() == "four"


def test_so_many_copies_are_kept(shelf: Shelf) -> None:
    for number in range(COPIES):
        shelf.renew("three", f"plan {number}")
    assert len(shelf.side()) == COPIES
    forget_the_log(shelf)
    assert shelf.anew().trace(OUTPUT) == a_trace("three", f"plan {COPIES - 1}")


def test_vacuum_leaves_what_is_beside_the_table_alone(shelf: Shelf) -> None:
    shelf.warehouse.keep_keys(OUTPUT, "r", pa.table({"key": ["a"]}))
    staged = shelf.stage(ROWS["one"])
    before = shelf.side()
    vacuum(shelf)
    assert shelf.side() == before
    shelf.warehouse.discard(staged)
