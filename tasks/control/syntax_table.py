"""The named nodes of a syntax tree as lists, in pre-order."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tree_sitter import Tree

from tasks.extract.grammar import Grammar

# Tokens that say what their parent is; other anonymous nodes are left out.
TELLING = frozenset(("and", "or", "except*", "*"))
EXTRAS = frozenset(("comment", "line_continuation"))
ROOT = "module"
ERROR = 0xFFFF  # tree-sitter's symbol of an error node


class SyntaxTable(NamedTuple):
    """Named nodes by number: parents come before children, a node's descendants right after it.

    Attributes:
        kinds: of each node.
        fields: the role in the parent; none where the grammar names none.
        starts: the first byte.
        ends: the byte after the last.
        parents: the parent's number, -1 for the root.
        stops: the number after the last descendant's.
        tokens: of operators and ``except*`` clauses, the token that says which.
    """

    kinds: list[str]
    fields: list[str | None]
    starts: list[int]
    ends: list[int]
    parents: list[int]
    stops: list[int]
    tokens: dict[int, str]

    def children(self, node: int) -> Iterator[int]:
        """Yield a node's named children in order, without comments."""
        child, stop = node + 1, self.stops[node]
        while child < stop:
            if self.kinds[child] not in EXTRAS:
                yield child
            child = self.stops[child]

    def child(self, node: int, field: str) -> int | None:
        """Return the first child with a role, if there is one."""
        fields = self.fields
        return next((child for child in self.children(node) if fields[child] == field), None)

    def child_of_kind(self, node: int, kind: str) -> int | None:
        """Return the first child of a kind, if there is one."""
        kinds = self.kinds
        return next((child for child in self.children(node) if kinds[child] == kind), None)

    def text(self, node: int, source: bytes) -> str:
        """Return the source of a node."""
        return source[self.starts[node] : self.ends[node]].decode("utf-8", "replace")


def table_of_tree(tree: Tree, grammar: Grammar) -> SyntaxTable:
    """Return the table of a tree; the depth is limited by memory only."""
    table = SyntaxTable([], [], [], [], [], [], {})
    kinds, fields, starts, ends, parents, stops, tokens = table
    kind_names, field_names = grammar.kinds, grammar.fields
    cursor = tree.walk()
    open_nodes = [-1]
    while True:
        node = cursor.node
        kind_id = node.kind_id if node is not None else ERROR
        kind = "ERROR" if kind_id == ERROR else kind_names[kind_id]
        if node is not None and node.is_named:
            field_id = cursor.field_id
            number = len(kinds)
            kinds.append(kind)
            fields.append(None if field_id is None else field_names[field_id])
            starts.append(node.start_byte)
            ends.append(node.end_byte)
            parents.append(open_nodes[-1])
            stops.append(number + 1)
            if cursor.goto_first_child():
                open_nodes.append(number)
                continue
        elif kind in TELLING:
            tokens.setdefault(open_nodes[-1], kind)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                kinds[0] = ROOT  # also of a file that is one large error
                return table
            stops[open_nodes.pop()] = len(kinds)


def occurrences(table: SyntaxTable) -> npt.NDArray[np.int32]:
    """Return for each node how many nodes up to it have its span and kind: 1, but for few.

    Node ids tell such nodes apart by that number (`tasks.extract.tree_walk`).
    """
    codes: dict[str, int] = {}
    kinds = np.array([codes.setdefault(kind, len(codes)) for kind in table.kinds], np.int64)
    spans = (np.array(table.starts, np.int64) << 32) | np.array(table.ends, np.int64)
    order = np.lexsort((kinds, spans))  # stable: equal nodes stay in pre-order
    same = (np.diff(spans[order]) == 0) & (np.diff(kinds[order]) == 0)
    counts = np.ones(len(kinds), np.int32)
    for at in np.flatnonzero(same).tolist():
        counts[order[at + 1]] = counts[order[at]] + 1
    return counts
