"""Ledger: what is known of each key of a table's rows, kept beside the table for every run.

It has the sums that the table's data fingerprints are made of, key by key, and which files hold
which keys. It proves nothing by itself: who uses it compares its fingerprints with those of the
trace, and its files with those of the table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cpgbuild.engine import keysums
from cpgbuild.engine.buckets import BUCKET_BYTES, MOST, Buckets
from cpgbuild.engine.keysets import KEY, Sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.engine.staging import StagedFile

# Of so many keys no ledger is kept: it would cost as much as the rows.
MOST_KEYS = 500_000
_ABOUT = b"cpgbuild.ledger"


@dataclass(frozen=True, slots=True)
class Kept:
    """A data file of a table: its bucket, and what a commit or a reader has to know of it."""

    bucket: int
    size: int
    modified: int
    statistics: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The sums of each key, the buckets that keys are in, and the files of these by path."""

    buckets: Buckets
    sets: Sets
    sums: pa.Table
    files: Mapping[str, Kept] = field(default_factory=dict)

    def fingerprints(self) -> dict[Columns, Fingerprint]:
        """Return the data fingerprints of the whole table."""
        return keysums.fingerprints(self.sums, self.sets)

    def blurred(self) -> Fingerprint | None:
        """Return the one without the last bits of floats, if it was asked for."""
        return keysums.blurred(self.sums, self.sets)

    @property
    def keys(self) -> int:
        """How many keys have rows."""
        return int(pc.sum(pc.greater(self.sums["rows"], 0)).as_py() or 0)

    @property
    def has_null(self) -> bool:
        """Whether rows are without a key."""
        alone = self.sums.filter(pc.is_null(self.sums[KEY]))
        return bool(pc.any(pc.greater(alone["rows"], 0)).as_py())

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(pc.sum(self.sums["rows"]).as_py() or 0)

    @property
    def is_crowded(self) -> bool:
        """Whether the rows have become so many that more buckets would serve better."""
        size = sum(file.size for file in self.files.values())
        return self.buckets.count < MOST and size > 2 * BUCKET_BYTES * self.buckets.count

    def array(self, keys: Iterable[object]) -> pa.Array:
        """Return keys in the type that they have here."""
        return pa.array(list(keys), self.sums.schema.field(KEY).type)

    def changed(self, before: Ledger, columns: Columns) -> pa.Array | None:
        """Return the keys whose rows in these columns are others than before; None: unknown.

        Where these were not summed up then or now, some are among them that differ in others.
        """
        wider = (s for s in self.sets.exact if {*columns} <= {*s} and s in before.sets.exact)
        common = min(wider, key=len, default=columns)
        now, then = self.sets.of(common), before.sets.of(common)
        same = self.buckets.key == before.buckets.key
        kind, other = (one.sums.schema.field(KEY).type for one in (self, before))
        if now is None or then is None or not same or kind != other:
            return None
        past = before.sums.select([KEY, "rows", *then]).rename_columns([KEY, "rows", *now])
        return keysums.changed(past, self.sums, now)

    def replaced(self, keys: pa.Array, sums: pa.Table) -> Ledger:
        """Return the ledger of a table in which the rows of these keys are others."""
        kept = keysums.without(self.sums, keys)
        together = pa.concat_tables([kept, sums.select(kept.schema.names).cast(kept.schema)])
        return replace(self, sums=together)

    def holding(self, keys: pa.Array) -> list[str]:
        """Return the files that hold the rows of these keys, and of others."""
        wanted = set(self.buckets.of(keys).tolist())
        return [path for path, kept in self.files.items() if kept.bucket in wanted]

    def with_files(self, kept: Iterable[str], staged: Iterable[StagedFile]) -> Ledger:
        """Return the ledger with some of its files, and with new ones."""
        files = {path: self.files[path] for path in kept}
        new = {f.path: Kept(f.bucket, f.size, f.modified, f.statistics) for f in staged}
        return replace(self, files=files | new)

    def to_table(self) -> pa.Table:
        """Return the ledger as it is kept."""
        about = {
            "key": self.buckets.key,
            "buckets": self.buckets.count,
            "sets": self.sets.exact,
            "blurred": self.sets.blurred,
            "files": {
                path: [f.bucket, f.size, f.modified, f.statistics] for path, f in self.files.items()
            },
        }
        return self.sums.replace_schema_metadata({_ABOUT: json.dumps(about)})

    @classmethod
    def from_table(cls, table: pa.Table | None) -> Ledger | None:
        """Return the ledger that was kept as a table, if it is one."""
        metadata = (table.schema.metadata or {}) if table is not None else {}
        if table is None or _ABOUT not in metadata:
            return None
        about: dict[str, Any] = json.loads(metadata[_ABOUT])
        exact = tuple(tuple(names) for names in about["sets"])
        blurred = tuple(about["blurred"]) if about["blurred"] is not None else None
        sets = Sets(exact, blurred)
        files = {path: Kept(*facts) for path, facts in about["files"].items()}
        names = [KEY, "rows", *sets.names]
        plain = table.select(names).replace_schema_metadata(None)
        return cls(Buckets(about["key"], about["buckets"]), sets, plain, files)
