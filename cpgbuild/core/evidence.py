"""Evidence: what the build knows about one dataset at one moment.

Two pieces of evidence are compared for equality and never for order (as in Shake, unlike Make):
no clock is trusted to say which came first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.schema import Schema

# Columns by name, sorted: what a data fingerprint is of. None at all: the number of rows alone.
Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a run read of one dataset, or wrote: the schema of these columns, and their rows.

    `version` names a state of the dataset: equal versions have equal rows, and of others nothing
    is said. `data` is the data fingerprint of the columns alone, where it is known.
    """

    schema: Fingerprint
    version: Fingerprint
    data: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """That a dataset exists, with its schema, its version, and data fingerprints by columns."""

    schema: Schema
    version: Fingerprint
    data: Mapping[Columns, Fingerprint] = field(default_factory=dict)

    def stamp(self, columns: Iterable[str] | None = None) -> Stamp:
        """Return what a reader of `columns` sees; None means all of them."""
        if columns is None:
            return Stamp(self.schema.fingerprint, self.version, self.version)
        names = tuple(sorted(columns))
        seen = self.schema.restricted(names)
        return Stamp(seen.fingerprint, self.version, self.data.get(names))
