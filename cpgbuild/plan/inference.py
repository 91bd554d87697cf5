"""Inference: what a plan reads, which columns of it, and which parts of it are volatile."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from cpgbuild.plan.clarity import is_clear, is_proven
from cpgbuild.plan.tokens import is_quoted, is_string, tokens_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import datafusion
    from sqlglot.tokenizer_core import Token

    from cpgbuild.core.schema import Schema

# As the planner prints it, anywhere in the plan, so also in subqueries inside of expressions.
_SCAN = re.compile(r"^\s*TableScan: (\S+?)(?: projection=\[(.*)\])?(?:, .*)?$", re.MULTILINE)
_UNCLEAR = re.compile(r", |[\]\n]")
# A dataset may be named in full; its own name has no dot.
_HOME = re.compile(r"(?:datafusion\.)?public\.")
# Where the planner's text says less than the plan: long VALUES are cut, a table function's
# arguments are left out, and strings inside of nested literals have no quotes.
_SILENT = re.compile(r"\.\.\.$|TableScan: \S+\(\)|\b\w*(?:List|Struct|Map)\w*\([\[{]", re.MULTILINE)
_UNSAFE = re.compile(r'["\n\r\\]')
# What names in quotes and strings of all kinds begin with, and any character beyond ASCII.
_SPECIAL = re.compile(r"""["'$`\\]|[^\x00-\x7f]""")
# A string that holds nothing of these, or a plain name in quotes, where no comment can have a quote
# of its own. Of any other one the quote that opens it is left.
_HARMLESS = re.compile(
    r"""(?<![\w$&])'[A-Za-z0-9_ %.,:/()<>=+-]*'(?![\w$])"""
    r"""|(?<!")"(?:[A-Za-z_][A-Za-z0-9_]*|[A-Z][A-Za-z]*\([A-Za-z0-9_]*\))"(?!")"""
)
# Comments before anything else, where nothing can be taken for one; a task's options are such.
_HEAD = re.compile(r"(?:[ \n]*--[^\n\r]*\n)*")
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[A-Z][A-Za-z]*\([A-Za-z0-9_]*\)")
# Functions that make any character of arguments that have none; others pass on what they get.
_MAKERS = frozenset(
    {"chr", "char", "decode", "digest", "md5", "sha224", "sha256", "sha384", "sha512"}
    | {"arrow_cast", "arrow_try_cast", "arrow_typeof", "arrow_field", "arrow_metadata"}
)

# What the engine documents as volatile or as depending on the moment of the query.
VOLATILE = frozenset(
    {
        "rand",
        "random",
        "uuid",
        "input_file_name",
        "file_row_index",
        "now",
        "today",
        "current_date",
        "current_time",
        "current_timestamp",
    }
)
_CLOCK_KEYWORDS = frozenset(
    {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_DATETIME"}
)


@functools.lru_cache(maxsize=16)
def optimised(frame: datafusion.DataFrame) -> datafusion.plan.LogicalPlan:
    """Return a frame's optimised plan: several ask for it, one after the other."""
    return frame.optimized_logical_plan()


@functools.lru_cache(maxsize=16)
def as_optimised(frame: datafusion.DataFrame) -> str:
    """Return the text of a frame's optimised plan."""
    return optimised(frame).display_indent()


@functools.lru_cache(maxsize=16)
def as_written(frame: datafusion.DataFrame) -> str:
    """Return the text of a frame's plan before it is optimised."""
    return frame.logical_plan().display_indent()


@functools.lru_cache(maxsize=16)
def words_of(sql: str) -> frozenset[str]:
    """Return all words in a query in lower case, those of comments and strings too."""
    return frozenset(_WORD.findall(sql.lower()))


@functools.lru_cache(maxsize=16)
def scans(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return every table scan of a plan: the table, and its projection's text where it has one."""
    found = _SCAN.finditer(text)
    return tuple((_HOME.sub("", m.group(1), count=1), m.group(2)) for m in found)


def datasets_named(frame: datafusion.DataFrame, sql: str) -> list[str]:
    """Return the tables that a query's plan as written scans, in its order.

    A string in the query can hold a line that looks like a scan; only the query's own words are
    names of tables.
    """
    words: Collection[str] = words_of(sql)
    if "\\" in sql or "tablescan" in words:
        tokens = tokens_of(sql)
        words = {t.text.lower() for t in tokens if not is_string(t)}
    tables = dict.fromkeys(table for table, _ in scans(as_written(frame)))
    return [table for table in tables if table in words]


def unsaid(
    plan: datafusion.plan.LogicalPlan,
    text: str,
    sql: str,
    makers: Collection[str] = (),
    columns: Iterable[str] = (),
) -> list[str]:
    """Return what to add to a plan's text where that alone could stand for several plans.

    It is the query itself, without comments and white space. `makers` are the user's functions
    that make strings, `columns` those of its inputs: what only looks plain may be one's name.
    """
    unsure = _is_silent(text) or _has_odd(sql, frozenset(makers))
    clear = is_clear if all(map(_WORD.fullmatch, columns)) else is_proven
    if unsure or not clear(plan):
        return [f"{token.token_type.name} {token.text}" for token in tokens_of(sql)]
    return []


def _is_silent(text: str) -> bool:
    """Return whether a plan's text leaves something out; what all such texts hold, few do."""
    held = any(part in text for part in ("...", "()", "List", "Struct", "Map"))
    return held and _SILENT.search(text) is not None


@functools.lru_cache(maxsize=16384)
def _has_odd(sql: str, makers: frozenset[str]) -> bool:
    """Return whether any token of a query is odd; most queries have nothing that could be."""
    words = words_of(sql)
    rest = _HEAD.sub("", sql, count=1)
    if "--" not in rest and "/*" not in rest:
        rest = _HARMLESS.sub("", rest)
    if _SPECIAL.search(rest) or not words.isdisjoint(_MAKERS) or not words.isdisjoint(makers):
        return any(_is_odd(token, makers) for token in tokens_of(sql))
    return False


def _is_odd(token: Token, makers: Collection[str]) -> bool:
    """Return whether what a token puts into a plan's text can be taken for something else there.

    A quote or a line's end in a string, or a backslash, from which a pattern makes others; the
    optimiser also calls functions that make them. Strings of other kinds (`E'…'`) may hold
    anything, and so may names in quotes, of which only Ibis' own are known (`Sum(x)`).
    """
    if is_string(token):
        return bool(_UNSAFE.search(token.text))
    if is_quoted(token) and _PLAIN.fullmatch(token.text) is None:
        return True
    called = token.text.lower()
    return token.token_type.name.endswith("STRING") or called in _MAKERS or called in makers


def required_columns(
    frame: datafusion.DataFrame, schemas: Mapping[str, Schema]
) -> dict[str, list[str]]:
    """Return, for each dataset of `schemas`, the columns that the query needs of it.

    `schemas` are those of the plan as written, so one whose rows the optimiser finds useless
    counts as read, with no columns. The columns are those of the optimised plan on tables that
    push no filter down, so columns that only filter are among them. Where a scan does not say its
    columns, or a correlated subquery is left, which scans need not say, all of them count.
    """
    needed: dict[str, set[str]] = {table: set() for table in schemas}
    text = as_optimised(frame)
    correlated = "outer_ref(" in text
    for table, projection in scans(text):
        if table in schemas:
            said = None if correlated else projection
            needed.setdefault(table, set()).update(_names(said, schemas[table].names))
    return {table: sorted(columns) for table, columns in sorted(needed.items())}


def _names(projection: str | None, known: Collection[str]) -> Collection[str]:
    """Return the columns in a projection's text; all of them where it cannot be told apart."""
    if projection is None or any(_UNCLEAR.search(name) for name in known):
        return known
    names = projection.split(", ") if projection else []
    return names if set(names) <= set(known) else known


def is_recursive(sql: str) -> bool:
    """Return whether a query may have a recursive part: whether it says so outside of strings."""
    if "recursive" not in words_of(sql):
        return False
    return any(token.token_type.name == "RECURSIVE" for token in tokens_of(sql))


def volatile_functions(sql: str) -> tuple[str, ...]:
    """Return the names of the functions in `sql` that give other values at other times, sorted.

    Read off the tokens, so that a string, a comment or a column of such a name does not count.
    """
    if words_of(sql).isdisjoint(VOLATILE):
        return ()
    tokens = tokens_of(sql)
    found: set[str] = set()
    for position, token in enumerate(tokens):
        name = token.text.lower()
        called = position + 1 < len(tokens) and tokens[position + 1].token_type.name == "L_PAREN"
        if is_string(token) or name not in VOLATILE:
            continue
        if called or token.token_type.name in _CLOCK_KEYWORDS:
            found.add(name)
    return tuple(sorted(found))
