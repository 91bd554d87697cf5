"""Rounding: floats without their last bits, to tell noise of the order of adding from a change."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

# Of 52 and 23 bits of a fraction the last ones that are dropped: what is left is as good as six
# digits, and sums of millions of values in another order agree in it.
_DROPPED: dict[str, tuple[type[np.unsignedinteger], int]] = {
    "float64": (np.uint64, 28),
    "float32": (np.uint32, 6),
}


def is_float(kind: pa.DataType) -> bool:
    """Return whether values of a type can be rounded here."""
    return bool(pa.types.is_float32(kind) or pa.types.is_float64(kind))


def rounded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows with their floats rounded to the nearest that has zeros for its last bits."""
    columns = [_rounded(values) if is_float(values.type) else values for values in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _rounded(values: pa.Array) -> pa.Array:
    plain = values.fill_null(0.0).to_numpy(zero_copy_only=False)
    kind, dropped = _DROPPED[str(plain.dtype)]
    # Both zeros are one, and every NaN stays one: rounding up its bits could make it a number.
    bits = np.where(plain == 0, 0.0, plain).astype(plain.dtype).view(kind)
    near = (((bits + kind(1 << (dropped - 1))) >> kind(dropped)) << kind(dropped)).view(plain.dtype)
    result = np.where(np.isfinite(plain), near, plain)
    return pa.array(result, values.type, mask=values.is_null().to_numpy(zero_copy_only=False))
