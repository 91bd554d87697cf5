"""The lock's text: what is read is what was written; what is no lock is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cpgbuild.core.lock import lock_of
from cpgbuild.core.schema import Column, Schema
from cpgbuild.errors.report import Place
from cpgbuild.errors.state import LockMissing, LockUnreadable, LockVersion, SourceNotLocked
from cpgbuild.plan import types
from cpgbuild.state.lock import lock_text, parse_lock, planner, read_lock, source_schema, write_lock
from tests.core.graphs import Graph, graph, kept, task

BUILT = graph(
    task("a", "s(id, name: string)", kind="view", gives="id, n: string", volatile=("uuid",)),
    kept(task("k", "a(id)", kind="view", views={"a": "2"})),
    task("u", "a(id)", "t", part="p", views={"a": "1"}),
    task("odd", "t(x: date)", name='x "y" . z', gives="a.b, größe: string"),
    s="id, name: string",
    t="x: date",
)


def test_what_is_read_is_what_was_written() -> None:
    assert parse_lock(lock_text(BUILT), "here") == lock_of(BUILT, planner())


def test_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "cpgbuild.lock").write_text(lock_text(BUILT))
    assert read_lock(tmp_path / "cpgbuild.lock") == lock_of(BUILT, planner())


TYPES = {
    "i": pa.int8(),
    "u": pa.uint64(),
    "d": pa.decimal128(12, 2),
    "at": pa.timestamp("us", "Europe/Paris"),
    "time": pa.time64("ns"),
    "span": pa.duration("us"),
    "months": pa.month_day_nano_interval(),
    "l": pa.list_(pa.field("item", pa.struct([("x", pa.binary()), ("y z", pa.string())]))),
    "m": pa.map_(pa.string(), pa.list_(pa.field("item", pa.float32()))),
    "nothing": pa.null(),
}


def test_the_schema_of_a_source_comes_back_as_it_was() -> None:
    """So that plans on it are the plans on the source itself."""
    fields = [pa.field(name, kind, name != "u") for name, kind in TYPES.items()]
    wanted = types.normalise_schema(pa.schema(fields))
    columns = tuple(Column(f.name, types.to_text(f.type), f.nullable) for f in wanted)
    lock = parse_lock(lock_text(Graph((), {"s": Schema(columns)})), "here")
    assert source_schema(lock, "s") == wanted
    with pytest.raises(SourceNotLocked):
        source_schema(lock, "other")


def test_there_is_no_lock(tmp_path: Path) -> None:
    with pytest.raises(LockMissing):
        read_lock(tmp_path / "cpgbuild.lock")


def test_a_lock_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "cpgbuild.lock"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LockUnreadable):
        read_lock(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(LockUnreadable):
        read_lock(path)


TEXT = lock_text(BUILT)


def spoilt(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def line(text: str) -> int:
    return TEXT.splitlines().index(text) + 1


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        (TEXT[: len(TEXT) // 2], "", None),
        ("<<<<<<< HEAD\n" + TEXT, "Invalid", Place("here", 1, 1, 1)),
        (spoilt('kind = "view"\n', ""), "`kind` is missing", line('[task."view.a"]')),
        (spoilt('planner = "', 'made = "'), "`planner` is missing", 0),
        (spoilt('x = "date"', 'x = "dote"'), "not a type: 'dote'", line('x = "date"')),
        (spoilt('volatile = [\n    "uuid",\n]', "volatile = 1"), "no list of names", None),
        ("version = 2\nplanner = ''\nsignature = ''\ntask = 3\n", "`task` is no table", None),
    ],
)
def test_a_lock_that_is_torn(text: str, reason: str, place: Place | int | None) -> None:
    with pytest.raises(LockUnreadable) as caught:
        parse_lock(text, "here")
    assert reason in caught.value.message
    found = caught.value.place
    assert found is not None
    assert found.path == "here"
    if place is not None:
        assert found == place or found.line == place


@pytest.mark.parametrize("version", ["1", "3", '"2"'])
def test_a_lock_of_another_version(version: str) -> None:
    with pytest.raises(LockVersion) as caught:
        parse_lock(spoilt("version = 2", f"version = {version}"), "here")
    assert caught.value.place == Place("here", 2)
    assert caught.value.report().facts == (("known", "`2`"),)


def test_a_lock_that_only_another_planner_wrote_stays(tmp_path: Path) -> None:
    path = tmp_path / "cpgbuild.lock"
    path.write_text(lock_text(BUILT, "datafusion 1"))
    assert write_lock(tmp_path, BUILT) is False
    assert write_lock(tmp_path, graph(s="a")) is True
    assert read_lock(path).planner == planner()
