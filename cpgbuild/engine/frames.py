"""Frames: small operations on DataFusion's frames that its API leaves to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import datafusion

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


def column(name: str) -> datafusion.Expr:
    """Return a column by its exact name; `col` alone would read dots as qualifiers."""
    return datafusion.col(quote(name))


def quote(name: str) -> str:
    """Return an identifier as SQL takes it literally."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def cast_to(frame: datafusion.DataFrame, schema: pa.Schema) -> datafusion.DataFrame:
    """Return the frame with exactly the columns and types of `schema`, in its order.

    A cast that overflows is an error when the frame runs. A column that has its type already is
    passed as it is, so that filters are still pushed down to the scan.
    """
    given = frame.schema()
    if given.names == schema.names and all(same(given.field(f.name).type, f.type) for f in schema):
        return frame
    casts = {f.name: f.type for f in schema if not same(given.field(f.name).type, f.type)}
    return select(frame, schema.names, casts)


def select(
    frame: datafusion.DataFrame, names: list[str], casts: Mapping[str, pa.DataType]
) -> datafusion.DataFrame:
    """Return these columns of the frame, some of them cast."""
    return frame.select(
        *(
            column(name).cast(casts[name]).alias(name) if name in casts else column(name)
            for name in names
        )
    )


def same(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether two types are equal but for the engine's own layouts of strings."""
    text = {"string", "string_view", "large_string"}
    data = {"binary", "binary_view", "large_binary"}
    pair = {str(given), str(wanted)}
    return given.equals(wanted) or pair <= text or pair <= data
