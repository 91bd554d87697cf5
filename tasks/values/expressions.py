"""What expressions give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.values.assignment import assign, element, elements, key_of, place, store_element
from tasks.values.facts import ANY, Kind, Op, Site
from tasks.values.file_values import COMPREHENSION
from tasks.values.narrowing import narrow
from tasks.values.scopes import Scope, target_names, text

if TYPE_CHECKING:
    from tree_sitter import Node

    from tasks.values.file_values import FileValues

DISPLAYS = {
    "list": Kind.LIST,
    "tuple": Kind.TUPLE,
    "expression_list": Kind.TUPLE,
    "set": Kind.SET,
    "dictionary": Kind.DICT,
}
SLICED = 8  # elements of a slice with known ends that are followed one by one

BINARY = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
    "@": "matmul", "&": "and", "|": "or", "^": "xor", ">>": "rshift", "<<": "lshift",
    "**": "pow",
}  # fmt: skip
COMPARISONS = {
    "==": "__eq__", "!=": "__ne__", "<": "__lt__", ">": "__gt__", "<=": "__le__", ">=": "__ge__",
}  # fmt: skip
UNARY = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}


def on_identifier(values: FileValues, node: Node) -> int | None:
    """Return what the name holds here."""
    return values.read(text(node))


def on_attribute(values: FileValues, node: Node) -> int | None:
    """Return what the place was given just now, else what the attribute holds."""
    base = values.evaluate(node.child_by_field_name("object"))
    name_node = node.child_by_field_name("attribute")
    if base is None or name_node is None:
        return None
    name = text(name_node)
    known = values.scope.state.places.get(place(base, name))
    if known is not None:
        return known
    return values.load(base, name, values.site(node, Site.ATTRIBUTE))


def on_subscript(values: FileValues, node: Node) -> int | None:
    """Return what the element was given just now, else what the container holds."""
    base = values.evaluate(node.child_by_field_name("value"))
    keys = node.children_by_field_name("subscript")
    held = [values.evaluate(key) for key in keys]
    if base is None:
        return None
    if len(keys) == 1 and keys[0].type == "slice":
        return _sliced(values, keys[0], base)
    key = key_of(values, keys[0]) if len(keys) == 1 else None
    known = None if key is None else values.scope.state.places.get(place(base, key))
    if known is not None:
        return known
    got = values.method(node, Site.OPERATOR, base, "__getitem__", held)
    found = values.copied((element(values, base, key), got))
    if key is not None and found is not None:
        # Asked again, it is the same variable: what is stored below it then is found there.
        values.scope.state.places[place(base, key)] = found
    return found


def _sliced(values: FileValues, node: Node, base: int) -> int:
    """Return the container that a slice gives: element by element where its ends are known."""
    parts = [text(child) if child.is_named else child.type for child in node.children]
    found = values.container(Kind.LIST)
    first, last = (parts[0], parts[2]) if len(parts) == 3 else ("", "")  # noqa: PLR2004
    if first.isdigit() and last.isdigit() and int(last) - int(first) <= SLICED:
        for index in range(int(first), int(last)):
            store_element(
                values, found, f"[{index - int(first)}", element(values, base, f"[{index}")
            )
    else:
        store_element(values, found, None, values.load(base, ANY))
    return found


def on_display(values: FileValues, node: Node) -> int:
    """Make a container with what stands in it."""
    found = values.container(DISPLAYS[node.type])
    parts = [child for child in node.named_children if child.type != "comment"]
    is_spread = False
    for index, part in enumerate(parts):
        if part.type == "pair":
            key, value = part.child_by_field_name("key"), part.child_by_field_name("value")
            values.evaluate(key)
            name = None if key is None else key_of(values, key)
            store_element(values, found, name, values.evaluate(value))
        elif part.type in {"list_splat", "dictionary_splat"}:
            is_spread = True
            spread = values.evaluate(part.named_children[0] if part.named_children else None)
            if spread is not None:
                store_element(values, found, None, elements(values, part, spread))
        else:
            name = None if is_spread or node.type == "set" else f"[{index}"
            store_element(values, found, name, values.evaluate(part))
    return found


def on_comprehension(values: FileValues, node: Node) -> int:
    """Make the container or generator of a comprehension: its names live in it alone."""
    outer = values.scope
    names = {
        name
        for clause in node.named_children
        if clause.type == "for_in_clause"
        for name in target_names(clause.child_by_field_name("left"))
    }
    inner = Scope(COMPREHENSION, outer.node, outer.obj, outer, names)
    inner.self_class, inner.returns, inner.yields = outer.self_class, outer.returns, outer.yields
    body = node.child_by_field_name("body")
    for clause in node.named_children:
        if clause.type == "for_in_clause":
            right = clause.child_by_field_name("right")
            iterated = values.evaluate(right)
            values.scope = inner
            left = clause.child_by_field_name("left")
            if left is not None:
                assign(values, left, elements(values, clause, iterated), None)
        elif clause.type == "if_clause":
            values.scope = inner
            values.evaluate_all(clause.named_children)
    values.scope = inner
    kind = Kind.GENERATOR if node.type == "generator_expression" else Kind.LIST
    value = None
    if body is not None and body.type == "pair":
        kind = Kind.DICT
        values.evaluate(body.child_by_field_name("key"))
        value = values.evaluate(body.child_by_field_name("value"))
    else:
        value = values.evaluate(body)
    values.scope = outer
    found = values.container(kind)
    store_element(values, found, None, value)
    return found


def on_conditional(values: FileValues, node: Node) -> int | None:
    """Return what either way gives; the condition narrows the first."""
    parts = [child for child in node.named_children if child.type != "comment"]
    if len(parts) != 3:  # noqa: PLR2004 -- value, condition, other value
        return None
    values.evaluate(parts[1])
    before = values.scope.state.copy()
    narrow(values, parts[1])
    first = values.evaluate(parts[0])
    values.scope.state = before
    return values.copied((first, values.evaluate(parts[2])))


def on_boolean(values: FileValues, node: Node) -> int | None:
    """Return what either side gives; after `and` the right side knows what the left tested."""
    spine = _left_spine(node, "boolean_operator")
    found = values.evaluate(spine[-1].child_by_field_name("left"))
    before = values.scope.state.copy()
    for part in reversed(spine):
        left, operator = part.child_by_field_name("left"), part.child_by_field_name("operator")
        if left is not None and operator is not None and operator.type == "and":
            narrow(values, left)
        right = values.evaluate(part.child_by_field_name("right"))
        found = values.copied((found, right))
    values.scope.state.names.update(before.names)
    return found


def on_binary(values: FileValues, node: Node) -> int | None:
    """Return what operators' methods give; chains of them are followed without recursion."""
    spine = _left_spine(node, "binary_operator")
    found = values.evaluate(spine[-1].child_by_field_name("left"))
    for part in reversed(spine):
        right = values.evaluate(part.child_by_field_name("right"))
        operator = part.child_by_field_name("operator")
        name = BINARY.get("" if operator is None else operator.type)
        if name is None:
            continue
        one = values.method(part, Site.OPERATOR, found, f"__{name}__", (right,))
        other = values.method(part, Site.OPERATOR, right, f"__r{name}__", (found,))
        joined = _joined(values, found, right) if name in {"add", "or"} else None
        found = values.copied((one, other, joined))
    return found


def _left_spine(node: Node, kind: str) -> list[Node]:
    """Return the operators of ``a + b + c``, the outermost first."""
    spine = [node]
    left = node.child_by_field_name("left")
    while left is not None and left.type == kind:
        spine.append(left)
        left = left.child_by_field_name("left")
    return spine


def _joined(values: FileValues, left: int | None, right: int | None) -> int | None:
    """Return a container with the elements of both, as ``+`` and ``|`` make it."""
    if left is None or right is None:
        return None
    found = values.variable()
    values.emit(Op.JOIN, found, left, right)
    return found


def on_comparison(values: FileValues, node: Node) -> int | None:
    """Call the methods of comparisons; `in` asks the container."""
    parts = [child for child in node.named_children if child.type != "comment"]
    held = [values.evaluate(part) for part in parts]
    operators = [child.type for child in node.children_by_field_name("operators")]
    for index, operator in enumerate(operators[: len(parts) - 1]):
        left, right = held[index], held[index + 1]
        if operator in COMPARISONS:
            values.method(node, Site.OPERATOR, left, COMPARISONS[operator], (right,))
        elif operator in {"in", "not in"}:
            values.method(node, Site.OPERATOR, right, "__contains__", (left,))
    return None


def on_unary(values: FileValues, node: Node) -> int | None:
    """Call the operator's method."""
    operator = node.child_by_field_name("operator")
    value = values.evaluate(node.child_by_field_name("argument"))
    name = UNARY.get("" if operator is None else operator.type)
    return None if name is None else values.method(node, Site.OPERATOR, value, name)


def on_not(values: FileValues, node: Node) -> int | None:
    """Evaluate what is negated; the result is a truth value."""
    values.evaluate(node.child_by_field_name("argument"))
    return None


def on_first(values: FileValues, node: Node) -> int | None:
    """Return what the one expression inside gives."""
    found = None
    for child in node.named_children:
        found = values.evaluate(child)
    return found


def on_named(values: FileValues, node: Node) -> int | None:
    """Give a name a value on the way."""
    value = values.evaluate(node.child_by_field_name("value"))
    name = node.child_by_field_name("name")
    if name is not None:
        values.write(text(name), value)
    return value


def on_yield(values: FileValues, node: Node) -> int | None:
    """Let the generator yield; what is sent in is not known. `yield from` gives what it returns."""
    is_from = any(child.type == "from" for child in node.children[:2])
    value = on_first(values, node)
    if value is not None and values.scope.yields >= 0:
        values.copy(values.scope.yields, elements(values, node, value) if is_from else value)
    return None


def on_string(values: FileValues, node: Node) -> int:
    """Return a text; what is interpolated is evaluated."""
    for child in node.named_children:
        if child.type == "interpolation":
            values.evaluate_all(child.named_children)
    prefix = text(node.children[0]).lower() if node.children else ""
    kind = "bytes" if "b" in prefix else "str"
    return _constant(values, node, kind)


def on_concatenated(values: FileValues, node: Node) -> int | None:
    """Return a text that is written in parts."""
    return on_first(values, node)


def on_integer(values: FileValues, node: Node) -> int:
    """Return an integer."""
    return _constant(values, node, "int")


def on_float(values: FileValues, node: Node) -> int:
    """Return a number."""
    return values.literal("complex" if text(node).lower().endswith("j") else "float")


def on_truth(values: FileValues, _node: Node) -> int:
    """Return a truth value."""
    return values.literal("bool")


def on_slice(values: FileValues, node: Node) -> int | None:
    """Evaluate the ends of a slice."""
    values.evaluate_all(node.named_children)
    return None


def _constant(values: FileValues, node: Node, kind: str) -> int:
    """Return a literal, on its own where it may become a key."""
    parent = node.parent
    if parent is None or parent.type not in {"assignment", "named_expression"}:
        return values.literal(kind)
    found = values.variable()
    values.copy(found, values.literal(kind))
    key = key_of(values, node)
    if key is not None:
        values.keys[found] = key
    return found


EXPRESSIONS = {
    "identifier": on_identifier,
    "attribute": on_attribute,
    "subscript": on_subscript,
    "conditional_expression": on_conditional,
    "boolean_operator": on_boolean,
    "binary_operator": on_binary,
    "comparison_operator": on_comparison,
    "unary_operator": on_unary,
    "not_operator": on_not,
    "named_expression": on_named,
    "yield": on_yield,
    "string": on_string,
    "concatenated_string": on_concatenated,
    "integer": on_integer,
    "float": on_float,
    "true": on_truth,
    "false": on_truth,
    "slice": on_slice,
    "parenthesized_expression": on_first,
    "await": on_first,
    "interpolation": on_first,
    "list_splat": on_first,
    "dictionary_splat": on_first,
    "expression_statement": on_first,
    **dict.fromkeys(DISPLAYS, on_display),
    **dict.fromkeys(
        (
            "list_comprehension",
            "set_comprehension",
            "dictionary_comprehension",
            "generator_expression",
        ),
        on_comprehension,
    ),
}
