"""Unseen: staged rows as a session reads them, before any commit names them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.engine.frames import cast_to, quote
from cpgbuild.plan import types

if TYPE_CHECKING:
    from pathlib import Path

    import datafusion

    from cpgbuild.engine.folder import Folder
    from cpgbuild.engine.leaves import Leaves
    from cpgbuild.engine.staging import Staged, StagedFile

# The column that says of which partition a file is; no dataset's column is named so.
_PARTITION = "__cpgbuild_partition"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Leaves of which one is not what its table holds, but the rows that are staged for it.

    They are in `folder`; `place` is an empty local one, which must outlive all that is read.
    """

    others: Leaves
    staged: Staged
    folder: Folder
    place: Path

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register a source or an output."""
        if name != self.staged.output:
            self.others.register(session, name)
            return
        session.register_view(name, cast_to(self._rows(session, name), self._schema))

    @property
    def _schema(self) -> pa.Schema:
        return types.logical_schema(self.staged.schema)

    def _rows(self, session: datafusion.SessionContext, name: str) -> datafusion.DataFrame:
        if not self.staged.all_files:
            raw = f"{name}/none"
            none = pa.RecordBatch.from_pylist([], schema=self._schema)
            session.register_record_batches(raw, [[none]])
            return session.table(quote(raw))
        return self._of_files(session, name)

    def _of_files(self, session: datafusion.SessionContext, name: str) -> datafusion.DataFrame:
        """Read the files; what the columns of their partitions hold, is not in them."""
        partitions: dict[tuple[tuple[str, str], ...], list[StagedFile]] = {}
        for file in self.staged.all_files:
            key = tuple((column, repr(value)) for column, value in file.values.items())
            partitions.setdefault(key, []).append(file)
        for number, files in enumerate(partitions.values()):
            below = self.place / f"{_PARTITION}={number}"
            below.mkdir()
            for count, file in enumerate(files):
                self._fetch(file.path, below / f"{count}.parquet")
        kinds = [(_PARTITION, pa.int32())]
        rows = session.read_parquet(str(self.place), table_partition_cols=kinds)
        if not self.staged.partition_by:
            return rows
        firsts = [files[0].values for files in partitions.values()]
        columns = {
            field.name: pa.array([values[field.name].as_py() for values in firsts], field.type)
            for field in self.staged.schema
            if field.name in self.staged.partition_by
        }
        numbers = f"{name}/partitions"
        table = pa.table({_PARTITION: pa.array(range(len(firsts)), pa.int32()), **columns})
        session.register_record_batches(numbers, [table.to_batches()])
        return rows.join(session.table(quote(numbers)), on=_PARTITION)

    def _fetch(self, path: str, to: Path) -> None:
        """Make a staged file readable here: by a link, or as a copy where it is far away."""
        if self.folder.local is not None:
            to.symlink_to(self.folder.local / path)
            return
        with self.folder.open(path) as far, to.open("wb") as near:
            shutil.copyfileobj(far, near)
