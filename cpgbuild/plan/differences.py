"""Differences: how a query reads beside what it was, for people to see."""

from __future__ import annotations

import difflib

CONTEXT = 1


def difference(then: str, now: str) -> tuple[str, ...]:
    """Return the lines of a unified diff of two queries, laid out alike and without comments."""
    before, after = _lines(then), _lines(now)
    lines = difflib.unified_diff(before, after, lineterm="", n=CONTEXT)
    return tuple(line for line in lines if not line.startswith(("---", "+++")))


def _lines(sql: str) -> list[str]:
    import ibis.backends.sql.dialects  # noqa: F401, PLC0415 -- it has the dialect; few ask for it
    import sqlglot  # noqa: PLC0415

    try:
        tree = sqlglot.parse_one(sql, read="datafusion")
        return tree.sql("datafusion", pretty=True, comments=False).splitlines()
    except sqlglot.errors.SqlglotError:
        return sql.splitlines()
