"""Helpers to open nested columns, and to name nodes."""

from collections.abc import Iterable

import ibis
from ibis import ir


def explode(table: ir.Table, column: str, fields: Iterable[str], keep: Iterable[str]) -> ir.Table:
    """Return a row for each struct in a column of lists.

    Args:
        table: the table with the nested column.
        column: its name.
        fields: the struct's fields that become columns.
        keep: the table's columns to repeat.
    """
    facts = table.select(*keep, fact=table[column].unnest())
    return facts.select(*keep, *(facts.fact[field].name(field) for field in fields))


def node_id(path: ir.StringValue, local: ir.StringValue | str) -> ir.StringValue:
    """Return the id of a file's node: ``path:start-end:kind``."""
    return path.concat(":", local)


def file_id(path: ir.StringValue) -> ir.StringValue:
    """Return the id of a file's FILE node."""
    return node_id(path, "file")


def span(start: ir.IntegerValue, end: ir.IntegerValue) -> ir.StructValue:
    """Return a half-open span of UTF-8 bytes as a struct."""
    return ibis.struct({"start": start, "end": end})


def no_span() -> ir.StructValue:
    """Return the span of a node that stands nowhere in the source."""
    nowhere = ibis.null("int32")
    return ibis.struct({"start": nowhere, "end": nowhere})
