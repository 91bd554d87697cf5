"""Runs one expression on both engines, and makes the answers comparable."""

import math
from decimal import Decimal

import datafusion
import ibis
import pyarrow as pa
from datafusion import col

from cpgbuild.plan.dialect import compile_table, render
from cpgbuild.plan.functions import register
from cpgbuild.plan.memtables import name_memtables
from cpgbuild.plan.types import normalise, normalise_schema, reconcile, to_text
from cpgbuild.plan.udfs import functions_of
from tests.boundary.tables import tables


def on_datafusion(expr: ibis.Table) -> pa.Table:
    """The rows that a task of this expression would have: our SQL, cast at the boundary."""
    expr, memtables = name_memtables(expr)
    ctx = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    for name, table in {**tables(), **memtables}.items():
        ctx.register_record_batches(name, [table.to_batches()])
    register(ctx, functions_of(expr))
    frame = ctx.sql(render(compile_table(expr)))
    believed = normalise_schema(expr.schema().to_pyarrow())
    assert frame.schema().names == believed.names
    casts = [
        col(f'"{field.name}"').cast(reconcile(field.name, field.type, real.type)).alias(field.name)
        for field, real in zip(believed, frame.schema(), strict=True)
    ]
    table = frame.select(*casts).to_arrow_table()
    return table.cast(normalise_schema(table.schema))


def on_duckdb(expr: ibis.Table) -> pa.Table:
    """The rows according to Ibis on DuckDB."""
    con = ibis.duckdb.connect()
    try:
        con.raw_sql("set timezone = 'UTC'")
        for name, table in tables().items():
            con.con.register(name, table)
        table = con.to_pyarrow(expr)
    finally:
        con.disconnect()
    return table.cast(normalise_schema(table.schema))


def facts(table: pa.Table) -> list[str]:
    """Column names with their kinds, then the rows as text, sorted.

    A decimal's digits and a timestamp's zone are the engine's (see `reconcile`), so only the
    kind is compared there; floats are compared to 12 significant digits.
    """
    kinds = [f"{field.name}: {_kind(field.type)}" for field in table.schema]
    rows = [repr([_value(value) for value in row.values()]) for row in table.to_pylist()]
    return [", ".join(kinds), *sorted(rows)]


def _kind(t: pa.DataType) -> str:
    text = to_text(normalise(t))
    return text.split("(")[0] if text.startswith(("decimal", "timestamp")) else text


def _value(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value + 0.0:.12g}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if getattr(value, "tzinfo", None) is not None:
        return value.replace(tzinfo=None)
    return value
