"""Listing: the files of a source tree as a table, whose contents are read only where asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

from cpgbuild.engine.frames import quote
from cpgbuild.engine.globs import walk
from cpgbuild.engine.stamps import file_digest

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from pathlib import Path

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("sha256", pa.string()),
        pa.field("content", pa.binary()),
    ]
)
CHANGED = "cpgbuild: changed while it was read: "
# The engine hands the reading function one batch at a time, so this bounds what is in memory.
BATCH_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, or one file: relative paths, sizes in bytes, sha256 in hex."""

    root: Path
    rows: tuple[tuple[str, int, str], ...]

    @property
    def facts(self) -> list[str]:
        """All that the listing says, for a fingerprint."""
        return [text for path, size, sha in self.rows for text in (path, str(size), sha)]


def list_files(
    path: Path,
    include: Sequence[str],
    exclude: Sequence[str],
    digests: MutableMapping[str, tuple[tuple[int, ...], str]],
) -> Listing:
    """Return the listing of a folder, or of a single file under its own name.

    Raises:
        OSError: a file cannot be read.
    """
    if path.is_file():
        return Listing(path.parent, (_row(path.name, path, digests),))
    files = walk(path, include, exclude)
    return Listing(path, tuple(sorted(_row(name, file, digests) for name, file in files)))


def _row(
    name: str, path: Path, digests: MutableMapping[str, tuple[tuple[int, ...], str]]
) -> tuple[str, int, str]:
    return name, path.stat().st_size, file_digest(path, digests)


def register_listing(ctx: datafusion.SessionContext, name: str, listing: Listing) -> None:
    """Register the listing as a view whose `content` is a function of path and digest.

    So only a plan that needs contents reads files, and only those that its filters leave.
    """
    ctx.register_record_batches(f"{name}/files", [_batches(listing)])
    reader = f"read_{name}"
    strings = [pa.string(), pa.string()]
    ctx.register_udf(datafusion.udf(_reader(listing.root), strings, pa.binary(), "stable", reader))
    files = quote(f"{name}/files")
    query = f"SELECT path, size, sha256, {reader}(path, sha256) AS content FROM {files}"  # noqa: S608
    ctx.register_view(name, ctx.sql(query))


def register_digests(ctx: datafusion.SessionContext, name: str, listing: Listing) -> None:
    """Register the listing with digests in place of contents, to compare it and not to read it."""
    files = quote(f"{name}/files")
    ctx.register_record_batches(f"{name}/files", [_batches(listing)])
    query = f"SELECT path, size, sha256, sha256 AS content FROM {files}"  # noqa: S608
    ctx.register_view(name, ctx.sql(query))


def _batches(listing: Listing) -> list[pa.RecordBatch]:
    schema = pa.schema(list(SCHEMA)[:3])
    chunks: list[list[tuple[str, int, str]]] = [[]]
    held = 0
    for row in listing.rows:
        if held > BATCH_BYTES:
            chunks.append([])
            held = 0
        chunks[-1].append(row)
        held += row[1]
    return [
        pa.RecordBatch.from_arrays(
            [pa.array([row[i] for row in chunk], schema.field(i).type) for i in range(3)],
            schema=schema,
        )
        for chunk in chunks
    ]


def _reader(root: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- arrays in and out
    def read(paths: pa.Array, digests: pa.Array) -> pa.Array:
        pairs = zip(paths.to_pylist(), digests.to_pylist(), strict=True)
        return pa.array([_content(root / path, digest) for path, digest in pairs], pa.binary())

    return read


def _content(path: Path, digest: str) -> bytes:
    """Return a file's content, which must be the one that was listed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{CHANGED}{path}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{CHANGED}{path}")
    return content
