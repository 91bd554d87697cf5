"""The calls of a whole tree, in a worker: this module loads nothing that they do not need."""

import pyarrow as pa


def follow(request: pa.RecordBatch) -> pa.Table:
    """Return the calls of a whole tree, as `found_calls.value_calls` finds them."""
    # Loads numba, and compiles where it never did: planning needs neither.
    from tasks.values.found_calls import value_calls  # noqa: PLC0415

    return value_calls(request)
