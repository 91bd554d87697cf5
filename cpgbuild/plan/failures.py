"""Failures: what Ibis, the planner or a user's function raised, told as an error of ours."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

from cpgbuild.core.check import checked_output, own_rows
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.graph import MissingColumn, PlanFailed, QueryInvalid
from cpgbuild.errors.project import describe
from cpgbuild.errors.report import CpgbuildError, did_you_mean
from cpgbuild.plan import types
from cpgbuild.plan.places import is_called, narrowed, next_word, user_place
from cpgbuild.plan.refusals import Refusal, place_of, places_of_words, read_refusal
from cpgbuild.plan.tokens import DIALECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.errors.report import Place
    from cpgbuild.plan.definition import Definition

_MISSING_TABLE = re.compile(r"table '(?:datafusion\.public\.)?([^']+)' not found")
_MISSING_FIELD = re.compile(r"No field named (?:\"?(\w+)\"?\.)?\"?([^\".\s]+)\"?\.(?:\s|\Z)")
_IBIS_MISSING = re.compile(r"Column '(.+?)' is not found in table")
_PREFIX = re.compile(
    r"(?:DataFusion|FFI|Parquet|Arrow|Csv|Json|Parser|Kernel|Io|SQL|Schema|Internal|External|Execution"
    r"|Object Store) error: |Error during planning: |This feature is not implemented: "
)
_GONE = re.compile(r"Object at location (\S+) not found")
_SIGNATURE = re.compile(r"failed due to the following errors:.*Expected signature: (.+)", re.DOTALL)
_ADDRESS = re.compile(r"<[\w.]*?(\w+) object at 0x[0-9a-f]+>")
_HINTS = {
    "cannot be executed": "a task says what to compute and computes nothing: return the expression",
    "truth value of an Ibis expression": "combine conditions with `&`, `|`, `~`; choose by `cases`",
    "must be equal for set operations": "select the same columns, with the same types, in both",
}
SHOWN_COLUMNS = 6
SHOWN_SIGNATURE = 100


class Unresolved(Exception):
    """A dataset cannot be planned, for a reason that is noted already."""


def missing_table(error: BaseException) -> str | None:
    """Return the table that the planner did not find, if that is what it says."""
    found = _MISSING_TABLE.search(str(error))
    return found.group(1) if found else None


def reason(error: BaseException) -> str:
    """Return the engine's words without the names of its layers: the first line of the cause."""
    text = str(error).strip().rpartition("\ncaused by\n")[2]
    if gone := _GONE.search(text):
        return f"file `{gone.group(1)}` is not there"
    while stripped := _PREFIX.match(text):
        text = text[stripped.end() :]
    lines = text.splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def query_failure(
    error: Exception, definition: Definition, schemas: Mapping[str, pa.Schema]
) -> CpgbuildError:
    """Return what the planner's refusal of a task's query means, with the place in its file."""
    text = str(error)
    if field := _MISSING_FIELD.search(text):
        return _missing_column(field[1], field[2], definition, schemas)
    refusal = read_refusal(text) or Refusal(reason(error))
    place = None
    if definition.sql is not None and definition.kind is not TaskKind.CHECK:
        place = place_of(refusal, definition.place.path, definition.sql)
    # Where the text itself is at fault, what it reads does not matter.
    facts = [] if refusal.line else columns_of(schemas)
    where = place or definition.place
    return QueryInvalid(definition.name, refusal.reason, where, facts, refusal.hint)


def _missing_column(
    qualifier: str | None, column: str, definition: Definition, schemas: Mapping[str, pa.Schema]
) -> CpgbuildError:
    words = (qualifier, ".", column) if qualifier else (column,)
    sql = definition.sql or ""
    place = _place_of_words(definition, words) or definition.place
    dataset = _home(qualifier, sql, schemas)
    if dataset is not None and column not in schemas[dataset].names:
        names = schemas[dataset].names
        return MissingColumn(column, _told(dataset, definition), definition.name, names, place)
    known = [name for schema in schemas.values() for name in schema.names]
    shown = f"{qualifier}.{column}" if qualifier else column
    why = f"there is no column `{shown}`"
    hint = did_you_mean(column, [name for name in known if name != column])
    return QueryInvalid(definition.name, why, place, columns_of(schemas), hint)


def _home(qualifier: str | None, sql: str, schemas: Mapping[str, pa.Schema]) -> str | None:
    """Return the dataset that a column was missed in, where that is clear."""
    if qualifier is None:
        return next(iter(schemas)) if len(schemas) == 1 else None
    import sqlglot  # noqa: PLC0415 -- only after a failure

    try:
        tables = sqlglot.parse_one(sql, read=DIALECT).find_all(sqlglot.exp.Table)
        aliases = {table.alias_or_name: table.name for table in tables}
    except sqlglot.errors.SqlglotError:
        aliases = {}
    dataset = aliases.get(qualifier, qualifier)
    return dataset if dataset in schemas else None


def build_failure(
    error: BaseException, definition: Definition, schemas: Mapping[str, pa.Schema], root: Path
) -> CpgbuildError:
    """Return what a task's function raised as an error at the line of the user's code."""
    place = user_place(error.__traceback__, root) or definition.place
    column = _missing_ibis_column(error)
    if column is not None:
        dataset = _ibis_relation(error) or (next(iter(schemas)) if len(schemas) == 1 else None)
        names = schemas[dataset].names if dataset is not None and dataset in schemas else [column]
        where = narrowed(place, column)
        method = isinstance(error, AttributeError) and is_called(where)
        if dataset is not None and column not in names and not method:
            told = _told(dataset, definition)
            return MissingColumn(column, told, definition.name, names, where)
    facts = columns_of(schemas)
    signature = _SIGNATURE.search(str(error))
    if signature and len(signature[1]) < SHOWN_SIGNATURE:
        facts.insert(0, ("expected", f"`{signature[1]}`"))
    if isinstance(error, AttributeError) and error.name:
        place = narrowed(place, error.name)
    return PlanFailed(definition.name, _words(error), place, facts, _hint(error, place))


def _words(error: BaseException) -> str:
    """Return what was raised in a line, without Ibis' pictures of expressions."""
    if _SIGNATURE.search(str(error)):
        return f"`{str(error).partition('(')[0]}` does not take what it is given"
    return _ADDRESS.sub(r"`\1`", describe(error))


def _hint(error: BaseException, place: Place) -> str:
    if isinstance(error, AttributeError) and error.name:
        known = [name for name in dir(error.obj) if not name.startswith("_")]
        columns = getattr(error.obj, "columns", known)
        return did_you_mean(error.name, known if is_called(place) else columns)
    return next((hint for words, hint in _HINTS.items() if words in str(error)), "")


def _missing_ibis_column(error: BaseException) -> str | None:
    if found := _IBIS_MISSING.search(str(error)):
        return found.group(1)
    owner = getattr(error, "obj", None)
    if isinstance(error, AttributeError) and type(owner).__name__ == "Table":
        return str(error.name)
    return None


def _ibis_relation(error: BaseException) -> str | None:
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
        shown = [
            f"{field.name}: {types.to_text(field.type)}" for field in list(schema)[:SHOWN_COLUMNS]
        ]
        more = f", {len(schema) - SHOWN_COLUMNS} more" if len(schema) > SHOWN_COLUMNS else ""
        facts.append((dataset, ", ".join(shown) + more))
    return facts


def find_word(definition: Definition, word: str) -> Place | None:
    """Return where a SQL task's text first uses a name, outside of comments and strings."""
    return _place_of_words(definition, (word,))


def _told(dataset: str, definition: Definition) -> str:
    """Return a dataset's name as users know it: not that by which a check reads its rows."""
    output = checked_output(definition.dataset)
    return output if dataset == own_rows(output) else dataset


def _place_of_words(definition: Definition, words: tuple[str, ...]) -> Place | None:
    """Return where a task's file has these words; a check's text need not be in any file."""
    if definition.kind is TaskKind.CHECK:
        # Where the check is said, the word may be too.
        return next_word(definition.place, words[-1])
    places = places_of_words(definition.place.path, definition.sql or "", words)
    return places[0] if places else None
