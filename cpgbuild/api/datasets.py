"""Datasets: a project's sources, views and tables, to be read under their names as they are now."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from cpgbuild.api.building import decided
from cpgbuild.core.events import Action
from cpgbuild.core.selection import Request, select
from cpgbuild.core.task import TaskKind
from cpgbuild.engine.failures import run_failure
from cpgbuild.engine.frames import quote
from cpgbuild.engine.runs import stream
from cpgbuild.errors.project import UnknownColumn, UnknownTarget
from cpgbuild.errors.report import CpgbuildError, Place, Problems
from cpgbuild.errors.run import NotBuilt
from cpgbuild.plan.contract import arrow_of
from cpgbuild.plan.definition import Definition
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path
    from types import TracebackType

    import ibis

    from cpgbuild.core.task import Task
    from cpgbuild.engine.context import Context
    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.compiled import Compiled
    from cpgbuild.plan.notebook import Notebook
    from cpgbuild.project.config import Overrides
    from cpgbuild.workspace import Workspace

_NAME = "query"
_PLACE = "query"


class Datasets:
    """The datasets of a project, planned when it was opened.

    Tables are read as they were built last, views are evaluated over them, sources are read as they
    are. Nothing is built: what is not there yet is an error. Close it, or use it as a context.
    """

    def __init__(self, workspace: Workspace, stack: ExitStack | None = None) -> None:
        """Take an open project, and what closes it, if that is ours to do."""
        self._workspace = workspace
        self._opened = stack or ExitStack()
        self._read: Context | None = None

    @property
    def names(self) -> list[str]:
        """The names of all datasets, sorted."""
        made = {task.dataset for task in self._workspace.graph.tasks.values()}
        return sorted(made | self._workspace.project.sources.keys())

    def schema(self, name: str) -> pa.Schema:
        """Return the columns and types of a dataset.

        Raises:
            UnknownTarget: nothing is named so.
        """
        makers = self._workspace.graph.makers(name)
        if makers:
            return arrow_of(makers[0].schema)
        if name not in self._workspace.project.sources:
            raise UnknownTarget(name, self.names)
        return self._workspace.sources.schema(name)

    def table(self, name: str) -> ibis.Table:
        """Return a dataset as an Ibis table; what is made of it is run when it is asked for.

        Raises:
            UnknownTarget: nothing is named so.
        """
        return self._notebook.table(name, self.schema(name))

    @cached_property
    def _notebook(self) -> Notebook:
        """What Ibis asks for rows: one for all tables, since it joins none of several."""
        from cpgbuild.plan.notebook import Notebook  # noqa: PLC0415 -- Ibis is heavy

        return Notebook(self._run_expression)

    def sql(self, query: str) -> pa.RecordBatchReader:
        """Return the rows of a query over datasets, in the engine's SQL, as they come.

        Raises:
            NotBuilt: a table that it reads was not built yet.
            CpgbuildError: the query is wrong, or fails before its first row.
        """
        place = Place(_PLACE, text=query)
        definition = Definition(_NAME, _NAME, TaskKind.VIEW, place, sql=query)
        try:
            return self._run(self._workspace.compiler.compile_query(definition))
        except Problems as problems:
            raise Problems([_shown(error, query) for error in problems.errors]) from problems
        except CpgbuildError as error:
            raise _shown(error, query) from error

    def rows(
        self, name: str, columns: Collection[str] = (), where: str = "", limit: int | None = None
    ) -> pa.RecordBatchReader:
        """Return rows of a dataset: some of its columns, those where a condition holds, so many.

        Raises:
            UnknownTarget, UnknownColumn: there is no such dataset, or column.
            NotBuilt, CpgbuildError: as `sql`.
        """
        known = self.schema(name).names
        for column in columns:
            if column not in known:
                raise UnknownColumn(column, name, known)
        chosen = ", ".join(map(quote, columns)) or "*"
        query = f"SELECT {chosen} FROM {quote(name)}"  # noqa: S608 -- the condition is the user's
        if where:
            query += f" WHERE {where}"
        if limit is not None:
            query += f" LIMIT {limit}"
        return self.sql(query)

    def behind(self, name: str) -> list[Task]:
        """Return the tables behind a dataset, itself too, that a build would not leave as they are.

        Where there are none, what is read of it is what a build would make.
        """
        selection = select(self._workspace.graph, Request((name,)))
        return [
            decision.task
            for decision, action in decided(self._workspace, selection)
            if decision.task.stored and action is not Action.SKIP
        ]

    def close(self) -> None:
        """Close the project."""
        self._opened.close()

    def __enter__(self) -> Self:
        """Return the datasets; the project is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the project."""
        self.close()

    def _run_expression(self, build: Callable[[Catalog], ibis.Table]) -> pa.RecordBatchReader:
        definition = Definition(_NAME, _NAME, TaskKind.VIEW, Place(_PLACE), function=build)
        return self._run(self._workspace.compiler.compile_query(definition))

    def _run(self, compiled: Compiled) -> pa.RecordBatchReader:
        self._check(compiled)
        context = self._read = self._read or self._workspace.reading()
        location = self._workspace.warehouse.location

        def rows() -> Iterator[pa.RecordBatch]:
            """Give batches under the schema of the query, not in the engine's layout of it."""
            try:
                for batch in stream(context.rows_of(compiled)):
                    yield batch.cast(compiled.rows)
            except Exception as error:
                raise run_failure(error, compiled.task, location) from error

        batches = rows()
        # What is wrong shows with the first rows, if there are some.
        first = list(islice(batches, 1))
        return pa.RecordBatchReader.from_batches(compiled.rows, chain(first, batches))

    def _check(self, compiled: Compiled) -> None:
        """See that every table that a query reads is there, also behind views."""
        graph, warehouse = self._workspace.graph, self._workspace.warehouse
        seen: set[str] = set()
        waiting = [requirement.dataset for requirement in compiled.task.requires]
        missing: dict[str, None] = {}
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for task in graph.producers.get(name, ()):
                if not task.stored:
                    waiting += [requirement.dataset for requirement in task.requires]
                elif warehouse.evidence(task.output) is None:
                    missing[task.dataset] = None
        if missing:
            raise NotBuilt(sorted(missing))


def _shown(error: CpgbuildError, query: str) -> CpgbuildError:
    """Return an error with the text of the query that it is about."""
    if error.place is not None and error.place.path == _PLACE:
        error.place = replace(error.place, text=query)
    return error


def open_project(project: str | Path = ".", overrides: Overrides | None = None) -> Datasets:
    """Open a project to read its datasets: `cpgbuild.open(".").table("sales")`.

    Raises:
        CpgbuildError: the project is wrong.
    """
    stack = ExitStack()
    return Datasets(stack.enter_context(opened(project, overrides)), stack)
