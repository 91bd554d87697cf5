"""A request for an index to rows of `scip_nested`."""

from collections.abc import Mapping
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from tasks.index.indexers import chosen
from tasks.index.indexing import run_indexer
from tasks.index.scip_decode import decode_index
from tasks.index.scip_schema import SCIP_NESTED


def scip_documents(request: pa.RecordBatch) -> pa.Table:
    """Answer a request of one row: with a column `index` it is decoded, else one is made."""
    given = "index" in request.schema.names
    return decode_given(request) if given else index_sources(request)


def index_sources(request: pa.RecordBatch) -> pa.Table:
    """Make an index of the sources and decode it.

    Args:
        request: one row; package (name of the tree's folder), paths, contents and depths (lists
            of the same length, or null where the tree has no file), indexer (the variable), and
            version, so that another one makes the index stale.

    Returns:
        Rows by the schema `SCIP_NESTED`, with one for each file that was left out; without an
        indexer an empty one for each file.
    """
    row = request.to_pylist()[0]
    sources = dict(zip(row["paths"] or (), row["contents"] or (), strict=True))
    if not sources:
        raise ValueError(f"there is no source file under `{row['package']}`: nothing to index")
    indexer, program = chosen(row["indexer"])
    if indexer is None:
        return _without_facts(dict.fromkeys(sources))
    prefix = package_prefix(row["package"], sources)
    notes = {
        path: indexer.refusal(prefix + path, content, depth)
        for (path, content), depth in zip(sources.items(), row["depths"], strict=True)
    }
    taken = {prefix + path: sources[path] for path, note in notes.items() if note is None}
    index, refused = run_indexer(indexer, program, taken, row["package"]) if taken else (b"", {})
    notes |= {path.removeprefix(prefix): why for path, why in refused.items()}
    excluded = {path: note for path, note in notes.items() if note is not None}
    documents = _relative_to(decode_index(index), prefix) if index else SCIP_NESTED.empty_table()
    # Of a file on which the indexer failed halfway there may be a document, of which half.
    left_out = pc.is_in(documents["path"], pa.array(excluded.keys(), pa.string()))
    return pa.concat_tables([documents.filter(pc.invert(left_out)), _without_facts(excluded)])


def decode_given(request: pa.RecordBatch) -> pa.Table:
    """Decode an index that the user made.

    Args:
        request: one row; package, paths as for `index_sources`, and index (the file's bytes).

    Returns:
        Rows by the schema `SCIP_NESTED`, of the documents that are files of the tree.
    """
    row = request.to_pylist()[0]
    paths = row["paths"] or ()
    documents = _relative_to(decode_index(row["index"]), package_prefix(row["package"], paths))
    known = pc.is_in(documents["path"], pa.array(paths, pa.string()))
    if not pc.any(known).as_py():
        example = documents["path"][0].as_py()
        raise ValueError(
            f"the SCIP index has {documents.num_rows - 1:,} documents, but none is a file under "
            f"`{row['package']}`: its first is `{example}`"
        )
    return documents.filter(pc.or_(known, pc.is_null(documents["path"])))


def package_prefix(package: str, paths: Mapping[str, bytes] | list[str] | tuple[str, ...]) -> str:
    """Return what stands before the paths seen from the import root.

    A tree with its own ``__init__.py`` *is* a package, which is imported from the folder above.
    """
    return f"{PurePosixPath(package).name}/" if "__init__.py" in paths else ""


def _relative_to(documents: pa.Table, prefix: str) -> pa.Table:
    """Return the documents with paths relative to the source tree."""
    path = documents["path"]
    inside = pc.utf8_slice_codeunits(path, len(prefix))
    relative = pc.if_else(pc.starts_with(path, prefix), inside, path)
    return documents.set_column(documents.schema.get_field_index("path"), "path", relative)


def _without_facts(notes: Mapping[str, str | None]) -> pa.Table:
    count = len(notes)
    columns: dict[str, pa.Array] = {
        "path": pa.array(notes.keys(), pa.string()),
        "note": pa.array(notes.values(), pa.string()),
    }
    for field in SCIP_NESTED:
        empty = pa.array([[]] * count, field.type) if pa.types.is_list(field.type) else None
        columns.setdefault(field.name, pa.nulls(count, field.type) if empty is None else empty)
    return pa.table({name: columns[name] for name in SCIP_NESTED.names}, schema=SCIP_NESTED)
