"""Row hashes: what stands for the rows of a table, whatever their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from cpgbuild.engine import loops
from cpgbuild.engine.cellhash import Key, hashes, key
from cpgbuild.engine.keysets import total

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.engine.constants import Hashes, Positions

# The hashes of so many rows fit into the second-level cache. It never changes a hash.
BLOCK_ROWS: Final = 16_384


class RowHash:
    """Fingerprints of the rows of batches, for several sets of columns in one pass.

    Two tables have the same fingerprint for a set of columns if their rows, cut down to these
    columns, are the same values equally often, in whatever order, batches and layout. If not, they
    have it by a chance of about one in 2^128, as long as nobody means to make them collide: this is
    no cryptographic hash. It is the same in every process, on every (little-endian) machine and
    with every version of what it is computed with.
    """

    def __init__(self, sets: Iterable[tuple[str, ...]], groups: int = 1) -> None:
        """Begin with no rows. Each set is sorted names of columns; () only counts the rows.

        Rows of so many groups are summed up apart.
        """
        self._rows = 0
        self._sums = {names: _Sum(key("row", *names), _noughts(groups)) for names in sets}
        columns = sorted({name for names in self._sums for name in names})
        self._columns = [
            _Column(name, key("column", name), [s for n, s in self._sums.items() if name in n])
            for name in columns
        ]

    def update(self, batch: pa.RecordBatch, groups: Positions | None = None) -> None:
        """Add the rows of a batch, which may have other columns too; `groups` has that of each.

        Raises:
            KeyError: a column is missing.
            TypeError: there is no hash for the type of a column (a union).
        """
        made = [(column, batch.column(column.name)) for column in self._columns]
        for start in range(0, max(batch.num_rows, 1), BLOCK_ROWS):
            for column, values in made:
                found = hashes(values.slice(start, BLOCK_ROWS), column.by)
                for each in column.sums:
                    each.add(found)
            some = groups[start : start + BLOCK_ROWS] if groups is not None else None
            for each in self._sums.values():
                each.end(some)
        self._rows += batch.num_rows

    def merge(self, other: RowHash) -> None:
        """Add the rows that another one of the same sets took: their order never counts."""
        self._rows += other._rows
        for names, each in self._sums.items():
            each.merge(other._sums[names])

    def fingerprints(self) -> dict[tuple[str, ...], Fingerprint]:
        """Return each set's fingerprint of all rows so far: their number and the sum of hashes."""
        return {names: total(self._rows, each.sums) for names, each in self._sums.items()}

    def sums(self, names: tuple[str, ...]) -> Hashes:
        """Return the sum of a set's hashes over the rows of each group."""
        return self._sums[names].sums


def _noughts(groups: int) -> Hashes:
    return np.zeros((groups, 2), np.uint64)


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

    by: Key
    sums: Hashes
    rows: Hashes | None = None
    spare: Hashes = field(default_factory=lambda: np.empty((BLOCK_ROWS, 2), np.uint64))

    def add(self, column: Hashes) -> None:
        """Add the cells of one column to the rows at hand."""
        if self.rows is None:
            self.rows = column
        else:
            self.rows = np.add(self.rows, column, out=self.spare[: len(column)])

    def end(self, groups: Positions | None) -> None:
        """Add the rows at hand to the sum, or to those of their groups."""
        if self.rows is not None and groups is not None:
            loops.for_values(len(self.rows)).add_totals(self.rows, groups, *self.by, self.sums)
        elif self.rows is not None:
            loops.for_values(len(self.rows)).add_total(self.rows, *self.by, self.sums)
        self.rows = None

    def merge(self, other: _Sum) -> None:
        """Add the sum over other rows."""
        self.sums += other.sums
