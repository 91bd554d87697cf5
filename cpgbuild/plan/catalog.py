"""Catalog: what a task's function asks for datasets and variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import ibis

from cpgbuild.errors.project import UnknownVariable
from cpgbuild.errors.report import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa


class Catalog:
    """Resolves names on demand while a task's expression is built, and notes what was asked.

    A task's function gets one as its only argument. It holds schemas and no data.
    """

    def __init__(
        self,
        resolve: Callable[[str, Place], pa.Schema],
        variables: Mapping[str, str],
    ) -> None:
        """Take who knows a dataset's schema (and raises for an unknown one), and the variables."""
        self._resolve = resolve
        self._variables = variables
        self.tables_asked: dict[str, pa.Schema] = {}
        self.variables_asked: dict[str, str] = {}

    def table(self, name: str) -> ibis.Table:
        """Return the dataset as an Ibis table, with the schema that it has now.

        Raises:
            UnknownDataset: no source and no task is named so.
            Cycle: the dataset is made from the one whose task is asking.
        """
        if name not in self.tables_asked:
            self.tables_asked[name] = self._resolve(name, _caller())
        return ibis.table(ibis.Schema.from_pyarrow(self.tables_asked[name]), name=name)

    def var(self, name: str) -> str:
        """Return the value of a variable of the project, from `[vars]` or `--var`.

        Raises:
            UnknownVariable: `[vars]` does not declare it.
        """
        if name not in self._variables:
            raise UnknownVariable(name, self._variables, _caller())
        self.variables_asked[name] = self._variables[name]
        return self._variables[name]


def _caller() -> Place:
    """Return the place in the user's file that called the catalog."""
    frame = sys._getframe(2)  # noqa: SLF001 -- the only way to show the user's own line
    code, position = frame.f_code, frame.f_lasti // 2
    spans = list(code.co_positions())
    line, end_line, column, end = spans[position] if position < len(spans) else (None,) * 4
    if line is None or column is None:
        return Place(code.co_filename, frame.f_lineno)
    length = end - column if end is not None and end_line == line else 0
    return Place(code.co_filename, line, column + 1, length)
