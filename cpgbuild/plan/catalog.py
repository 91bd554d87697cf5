"""Catalog: what a task's function asks for datasets and variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import ibis

from cpgbuild.errors.project import UnknownVariable
from cpgbuild.plan.places import frame_place, narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from cpgbuild.errors.report import Place


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
            self.tables_asked[name] = self._resolve(name, narrowed(_caller(), name))
        return ibis.table(ibis.Schema.from_pyarrow(self.tables_asked[name]), name=name)

    def var(self, name: str) -> str:
        """Return the value of a variable of the project, from `[vars]` or `--var`.

        Raises:
            UnknownVariable: `[vars]` does not declare it.
        """
        if name not in self._variables:
            raise UnknownVariable(name, self._variables, narrowed(_caller(), name))
        self.variables_asked[name] = self._variables[name]
        return self._variables[name]


def _caller() -> Place:
    """Return the place in the user's file that called the catalog."""
    return frame_place(sys._getframe(2))  # noqa: SLF001 -- the only way to show the user's line
