"""What annotations say of values: instances of the classes that they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tasks.values.facts import ANY, Kind, Op
from tasks.values.scopes import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

    from tasks.values.file_values import FileValues

DOTTED = re.compile(r"\w+(?:\.\w+)*")
TRANSPARENT = frozenset((
    "Optional", "Union", "Annotated", "ClassVar", "Final", "Awaitable", "Coroutine", "Required",
    "NotRequired", "ReadOnly",
))  # fmt: skip
SEQUENCES = frozenset((
    "list", "List", "Sequence", "MutableSequence", "Iterable", "Iterator", "Collection", "set",
    "Set", "frozenset", "FrozenSet", "AbstractSet", "deque", "Deque", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "tuple", "Tuple",
))  # fmt: skip
MAPPINGS = frozenset((
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict",
))  # fmt: skip
UNIONS = frozenset(("binary_operator", "union_type"))


def annotated(values: FileValues, node: Node) -> int | None:
    """Return a variable with instances of what an annotation names, none if it says nothing."""
    stack = [node]
    found: list[int | None] = []
    while stack and len(found) < len(node.text or b""):
        part = stack.pop()
        if part.type == "type" or part.type in UNIONS or part.type == "parenthesized_expression":
            stack.extend(reversed(part.named_children))
        elif part.type in {"generic_type", "subscript"}:
            if values.enter():
                found.append(_generic(values, part))
                values.depth -= 1
        elif part.type == "string":
            found.extend(_quoted(values, part))
        elif part.type in {"identifier", "attribute", "member_type"}:
            found.append(_instance(values, _named(values, text(part))))
    return values.copied(found)


def _instance(values: FileValues, named: int | None) -> int | None:
    if named is None:
        return None
    found = values.variable()
    values.emit(Op.INSTANCE, found, named)
    return found


def _named(values: FileValues, dotted: str) -> int | None:
    """Return what a dotted name means, without a site: nobody accesses it when the code runs."""
    first, *rest = re.sub(r"\s", "", dotted).split(".")
    found = values.read(first)
    for name in rest:
        if found is not None:
            found = values.load(found, name)
    return found


def _quoted(values: FileValues, node: Node) -> Iterable[int | None]:
    """Return instances of what a quoted annotation names: a name, or several with bars."""
    content = text(node).strip("\"'")
    for part in content.split("|"):
        if DOTTED.fullmatch(part.strip()) and part.strip() != "None":
            yield _instance(values, _named(values, part.strip()))


def _generic(values: FileValues, node: Node) -> int | None:
    """Return what ``Head[arguments]`` says: of its elements, where the head is a container."""
    children = node.named_children
    if not children:
        return None
    head = text(children[0])
    last = head.rpartition(".")[2]
    arguments = [child for child in children[1:] if child.type != "comment"]
    if len(arguments) == 1 and arguments[0].type == "type_parameter":
        arguments = arguments[0].named_children
    if last in TRANSPARENT:
        return values.copied([annotated(values, argument) for argument in arguments])
    if last in {"type", "Type"}:
        return values.copied([_class(values, argument) for argument in arguments])
    if last in SEQUENCES or last in MAPPINGS:
        return _container(values, last, arguments)
    return _instance(values, _named(values, head)) if DOTTED.fullmatch(head) else None


def _class(values: FileValues, node: Node) -> int | None:
    dotted = text(node)
    return _named(values, dotted) if DOTTED.fullmatch(dotted) else None


def _container(values: FileValues, head: str, arguments: list[Node]) -> int | None:
    kind = (
        Kind.DICT if head in MAPPINGS else Kind.TUPLE if head in {"tuple", "Tuple"} else Kind.LIST
    )
    found = values.container(kind)
    elements = arguments[1:] if kind is Kind.DICT else arguments
    if head in {"Generator", "AsyncGenerator"}:
        elements = arguments[:1]
    for index, argument in enumerate(elements):
        element = annotated(values, argument)
        if element is None:
            continue
        values.emit(Op.STORE, found, element, -1, ANY)
        if kind is Kind.TUPLE:
            values.emit(Op.STORE, found, element, -1, f"[{index}")
        else:
            values.emit(Op.STORE, found, element, -1, "[*]")
    return found
