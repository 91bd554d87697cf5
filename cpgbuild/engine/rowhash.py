"""Row hashes: what stands for the rows of a table, whatever their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.engine.cellhash import Cells, cells
from cpgbuild.engine.lanes import CHUNK, Key, Lanes, key, mix

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_LANE = (1 << 64) - 1


class RowHash:
    """Fingerprints of the rows of batches, for several sets of columns in one pass.

    Two tables have the same fingerprint for a set of columns if their rows, cut down to these
    columns, are the same values equally often, in whatever order, batches and layout. If not, they
    have it by a chance of about one in 2^128, as long as nobody means to make them collide: this is
    no cryptographic hash. It is the same in every process, on every (little-endian) machine and
    with every version of what it is computed with.
    """

    def __init__(self, sets: Iterable[tuple[str, ...]]) -> None:
        """Begin with no rows. Each set is sorted names of columns; () only counts the rows."""
        self._rows = 0
        self._sums = {names: _Sum(names) for names in sets}
        columns = sorted({name for names in self._sums for name in names})
        self._columns = [
            _Column(name, key("column", name), [s for n, s in self._sums.items() if name in n])
            for name in columns
        ]

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch, which may have other columns too.

        Raises:
            KeyError: a column is missing.
            TypeError: there is no hash for the type of a column (a union).
        """
        made = [(column, cells(batch.column(column.name), column.by)) for column in self._columns]
        spare = Lanes.empty(CHUNK)
        for start in range(0, batch.num_rows, CHUNK):
            stop = min(start + CHUNK, batch.num_rows)
            self._update(made, start, stop, spare.rows(0, stop - start))
        self._rows += batch.num_rows

    def _update(
        self, made: list[tuple[_Column, Cells]], start: int, stop: int, spare: Lanes
    ) -> None:
        for column, source in made:
            source.write(start, stop, spare)
            for each in column.sums:
                each.add(spare)
        for each in self._sums.values():
            each.end()

    def merge(self, other: RowHash) -> None:
        """Add the rows that another one of the same sets took: their order never counts."""
        self._rows += other._rows
        for names, each in self._sums.items():
            each.merge(other._sums[names])

    def fingerprints(self) -> dict[tuple[str, ...], Fingerprint]:
        """Return each set's fingerprint of all rows so far: their number and the sum of hashes."""
        return {names: each.fingerprint(self._rows) for names, each in self._sums.items()}


@dataclass(slots=True)
class _Column:
    """A column, and the sums of the sets that it is in."""

    name: str
    by: Key
    sums: list[_Sum]


@dataclass(slots=True)
class _Sum:
    """The sum over rows of what their cells in a set of columns are mixed to.

    A row's cells are added up, each hashed with its column's key, and mixed again before the sum
    over rows: what was in one row with what is kept. The sum over rows and not their exclusive or,
    which would lose what comes twice.
    """

    names: tuple[str, ...]
    by: Key = field(init=False)
    a: int = 0
    b: int = 0
    rows: Lanes = field(init=False, default_factory=lambda: Lanes.empty(CHUNK))
    begun: int = 0

    def __post_init__(self) -> None:
        self.by = key("row", *self.names)

    def add(self, column: Lanes) -> None:
        """Add the cells of one column to the rows at hand."""
        here = self.rows.rows(0, len(column.a))
        if self.begun:
            here.add(column)
            return
        self.begun = len(column.a)
        here.a[:] = column.a
        here.b[:] = column.b

    def end(self) -> None:
        """Add the rows at hand to the sum."""
        here = self.rows.rows(0, self.begun)
        self.begun = 0
        mix(here, self.by)
        self.a = (self.a + int(np.sum(here.a))) & _LANE
        self.b = (self.b + int(np.sum(here.b))) & _LANE

    def merge(self, other: _Sum) -> None:
        """Add the sum over other rows."""
        self.a = (self.a + other.a) & _LANE
        self.b = (self.b + other.b) & _LANE

    def fingerprint(self, rows: int) -> Fingerprint:
        return Fingerprint(f"{rows}-{self.a:016x}{self.b:016x}")
