"""Inference: what a plan reads, which columns of it, and which parts of it are volatile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from sqlglot.tokenizer_core import TokenType

if TYPE_CHECKING:
    from collections.abc import Mapping

    import datafusion
    import pyarrow as pa

# As the planner prints it, anywhere in the plan, so also in subqueries inside of expressions.
_SCAN = re.compile(r"^\s*TableScan: (\S+?)(?: projection=\[(.*)\])?(?:, .*)?$", re.MULTILINE)
_UNCLEAR = re.compile(r", |[\]\n]")

# What the engine documents as volatile or as depending on the moment of the query.
VOLATILE = frozenset(
    {
        "random",
        "uuid",
        "now",
        "today",
        "current_date",
        "current_time",
        "current_timestamp",
    }
)
_CLOCK_KEYWORDS = frozenset(
    {
        TokenType.CURRENT_DATE,
        TokenType.CURRENT_TIME,
        TokenType.CURRENT_TIMESTAMP,
        TokenType.CURRENT_DATETIME,
    }
)


def scans(plan: datafusion.plan.LogicalPlan) -> list[tuple[str, str | None]]:
    """Return every table scan of a plan: the table, and its projection's text where it has one."""
    return [(m.group(1), m.group(2)) for m in _SCAN.finditer(plan.display_indent())]


def required_columns(
    frame: datafusion.DataFrame, schemas: Mapping[str, pa.Schema]
) -> dict[str, list[str]]:
    """Return, for each dataset of `schemas` that the query reads, the columns that it needs.

    The datasets are those of the plan as written, so one whose rows the optimiser finds useless
    counts as read, with no columns. The columns are those of the optimised plan on tables that
    push no filter down, so columns that only filter are among them. Where a scan does not say its
    columns, in a correlated subquery, all of them count.
    """
    needed: dict[str, set[str]] = {
        table: set() for table, _ in scans(frame.logical_plan()) if table in schemas
    }
    for table, projection in scans(frame.optimized_logical_plan()):
        if table in schemas:
            needed.setdefault(table, set()).update(_names(projection, schemas[table].names))
    return {table: sorted(columns) for table, columns in sorted(needed.items())}


def _names(projection: str | None, known: list[str]) -> list[str]:
    """Return the columns in a projection's text; all of them where it cannot be told apart."""
    if projection is None or any(_UNCLEAR.search(name) for name in known):
        return known
    names = projection.split(", ") if projection else []
    return names if set(names) <= set(known) else known


def volatile_functions(sql: str) -> tuple[str, ...]:
    """Return the names of the functions in `sql` that give other values at other times, sorted.

    Read off the tokens, so that a string, a comment or a column of such a name does not count.
    """
    tokens = sqlglot.tokenize(sql, read="datafusion")
    found: set[str] = set()
    for position, token in enumerate(tokens):
        name = token.text.lower()
        called = position + 1 < len(tokens) and tokens[position + 1].token_type == TokenType.L_PAREN
        if token.token_type == TokenType.STRING or name not in VOLATILE:
            continue
        if called or token.token_type in _CLOCK_KEYWORDS:
            found.add(name)
    return tuple(sorted(found))
