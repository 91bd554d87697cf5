"""Where names are defined and used, as events in the order of evaluation."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.control.expressions import COMPREHENSIONS
from tasks.control.syntax_table import SyntaxTable

USE, DEFINE, DELETE = 0, 1, 2

FUNCTIONS = frozenset(("function_definition", "lambda", "module"))
PARAMETER_LISTS = frozenset(("parameters", "lambda_parameters"))
# What a target of several names is made of.
PATTERNS = frozenset(
    (
        "as_pattern_target",
        "dictionary_splat_pattern",
        "expression_list",
        "list",
        "list_pattern",
        "list_splat",
        "list_splat_pattern",
        "parenthesized_expression",
        "pattern_list",
        "tuple",
        "tuple_pattern",
    )
)
TARGETS = frozenset(("assignment", "augmented_assignment", "for_statement", "for_in_clause"))
# Parents whose identifiers are no variables.
NO_VARIABLES = PARAMETER_LISTS | {
    "global_statement",
    "nonlocal_statement",
    "type_parameter",
    "keyword_pattern",
    "relative_import",
    "typed_parameter",
}
# Parents whose identifiers need a second look; everywhere else an identifier is a use.
BINDING = (
    NO_VARIABLES
    | PATTERNS
    | TARGETS
    | {"attribute", "keyword_argument", "named_expression", "function_definition"}
    | {"class_definition", "default_parameter", "typed_default_parameter"}
    | {"dotted_name", "aliased_import", "as_pattern", "splat_pattern", "delete_statement"}
    | {"type", "generic_type"}
)


class Variable(NamedTuple):
    """A name in the scope that it is looked up in."""

    scope: int  # the function's, class's or comprehension's node
    name: str


class Event(NamedTuple):
    """A name is used, defined or deleted.

    Attributes:
        moment: when, among the events of the same flow node.
        token: the node of the name; of a parameter, the parameter's.
        variable: which one.
        action: `USE`, `DEFINE` or `DELETE`.
    """

    moment: int
    token: int
    variable: Variable
    action: int


class Scopes(NamedTuple):
    """The scope of each node, and the scope around each scope."""

    of: Sequence[int]
    around: dict[int, int]


class Names:
    """Finds the events of one file."""

    def __init__(self, table: SyntaxTable, source: bytes) -> None:
        """Look at a file."""
        self.table = table
        self.source = source
        self.scopes = _scopes(table)
        self._tops: dict[int, int] = {}

    def events(self) -> list[Event]:
        """Return all events but parameters', by token; names are still where they stand."""
        kinds, parents, starts, ends = (
            self.table.kinds,
            self.table.parents,
            self.table.starts,
            self.table.ends,
        )
        text, scope_of = self.source, self.scopes.of
        found = []
        for token, kind in enumerate(kinds):
            if kind != "identifier":
                continue
            action, moment = USE, token
            if kinds[parents[token]] in BINDING:
                action, moment = self._action(token, kinds[parents[token]])
            if action == NOTHING:
                continue
            name = text[starts[token] : ends[token]].decode("utf-8", "replace")
            variable = Variable(scope_of[token], name)
            if action in {AUGMENT, DELETE}:
                found.append(Event(token, token, variable, USE))
            found.append(Event(moment, token, variable, DEFINE if action == AUGMENT else action))
        return found

    def parameters(self, function: int) -> list[Event]:
        """Return the definitions that a call makes: each parameter's name."""
        table = self.table
        listed = table.child(function, "parameters")
        if listed is None:
            return []
        found = []
        for parameter in table.children(listed):
            for token in _parameter_names(table, parameter):
                name = table.text(token, self.source)
                # A tuple of Python 2 defines several names.
                is_tuple = table.kinds[parameter] == "tuple_pattern"
                place = token if is_tuple else parameter
                found.append(Event(token, place, Variable(function, name), DEFINE))
        return found

    def _action(self, token: int, parent_kind: str) -> tuple[int, int]:
        """Return what happens to the name, and when, where its parent may bind it."""
        table = self.table
        parent = table.parents[token]
        field = table.fields[token]
        if parent_kind in NO_VARIABLES:
            return NOTHING, token
        special = SPECIAL.get((parent_kind, field))
        if special is not None:
            return special, table.stops[parent]
        if parent_kind in PATTERNS or parent_kind in TARGETS or parent_kind == "delete_statement":
            return self._target(token)
        action = USE
        if parent_kind == "dotted_name":
            action = self._dotted(token, parent)
        elif parent_kind in {"as_pattern", "splat_pattern"}:
            action = self._captured(parent, parent_kind)
        elif parent_kind in {"type", "generic_type"}:
            action = self._type_name(token)
        return action, token

    def _target(self, token: int) -> tuple[int, int]:
        """Return what the statement around a pattern does to its names, when it is through."""
        table = self.table
        top = self._top(token)
        binder = table.parents[top]
        kind = table.kinds[binder]
        if kind == "delete_statement":
            return DELETE, token
        if kind in TARGETS and table.fields[top] == "left":
            if kind == "assignment" and table.child(binder, "right") is None:
                return NOTHING, token  # `x: int` alone
            return (AUGMENT if kind == "augmented_assignment" else DEFINE), table.stops[binder]
        if kind == "as_pattern" and table.fields[top] == "alias":
            return DEFINE, table.stops[binder]
        if kind in PARAMETER_LISTS or kind in {"typed_parameter", "default_parameter"}:
            is_default = table.fields[top] == "value"
            return (USE if is_default else NOTHING), token
        return USE, token

    def _top(self, token: int) -> int:
        """Return the outermost pattern that a name is part of."""
        kinds, parents = self.table.kinds, self.table.parents
        path, node = [], token
        while kinds[parents[node]] in PATTERNS:
            path.append(node)
            node = parents[node]
            if node in self._tops:
                node = self._tops[node]
                break
        self._tops.update(dict.fromkeys(path[1:], node))
        return node

    def _dotted(self, token: int, dotted: int) -> int:
        """Return what an import or a pattern does with a part of a dotted name."""
        table = self.table
        is_first = token == dotted + 1
        around = table.parents[dotted]
        kind = table.kinds[around]
        if kind in {"import_statement", "import_from_statement", "future_import_statement"}:
            binds = is_first and table.fields[dotted] == "name"
            return DEFINE if binds else NOTHING
        if kind in {"aliased_import", "relative_import"} or not is_first:
            return NOTHING
        is_single = table.stops[dotted] == dotted + 2
        is_capture = kind in {"case_pattern", "union_pattern"} or (
            kind == "keyword_pattern" and dotted != around + 1
        )
        return DEFINE if is_single and is_capture else USE

    def _captured(self, parent: int, parent_kind: str) -> int:
        if parent_kind == "splat_pattern" or self.table.kinds[parent + 1] == "case_pattern":
            return DEFINE
        return USE

    def _type_name(self, token: int) -> int:
        """A type alias defines what stands on its left."""
        table = self.table
        node = token
        while table.kinds[table.parents[node]] in {"type", "generic_type"}:
            if node != table.parents[node] + 1:
                return USE
            node = table.parents[node]
        is_alias = table.kinds[table.parents[node]] == "type_alias_statement"
        return DEFINE if is_alias and table.fields[node] == "left" else USE


AUGMENT, NOTHING = 3, 4
# (parent's kind, role) -> what happens to the name.
SPECIAL: dict[tuple[str, str | None], int] = {
    ("attribute", "attribute"): NOTHING,
    ("keyword_argument", "name"): NOTHING,
    ("default_parameter", "name"): NOTHING,
    ("typed_default_parameter", "name"): NOTHING,
    ("named_expression", "name"): DEFINE,
    ("function_definition", "name"): DEFINE,
    ("class_definition", "name"): DEFINE,
    ("aliased_import", "alias"): DEFINE,
}


def _parameter_names(table: SyntaxTable, parameter: int) -> Iterable[int]:
    """Return the identifiers that a parameter binds."""
    kind = table.kinds[parameter]
    if kind == "identifier":
        return (parameter,)
    part: int | None = parameter
    if kind in {"default_parameter", "typed_default_parameter"}:
        part = table.child(parameter, "name")
    elif kind == "typed_parameter":
        part = next(iter(table.children(parameter)), None)
    if part is None:
        return ()
    inside = range(part, table.stops[part])
    return [n for n in inside if table.kinds[n] == "identifier"] if kind != "ERROR" else ()


def resolved(events: Iterable[Event], scopes: Scopes, table: SyntaxTable) -> list[Event]:
    """Return events with each variable in the scope that has it.

    A class's names are seen by its own statements only; a walrus in a comprehension binds in the
    function around it.
    """
    events = [_bound_outside(event, scopes, table) for event in events]
    bound = {event.variable for event in events if event.action == DEFINE}
    return [_looked_up(event, bound, scopes, table) for event in events]


def _bound_outside(event: Event, scopes: Scopes, table: SyntaxTable) -> Event:
    scope, name = event.variable
    if event.action != DEFINE or table.kinds[scope] not in COMPREHENSIONS:
        return event
    if table.kinds[table.parents[event.token]] != "named_expression":
        return event
    while table.kinds[scope] in COMPREHENSIONS:
        scope = scopes.around[scope]
    return event._replace(variable=Variable(scope, name))


def _looked_up(event: Event, bound: set[Variable], scopes: Scopes, table: SyntaxTable) -> Event:
    scope, name = event.variable
    kinds = table.kinds
    if event.variable in bound or kinds[scope] in FUNCTIONS:
        return event
    while kinds[scope] not in FUNCTIONS:
        scope = scopes.around[scope]
        if kinds[scope] != "class_definition" and Variable(scope, name) in bound:
            break
    return event._replace(variable=Variable(scope, name))


def _scopes(table: SyntaxTable) -> Scopes:
    """Return the scope of each node: that of the innermost body that holds it."""
    of: npt.NDArray[np.int32] = np.zeros(len(table.kinds), np.int32)
    around: dict[int, int] = {}
    outside: dict[int, int] = {}  # first iterables, which are evaluated around a comprehension
    for node, kind in enumerate(table.kinds):
        if node in outside:
            of[node : table.stops[node]] = outside[node]
        if kind in FUNCTIONS or kind == "class_definition":
            body = table.child(node, "body")
            if body is not None:
                around[node] = int(of[node])
                of[body : table.stops[body]] = node
        elif kind in COMPREHENSIONS:
            around[node] = int(of[node])
            of[node : table.stops[node]] = node
            clause = table.child_of_kind(node, "for_in_clause")
            iterable = None if clause is None else table.child(clause, "right")
            if iterable is not None:
                outside[iterable] = around[node]
    return Scopes(of.tolist(), around)
