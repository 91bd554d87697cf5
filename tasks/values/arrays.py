"""Numbers between Arrow and numpy, by their buffers: the usual ways import pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


def numbers(array: pa.Array) -> Ints:
    """Return the numbers of an array of int32 without nulls."""
    data = array.buffers()[1]
    if data is None:
        return np.zeros(0, np.int64)
    found = np.frombuffer(data, np.int32)[array.offset : array.offset + len(array)]
    return found.astype(np.int64)


def column(values: Ints) -> pa.Array:
    """Return numbers as an array."""
    data = np.ascontiguousarray(values, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])


def flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Return truths as an array."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])


def texts(values: Iterable[str]) -> pa.Array:
    """Return texts as an array."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)
