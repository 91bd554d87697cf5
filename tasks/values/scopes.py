"""Which names each scope binds, and what they hold at the point that the walk has come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

# Where a statement's own statements are; what stands elsewhere binds no names, walrus aside.
BLOCKS = frozenset((
    "block", "if_statement", "elif_clause", "else_clause", "for_statement", "while_statement",
    "try_statement", "except_clause", "except_group_clause", "finally_clause", "with_statement",
    "match_statement", "case_clause", "module", "decorated_definition", "expression_statement",
    "ERROR",
))  # fmt: skip
PATTERNS = frozenset((
    "pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "tuple", "list",
    "list_splat", "expression_list", "parenthesized_expression", "as_pattern_target",
    "dictionary_splat_pattern",
))  # fmt: skip
CAPTURES = frozenset((
    "case_pattern", "union_pattern", "class_pattern", "keyword_pattern", "list_pattern",
    "tuple_pattern", "dict_pattern", "splat_pattern", "as_pattern",
))  # fmt: skip


def text(node: Node) -> str:
    """Return a node's source."""
    return (node.text or b"").decode("utf-8", "replace")


@dataclass(slots=True)
class State:
    """What names hold at a point: a variable for each, and for places like ``a.b`` and ``a['k']``.

    A place is known from a store up to the next call, which might change it.
    """

    names: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    is_reached: bool = True

    def copy(self) -> State:
        """Return a state that goes its own way."""
        return State(dict(self.names), dict(self.places), self.is_reached)


@dataclass(slots=True)
class Scope:
    """A module, class, function, lambda or comprehension while it is walked."""

    kind: str
    node: str  # of the function, class or module that sites in it belong to
    obj: int
    parent: Scope | None
    bound: set[str]
    global_names: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    state: State = field(default_factory=State)
    # All that a name was ever given here, and the variable that holds it all, once it is asked.
    given: dict[str, list[int]] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    tries: list[dict[str, int]] = field(default_factory=list)
    loops: list[tuple[list[State], list[State]]] = field(default_factory=list)
    returns: int = -1
    yields: int = -1
    # Of a function: its parameters, each with what it holds if a call does not say.
    parameters: dict[int, list[int]] = field(default_factory=dict)
    self_class: int = -1  # of a method's scope, and those inside it: the class


@dataclass(slots=True)
class Bindings:
    """The names that a statement binds, with those declared global or nonlocal."""

    bound: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)


def bindings(nodes: Iterable[Node], *, has_walrus: bool) -> Bindings:
    """Return what statements bind in their own scope; nested definitions bind their names only.

    Args:
        nodes: statements, or what holds them.
        has_walrus: look into expressions too, since ``:=`` stands somewhere in the file.
    """
    found = Bindings()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        kind = node.type
        if kind in BINDERS:
            BINDERS[kind](node, found)
        if (
            kind in BLOCKS
            or kind == "assignment"
            or (has_walrus and kind not in {"function_definition", "class_definition", "lambda"})
        ):
            stack.extend(node.named_children)
    return found


def target_names(node: Node | None) -> Iterable[str]:
    """Yield the names in what is assigned to."""
    stack = [] if node is None else [node]
    while stack:
        part = stack.pop()
        if part.type == "identifier":
            yield text(part)
        elif part.type in PATTERNS:
            stack.extend(part.named_children)


def _assigned(node: Node, found: Bindings) -> None:
    found.bound.update(target_names(node.child_by_field_name("left")))


def _named(node: Node, found: Bindings) -> None:
    found.bound.update(target_names(node.child_by_field_name("name")))


def _imported(node: Node, found: Bindings) -> None:
    for name in node.children_by_field_name("name"):
        alias = name.child_by_field_name("alias") if name.type == "aliased_import" else None
        if alias is not None:
            found.bound.add(text(alias))
        elif name.type != "aliased_import":
            found.bound.add(text(name).partition(".")[0])


def _as_names(node: Node, found: Bindings) -> None:
    """Names after `as` in the head of a `with` or an `except`."""
    stack = [child for child in node.named_children if child.type not in BLOCKS]
    while stack:
        part = stack.pop()
        if part.type == "as_pattern":
            found.bound.update(target_names(part.child_by_field_name("alias")))
        elif part.type in {"with_clause", "with_item"}:
            stack.extend(part.named_children)


def _captured(node: Node, found: Bindings) -> None:
    found.bound.update(text(name) for name in capture_tokens(node))


def capture_tokens(node: Node) -> list[Node]:
    """Return the name tokens that the patterns of a `case` bind."""
    tokens = []
    stack = [child for child in node.named_children if child.type == "case_pattern"]
    while stack:
        part = stack.pop()
        if part.type == "identifier":
            tokens.append(part)
        elif part.type == "dotted_name" and part.named_child_count == 1:
            tokens.append(part.named_children[0])
        elif part.type in CAPTURES:
            children = part.named_children
            skipped = part.type in {"class_pattern", "keyword_pattern"}
            stack.extend(children[1:] if skipped else children)
    return [token for token in tokens if text(token) != "_"]


def _deleted(node: Node, found: Bindings) -> None:
    for child in node.named_children:
        found.bound.update(target_names(child))


def _global(node: Node, found: Bindings) -> None:
    found.global_names.update(text(child) for child in node.named_children)


def _nonlocal(node: Node, found: Bindings) -> None:
    found.nonlocals.update(text(child) for child in node.named_children)


BINDERS = {
    "assignment": _assigned,
    "augmented_assignment": _assigned,
    "for_statement": _assigned,
    "named_expression": _named,
    "function_definition": _named,
    "class_definition": _named,
    "import_statement": _imported,
    "import_from_statement": _imported,
    "with_statement": _as_names,
    "except_clause": _as_names,
    "except_group_clause": _as_names,
    "case_clause": _captured,
    "delete_statement": _deleted,
    "global_statement": _global,
    "nonlocal_statement": _nonlocal,
}
