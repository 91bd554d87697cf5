# ruff: noqa: N802 - Ibis finds a method by the name of the operation
"""Ibis expressions as DataFusion SQL, where Ibis' own compiler is wrong or loses something.

Every method here is the answer to a difference seen when the operator was run (tests/boundary).
The text is for DataFusion's default ("generic") SQL dialect: under its PostgreSQL dialect `^`
is a power.
"""

from pathlib import Path
from typing import Any, ClassVar

import ibis
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.dialects import DataFusion

from cpgbuild.plan import operations
from cpgbuild.plan.udfs import function_of

__all__ = ["Compiler", "Dialect", "compile_table", "render"]


class Dialect(DataFusion):  # type: ignore[misc]
    """What DataFusion writes differently from PostgreSQL, from which Ibis starts."""

    class Generator(DataFusion.Generator):  # type: ignore[misc]
        """Writes what DataFusion 55 reads."""

        TYPE_MAPPING: ClassVar[dict[Any, str]] = {
            **DataFusion.Generator.TYPE_MAPPING,
            sge.DataType.Type.TINYINT: "TINYINT",
            sge.DataType.Type.UTINYINT: "TINYINT UNSIGNED",
            sge.DataType.Type.USMALLINT: "SMALLINT UNSIGNED",
            sge.DataType.Type.UINT: "INT UNSIGNED",
            sge.DataType.Type.UBIGINT: "BIGINT UNSIGNED",
        }
        TRANSFORMS: ClassVar[dict[Any, Any]] = {
            **DataFusion.Generator.TRANSFORMS,
            sge.BitwiseXor: lambda self, tree: self.binary(tree, "^"),
            sge.TryCast: lambda self, tree: self.trycast_sql(tree),
        }

        def trycast_sql(self, expression: sge.TryCast) -> str:
            """PostgreSQL has none, and would get a CAST that fails where this gives null."""
            return f"TRY_CAST({self.sql(expression, 'this')} AS {self.sql(expression, 'to')})"


class Compiler(operations.Nested, operations.Times, operations.Values):
    """Ibis' compiler for DataFusion, put right; says by which name a UDF is registered."""

    __slots__ = ("root",)

    dialect = Dialect
    # Ibis sets methods for these on every subclass again, over what is defined here.
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}
    UNSUPPORTED_OPS: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, root: str | Path | None = None) -> None:
        """`root` is the project's folder, whose code counts in the names of UDFs."""
        super().__init__()
        self.root = root

    def visit_ScalarUDF(self, op: ops.ScalarUDF, **arguments: sge.Expression) -> sge.Expression:
        """A call by the name that says which code it is."""
        function = function_of(op, self.root)
        name = op.__func_name__ if function is None else function.name
        call: sge.Expression = self.f.anon[name](*arguments.values())
        return call


def compile_table(expr: ibis.Table, root: str | Path | None = None) -> sge.Expression:
    """The SQL tree of `expr`."""
    tree: sge.Expression = Compiler(root).to_sqlglot(expr)
    return tree


def render(tree: sge.Expression) -> str:
    """The text of a tree, the same in every process."""
    return str(tree.sql(dialect=Dialect))
