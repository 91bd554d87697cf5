"""Clarity: whether a plan's text is the text of that plan alone.

`display_indent` leaves brackets out: `a - (b - c)` and `a - b - c` are printed alike, and so are
`(p AND q) IS NULL` and `p AND (q IS NULL)`, or a join whose nulls are equal and one whose are not.
What DataFusion's own objects print when Python asks for their `repr` says all of it. Here that is
read, and a plan is clear if each of its expressions is the one that a reader takes its text for
who knows these rules: a suffix (`IS NULL`, `IN`, `LIKE`, …) belongs to the one operand before it,
NOT to the one behind it, operators bind as in `_BINDS`, and equal ones from the left. So two clear
plans of one text are one plan. Whatever cannot be read is not clear.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import datafusion

if TYPE_CHECKING:
    from collections.abc import Iterator

# The planner prints a looser operator inside of a tighter one in brackets.
_BINDS = {
    **dict.fromkeys(("Or",), 5),
    **dict.fromkeys(("And",), 10),
    **dict.fromkeys(("Eq", "NotEq", "LtEq", "GtEq"), 15),
    **dict.fromkeys(("Lt", "Gt"), 20),
    **dict.fromkeys(("IsDistinctFrom", "IsNotDistinctFrom", "StringConcat"), 30),
    **dict.fromkeys(("Plus", "Minus"), 40),
    **dict.fromkeys(("Multiply", "Divide", "Modulo"), 45),
}
# Whose order of evaluation says nothing: (a AND b) AND c is a AND (b AND c).
_ASSOCIATIVE = frozenset({"And", "Or"})
# What is printed as one word or in brackets of its own.
_TIGHT = frozenset({"Column", "Literal", "ScalarFunction", "Cast", "TryCast", "Case", "Negative"})
_TESTS = frozenset(
    {f"Is{no}{what}" for no in ("", "Not") for what in ("Null", "True", "False", "Unknown")}
)
_PARTS = {
    "Like": ("expr", "pattern"),
    "SimilarTo": ("expr", "pattern"),
    "Between": ("expr", "low", "high"),
    "InList": ("expr",),
}
_SUFFIXED = _PARTS.keys() | _TESTS
# The name of a column, or of a call with what an aggregate or a window adds to it.
_WORD = re.compile(
    r"[\w.]+(·(\.\w+)?( FILTER ·| (IGNORE|RESPECT) NULLS| (PARTITION|ORDER) BY ·"
    r"| (ROWS|RANGE|GROUPS) BETWEEN [\w ]+)*)?"
)
# Plans inside of expressions are not printed with them, and what is not known is not clear.
_UNCLEAR = frozenset(
    {"ScalarSubquery", "InSubquery", "Exists", "SetComparison", "Placeholder", "Wildcard"}
    | {"HigherOrderFunction", "Lambda", "LambdaVariable", "NullEqualsNull", "OuterReferenceColumn"}
)
# Says nothing of what is computed, and much.
_ASIDE = frozenset({"schema", "projected_schema", "func", "fun", "functional_dependencies"})

# A plain text: a line's items, and what may be between two of the brackets or commas in them.
_NAMED = {
    "=": "Eq", "!=": "NotEq", "<=": "LtEq", ">=": "GtEq", "<": "Lt", ">": "Gt",
    "||": "StringConcat", "+": "Plus", "-": "Minus", "*": "Multiply", "/": "Divide", "%": "Modulo",
}  # fmt: skip
_STRING = re.compile(r'"[^"]*"')
_NODE = re.compile(r" *(?:Projection|Filter|Aggregate|Sort|(?:Inner|Left|Right|Full) Join): (.*)")
_OTHER = re.compile(
    r" *(?:SubqueryAlias: \w+|TableScan: [\w.]+ projection=\[[\w, ]*\]|Limit: skip=\d+, fetch=\d+"
    r"|Union|Cross Join: )"
)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CASE = re.compile(r"\bCASE ((?:(?!\bCASE\b|\bEND\b).)*) END\b")
_BRANCH = re.compile(r"(?:^| )(?:WHEN|THEN|ELSE) ")
# The planner puts no space behind the commas of a column's name that is the text of a call.
_COMMA = re.compile(r", ?| ?Filter: ")
_AND_OR = re.compile(r" (?:AND|OR) ")
_OPERATORS = "|".join(map(re.escape, _NAMED))
_OPERATOR = re.compile(rf" ({_OPERATORS})(?= )")
_TEST = re.compile(r" IS (?:NOT )?(?:NULL|TRUE|FALSE|UNKNOWN)")
_OPERAND = r"-?(?:\w+=)?[\w.·]+"
_ITEM = re.compile(
    rf" *(?:DISTINCT )?{_OPERAND}(?: (?:AND|OR|{_OPERATORS}) {_OPERAND})*(?:{_TEST.pattern})?"
    r"(?: AS [\w.·]+)*(?: (?:ASC|DESC) NULLS (?:FIRST|LAST))?"
)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[{}()\[\],:]|[^\s{}()\[\],:"\w]+|\w+|"')
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_OPENERS.values())


@dataclass(slots=True)
class _Node:
    """A value as Rust prints it: `head(items)`, `head { fields }`, or `head` alone."""

    head: str
    items: list[_Node] = field(default_factory=list)
    fields: dict[str, _Node] = field(default_factory=dict)


class _Unreadable(Exception):
    """The text is not what it is taken for."""


@functools.cache
def _session() -> datafusion.SessionContext:
    return datafusion.SessionContext()


def is_clear(plan: datafusion.plan.LogicalPlan) -> bool:
    """Return whether no other plan has the text of this one, as far as brackets go."""
    text = plan.display_indent()
    grade = plainness(text)
    if grade is Plain.NOT:
        return is_proven(plan)
    joins = "Join: " in text
    if grade is Plain.ONCE and not joins:
        return True
    printed = _printed(plan)
    if grade is Plain.CHAINED and "right: BinaryExpr(" in printed:
        return is_proven(plan)
    return not joins or "NullEqualsNull" not in printed


def is_proven(plan: datafusion.plan.LogicalPlan) -> bool:
    """Return whether all that a plan holds is what its text shows; it is slow."""
    try:
        node = _Reader(_printed(plan)).value()
    except (_Unreadable, RecursionError):
        return False
    return all(map(_reads_well, _nodes(node)))


def _printed(plan: datafusion.plan.LogicalPlan) -> str:
    # Not each node prints itself; a limit prints all that is below it.
    limit = _session().create_dataframe_from_logical_plan(plan).limit(1).logical_plan()
    return repr(limit.to_variant()).partition("Input: ")[2]


class Plain(IntEnum):
    """In how many ways a plan's text can be read, but for null-equal joins, which no text shows."""

    NOT = 0
    CHAINED = 1
    ONCE = 2


def plainness(text: str) -> Plain:
    """Return whether a plan's text is so plain that it can be read in one way only.

    A looser operator inside of a tighter one is in brackets, and so is a test of anything but one
    operand. So between two brackets or commas there may be ANDs and ORs, and between these one
    test, or operators of several bindings, each once. Where one comes twice, in a chain, that is
    read from the left.
    """
    return min(map(_of_line, _STRING.sub("", text).split("\n")))


# An operand that the optimiser put in an expression's place keeps that one's name: whether the
# name is the operand's or the whole's, is not to be seen.
_NAMED_OPERAND = re.compile(r"\S __common_expr_\d+ AS ")


@functools.lru_cache(maxsize=4096)
def _of_line(line: str) -> Plain:
    if _NAMED_OPERAND.search(line.partition(": ")[2]):
        return Plain.NOT
    found = _NODE.fullmatch(line)
    if found is None:
        return Plain.ONCE if _OTHER.fullmatch(line) else Plain.NOT
    items, before, grade = found[1], "", Plain.ONCE
    while items != before and grade is not Plain.NOT:
        before = items
        grade = min(grade, *map(_of_items, ["", *_BRACKETS.findall(items)]))
        items = _BRACKETS.sub("·", items)
    return min(grade, _of_items(items))


def _of_items(text: str) -> Plain:
    """Grade what stands between two brackets; what it has in brackets itself is a dot."""
    grade = Plain.ONCE
    while found := _CASE.search(text):
        grade = min(grade, *map(_of_item, _BRANCH.split(found[1])))
        text = text[: found.start()] + "·" + text[found.end() :]
    return min(grade, *map(_of_item, _COMMA.split(text)))


@functools.lru_cache(maxsize=4096)
def _of_item(text: str) -> Plain:
    # A star stands alone, as in `count(*)`.
    if not text or text == "*":
        return Plain.ONCE
    if _ITEM.fullmatch(text) is None:
        return Plain.NOT
    parts = _AND_OR.split(text)
    if len(parts) > 1 and _TEST.search(text):
        return Plain.NOT
    grade = Plain.ONCE
    for part in parts:
        operators = _OPERATOR.findall(part)
        if operators and _TEST.search(part):
            return Plain.NOT
        if len({_BINDS[_NAMED[op]] for op in operators}) < len(operators):
            grade = Plain.CHAINED
    return grade


class _Reader:
    """Reads what Rust's `{:?}` prints."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(text)
        self._at = 0

    def value(self) -> _Node:
        """Read one value, up to a comma or a closing bracket."""
        node = _Node("")
        while self._next() not in _CLOSERS | {",", ""}:
            token = self._take()
            if token in _OPENERS:
                self._inside(node, _OPENERS[token])
            else:
                node.head += token
        return node

    def _inside(self, node: _Node, closer: str) -> None:
        while self._next() != closer:
            name = ""
            if self._tokens[self._at + 1 : self._at + 2] == [":"]:
                name = self._take()
                self._take()
            if name in _ASIDE:
                self._skip()
            elif name:
                node.fields[name] = self.value()
            else:
                node.items.append(self.value())
            if self._next() == ",":
                self._take()
            elif self._next() != closer:
                raise _Unreadable
        self._take()

    def _skip(self) -> None:
        depth = 0
        while depth or self._next() not in _CLOSERS | {","}:
            token = self._take()
            depth += (token in _OPENERS) - (token in _CLOSERS)

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at] == '"':
            raise _Unreadable
        self._at += 1
        return self._tokens[self._at - 1]


def _nodes(node: _Node) -> Iterator[_Node]:
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack += one.items
        stack += one.fields.values()


def _reads_well(node: _Node) -> bool:
    """Return whether a node's operands are those that its text shows."""
    if node.head in _UNCLEAR or node.head.startswith("<"):
        return False
    if node.head == "BinaryExpr" and node.fields:
        return _binary(node.fields)
    if node.head in {"Not", *_TESTS}:
        known = _SUFFIXED if node.head == "Not" else ()
        return all(_is_tight(one) or one.head in known for one in node.items)
    if node.head in _PARTS and node.fields:
        return all(_is_tight(node.fields[name]) for name in _PARTS[node.head])
    if node.head in {"Column", "Alias"} and node.fields:
        return not re.search(r" AS |, ", _outside(node))
    return True


def _binary(fields: dict[str, _Node]) -> bool:
    op = fields["op"].head
    for side in ("left", "right"):
        operand = fields[side]
        if operand.head == "BinaryExpr":
            inner = operand.items[0].fields["op"].head
            if op not in _BINDS or inner not in _BINDS:
                return False
            from_the_right = side == "right" and _BINDS[op] == _BINDS[inner]
            if from_the_right and not (op == inner and op in _ASSOCIATIVE):
                return False
        elif not (_is_tight(operand) or operand.head in _SUFFIXED or operand.head == "Not"):
            return False
    return True


def _is_tight(node: _Node) -> bool:
    """Return whether an operand is printed as one; a column's name may be an expression's text."""
    if node.head == "Column":
        return _WORD.fullmatch(_outside(node.items[0])) is not None
    return node.head in _TIGHT


def _outside(node: _Node) -> str:
    """Return a column's or an alias's name with a dot for what is in brackets, and no strings."""
    name = re.sub(r'"[^"]*"', "", node.fields["name"].head[1:-1].replace('\\"', '"'))
    before = None
    while name != before:
        before, name = name, re.sub(r"\([^()\[\]]*\)|\[[^()\[\]]*\]", "·", name)
    return name
