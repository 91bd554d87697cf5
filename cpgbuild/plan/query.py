"""Query: a task's expression as text in the engine's dialect, with what it carries along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ibis
import ibis.expr.operations as ops

from cpgbuild.errors.graph import NotATable, OutsideRead
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan import dialect, functions, memtables
from cpgbuild.plan.failures import Unresolved, build_failure

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.definition import Definition


@dataclass(slots=True)
class Query:
    """A query's text, and the in-memory tables and functions that it names.

    `believed` is the schema that Ibis gives it; None for SQL text, of which nobody believes any.
    `map_facts` is there where the query is one of an earlier run: what stood for its `map`.
    """

    sql: str
    believed: pa.Schema | None = None
    memtables: dict[str, pa.Table] = field(default_factory=dict)
    functions: tuple[functions.Function, ...] = ()
    map_facts: tuple[str, ...] = ()


def query_of(definition: Definition, catalog: Catalog, root: Path) -> Query:
    """Return a task's query; a function's comes from the expression that it returns.

    Raises:
        NotATable: the function returned something else than a table expression.
        OutsideRead: the expression reads a table that is not from the catalog.
        PlanFailed, MissingColumn: the function raised.
    """
    if definition.recorded is not None:
        return definition.recorded
    if definition.function is None:
        return Query(definition.sql or "")
    try:
        expression = definition.function(catalog)
    except (CpgbuildError, Unresolved):
        raise
    except (Exception, SystemExit) as error:
        raise build_failure(error, definition, catalog.tables_asked, root) from error
    if not isinstance(expression, ibis.Table):
        raise NotATable(definition.name, type(expression).__name__, definition.place)
    for table in expression.op().find(ops.DatabaseTable):
        raise OutsideRead(definition.name, table.name, definition.place)
    try:
        named, tables = memtables.name_memtables(expression)
        used = functions.functions_of(named, root)
        sql = dialect.render(dialect.compile_table(named, root))
    except Exception as error:
        raise build_failure(error, definition, catalog.tables_asked, root) from error
    return Query(sql, named.schema().to_pyarrow(), tables, used)
