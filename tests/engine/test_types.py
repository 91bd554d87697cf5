"""Every source format, and every type: from a source through a view and a table to a reader."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from cpgbuild import api
from cpgbuild.core.schema import Column
from cpgbuild.errors.graph import QueryInvalid
from tests.engine.builds import Site, site

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", "ü", None]})


def written(path: Path, table: pa.Table) -> None:
    """Write a table in the format that its file's suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".parquet":
            pq.write_table(table, path)
        case ".arrow":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write(table)
        case ".csv":
            lines = [",".join(table.schema.names)]
            lines += [
                ",".join("" if v is None else str(v) for v in r.values()) for r in table.to_pylist()
            ]
            path.write_text("\n".join(lines) + "\n")
        case ".json":
            path.write_text("".join(json.dumps(r) + "\n" for r in table.to_pylist()))
        case _:
            write_deltalake(path, table)


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("parquet", ".parquet"),
        ("arrow", ".arrow"),
        ("csv", ".csv"),
        ("json", ".json"),
        ("delta", ""),
    ],
)
@pytest.mark.parametrize("shape", ["file", "folder", "glob"])
def test_a_source_in_any_format_as_file_folder_or_glob(
    tmp_path: Path, form: str, suffix: str, shape: str
) -> None:
    if form == "delta" and shape != "file":
        pytest.skip("a Delta table is one folder")
    path = {"file": f"data/one{suffix}", "folder": "data", "glob": f"data/*{suffix}"}[shape]
    written(tmp_path / f"data/one{suffix}", ROWS)
    if shape != "file":
        written(tmp_path / f"data/two{suffix}", ROWS)
    made = site(tmp_path, f"s {form} {path}")
    made.sql("v", "select id, upper(name) as name from s", "view")
    made.sql("k", "select id, name from v")
    made.built()
    wanted = [(1, "A"), (2, "Ü"), (3, None)] * (1 if shape == "file" else 2)
    assert sorted(made.rows("k"), key=str) == sorted(wanted, key=str)
    assert made.built() == {}


@pytest.mark.parametrize("form", ["parquet", "arrow", "json"])
def test_hive_partitions_are_columns_and_filters_on_them_are_required(
    tmp_path: Path, form: str
) -> None:
    for day in ("2020-01-01", "2020-01-02"):
        written(tmp_path / f"data/day={day}/part=x/rows.{form}", ROWS)
    made = site(tmp_path, f"s {form} data")
    made.sql("k", "select id, day from s where part = 'x' and day > '2020-01-01'")
    made.built()
    assert made.rows("k") == [(n, "2020-01-02") for n in (1, 2, 3)]
    with api.opened(tmp_path) as workspace:
        (requirement,) = workspace.graph.tasks["compute.k"].requires
    assert requirement.names == ("day", "id", "part")
    written(tmp_path / f"data/day=2020-01-03/part=x/rows.{form}", ROWS)
    assert made.built() == {"k": ["data_changed s"]}
    assert len(made.rows("k")) == 6


UTC = dt.UTC
DAY = dt.date(2020, 2, 29)
VALUES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "i8": (pa.int8(), [-128, 127]),
    "i16": (pa.int16(), [-32768, 32767]),
    "i32": (pa.int32(), [-(2**31), 2**31 - 1]),
    "i64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "u8": (pa.uint8(), [0, 255]),
    "u16": (pa.uint16(), [0, 65535]),
    "u32": (pa.uint32(), [0, 2**32 - 1]),
    "u64": (pa.uint64(), [0, 2**64 - 1]),
    "f32": (pa.float32(), [0.5, float("inf")]),
    "f64": (pa.float64(), [0.1, -0.0]),
    "flag": (pa.bool_(), [True, False]),
    "text": (pa.string(), ["", "ü\n\x00"]),
    "data": (pa.binary(), [b"", b"\x00\xff"]),
    "small": (pa.decimal128(5, 2), [Decimal("123.45"), Decimal("-0.01")]),
    "large": (pa.decimal128(38, 10), [Decimal("1234567890123456789012345678.0123456789"), Decimal(0)]),
    "day": (pa.date32(), [DAY, dt.date(1969, 1, 1)]),
    "clock": (pa.time64("ns"), [dt.time(23, 59, 59, 999999), dt.time(0)]),
    "span": (pa.duration("us"), [dt.timedelta(days=400, microseconds=1), dt.timedelta(-1)]),
    "plain": (pa.timestamp("us"), [dt.datetime.fromisoformat("2020-02-29T01:02:03.000004"), dt.datetime.fromisoformat("1900-01-01")]),
    "utc": (pa.timestamp("us", "UTC"), [dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(1900, 1, 1, tzinfo=UTC)]),
    "zone": (pa.timestamp("us", "Europe/Paris"), [dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(2020, 7, 1, tzinfo=UTC)]),
    "list": (pa.list_(pa.int64()), [[1, None], []]),
    "struct": (pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))]), [{"x": 1, "y": {"z": "a"}}, {"x": None, "y": None}]),
    "deep": (pa.list_(pa.struct([("k", pa.list_(pa.uint32()))])), [[{"k": [4294967295]}], [None]]),
    "map": (pa.map_(pa.string(), pa.int32()), [[("a", 1)], []]),
}  # fmt: skip


def through(tmp_path: Path, table: pa.Table) -> Site:
    """Take a source through a view, a table and a table that reads that one."""
    made = site(tmp_path, "s parquet data/s.parquet")
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data/s.parquet")
    made.sql("v", "select * from s", "view")
    made.sql("k", "select * from v")
    made.sql("below", "select * from k")
    made.built()
    return made


def test_types_and_values_are_kept_from_a_source_to_the_last_reader(tmp_path: Path) -> None:
    columns = {n: pa.array([*values, None], kind) for n, (kind, values) in VALUES.items()}
    through(tmp_path, pa.table(columns))
    with api.opened(tmp_path) as workspace:
        source = workspace.graph.sources["s"]
        engine = workspace.engine()
        for output in ("k", "below"):
            evidence = engine.evidence(output)
            assert evidence is not None
            assert evidence.schema == source == workspace.graph.tasks[f"compute.{output}"].schema
        engine.context.register("below")
        result = pa.table(engine.context.session.table("below").to_arrow_table())
        engine.close()
    for name, (kind, values) in VALUES.items():
        given = result[name].cast(kind).to_pylist()
        wanted = pa.array([*values, None], kind).to_pylist()
        assert given == wanted, name
        assert str(given) == str(wanted), name


EXPRESSIONS = {
    "counted": "count(*) over ()",
    "numbered": "row_number() over (order by a)",
    "ranked": "dense_rank() over (order by a)",
    "summed": "sum(a) over ()",
    "mean": "avg(a) over ()",
    "summed_u": "sum(u) over ()",
    "divided": "a / 2",
    "divided_f": "a / 2.0",
    "decimals": "cast(a as decimal(10, 2)) * cast(a as decimal(10, 3))",
    "joined": "b || 'x'",
    "length": "length(b)",
    "mod": "u % 3",
    "bits": "a & 3",
    "literal": "1",
    "text": "'x'",
    "nothing": "cast(null as string)",
    "moment": "to_timestamp('2020-01-01T00:00:00Z')",
    "day": "cast('2020-01-01' as date)",
    "part": "extract(year from date '2020-01-01')",
    "trunc": "date_trunc('day', timestamp '2020-01-01 10:00:00')",
    "apart": "timestamp '2020-01-02 00:00:00' - timestamp '2020-01-01 00:00:00'",
    "list": "make_array(1, 2)",
    "struct": "named_struct('k', a, 'l', b)",
    "small": "arrow_cast(a, 'Int8')",
    "large_text": "arrow_cast(b, 'LargeUtf8')",
    "text_view": "arrow_cast(b, 'Utf8View')",
    "dictionary": "arrow_cast(b, 'Dictionary(Int32, Utf8)')",
    "digest": "sha256(b)",
    "boolean": "a > 1",
    "seconds": "arrow_cast(a, 'Timestamp(Second, None)')",
    "hashed": "md5(b)",
    "case_of": "case when a > 1 then 1 else 2.5 end",
    "coalesced": "coalesce(f, 0)",
    "regex": "regexp_match(b, '(x)')",
    "split": "string_to_array(b, ',')",
}


def test_the_schema_of_a_task_is_the_one_that_its_table_gets(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    (tmp_path / "data").mkdir()
    rows = {
        "a": pa.array([1, 2], pa.int64()),
        "u": pa.array([1, 2], pa.uint32()),
        "f": pa.array([1.5, None], pa.float32()),
        "b": pa.array(["x", "y"], pa.string()),
    }
    pq.write_table(pa.table(rows), tmp_path / "data/s.parquet")
    chosen = ", ".join(f"{text} as {name}" for name, text in EXPRESSIONS.items())
    made.sql("k", f"select {chosen} from s")
    made.sql("below", "select * from k")
    made.built()
    with api.opened(tmp_path) as workspace:
        engine = workspace.engine()
        for output in ("k", "below"):
            evidence = engine.evidence(output)
            assert evidence is not None
            assert evidence.schema == workspace.graph.tasks[f"compute.{output}"].schema
        engine.close()
    assert made.built() == {}


def test_what_ibis_believes_is_what_the_table_gets_where_nothing_is_lost(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"a": [3, 1], "b": ["x", "y"]})
    made.python(
        "k",
        """
        @compute
        def k(catalog: Catalog) -> ibis.Table:
            s = catalog.table("s")
            return s.select(
                n=ibis.row_number().over(order_by=s.a),
                small=ibis.literal(1, "int8"),
                upper=s.b.upper(),
                half=s.a / 2,
                whole=s.a // 2,
            )
        """,
    )
    made.built()
    with api.opened(tmp_path) as workspace:
        columns = workspace.graph.tasks["compute.k"].schema.columns
        engine = workspace.engine()
        evidence = engine.evidence("k")
        engine.close()
    assert columns == (
        Column("n", "int64"),
        Column("small", "int8"),
        Column("upper", "string"),
        Column("half", "float64"),
        Column("whole", "int64"),
    )
    assert evidence is not None
    assert evidence.schema.columns == columns


def test_columns_of_odd_names_go_through(tmp_path: Path) -> None:
    names = ["a b", "c.d", 'q"x', "Upper", "1st", "é", "a,b", "select"]
    made = through(tmp_path, pa.table({n: [i] for i, n in enumerate(names)}))
    assert made.table("below").to_pylist() == [{n: i for i, n in enumerate(names)}]
    assert made.built() == {}


def test_columns_that_differ_by_case_alone_are_refused_before_anything_runs(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v", 'select 1 as "a", 2 as "A"', "view")
    made.sql("fine", 'select "a" as x from v')
    made.built()
    made.sql("k", "select * from v")
    with pytest.raises(QueryInvalid, match="`a` and `A` differ by case alone"):
        made.build()


def test_a_type_that_delta_cannot_hold_is_refused_before_anything_runs(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("v", "select interval '1 month' as span", "view")
    made.sql("k", "select date '2020-01-31' + span as day from v")
    made.built()
    made.sql("bad", "select span from v")
    with pytest.raises(QueryInvalid, match="column `span` cannot be stored"):
        made.build()
