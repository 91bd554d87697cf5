"""Control flow of small sources, in words."""

from __future__ import annotations

from textwrap import dedent

from tasks.control.control_facts import control_facts
from tasks.control.flow_graph import ENTRY, EXIT, Edge
from tasks.control.functions import Function, functions
from tasks.control.syntax_table import SyntaxTable, table_of_tree
from tasks.extract.python_syntax import python_grammar
from tests.cpg.sources import listing


class Source:
    """A parsed source with what is found out of its functions."""

    def __init__(self, text: str | bytes) -> None:
        self.text = text.encode() if isinstance(text, str) else text
        grammar = python_grammar()
        self.table: SyntaxTable = table_of_tree(grammar.parse(self.text), grammar)
        self.functions = functions(self.table, self.text)

    def function(self, name: str) -> Function:
        """Return the function of a name; "" is the module, "lambda" the first lambda."""
        return next(f for f in self.functions if self.name(f) == name)

    def name(self, function: Function) -> str:
        kind = self.table.kinds[function.syntax]
        if kind == "module":
            return ""
        token = self.table.child(function.syntax, "name")
        return kind if token is None else self.words(token)

    def words(self, syntax: int) -> str:
        """Return the first line of a node's code."""
        return self.table.text(syntax, self.text).split("\n")[0]

    def line(self, syntax: int) -> int:
        return self.text.count(b"\n", 0, self.table.starts[syntax]) + 1

    def at(self, function: Function, node: int) -> str:
        return {ENTRY: "ENTRY", EXIT: "EXIT"}.get(node) or self.words(function.flow.nodes[node])


def in_words(source: Source, function: Function, edges: list[Edge]) -> set[str]:
    """Return edges as ``from -> to`` or ``from -how-> to``."""
    found = set()
    for edge in edges:
        arrow = "->" if edge.how is None else f"-{edge.how}->"
        ends = (source.at(function, node) for node in (edge.source, edge.target))
        found.add(f" {arrow} ".join(ends))
    return found


def flow_in_words(body: str, name: str = "f") -> set[str]:
    """Return the flow of ``def f(a, b, c): <body>``."""
    inside = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    source = Source(f"def f(a, b, c):\n{inside}")
    function = source.function(name)
    return in_words(source, function, function.flow.edges)


def reaches_in_words(text: str) -> set[str]:
    """Return ``name: line of the definition -> line of the use`` of all functions."""
    source = Source(dedent(text).strip() + "\n")
    return {
        f"{reach.name}: {source.line(reach.definition)} -> {source.line(reach.use)}"
        for function in source.functions
        for reach in function.reaches
    }


def row(text: str | bytes) -> dict[str, list[dict[str, str]]]:
    """Return the one row of `control_nested` that a source becomes."""
    (found,) = control_facts(listing({"m.py": text})).to_pylist()
    return found
