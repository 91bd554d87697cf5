"""Corpus: pairs of queries of which it is known, by running both, whether they mean the same.

`PYTHONPATH=. python tests/plan/corpus.py` says how many of the equal ones have one fingerprint, and which
have not.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import datafusion
import pyarrow as pa

from cpgbuild.engine.frames import cast_to
from cpgbuild.plan import functions
from cpgbuild.plan.compiled import Compiled
from cpgbuild.plan.session import session_config
from tests.plan import corpus_different, corpus_equal, corpus_ibis
from tests.plan.corpus_equal import MISSED
from tests.property.compiling import compiler

Query = str | Callable[..., Any]
ORDERS = pa.schema(
    [
        ("id", pa.int64()),
        ("k", pa.int64()),
        ("amount", pa.float64()),
        ("s", pa.string()),
        ("b", pa.bool_()),
        ("q", pa.bool_()),
        ("at", pa.timestamp("us", "UTC")),
        ("d", pa.date32()),
        ("i8", pa.int8()),
        ("i16", pa.int16()),
        ("f32", pa.float32()),
        ("m", pa.decimal128(9, 2)),
        ("l", pa.list_(pa.int64())),
        ("st", pa.struct([("x", pa.int64()), ("y", pa.string())])),
    ]
)
PEOPLE = pa.schema(
    [("id", pa.int64()), ("k", pa.int64()), ("d", pa.int64()), ("name", pa.string()), ("s", pa.string())]
)  # fmt: skip
SHOPS = pa.schema([("id", pa.int64()), ("city", pa.string())])
SCHEMAS = {"orders": ORDERS, "people": PEOPLE, "shops": SHOPS}


def _at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2020, 1, day, hour, 30, tzinfo=dt.UTC)


_DAY = dt.date(2020, 1, 31)
_NAN, _INF = float("nan"), float("inf")
# fmt: off
_ADVERSE = {
    "orders": [
        (1, 1, 1.5, "a", True, True, _at(1), _DAY, 100, 1, 0.1, 1, [1, 2], (1, "5")),
        (2, 2, 2.5, "A", True, False, _at(1, 23), _DAY, 1, 2, 0.2, 2, [2, 1], (2, "6")),
        (3, 2, _NAN, "b", False, None, _at(2, 4), dt.date(2020, 2, 29), 2, 3, _NAN, 3, [], (3, None)),
        (4, None, -0.0, "ab,c", None, False, _at(2, 23), None, None, 1, -0.0, None, None, None),
        (5, 5, 0.0, None, None, True, None, _DAY, -1, None, None, 5, [None, 5], (None, "x")),
        (6, 3, _INF, " a ", False, True, _at(31, 23), _DAY, 3, 2, 3.0, 6, [6], (6, "6")),
        (7, 7, 1.05, "a.b", True, None, _at(31), _DAY, 4, 5, 1.05, 7, [7, 8, 9], (7, "7")),
        (8, 1, -1.5, "x!_é", None, None, _at(3), _DAY, 5, 4, 16777217.0, 8, [1], (8, "8")),
        (9, 4, 2.25, "aa", False, False, _at(4), _DAY, 6, 1, 0.3, 9, [3], (9, "9")),
        (10, -3, 7.0, "12", True, False, _at(5), _DAY, 1, 3, 0.5, 10, [4], (4, "4")),
        (10, -3, 7.0, "12", True, False, _at(5), _DAY, 1, 3, 0.5, 10, [4], (4, "4")),
    ],
    "people": [(1, 1, 2, "ann", "a"), (2, 1, None, "bob", "b"), (3, 2, 2, None, "c"), (5, None, 7, "eve", "A"),
               (5, 5, 1, "eve", "a"), (12, 4, 3, "joe", "ab"), (None, None, None, None, None)],
    "shops": [(1, "Ulm"), (2, "Bonn"), (2, "Köln"), (None, "Rom")],
}
_PLAIN = {
    "orders": [
        (1, 10, 3.0, "abc", True, False, _at(1), _DAY, 1, 1, 1.0, 1, [1], (1, "1")),
        (2, 10, 4.0, "Abc", False, True, _at(2), _DAY, 1, 2, 2.0, 2, [2, 3], (2, "2")),
        (3, 20, 5.0, "axb", True, True, _at(2, 1), _DAY, 1, 3, 3.0, 3, [5], (3, "3")),
        (20, 3, 0.1, "id", True, False, _at(3), _DAY, 1, 7, 4.0, 4, [5, 1], (4, "4")),
    ],
    "people": [(1, 10, 10, "ann", "x"), (2, 20, 20, "bob", "Abc"), (3, 20, 3, "joe", "axb")],
    "shops": [(10, "Ulm"), (20, "Bonn")],
}
# fmt: on
_TEXTS = {
    "orders": [
        (*_ADVERSE["orders"][0][:3], text, *_ADVERSE["orders"][0][4:]) for text in ("1", "2", None)
    ]
}
_OVER = {
    "orders": [
        (2**62, 2**63 - 1, 1e308, "9", None, False, None, None, 127, 32767, 3e38, 1, None, None)
    ]
    * 2
}
DATA: list[dict[str, list[Any]]] = [_ADVERSE, _PLAIN, {}, _TEXTS, _OVER]


@dataclass(frozen=True)
class Pair:
    """Two queries; `recognised` says of equal ones whether they have one fingerprint."""

    name: str
    one: Query
    two: Query
    recognised: bool = True


def _pairs(*groups: dict[str, Any]) -> Iterator[Pair]:
    for group in groups:
        for theme, pairs in group.items():
            for number, (one, two, *missed) in enumerate(pairs):
                words = f": {one} | {two}" if isinstance(one, str) and isinstance(two, str) else ""
                yield Pair(f"{theme} {number}{words}", one, two, missed != [MISSED])


EQUAL = list(_pairs(corpus_equal.EQUAL, corpus_ibis.EQUAL))
DIFFERENT = list(_pairs(corpus_different.DIFFERENT, corpus_ibis.DIFFERENT))


@functools.cache
def compiled(query: Query) -> Compiled:
    """Return a query as a task alone.

    Raises:
        CpgbuildError: it is none.
    """
    made = compiler({"q": query}, SCHEMAS)
    if made.errors:
        raise made.errors[0]
    (name,) = made.tasks
    return made.compiled(name)


def mark(query: Query) -> tuple[str, str]:
    """Return what is compared to tell whether an output is still what its query says."""
    task = compiled(query).task
    return str(task.plan), str(task.schema.fingerprint)


def results(query: Query, data: dict[str, list[Any]]) -> tuple[Any, ...]:
    """Return the types of a query's columns and its rows, as a multiset; or that it raises."""
    one = compiled(query)
    session = datafusion.SessionContext(
        session_config({"datafusion.execution.target_partitions": "1"})
    )
    for name, schema in SCHEMAS.items():
        rows = [dict(zip(schema.names, row, strict=True)) for row in data.get(name, [])]
        for row in rows:
            if row.get("st") is not None:
                row["st"] = dict(zip("xy", row["st"], strict=True))
        table = pa.Table.from_pylist(rows, schema=schema)
        batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=schema)]
        session.register_record_batches(name, [batches])
    for name, table in one.memtables.items():
        session.register_record_batches(name, [table.to_batches()])
    functions.register(session, one.functions)
    try:
        table = cast_to(session.sql(one.sql), one.rows).to_arrow_table()
    except Exception:
        return ("raises",)
    rows = Counter(repr(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True))
    return (
        [(field.name, str(field.type)) for field in table.schema],
        rows,
        table.num_rows,
    )


def told_apart(one: Query, two: Query) -> bool:
    """Return whether some data shows that two queries do not mean the same."""
    return any(results(one, data) != results(two, data) for data in DATA)


def main() -> None:
    same = [pair for pair in EQUAL if mark(pair.one) == mark(pair.two)]
    print(f"{len(same)} of {len(EQUAL)} pairs that mean the same have one fingerprint")
    print(f"{len(DIFFERENT)} pairs do not mean the same; one fingerprint have:")
    for pair in DIFFERENT:
        if mark(pair.one) == mark(pair.two):
            print(f"  COLLISION {pair.name}")
    print("equal, but of two fingerprints:")
    for pair in EQUAL:
        if pair not in same:
            print(f"  {pair.name}")


if __name__ == "__main__":
    sys.exit(main())
