"""The SQL of Ibis expressions says all that the expression means."""

import datetime as dt
import subprocess
import sys

import datafusion
import ibis
import pyarrow as pa
import pytest

from cpgbuild.plan.dialect import compile_table, render
from cpgbuild.plan.types import to_text

T = pa.table(
    {"a": pa.array([1, 200, None], pa.int64()), "s": ["1", "x", None], "b": [True, False, None]}
)
t = ibis.table(ibis.Schema.from_pyarrow(T.schema), name="t")


def sql(value: ibis.Value) -> str:
    return render(compile_table(t.select(out=value)))


def typed(value: ibis.Value) -> str:
    ctx = datafusion.SessionContext()
    ctx.register_record_batches("t", [T.to_batches()])
    return to_text(ctx.sql(sql(value)).schema().field("out").type)


@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "decimal(20, 3)",
        "decimal(40, 3)",
        "string",
        "binary",
        "date",
        "time",
        "timestamp(6)",
        "timestamp('UTC', 6)",
        "timestamp('Europe/Paris', 6)",
        "array<int64>",
        "array<uint8>",
    ],
)
def test_a_null_literal_has_its_type(dtype):
    assert typed(ibis.null(dtype)) == dtype


@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "int16",
        "int32",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "decimal(20, 3)",
    ],
)
def test_a_cast_gives_its_type(dtype):
    assert typed(t.a.cast(dtype)) == dtype


@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "uint8",
        "int64",
        "float32",
        "date",
        "timestamp(6)",
        "timestamp('UTC', 6)",
        "decimal(20, 3)",
    ],
)
def test_a_try_cast_gives_its_type(dtype):
    assert typed(t.s.try_cast(dtype)) == dtype


@pytest.mark.parametrize(
    "dtype",
    ["int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"],
)
def test_a_typed_literal_has_its_type(dtype):
    assert typed(ibis.literal(1, dtype)) == dtype


def test_what_ibis_own_compiler_confuses_is_told_apart():
    pairs = [
        (t.a.cast("int8"), t.a.cast("int16")),
        (ibis.literal(1, "int16"), ibis.literal(1, "int32")),
        (ibis.literal(0.1, "float32"), ibis.literal(0.1, "float64")),
        (t.s.try_cast("int64"), t.s.cast("int64")),
        (ibis.literal(float("inf")), ibis.literal(float("-inf"))),
        (t.a.cast("float16"), t.a.cast("float32")),
        (ibis.null("timestamp('UTC', 6)"), ibis.null("timestamp(6)")),
    ]
    for one, other in pairs:
        assert sql(one) != sql(other)


def test_boolean_and_integer_xor_parse():
    assert "#" not in sql(t.a ^ 3)
    assert typed(t.a ^ 3) == "int64"
    assert typed(t.b ^ t.b) == "boolean"


def test_the_text_is_the_same_in_every_process():
    code = "import ibis; from cpgbuild.plan.dialect import *; t = ibis.table({'a': 'int64', 's': 'string'}, name='t'); j = t.filter(t.a.isin([3, 1, 2])).join(t.view(), 'a'); print(render(compile_table(j.group_by('s').agg(n=j.a.max()))))"
    env = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**env, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert texts != {""}


def test_the_field_of_a_null_struct_is_null():
    rows = pa.table({"st": pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())]))})
    s = ibis.table(ibis.Schema.from_pyarrow(rows.schema), name="s")
    ctx = datafusion.SessionContext()
    ctx.register_record_batches("s", [rows.to_batches()])
    out = ctx.sql(render(compile_table(s.select(out=s.st.x)))).to_arrow_table()["out"]
    assert out.to_pylist() == [1, None]
    bare = ctx.sql("select st['x'] as out from s").to_arrow_table()["out"]
    assert bare.to_pylist() == [1, 0], "DataFusion answers rightly now: visit_StructField can go"


ZONED = {
    "date": (lambda z: z.date(), dt.date(2024, 1, 1)),
    "hour": (lambda z: z.hour(), 0),
    "year": (lambda z: z.year(), 2024),
    "day": (lambda z: z.truncate("D"), dt.datetime(2023, 12, 31, 23, tzinfo=dt.UTC)),
    "epoch": (lambda z: z.epoch_seconds(), 1704065400),
    "another zone": (
        lambda z: z.cast("timestamp('UTC')"),
        dt.datetime(2023, 12, 31, 23, 30, tzinfo=dt.UTC),
    ),
    "a literal with an offset": (lambda z: z > ibis.timestamp("2024-01-01T01:00:00+02:00"), True),
    "days over a change of the clocks": (
        lambda z: (z + ibis.interval(months=6)).delta(z, unit="day"),
        182,
    ),
}


@pytest.mark.parametrize("what", ZONED)
def test_a_zoned_timestamp_is_read_in_its_zone(what):
    of, expected = ZONED[what]
    stamp = dt.datetime(2023, 12, 31, 23, 30, tzinfo=dt.UTC)  # half past midnight in Paris
    rows = pa.table({"z": pa.array([stamp], pa.timestamp("us", "Europe/Paris"))})
    z = ibis.table(ibis.Schema.from_pyarrow(rows.schema), name="z")
    ctx = datafusion.SessionContext()
    ctx.register_record_batches("z", [rows.to_batches()])
    out = ctx.sql(render(compile_table(z.select(out=of(z.z))))).to_arrow_table()["out"]
    assert out.to_pylist() == [expected]
