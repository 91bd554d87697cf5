"""Expressions: what one expression of a plan is made of, with its text in terms of datasets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpgbuild.core.lineage import Use, as_use, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cpgbuild.core.lineage import Uses

Find = Callable[[str | None, str], "Made | None"]

# Longer ones are cut: an expression of a thousand characters tells nobody anything.
LONGEST = 600
_OUTER = re.compile(r"outer_ref\((?:(.+)\.)?([^.()]+)\)")
_PLAIN = re.compile(r"[\w.\"]+(?:\([^()]*\))?\Z")
# Functions over a window that pass on a value of some row.
_PASSING = frozenset({"lag", "lead", "first_value", "last_value", "nth_value"})

_WRITTEN = (
    (re.compile(r"\b(?:U?Int(?:8|16|32|64)|Float(?:16|32|64)|Boolean)\(([^()\"]*)\)"), r"\1"),
    (re.compile(r"\b[A-Z]\w*\(NULL\)"), "NULL"),
    (re.compile(r"\bDate32\(\"([^\"]*)\"\)"), r"DATE '\1'"),
    (re.compile(r"\bcount\(1\)"), "count(*)"),
    (re.compile(r"\bIN \(\[([^\[\]]*)\]\)"), r"IN (\1)"),
    (re.compile(r"\(- ([\w.]+)\)"), r"-\1"),
    (re.compile(r"\(\(([^()]*)\)\)"), r"(\1)"),
    (re.compile(r" ASC NULLS LAST\b| NULLS FIRST(?<= DESC NULLS FIRST)"), ""),
    # A user's function has the digest of its code in its name.
    (re.compile(r"\b([a-z]\w*)_[0-9a-f]{16}\("), r"\1("),
)
_TEXT = re.compile(r"\b(?:Large)?Utf8(?:View)?\(\"((?:[^\"\\]|\\.)*)\"\)")
_DECIMAL = re.compile(r"\bDecimal128\(Some\((-?\d+)\), ?\d+, ?(\d+)\)")
_INTERVAL = re.compile(
    r'\bIntervalMonthDayNano\("IntervalMonthDayNano '
    r'\{ months: (-?\d+), days: (-?\d+), nanoseconds: (-?\d+) \}"\)'
)
_FIELD = re.compile(r"\bget_field\(([^(),]+(?:\([^()]*\))?), '(\w+)'\)")
_ASKED = re.compile(r"\bCASE WHEN ([\w.]+(?:\([\w.]+\))?) IS NULL THEN NULL ELSE (\1\.\w+) END\b")
_TYPE = re.compile(r" AS (Utf8View|Utf8|Boolean|U?Int\d+|Float\d+|Date32|Decimal128)\b")
_TYPES = {"Utf8View": "string", "Utf8": "string", "Date32": "date", "Decimal128": "decimal"}
_WINDOW = re.compile(
    r"\)(?= PARTITION BY \[| ORDER BY \[)(?: PARTITION BY \[([^\]]*)\])?(?: ORDER BY \[([^\]]*)\])?"
    r"( (?:ROWS|RANGE|GROUPS) BETWEEN .+? AND "
    r"(?:CURRENT ROW|UNBOUNDED FOLLOWING|\S+ (?:PRECEDING|FOLLOWING)))"
)


class Unreadable(Exception):
    """A part of a plan is not known here."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a value is made of: the expression over columns of datasets, and how these are used."""

    text: str
    uses: Uses = field(default_factory=dict)
    plain: bool = True

    @property
    def bracketed(self) -> str:
        """The text as it stands in a larger expression."""
        return self.text if self.plain or _PLAIN.match(self.text) else f"({self.text})"


class Reader:
    """Reads expressions over what a node below gives."""

    def __init__(
        self,
        find: Find,
        find_outer: Find,
        known: Sequence[tuple[str, Made]],
    ) -> None:
        """Take who finds columns, of the node and around a subquery; and all columns."""
        self._find = find
        self._find_outer = find_outer
        self._known = known

    def read(self, expression: Any) -> Made:
        """Return what an expression is made of.

        Raises:
            Unreadable: it names a column that is not there.
        """
        kind = expression.variant_name()
        special: Callable[[Any], Made] | None = getattr(self, f"_{kind}", None)
        if special is not None:
            return special(expression)
        return self._composed(expression, self._operands(expression), Use.TRANSFORMATION)

    def read_text(self, text: str) -> Made:
        """Return what the text of an expression is made of: every column that it names."""
        found = [made for name, made in self._known if names(text, name)]
        exact = next((made for name, made in self._known if name == text), None)
        uses = merged(as_use(made.uses, Use.TRANSFORMATION) for made in found)
        return exact or Made(self._substituted(text, ()), uses, plain=False)

    def window(self, node: Any, expression: Any) -> Made:
        """Return what a function over a window is made of."""
        arguments = [self.read(e) for e in node.get_args(expression)]
        over = [self.read(e) for e in node.get_partition_exprs(expression)]
        over += [self.read(sort.expr()) for sort in node.get_sort_exprs(expression)]
        text = self._substituted(expression.canonical_name(), ())
        name = text.partition("(")[0]
        use = Use.TRANSFORMATION if name in _PASSING else Use.AGGREGATION
        direct = merged(as_use(made.uses, use) for made in arguments)
        told = direct.keys() | merged(made.uses for made in over).keys()
        rest = [m for n, m in self._known if names(expression.canonical_name(), n)]
        others = {c: u for c, u in merged(m.uses for m in rest).items() if c not in told}
        uses = [direct, as_use(others, Use.CONDITION)]
        uses += [as_use(made.uses, Use.WINDOW) for made in over]
        return Made(text, merged(uses), plain=False)

    # -- kinds of expressions, by the planner's names -----------------------------------------

    def _Column(self, expression: Any) -> Made:  # noqa: N802
        node = expression.to_variant()
        made = self._find(node.relation(), node.name())
        if made is None:
            raise Unreadable(f"column {expression.canonical_name()}")
        return made

    def _Alias(self, expression: Any) -> Made:  # noqa: N802
        return self.read(expression.to_variant().expr())

    def _Literal(self, expression: Any) -> Made:  # noqa: N802
        return Made(expression.canonical_name())

    def _Outer(self, expression: Any) -> Made:  # noqa: N802
        named = _OUTER.fullmatch(expression.canonical_name())
        made = self._find_outer(named[1], named[2]) if named else None
        if made is None:
            raise Unreadable(expression.canonical_name())
        return made

    def _Case(self, expression: Any) -> Made:  # noqa: N802
        node = expression.to_variant()
        pairs = node.when_then_expr()
        conditions = [when for when, _ in pairs] + ([node.expr()] if node.expr() else [])
        values = [then for _, then in pairs] + ([node.else_expr()] if node.else_expr() else [])
        asked = [self.read(e) for e in conditions]
        return self._composed(expression, values, Use.TRANSFORMATION, besides=asked)

    def _AggregateFunction(self, expression: Any) -> Made:  # noqa: N802
        arguments = expression.to_variant().args()
        text = expression.canonical_name()
        direct = merged(as_use(self.read(e).uses, Use.AGGREGATION) for e in arguments)
        # What it filters or sorts by has no accessor; its text has the columns.
        named = merged(made.uses for name, made in self._known if names(text, name))
        others = {cell: uses for cell, uses in named.items() if cell not in direct}
        uses = merged([direct, as_use(others, Use.CONDITION)])
        return Made(self._substituted(text, ()), uses, plain=_PLAIN.match(text) is not None)

    def _hidden(self, expression: Any) -> Made:
        """Refuse a subquery: the planner's Python classes do not show its plan.

        The optimised plan has a join in its place.
        """
        raise Unreadable(expression.canonical_name())

    _ScalarSubquery = _Exists = _InSubquery = _SetComparison = _hidden

    # -- texts --------------------------------------------------------------------------------

    def _operands(self, expression: Any) -> list[Any]:
        try:
            return list(expression.rex_call_operands())
        except Exception as error:
            raise Unreadable(expression.canonical_name()) from error

    def _composed(
        self, expression: Any, operands: Iterable[Any], use: Use, besides: Sequence[Made] = ()
    ) -> Made:
        """Return what an expression is made of whose values are those of its operands."""
        read = [(operand, self.read(operand)) for operand in operands]
        uses = [as_use(made.uses, use) for _, made in read]
        uses += [as_use(made.uses, Use.CONDITION) for made in besides]
        text = self._substituted(expression.canonical_name(), read)
        plain = text.endswith(")") and _PLAIN.match(text.partition("(")[0] + "()") is not None
        return Made(text, merged(uses), plain=plain)

    def _substituted(self, text: str, operands: Sequence[tuple[Any, Made]]) -> str:
        """Return a text with what its columns stand for."""
        inner: dict[str, str] = {}
        for name, made in self._known:
            inner.setdefault(name, made.bracketed)
        for operand, made in operands:
            shown = operand.canonical_name()
            if operand.variant_name() == "Outer":
                text = text.replace(shown, made.bracketed, 1)
        used = sorted((n for n in inner if n in text), key=len, reverse=True)
        if not used:
            return text[:LONGEST]
        pattern = "|".join(map(re.escape, used))
        found = re.sub(rf"(?<![\w.\"])(?:{pattern})(?![\w\"])", lambda match: inner[match[0]], text)
        return found if len(found) <= LONGEST else f"{found[:LONGEST]}…"


def names(text: str, name: str) -> bool:
    """Return whether a text has a name in it as a word of its own."""
    return name in text and re.search(rf"(?<![\w.\"]){re.escape(name)}(?![\w\"])", text) is not None


def alternatives(parts: Sequence[Made]) -> Made:
    """Return what a column of a union is made of."""
    texts = list(dict.fromkeys(part.text for part in parts))
    uses = merged(part.uses for part in parts)
    if len(texts) == 1:
        return Made(texts[0], uses, plain=parts[0].plain)
    return Made(" | ".join(texts)[:LONGEST], uses, plain=False)


def pretty(text: str) -> str:
    """Return the planner's text of an expression as a person writes SQL."""
    for pattern, words in _WRITTEN:
        text = pattern.sub(words, text)
    text = _TEXT.sub(lambda m: "'" + m[1].replace("'", "''") + "'", text)
    text = _DECIMAL.sub(lambda m: _decimal(m[1], int(m[2])), text)
    text = _INTERVAL.sub(_interval, text)
    text = _TYPE.sub(lambda m: f" AS {_TYPES.get(m[1], m[1].lower())}", text)
    text = re.sub(r"\bCAST\(('[^']*') AS date\)", r"DATE \1", text)
    text = re.sub(r"\bCAST\(NULL AS [^()]*\)", "NULL", text)
    text = _WINDOW.sub(_over, text)
    before = ""
    while before != text:
        before, text = text, _FIELD.sub(r"\1.\2", text)
        # Ibis asks for a struct before it asks for its field.
        text = _ASKED.sub(r"\2", text)
    return text


def _interval(found: re.Match[str]) -> str:
    counts = zip(("month", "day", "nanosecond"), found.groups(), strict=True)
    parts = [f"{n} {unit}{'' if n in {'1', '-1'} else 's'}" for unit, n in counts if n != "0"]
    return f"INTERVAL '{' '.join(parts) or '0 days'}'"


def _over(found: re.Match[str]) -> str:
    parts = [f"PARTITION BY {found[1]}"] if found[1] else []
    parts += [f"ORDER BY {found[2]}"] if found[2] else []
    parts += [found[3].strip()] if found[3] and "UNBOUNDED PRECEDING AND" not in found[3] else []
    return f") OVER ({' '.join(parts)})"


def _decimal(digits: str, scale: int) -> str:
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"
