"""Gives every file of the running Python's standard library its control flow, and checks it.

`python tests/stdlib.py [FOLDER]`. What statements there are is told by `ast`: each must have a node
in the flow of its function, and each function a way to its exit, or a loop that never ends.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
import time
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.control.flow_graph import EXIT
from tasks.control.functions import Function, functions
from tasks.control.syntax_table import SyntaxTable, table_of_tree
from tasks.extract.python_syntax import python_grammar
from tasks.extract.text_layout import line_starts

BOM = b"\xef\xbb\xbf"
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Span = tuple[int, int]


class Places:
    """Byte offsets of what `ast` places by line and column."""

    def __init__(self, source: bytes) -> None:
        self.starts = line_starts(source).tolist()
        self.bom = len(BOM) if source.startswith(BOM) else 0

    def at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column + self.bom * (line == 1)

    def span(self, first: ast.AST, last: ast.AST | None = None) -> Span:
        end = last or first
        return (
            self.at(first.lineno, first.col_offset),
            self.at(end.end_lineno, end.end_col_offset),
        )


def statements(tree: ast.Module, places: Places) -> Iterator[tuple[int, ast.stmt, Span]]:
    """Yield the start of the function around (-1: the module), the statement, and its head."""
    waiting: list[tuple[int, ast.AST]] = [(-1, tree)]
    while waiting:
        around, node = waiting.pop()
        if isinstance(node, ast.stmt) and not isinstance(node, (ast.Try, ast.TryStar)):
            yield around, node, head(node, places)
        inside = places.span(node)[0] if isinstance(node, SCOPES) else around
        bodies = {id(n) for n in node.body} if isinstance(node, SCOPES[:2]) else set()
        waiting.extend(
            (inside if id(child) in bodies else around, child)
            for child in ast.iter_child_nodes(node)
        )


def head(node: ast.stmt, places: Places) -> Span:
    if isinstance(node, (ast.If, ast.While)):
        return places.span(node.test)
    if isinstance(node, ast.Match):
        return places.span(node.subject)
    return places.span(node)


def missing(source: bytes, table: SyntaxTable, found: list[Function]) -> Iterator[str]:
    """Yield each statement that has no node in the flow of its function."""
    places = Places(source)
    nodes = {
        -1 if f.syntax == 0 else table.starts[f.syntax]: sorted(
            table.starts[syntax] for syntax in f.flow.nodes[EXIT + 1 :]
        )
        for f in found
        if table.kinds[f.syntax] != "lambda"
    }
    for around, node, (start, end) in statements(ast.parse(source), places):
        starts = nodes.get(around)
        at = bisect_left(starts, start) if starts is not None else 0
        if starts is None or at == len(starts) or starts[at] >= end:
            yield f"line {node.lineno}: {type(node).__name__}"


def endless(table: SyntaxTable, function: Function) -> bool:
    """Return whether a function whose exit is not reached has a loop to stay in."""
    loops = {"while_statement", "for_statement"}
    inside = range(function.syntax, table.stops[function.syntax])
    return any(table.kinds[node] in loops for node in inside)


def main() -> int:
    """Look at all files; return the number of those that something is wrong with."""
    given = sys.argv[1:] or [sysconfig.get_path("stdlib")]
    files = [f for f in sorted(Path(given[0]).rglob("*.py")) if "site-packages" not in f.parts]
    warnings.simplefilter("ignore")  # of what the files themselves write
    grammar = python_grammar()
    counts: Counter[str] = Counter()
    wrong = 0
    began = time.process_time()
    for file in files:
        source = file.read_bytes()
        tree = grammar.parse(source)
        table = table_of_tree(tree, grammar)
        found = functions(table, source)
        counts["files"] += 1
        counts["functions"] += len(found)
        counts["nodes"] += sum(len(f.flow.nodes) for f in found)
        lost = [f for f in found if EXIT not in f.dominance.order]
        counts["endless functions"] += len(lost)
        faults = [f"never ends: {f.syntax}" for f in lost if not endless(table, f)]
        try:
            source.decode()
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            counts["files that Python refuses or that are not UTF-8"] += 1
        else:
            if tree.root_node.has_error:
                counts["files that tree-sitter alone refuses"] += 1
            else:
                faults += missing(source, table, found)
                counts["files compared with ast"] += 1
        if faults:
            wrong += 1
            print(file, *faults[:5], sep="\n  ")
    for what, count in counts.items():
        print(f"{count:9,}  {what}")
    print(f"{time.process_time() - began:9.1f}  CPU seconds")
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(), 1))
