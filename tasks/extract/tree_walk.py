"""The walk over one file's concrete syntax tree."""

import sys
from collections.abc import Sequence

from tree_sitter import Tree, TreeCursor

from tasks.extract.file_facts import MODULE, FileFacts, Here
from tasks.extract.grammar import Grammar

# The local id, kind and scope of a node whose children are being visited.
Ancestor = tuple[str | None, str, str]


def walk_tree(tree: Tree, grammar: Grammar, facts: FileFacts, starts: Sequence[int]) -> int:
    """Record every named node of the tree in pre-order, and what its handler finds.

    A cursor visits the nodes, so the depth of the tree is limited by memory only. The scope of a
    node is the innermost function, class or lambda whose *body* holds it: decorators, defaults,
    annotations and base classes are evaluated outside, and belong to the scope around.

    Args:
        tree: the parsed file.
        grammar: what it was parsed with.
        facts: what takes the nodes, begun for this file.
        starts: the byte offset of each line.

    Returns:
        How deep named nodes are nested, the root counted as one.
    """
    cursor = tree.walk()
    add = facts.facts["nodes"].facts.append
    seen: set[str] = set()
    line, line_after = 0, (*starts, sys.maxsize)  # pre-order visits nodes by their start
    ancestors: list[Ancestor] = [(None, "", MODULE)]
    siblings, depth = [0], 1  # how many children of each ancestor were visited
    while True:
        node = cursor.node
        if node is not None and node.is_named:
            kind = grammar.kind(node)
            field = grammar.field(cursor)
            (parent, parent_kind, scope), start, end = ancestors[-1], node.start_byte, node.end_byte
            while line_after[line] <= start:
                line += 1
            own = _own_id(f"{start}-{end}:{kind}" if parent else MODULE, seen)
            if field == "body" and parent is not None and parent_kind in grammar.scope_kinds:
                scope = parent
            name, handler = None, grammar.handlers.get(kind)
            if handler is not None:
                here = Here(own, parent, scope, parent_kind, field, start, end)
                name = handler(facts, node, here)
            at = (start, end, line, parent_kind, _next_place(siblings, kind))
            add((own, parent, kind, field, name, *at))
            if cursor.goto_first_child():
                ancestors.append((own, kind, scope))
                siblings.append(0)
                depth = max(depth, len(ancestors))
                continue
        if not _goto_next(cursor, ancestors, siblings):
            return depth


def _own_id(candidate: str, seen: set[str]) -> str:
    """Return the id, with a count where an earlier node has the same span and kind."""
    own, count = candidate, 1
    while own in seen:
        count += 1
        own = f"{candidate}~{count}"
    seen.add(own)
    return own


def _next_place(siblings: list[int], kind: str) -> int | None:
    """Count a child and return its place; a comment has none."""
    if kind == "comment":
        return None
    siblings[-1] += 1
    return siblings[-1]


def _goto_next(cursor: TreeCursor, ancestors: list[Ancestor], siblings: list[int]) -> bool:
    """Move to the next sibling, or an ancestor's; false at the end of the tree."""
    while not cursor.goto_next_sibling():
        if not cursor.goto_parent():
            return False
        ancestors.pop()
        siblings.pop()
    return True
