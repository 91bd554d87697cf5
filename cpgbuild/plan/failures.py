"""Failures: what Ibis, the planner or a user's function raised, told as an error of ours."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot.tokenizer_core import TokenType

from cpgbuild.errors.graph import MissingColumn, PlanFailed, QueryInvalid
from cpgbuild.errors.report import CpgbuildError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import pyarrow as pa

    from cpgbuild.plan.definition import Definition

_MISSING_TABLE = re.compile(r"table '(?:datafusion\.public\.)?([^']+)' not found")
_MISSING_FIELD = re.compile(r"No field named (?:\"?(\w+)\"?\.)?\"?([^\".\s]+)\"?\.")
_PARSER = re.compile(r'ParserError\("(.*?)(?: at Line: (\d+), Column: (\d+))?"\)', re.DOTALL)
_IBIS_MISSING = re.compile(r"Column '(.+?)' is not found in table")
_PREFIX = re.compile(
    r"^(?:Error during planning|Schema error|Internal error|SQL error|Arrow error"
    r"|External error|Execution error|This feature is not implemented): "
)
SHOWN_COLUMNS = 6


class Unresolved(Exception):
    """A dataset cannot be planned, for a reason that is noted already."""


def missing_table(error: BaseException) -> str | None:
    """Return the table that the planner did not find, if that is what it says."""
    found = _MISSING_TABLE.search(str(error))
    return found.group(1) if found else None


def reason(error: BaseException) -> str:
    """Return the engine's words without the names of its layers: their first line."""
    text = str(error).strip()
    while stripped := _PREFIX.match(text):
        text = text[stripped.end() :]
    lines = text.splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def query_failure(
    error: Exception, definition: Definition, schemas: Mapping[str, pa.Schema]
) -> CpgbuildError:
    """Return what the planner's refusal of a task's query means, with the place in its file."""
    text = str(error)
    if parser := _PARSER.search(text):
        place = definition.place
        if definition.sql is not None and parser.group(2):
            place = Place(definition.place.path, int(parser.group(2)), int(parser.group(3)), 1)
        return QueryInvalid(definition.name, parser.group(1), place)
    if field := _MISSING_FIELD.search(text):
        column = field.group(2)
        dataset = _home(field.group(1), schemas)
        if dataset is not None:
            known = schemas[dataset].names
            place = find_word(definition, column) or definition.place
            return MissingColumn(column, dataset, definition.name, known, place)
    return QueryInvalid(definition.name, reason(error), definition.place, columns_of(schemas))


def _home(qualifier: str | None, schemas: Mapping[str, pa.Schema]) -> str | None:
    """Return the dataset that a column was missed in, where that is clear."""
    if qualifier in schemas:
        return qualifier
    return next(iter(schemas)) if len(schemas) == 1 else None


def build_failure(
    error: Exception, definition: Definition, schemas: Mapping[str, pa.Schema], root: Path
) -> CpgbuildError:
    """Return what a task's function raised as an error at the line of the user's code."""
    place = user_place(error.__traceback__, root) or definition.place
    column = _missing_ibis_column(error)
    if column is not None:
        dataset = _ibis_relation(error) or (next(iter(schemas)) if len(schemas) == 1 else None)
        if dataset is not None and dataset in schemas:
            names = schemas[dataset].names
            return MissingColumn(column, dataset, definition.name, names, place)
    return PlanFailed(definition.name, error, place, columns_of(schemas))


def _missing_ibis_column(error: Exception) -> str | None:
    if found := _IBIS_MISSING.search(str(error)):
        return found.group(1)
    owner = getattr(error, "obj", None)
    if isinstance(error, AttributeError) and type(owner).__name__ == "Table":
        return str(error.name)
    return None


def _ibis_relation(error: Exception) -> str | None:
    """Return the name of the table that Ibis looked into when it raised."""
    owner = getattr(error, "obj", None)
    if owner is not None:
        return _relation_name(owner.op())
    innermost = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        innermost = frame
    return _relation_name(innermost.f_locals.get("rel")) if innermost else None


def _relation_name(relation: Any) -> str | None:
    """Return the dataset that a relation is, or is made of where it is made of one only."""
    import ibis.expr.operations as ops  # noqa: PLC0415 -- only after a failure

    if isinstance(relation, ops.Relation):
        names = {table.name for table in relation.find(ops.UnboundTable)}
        if isinstance(relation, ops.UnboundTable):
            names = {relation.name}
        if len(names) == 1:
            return str(names.pop())
    return None


def columns_of(schemas: Mapping[str, pa.Schema]) -> list[tuple[str, str]]:
    """Return a fact for each dataset at hand: its first columns with their types."""
    facts = []
    for dataset, schema in schemas.items():
        shown = [f"{field.name}: {field.type}" for field in list(schema)[:SHOWN_COLUMNS]]
        more = f", {len(schema) - SHOWN_COLUMNS} more" if len(schema) > SHOWN_COLUMNS else ""
        facts.append((dataset, ", ".join(shown) + more))
    return facts


def user_place(trace: TracebackType | None, root: Path) -> Place | None:
    """Return the innermost place of a traceback that is in the project's own code."""
    found = None
    for frame in traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False):
        path = Path(frame.filename)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            column = (frame.colno or 0) + 1 if frame.colno is not None else 0
            same_line = frame.end_lineno == frame.lineno and frame.end_colno is not None
            length = (frame.end_colno or 0) - (frame.colno or 0) if same_line else 0
            found = Place(frame.filename, frame.lineno or 0, column, length)
    return found


def find_word(definition: Definition, word: str) -> Place | None:
    """Return where a SQL task's text first uses a name, outside of comments and strings."""
    if definition.sql is None:
        return None
    try:
        tokens = sqlglot.tokenize(definition.sql, read="datafusion")
    except sqlglot.errors.TokenError:
        return None
    for token in tokens:
        if token.text == word and token.token_type != TokenType.STRING:
            quotes = 2 if token.token_type == TokenType.IDENTIFIER else 0
            length = len(word) + quotes
            # The tokenizer counts to the token's last character.
            return Place(definition.place.path, token.line, token.col - length + 1, length)
    return None
