"""In-memory tables under names that their contents decide.

Ibis gives `ibis.memtable` a random name, which would make every plan new in every process.
"""

import hashlib
from typing import Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from cpgbuild.plan.types import normalise_schema, to_text

__all__ = ["name_memtables"]

_DIGITS = 12


def name_memtables(expr: ibis.Table) -> tuple[ibis.Table, dict[str, pa.Table]]:
    """`expr` with its in-memory tables renamed, and those tables by their new names.

    A name is `memtable_` and 12 hex digits of a digest of the schema and the rows in their
    order (`limit` without an order can see it). The tables are in logical types.

    Raises:
        pyarrow.ArrowInvalid: a value does not fit its column's logical type.
    """
    tables: dict[str, pa.Table] = {}

    def renamed(node: ops.Node, kwargs: dict[str, Any] | None) -> ops.Node:
        fresh = node.__recreate__(kwargs) if kwargs else node
        if not isinstance(fresh, ops.InMemoryTable):
            return fresh
        table = _rows(fresh)
        name = f"memtable_{_digest(table)[:_DIGITS]}"
        tables[name] = table
        return ops.InMemoryTable(name=name, schema=fresh.schema, data=fresh.data)

    return expr.op().replace(renamed).to_expr(), tables


def _rows(node: ops.InMemoryTable) -> pa.Table:
    """The rows of an in-memory table, in one chunk per column."""
    import pandas as pd  # noqa: F401, PLC0415 -- Arrow reads some values otherwise without it

    table = node.data.to_pyarrow(node.schema)
    logical = normalise_schema(node.schema.to_pyarrow())
    columns = [table.column(field.name).cast(field.type) for field in logical]
    return pa.Table.from_arrays(columns, schema=logical).combine_chunks()


def _digest(table: pa.Table) -> str:
    """A digest of names, types and values, the same for every chunking and buffer layout."""
    digest = hashlib.sha256()
    for field in table.schema:
        digest.update(f"{len(field.name)}:{field.name}:{to_text(field.type)};".encode())
    # Python's values decide, not Arrow's buffers: under a null and past an offset these are free.
    for column in table.columns:
        for value in column.to_pylist():
            digest.update(f"{value!r};".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
