"""Buckets: a keyed table's files, each with all rows of some of its keys.

Which bucket a key is in is a function of the key alone. So to replace the rows of a key is to
rewrite the files of its bucket, wherever the key was before and however the table came to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cpgbuild.engine.constants import Positions

# A bucket has about so many bytes of rows in memory, or more where that were too many buckets:
# each is a file, and each file costs whoever reads the table.
BUCKET_BYTES = 2 << 20
MOST = 64


@dataclass(frozen=True, slots=True)
class Buckets:
    """By which column rows are put into buckets, and how many these are; 0: nobody knows yet."""

    key: str
    count: int = 0

    def for_bytes(self, size: int) -> Buckets:
        """Return as many buckets as rows of so many bytes need, where nobody knows yet."""
        wanted = min(max(-(-size // BUCKET_BYTES), 1), MOST)
        return self if self.count else Buckets(self.key, wanted)

    def of(self, keys: pa.Array) -> Positions:
        """Return the bucket of each key."""
        # Loads what numba compiled, a third of a second: only where rows come.
        from cpgbuild.engine.cellhash import hashes, key  # noqa: PLC0415

        words = hashes(keys, key("bucket"))[:, 0]
        return (words % np.uint64(self.count)).astype(np.int64)

    def split(self, rows: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Give the rows of each bucket, those of a key together, in the order that they have."""
        encoded = rows.column(self.key).combine_chunks().dictionary_encode(null_encoding="encode")
        # An order of keys that is a function of the rows: by the first row of each.
        codes = encoded.indices.cast(pa.int64()).to_numpy(zero_copy_only=False)
        place = self.of(encoded.dictionary) * max(len(encoded.dictionary), 1)
        order = np.argsort(place[codes] + codes, kind="stable")
        buckets = self.of(encoded.dictionary)[codes][order]
        ends = np.flatnonzero(np.diff(buckets)) + 1
        sorted_rows = rows.combine_chunks().take(pa.array(order))
        starts = [0, *ends.tolist()]
        for start, end in zip(starts, [*ends.tolist(), len(order)], strict=True):
            if end > start:
                part = sorted_rows.slice(start, end - start)
                for batch in part.combine_chunks().to_batches():
                    yield int(buckets[start]), batch
