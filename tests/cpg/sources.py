"""Small sources and indexes for the tests."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from google.protobuf.message_factory import GetMessageClass

from tasks.extract.concrete_syntax import extract_files
from tasks.index.scip_messages import DOCUMENTS, EXTERNAL_SYMBOLS, METADATA, scip_file

ENCODINGS = {"unset": 0, "utf8": 1, "utf16": 2, "utf32": 3}


def listing(files: Mapping[str, str | bytes]) -> pa.RecordBatch:
    """Return files as the rows that a listing has."""
    contents = [f.encode() if isinstance(f, str) else f for f in files.values()]
    columns = {
        "path": list(files),
        "sha256": [hashlib.sha256(content).hexdigest() for content in contents],
        "content": pa.array(contents, pa.binary()),
        "problem": pa.nulls(len(files), pa.string()),
    }
    return pa.record_batch(columns)


def parse(source: str | bytes) -> dict[str, Any]:
    """Return the one row that `source` becomes, as plain values."""
    (row,) = extract_files(listing({"m.py": source})).to_pylist()
    return row


def request(
    package: str, files: Mapping[str, str | bytes], indexer: str = "ty-scip", **more: bytes
) -> pa.RecordBatch:
    """Return the row that asks for an index."""
    rows = listing(files).to_pydict()
    depths = extract_files(listing(files)).column("depth").to_pylist()
    columns = {
        "package": [package],
        "paths": pa.array([rows["path"] or None], pa.list_(pa.string())),
        "contents": pa.array([rows["content"] or None], pa.list_(pa.binary())),
        "depths": pa.array([depths or None], pa.list_(pa.int32())),
        "indexer": [indexer],
    }
    return pa.record_batch(columns | {name: [value] for name, value in more.items()})


def message(name: str, **fields: Any) -> bytes:
    """Return a serialised SCIP message."""
    return GetMessageClass(scip_file().message_types_by_name[name])(**fields).SerializeToString()


def document(
    path: str,
    occurrences: Iterable[tuple[Sequence[int], str, int]],
    encoding: str = "utf8",
    **fields: Any,
) -> bytes:
    """Return a document with occurrences of (range, symbol, roles)."""
    listed = [{"range": r, "symbol": s, "symbol_roles": roles} for r, s, roles in occurrences]
    code = ENCODINGS[encoding]
    more = fields | {"relative_path": path, "language": "python", "position_encoding": code}
    return message("Document", occurrences=listed, **more)


def index(documents: Iterable[bytes], external: Iterable[bytes] = ()) -> bytes:
    """Return an index of the documents, made by `maker 1`."""
    metadata = message("Metadata", tool_info={"name": "maker", "version": "1"})
    fields = [(METADATA, metadata)]
    fields += [(DOCUMENTS, d) for d in documents] + [(EXTERNAL_SYMBOLS, e) for e in external]
    return b"".join(bytes([number << 3 | 2]) + _varint(len(m)) + m for number, m in fields)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
