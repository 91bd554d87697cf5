"""Control flow inside of expressions: what is evaluated only sometimes, or many times."""

from bisect import bisect_left
from collections.abc import Generator
from contextlib import suppress

from tasks.control.flow_graph import EXCEPTION, FALSE, TRUE, Draft
from tasks.control.syntax_table import SyntaxTable
from tasks.control.ways_out import Around

# What builds a part of a flow: it yields what it needs first, and returns where its part starts.
# Parts are built from the end, so that it is known where each goes on, and by a loop (`built`)
# that holds those under way in a list, so that no depth of code is too much.
Part = Generator["Part", int, int]

COMPREHENSIONS = frozenset(
    ("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
)
SPLIT = COMPREHENSIONS | {"boolean_operator", "conditional_expression", "yield"}
OPERANDS = {"boolean_operator": 2, "conditional_expression": 3, "not_operator": 1}
ALWAYS = frozenset(("true", "ellipsis"))
NEVER = frozenset(("false", "none"))
# What computes nothing, and so raises nothing.
SILENT = frozenset(
    (
        "break_statement",
        "continue_statement",
        "global_statement",
        "nonlocal_statement",
        "pass_statement",
    )
)


def built(part: Part) -> int:
    """Return where a part starts, after everything that it needs was built."""
    under_way = [part]
    start: int | None = None
    while under_way:
        try:
            needed = under_way[-1].send(start)  # type: ignore[arg-type] # the first send is None
        except StopIteration as done:
            under_way.pop()
            start = done.value
        else:
            under_way.append(needed)
            start = None
    if start is None:
        raise AssertionError("a part ends by returning where it starts")
    return start


def split_nodes(table: SyntaxTable) -> list[int]:
    """Return the nodes at which an expression's flow splits, and lambdas, in order."""
    return [n for n, kind in enumerate(table.kinds) if kind in SPLIT or kind == "lambda"]


class Expressions:
    """Builds the flow of expressions of one function."""

    def __init__(self, table: SyntaxTable, splits: list[int], source: bytes, draft: Draft) -> None:
        """Build into `draft`; `splits` are the file's `split_nodes`."""
        self.table = table
        self.splits = splits
        self.source = source
        self.draft = draft

    def step(self, syntax: int, after: int | None, around: Around, how: str | None = None) -> int:
        """Add a node that goes on to `after`, if it does; it may raise where that is caught."""
        draft = self.draft
        node = draft.add(syntax)
        if after is not None:
            draft.connect(node, after, how)
        if around.catches and self.table.kinds[syntax] not in SILENT:
            draft.connect(node, around.way_out(EXCEPTION, draft), EXCEPTION)
        return node

    def evaluated(self, syntax: int, node: int, around: Around) -> Part:
        """Let a node come after the parts of its code at which control splits."""
        parts = self._parts(syntax)
        start = node
        for part in reversed(parts):
            start = yield self.value(part, start, around)
        return start

    def is_plain(self, syntax: int) -> bool:
        """Return whether control splits nowhere in a node's code."""
        splits = self.splits
        at = bisect_left(splits, syntax + 1)
        return at == len(splits) or splits[at] >= self.table.stops[syntax]

    def value(self, syntax: int, after: int, around: Around) -> Part:
        """Build an expression whose value is needed."""
        syntax = self._inside_parentheses(syntax)
        kind = self._kind(syntax)
        if kind == "lambda":
            return after  # a flow of its own; nothing happens here
        if kind == "boolean_operator":
            left, right = self._sides(syntax)
            start = yield self.value(right, after, around)
            ways = (start, after) if self._is_and(syntax) else (after, start)
            return (yield self.condition(left, ways, around))
        if kind == "conditional_expression":
            return (yield self._conditional(syntax, (after, after), around, as_value=True))
        if kind in COMPREHENSIONS:
            return (yield self._comprehension(syntax, after, around))
        node = self.step(syntax, after, around)
        return node if self.is_plain(syntax) else (yield self.evaluated(syntax, node, around))

    def condition(self, syntax: int, ways: tuple[int, int], around: Around) -> Part:
        """Build an expression after which control goes one of two ways, if true and if false."""
        syntax = self._inside_parentheses(syntax)
        kind = self._kind(syntax)
        if kind == "not_operator":
            operand = self.table.child(syntax, "argument")
            if operand is not None:
                return (yield self.condition(operand, (ways[1], ways[0]), around))
        if kind == "boolean_operator":
            left, right = self._sides(syntax)
            start = yield self.condition(right, ways, around)
            ways = (start, ways[1]) if self._is_and(syntax) else (ways[0], start)
            return (yield self.condition(left, ways, around))
        if kind == "conditional_expression":
            return (yield self._conditional(syntax, ways, around, as_value=False))
        node = self.step(syntax, None, around)
        known = self._constant(syntax)
        if known is not False:
            self.draft.connect(node, ways[0], TRUE)
        if known is not True:
            self.draft.connect(node, ways[1], FALSE)
        if kind in COMPREHENSIONS:
            return (yield self._comprehension(syntax, node, around))
        return node if self.is_plain(syntax) else (yield self.evaluated(syntax, node, around))

    def _conditional(
        self, syntax: int, ways: tuple[int, int], around: Around, *, as_value: bool
    ) -> Part:
        parts = list(self.table.children(syntax))
        starts = []
        for part in (parts[0], parts[-1]):
            built_part = (
                self.value(part, ways[0], around)
                if as_value
                else self.condition(part, ways, around)
            )
            starts.append((yield built_part))
        middle = parts[len(parts) // 2]
        return (yield self.condition(middle, (starts[0], starts[1]), around))

    def _comprehension(self, syntax: int, after: int, around: Around) -> Part:
        """Build the loops of a comprehension, the innermost first; each head is its clause."""
        kinds, child = self.table.kinds, self.table.child
        clauses = [c for c in self.table.children(syntax) if self.table.fields[c] != "body"]
        body = child(syntax, "body")
        heads = [after]
        for clause in clauses:
            if kinds[clause] == "for_in_clause":
                head = self.step(clause, heads[-1], around, FALSE)
                heads.append(head)
        start = heads[-1] if body is None else (yield self.value(body, heads[-1], around))
        for clause in reversed(clauses):
            if kinds[clause] == "for_in_clause":
                head = heads.pop()
                self.draft.connect(head, start, TRUE)
                iterable = child(clause, "right")
                start = head if iterable is None else (yield self.value(iterable, head, around))
            elif kinds[clause] == "if_clause":
                for test in self.table.children(clause):
                    start = yield self.condition(test, (start, heads[-1]), around)
        return start

    def _parts(self, syntax: int) -> list[int]:
        """Return the outermost parts of a node's code at which control splits, in order."""
        splits, stops = self.splits, self.table.stops
        at, stop = bisect_left(splits, syntax + 1), stops[syntax]
        found = []
        while at < len(splits) and splits[at] < stop:
            part = splits[at]
            if self.table.kinds[part] != "lambda":
                found.append(part)
            at = bisect_left(splits, stops[part], at)
        return found

    def _kind(self, syntax: int) -> str:
        """Return a node's kind, that of an error where broken code left out operands."""
        kind = self.table.kinds[syntax]
        operands = OPERANDS.get(kind, 0)
        if operands and sum(1 for _ in self.table.children(syntax)) < operands:
            return "ERROR"
        return kind

    def _sides(self, operator: int) -> tuple[int, int]:
        sides = list(self.table.children(operator))
        return sides[0], sides[-1]

    def _is_and(self, operator: int) -> bool:
        return self.table.tokens.get(operator) == "and"

    def _inside_parentheses(self, syntax: int) -> int:
        kinds = self.table.kinds
        while kinds[syntax] == "parenthesized_expression":
            inside = list(self.table.children(syntax))
            if len(inside) != 1:
                break
            syntax = inside[0]
        return syntax

    def _constant(self, syntax: int) -> bool | None:
        """Return the truth of a literal, none if it is not known before it is run."""
        kind = self.table.kinds[syntax]
        if kind in ALWAYS:
            return True
        if kind in NEVER:
            return False
        if kind == "integer":
            with suppress(ValueError):  # a literal of Python 2, or of thousands of digits
                return int(self.table.text(syntax, self.source), 0) != 0
        return None
