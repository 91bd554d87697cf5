"""Spool: rows put aside until all of them are there."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More than this goes to a temporary file.
MEMORY_BYTES = 256 << 20


@contextmanager
def spooled(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Iterator[Iterator[pa.RecordBatch]]:
    """Take all batches now; give them in this block, from memory or from a file.

    A table's writer waits for its rows on a thread of which there are few. Rows that are slow to
    come are put aside first, so that other tasks can write meanwhile.
    """
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES, prefix="cpgbuild-") as file:
        stream = cast("pa.NativeFile", file)
        with pa.ipc.new_stream(stream, schema) as writer:
            for batch in batches:
                writer.write(batch)
        file.seek(0)
        with pa.ipc.open_stream(stream) as reader:
            yield iter(reader)
