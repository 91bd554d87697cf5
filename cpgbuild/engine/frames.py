"""Frames: small operations on DataFusion's frames that its API leaves to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping


def column(name: str) -> datafusion.Expr:
    """Return a column by its exact name; `col` alone would read dots as qualifiers."""
    return datafusion.col(quote(name))


def quote(name: str) -> str:
    """Return an identifier as SQL takes it literally."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def cast_to(frame: datafusion.DataFrame, schema: pa.Schema) -> datafusion.DataFrame:
    """Return the frame with exactly the columns and types of `schema`, in its order.

    A cast that overflows is an error when the frame runs. The engine's own layout of strings is
    cast too: where some inputs of a query have it and others have not, DataFusion's plan promises
    one layout and its batches come in the other.
    """
    given = frame.schema()
    casts = {f.name: f.type for f in schema if not given.field(f.name).type.equals(f.type)}
    if given.names == schema.names and not casts:
        return frame
    return select(frame, schema.names, casts)


def select(
    frame: datafusion.DataFrame, names: list[str], casts: Mapping[str, pa.DataType]
) -> datafusion.DataFrame:
    """Return these columns of the frame, some of them cast."""
    given = frame.schema()
    return frame.select(
        *(
            _cast(column(name), given.field(name).type, casts[name]).alias(name)
            if name in casts
            else column(name)
            for name in names
        )
    )


def _cast(value: datafusion.Expr, given: pa.DataType, wanted: pa.DataType) -> datafusion.Expr:
    """Return a cast that fails where a value would be lost.

    The engine's own cuts nanoseconds off without a word, so Arrow's is called in its place.
    """
    finer = pa.types.is_timestamp(given) and pa.types.is_timestamp(wanted) and given.unit == "ns"
    if not finer or wanted.unit == "ns":
        return value.cast(wanted)

    def exact(values: pa.Array) -> pa.Array:
        return values.cast(wanted)

    name = f"to_{wanted.unit}_{wanted.tz or 'local'}"
    return datafusion.udf(exact, [given], wanted, "immutable", name)(value)
