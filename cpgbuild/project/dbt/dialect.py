"""What other databases' SQL is in DataFusion's, where PostgreSQL's form of it would be wrong.

Formats of times are those of C's `strftime` (https://docs.rs/chrono, module `format::strftime`),
which sqlglot keeps. What is not here and DataFusion does not know either, it refuses by name: that
is better than a form that means nearly the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import sqlglot.expressions as sge
from sqlglot.dialects.postgres import Postgres
from sqlglot.time import format_time

from cpgbuild.plan.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Target", "prepared", "refused"]

# How many there are in a year, of the units that are counted by the calendar.
_IN_A_YEAR = {"YEAR": 1, "QUARTER": 4, "MONTH": 12}
_SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}
_OF_A_TIME = re.compile(r"%-?[HIMSfpTXsc]")
# sqlglot's mark of a Java format's number that has to have all its digits.
_STRICT = re.compile(r"(%-?\w)strict")


class Target(Dialect):
    """DataFusion's dialect, as what is imported is written in it."""

    class Generator(Dialect.Generator):
        """Writes what DataFusion 55 reads."""

        TRANSFORMS: ClassVar[dict[Any, Any]] = {
            **Dialect.Generator.TRANSFORMS,
            sge.DateFromParts: lambda self, tree: self.func(
                "MAKE_DATE", *(tree.args.get(part) for part in ("year", "month", "day"))
            ),
            sge.Sign: lambda self, tree: self.func("SIGNUM", tree.this),
            sge.Quarter: lambda self, tree: f"EXTRACT(QUARTER FROM {self.sql(tree, 'this')})",
            sge.Uuid: lambda self, _: self.func("UUID"),
            sge.TimeToStr: lambda self, tree: self.func("TO_CHAR", tree.this, _format(tree)),
            sge.ToChar: lambda self, tree: self.func("TO_CHAR", tree.this, _format(tree)),
            sge.StrToDate: lambda self, tree: self.func("TO_DATE", tree.this, _format(tree)),
            sge.StrToTime: lambda self, tree: self.strtotime_sql(tree),
            sge.Interval: lambda self, tree: self.interval_sql(tree),
            sge.IntDiv: lambda self, tree: self.intdiv_sql(tree),
            sge.DateDiff: lambda self, tree: self.datediff_sql(tree),
            sge.TsOrDsDiff: lambda self, tree: self.datediff_sql(tree),
        }

        def interval_sql(self, expression: sge.Interval) -> str:
            """DataFusion takes an interval of a number that is computed from its text."""
            count = expression.this
            if not isinstance(count, sge.Expr) or isinstance(count, sge.Literal):
                return str(super().interval_sql(expression))
            unit = f"' {expression.text('unit').upper() or 'DAY'}'"
            return f"CAST(CAST({self.sql(count.unnest())} AS TEXT) || {unit} AS INTERVAL)"

        def strtotime_sql(self, expression: sge.StrToTime) -> str:
            """`TO_TIMESTAMP` wants an hour in the text, which a format of a date has not."""
            form = _format(expression)
            if isinstance(form, sge.Literal) and not _OF_A_TIME.search(form.name):
                return f"CAST({self.func('TO_DATE', expression.this, form)} AS TIMESTAMP)"
            return str(self.func("TO_TIMESTAMP", expression.this, form))

        def intdiv_sql(self, expression: sge.IntDiv) -> str:
            """A division of whole numbers cuts the fraction off."""
            left, right = (self.sql(expression, key) for key in ("this", "expression"))
            return f"(CAST({left} AS BIGINT) / NULLIF(CAST({right} AS BIGINT), 0))"

        def datediff_sql(self, expression: sge.DateDiff | sge.TsOrDsDiff) -> str:
            """Count the units that begin between two times; weeks begin on Mondays."""
            unit = _unit(expression)
            times = [f"CAST({self.sql(expression, key)} AS TIMESTAMP)" for key in _ENDS]
            if unit in _IN_A_YEAR:
                count = _IN_A_YEAR[unit]
                part = "" if count == 1 else f" + EXTRACT({unit} FROM {{0}})"
                ends = [f"(EXTRACT(YEAR FROM {{0}}) * {count}{part})".format(t) for t in times]
                return f"CAST({ends[0]} - {ends[1]} AS BIGINT)"
            if unit in _SECONDS:
                ends = [f"EXTRACT(EPOCH FROM DATE_TRUNC('{unit}', {time}))" for time in times]
                return f"CAST(({ends[0]} - {ends[1]}) / {_SECONDS[unit]} AS BIGINT)"
            if "WEEK" in unit:
                ends = [f"CAST(DATE_TRUNC('WEEK', {time}) AS DATE)" for time in times]
                return f"CAST(({ends[0]} - {ends[1]}) / 7 AS BIGINT)"
            ends = [f"CAST({self.sql(expression, key)} AS DATE)" for key in _ENDS]
            return f"({ends[0]} - {ends[1]})"


_ENDS = ("this", "expression")


def refused(tree: sge.Expr, dialect: str) -> Iterator[str]:
    """Give what of a query DataFusion would take for something else than its database did."""
    if tree.find(sge.SimilarTo):
        yield "`SIMILAR TO`, which DataFusion takes for a regular expression"
    units = {_unit(each) for each in tree.find_all(sge.DateDiff, sge.TsOrDsDiff)}
    # Weeks begin on Mondays to these, on Sundays or on the first day itself to others.
    weeks = {"WEEK"} if dialect in {"snowflake", "redshift"} else set()
    known = {"DAY", "ISOWEEK", "WEEK(MONDAY)", *weeks, *_IN_A_YEAR, *_SECONDS}
    for unit in sorted(units - known):
        yield f"a difference of dates in `{unit.lower()}`"


def prepared(tree: sge.Expr) -> sge.Expr:
    """Return a query as DataFusion is asked: it multiplies no intervals by numbers."""
    for negated in list(tree.find_all(sge.Not)):
        inner = negated.this
        if isinstance(inner, sge.Is) and isinstance(inner.expression, sge.Null):
            # As PostgreSQL's are parsed, so that the two can be compared.
            negated.replace(sge.Is(this=inner.this, expression=inner.expression, negate=True))
    for sum_ in list(tree.find_all(sge.DateAdd, sge.DateSub, sge.TsOrDsAdd)):
        count = sum_.expression
        if not isinstance(count, sge.Interval | sge.Literal):
            unit = sge.Var(this=sum_.text("unit").upper() or "DAY")
            sum_.set("expression", sge.Interval(this=count.copy(), unit=unit))
    for product in list(tree.find_all(sge.Mul)):
        sides = (product.left, product.right)
        interval = next((s.unnest() for s in sides if isinstance(s.unnest(), sge.Interval)), None)
        if interval is None or not isinstance(interval.this, sge.Literal):
            continue
        count = next(side for side in sides if side.unnest() is not interval).copy()
        if interval.this.name != "1":
            times = sge.Literal.number(interval.this.name)
            count = sge.Mul(this=sge.paren(count.unnest()), expression=times)
        product.replace(sge.Interval(this=count, unit=interval.args.get("unit")))
    return tree


def _unit(tree: sge.Expr) -> str:
    """Return the unit in which dates are counted, as `MONTH` or `WEEK(MONDAY)`."""
    unit = tree.args.get("unit")
    if isinstance(unit, sge.WeekStart):
        return f"WEEK({unit.name.upper()})"
    return unit.name.upper() if isinstance(unit, sge.Expr) else "DAY"


def _format(tree: sge.Expr) -> sge.Expr | None:
    """Return a format of times in C's letters; some dialects' formats are still in their own."""
    form = tree.args.get("format")
    if not isinstance(form, sge.Literal):
        return form if isinstance(form, sge.Expr) else None
    text = form.name
    if "%" not in text:
        text = format_time(text, Postgres.TIME_MAPPING, Postgres.TIME_TRIE) or text
    return sge.Literal.string(_STRICT.sub(r"\1", text))
