"""Source files to rows of `control_nested`."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from tasks.control.control_schema import CONTROL_NESTED, FACTS
from tasks.control.flow_graph import ENTRY, EXIT, Edge
from tasks.control.functions import Function, functions
from tasks.control.node_ids import NodeIds
from tasks.control.syntax_table import SyntaxTable, table_of_tree
from tasks.extract.concrete_syntax import collection_paused
from tasks.extract.python_syntax import python_grammar
from tasks.extract.struct_lists import list_type, struct_fields
from tasks.extract.text_layout import line_starts

# Columns of facts that are numbers of nodes until all files are read.
NODES = frozenset(("method", "exit", "node", "src", "dst"))
EXCERPT = 80  # characters of a node's code that are kept


def control_facts(files: pa.RecordBatch) -> pa.Table:
    """Find control flow and data flow in Python files.

    Args:
        files: columns path, sha256 and content (the bytes), a row a file.

    Returns:
        One row a file in the order given, by the schema `CONTROL_NESTED`. Broken syntax counts as
        a statement.
    """
    grammar = python_grammar()
    rows = Rows()
    with collection_paused():
        for content in files.column("content"):
            source = content.as_py()
            table = table_of_tree(grammar.parse(source), grammar)
            rows.add_file(table, source, functions(table, source))
    columns: dict[str, pa.Array] = {name: files.column(name) for name in ("path", "sha256")}
    return pa.table(columns | rows.to_arrays(), schema=CONTROL_NESTED)


class Rows:
    """Gathers the facts of several files, column by column."""

    def __init__(self) -> None:
        """Start with no files."""
        self._ids = NodeIds()
        self._columns: dict[str, dict[str, list[int | str | None]]] = {
            fact: {name: [] for name in fields} for fact, fields in FACTS.items()
        }
        self._offsets: dict[str, list[int]] = {fact: [0] for fact in FACTS}

    def add_file(self, table: SyntaxTable, source: bytes, found: Sequence[Function]) -> None:
        """Take the functions of a file as its row."""
        base = self._ids.add_file(table)
        for function in found:
            self._add_function(base, function)
        self._add_texts(table, source, found)
        for fact, columns in self._columns.items():
            self._offsets[fact].append(len(columns["src" if "src" in columns else "method"]))

    def _add_function(self, base: int, function: Function) -> None:
        flow, dominating = function.flow, function.dominance
        numbers = [base + syntax for syntax in flow.nodes]
        method = numbers[ENTRY]
        numbers[EXIT] = self._ids.exit_of(method)
        methods = self._columns["methods"]
        methods["method"].append(method)
        methods["exit"].append(numbers[EXIT])
        methods["n_nodes"].append(len(numbers))
        is_exit_reached = EXIT in dominating.order
        methods["n_unreachable"].append(
            len(numbers) - len(dominating.order) - (not is_exit_reached)
        )
        steps = self._columns["steps"]
        steps["method"].extend([method] * len(numbers))
        steps["node"].extend(numbers)
        steps["number"].extend(range(len(numbers)))
        self._add_edges("flows", method, numbers, flow.edges)
        self._add_edges("dependences", method, numbers, dominating.dependences)
        self._add_parents("dominators", method, numbers, dominating.immediate)
        self._add_parents("post_dominators", method, numbers, dominating.post)
        reaches = self._columns["reaches"]
        reaches["src"].extend(base + reach.definition for reach in function.reaches)
        reaches["dst"].extend(base + reach.use for reach in function.reaches)
        reaches["name"].extend(reach.name for reach in function.reaches)

    def _add_texts(self, table: SyntaxTable, source: bytes, found: Sequence[Function]) -> None:
        """Add line and text of each step; an exit stands where its function ends."""
        starts, ends = table.starts, table.ends
        places: list[int] = []
        texts = self._columns["steps"]["text"]
        for function in found:
            for number, syntax in enumerate(function.flow.nodes):
                start, end = starts[syntax], ends[syntax]
                places.append(end if number == EXIT else start)
                code = source[start : min(end, start + 4 * EXCERPT)].decode("utf-8", "replace")
                first = code[:EXCERPT].splitlines()[:1]
                texts.append("exit" if number == EXIT else "".join(first))
        lines = np.searchsorted(line_starts(source), places, side="right")
        self._columns["steps"]["line"].extend(lines.tolist())

    def _add_edges(
        self, fact: str, method: int, numbers: Sequence[int], edges: Sequence[Edge]
    ) -> None:
        columns = self._columns[fact]
        columns["method"].extend([method] * len(edges))
        columns["src"].extend([numbers[edge.source] for edge in edges])
        columns["dst"].extend([numbers[edge.target] for edge in edges])
        columns["how"].extend([edge.how for edge in edges])

    def _add_parents(
        self, fact: str, method: int, numbers: Sequence[int], parents: Sequence[int]
    ) -> None:
        children = [node for node, parent in enumerate(parents) if parent >= 0]
        columns = self._columns[fact]
        columns["method"].extend([method] * len(children))
        columns["src"].extend([numbers[parents[node]] for node in children])
        columns["dst"].extend([numbers[node] for node in children])

    def to_arrays(self) -> dict[str, pa.Array]:
        """Return the columns of all files added."""
        texts = self._ids.texts()
        arrays: dict[str, pa.Array] = {}
        for fact, fields in FACTS.items():
            values = [
                texts.of(cast("list[int]", column))
                if name in NODES
                else pa.array(column, fields[name])
                for name, column in self._columns[fact].items()
            ]
            structs = pa.StructArray.from_arrays(values, fields=struct_fields(fields))
            offsets = pa.array(self._offsets[fact], pa.int32())
            arrays[fact] = pa.ListArray.from_arrays(offsets, structs, type=list_type(fields))
        return arrays
