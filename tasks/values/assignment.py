"""What targets of assignments get, and what iterating gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.values.facts import ANY, UNKNOWN_KEY, Kind, Op, Site
from tasks.values.scopes import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from tasks.values.file_values import FileValues

LISTS = frozenset(
    ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list")
)
SPLATS = frozenset(("list_splat_pattern", "list_splat"))
WRAPPERS = frozenset(("parenthesized_expression", "as_pattern_target"))


def assign(values: FileValues, target: Node, value: int | None, source: Node | None) -> None:
    """Give a target a value.

    Args:
        values: the file.
        target: a name, an attribute, an element, or a pattern of them.
        value: what it gets; None where nothing is known, or where `source` says it part by part.
        source: the expression that gave the value, if there is one: a tuple of expressions is
            taken apart without building it.
    """
    kind = target.type
    if kind == "identifier":
        values.write(text(target), value)
    elif kind == "attribute":
        _store_attribute(values, target, value)
    elif kind == "subscript":
        _store_element(values, target, value)
    elif (kind in WRAPPERS or kind in LISTS) and values.enter():
        if kind in LISTS:
            _unpack(values, target, value, source)
        else:
            for child in target.named_children:
                assign(values, child, value, source)
        values.depth -= 1


def _unpack(values: FileValues, target: Node, value: int | None, source: Node | None) -> None:
    parts = target.named_children
    given = _displayed(source) if value is None else None
    star = next((i for i, part in enumerate(parts) if part.type in SPLATS), None)
    if given is None:
        if value is None and source is not None:
            value = values.evaluate(source)
        _unpack_value(values, parts, value, star)
        return
    shift = len(given) - len(parts)
    places = [i if star is None or i < star else i + shift for i in range(len(parts))]
    apart = {at for at, part in zip(places, parts, strict=True) if part.type in LISTS}
    # All of the right side is evaluated before any name is bound: `a, b = b, a` swaps.
    held = [
        None if at in apart and _displayed(node) is not None else values.evaluate(node)
        for at, node in enumerate(given)
    ]
    for index, (part, at) in enumerate(zip(parts, places, strict=True)):
        if index == star:
            rest = held[star : star + shift + 1]
            assign(values, part.named_children[0], _collected(values, rest), None)
        elif 0 <= at < len(held):
            assign(values, part, held[at], given[at])
        else:
            assign(values, part, None, None)


def _collected(values: FileValues, held: Sequence[int | None]) -> int:
    """Return the list that a starred target gets."""
    found = values.container(Kind.LIST)
    for index, value in enumerate(held):
        store_element(values, found, f"[{index}", value)
    return found


def _displayed(source: Node | None) -> list[Node] | None:
    """Return the expressions of a tuple or list that stands in the code, if none is spread."""
    while source is not None and source.type == "parenthesized_expression":
        source = source.named_children[0] if source.named_children else None
    if source is None or source.type not in {"expression_list", "tuple", "list"}:
        return None
    parts = [child for child in source.named_children if child.type != "comment"]
    return None if any(part.type in SPLATS for part in parts) else parts


def _unpack_value(
    values: FileValues, parts: Sequence[Node], value: int | None, star: int | None
) -> None:
    for index, part in enumerate(parts):
        if value is None:
            assign(values, part.named_children[0] if part.type in SPLATS else part, None, None)
        elif part.type in SPLATS:
            assign(values, part.named_children[0], value, None)
        elif star is not None and index > star:
            assign(values, part, values.load(value, ANY), None)
        else:
            assign(values, part, element(values, value, f"[{index}"), None)


def element(values: FileValues, base: int, key: str | None) -> int:
    """Return what a container holds under a key, or under any where it is not known."""
    if key is None:
        return values.load(base, ANY)
    found = values.load(base, key)
    values.emit(Op.LOAD, found, base, -1, UNKNOWN_KEY)
    return found


def store_element(values: FileValues, base: int, key: str | None, value: int | None) -> None:
    """Put a value into a container under a key, or under one that is not known."""
    if value is not None:
        values.emit(Op.STORE, base, value, -1, UNKNOWN_KEY if key is None else key)
        values.emit(Op.STORE, base, value, -1, ANY)


def elements(values: FileValues, node: Node, iterated: int | None) -> int | None:
    """Return what iterating gives: a container's elements, or what ``__next__`` returns."""
    if iterated is None:
        return None
    iterator = values.method(node, Site.ITERATION, iterated, "__iter__")
    following = values.method(node, Site.ITERATION, iterator, "__next__")
    found = values.load(iterated, ANY)
    if iterator is not None:
        values.emit(Op.LOAD, found, iterator, -1, ANY)
    return values.copied((found, following))


def key_of(values: FileValues, node: Node) -> str | None:
    """Return the name under which a container keeps what a subscript means, if it is known."""
    if node.type == "string":
        if any(child.type == "interpolation" for child in node.named_children):
            return None
        content = [text(child) for child in node.named_children if child.type == "string_content"]
        return "['" + "".join(content)
    if node.type == "integer":
        return f"[{text(node)}"
    if node.type == "identifier":
        held = values.read(text(node))
        return None if held is None else values.keys.get(held)
    return None


def place(base: int, name: str) -> str:
    """Return what a state calls an attribute or element of what a variable holds."""
    return f"{base}.{name}"


def _store_attribute(values: FileValues, target: Node, value: int | None) -> None:
    base = values.evaluate(target.child_by_field_name("object"))
    name_node = target.child_by_field_name("attribute")
    if base is None or name_node is None:
        return
    name = text(name_node)
    if value is not None:
        values.emit(Op.STORE, base, value, values.site(target, Site.ATTRIBUTE), name)
    _remember(values, base, name, value)


def _store_element(values: FileValues, target: Node, value: int | None) -> None:
    base = values.evaluate(target.child_by_field_name("value"))
    keys = target.children_by_field_name("subscript")
    held = [values.evaluate(key) for key in keys]
    if base is None or len(keys) != 1:
        return
    key = key_of(values, keys[0])
    store_element(values, base, key, value)
    values.method(target, Site.OPERATOR, base, "__setitem__", (held[0], value))
    if key is not None:
        _remember(values, base, key, value)


def _remember(values: FileValues, base: int, name: str, value: int | None) -> None:
    """Know a place's value until the next call; other objects' places may be the same one."""
    places = values.scope.state.places
    for other in [key for key in places if key.endswith(f".{name}")]:
        del places[other]
    if value is not None:
        places[place(base, name)] = value
