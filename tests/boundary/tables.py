# ruff: noqa: DTZ001 - timestamps without a zone are what is tested
"""The tables that the operators run on: small, with nulls and edges in every column."""

import datetime as dt
from decimal import Decimal

import ibis
import pyarrow as pa


def numbers() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5, 6], pa.int64()),
            "g": pa.array(["a", "b", "a", None, "b", "a"]),
            "i8": pa.array([1, -128, 127, None, 0, 5], pa.int8()),
            "i16": pa.array([1, -300, 32767, None, 0, 5], pa.int16()),
            "i32": pa.array([7, -2, 2147483647, None, 0, 5], pa.int32()),
            "i64": pa.array([10, -20, 2**53 + 1, None, 0, 5], pa.int64()),
            "u8": pa.array([1, 255, 0, None, 7, 5], pa.uint8()),
            "u32": pa.array([1, 2**32 - 1, 0, None, 7, 5], pa.uint32()),
            "f32": pa.array([1.5, -2.25, 0.0, None, 3.0, 5.5], pa.float32()),
            "f64": pa.array([1.5, -2.5, 0.0, None, 3.49, 1e10], pa.float64()),
            "nan": pa.array([1.5, float("nan"), float("inf"), None, float("-inf"), 0.0]),
            "d": pa.array(
                [
                    Decimal("1.50"),
                    Decimal("-2.25"),
                    Decimal("99999.99"),
                    None,
                    Decimal("0.00"),
                    Decimal("5.55"),
                ],
                pa.decimal128(12, 2),
            ),
            "b": pa.array([True, False, True, None, False, True]),
        }
    )


def strings() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5, 6], pa.int64()),
            "s": pa.array(["abc def", "", "héllo wörld", None, "A-1,b-22", "  pad\t"]),
            "n": pa.array(["12", "x", "-7", None, "3.9", ""]),
            "i": pa.array([1, 2, 3, None, 0, 2], pa.int64()),
            "url": pa.array(
                [
                    "http://u:p@ex.org:80/a/b?x=1&y=2#f",
                    "https://ex.org/",
                    "http://a.b/c?x=9#z",
                    "http://q.r/?x=0",
                    "ftp://f.g/h?x=5",
                    "http://n.o/p?x=7",
                ]
            ),
            "raw": pa.array([b"ab", b"", b"\x00\xff", None, b"z", b"yy"], pa.binary()),
        }
    )


def times() -> pa.Table:
    stamps = [
        dt.datetime(2024, 2, 29, 23, 59, 59, 123456),
        dt.datetime(1969, 12, 31, 1, 2, 3),
        None,
        dt.datetime(2023, 1, 1),
        dt.datetime(2024, 12, 30, 12, 30, 15, 500000),
    ]
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5], pa.int64()),
            "ts": pa.array(stamps, pa.timestamp("us")),
            "tz": pa.array(stamps, pa.timestamp("us", "UTC")),
            "ts2": pa.array([stamps[4], stamps[0], None, stamps[1], stamps[3]], pa.timestamp("us")),
            "dt": pa.array([s and s.date() for s in stamps], pa.date32()),
            "dt2": pa.array(
                [
                    dt.date(2024, 3, 1),
                    dt.date(1970, 1, 1),
                    dt.date(2020, 1, 1),
                    None,
                    dt.date(2024, 12, 31),
                ],
                pa.date32(),
            ),
            "tm": pa.array([s and s.time() for s in stamps], pa.time64("us")),
            "sec": pa.array([0, 1700000000, None, -1, 86400], pa.int64()),
            "n": pa.array([1, 2, 3, None, -1], pa.int64()),
            "text": pa.array(["2024-02-29", "1970-01-01", None, "2023-12-31", "2000-01-01"]),
            "text_ts": pa.array(
                [
                    "2024-02-29 01:02:03",
                    "1970-01-01 00:00:00",
                    None,
                    "2023-12-31 23:59:59.5",
                    "2000-01-01 12:00:00",
                ]
            ),
        }
    )


def nested() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4], pa.int64()),
            "a": pa.array([[3, 1, 2, 1], [], None, [5, None]], pa.list_(pa.int64())),
            "a2": pa.array([[1, 9], [2], [7], None], pa.list_(pa.int64())),
            "sa": pa.array([["x", "y"], ["y"], None, []], pa.list_(pa.string())),
            "ba": pa.array([[True, False], [True], None, []], pa.list_(pa.bool_())),
            "aa": pa.array([[[1], [2, 3]], [[]], None, [[4]]], pa.list_(pa.list_(pa.int64()))),
            "st": pa.array(
                [{"x": 1, "y": "p"}, {"x": None, "y": "q"}, None, {"x": 4, "y": None}],
                pa.struct([("x", pa.int64()), ("y", pa.string())]),
            ),
            "ls": pa.array(
                [[{"k": "a", "v": 1}, {"k": "b", "v": 2}], [], None, [{"k": "c", "v": None}]],
                pa.list_(pa.struct([("k", pa.string()), ("v", pa.int32())])),
            ),
            "m": pa.array(
                [[("a", 1), ("b", 2)], [], None, [("a", None)]], pa.map_(pa.string(), pa.int64())
            ),
        }
    )


def left() -> pa.Table:
    return pa.table(
        {
            "k": pa.array([1, 2, 2, None, 5], pa.int64()),
            "x": ["p", "q", "r", "s", "t"],
            "at": pa.array([1, 5, 9, 3, 4], pa.int64()),
        }
    )


def right() -> pa.Table:
    return pa.table(
        {
            "k": pa.array([2, 2, 3, None, 1], pa.int64()),
            "y": ["A", "B", "C", "D", "E"],
            "from": pa.array([0, 6, 1, 2, 1], pa.int64()),
        }
    )


def tables() -> dict[str, pa.Table]:
    return {
        "numbers": numbers(),
        "strings": strings(),
        "times": times(),
        "nested": nested(),
        "lhs": left(),
        "rhs": right(),
    }


def unbound(name: str) -> ibis.Table:
    return ibis.table(ibis.Schema.from_pyarrow(tables()[name].schema), name=name)
