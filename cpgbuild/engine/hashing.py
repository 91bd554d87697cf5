"""Hashing: the data fingerprints of rows on their way, in a thread beside whoever has the rows."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeAlias

import pyarrow as pa

from cpgbuild.engine import keysums
from cpgbuild.engine.keysets import Sets
from cpgbuild.engine.rounding import rounded
from cpgbuild.engine.rowhash import RowHash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from types import TracebackType

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint

# One is faster than what gives it rows, which needs the other cores.
THREADS = 1
# So many rows or bytes are hashed at once: each batch has a price of its own.
BLOCK_ROWS = 32_768
BLOCK_BYTES = 16 << 20

Hashed: TypeAlias = "tuple[RowHash, RowHash | None] | pa.Table"


class Hashing:
    """Takes batches, and hashes blocks of them in a thread, a block behind who gives them.

    Writing spends its time outside of Python's lock, so that hashing goes on meanwhile. Sums over
    rows can be added up in any order. A context: the thread ends with it.
    """

    def __init__(
        self, sets: Iterable[Columns], blurred: Columns | None = None, by: pa.Field | None = None
    ) -> None:
        """Take the sets of columns, and the one to hash without the last bits of floats too.

        With `by`, rows of each value of that column are summed up apart: see `sums`.
        """
        self._sets = set(sets)
        self._blurred = blurred
        self._by = by
        self._apart = Sets(tuple(sorted(self._sets)), blurred)
        self._parts: list[pa.Table] = []
        self._total: tuple[RowHash, RowHash | None] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._ahead = THREADS
        self._threads = ThreadPoolExecutor(self._ahead, thread_name_prefix="hash")
        self._running: deque[Future[Hashed]] = deque()

    def _empty(self) -> tuple[RowHash, RowHash | None]:
        return RowHash(self._sets), RowHash({self._blurred}) if self._blurred is not None else None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads; what they are at comes to its end."""
        self._threads.shutdown(cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch. Raises what hashing the ones before raised."""
        # A table's rows come in one layout, and a function's new ones perhaps in another.
        if self._waiting and batch.schema != self._waiting[0].schema:
            self._hand_over()
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= BLOCK_ROWS or self._bytes >= BLOCK_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        """Let a thread have what waits; only so many blocks are under way at once."""
        while len(self._running) > self._ahead:
            self._collect()
        if self._waiting:
            self._running.append(self._threads.submit(self._hashed, self._waiting))
        self._waiting = []
        self._rows = self._bytes = 0

    def _hashed(self, batches: list[pa.RecordBatch]) -> Hashed:
        whole = pa.Table.from_batches(batches).combine_chunks().to_batches()
        if self._by is not None:
            return self._summed(whole, self._by)
        exact, blurred = self._empty()
        for batch in whole:
            exact.update(batch)
            if blurred is not None:
                blurred.update(rounded(batch))
        return exact, blurred

    def _summed(self, batches: list[pa.RecordBatch], by: pa.Field) -> pa.Table:
        parts = (keysums.sums_of(batch, by.name, self._apart) for batch in batches)
        return keysums.added(parts, by.type, self._apart)

    def _collect(self) -> None:
        some = self._running.popleft().result()
        if isinstance(some, pa.Table):
            self._parts.append(some)
            return
        if self._total is None:
            self._total = some
            return
        for total, more in zip(self._total, some, strict=True):
            if total is not None and more is not None:
                total.merge(more)

    def _all(self) -> tuple[RowHash, RowHash | None]:
        if self._total is None:
            self._total = self._empty()
        return self._total

    def _finish(self) -> None:
        self._hand_over()
        while self._running:
            self._collect()

    def fingerprints(self) -> dict[Columns, Fingerprint]:
        """Return the fingerprints of all rows so far, by columns."""
        self._finish()
        return self._all()[0].fingerprints()

    def sums(self) -> tuple[Sets, pa.Table]:
        """Return the sums of all rows so far for each key, instead of fingerprints."""
        self._finish()
        assert self._by is not None  # noqa: S101 -- or there are no such sums
        return self._apart, keysums.added(self._parts, self._by.type, self._apart)

    def blurred(self) -> Fingerprint | None:
        """Return the fingerprint without last bits, after `fingerprints`; None if unasked for."""
        total = self._all()[1]
        return next(iter(total.fingerprints().values())) if total is not None else None
