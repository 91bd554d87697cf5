"""Hashing: the data fingerprints of rows on their way to a table, beside the writing of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from cpgbuild.engine.rounding import rounded
from cpgbuild.engine.rowhash import RowHash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from types import TracebackType

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint

# So many rows or bytes are hashed at once: each batch has a price of its own.
BLOCK_ROWS = 32_768
BLOCK_BYTES = 16 << 20


class Hashing:
    """Takes batches and hashes them in a thread of its own, a block behind whoever writes them.

    Both spend their time outside of Python's lock, so that on two cores hashing costs no time. A
    context: the thread ends with it.
    """

    def __init__(self, sets: Iterable[Columns], blurred: Columns | None = None) -> None:
        """Take the sets of columns, and the one to hash without the last bits of floats too."""
        self._exact = RowHash(sets)
        self._blurred = RowHash({blurred}) if blurred is not None else None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._running: Future[None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread; what it is at comes to its end."""
        self._thread.shutdown(cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch. Raises what hashing the ones before raised."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= BLOCK_ROWS or self._bytes >= BLOCK_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        """Let the thread have what waits, once it is done with the block before."""
        if self._running is not None:
            self._running.result()
        self._running = self._thread.submit(self._hash, self._waiting)
        self._waiting = []
        self._rows = self._bytes = 0

    def _hash(self, batches: list[pa.RecordBatch]) -> None:
        if not batches:
            return
        for batch in pa.Table.from_batches(batches).combine_chunks().to_batches():
            self._exact.update(batch)
            if self._blurred is not None:
                self._blurred.update(rounded(batch))

    def fingerprints(self) -> dict[Columns, Fingerprint]:
        """Return the fingerprints of all rows so far, by columns."""
        self._hand_over()
        assert self._running is not None  # noqa: S101 -- handed over just now
        self._running.result()
        return self._exact.fingerprints()

    def blurred(self) -> Fingerprint | None:
        """Return the fingerprint without last bits, after `fingerprints`; None if unasked for."""
        found = self._blurred.fingerprints() if self._blurred is not None else {}
        return next(iter(found.values()), None)
