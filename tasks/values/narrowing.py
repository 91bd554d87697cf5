"""What a condition says of names where it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.values.facts import Op
from tasks.values.scopes import text

if TYPE_CHECKING:
    from tree_sitter import Node

    from tasks.values.file_values import FileValues


def narrow(values: FileValues, condition: Node) -> None:
    """Let names hold instances of the classes that ``isinstance`` tests them for.

    The classes are named without a site: the condition itself was walked already.
    """
    stack = [condition]
    while stack:
        node = stack.pop()
        if node.type == "parenthesized_expression":
            stack.extend(node.named_children)
        elif node.type == "boolean_operator" and _operator(node) == "and":
            stack.extend(reversed(node.named_children))
        elif node.type == "call":
            _isinstance(values, node)


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return "" if operator is None else operator.type


def _isinstance(values: FileValues, node: Node) -> None:
    function, arguments = (node.child_by_field_name(name) for name in ("function", "arguments"))
    if function is None or arguments is None or text(function) != "isinstance":
        return
    given = [child for child in arguments.named_children if child.type != "comment"]
    if [part.type for part in given[:1]] != ["identifier"] or len(given) != 2:  # noqa: PLR2004
        return
    name = text(given[0])
    if name not in values.scope.bound:
        return
    classes = given[1].named_children if given[1].type == "tuple" else [given[1]]
    found = values.variable()
    for part in classes:
        named = _dotted(values, part)
        if named is None:
            return
        values.emit(Op.INSTANCE, found, named)
    values.write(name, found)


def _dotted(values: FileValues, node: Node) -> int | None:
    if node.type == "identifier":
        return values.read(text(node))
    if node.type != "attribute":
        return None
    base = node.child_by_field_name("object")
    name = node.child_by_field_name("attribute")
    if base is None or name is None or not values.enter():
        return None
    held = _dotted(values, base)
    values.depth -= 1
    return None if held is None else values.load(held, text(name))
