"""Keyed tables: the rows that a table holds of some keys, and files that take others' place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cpgbuild.engine.staging import Staged, StagedFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cpgbuild.engine.folder import Folder
    from cpgbuild.engine.ledger import Kept, Ledger


@dataclass(frozen=True, slots=True)
class KeyedTable:
    """A table of these columns, in their logical types, and the ledger of what it holds."""

    folder: Folder
    schema: pa.Schema
    ledger: Ledger

    def rows_of(self, keys: pa.Array, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """Give the rows of some keys; only these columns, the key among them."""
        fields = [field for field in self.schema if field.name in columns]
        for rows in self._read(self.ledger.holding(keys), fields):
            yield from rows.filter(pc.is_in(rows[self.ledger.buckets.key], keys)).to_batches()

    def rows_beside(self, keys: pa.Array, files: Collection[str]) -> Iterator[pa.RecordBatch]:
        """Give the rows of all other keys that are in some files."""
        for rows in self._read(files, list(self.schema)):
            found = pc.is_in(rows[self.ledger.buckets.key], keys)
            yield from rows.filter(pc.invert(found)).to_batches()

    def _read(self, files: Collection[str], fields: list[pa.Field]) -> Iterator[pa.Table]:
        # Of a name with a dot in it Arrow would think that it is of a field in a struct.
        names = None if any("." in f.name for f in fields) else [f.name for f in fields]
        for path in files:
            with self.folder.open(path) as source:
                stored = pq.ParquetFile(source).read(columns=names)
            cells = [stored[f.name].cast(f.type) for f in fields]
            yield pa.table(cells, schema=pa.schema(fields))

    def instead(self, staged: Staged, files: Collection[str]) -> Staged:
        """Return staged rows as those that take the place of some of the table's files."""
        old = {path: _told(path, kept) for path, kept in self.ledger.files.items()}
        upon = tuple(file for path, file in old.items() if path not in files)
        return replace(staged, upon=upon, without=tuple(old[path] for path in files))

    def thinned(self, staged: Staged, files: Collection[str], buckets: Collection[int]) -> Staged:
        """Return of all staged rows those in some buckets, instead of some of the table's files.

        The others are what the table has already, and deleted.
        """
        kept = tuple(file for file in staged.files if file.bucket in buckets)
        names = {file.path for file in kept}
        self.folder.delete(f.path for f in staged.files if f.path not in names)
        return self.instead(replace(staged, files=kept), files)


def _told(path: str, kept: Kept) -> StagedFile:
    """Return a file of a table as one that was staged for it."""
    return StagedFile(path, kept.size, kept.modified, {}, kept.statistics, kept.bucket)
