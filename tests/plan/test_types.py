"""The type policy: notation, logical and storage types, casts, reconciliation."""

import datetime as dt
from decimal import Decimal

import datafusion
import deltalake
import ibis
import pyarrow as pa
import pytest
from datafusion import col

from cpgbuild.plan.types import (
    TYPE_KEY,
    LossyCast,
    Unstorable,
    from_text,
    logical_schema,
    normalise,
    normalise_schema,
    reading_casts,
    reconcile,
    storage,
    storage_schema,
    to_storage,
    to_text,
)

PARIS = pa.timestamp("us", "Europe/Paris")
TEXTS = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int8": pa.int8(),
    "uint64": pa.uint64(),
    "float16": pa.float16(),
    "float32": pa.float32(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("ns"),
    "interval('us')": pa.duration("us"),
    "interval('D')": pa.month_day_nano_interval(),
    "decimal(12, 2)": pa.decimal128(12, 2),
    "decimal(50, -3)": pa.decimal256(50, -3),
    "timestamp(6)": pa.timestamp("us"),
    "timestamp('UTC', 6)": pa.timestamp("us", "UTC"),
    "timestamp('+02:00', 6)": pa.timestamp("us", "+02:00"),
    "array<uint8>": pa.list_(pa.field("item", pa.uint8())),
    "map<string, array<int64>>": pa.map_(pa.string(), pa.list_(pa.field("item", pa.int64()))),
    "struct<>": pa.struct([]),
    'struct<a: int32, "b c": struct<é: time>>'.replace("é", '"é"'): pa.struct(
        [("a", pa.int32()), ("b c", pa.struct([("é", pa.time64("ns"))]))]
    ),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_type_has_one_text(text):
    assert to_text(TEXTS[text]) == text
    assert from_text(text) == TEXTS[text]
    assert normalise(TEXTS[text]) == TEXTS[text]


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\\b", "a\nb", "a>b", "a: int8", "", " ", "ü"])
def test_any_field_name_survives(name):
    t = pa.struct([(name, pa.int8()), ("z", pa.int8())])
    assert from_text(to_text(t)) == t


@pytest.mark.parametrize("t", [t for t in TEXTS.values() if not pa.types.is_struct(t)])
def test_ibis_reads_the_notation(t):
    if not pa.types.is_decimal256(t):  # Ibis' parser takes no negative scale
        assert normalise(ibis.dtype(to_text(t)).to_pyarrow()) == t


@pytest.mark.parametrize(
    "text", ["map<!string, !int64>", "timestamp", "timestamp('UTC')", "timestamp( 'UTC' ,6 )"]
)
def test_what_ibis_writes_is_read(text):
    assert from_text(text) == normalise(ibis.dtype(text).to_pyarrow())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int",
        "array<int8",
        "array<>",
        "decimal",
        "decimal(0, 0)",
        "decimal(99, 1)",
        "timestamp(7)",
        "timestamp(6, 'UTC')",
        "struct<a int8>",
        "int8 int8",
        "map<int8>",
        "interval('x')",
        "int8;",
        "timestamp('UTC",
    ],
)
def test_what_is_no_type_is_an_error_that_shows_it(text):
    with pytest.raises(ValueError, match="not a type") as caught:
        from_text(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "logical"),
    [
        (pa.string_view(), "string"),
        (pa.large_string(), "string"),
        (pa.binary_view(), "binary"),
        (pa.binary(4), "binary"),
        (pa.dictionary(pa.int8(), pa.large_string()), "string"),
        (pa.run_end_encoded(pa.int32(), pa.int8()), "int8"),
        (pa.large_list(pa.string_view()), "array<string>"),
        (pa.list_(pa.int8(), 3), "array<int8>"),
        (pa.list_view(pa.date64()), "array<date>"),
        (pa.list_(pa.field("element", pa.int8(), nullable=False)), "array<int8>"),
        (pa.date64(), "date"),
        (pa.timestamp("ns", "UTC"), "timestamp('UTC', 6)"),
        (pa.timestamp("s"), "timestamp(6)"),
        (pa.time32("ms"), "time"),
        (pa.duration("ns"), "interval('us')"),
        (pa.decimal256(38, 2), "decimal(38, 2)"),
        (pa.decimal32(5, 2), "decimal(5, 2)"),
        (pa.uuid(), "binary"),
        (pa.struct([pa.field("a", pa.large_binary(), nullable=False)]), "struct<a: binary>"),
        (pa.map_(pa.string_view(), pa.date64()), "map<string, date>"),
    ],
)
def test_layouts_of_one_set_of_values_are_one_type(layout, logical):
    t = normalise(layout)
    assert to_text(t) == logical
    assert t == from_text(logical)
    assert normalise(t) == t


def test_a_list_calls_its_child_item_and_every_level_is_nullable():
    t = normalise(
        pa.list_(
            pa.field(
                "element", pa.struct([pa.field("a", pa.int8(), nullable=False)]), nullable=False
            )
        )
    )
    assert t.value_field.name == "item"
    assert t.value_field.nullable
    assert t.value_type.field("a").nullable
    assert storage(t).value_field.name == "element"


def test_a_schema_loses_metadata_and_not_null():
    s = pa.schema(
        [pa.field("a", pa.large_string(), nullable=False, metadata={"x": "y"})], metadata={"p": "q"}
    )
    assert normalise_schema(s).equals(pa.schema([("a", pa.string())]), check_metadata=True)


STORED = {
    "u8": pa.array([1, 255, None], pa.uint8()),
    "u16": pa.array([1, 2**16 - 1, None], pa.uint16()),
    "u32": pa.array([1, 2**32 - 1, None], pa.uint32()),
    "u64": pa.array([1, 2**64 - 1, None], pa.uint64()),
    "f16": pa.array([1.5, 65504.0, None], pa.float16()),
    "time": pa.array([dt.time(1, 2, 3, 4), dt.time.max, None], pa.time64("ns")),
    "duration": pa.array(
        [dt.timedelta(days=1, microseconds=1), dt.timedelta(-1), None], pa.duration("us")
    ),
    "wide": pa.array(
        [Decimal(10) ** 45 + Decimal("0.5"), Decimal("-1.5"), None], pa.decimal256(50, 3)
    ),
    "paris": pa.array([dt.datetime(2024, 3, 31, 1, tzinfo=dt.UTC), None, None], PARIS),
    "list": pa.array([[1, None, 2**64 - 1], [], None], pa.list_(pa.uint64())),
    "struct": pa.array(
        [{"a": 1, "b": dt.time(1)}, {"a": None, "b": None}, None],
        pa.struct([("a", pa.uint32()), ("b", pa.time64("ns"))]),
    ),
    "deep": pa.array(
        [[{"m": [("k", 255)]}], [None, {"m": None}], None],
        pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.uint8()))])),
    ),
    "plain": pa.array(["x", "", None]),
    "decimal": pa.array([Decimal("1.23"), Decimal("-9.99"), None], pa.decimal128(12, 2)),
    "utc": pa.array(
        [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None, None], pa.timestamp("us", "UTC")
    ),
    "nothing": pa.nulls(3),
}


def test_every_type_comes_back_from_delta_through_datafusion(tmp_path):
    rows = pa.table(STORED)
    schema = normalise_schema(rows.schema)
    batch = to_storage(rows.combine_chunks().to_batches()[0], schema)
    assert batch.schema.equals(storage_schema(schema), check_metadata=True)
    deltalake.write_deltalake(tmp_path / "t", pa.Table.from_batches([batch]))

    table = deltalake.DeltaTable(tmp_path / "t")
    stored = pa.schema(table.schema())
    assert logical_schema(stored) == schema
    casts = reading_casts(stored)
    assert casts == reading_casts(schema)
    assert casts.keys() == STORED.keys() - {"plain", "decimal", "utc", "nothing"}

    ctx = datafusion.SessionContext()
    ctx.register_table("t", table)
    frame = ctx.table("t").select(
        *(
            col(f'"{n}"').cast(casts[n]).alias(n) if n in casts else col(f'"{n}"')
            for n in schema.names
        )
    )
    assert normalise_schema(frame.schema()) == schema
    assert frame.to_arrow_table().cast(schema).equals(rows.cast(schema))


def test_only_what_differs_is_noted():
    s = storage_schema(
        pa.schema([("a", pa.int64()), ("l", pa.list_(pa.int8())), ("u", pa.list_(pa.uint8()))])
    )
    assert s.field("a").metadata is None
    assert s.field("l").metadata is None
    assert s.field("u").metadata == {TYPE_KEY: b"array<uint8>"}
    assert storage_schema(s).equals(s, check_metadata=True)


@pytest.mark.parametrize("note", [b"uint8", b"array<uint32>", b"rubbish", b"\xff"])
def test_a_note_that_does_not_fit_its_column_is_not_believed(note):
    s = pa.schema([pa.field("a", pa.int64(), metadata={TYPE_KEY: note})])
    assert logical_schema(s) == pa.schema([("a", pa.int64())])


@pytest.mark.parametrize(
    "t", [pa.month_day_nano_interval(), pa.list_(pa.month_day_nano_interval())]
)
def test_what_delta_cannot_hold_says_so(t):
    with pytest.raises(Unstorable, match="Delta tables cannot hold"):
        storage(t)


@pytest.mark.parametrize(
    ("array", "logical"),
    [
        (pa.array([1001], pa.timestamp("ns")), pa.timestamp("us")),
        (pa.array([[1001]], pa.list_(pa.timestamp("ns"))), pa.list_(pa.timestamp("us"))),
        (pa.array([1], pa.duration("ns")), pa.duration("us")),
        (pa.array([300]), pa.uint8()),
        (pa.array([-1]), pa.uint64()),
        (pa.array([Decimal("1.25")]), pa.decimal128(4, 1)),
        (pa.array([Decimal("123.4")]), pa.decimal128(3, 1)),
        (pa.array([1.5]), pa.int64()),
    ],
)
def test_a_lost_value_is_an_error(array, logical):
    with pytest.raises(pa.ArrowInvalid):
        to_storage(pa.record_batch({"a": array}), pa.schema([("a", logical)]))


def test_a_batch_in_the_engines_layouts_is_stored_by_name():
    batch = pa.record_batch(
        {
            "t": pa.array([dt.time(0, 0, 1)], pa.time32("s")),
            "s": pa.array(["x"], pa.string_view()),
            "d": pa.array(["y"]).dictionary_encode(),
            "extra": pa.array([1]),
        }
    )
    schema = pa.schema([("s", pa.string()), ("d", pa.string()), ("t", pa.time64("ns"))])
    assert to_storage(batch, schema).to_pylist() == [{"s": "x", "d": "y", "t": 1_000_000_000}]
    with pytest.raises(KeyError):
        to_storage(batch, pa.schema([("missing", pa.int8())]))


@pytest.mark.parametrize(
    ("believed", "real", "boundary"),
    [
        ("int64", "int64", "int64"),
        ("string", "string", "string"),
        ("int64", "decimal(21, 0)", "int64"),  # row_number() - 1
        ("int64", "uint64", "int64"),
        ("int8", "int64", "int8"),
        ("uint8", "int64", "uint8"),
        ("float64", "int64", "float64"),
        ("float64", "decimal(10, 2)", "float64"),
        ("float64", "float32", "float64"),
        ("float32", "float64", "float64"),
        ("float32", "int16", "float32"),
        ("float16", "int8", "float16"),
        ("decimal(12, 2)", "decimal(38, 6)", "decimal(38, 6)"),
        ("decimal(12, 2)", "int64", "decimal(12, 2)"),
        ("timestamp(6)", "timestamp('UTC', 6)", "timestamp('UTC', 6)"),
        ("timestamp('UTC', 6)", "timestamp(9)", "timestamp(6)"),
        ("timestamp(6)", "date", "timestamp(6)"),
        ("interval('D')", "interval('us')", "interval('us')"),
        ("int64", "boolean", "int64"),
        ("binary", "string", "binary"),
        ("int64", "null", "int64"),
        ("null", "string", "string"),
        ("array<int8>", "array<int64>", "array<int8>"),
        ("array<string>", "array<null>", "array<string>"),
        (
            "struct<a: int8, b: timestamp(6)>",
            "struct<a: int64, b: timestamp('UTC', 6)>",
            "struct<a: int8, b: timestamp('UTC', 6)>",
        ),
        ("map<string, int8>", "map<string, int64>", "map<string, int8>"),
    ],
)
def test_a_boundary_type_keeps_what_both_mean(believed, real, boundary):
    assert to_text(reconcile("c", from_text(believed), from_text(real))) == boundary


@pytest.mark.parametrize(
    ("believed", "real"),
    [
        ("int64", "float64"),
        ("int64", "decimal(10, 2)"),
        ("date", "string"),
        ("date", "timestamp(6)"),
        ("timestamp('UTC', 6)", "date"),
        ("string", "int64"),
        ("string", "binary"),
        ("boolean", "int64"),
        ("decimal(10, 2)", "float64"),
        ("float32", "int32"),
        ("time", "interval('us')"),
        ("array<int64>", "array<float64>"),
        ("array<int64>", "int64"),
        ("struct<a: int64>", "struct<b: int64>"),
        ("struct<a: int64, b: int64>", "struct<b: int64, a: int64>"),
        ("struct<a: int64>", "struct<a: int64, b: int64>"),
        ("map<string, int64>", "map<string, string>"),
        ("map<string, int64>", "array<struct<key: string, value: int64>>"),
    ],
)
def test_a_boundary_that_could_lose_something_is_an_error(believed, real):
    with pytest.raises(LossyCast) as caught:
        reconcile("total", from_text(believed), from_text(real))
    assert (
        caught.value.name,
        to_text(caught.value.ibis_type),
        to_text(caught.value.engine_type),
    ) == ("total", believed, real)
    assert (
        str(caught.value)
        == f"column `total` is {believed} in the expression and {real} in the engine"
    )
