"""Stability: whether a plan gives the same rows whatever the order in which rows come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cpgbuild.plan.plantext import split

if TYPE_CHECKING:
    from collections.abc import Iterator

    import datafusion

# Take the same values whatever the order; over floats those of _ROUNDING do not.
_STABLE = frozenset(
    {"count", "sum", "avg", "mean", "min", "max", "median", "approx_distinct", "grouping"}
    | {"bool_and", "bool_or", "bit_and", "bit_or", "bit_xor"}
    | {"rank", "dense_rank", "percent_rank", "cume_dist"}
)
# A sum's last bits depend on the order of adding; least and greatest may be 0.0 or -0.0.
_ROUNDING = frozenset({"sum", "avg", "mean", "min", "max"})
# Name a row by its place among others, or take the first ones; the others are _STABLE or unknown.
_ORDERED = re.compile(
    r"\b(row_number|ntile|lag|lead|first_value|last_value|nth_value|array_agg|string_agg)\("
)
# What `unstable` calls these by: they change the last bits of values, never which rows there are.
ROUNDING = " of float"
_FUNCTION = re.compile(r"([a-z_]\w*)\(")
_FLOAT = re.compile(r"Float(16|32|64)")
_LIST = re.compile(r"(?:aggr|windowExpr)=\[\[(.*)\]\] \[(.*)\]", re.DOTALL)
# No plan without one of these is unstable; the types, which calls need, take long to print.
_TOLD = ("fetch=", "Limit", "DistinctOn", "Aggregate", "WindowAggr")
_EVERY_ROW = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"


def unstable(plan: datafusion.plan.LogicalPlan, text: str) -> tuple[str, ...]:
    """Return what makes a plan's rows depend on the order of those that it reads, sorted.

    None is a proof that two evaluations of the optimised plan over the same rows give the same
    rows: functions that are not known to be stable count, and so does an order that may be total,
    for which nothing but the rows could speak. Functions of the user are taken at their word.
    `text` is the plan's, without types.
    """
    found: set[str] = set()
    if not any(word in text for word in _TOLD):
        return ()
    for line in plan.display_indent_schema().split("\n"):
        node = line.lstrip().partition(":")[0]
        if re.search(r"\bfetch=\d", line) or node == "Limit":
            found.add("limit")
        if node.startswith("DistinctOn"):
            found.add("distinct on")
        if node in {"Aggregate", "WindowAggr"}:
            found.update(_of_calls(line))
    return tuple(sorted(found))


def _of_calls(line: str) -> Iterator[str]:
    """Yield what is unstable among the calls of an Aggregate or a WindowAggr."""
    # A string that holds a call is not told from a call here.
    yield from _ORDERED.findall(line)
    listed = _LIST.search(line)
    if listed is None:
        yield "a call that cannot be read"
        return
    calls = split(listed[1], ", ") if listed[1] else []
    # The columns that the calls make are the last ones; a colon and a type end each.
    kinds = [split(column, ":")[-1] for column in split(listed[2], ", ")]
    kinds = ["Float64"] * (len(calls) - len(kinds)) + kinds[max(0, len(kinds) - len(calls)) :]
    for call, kind in zip(calls, kinds, strict=False):
        yield from _of_call(call, kind)


def _of_call(call: str, kind: str) -> Iterator[str]:
    """Yield what is unstable about a call whose values are of this type."""
    found = _FUNCTION.match(call)
    name = found[1] if found else "a call that cannot be read"
    inexact = _FLOAT.search(kind)
    if name not in _STABLE:
        yield name
    elif name in _ROUNDING and inexact:
        yield f"{name}{ROUNDING}{inexact[1]}"
    if " ROWS BETWEEN " in call and _EVERY_ROW not in call:
        yield f"{name} over rows"
