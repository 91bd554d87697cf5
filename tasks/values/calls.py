"""What calls give, and what builtins do with their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tasks.values.assignment import element, elements, key_of, place, store_element
from tasks.values.facts import ANY, Kind, Op, Site
from tasks.values.scopes import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from tasks.values.file_values import FileValues


class Given(NamedTuple):
    """The arguments of a call: nodes and variables of positional ones, variables of named ones."""

    node: Node
    nodes: list[Node]
    positional: list[int | None]
    named: dict[str, int | None]

    def at(self, index: int) -> int | None:
        """Return a positional argument's variable."""
        return self.positional[index] if index < len(self.positional) else None


def on_call(values: FileValues, node: Node) -> int | None:
    """Call what the callee holds; a builtin, or a container's method, is known for what it does."""
    function = node.child_by_field_name("function")
    callee = values.evaluate(function)
    spread: list[tuple[int, int, str]] = []
    given = _arguments(values, node, spread)
    values.forget_places()
    result = None
    if callee is not None:
        site, result = values.site(node, Site.CALL), values.variable()
        values.emit(Op.CALL, site, callee, result)
        _pass(values, site, given, spread)
    more = _known(values, given, callee, function)
    return values.copied((result, more))


def _arguments(values: FileValues, node: Node, spread: list[tuple[int, int, str]]) -> Given:
    given = Given(node, [], [], {})
    arguments = node.child_by_field_name("arguments")
    if arguments is None:
        return given
    parts = arguments.named_children if arguments.type == "argument_list" else [arguments]
    for part in parts:
        if part.type == "keyword_argument":
            name, value = part.child_by_field_name("name"), part.child_by_field_name("value")
            held = values.evaluate(value)
            if name is not None:
                given.named[text(name)] = held
        elif part.type in {"list_splat", "dictionary_splat"}:
            held = values.evaluate(part)
            if held is not None:
                stars = "*" if part.type == "list_splat" else "**"
                spread.append((held, len(given.positional), stars))
        elif part.type != "comment":
            given.nodes.append(part)
            given.positional.append(values.evaluate(part))
    return given


def _pass(values: FileValues, site: int, given: Given, spread: list[tuple[int, int, str]]) -> None:
    for index, held in enumerate(given.positional):
        if held is not None:
            values.emit(Op.ARGUMENT, site, held, index)
    for name, held in given.named.items():
        if held is not None:
            values.emit(Op.ARGUMENT, site, held, -1, name)
    for held, index, stars in spread:
        values.emit(Op.ARGUMENT, site, held, index, stars)


def _known(
    values: FileValues, given: Given, callee: int | None, function: Node | None
) -> int | None:
    """Return what a builtin function or a container's method is known to give."""
    name = None if callee is None else values.builtin_names.get(callee)
    if name is not None and name in BUILTIN_CALLS:
        return BUILTIN_CALLS[name](values, given)
    if function is None or function.type != "attribute":
        return None
    last, target = function.child_by_field_name("attribute"), function.child_by_field_name("object")
    handler = METHODS.get("" if last is None else text(last))
    if handler is None or target is None or target.type in {"call", "string"}:
        return None
    base = _again(values, target)
    return None if base is None else handler(values, base, given)


def _again(values: FileValues, node: Node) -> int | None:
    """Return what a name or attribute holds, without another site: it was evaluated before."""
    if node.type == "identifier":
        return values.read(text(node))
    if not values.enter():
        return None
    found = _part_again(values, node)
    values.depth -= 1
    return found


def _part_again(values: FileValues, node: Node) -> int | None:
    if node.type == "attribute":
        target, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        base = None if target is None else _again(values, target)
        return None if base is None or name is None else values.load(base, text(name))
    if node.type == "subscript":
        target = node.child_by_field_name("value")
        base = None if target is None else _again(values, target)
        keys = node.children_by_field_name("subscript")
        if base is None or len(keys) != 1:
            return None
        return element(values, base, key_of(values, keys[0]))
    return None


# Builtin functions


def _super(values: FileValues, _given: Given) -> int | None:
    if values.scope.self_class < 0:
        return None
    found = values.variable()
    values.emit(Op.SUPER, found, values.scope.self_class)
    return found


def _iterator(values: FileValues, given: Given) -> int | None:
    base = given.at(0)
    return values.copied((values.method(given.node, Site.ITERATION, base, "__iter__"), base))


def _next(values: FileValues, given: Given) -> int | None:
    base = given.at(0)
    if base is None:
        return None
    got = values.method(given.node, Site.ITERATION, base, "__next__")
    return values.copied((got, values.load(base, ANY), given.at(1)))


def _copied_elements(values: FileValues, given: Given) -> int | None:
    """A new list, tuple, set or dict of what is iterated; `sorted` and the like call their key."""
    base = given.at(0)
    held = None if base is None else elements(values, given.node, base)
    _callback(values, given, given.named.get("key"), held)
    found = values.container(Kind.DICT if text(given.node).startswith("dict") else Kind.LIST)
    store_element(values, found, None, held)
    for name, value in given.named.items():
        if name not in {"key", "reverse"}:
            store_element(values, found, f"['{name}", value)
    return found


def _chosen(values: FileValues, given: Given) -> int | None:
    """`min` and `max`: one of the arguments, or of the only one's elements."""
    if len(given.positional) == 1:
        base = given.at(0)
        held = None if base is None else elements(values, given.node, base)
    else:
        held = values.copied(given.positional)
    _callback(values, given, given.named.get("key"), held)
    return held


def _mapped(values: FileValues, given: Given) -> int | None:
    """`map` and `filter`: whatever among the arguments can be called is, with the elements."""
    held = [None if one is None else values.load(one, ANY) for one in given.positional]
    results = []
    for index, function in enumerate(given.positional):
        others = [one for at, one in enumerate(held) if at != index]
        results.append(_callback(values, given, function, *others))
    found = values.container(Kind.LIST)
    is_filter = text(given.node).startswith("filter")
    store_element(values, found, None, held[-1] if is_filter and held else values.copied(results))
    return found


def _callback(
    values: FileValues, given: Given, function: int | None, *arguments: int | None
) -> int | None:
    return values.called(given.node, Site.CALLBACK, function, arguments)


def _enumerated(values: FileValues, given: Given) -> int | None:
    base = given.at(0)
    held = None if base is None else elements(values, given.node, base)
    return _tuples(values, [values.literal("int"), held])


def _zipped(values: FileValues, given: Given) -> int | None:
    held = [None if one is None else elements(values, given.node, one) for one in given.positional]
    return _tuples(values, held)


def _tuples(values: FileValues, parts: list[int | None]) -> int:
    one, found = values.container(Kind.TUPLE), values.container(Kind.LIST)
    for index, part in enumerate(parts):
        store_element(values, one, f"[{index}", part)
    store_element(values, found, None, one)
    return found


def _getattr(values: FileValues, given: Given) -> int | None:
    base = given.at(0)
    name = key_of(values, given.nodes[1]) if len(given.nodes) > 1 else None
    if base is None or name is None or not name.startswith("['"):
        return given.at(2)
    held = values.load(base, name.removeprefix("['"), values.site(given.node, Site.ATTRIBUTE))
    return values.copied((held, given.at(2)))


def _setattr(values: FileValues, given: Given) -> int | None:
    base, value = given.at(0), given.at(2)
    name = key_of(values, given.nodes[1]) if len(given.nodes) > 1 else None
    if base is not None and value is not None and name is not None and name.startswith("['"):
        values.emit(Op.STORE, base, value, -1, name.removeprefix("['"))
    return None


def _type(values: FileValues, given: Given) -> int | None:
    base = given.at(0)
    return values.load(base, "__class__") if base is not None and len(given.nodes) == 1 else None


def _protocol(name: str) -> Callable[[FileValues, Given], None]:
    def call(values: FileValues, given: Given) -> None:
        values.method(given.node, Site.OPERATOR, given.at(0), name)

    return call


BUILTIN_CALLS: dict[str, Callable[[FileValues, Given], int | None]] = {
    "super": _super,
    "iter": _iterator,
    "aiter": _iterator,
    "next": _next,
    "anext": _next,
    "map": _mapped,
    "filter": _mapped,
    "enumerate": _enumerated,
    "zip": _zipped,
    "getattr": _getattr,
    "setattr": _setattr,
    "type": _type,
    "len": _protocol("__len__"),
    "str": _protocol("__str__"),
    "repr": _protocol("__repr__"),
    "bool": _protocol("__bool__"),
    "hash": _protocol("__hash__"),
    "int": _protocol("__int__"),
    "abs": _protocol("__abs__"),
    "format": _protocol("__format__"),
    "min": _chosen,
    "max": _chosen,
    **dict.fromkeys(
        ("list", "tuple", "set", "frozenset", "sorted", "reversed", "dict"), _copied_elements
    ),
}


# Methods of containers; where the object is none, its own method is what counts


def _append(values: FileValues, base: int, given: Given) -> None:
    if given.positional:
        store_element(values, base, None, given.positional[-1])


def _extend(values: FileValues, base: int, given: Given) -> None:
    added = given.at(0)
    if added is not None:
        store_element(values, base, None, values.load(added, ANY))


def _update(values: FileValues, base: int, given: Given) -> None:
    """A dictionary that stands in the call is taken pair by pair."""
    pairs = (
        given.nodes[0].named_children if given.nodes and given.nodes[0].type == "dictionary" else []
    )
    added = given.at(0)
    keys = [pair.child_by_field_name("key") for pair in pairs if pair.type == "pair"]
    names = [None if key is None else key_of(values, key) for key in keys]
    if added is None:
        return
    if not names or None in names or len(names) != len(pairs):
        store_element(values, base, None, values.load(added, ANY))
        return
    for name in names:
        held = element(values, added, name)
        store_element(values, base, name, held)
        values.scope.state.places[place(base, str(name))] = held


def _get(values: FileValues, base: int, given: Given) -> int | None:
    key = key_of(values, given.nodes[0]) if given.nodes else None
    return values.copied((element(values, base, key), given.at(1)))


def _setdefault(values: FileValues, base: int, given: Given) -> int | None:
    key = key_of(values, given.nodes[0]) if given.nodes else None
    store_element(values, base, key, given.at(1))
    return values.copied((element(values, base, key), given.at(1)))


def _elements(values: FileValues, base: int, _given: Given) -> int | None:
    """A view of the same elements."""
    found = values.container(Kind.LIST)
    store_element(values, found, None, values.load(base, ANY))
    return found


def _items(values: FileValues, base: int, _given: Given) -> int | None:
    return _tuples(values, [None, values.load(base, ANY)])


METHODS: dict[str, Callable[[FileValues, int, Given], int | None]] = {
    "append": _append,
    "add": _append,
    "appendleft": _append,
    "insert": _append,
    "extend": _extend,
    "update": _update,
    "get": _get,
    "pop": _get,
    "popleft": _get,
    "setdefault": _setdefault,
    "values": _elements,
    "copy": lambda _values, base, _given: base,
    "items": _items,
}
