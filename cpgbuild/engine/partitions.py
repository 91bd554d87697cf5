"""Partitions: rows told apart by the values of a table's partition columns."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

# A partition's value of each partition column, in their order.
Values = dict[str, pa.Scalar]

# A folder's name may have 255 bytes.
LONGEST = 100


class Unpartitionable(TypeError):
    """Rows cannot be kept apart by a column of this type: Delta writes its values as texts."""

    def __init__(self, name: str, kind: pa.DataType) -> None:
        """Keep the column's name and type."""
        super().__init__(f"a table cannot be partitioned by `{name}`, whose type is {kind}")
        self.name = name
        self.type = kind


def split(
    batch: pa.RecordBatch, columns: tuple[str, ...]
) -> Iterator[tuple[tuple[object, ...], Values, pa.RecordBatch]]:
    """Give each partition's key, values and rows, in their order, without the columns themselves.

    Raises:
        Unpartitionable: a column's values have no exact text in Delta.
    """
    if not columns:
        yield (), {}, batch
        return
    for name in columns:
        _check(name, batch.schema.field(name).type)
    rest = batch.drop_columns(list(columns))
    codes = np.zeros(batch.num_rows, np.int64)
    for name in columns:
        encoded = batch.column(name).dictionary_encode(null_encoding="encode")
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        # Made dense again after each column, so that products never overflow.
        codes = np.unique(codes * max(len(encoded.dictionary), 1) + indices, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[start:end]
        values = {name: batch.column(name)[int(rows[0])] for name in columns}
        key = tuple(texts(values).values())
        yield key, values, rest if len(starts) == 1 else rest.take(pa.array(rows))


def _check(name: str, kind: pa.DataType) -> None:
    fits = (
        pa.types.is_signed_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_decimal128(kind)
    )
    if not fits:
        raise Unpartitionable(name, kind)


def texts(values: Values) -> dict[str, str | None]:
    """Return a partition's values as Delta's log has them.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization
    """
    return {name: _text(value) for name, value in values.items()}


def _text(value: pa.Scalar) -> str | None:
    if not value.is_valid:
        return None
    if pa.types.is_timestamp(value.type):
        # By the microsecond, and in UTC where it is an instant.
        plain = pc.cast(value, pa.int64()).cast(pa.timestamp("us"))
        return str(plain.cast(pa.string()).as_py())
    if pa.types.is_decimal(value.type):
        return format(value.as_py(), "f")
    return str(value.cast(pa.string()).as_py())


def folder_of(column: str, text: str | None) -> str:
    """Return the folder of a partition's files; readers take the values from the log alone."""
    return f"{_safe(column)}={'__HIVE_DEFAULT_PARTITION__' if text is None else _safe(text)}"


def _safe(text: str) -> str:
    quoted = quote(text, safe="").replace("~", "%7E")
    return quoted if len(quoted) <= LONGEST else sha256(text.encode()).hexdigest()
