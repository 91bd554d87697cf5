"""Notebook: tables of Ibis whose rows come from a project, whatever is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from cpgbuild.plan.catalog import Catalog


class Notebook:
    """What Ibis asks for the rows of an expression, where backends of its own would be asked.

    Ibis' backend for DataFusion does not work with this engine; its compiler does, and is what
    tasks are compiled with too.
    """

    name = "cpgbuild"

    def __init__(
        self, run: Callable[[Callable[[Catalog], ibis.Table]], pa.RecordBatchReader]
    ) -> None:
        """Take who runs what a task's function would return."""
        self._run = run

    def table(self, name: str, schema: pa.Schema) -> ibis.Table:
        """Return a dataset as a table that belongs here."""
        return ops.DatabaseTable(name, ibis.Schema.from_pyarrow(schema), self).to_expr()

    def to_pyarrow_batches(
        self, expr: ibis.Expr, /, *, limit: int | str | None = None, **_options: Any
    ) -> pa.RecordBatchReader:
        """Return an expression's rows as they come."""
        table = expr.as_table()
        if isinstance(limit, int):
            table = table.limit(limit)
        unbound = table.unbind()
        return self._run(lambda _catalog: unbound)

    def to_pyarrow(self, expr: ibis.Expr, /, **options: Any) -> Any:
        """Return an expression's value: a table, an array or a scalar of Arrow."""
        table = self.to_pyarrow_batches(expr, **options).read_all()
        return expr.__pyarrow_result__(table)

    def execute(self, expr: ibis.Expr, /, **options: Any) -> Any:
        """Return an expression's value: a frame, a series or a scalar of pandas."""
        frame = self.to_pyarrow_batches(expr, **options).read_all().to_pandas()
        return expr.__pandas_result__(frame)

    to_pandas = execute
