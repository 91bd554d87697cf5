"""Functions, lambdas and classes, with what decorators make of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tasks.values.annotations import annotated
from tasks.values.assignment import store_element
from tasks.values.facts import Kind, Op, Site
from tasks.values.scopes import Scope, bindings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from tasks.values.file_values import FileValues

CLASS_METHODS = frozenset(("__new__", "__init_subclass__", "__class_getitem__"))


def on_function(values: FileValues, node: Node, decorators: Sequence[Node] = ()) -> None:
    """Define a function; its body is walked later."""
    name_node = node.child_by_field_name("name")
    name = "" if name_node is None else text(name_node)
    kind = _kind(values, name, decorators)
    value = _function(values, node, kind)
    if any(_is_accessor(decorator) for decorator in decorators):
        # `@x.setter` leaves the property that `x` is already.
        values.evaluate_all(child for d in decorators for child in d.named_children)
        return
    made = _decorated(values, decorators, value)
    if not (any(map(_is_overload, decorators)) and _is_defined_next(node, name)):
        values.write(name, made)


def on_class(values: FileValues, node: Node, decorators: Sequence[Node] = ()) -> None:
    """Define a class; its body runs where it stands."""
    outer = values.scope
    name_node = node.child_by_field_name("name")
    here = f"{node.start_byte}-{node.end_byte}:{node.type}"
    obj = values.object(Kind.CLASS, here)
    bases = node.child_by_field_name("superclasses")
    index = 0
    for base in [] if bases is None else bases.named_children:
        if base.type == "keyword_argument":
            values.evaluate(base.child_by_field_name("value"))
        elif base.type != "comment":
            held = values.evaluate(base)
            if held is not None:
                values.emit(Op.BASE, obj, held, index)
            index += 1
    body = node.child_by_field_name("body")
    bound = bindings([] if body is None else [body], has_walrus=values.has_walrus)
    scope = Scope("class", here, obj, outer, bound.bound, bound.global_names, bound.nonlocals)
    scope.self_class = obj
    values.scope = scope
    values.body(body)
    for name in sorted(scope.bound):
        held = scope.state.names.get(name)
        if held is None and name in scope.given:
            held = values.cell(scope, name)
        if held is not None:
            values.emit(Op.DEFINES, obj, held, -1, name)
    values.scope = outer
    value = _decorated(values, decorators, values.holding(obj))
    values.write("" if name_node is None else text(name_node), value)


def on_decorated(values: FileValues, node: Node) -> None:
    """Define what decorators are applied to."""
    decorators = [child for child in node.named_children if child.type == "decorator"]
    definition = node.child_by_field_name("definition")
    if definition is not None:
        handler = on_class if definition.type == "class_definition" else on_function
        handler(values, definition, decorators)


def on_lambda(values: FileValues, node: Node) -> int:
    """Define a lambda; its body is walked later."""
    return _function(values, node, Kind.FUNCTION)


def _kind(values: FileValues, name: str, decorators: Sequence[Node]) -> Kind:
    names = {
        text(part).partition("(")[0].rpartition(".")[2]
        for d in decorators
        for part in d.named_children[:1]
    }
    if "staticmethod" in names:
        return Kind.STATIC
    if "classmethod" in names or (values.scope.kind == "class" and name in CLASS_METHODS):
        return Kind.CLASS_METHOD
    if any(name.lower().endswith("property") for name in names):
        return Kind.PROPERTY
    return Kind.FUNCTION


def _is_accessor(decorator: Node) -> bool:
    return text(decorator).rpartition(".")[2] in {"setter", "deleter", "getter"}


def _is_overload(decorator: Node) -> bool:
    """Return whether it says that a function is a signature, and nothing that runs."""
    return text(decorator).lstrip("@ ").rpartition(".")[2] == "overload"


def _is_defined_next(node: Node, name: str) -> bool:
    """Return whether what follows a decorated function is one of its name; stubs have no other."""
    after = node.parent and node.parent.next_named_sibling
    while after is not None and after.type == "comment":
        after = after.next_named_sibling
    if after is not None and after.type == "decorated_definition":
        after = after.child_by_field_name("definition")
    if after is None or after.type != "function_definition":
        return False
    name_node = after.child_by_field_name("name")
    return name_node is not None and text(name_node) == name


def _decorated(values: FileValues, decorators: Sequence[Node], value: int | None) -> int | None:
    """Apply decorators, the nearest first; what is not known is taken to give back its argument."""
    callees = []
    for decorator in decorators:
        expression = decorator.named_children[0] if decorator.named_children else None
        callees.append((decorator, values.evaluate(expression)))
    for decorator, callee in reversed(callees):
        result = values.called(decorator, Site.DECORATOR, callee, (value,))
        value = value if result is None else result
    if decorators:
        values.forget_places()
    return value


def _function(values: FileValues, node: Node, kind: Kind) -> int:
    """Return a variable that holds a new function, whose body waits."""
    outer = values.scope
    here = f"{node.start_byte}-{node.end_byte}:{node.type}"
    obj = values.object(kind, here)
    body = node.child_by_field_name("body")
    found = bindings([] if body is None else [body], has_walrus=values.has_walrus)
    scope = Scope(node.type, here, obj, outer, found.bound, found.global_names, found.nonlocals)
    scope.self_class = outer.self_class
    scope.returns = values.variable()
    values.emit(Op.RETURN, obj, scope.returns)
    _parameters(values, node, scope, kind)
    stated = node.child_by_field_name("return_type")
    is_generator = body is not None and b"yield" in (body.text or b"")
    if stated is not None and not is_generator:
        values.copy(scope.returns, annotated(values, stated))
    values.later.append(partial(_body, values, scope, node))
    return values.holding(obj)


def _body(values: FileValues, scope: Scope, node: Node) -> None:
    """Walk a function's body; what it yields is in the generator that a call returns."""
    values.scope = scope
    body = node.child_by_field_name("body")
    scope.yields = values.variable()
    before = len(values.ops)
    if node.type == "lambda":
        values.give_back(values.evaluate(body))
    else:
        values.body(body)
    is_generator = any(op == Op.COPY and a == scope.yields for op, a, *_ in values.ops[before:])
    if is_generator:
        generator = values.container(Kind.GENERATOR)
        values.copy(scope.returns, generator)
        values.emit(Op.STORE, generator, scope.yields, -1, "[any]")


def _parameters(values: FileValues, node: Node, scope: Scope, kind: Kind) -> None:
    parameters = node.child_by_field_name("parameters")
    children = [] if parameters is None else parameters.named_children
    is_method = scope.parent is not None and scope.parent.kind == "class" and node.type != "lambda"
    index, by_name_only = 0, False
    for child in children:
        if child.type == "keyword_separator":
            by_name_only = True
            continue
        for token, stars in _tokens(child):
            variable = values.variable()
            name = text(token)
            scope.bound.add(name)
            scope.state.names[name] = variable
            scope.given[name] = [variable]
            position = -1
            if stars:
                _rest(values, scope.obj, variable, stars)
                by_name_only = True
            else:
                position = -1 if by_name_only else index
                values.emit(Op.PARAMETER, scope.obj, variable, position, name)
                if is_method and index == 0 and not by_name_only and kind is not Kind.STATIC:
                    values.emit(Op.SELF, scope.obj, variable, scope.self_class)
                index += 1
            held = _stated(values, child, variable, stars)
            if not stars and not (is_method and position == 0):
                scope.parameters[variable] = held


def _rest(values: FileValues, function: int, variable: int, stars: int) -> None:
    kind, op = (Kind.TUPLE, Op.REST) if stars == 1 else (Kind.DICT, Op.REST_NAMED)
    container = values.object(kind, None)
    values.emit(Op.ALLOC, variable, container)
    values.emit(op, function, -1, container)


def _stated(values: FileValues, parameter: Node, variable: int, stars: int) -> list[int]:
    """Let a parameter hold its default, and what its annotation says; return these."""
    default, stated = (parameter.child_by_field_name(name) for name in ("value", "type"))
    value = values.evaluate(default)
    held = None if stated is None else annotated(values, stated)
    if held is not None and stars:
        store_element(values, variable, None, held)
        held = None
    found = [one for one in (value, held) if one is not None]
    for one in found:
        values.copy(variable, one)
    return found


def _tokens(parameter: Node) -> Iterator[tuple[Node, int]]:
    """Yield the name tokens of a parameter, with the number of stars before each."""
    stack = [(parameter, 0)]
    while stack:
        node, stars = stack.pop()
        if node.type == "identifier":
            yield node, stars
        elif node.type.endswith("default_parameter"):
            name = node.child_by_field_name("name")
            if name is not None:
                stack.append((name, stars))
        elif node.type == "list_splat_pattern":
            stack.extend((child, 1) for child in node.named_children)
        elif node.type == "dictionary_splat_pattern":
            stack.extend((child, 2) for child in node.named_children)
        elif node.type == "typed_parameter" and node.named_children:
            stack.append((node.named_children[0], stars))
        elif node.type == "tuple_pattern":
            stack.extend((child, stars) for child in reversed(node.named_children))
