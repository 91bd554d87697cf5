"""Source files to rows of `values_nested`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.extract.python_syntax import python_grammar
from tasks.extract.struct_lists import StructLists
from tasks.values.calls import on_call
from tasks.values.definitions import on_lambda
from tasks.values.expressions import EXPRESSIONS
from tasks.values.facts import FACTS, VALUES_NESTED, Kind, Op
from tasks.values.file_values import MAX_DEPTH, MODULE, FileValues
from tasks.values.scopes import Scope, bindings
from tasks.values.walk import STATEMENTS

if TYPE_CHECKING:
    from tree_sitter import Node

CUT = f"values are not followed into what is nested more than {MAX_DEPTH} deep"


def values_of_files(files: pa.RecordBatch) -> pa.Table:
    """Return how values flow inside of Python files.

    Args:
        files: columns path, sha256 and content (the bytes), a row a file.

    Returns:
        One row a file in the order given, by the schema `VALUES_NESTED`.
    """
    grammar = python_grammar()
    facts = {name: StructLists(fields) for name, fields in FACTS.items()}
    counts: list[int] = []
    notes: list[str | None] = []
    for content in files.column("content"):
        source = content.as_py()
        values = file_values(grammar.parse(source).root_node, has_walrus=b":=" in source)
        for name, rows in (
            ("ops", values.ops),
            ("sites", values.sites),
            ("objects", values.objects),
        ):
            facts[name].facts.extend(rows)
            facts[name].end_row()
        counts.append(values.n_variables)
        notes.append(CUT if values.is_cut else None)
    columns: dict[str, pa.Array] = {"path": files.column("path")}
    columns |= {"n_variables": pa.array(counts, pa.int32()), "note": pa.array(notes, pa.string())}
    columns |= {name: column.to_array() for name, column in facts.items()}
    return pa.table(columns, schema=VALUES_NESTED)


def file_values(root: Node, *, has_walrus: bool) -> FileValues:
    """Walk a file's tree; object 0 is its module.

    Args:
        root: the tree's root.
        has_walrus: `:=` stands somewhere in the file.
    """
    expressions = {**EXPRESSIONS, "call": on_call, "lambda": on_lambda}
    values = FileValues(has_walrus, expressions, STATEMENTS)
    module = values.object(Kind.MODULE, MODULE)
    found = bindings([root], has_walrus=has_walrus)
    scope = Scope(MODULE, MODULE, module, None, found.bound)
    values.scope = scope
    values.block(root.named_children)
    ends = dict(scope.state.names)
    while values.later:
        values.depth = 0
        values.later.popleft()()
    # What functions set by `global` counts beside what the module's own code leaves.
    outside = {name for name, given in scope.given.items() if name not in ends and given}
    for name in sorted(ends.keys() | outside):
        held = ends.get(name)
        given = scope.given.get(name, [])
        if held is None or any(one > held for one in given):
            held = values.cell(scope, name)
        values.emit(Op.DEFINES, module, held, -1, name)
    return values
