"""Listing: the files of a source tree as a table, whose contents are read only where asked for.

What cannot be read is listed too, with the reason in `problem` and nulls for what is not known: a
folder of a thousand files is not worth nothing for one link that dangles, and nothing is left out
in silence.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import datafusion
import pyarrow as pa

from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.engine.frames import quote
from cpgbuild.engine.globs import because, walk
from cpgbuild.engine.stamps import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence
    from pathlib import Path

    from cpgbuild.core.evidence import Columns

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("sha256", pa.string()),
        pa.field("content", pa.binary()),
        pa.field("problem", pa.string()),
    ]
)
# What is kept of a file: all columns but its content.
KEPT = [field for field in SCHEMA if field.name != "content"]
CHANGED = "cpgbuild: changed while it was read: "
# The engine hands the reading function one batch at a time, so this bounds what is in memory.
BATCH_BYTES = 32 << 20


class Row(NamedTuple):
    """A file: relative path, size in bytes, sha256 in hex; or why it cannot be read."""

    path: str
    size: int | None
    sha256: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, or one file."""

    root: Path
    rows: tuple[Row, ...]

    @property
    def facts(self) -> list[str]:
        """All that the listing says, for a fingerprint."""
        return [str(fact) for row in self.rows for fact in row[: 3 if row.problem is None else 4]]


def list_files(
    path: Path,
    include: Sequence[str],
    exclude: Sequence[str],
    digests: MutableMapping[str, tuple[tuple[int, ...], str]],
) -> Listing:
    """Return the listing of a folder, or of a single file under its own name."""
    if path.is_file():
        return Listing(path.parent, (_row(path.name, path, digests),))
    left_out: list[Row] = []
    files = walk(path, include, exclude, lambda name, why: left_out.append(_unread(name, why)))
    rows = [_row(name, file, digests) for name, file in files]
    return Listing(path, tuple(sorted((*rows, *left_out), key=lambda row: row.path)))


def _row(name: str, path: Path, digests: MutableMapping[str, tuple[tuple[int, ...], str]]) -> Row:
    if not _is_text(name):
        return _unread(name, "its name is not UTF-8")
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return _unread(name, "it is no regular file")  # to read a pipe might take forever
        return Row(name, found.st_size, file_digest(path, digests))
    except OSError as error:
        dangles = isinstance(error, FileNotFoundError) and path.is_symlink()
        return _unread(name, "it is a link to nothing" if dangles else because(error))


def _unread(name: str, why: str) -> Row:
    return Row(os.fsencode(name).decode("utf-8", "backslashreplace"), None, None, why)


def _is_text(name: str) -> bool:
    """Return whether a name has no bytes that are not UTF-8, which Python keeps as surrogates."""
    return name == name.encode("utf-8", "replace").decode("utf-8")


def register_listing(ctx: datafusion.SessionContext, name: str, listing: Listing) -> None:
    """Register the listing as a view whose `content` is a function of path and digest.

    So only a plan that needs contents reads files, and only those that its filters leave.
    """
    ctx.register_record_batches(f"{name}/files", [_batches(listing)])
    reader = f"read_{name}"
    strings = [pa.string(), pa.string()]
    ctx.register_udf(datafusion.udf(_reader(listing.root), strings, pa.binary(), "stable", reader))
    files = quote(f"{name}/files")
    content = f"{reader}(path, sha256) AS content"
    query = f"SELECT path, size, sha256, {content}, problem FROM {files}"  # noqa: S608
    ctx.register_view(name, ctx.sql(query))


def fingerprints(listing: Listing, sets: Iterable[Columns]) -> dict[Columns, Fingerprint]:
    """Return the data fingerprints of columns, for which no file is read: digests are contents.

    They are asked for at the start of a build, which would wait for an engine and its kernels.
    """
    places = {field.name: index for index, field in enumerate(KEPT)}
    places["content"] = places["sha256"]
    found = {}
    for columns in sets:
        wanted = [places[column] for column in columns]
        rows = sorted(repr([row[place] for place in wanted]) for row in listing.rows)
        found[columns] = Fingerprint(f"{len(rows)}-{fingerprint(*rows)[:32]}")
    return found


def _batches(listing: Listing) -> list[pa.RecordBatch]:
    schema = pa.schema(KEPT)
    chunks: list[list[Row]] = [[]]
    held = 0
    for row in listing.rows:
        if held > BATCH_BYTES:
            chunks.append([])
            held = 0
        chunks[-1].append(row)
        held += row.size or 0
    return [
        pa.RecordBatch.from_arrays(
            [pa.array([row[i] for row in chunk], schema.field(i).type) for i in range(len(KEPT))],
            schema=schema,
        )
        for chunk in chunks
    ]


def _reader(root: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- arrays in and out
    def read(paths: pa.Array, digests: pa.Array) -> pa.Array:
        pairs = zip(paths.to_pylist(), digests.to_pylist(), strict=True)
        contents = [digest and _content(root / path, digest) for path, digest in pairs]
        return pa.array(contents, pa.binary())

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
