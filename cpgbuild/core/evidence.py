"""Evidence: what the build knows about one dataset at one moment.

Two pieces of evidence are compared for equality and never for order (as in Shake, unlike Make):
no clock is trusted to say which came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Stamp:
    """Evidence as one reader saw it: the schema of its columns, and the data."""

    schema: Fingerprint
    data: Fingerprint


@dataclass(frozen=True, slots=True)
class Evidence:
    """That a dataset exists, with its schema and its data fingerprint."""

    schema: Schema
    data: Fingerprint

    def stamp(self, columns: Iterable[str] | None = None) -> Stamp:
        """Return what a reader of `columns` sees; None means all of them."""
        seen = self.schema if columns is None else self.schema.restricted(columns)
        return Stamp(seen.fingerprint, self.data)


def union(parts: Mapping[str, Evidence]) -> Evidence:
    """Return the evidence of a dataset whose rows are those of `parts` (by name; at least one)."""
    ordered = sorted(parts.items())
    if len(ordered) == 1:
        return ordered[0][1]
    facts = [text for name, part in ordered for text in (name, part.data)]
    return Evidence(ordered[0][1].schema, fingerprint("union", *facts))
