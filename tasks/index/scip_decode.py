"""The bytes of a SCIP index to rows of `scip_nested`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ptars import HandlerPool

from tasks.extract.struct_lists import list_type, struct_fields
from tasks.index.scip_messages import DOCUMENTS, EXTERNAL_SYMBOLS, METADATA, scip_file
from tasks.index.scip_schema import OCCURRENCES, RELATIONSHIPS, SCIP_NESTED, SYMBOLS
from tasks.index.scip_wire import corrupt, split_fields

# SCIP's PositionEncoding. An index that leaves it unset counts UTF-16 code units, as the
# language server protocol does: scip-python 0.6 is one, whatever its metadata say of UTF-8.
ENCODINGS = pa.array(["utf16", "utf8", "utf16", "utf32"])
SHORT_RANGE, LONG_RANGE = 3, 4  # line, column, end column | line, column, end line, end column


def decode_index(index: bytes) -> pa.Table:
    """Return the documents of an index, then one row with the symbols of other packages.

    Raises:
        CorruptIndexError: the bytes are no SCIP index, or one without documents.
    """
    fields: dict[int, list[bytes]] = {METADATA: [], DOCUMENTS: [], EXTERNAL_SYMBOLS: []}
    for number, message in split_fields(index):
        if number in fields:
            fields[number].append(bytes(message))
    if not fields[DOCUMENTS]:
        raise corrupt(index, "it has no documents")
    try:
        metadata = _parse("Metadata", fields[METADATA][:1]).to_pylist()
        documents = _parse("Document", fields[DOCUMENTS])
        external = _parse("SymbolInformation", fields[EXTERNAL_SYMBOLS])
    except ValueError as error:
        raise corrupt(index, str(error)) from error
    if not _ranges_are_whole(documents):
        raise corrupt(index, "an occurrence's range has neither 3 nor 4 numbers")
    tool = (metadata[0]["tool_info"] or {}) if metadata else {}
    indexer = f"{tool.get('name', 'unknown')} {tool.get('version', '')}".strip()
    return pa.concat_tables([_document_rows(documents, indexer), _external_row(external, indexer)])


def _parse(message: str, payloads: Sequence[bytes]) -> pa.RecordBatch:
    file = scip_file()
    handler = HandlerPool([file]).get_for_message(file.message_types_by_name[message])
    return handler.list_to_record_batch(payloads)


def _ranges_are_whole(documents: pa.RecordBatch) -> bool:
    ranges = documents.column("occurrences").values.field("range")
    lengths = pc.unique(pc.list_value_length(ranges)).to_pylist()
    return set(lengths) <= {SHORT_RANGE, LONG_RANGE}


def _document_rows(documents: pa.RecordBatch, indexer: str) -> pa.Table:
    count = documents.num_rows
    symbols = documents.column("symbols")
    occurrences = documents.column("occurrences")
    encoding = pc.min_element_wise(documents.column("position_encoding"), len(ENCODINGS) - 1)
    columns = {
        "path": documents.column("relative_path"),
        "language": documents.column("language"),
        "position_encoding": ENCODINGS.take(encoding),
        "indexer": pa.array([indexer] * count, pa.string()),
        "note": pa.nulls(count, pa.string()),
        "occurrences": _lists(occurrences.offsets, _occurrences(occurrences.values), OCCURRENCES),
        "symbols": _lists(symbols.offsets, _symbols(symbols.values), SYMBOLS),
        "relationships": _lists(*_relationships(symbols.offsets, symbols.values), RELATIONSHIPS),
    }
    return pa.table(columns, schema=SCIP_NESTED)


def _external_row(symbols: pa.RecordBatch, indexer: str) -> pa.Table:
    values = symbols.to_struct_array()
    ends = pa.array([0, len(values)], pa.int32())
    none = pa.array([0, 0], pa.int32())
    columns = {
        "path": pa.nulls(1, pa.string()),
        "language": pa.nulls(1, pa.string()),
        "position_encoding": pa.nulls(1, pa.string()),
        "indexer": pa.array([indexer]),
        "note": pa.nulls(1, pa.string()),
        "occurrences": _lists(none, [[] for _ in OCCURRENCES], OCCURRENCES),
        "symbols": _lists(ends, _symbols(values), SYMBOLS),
        "relationships": _lists(*_relationships(ends, values), RELATIONSHIPS),
    }
    return pa.table(columns, schema=SCIP_NESTED)


def _occurrences(values: pa.StructArray) -> list[pa.Array]:
    """Return the fields of `OCCURRENCES`; a short range ends in the line where it starts."""
    ranges = values.field("range")
    offsets = ranges.offsets.to_numpy()
    numbers = ranges.values.to_numpy()
    first, after_last = offsets[:-1], offsets[1:]
    end_line = first + np.where(after_last - first == LONG_RANGE, 2, 0)
    return [
        values.field("symbol"),
        values.field("symbol_roles"),
        pa.array(numbers[first] + 1),
        pa.array(numbers[first + 1]),
        pa.array(numbers[end_line] + 1),
        pa.array(numbers[after_last - 1]),
    ]


def _symbols(values: pa.StructArray) -> list[pa.Array]:
    signature = values.field("signature_documentation")
    documentation = values.field("documentation").cast(pa.list_(pa.string()))
    return [
        values.field("symbol"),
        values.field("kind"),
        _null_if_empty(values.field("display_name")),
        _null_if_empty(pc.struct_field(signature, "text")),
        _null_if_empty(pc.binary_join(documentation, "\n")),
        _null_if_empty(values.field("enclosing_symbol")),
    ]


def _relationships(
    offsets: pa.Int32Array, symbols: pa.StructArray
) -> tuple[pa.Int32Array, list[pa.Array]]:
    """Return the fields of `RELATIONSHIPS`, and where each document's begin."""
    lists = symbols.field("relationships")
    relationships = lists.values
    owner = symbols.field("symbol").take(pc.list_parent_indices(lists))
    targets = relationships.field("symbol")
    flags = [relationships.field(name) for name in RELATIONSHIPS if name.startswith("is_")]
    return lists.offsets.take(offsets), [owner, targets, *flags]


def _null_if_empty(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), None, text)


def _lists(
    offsets: pa.Int32Array, values: Sequence[pa.Array], fields: Mapping[str, pa.DataType]
) -> pa.ListArray:
    typed = [pa.array(v, kind) for v, kind in zip(values, fields.values(), strict=True)]
    structs = pa.StructArray.from_arrays(typed, fields=struct_fields(fields))
    return pa.ListArray.from_arrays(offsets, structs, type=list_type(fields))
