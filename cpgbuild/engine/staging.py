"""Staging: rows written into a table's folder as Parquet files that no commit names yet."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from cpgbuild.engine.partitions import folder_of, split, texts
from cpgbuild.engine.statistics import statistics
from cpgbuild.plan import types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cpgbuild.engine.buckets import Buckets
    from cpgbuild.engine.folder import Folder
    from cpgbuild.engine.partitions import Key, Values

# Beside the table's files; the underscore keeps it out of what Delta counts as the table's.
SIDE = "_cpgbuild"
# A row group is what a reader takes at once, and a writer holds: so many rows, or bytes.
GROUP_ROWS = 1 << 17
GROUP_BYTES = 64 << 20
# Rows are told apart by partition so many at once.
SPLIT_ROWS = 1 << 20
# A file is closed when it has come to so many bytes.
FILE_BYTES = 128 << 20
# Rows of many partitions wait for their row groups to fill, in no more than this.
WAITING_BYTES = 256 << 20
OPEN_FILES = 64
# A dictionary is of use where at most one value in so many is a new one.
REPEATED = 4


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file below the table's folder, of rows that share their partition's values."""

    path: str
    size: int
    modified: int
    values: Values
    statistics: str
    bucket: int = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """All rows of a run, written and not committed; `schema` is the stored one.

    `base` is the version of the table, -1 where there was none, that was there before. With
    `upon` the rows are not all: the table keeps the rows of these files of its own, and loses
    those of `without`. Of a keyed table it is known how many `buckets` its files are.
    """

    output: str
    id: str
    base: int
    schema: pa.Schema
    partition_by: tuple[str, ...]
    files: tuple[StagedFile, ...]
    rows: int
    upon: tuple[StagedFile, ...] = ()
    without: tuple[StagedFile, ...] = ()
    buckets: Buckets | None = None

    @property
    def all_files(self) -> tuple[StagedFile, ...]:
        """The files that the table will have."""
        return (*self.upon, *self.files)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.size for file in self.files)


def marker(stage: str) -> str:
    """Return the file that stands beside a table as long as a stage's files may be leftovers."""
    return f"{SIDE}/staged-{stage}"


@dataclass
class Stage:
    """Writes the rows of one run below a table's folder."""

    folder: Folder
    output: str
    base: int
    schema: pa.Schema
    partition_by: tuple[str, ...]
    buckets: Buckets | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def written(self, batches: Iterator[pa.RecordBatch]) -> Staged:
        """Write all batches; an exception that they raise comes out, and no file is left.

        All happens in the thread that calls: rows that are slow to come keep nobody else waiting.
        """
        self.folder.write(marker(self.id), str(self.base).encode())
        writer = _Writer(self)
        try:
            for batch in batches:
                writer.take(types.to_storage(batch, self.schema))
            writer.finish()
            self.folder.sync(file.path for file in writer.files)
        except BaseException:
            writer.abandon()
            self.folder.delete([marker(self.id)])
            raise
        stored = types.storage_schema(self.schema)
        files = tuple(writer.files)
        told = (self.output, self.id, self.base, stored, self.partition_by)
        return Staged(*told, files, writer.rows, buckets=writer.buckets)

    @cached_property
    def written_schema(self) -> pa.Schema:
        """The schema of the files: Delta keeps partition columns in the log alone."""
        fields = types.storage_schema(self.schema)
        # What a column stands for is said by the table's schema.
        return pa.schema([f.remove_metadata() for f in fields if f.name not in self.partition_by])


@dataclass
class _Waiting:
    """Batches put together, until they are enough."""

    limit: int
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes

    @property
    def is_enough(self) -> bool:
        return self.rows >= self.limit or self.bytes >= GROUP_BYTES

    def taken(self) -> pa.Table:
        """Return the rows, of which none are left here."""
        rows = pa.Table.from_batches(self.batches)
        self.batches, self.rows, self.bytes = [], 0, 0
        return rows


@dataclass
class _Writer:
    """Sends rows to the files of their partitions."""

    stage: Stage
    rows: int = 0
    files: list[StagedFile] = field(default_factory=list)
    _parts: dict[Key, _Part] = field(default_factory=dict)
    _begun: list[str] = field(default_factory=list)
    # What is not yet told apart: to do that with a small batch costs as much as with a large one.
    _mixed: _Waiting = field(default_factory=lambda: _Waiting(SPLIT_ROWS))
    buckets: Buckets | None = None

    def __post_init__(self) -> None:
        self.buckets = self.stage.buckets

    def take(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        if not self.stage.partition_by and self.buckets is None:
            self._part((), {}).take(batch)
            return
        self._mixed.add(batch)
        if self._mixed.is_enough:
            self._split()

    def _split(self) -> None:
        if self.buckets is not None:
            # So many as the rows seen until now need: no one knows how many there will be.
            self.buckets = self.buckets.for_bytes(self._mixed.bytes)
            for bucket, rows in self.buckets.split(self._mixed.taken()):
                self._part((str(bucket),), {}, bucket).take(rows)
        else:
            for key, values, rows in split(self._mixed.taken(), self.stage.partition_by):
                self._part(key, values).take(rows)
        self._make_room()

    def _part(self, key: Key, values: Values, bucket: int = 0) -> _Part:
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = _Part(self, values, bucket)
        return part

    def _make_room(self) -> None:
        while sum(part.waiting.bytes for part in self._parts.values()) > WAITING_BYTES:
            max(self._parts.values(), key=lambda part: part.waiting.bytes).flush()
        opened = [part for part in self._parts.values() if part.is_open]
        for part in opened[:-OPEN_FILES]:
            part.close()

    def begin(self, values: Values) -> str:
        """Return the path of a new file, which is ours to delete from now on."""
        name = f"part-{len(self._begun):05}-{self.stage.id}.snappy.parquet"
        folders = [folder_of(column, text) for column, text in texts(values).items()]
        self._begun.append("/".join([*folders, name]))
        return self._begun[-1]

    def finish(self) -> None:
        if self._mixed.rows:
            self._split()
        if self.buckets is not None:
            # Of no rows too.
            self.buckets = self.buckets.for_bytes(0)
        for part in self._parts.values():
            part.flush()
            part.close()

    def abandon(self) -> None:
        """Leave nothing of what was written."""
        for part in self._parts.values():
            # The disk may be full; what went wrong first is what is told.
            with suppress(Exception):
                part.close()
        self.stage.folder.delete(self._begun)


@dataclass
class _Part:
    """The rows of one partition on their way into files."""

    writer: _Writer
    values: Values
    bucket: int = 0
    waiting: _Waiting = field(default_factory=lambda: _Waiting(GROUP_ROWS))
    _path: str = ""
    _stream: pa.NativeFile | None = None
    _parquet: pq.ParquetWriter | None = None
    _footer: list[pq.FileMetaData] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self._parquet is not None

    def take(self, batch: pa.RecordBatch) -> None:
        self.waiting.add(batch)
        if self.waiting.is_enough:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a row group."""
        if not self.waiting.rows:
            return
        rows = self.waiting.taken().cast(self.writer.stage.written_schema)
        parquet = self._parquet or self._opened(rows)
        # Twice as many, or the few that are over would be a row group of their own.
        parquet.write_table(rows, row_group_size=2 * GROUP_ROWS)
        if self._stream is not None and self._stream.tell() >= FILE_BYTES:
            self.close()

    def _opened(self, rows: pa.Table) -> pq.ParquetWriter:
        self._path = self.writer.begin(self.values)
        self._stream = self.writer.stage.folder.create(self._path)
        self._footer = []
        self._parquet = pq.ParquetWriter(
            self._stream,
            rows.schema,
            compression="snappy",
            use_dictionary=_repeating(rows),
            metadata_collector=self._footer,
        )
        return self._parquet

    def close(self) -> None:
        """End the file that is open, if one is."""
        if self._parquet is None or self._stream is None:
            return
        parquet, stream = self._parquet, self._stream
        self._parquet = self._stream = None
        parquet.close()
        size = stream.tell()
        stream.close()
        stats = statistics(self._footer[0])
        now = time.time_ns() // 1_000_000
        told = (self._path, size, now, self.values, stats, self.bucket)
        self.writer.files.append(StagedFile(*told))


def _repeating(rows: pa.Table) -> list[str]:
    """Return the Parquet columns that get a dictionary, since their values repeat often.

    To build one in vain costs a third of the time of writing, and leaves larger files.
    """
    head = rows.slice(0, GROUP_ROWS // 8)
    names = []
    for column in head.schema:
        if pa.types.is_nested(column.type):
            names += [path for path, kind in _leaves(column.name, column.type) if _is_text(kind)]
        elif len(head[column.name].drop_null().unique()) * REPEATED <= head.num_rows:
            names.append(column.name)
    return names


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """Give the path and type of each Parquet column that a column is stored in."""
    if pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", kind.key_type)
        yield from _leaves(f"{path}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for part in kind:
            yield from _leaves(f"{path}.{part.name}", part.type)
    else:
        yield path, kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))
