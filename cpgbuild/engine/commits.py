"""Commits: the ways in which a table comes to hold other rows, or the same by another trace."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from cpgbuild.engine.history import (
    APP,
    COMMIT,
    TRACE,
    Copy,
    active_files,
    at,
    digest,
    log_file,
    read_commit,
)
from cpgbuild.engine.partitions import texts
from cpgbuild.engine.staging import SIDE, marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.folder import Folder
    from cpgbuild.engine.staging import Staged, StagedFile

# So many copies of traces are kept beside a table.
COPIES = 50
_NTZ = "timestampNtz"
# In the metadata of a table's first column: stands for the order of columns.
_ORDER = "cpgbuild.order"


@dataclass(frozen=True, slots=True)
class Committer:
    """Commits to one table, as it was when it was looked at.

    Where anybody committed since, nothing is: what was decided upon is no more. Each commit is
    atomic, carries its trace, and raises `CommitFailedError` where it is refused.
    """

    uri: str
    folder: Folder
    table: DeltaTable | None

    @property
    def version(self) -> int:
        """The version that was looked at; -1 where there was no table."""
        return self.table.version() if self.table is not None else -1

    def replace(self, staged: Staged, trace: Trace) -> None:
        """Let the table hold exactly the staged rows, and those of the files that they build upon.

        In the latter case the table has to be as it was when these files were told.
        """
        files = digest(file.path for file in staged.all_files)
        if staged.upon or staged.without:
            known = self._known()
            self._commit(trace, files, lambda properties: _exchange(known, staged, properties))
        elif self.table is None:
            self._commit(trace, files, lambda properties: self._create(staged, properties))
        elif _fits(self.table, staged):
            table = self.table
            self._commit(trace, files, lambda properties: _overwrite(table, staged, properties))
        else:
            self._commit(trace, "", lambda properties: self._rewrite(staged, properties))

    def renew(self, trace: Trace) -> None:
        """Let the rows stay, and say anew how they came to be."""
        table = self._known()
        files, schema = active_files(table) or [], table.schema()
        parts = table.metadata().partition_columns

        def commit(properties: CommitProperties) -> None:
            table.create_write_transaction(
                [], "append", schema, parts, commit_properties=properties
            )

        self._commit(trace, digest(files), commit)

    def restore(self, version: int, trace: Trace) -> None:
        """Let the table be what it was at a version; raises where a file of it is gone."""
        table, then = self._known(), active_files(at(self.uri, version))

        def commit(properties: CommitProperties) -> None:
            table.restore(version, commit_properties=properties)

        self._commit(trace, digest(then) if then is not None else "", commit)

    def _known(self) -> DeltaTable:
        if self.table is None:
            raise FileNotFoundError(self.uri)
        return self.table

    def _commit(self, trace: Trace, files: str, commit: Callable[[CommitProperties], None]) -> None:
        before = self.table.transaction_version(APP) if self.table is not None else None
        number, unique = (before or 0) + 1, uuid.uuid4().hex
        self.folder.write(Copy.path(number), Copy(trace, files).to_json())
        properties = CommitProperties(
            custom_metadata={TRACE: trace.to_json(), COMMIT: unique},
            # Delta would else commit on top of what it finds compatible: our trace would lie.
            max_commit_retries=0,
            app_transactions=[Transaction(APP, number)],
        )
        try:
            commit(properties)
        except Exception:
            # What follows upon a commit, as a checkpoint, can fail when the commit stands.
            landed = read_commit(self.folder, self.version + 1)
            if landed is None or landed.id != unique:
                raise
        self.folder.delete([Copy.path(number - COPIES)])

    def _create(self, staged: Staged, properties: CommitProperties) -> None:
        try:
            create_table_with_add_actions(
                self.uri,
                Schema.from_arrow(staged.schema),
                [_add(file) for file in staged.files],
                "error",
                list(staged.partition_by),
                commit_properties=properties,
            )
        except DeltaError as error:
            if self.folder.read(log_file(0)) is None:
                raise
            message = "Failed to commit transaction: the table was made meanwhile"
            raise CommitFailedError(message) from error

    def _rewrite(self, staged: Staged, properties: CommitProperties) -> None:
        """Write the staged rows once more, through Delta.

        Nothing else changes a table's partitioning, or what its readers must support, in the same
        commit as its rows, and refuses to where the table is no longer the one looked at.
        """
        if self.folder.read(log_file(self.version + 1)) is not None:
            # Else Delta would refuse it too, and leave behind what it wrote until then.
            message = "Failed to commit transaction: the table was written meanwhile"
            raise CommitFailedError(message)
        table, rows = self._known(), self._rows(staged)
        schema = _told(table, staged.schema)
        # Delta asks for rows on threads from which its own store cannot be read.
        with ThreadPoolExecutor(1) as thread:
            batches = iter(lambda: thread.submit(next, rows, None).result(), None)
            told = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches)
            write_deltalake(
                table,
                pa.RecordBatchReader.from_batches(schema, told),
                mode="overwrite",
                schema_mode="overwrite",
                partition_by=list(staged.partition_by),
                commit_properties=properties,
            )

    def _rows(self, staged: Staged) -> Iterator[pa.RecordBatch]:
        for file in staged.files:
            with self.folder.open(file.path) as source:
                for batch in pq.ParquetFile(source).iter_batches():
                    columns = [
                        pa.repeat(file.values[f.name], batch.num_rows)
                        if f.name in file.values
                        else batch.column(f.name)
                        for f in staged.schema
                    ]
                    yield pa.RecordBatch.from_arrays(columns, schema=staged.schema)


def _fits(table: DeltaTable, staged: Staged) -> bool:
    """Return whether Delta can replace a table's files by these without more ado.

    It would commit times without a zone to a table that does not say so, and then nobody, Delta
    included, could read the table. Rows that somebody set a constraint for are its to check.
    """
    metadata, features = table.metadata(), table.protocol().writer_features or []
    if any(name.startswith("delta.constraints.") for name in metadata.configuration or {}):
        return False
    local = any(_is_local(field.type) for field in staged.schema)
    same = list(metadata.partition_columns) == list(staged.partition_by)
    return same and (not local or _NTZ in features)


def _told(table: DeltaTable, schema: pa.Schema) -> pa.Schema:
    """Return a schema to commit, with a note in it where Delta would not see that it is another.

    It compares columns, and fields of structs, without their order, and keeps the old one.
    """
    wanted = _in_order(Schema.from_arrow(schema))
    if not schema.names or wanted == _in_order(table.schema()):
        return schema
    first = schema.field(0)
    note = {_ORDER: sha256(repr(wanted).encode()).hexdigest()[:12]}
    return schema.set(0, first.with_metadata({**(first.metadata or {}), **note}))


def _in_order(schema: Schema) -> object:
    """Return the names and types of a schema, in order, without what is noted of them."""
    return json.loads(
        schema.to_json(), object_hook=lambda o: [o[key] for key in sorted(o) if key != "metadata"]
    )


def _is_local(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_is_local(kind.field(n).type) for n in range(kind.num_fields))
    return bool(pa.types.is_timestamp(kind) and kind.tz is None)


def _overwrite(table: DeltaTable, staged: Staged, properties: CommitProperties) -> None:
    table.create_write_transaction(
        [_add(file) for file in staged.files],
        "overwrite",
        Schema.from_arrow(_told(table, staged.schema)),
        list(staged.partition_by),
        commit_properties=properties,
    )


def _exchange(table: DeltaTable, staged: Staged, properties: CommitProperties) -> None:
    """Take some files out of a table, and put the staged ones in."""
    gone = [
        RemoveAction(
            path=file.path,
            data_change=True,
            deletion_timestamp=time.time_ns() // 1_000_000,
            size=file.size,
            partition_values={},
        )
        for file in staged.without
    ]
    table.create_write_transaction(
        [*gone, *(_add(file) for file in staged.files)],
        "append",
        table.schema(),
        [],
        commit_properties=properties,
    )


def _add(file: StagedFile) -> AddAction:
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values=texts(file.values),
        modification_time=file.modified,
        data_change=True,
        stats=file.statistics,
    )


def is_committed(folder: Folder, table: DeltaTable | None, stage: str, base: int) -> bool:
    """Return whether a commit after version `base` has the files of a stage.

    Where the log no longer tells, it is asked whether `table` is made of them.
    """
    version = base + 1
    while (text := folder.read(log_file(version))) is not None:
        if stage.encode() in text:
            return True
        version += 1
    lost = table is not None and table.version() >= version
    return lost and any(f"-{stage}." in path for path in active_files(table) or [])


def leftovers(folder: Folder) -> Iterator[tuple[str, int, list[str]]]:
    """Give the stages that were neither committed to the end nor discarded.

    Of each: its id, the version of the table that was there before, and its files.
    """
    prefix, beside = marker(""), folder.names(SIDE)
    # Whoever died while it wrote a draft had not used it, nor written a file after a marker's.
    folder.delete(name for name in beside if name.endswith(".tmp"))
    marks = [name for name in beside if name.startswith(prefix) and not name.endswith(".tmp")]
    # What no marker speaks of is not looked for: a table may have very many files.
    names = folder.names(deep=True) if marks else []
    for mark in marks:
        stage, base = mark.removeprefix(prefix), (folder.read(mark) or b"").decode()
        yield stage, int(base or -1), [name for name in names if f"-{stage}." in name]
