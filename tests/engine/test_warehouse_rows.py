"""Rows that were staged read back as they were, and what the log says of them is true."""

from __future__ import annotations

import datetime as dt
import json
import operator
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from cpgbuild.engine import staging
from cpgbuild.engine.partitions import Unpartitionable
from cpgbuild.plan import types
from tests.engine.tables import OUTPUT, TASK, Shelf, a_trace
from tests.engine.test_types import VALUES

EVERY = pa.table(
    {n: pa.array([values[0], None, *values, None], kind) for n, (kind, values) in VALUES.items()}
)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


# Types.


def test_every_type_reads_back_as_it_was_and_as_deltas_own_writer_has_it(shelf: Shelf) -> None:
    shelf.put(EVERY, "one")
    stored = types.storage_schema(EVERY.schema)
    batches = [types.to_storage(b, EVERY.schema) for b in EVERY.to_batches()]
    write_deltalake(shelf.root / "theirs", pa.Table.from_batches(batches, stored))
    theirs = DeltaTable(shelf.root / "theirs")
    assert shelf.delta.schema() == theirs.schema(), "with what the columns stand for"
    assert shelf.delta.protocol() == theirs.protocol()
    assert shelf.delta.to_pyarrow_table() == theirs.to_pyarrow_table()
    evidence = shelf.anew().evidence(OUTPUT)
    assert evidence is not None
    assert [c.type for c in evidence.schema.columns] == [
        types.to_text(f.type) for f in types.normalise_schema(EVERY.schema)
    ]
    columns = ", ".join(f'"{n}"' for n in EVERY.schema.names)
    read = shelf.ask(f"select {columns} from k")
    # By its text, since no NaN and no zero is what it equals.
    assert repr(read) == repr([tuple(row.values()) for row in EVERY.to_pylist()])


@pytest.mark.parametrize("name", VALUES)
def test_every_type_alone_also_without_any_value(shelf: Shelf, name: str) -> None:
    kind, values = VALUES[name]
    for number, given in enumerate((values, [None, None], [], [values[1], None])):
        table = pa.table({name: pa.array(given, kind), "n": range(len(given))})
        shelf.put(table, f"n{number}")
        read = shelf.ask(f'select "{name}" from k order by n')
        assert repr([v for (v,) in read]) == repr(table[name].to_pylist())
        nulls = sum(v is None for v in given)
        assert shelf.ask(
            f'select count(*), count("{name}"), count(*) filter (where "{name}" is null) from k'
        ) == [(len(given), len(given) - nulls, nulls)]


# Statistics.

BIG = 2**63 - 1
COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "i8": (pa.int8(), [-128, 127, 0, None]),
    "i16": (pa.int16(), [-(2**15), 2**15 - 1, None]),
    "i32": (pa.int32(), [-(2**31), 2**31 - 1, None]),
    "i64": (pa.int64(), [-(2**63), BIG, BIG - 1, 2**53 + 1, None]),
    "u32": (pa.uint32(), [0, 2**32 - 1, None]),
    "u64": (pa.uint64(), [0, 2**64 - 1, None]),
    "f64": (pa.float64(), [0.0, -0.0, float("inf"), float("-inf"), 1e300, None]),
    "flag": (pa.bool_(), [True, False, None]),
    "text": (pa.string(), ["", "a" * 500, "a" * 500 + "b", "\U0010ffff" * 100, "ü", None]),
    "data": (pa.binary(), [b"", b"\xff" * 500, b"\xff" * 501, None]),
    "dec": (pa.decimal128(38, 2), [Decimal("1e35"), Decimal("-1e35"), Decimal("0.01"), None]),
    "day": (pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31), None]),
    "plain": (pa.timestamp("us"), [dt.datetime.fromisoformat("1900-01-01"), dt.datetime.fromisoformat("2020-02-29T01:02:03.999999"), None]),
    "utc": (pa.timestamp("us", "UTC"), [dt.datetime(2020, 1, 1, microsecond=1, tzinfo=dt.UTC), None]),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_counts_bounds_and_filters_are_those_of_the_rows(
    shelf: Shelf, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "GROUP_ROWS", 4)
    monkeypatch.setattr(staging, "FILE_BYTES", 1)
    kind, values = COLUMNS[name]
    luck = random.Random(name)
    given = pa.array([luck.choice(values) for _ in range(60)] + [None] * 8, kind)
    table = pa.table({"c": given, "n": range(len(given))})
    batches = iter(table.to_batches(max_chunksize=3))
    staged = shelf.warehouse.stage(OUTPUT, table.schema, (), batches)
    assert len(staged.files) > 5
    shelf.warehouse.commit(TASK, staged, a_trace("one"))
    all_values = given.to_pylist()
    known = [v for v in all_values if v is not None]
    asked = "select count(*), count(c), min(c), max(c) from k"
    assert shelf.ask(asked) == [(len(given), len(known), min(known), max(known))]
    compared = {"=": operator.eq, ">=": operator.ge, "<=": operator.le}
    for value in set(known):
        same = f"(select c from k where n = {all_values.index(value)})"
        for sign, compare in compared.items():
            if name == "f64" and value == 0:
                continue  # DataFusion tells the two zeros apart
            wanted = [i for i, v in enumerate(all_values) if v is not None and compare(v, value)]
            got = [n for (n,) in shelf.ask(f"select n from k where c {sign} {same} order by n")]
            assert got == wanted, (sign, value)
    assert shelf.ask("select count(*) from k where c is null") == [(len(given) - len(known),)]


def test_numbers_are_compared_with_literals_by_the_log_alone(shelf: Shelf) -> None:
    rows = pa.table({"a": [2**53, 2**53 + 1, BIG], "d": [dt.date(2020, 1, n) for n in (1, 2, 3)]})
    shelf.put(rows, "one")
    for query, count in {
        f"a = {2**53 + 1}": 1,
        f"a > {2**53}": 2,
        f"a >= {BIG}": 1,
        f"a < {2**53}": 0,
        "d = date '2020-01-03'": 1,
        "d > date '2020-01-03'": 0,
        "d < date '2020-01-02'": 1,
        "a is null": 0,
        "a is not null": 3,
    }.items():
        assert shelf.ask(f"select count(*) from k where {query}") == [(count,)], query


def test_columns_of_odd_names_have_statistics_too(shelf: Shelf) -> None:
    names = ["a b", "c.d", 'q"x', "Upper", "1st", "é", "a,b", "select", "%41"]
    columns = {n: pa.array([i, None, i + 10]) for i, n in enumerate(names)}
    shelf.put(pa.table({"c": pa.array([{"d": 99}] * 3), **columns}), "one")
    for number, name in enumerate(names):
        quoted = '"' + name.replace('"', '""') + '"'
        assert shelf.ask(f"select count({quoted}), min({quoted}), max({quoted}) from k") == [
            (2, number, number + 10)
        ]
        assert shelf.ask(f"select count(*) from k where {quoted} = {number}") == [(1,)]


def test_bounds_are_said_only_where_they_are_certain(shelf: Shelf) -> None:
    far = pa.array([-(10**6), 10**7], pa.int32()).cast(pa.date32())
    columns = {n: pa.array([values[0]] * 2, kind) for n, (kind, values) in VALUES.items()}
    shelf.put(pa.table({**columns, "far": far, "none": pa.array([None, None], pa.int64())}), "one")
    (add,) = shelf.actions(0, "add")
    said = json.loads(add["stats"])
    assert said["numRecords"] == 2
    bounded = {"i8", "i16", "i32", "i64", "u8", "u16", "u32", "day", "clock", "span"}
    assert set(said["minValues"]) == set(said["maxValues"]) == bounded
    nested = {n for n, (kind, _) in VALUES.items() if pa.types.is_nested(kind)}
    assert set(said["nullCount"]) == {*VALUES, "far", "none"} - nested
    assert said["nullCount"]["none"] == 2
    assert add["size"] == (shelf.path / add["path"]).stat().st_size


# Partitions.

ODD = ["", " ", "a b", "a/b", "..", "ü", "a%20b", "%", "x=y:z", "~", "#?&+", "\\", "'\"", "null",
       "__HIVE_DEFAULT_PARTITION__", "\n\x00", "long" * 200, "Ünï" * 50, "{[(<|>)]}^`*", None]  # fmt: skip
PARTITIONS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.string(), ODD),
    **{n: (kind, [*values, None]) for n, (kind, values) in VALUES.items() if n[0] in "iu"},
    "u64": (pa.uint64(), [0, 2**64 - 1, None]),
    "flag": (pa.bool_(), [True, False, None]),
    "day": (pa.date32(), [dt.date(2020, 2, 29), dt.date(1, 1, 1), dt.date(9999, 12, 31), None]),
    "dec": (pa.decimal128(9, 2), [Decimal("123.45"), Decimal("-0.01"), Decimal("0.00"), None]),
    "tiny": (pa.decimal128(20, 18), [Decimal("1e-18"), Decimal("-1e-18"), None]),
    "plain": VALUES["plain"],
    "utc": (pa.timestamp("us", "UTC"), [dt.datetime(2020, 1, 1, 0, 0, 1, tzinfo=dt.UTC), None]),
    "zone": VALUES["zone"],
    "clock": VALUES["clock"],
    "span": VALUES["span"],
}


@pytest.mark.parametrize("name", PARTITIONS)
def test_partition_values_of_any_kind_are_kept(shelf: Shelf, name: str) -> None:
    kind, values = PARTITIONS[name]
    column = 'p "q" ~%/ü'
    table = pa.table({"n": range(3 * len(values)), column: pa.array(values * 3, kind)})
    wanted = [tuple(row.values()) for row in table.to_pylist()]
    shelf.put(table, "one", (column,))
    for change in (None, "checkpoint", "vacuum", "restore"):
        if change == "checkpoint":
            shelf.delta.create_checkpoint()
        if change == "vacuum":
            shelf.delta.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
        if change == "restore":
            shelf.anew().evidence(OUTPUT)
            shelf.put(table.slice(0, 1), "two", (column,))
            shelf.restore(0, "one")
            assert shelf.past()[0][1] == "two"
        assert shelf.ask("select * from k order by n") == wanted, change
        assert len(shelf.delta.file_uris()) == len(values)
    quoted = '"' + column.replace('"', '""') + '"'
    for value in values:
        if value is None or name in ("zone", "clock", "span", "u64", "tiny"):
            continue
        text = f"'{value}'".replace("'\"'", "''\"'") if isinstance(value, str) else None
        literal = text or f"arrow_cast('{value}', 'Utf8')::{_sql(kind)}"
        got = [n for (n,) in shelf.ask(f"select n from k where {quoted} = {literal} order by n")]
        assert got == [n for n, v in wanted if v == value], value


def _sql(kind: pa.DataType) -> str:
    names = {"bool": "boolean", "int8": "tinyint", "int16": "smallint", "int32": "int",
             "int64": "bigint", "date32[day]": "date", "timestamp[us]": "timestamp",
             "uint8": "smallint", "uint16": "int", "uint32": "bigint"}  # fmt: skip
    if str(kind) in names:
        return names[str(kind)]
    return str(kind).replace("decimal128", "decimal") if "decimal" in str(kind) else "timestamptz"


def test_rows_of_several_partition_columns_keep_their_order(shelf: Shelf) -> None:
    luck = random.Random(1)
    rows = [
        {"p": luck.choice(["a", None, "b"]), "n": n, "q": luck.choice([1, 2, None])}
        for n in range(500)
    ]
    table = pa.Table.from_pylist(rows)
    batches = iter(table.to_batches(max_chunksize=17))
    staged = shelf.warehouse.stage(OUTPUT, table.schema, ("q", "p"), batches)
    assert len(staged.files) == 9
    shelf.warehouse.commit(TASK, staged, a_trace("one"))
    assert shelf.ask("select p, n, q from k order by n") == [tuple(r.values()) for r in rows]
    for p in ("p = 'a'", "p is null"):
        read = [n for (n,) in shelf.ask(f"select n from k where {p} and q = 1")]
        assert read == sorted(read)
        assert read


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.binary(), pa.list_(pa.int64())])
def test_what_has_no_exact_text_is_no_partition(shelf: Shelf, kind: pa.DataType) -> None:
    table = pa.table({"p": pa.array([None], kind), "n": [1]})
    with pytest.raises(Unpartitionable, match="cannot be partitioned by `p`"):
        shelf.stage(table, ("p",))
    assert shelf.files() == []
    assert shelf.side() == []
