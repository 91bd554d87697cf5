"""Source files to rows of `cst_nested`."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pyarrow as pa

from tasks.extract.cst_schema import CST_NESTED, LAYOUT
from tasks.extract.file_facts import FileFacts
from tasks.extract.languages import grammar_of
from tasks.extract.struct_lists import StructLists
from tasks.extract.text_layout import Offsets, line_starts, wide_characters
from tasks.extract.tree_walk import walk_tree


class Summary(NamedTuple):
    """What a row says of the whole file."""

    language: str | None
    size: int | None
    n_lines: int
    depth: int
    has_error: bool
    note: str | None


def extract_files(files: pa.RecordBatch) -> pa.Table:
    """Parse source files, each by the grammar of its language.

    Args:
        files: columns path, sha256, content (the bytes) and problem, a row a file; of one that
            cannot be read the problem is known and nothing else.

    Returns:
        One row a file in the order given, by the schema `CST_NESTED`. A file with syntax errors
        has its good parts and `has_error`; one that is not UTF-8 says so in `note`. One that
        cannot be read is as an empty one, without a size; a folder has no syntax tree.
    """
    facts = FileFacts()
    layout = {name: StructLists(fields) for name, fields in LAYOUT.items()}
    given = zip(*(files.column(name) for name in ("path", "content", "problem")), strict=True)
    with collection_paused():
        summaries = [
            _extract(path.as_py(), content.as_py(), problem.as_py(), facts, layout)
            for path, content, problem in given
        ]
    columns: dict[str, pa.Array] = {name: files.column(name) for name in ("path", "sha256")}
    by_field = zip(*summaries, strict=True) if summaries else ([] for _ in Summary._fields)
    columns |= dict(zip(Summary._fields, by_field, strict=True))
    columns |= {name: c.to_array() for name, c in (layout | facts.facts).items()}
    return pa.table({name: columns[name] for name in CST_NESTED.names}, schema=CST_NESTED)


def _extract(
    path: str,
    content: bytes | None,
    problem: str | None,
    facts: FileFacts,
    layout: dict[str, StructLists],
) -> Summary:
    source = content or b""
    starts = line_starts(source)
    grammar = grammar_of(path)
    depth, has_error = 0, False
    facts.begin(source)
    if grammar is not None:
        tree = grammar.parse(source)
        depth = walk_tree(tree, grammar, facts, starts.tolist())
        has_error = tree.root_node.has_error
    facts.end()
    n_lines = _record_layout(layout, source, starts)
    size = None if content is None else len(content)
    note = _note(source) if problem is None else f"cannot be read: {problem}"
    language = None if grammar is None else grammar.name
    return Summary(language, size, n_lines, depth, has_error, note)


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
