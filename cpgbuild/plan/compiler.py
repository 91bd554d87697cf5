"""Compiler: from definitions to compiled tasks, each on demand and once.

A task's expression is built when its dataset's schema is first asked for. Its inputs are planned
as empty tables of their own schemas, views too, so that cost grows with the number of tasks and
not with the depth of views.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

import datafusion

from cpgbuild.errors.graph import Cycle, QueryInvalid, UnknownDataset
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan import functions
from cpgbuild.plan.assemble import assemble
from cpgbuild.plan.failures import Unresolved, find_word, missing_table, query_failure
from cpgbuild.plan.inference import datasets_named, optimised
from cpgbuild.plan.lineage import Lineage
from cpgbuild.plan.meaning import Meanings
from cpgbuild.plan.portable import portable, versioned
from cpgbuild.plan.query import Query
from cpgbuild.plan.session import register_empty, session_config
from cpgbuild.plan.tokens import tokens_if_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.core.task import Task
    from cpgbuild.errors.report import Place
    from cpgbuild.plan.compiled import Compiled
    from cpgbuild.plan.definition import Definition

_T = TypeVar("_T")
_WORD = re.compile(r"\w+")
_NO_QUERIES = ("Explain", "Analyze", "DescribeTable")


class Compiler:
    """Compiles definitions against the schemas of the sources.

    After `compile_all`, `compiled` holds the tasks by name, `sources` the schemas of the sources
    that some plan reads, and `errors` what was wrong with the others, in the order of discovery.
    """

    def __init__(
        self,
        definitions: Iterable[Definition],
        source_schemas: Mapping[str, Callable[[], pa.Schema]],
        variables: Mapping[str, str],
        root: Path,
    ) -> None:
        """Take the definitions; for each source who knows its schema; variables; the root."""
        self.errors: list[CpgbuildError] = []
        self.compiled: dict[str, Compiled] = {}
        self.sources: dict[str, pa.Schema] = {}
        self._definitions = {d.name: d for d in definitions}
        self._producers: dict[str, list[Definition]] = {}
        for definition in self._definitions.values():
            self._producers.setdefault(definition.dataset, []).append(definition)
        for producers in self._producers.values():
            # The first one's order of columns is the dataset's, wherever the files are.
            producers.sort(key=lambda producer: producer.name)
        self._source_schemas = source_schemas
        self._variables = variables
        self._root = root
        self._ctx = datafusion.SessionContext(session_config())
        self._registered: dict[str, pa.Schema] = {}
        self._frames: dict[str, datafusion.DataFrame] = {}
        self._alone: dict[str, Compiled] = {}
        self._lineage: Lineage | None = None
        self._stack: list[Definition] = []
        self._failed: set[str] = set()

    def compile_all(self) -> list[Compiled]:
        """Compile every definition that can be; the reasons against the others are in `errors`."""
        for name in self._in_order():
            try:
                self._task(self._definitions[name])
            except Unresolved:
                continue
        self.complete()
        return list(self.compiled.values())

    def _in_order(self) -> list[str]:
        """Return all tasks, each after those whose datasets its text names, as far as that goes.

        What a text names is not all read, and an expression has no text: what is missing when a
        query is planned is compiled then. This saves planning most queries twice.
        """
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for name in sorted(self._definitions):
            words = self._named(self._definitions[name])
            sorter.add(name, *(d.name for word in words for d in self._producers[word]))
        with suppress(CycleError):
            sorter.prepare()
        order: list[str] = []
        while ready := sorter.get_ready():
            order += ready
            sorter.done(*ready)
        return list(dict.fromkeys([*order, *sorted(self._definitions)]))

    def _named(self, definition: Definition) -> list[str]:
        """Return the datasets of tasks that a query's text names, and perhaps reads."""
        words = set(_WORD.findall(definition.sql or "")) - {definition.dataset}
        return sorted(words & self._producers.keys())

    def complete(self) -> None:
        """Give all tasks their plans, once they are compiled; without that they mean nothing."""
        if self.errors:
            return
        self._alone = self.compiled
        try:
            self.compiled = self._meanings(self._alone).complete()
        except CpgbuildError as error:
            self.errors.append(error)

    def _meanings(self, compiled: dict[str, Compiled]) -> Meanings:
        schemas = dict(self.sources)
        for dataset, producers in self._producers.items():
            schemas[dataset] = compiled[producers[0].name].schema
        return Meanings(compiled, self._frames, schemas)

    def portable(self) -> list[Task]:
        """Return all tasks with plans in which versions of Python and of packages do not count."""
        tasks = {name: one.task for name, one in self.compiled.items()}
        touched = versioned(self.compiled, (name for name, task in tasks.items() if task.stored))
        if touched:
            alone = {
                n: portable(one, self._frames[n], self._root) for n, one in self._alone.items()
            }
            anew = self._meanings(alone).complete(touched)
            tasks |= {name: one.task for name, one in anew.items()}
        return list(tasks.values())

    def lineage(self, task: str, column: str | None) -> Mapping[str, frozenset[str]]:
        """Return what an output column of a task depends on: columns by dataset; see `Lineage`."""
        if self._lineage is None:
            self._lineage = Lineage(self.compiled, self._frames)
        return self._lineage.of(task, column)

    def _schema(self, dataset: str, reader: Definition, place: Callable[[], Place]) -> pa.Schema:
        """Return a dataset's schema, compiling its producers first where it has some.

        `place` is where the reader names it, if an error has to say so.
        """
        self._check_cycle(dataset, place)
        if dataset in self._producers:
            made = [self._task(producer) for producer in self._producers[dataset]]
            return made[0].schema
        if dataset not in self._source_schemas:
            known = [*self._producers, *self._source_schemas]
            raise UnknownDataset(dataset, reader.name, known, place())
        if dataset not in self.sources:
            key = f"source {dataset}"
            self.sources[dataset] = self._once(key, self._source_schemas[dataset])
        return self.sources[dataset]

    def _task(self, definition: Definition) -> Compiled:
        name = definition.name
        if name not in self.compiled:
            self._stack.append(definition)
            try:
                self.compiled[name] = self._once(name, lambda: self._compile(definition))
            finally:
                self._stack.pop()
        return self.compiled[name]

    def _once(self, key: str, make: Callable[[], _T]) -> _T:
        """Note an error the first time; whoever asks again only learns that there was one."""
        if key in self._failed:
            raise Unresolved(key)
        try:
            return make()
        except CpgbuildError as error:
            self._failed.add(key)
            self.errors.append(error)
            raise Unresolved(key) from None
        except Unresolved:
            self._failed.add(key)
            raise

    def _check_cycle(self, dataset: str, place: Callable[[], Place]) -> None:
        datasets = [d.dataset for d in self._stack]
        if dataset in datasets:
            raise Cycle(datasets[datasets.index(dataset) :], place())

    def _compile(self, definition: Definition) -> Compiled:
        query, variables = self._query(definition)
        frame = self._plan(definition, query)
        self._frames[definition.name] = frame
        named = [n for n in datasets_named(frame.logical_plan(), query.sql) if self._is_dataset(n)]
        schemas = {name: self._registered[name] for name in named if name in self._registered}
        return assemble(definition, query, frame, schemas, variables, self._root)

    def _query(self, definition: Definition) -> tuple[Query, Iterable[str]]:
        """Return a task's query, and the variables that it asked for."""
        if definition.recorded is not None:
            return definition.recorded, ()
        if definition.function is None:
            return Query(definition.sql or ""), ()
        # A project of SQL files alone needs nothing of Ibis.
        from cpgbuild.plan.catalog import Catalog  # noqa: PLC0415
        from cpgbuild.plan.expression import query_of  # noqa: PLC0415

        def resolve(name: str, place: Place) -> pa.Schema:
            return self._schema(name, definition, lambda: place)

        catalog = Catalog(resolve, self._variables)
        query = query_of(definition, definition.function, catalog, self._root)
        return query, catalog.variables_asked

    def _is_dataset(self, name: str) -> bool:
        return name in self._producers or name in self._source_schemas

    def _plan(self, definition: Definition, query: Query) -> datafusion.DataFrame:
        """Plan a query on empty inputs; each one that the planner misses is resolved then."""
        for name, table in query.memtables.items():
            self._register(name, table.schema)
        for name in self._named(definition):
            made = self.compiled.get(self._producers[name][0].name)
            if made is not None:
                self._register(name, made.schema)
        functions.register(self._ctx, query.functions)
        while True:
            try:
                frame = self._ctx.sql_with_options(query.sql, _read_only())
                optimised(frame)
            except Exception as error:
                missing = missing_table(error)
                if missing is None or missing in self._registered:
                    at_hand = self._datasets_in(query.sql)
                    raise query_failure(error, definition, at_hand) from error
                place = partial(_place_of, missing, definition)
                self._register(missing, self._schema(missing, definition, place))
            else:
                if frame.logical_plan().display() in _NO_QUERIES:
                    raise QueryInvalid(
                        definition.name, "it gives no rows of data", definition.place
                    )
                return frame

    def _register(self, name: str, schema: pa.Schema) -> None:
        if name not in self._registered:
            register_empty(self._ctx, name, schema)
            self._registered[name] = schema

    def _datasets_in(self, sql: str) -> dict[str, pa.Schema]:
        """Return the schemas of the datasets that a refused query names, to show them."""
        words = dict.fromkeys(token.text for token in tokens_if_whole(sql))
        return {w: self._registered[w] for w in words if w in self._registered}


def _place_of(word: str, definition: Definition) -> Place:
    return find_word(definition, word) or definition.place


def _read_only() -> datafusion.SQLOptions:
    """Return options under which nothing but a query is planned: no DDL, DML or settings."""
    no = False
    return datafusion.SQLOptions().with_allow_ddl(no).with_allow_dml(no).with_allow_statements(no)
