"""Source files to rows of `cst_nested`."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from tasks.extract.cst_schema import CST_NESTED, LAYOUT
from tasks.extract.file_facts import FileFacts
from tasks.extract.struct_lists import StructLists
from tasks.extract.text_layout import Offsets, line_starts, wide_characters
from tasks.extract.tree_walk import python_grammar, walk_tree


def extract_files(files: pa.RecordBatch) -> pa.Table:
    """Parse Python files.

    Args:
        files: columns path, sha256 and content (the bytes), a row a file.

    Returns:
        One row a file in the order given, by the schema `CST_NESTED`. A file with syntax errors
        has its good parts and `has_error`; one that is not UTF-8 says so in `note`.
    """
    grammar = python_grammar()
    facts = FileFacts()
    layout = {name: StructLists(fields) for name, fields in LAYOUT.items()}
    summaries: list[tuple[int, int, bool, str | None]] = []
    with collection_paused():
        for content in files.column("content"):
            source = content.as_py()
            tree = grammar.parser.parse(source)
            starts = line_starts(source)
            facts.begin(source)
            walk_tree(tree, grammar, facts, starts.tolist())
            facts.end()
            n_lines = _record_layout(layout, source, starts)
            summaries.append((len(source), n_lines, tree.root_node.has_error, _note(source)))
    columns: dict[str, pa.Array] = {name: files.column(name) for name in ("path", "sha256")}
    by_field = zip(*summaries, strict=True) if summaries else ([], [], [], [])
    columns |= dict(zip(("size", "n_lines", "has_error", "note"), by_field, strict=True))
    columns |= {name: c.to_array() for name, c in (layout | facts.facts).items()}
    return pa.table(columns, schema=CST_NESTED)


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the search for cycles: facts have none, and visiting them all takes a fifth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _record_layout(layout: dict[str, StructLists], source: bytes, starts: Offsets) -> int:
    """Record lines and wide characters; return the number of lines, as an editor counts."""
    layout["lines"].facts.extend(enumerate(starts.tolist(), start=1))
    layout["wide"].facts.extend(
        (line + 1, *columns) for line, *columns in wide_characters(source, starts)
    )
    for column in layout.values():
        column.end_row()
    return len(starts) - (int(starts[-1]) == len(source))


def _note(source: bytes) -> str | None:
    """Return what is odd about the bytes of a file."""
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{source[error.start]:02x} at offset {error.start}"
    return None
