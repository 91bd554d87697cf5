"""Key sets: which columns are summed up for each key, in the form in which the sums are kept.

Who only reads what was kept needs none of the kernels that made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpgbuild.core.fingerprint import Fingerprint

if TYPE_CHECKING:
    from cpgbuild.core.evidence import Columns
    from cpgbuild.engine.constants import Hashes

# The columns of sums that say of which key they are, and of how many rows.
KEY, ROWS = "key", "rows"


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets of columns that are summed up, and the one that is without the last bits too."""

    exact: tuple[Columns, ...]
    blurred: Columns | None = None

    def of(self, columns: Columns) -> tuple[str, str] | None:
        """Return which columns hold the sums of a set; None where it is not summed up."""
        if columns not in self.exact:
            return None
        number = self.exact.index(columns)
        return f"a{number}", f"b{number}"

    @property
    def names(self) -> list[str]:
        """The columns that hold the sums, two words for each set."""
        count = len(self.exact) + (self.blurred is not None)
        return [f"{word}{number}" for number in range(count) for word in "ab"]

    def schema(self, kind: pa.DataType) -> pa.Schema:
        """Return the schema of sums of keys of this type."""
        words = [(name, pa.uint64()) for name in self.names]
        return pa.schema([(KEY, kind), (ROWS, pa.int64()), *words])


def total(rows: int, sums: Hashes) -> Fingerprint:
    """Return the fingerprint of so many rows, whose hashes sum up to these group by group."""
    a, b = sums.sum(axis=0, dtype=np.uint64).tolist()
    return Fingerprint(f"{rows}-{a:016x}{b:016x}")
