"""Partitions: rows told apart by the values of a table's partition columns."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

# A partition's value of each partition column, in their order.
Values = dict[str, pa.Scalar]
# The same as Delta writes them.
Key = tuple[str | None, ...]

# A folder's name may have 255 bytes.
LONGEST = 100


class Unpartitionable(TypeError):
    """Rows cannot be kept apart by a column of this type: Delta writes its values as texts."""

    def __init__(self, name: str, kind: pa.DataType) -> None:
        """Keep the column's name and type."""
        super().__init__(f"a table cannot be partitioned by `{name}`, whose type is {kind}")
        self.name = name
        self.type = kind


def split(rows: pa.Table, columns: tuple[str, ...]) -> Iterator[tuple[Key, Values, pa.RecordBatch]]:
    """Give each partition's key, values and rows, in their order, without the columns themselves.

    Raises:
        Unpartitionable: a column's values have no exact text in Delta.
    """
    for name in columns:
        _check(name, rows.schema.field(name).type)
    rest = rows.drop_columns(list(columns)).combine_chunks()
    for places in _places(rows, columns):
        values = {name: rows.column(name)[int(places[0])] for name in columns}
        # Copied, since a few rows of a rare partition would keep all the others in memory.
        for batch in rest.take(pa.array(places)).to_batches():
            yield tuple(texts(values).values()), values, batch


def _places(rows: pa.Table, columns: tuple[str, ...]) -> list[np.ndarray]:
    """Return where the rows of each partition are."""
    codes = np.zeros(rows.num_rows, np.int64)
    for name in columns:
        encoded = rows.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        # Made dense again after each column, so that products never overflow.
        codes = np.unique(codes * max(len(encoded.dictionary), 1) + indices, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


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
        plain = value.cast(pa.int64()).cast(pa.timestamp("us"))
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
