"""Differing: in which rows two versions of a table differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import datafusion
import pyarrow as pa

from cpgbuild.engine.frames import quote
from cpgbuild.engine.sources import register_delta
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deltalake import DeltaTable

    from cpgbuild.core.schema import Schema

# How often a row is there after, less how often it was before.
_TIMES = "cpgbuild times"
_OTHER = {">": "<", "<": ">"}


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that has the same key in both versions: the key, and each value then and now."""

    key: tuple[Any, ...]
    values: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class RowDifference:
    """How two versions of a table differ.

    `schema` has each difference of the columns as a clause. `added` and `removed` count rows, by
    the columns that both versions have with the same type; those of one key are `changed` and not
    counted twice. The rows themselves are the first so many, in the order of their columns.
    """

    schema: tuple[str, ...]
    columns: tuple[str, ...]
    added: int
    removed: int
    changed: int
    added_rows: tuple[dict[str, Any], ...] = ()
    removed_rows: tuple[dict[str, Any], ...] = ()
    changed_rows: tuple[ChangedRow, ...] = field(default=())


def row_difference(
    before: DeltaTable, after: DeltaTable, key: Sequence[str], limit: int
) -> RowDifference:
    """Return how a table differs from what it was; rows are told apart by all common columns."""
    ctx = datafusion.SessionContext(session_config())
    schemas: list[Schema] = []
    for name, table in (("before", before), ("after", after)):
        register_delta(table, ctx, name)
        schemas.append(schema_of(ctx.table(name).schema()))
    then, now = schemas
    types = {column.name: column.type for column in then.columns}
    common = [c.name for c in now.columns if types.get(c.name) == c.type]
    told = tuple(_columns_told(types, {column.name: column.type for column in now.columns}))
    if not common:
        return RowDifference(told, (), 0, 0, 0)
    _compare(ctx, common)
    added, removed = (_count(ctx, sign) for sign in (">", "<"))
    keys = [name for name in key if name in common]
    changed, rows = _changed(ctx, common, keys, limit) if keys else (0, ())
    return RowDifference(
        told,
        tuple(common),
        added - changed,
        removed - changed,
        changed,
        _sample(ctx, common, ">", keys, limit),
        _sample(ctx, common, "<", keys, limit),
        rows,
    )


def _columns_told(then: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    """Give each difference of columns as a clause."""
    yield from (f"column `{name}` is gone" for name in then if name not in now)
    for name, kind in now.items():
        if name not in then:
            yield f"column `{name}` is new: {kind}"
        elif then[name] != kind:
            yield f"column `{name}` was {then[name]} and is {kind}"


def _compare(ctx: datafusion.SessionContext, columns: Sequence[str]) -> None:
    """Register, as `differing`, the rows that are not there equally often."""
    names = ", ".join(map(quote, columns))
    found = ctx.sql(
        f"SELECT {names}, sum({quote(_TIMES)}) AS {quote(_TIMES)} FROM ("  # noqa: S608 -- quoted
        f"SELECT {names}, 1 AS {quote(_TIMES)} FROM after "
        f"UNION ALL SELECT {names}, -1 FROM before"
        f") AS both GROUP BY {names} HAVING sum({quote(_TIMES)}) <> 0"
    )
    batches = found.collect()
    none = pa.RecordBatch.from_pylist([], schema=found.schema())
    ctx.register_record_batches("differing", [batches or [none]])


def _count(ctx: datafusion.SessionContext, sign: str) -> int:
    """Return how many rows are only there after (`>`) or only there before (`<`)."""
    times = quote(_TIMES)
    query = f"SELECT sum(abs({times})) AS n FROM differing WHERE {times} {sign} 0"  # noqa: S608
    return int(ctx.sql(query).to_pylist()[0]["n"] or 0)


def _keyed(keys: Sequence[str]) -> str:
    """Return the pairs of rows with one key, one of them after and one before."""
    same = " AND ".join(f"(a.{quote(k)} IS NOT DISTINCT FROM b.{quote(k)})" for k in keys)
    times = quote(_TIMES)
    return f"differing AS a JOIN differing AS b ON {same} AND a.{times} > 0 AND b.{times} < 0"


def _changed(
    ctx: datafusion.SessionContext, columns: Sequence[str], keys: Sequence[str], limit: int
) -> tuple[int, tuple[ChangedRow, ...]]:
    count = ctx.sql(f"SELECT count(*) AS n FROM {_keyed(keys)}").to_pylist()[0]["n"]  # noqa: S608
    pairs = ", ".join(
        f"b.{quote(c)} AS {quote(f'then {c}')}, a.{quote(c)} AS {quote(f'now {c}')}"
        for c in columns
    )
    order = ", ".join(f"a.{quote(k)}" for k in keys)
    query = f"SELECT {pairs} FROM {_keyed(keys)} ORDER BY {order} LIMIT {limit}"  # noqa: S608
    rows = []
    for row in ctx.sql(query).to_pylist():
        values = {c: (row[f"then {c}"], row[f"now {c}"]) for c in columns if c not in keys}
        differing = {c: (then, now) for c, (then, now) in values.items() if then != now}
        rows.append(ChangedRow(tuple(row[f"now {k}"] for k in keys), differing))
    return int(count), tuple(rows)


def _sample(
    ctx: datafusion.SessionContext,
    columns: Sequence[str],
    sign: str,
    keys: Sequence[str],
    limit: int,
) -> tuple[dict[str, Any], ...]:
    """Return the first rows that are only there after, or before, and are none that changed."""
    names = ", ".join(f"a.{quote(c)}" for c in columns)
    chosen = f"a.{quote(_TIMES)} {sign} 0"
    if keys:
        chosen += f" AND NOT EXISTS (SELECT 1 FROM {_other(keys, sign)})"  # noqa: S608 -- quoted
    query = f"SELECT {names} FROM differing AS a WHERE {chosen} ORDER BY {names} LIMIT {limit}"  # noqa: S608
    return tuple(ctx.sql(query).to_pylist())


def _other(keys: Sequence[str], sign: str) -> str:
    """Return the rows of one key with `a` that are there at the other time."""
    same = " AND ".join(f"(a.{quote(k)} IS NOT DISTINCT FROM b.{quote(k)})" for k in keys)
    return f"differing AS b WHERE {same} AND b.{quote(_TIMES)} {_OTHER[sign]} 0"
