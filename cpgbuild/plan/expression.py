"""Expression: from the Ibis expression that a task's function returns to its query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.operations as ops

from cpgbuild.errors.graph import NotATable, OutsideRead
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan import dialect, memtables, udfs
from cpgbuild.plan.failures import Unresolved, build_failure
from cpgbuild.plan.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.definition import Definition


def query_of(
    definition: Definition,
    function: Callable[[Catalog], ibis.Table],
    catalog: Catalog,
    root: Path,
) -> Query:
    """Return the query of the expression that a task's function returns.

    Raises:
        NotATable: the function returned something else than a table expression.
        OutsideRead: the expression reads a table that is not from the catalog.
        PlanFailed, MissingColumn: the function raised.
    """
    try:
        expression = function(catalog)
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
        used = udfs.functions_of(named, root)
        sql = dialect.render(dialect.compile_table(named, root))
    except Exception as error:
        raise build_failure(error, definition, catalog.tables_asked, root) from error
    return Query(sql, named.schema().to_pyarrow(), tables, used)
