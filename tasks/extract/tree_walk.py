"""The walk over one file's concrete syntax tree."""

import sys
from collections.abc import Callable, Sequence
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree, TreeCursor

from tasks.extract import definitions as defs
from tasks.extract import expressions as exprs
from tasks.extract.file_facts import MODULE, FileFacts, Here

Handler = Callable[[FileFacts, Node, Here], str | None]

# The local id, kind and scope of a node whose children are being visited.
Ancestor = tuple[str | None, str, str]

HANDLERS: dict[str, Handler] = {
    "identifier": exprs.on_identifier,
    "call": exprs.on_call,
    "decorator": exprs.on_decorator,
    "function_definition": defs.on_function,
    "class_definition": defs.on_class,
    "lambda": defs.on_lambda,
    "attribute": exprs.on_attribute,
    "dotted_name": exprs.on_dotted_name,
    "aliased_import": exprs.on_alias,
    "type": defs.on_annotation,
    "return_statement": exprs.on_return,
    "yield": exprs.on_return,
}
HANDLERS |= dict.fromkeys(
    ("import_statement", "import_from_statement", "future_import_statement"), exprs.on_import
)
HANDLERS |= dict.fromkeys(
    ("assignment", "augmented_assignment", "named_expression"), exprs.on_assignment
)
HANDLERS |= dict.fromkeys(
    ("integer", "float", "string", "true", "false", "none", "ellipsis"), exprs.on_literal
)
HANDLERS |= dict.fromkeys(
    ("binary_operator", "boolean_operator", "comparison_operator", "not_operator"),
    exprs.on_operator,
)
HANDLERS["unary_operator"] = exprs.on_operator

SCOPE_KINDS = frozenset(("function_definition", "class_definition", "lambda"))


class Grammar:
    """A tree-sitter language with its tables of names: looking one up costs no decoding."""

    def __init__(self, language: Language) -> None:
        """Read the language's names once."""
        ids = range(language.node_kind_count)
        self.parser = Parser(language)
        self.kinds = [language.node_kind_for_id(i) or "" for i in ids]
        self.fields = [language.field_name_for_id(i) for i in range(language.field_count + 1)]

    def kind(self, node: Node) -> str:
        """Return a node's kind; an error node's id lies outside the table."""
        kind_id = node.kind_id
        return self.kinds[kind_id] if kind_id < len(self.kinds) else node.type

    def field(self, cursor: TreeCursor) -> str | None:
        """Return the name of the field that holds the cursor's node, if any does."""
        field_id = cursor.field_id
        return None if field_id is None else self.fields[field_id]


@cache
def python_grammar() -> Grammar:
    """Return the Python grammar, loaded once a process."""
    return Grammar(Language(tree_sitter_python.language()))


def walk_tree(tree: Tree, grammar: Grammar, facts: FileFacts, starts: Sequence[int]) -> None:
    """Record every named node of the tree in pre-order, and what its handler finds.

    A cursor visits the nodes, so the depth of the tree is limited by memory only. The scope of a
    node is the innermost function, class or lambda whose *body* holds it: decorators, defaults,
    annotations and base classes are evaluated outside, and belong to the scope around.

    Args:
        tree: the parsed file.
        grammar: what it was parsed with.
        facts: what takes the nodes, begun for this file.
        starts: the byte offset of each line.
    """
    cursor = tree.walk()
    add = facts.facts["nodes"].facts.append
    seen: set[str] = set()
    line, line_after = 0, (*starts, sys.maxsize)  # pre-order visits nodes by their start
    ancestors: list[Ancestor] = [(None, "", MODULE)]
    siblings = [0]  # how many children of each ancestor were visited
    while True:
        node = cursor.node
        if node is not None and node.is_named:
            kind = grammar.kind(node)
            field = grammar.field(cursor)
            parent, parent_kind, scope = ancestors[-1]
            start, end = node.start_byte, node.end_byte
            while line_after[line] <= start:
                line += 1
            own = _own_id(f"{start}-{end}:{kind}" if parent else MODULE, seen)
            if field == "body" and parent is not None and parent_kind in SCOPE_KINDS:
                scope = parent
            name, handler = None, HANDLERS.get(kind)
            if handler is not None:
                here = Here(own, parent, scope, parent_kind, field, start, end)
                name = handler(facts, node, here)
            place = _next_place(siblings, kind)
            add((own, parent, kind, field, name, start, end, line, parent_kind, place))
            if cursor.goto_first_child():
                ancestors.append((own, kind, scope))
                siblings.append(0)
                continue
        if not _goto_next(cursor, ancestors, siblings):
            return


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
