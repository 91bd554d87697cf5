"""Row hashes: fingerprints are equal exactly where the rows are, as multisets of values."""

from __future__ import annotations

import hashlib
import math
import os
import random
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.engine import kernels, vectors
from cpgbuild.engine.loops import CHOICE
from cpgbuild.engine.rowhash import BLOCK_ROWS as CHUNK
from cpgbuild.engine.rowhash import RowHash
from tests.property.profiles import laws

TEXT = pa.string()
TEXTS = pa.list_(TEXT)
INTS = pa.list_(pa.int64())
NAN = float("nan")


@pytest.fixture(
    autouse=True, params=[vectors, kernels], ids=["by numpy", "compiled"], scope="module"
)
def loops(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """All that is hashed here is hashed in both ways."""
    before = CHOICE.spent, CHOICE.compiled
    CHOICE.spent = -math.inf
    CHOICE.compiled = request.param if request.param is kernels else None
    yield request.param
    CHOICE.spent, CHOICE.compiled = before


def of(rows: pa.Table | pa.RecordBatch, *names: str, size: int | None = None) -> str:
    """The fingerprint of a table for some columns, or for all of them."""
    columns = tuple(sorted(names or rows.schema.names))
    hashed = RowHash([columns])
    for batch in [rows] if isinstance(rows, pa.RecordBatch) else rows.to_batches(size):
        hashed.update(batch)
    return hashed.fingerprints()[columns]


def column(values: Any, kind: pa.DataType | None = None) -> str:
    array = values if isinstance(values, pa.Array) else pa.array(values, kind)
    return of(pa.record_batch({"c": array}))


def table(*rows: tuple[object, ...]) -> pa.Table:
    return pa.table({f"c{i}": list(values) for i, values in enumerate(zip(*rows, strict=True))})


# --- what must differ


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [None, 0, 1, -1, 1 << 62, -(1 << 63)]),
        (pa.uint64(), [None, 0, 1, (1 << 64) - 1, 1 << 63]),
        (pa.bool_(), [None, False, True]),
        (pa.float64(), [None, 0.0, -0.0, NAN, float("inf"), float("-inf"), 5e-324, 1.0]),
        (pa.float32(), [None, 0.0, -0.0, NAN, float("inf"), 1.0]),
        (pa.float16(), [None, *(np.float16(v) for v in (0.0, -0.0, NAN, 1.0))]),
        (pa.string(), [None, "", "\0", "\0\0", "a", "a\0", "b", "a" * 8, "a" * 8 + "\0"]),
        (pa.decimal128(38), [None, *map(Decimal, (0, 1, -1, 1 << 64, (1 << 64) + 1, -(1 << 64)))]),
        (pa.decimal256(76), [None, *map(Decimal, (0, 1, -1, 1 << 64, 1 << 128, 1 << 192))]),
        (
            pa.month_day_nano_interval(),
            [None, *map(pa.MonthDayNano, ([0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]))],
        ),
        (INTS, [None, [], [None], [None, None], [1], [1, None], [None, 1], [0], [1, 2], [2, 1]]),
        (pa.list_(INTS), [None, [], [None], [[]], [[], []], [[1], [2]], [[1, 2]], [[1, 2], []]]),
        (TEXTS, [None, [], [None], [""], ["", ""], ["ab", "c"], ["a", "bc"], ["abc"]]),
        (
            pa.struct({"x": pa.int64(), "y": pa.int64()}),
            [None]
            + [{"x": x, "y": y} for x, y in [(None, None), (None, 1), (1, None), (1, 2), (2, 1)]],
        ),
        (
            pa.struct({"x": pa.struct({"y": pa.int64()})}),
            [None, {"x": None}, {"x": {"y": None}}, {"x": {"y": 0}}],
        ),
        (
            pa.map_(pa.string(), pa.int64()),
            [
                *(None, [], [("a", None)], [("a", 1)], [("", 1)]),
                *([("a", 1), ("b", 2)], [("b", 2), ("a", 1)], [("a", 2), ("b", 1)]),
            ],
        ),
        (pa.list_(pa.null()), [None, [], [None], [None, None]]),
    ],
    ids=str,
)
def test_values_that_differ_have_other_hashes(kind: pa.DataType, values: list[object]) -> None:
    alone = [column([value], kind) for value in values]
    assert len(set(alone)) == len(values)
    items = [column([[value]], pa.list_(kind)) for value in values]
    assert len(set(items)) == len(values)
    fields = [column([{"f": value}], pa.struct({"f": kind})) for value in values]
    assert len(set(fields)) == len(values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([(None, "x")], [("x", None)]),
        ([("ab", "c")], [("a", "bc")]),
        ([(1, 2)], [(2, 1)]),
        ([(1, 1)], [(2, 2)]),
        # Each column has the same values; which stand together differs.
        ([(1, 1), (2, 2)], [(1, 2), (2, 1)]),
        ([("a", 1), ("b", 2)], [("b", 1), ("a", 2)]),
        ([(1, 0.5), (1, None)], [(None, 0.5), (1, 1.5)]),
        # How often counts, for what exclusive or would not see as well.
        ([(1, 1), (1, 1)], [(2, 2), (2, 2)]),
        ([(1, 1), (1, 1), (2, 2)], [(1, 1), (2, 2), (2, 2)]),
    ],
)
def test_rows_that_differ_have_other_fingerprints(one: list[Any], other: list[Any]) -> None:
    assert of(table(*one)) != of(table(*other))


def test_rows_that_are_there_twice_count_twice() -> None:
    none, one, two = (column(["a"] * n, pa.string()) for n in (0, 1, 2))
    assert len({none, one, two}) == 3
    assert column([None], pa.null()) != column([None, None], pa.null())


def test_a_set_without_columns_counts_rows() -> None:
    hashed = RowHash([(), ("c0",)])
    for batch in table((1, 2), (3, 4)).to_batches():
        hashed.update(batch)
    assert hashed.fingerprints()[()].startswith("2-")
    assert len(set(hashed.fingerprints().values())) == 2


def test_the_name_of_a_column_counts() -> None:
    assert of(pa.table({"a": [1]})) != of(pa.table({"b": [1]}))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 41, 100, 5000])
def test_strings_differ_by_any_byte_and_by_length(length: int) -> None:
    text = bytes(i % 251 for i in range(length))
    near = {text, text + b"\0", text + b"\0" * 8, b"\0" + text}
    for at in range(length) if length < 200 else (0, 8, 31, 32, 33, 4095, length - 1):
        near.add(text[:at] + bytes([text[at] ^ 0x80]) + text[at + 1 :])
        near.add(text[:at] + text[at + 1 :])
    for at in range(min(length, 200) - 15):  # neighbouring words change places
        near.add(text[:at] + text[at + 8 : at + 16] + text[at : at + 8] + text[at + 16 :])
    assert len({column([one], pa.binary()) for one in near}) == len(near)


def test_a_string_has_the_same_hash_beside_whichever_strings() -> None:
    """Several ways of reading are chosen by what else is in a batch."""
    random_ = random.Random(0)
    alone = [bytes(random_.randbytes(n)) for n in [*range(70), 200, 1000, 70_000, 600_000]]
    fingerprints = {text: column([text], pa.binary()) for text in alone}
    total = sums(*fingerprints.values())
    for _ in range(20):
        random_.shuffle(alone)
        assert sums(column(alone, pa.binary())) == total
    short = [b"x"] * CHUNK
    several = sums(*fingerprints.values(), *[column([b"x"])] * CHUNK)
    assert sums(column(short + alone)) == several


def sums(*fingerprints: str) -> list[int]:
    """What two lanes of fingerprints add up to."""
    lanes = [f.split("-")[1] for f in fingerprints]
    return [sum(int(f[at : at + 16], 16) for f in lanes) % (1 << 64) for at in (0, 16)]


# --- what must be the same


@pytest.mark.parametrize(
    "kinds",
    [
        [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
        [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)],
        [
            *(TEXTS, pa.large_list(pa.string()), pa.list_view(pa.string())),
            *(pa.large_list_view(pa.string_view()), pa.list_(pa.dictionary(pa.int32(), TEXT))),
        ],
        [pa.list_(pa.string(), 2), pa.list_(pa.string())],
        [pa.decimal32(5, 1), pa.decimal64(5, 1), pa.decimal128(5, 1)],
        [pa.run_end_encoded(pa.int32(), pa.string()), pa.string()],
        [pa.run_end_encoded(pa.int16(), pa.int64()), pa.int64(), pa.int8()],
    ],
    ids=str,
)
def test_layouts_of_the_same_values_are_alike(kinds: list[pa.DataType]) -> None:
    first = kinds[0]
    if pa.types.is_nested(first) and not pa.types.is_run_end_encoded(first):
        values: list[Any] = [["a", "bc" * 10], None, ["", None], ["a", "a"]]
    elif any(pa.types.is_decimal(k) for k in kinds):
        values = [Decimal("1.5"), None, Decimal("-0.1"), Decimal("1.5")]
    elif any(pa.types.is_integer(k) for k in kinds):
        values = [1, 1, None, None, -3]
    else:
        values = ["ab", "ab", None, "cd"] if pa.binary(2) in kinds else ["a", "b" * 40, None, ""]
        values = [v.encode() if v and "binary" in str(kinds) else v for v in values]
    arrays = [made(values, kind) for kind in kinds]
    assert len({column(array) for array in arrays}) == 1
    for start in range(len(values)):
        assert len({column(array.slice(start, 2)) for array in arrays}) == 1


def made(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_run_end_encoded(kind):
        plain = pa.array(values, kind.value_type)
        return pa.RunEndEncodedArray.from_arrays(
            pa.array(range(1, len(values) + 1), kind.run_end_type), plain
        )
    return pa.array(values, kind)


class Celsius(pa.ExtensionType):
    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.celsius")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""


def test_an_extension_type_is_its_storage() -> None:
    plain = pa.array([1, None, 3, 4])
    extended = pa.ExtensionArray.from_storage(Celsius(), plain)
    assert column(extended) == column(plain)
    assert column(extended.slice(1, 2)) == column(plain.slice(1, 2))


def test_the_fields_of_a_struct_and_the_columns_of_a_set_have_names_and_no_order() -> None:
    one, other = pa.array([1, None]), pa.array(["a", "b"])
    assert column(pa.StructArray.from_arrays([one, other], ["x", "y"])) == column(
        pa.StructArray.from_arrays([other, one], ["y", "x"])
    )
    assert of(pa.table({"x": one, "y": other})) == of(pa.table({"y": other, "x": one}))


def test_two_fields_of_one_name_are_told_apart() -> None:
    a, b = pa.array([1]), pa.array([2])
    twice = [pa.StructArray.from_arrays(pair, ["x", "x"]) for pair in ([a, b], [b, a])]
    assert column(twice[0]) != column(twice[1])


def test_the_names_of_a_maps_entries_do_not_count() -> None:
    named = pa.map_(pa.field("keys", pa.string(), nullable=False), pa.field("values", pa.int64()))
    values = [[("a", 1)], None, []]
    assert column(values, named) == column(values, pa.map_(pa.string(), pa.int64()))


def test_what_lies_under_a_null_does_not_count() -> None:
    valid = pa.py_buffer(b"\x05")
    for kind, data in [
        (pa.int64(), [struct.pack("<3q", 1, 99, 3), struct.pack("<3q", 1, 0, 3)]),
        (pa.float64(), [struct.pack("<3d", 1, NAN, 3), struct.pack("<3d", 1, 0, 3)]),
        (pa.bool_(), [b"\x07", b"\x05"]),
    ]:
        arrays = [pa.Array.from_buffers(kind, 3, [valid, pa.py_buffer(d)]) for d in data]
        assert column(arrays[0]) == column(arrays[1]) == column(arrays[0].to_pylist(), kind)
    ends = pa.py_buffer(struct.pack("<4i", 0, 1, 3, 4))
    text = pa.StringArray.from_buffers(3, ends, pa.py_buffer(b"axxb"), valid)
    assert column(text) == column(["a", None, "b"])
    items = pa.ListArray.from_buffers(
        pa.list_(pa.int64()), 3, [valid, ends], -1, 0, [pa.array([1, 2, 3, 4])]
    )
    assert column(items) == column([[1], None, [4]])
    parts = pa.StructArray.from_arrays(
        [pa.array([1, 2, 3])], ["x"], mask=pa.array([False, True, False])
    )
    assert column(parts) == column([{"x": 1}, None, {"x": 3}])
    index = pa.Array.from_buffers(
        pa.int32(), 3, [valid, pa.py_buffer(struct.pack("<3i", 0, 77, 1))]
    )
    coded = pa.DictionaryArray.from_arrays(index, pa.array(["a", "b"]), safe=False)
    assert column(coded) == column(["a", None, "b"])


def test_a_dictionary_may_be_empty_longer_than_the_column_or_hold_nulls() -> None:
    index = pa.array([None, None], pa.int8())
    assert column(pa.DictionaryArray.from_arrays(index, pa.array([], pa.string()))) == column(
        [None, None], pa.string()
    )
    long = pa.DictionaryArray.from_arrays(pa.array([2, None, 0]), pa.array(list("abcdef")))
    assert column(long) == column(["c", None, "a"])
    holed = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    assert column(holed) == column(["a", None, None])


def test_every_nan_is_the_same() -> None:
    bits = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FFFFFFFFFFFFFFF]
    nans = [pa.array(np.array([b], "<u8").view("<f8")) for b in bits]
    assert len({column(nan) for nan in nans}) == 1


def test_batches_of_no_rows_change_nothing() -> None:
    rows = table((1, "a"), (2, "b"))
    hashed = RowHash([("c0", "c1")])
    for batch in [rows.slice(0, 0), rows.slice(0, 1), rows.slice(1, 0), rows.slice(1)]:
        for part in batch.to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]:
            hashed.update(part)
    assert hashed.fingerprints()["c0", "c1"] == of(rows)
    assert RowHash([("c0",)]).fingerprints()["c0",] == column([], pa.int64())


def test_batches_may_be_large() -> None:
    count = 3 * CHUNK + 5
    numbers = np.arange(count)
    rows = pa.table(
        {
            "number": numbers,
            "text": pa.array(numbers).cast(pa.string()),
            "list": pa.ListArray.from_arrays(
                pa.array(np.arange(0, 3 * count + 1, 3), pa.int32()), pa.array(np.arange(3 * count))
            ),
        }
    )
    assert of(rows) == of(rows.take(np.random.default_rng(0).permutation(count)), size=1000)
    assert of(rows) != of(rows.slice(1))


@pytest.mark.parametrize("length", [3, 20, 50])
def test_strings_that_are_there_often_have_the_hashes_of_rare_ones(length: int) -> None:
    few = [None, *(f"{i}" * length for i in range(5))]
    often = pa.array(few * 2000, pa.string())
    assert sums(column(often)) == sums(*[column([one], pa.string()) for one in few] * 2000)
    assert column(often) == column(often.cast(pa.string_view()))


def test_a_list_may_be_longer_than_what_is_hashed_at_a_time() -> None:
    long = [list(range(2 * CHUNK + 3)), [], None, list(range(5))]
    last = [*long[0][:-1], 0]
    assert column(long, INTS) == column([long[3], None, [], long[0]], INTS)
    assert column(long, INTS) != column([last, *long[1:]], INTS)


# --- the law


LEAVES = [
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.bool_(), pa.null(), pa.float16(), pa.float32(), pa.float64(), pa.string(), pa.binary()),
    *(pa.large_string(), pa.large_binary(), pa.string_view(), pa.binary_view(), pa.binary(3)),
    *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp("us"), pa.timestamp("s", "Europe/Paris"), pa.duration("ms"), pa.duration("us")),
    *(pa.decimal32(5), pa.decimal64(15), pa.decimal128(38), pa.decimal256(76)),
    pa.month_day_nano_interval(),
]
KINDS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(pa.list_view),
        inner.map(pa.large_list_view),
        inner.map(lambda kind: pa.list_(kind, 2)),
        inner.map(lambda kind: pa.map_(pa.string(), kind)),
        st.lists(inner, max_size=3).map(
            lambda kinds: pa.struct([(f"f{i}", kind) for i, kind in enumerate(kinds)])
        ),
    ),
    max_leaves=4,
)


def few_values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Few values of a type, so that rows are alike often."""
    return st.one_of(st.none(), _few_values(kind))


def _few_values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    t = pa.types
    if t.is_null(kind):
        return st.none()
    if t.is_boolean(kind):
        return st.booleans()
    if t.is_floating(kind):
        return st.sampled_from([0.0, -0.0, 1.0, NAN]).map(
            np.float16 if t.is_float16(kind) else float
        )
    if t.is_fixed_size_binary(kind):
        return st.sampled_from([b"\0\0\0", b"abc"])
    if t.is_decimal(kind):
        return st.sampled_from([Decimal(0), Decimal(1), Decimal(-1)])
    if t.is_interval(kind):
        return st.sampled_from([pa.MonthDayNano(v) for v in ([0, 0, 1], [1, 0, 0])])
    if t.is_struct(kind):
        return st.fixed_dictionaries({f.name: few_values(f.type) for f in kind})
    if t.is_map(kind):
        entry = st.tuples(st.sampled_from(["", "a"]), few_values(kind.item_type))
        return st.lists(entry, max_size=2)
    if t.is_fixed_size_list(kind):
        return st.lists(few_values(kind.value_type), min_size=2, max_size=2)
    if t.is_nested(kind):
        return st.lists(few_values(kind.value_type), max_size=3)
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return st.sampled_from(["", "\0", "a", "é" * 4, "b" * 8, "b" * 9, "c" * 33, "c" * 41])
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind):
        return st.sampled_from([b"", b"\0", b"\xff" * 7, b"d" * 16, b"d" * 17, b"e" * 100])
    if t.is_date(kind):
        return st.sampled_from([date(1970, 1, 1), date(1969, 12, 31), date(2024, 2, 29)])
    if t.is_time(kind):
        return st.sampled_from([0, 1000, 77_000])  # Python has no nanoseconds
    # Whole numbers, and what Arrow counts with them.
    return st.sampled_from([0, 1, 77])


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    """A table, and one of the same type whose rows are those or nearly those in another order."""
    kinds = draw(st.lists(KINDS, min_size=1, max_size=3))
    row = st.tuples(*(few_values(kind) for kind in kinds))
    rows = draw(st.lists(row, max_size=6))
    others = draw(st.permutations(rows)) if draw(st.booleans()) else draw(st.lists(row, max_size=6))
    if others and draw(st.booleans()):
        others = [*others[1:], draw(row)]
    return tuple(  # type: ignore[return-value]
        pa.table({f"c{i}": pa.array([r[i] for r in some], kind) for i, kind in enumerate(kinds)})
        for some in (rows, others)
    )


def meaning(rows: pa.Table, *names: str) -> Counter[str]:
    """The oracle: how often each row is there, as the text of its Python values.

    The text tells 0.0 from -0.0, and makes every NaN one.
    """
    values = [_plain(rows[name]) for name in names or sorted(rows.schema.names)]
    return Counter(map(repr, zip(*values, strict=True))) if values else Counter()


def _plain(values: pa.ChunkedArray) -> list[Any]:
    return values.to_pylist(maps_as_pydicts=None)


@laws(300)
@given(tables())
def test_fingerprints_are_equal_exactly_where_the_rows_are(pair: tuple[pa.Table, pa.Table]) -> None:
    one, other = pair
    assert (of(one) == of(other)) == (meaning(one) == meaning(other))
    for name in one.schema.names:
        same = meaning(one, name) == meaning(other, name)
        assert (of(one, name) == of(other, name)) == same


@laws(200)
@given(tables(), st.data())
def test_neither_order_nor_batches_nor_slices_count(
    pair: tuple[pa.Table, pa.Table], data: st.DataObject
) -> None:
    rows = pair[0]
    cut = data.draw(st.integers(0, rows.num_rows))
    parts = [rows.slice(cut), rows.slice(0, cut)]
    assert of(pa.concat_tables(parts), size=data.draw(st.integers(1, 3))) == of(rows)
    anew = pa.Table.from_pylist(parts[0].to_pylist(), schema=rows.schema)
    assert of(parts[0]) == of(anew)


@laws(100)
@given(tables(), st.data())
def test_sets_of_one_pass_are_those_computed_alone(
    pair: tuple[pa.Table, pa.Table], data: st.DataObject
) -> None:
    rows = pair[0]
    names = st.lists(st.sampled_from(rows.schema.names), unique=True)
    sets = data.draw(st.lists(names.map(lambda n: tuple(sorted(n))), max_size=4))
    together = RowHash(sets)
    for batch in rows.to_batches():
        together.update(batch)
    for one in sets:
        alone = RowHash([one])
        for batch in rows.to_batches():
            alone.update(batch)
        assert together.fingerprints()[one] == alone.fingerprints()[one]


# --- the definition


MASK = (1 << 64) - 1
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def finished(x: int) -> int:
    x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCD & MASK
    x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ (x >> 33)


def mixed(a: int, b: int, key_a: int, key_b: int) -> tuple[int, int]:
    a = (a + b * 0x9E3779B97F4A7C15 & MASK) ^ key_a
    a = (a ^ (a >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    a = (a ^ (a >> 27)) * 0x94D049BB133111EB & MASK
    a ^= a >> 31
    return a, finished((b ^ a) + key_b & MASK)


def named(*label: str) -> tuple[int, int]:
    digest = hashlib.blake2b(digest_size=16, person=b"cpgbuild rows")
    for part in label:
        digest.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    return struct.unpack("<QQ", digest.digest())


def murmur(data: bytes, a: int, b: int) -> tuple[int, int]:
    """MurmurHash3_x64_128, word by word as its author wrote it, from a state."""

    def rotated(x: int, bits: int) -> int:
        return (x << bits | x >> 64 - bits) & MASK

    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        one, two = struct.unpack_from("<QQ", data, at)
        a ^= rotated(one * C1 & MASK, 31) * C2 & MASK
        a = ((rotated(a, 27) + b) * 5 + 0x52DCE729) & MASK
        b ^= rotated(two * C2 & MASK, 33) * C1 & MASK
        b = ((rotated(b, 31) + a) * 5 + 0x38495AB5) & MASK
    one, two = struct.unpack("<QQ", data[whole:].ljust(16, b"\0"))
    b ^= rotated(two * C2 & MASK, 33) * C1 & MASK
    a ^= rotated(one * C1 & MASK, 31) * C2 & MASK
    a, b = a ^ len(data), b ^ len(data)
    a = (a + b) & MASK
    a, b = finished(a), finished((b + a) & MASK)
    a = (a + b) & MASK
    return a, (b + a) & MASK


def defined(cell: object, by: tuple[int, int]) -> tuple[int, int]:
    """The hash of a cell by the definition, in Python's own numbers."""
    match cell:
        case None:
            return 0, 0
        case int():
            return mixed(cell & MASK, 0, *by)
        case str():
            return murmur(cell.encode(), *by)
        case list():
            items = [defined(item, named("item of a list")) for item in cell]
            places = [0x9E3779B97F4A7C15 * (i + 1) & MASK for i in range(len(items))]
            placed = [mixed(*item, at, at) for item, at in zip(items, places, strict=True)]
            return mixed(
                len(cell) + sum(p[0] for p in placed) & MASK, sum(p[1] for p in placed) & MASK, *by
            )
        case dict():
            parts = [defined(v, named("field", k, "0")) for k, v in cell.items()]
            return mixed(sum(p[0] for p in parts) & MASK, sum(p[1] for p in parts) & MASK, *by)
    raise AssertionError(cell)


ROWS = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
        "s": st.none() | st.text(max_size=70),
        "l": st.none() | st.lists(st.none() | st.text(max_size=20), max_size=4),
        "d": st.none()
        | st.fixed_dictionaries({"x": st.none() | st.integers(0, 9), "y": st.text()}),
    }
)
SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("s", pa.string()),
        ("l", TEXTS),
        ("d", pa.struct({"x": pa.int8(), "y": pa.string()})),
    ]
)


@laws(200)
@given(st.lists(ROWS, max_size=5))
def test_compiled_loops_compute_what_the_definition_says(rows: list[dict[str, Any]]) -> None:
    names = sorted(SCHEMA.names)
    a = b = 0
    for row in rows:
        cells = [defined(row[name], named("column", name)) for name in names]
        more = mixed(
            sum(c[0] for c in cells) & MASK, sum(c[1] for c in cells) & MASK, *named("row", *names)
        )
        a, b = (a + more[0]) & MASK, (b + more[1]) & MASK
    assert of(pa.Table.from_pylist(rows, SCHEMA)) == f"{len(rows)}-{a:016x}{b:016x}"


@pytest.mark.parametrize("margin", [0, 1, 100])
def test_strings_are_hashed_by_murmur_hash_3(margin: int, loops: ModuleType) -> None:
    """SMHasher's verification value of MurmurHash3_x64_128: hashes of hashes of all lengths."""

    def hashed(data: bytes, seed: int) -> bytes:
        out = np.empty((1, 2), np.uint64)
        around = np.frombuffer(b"\xff" * margin + data + b"\xff" * margin, np.uint8)
        bounds = np.array([margin, margin + len(data)])
        loops.strings(around, bounds, np.uint64(seed), np.uint64(seed), out)
        return out.tobytes()

    every = b"".join(hashed(bytes(range(n)), 256 - n) for n in range(256))
    assert hashed(every, 0)[:4] == (0x6384BA69).to_bytes(4, "little")


def test_values_may_begin_at_any_byte_of_memory() -> None:
    for kind, width in ((pa.int64(), 8), (pa.float32(), 4), (pa.decimal128(38), 16)):
        held = pa.py_buffer(b"x" + bytes(range(2 * width))).slice(1)
        odd = pa.Array.from_buffers(kind, 2, [None, held])
        even = pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(bytes(range(2 * width)))])
        assert column(odd) == column(even)


def test_where_nothing_can_be_kept_or_what_is_kept_is_torn_the_loops_are_compiled_anew(
    tmp_path: Path,
) -> None:
    shutil.copy(kernels.__file__, tmp_path / "kernels.py")
    code = "from kernels import words; print(bool(words.stats.cache_hits))"

    def hits(cache: str) -> str:
        env = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(tmp_path)}
        env |= {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    (tmp_path / "__pycache__").write_text("no folder")
    assert [hits("/dev/null/x"), hits("/dev/null/x")] == ["False", "False"]
    cache = tmp_path / "cache"
    assert [hits(str(cache)), hits(str(cache))] == ["False", "True"]
    for kept in cache.rglob("*.nb?"):
        kept.write_bytes(kept.read_bytes()[:100])
    assert hits(str(cache)) == "False"


# --- what does not change

KNOWN: list[tuple[pa.DataType, list[Any], str]] = [
    (pa.int64(), [1, None, -1], "3-5121a137558d38b2f4ca727dde998d21"),
    (pa.bool_(), [True, False], "2-43fef252edd514e16162bb2846f9efa9"),
    (pa.float64(), [0.5, -0.0, NAN], "3-2b37d8200344852550cd1da18a46b6eb"),
    (
        pa.string(),
        ["", "a", "nine byte", "x" * 33, "y" * 1000],
        "5-7574f1f9d3a0260eaf7550db498ba884",
    ),
    (
        pa.decimal128(38),
        [Decimal(1), Decimal(-1), Decimal(1 << 100)],
        "3-c5dabca6b9f7e7fc933662c663e5a971",
    ),
    (pa.decimal256(76), [Decimal(1 << 200)], "1-8caa43c3ccd8d09481c05edc1195151e"),
    (
        pa.month_day_nano_interval(),
        [pa.MonthDayNano([1, 2, 3])],
        "1-8e24e27256bb2f1169964e0c270adcea",
    ),
    (TEXTS, [[], None, ["a", None, "b"]], "3-bc10911d3211ff63969e3fe26e95cea4"),
    (
        pa.struct({"x": pa.int64(), "y": TEXTS}),
        [{"x": 1, "y": ["a"]}, None],
        "2-5d634f0be58856c7e2ecd1a56bd182da",
    ),
    (
        pa.map_(pa.string(), pa.int64()),
        [[("a", 1), ("b", None)]],
        "1-0d473f0c6e054b6cbe629be50bad1aa1",
    ),
]


@pytest.mark.parametrize(("kind", "values", "known"), KNOWN, ids=str)
def test_hashes_are_the_same_in_all_versions(
    kind: pa.DataType, values: list[Any], known: str
) -> None:
    """A table's evidence outlives the version that it was computed with."""
    assert column(values, kind) == known


def test_rows_of_several_columns_are_the_same_in_all_versions() -> None:
    rows = pa.table({"a": [1, 2, None], "b": ["x", None, "y"], "c": [0.5, 1.5, 2.5]})
    assert of(rows) == "3-b99309b40f8624ac63dd646145f284fb"
    assert of(rows, "a", "b") == "3-de0cc6538af4e8f80b1e5ebd725cdcbe"
    assert of(rows, "a") == "3-980f3e744675f6ff370a8bf338a9f4b6"
    empty = RowHash([()])
    for batch in rows.to_batches():
        empty.update(batch)
    assert empty.fingerprints() == {(): "3-" + "0" * 32}


def test_a_type_without_hash_is_an_error_that_names_it() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(TypeError, match="sparse_union"):
        column(union)
    with pytest.raises(TypeError, match="sparse_union"):
        column(pa.StructArray.from_arrays([union], ["x"]).slice(0, 0))


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        RowHash([("a", "b")]).update(pa.record_batch({"a": [1]}))
