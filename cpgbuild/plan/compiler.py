"""Compiler: from definitions to planned tasks, each on demand and once.

A task's expression is built when its dataset's schema is first asked for. Its inputs are planned
as empty tables of their own schemas, views too, so that cost grows with the number of tasks and
not with the depth of views. What was planned before, and rests on nothing that changed, stands.
"""

from __future__ import annotations

import inspect
import re
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import datafusion

from cpgbuild.core.check import checked_output, own_rows
from cpgbuild.core.fingerprint import UNKNOWN
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.graph import ChangedMeanwhile, Cycle, QueryInvalid, UnknownDataset
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.plan import bytecode, functions, helpers
from cpgbuild.plan.assemble import assemble, check_storable, narrowed, reading
from cpgbuild.plan.contract import arrow_of, schema_of
from cpgbuild.plan.derivations import dependent, derivations
from cpgbuild.plan.expressions import Unreadable
from cpgbuild.plan.failures import Unresolved, find_word, missing_table, query_failure
from cpgbuild.plan.forms import compiled_as, form_of, formed
from cpgbuild.plan.inference import as_written, datasets_named, optimised, scans, words_of
from cpgbuild.plan.lineage import Lineage
from cpgbuild.plan.meaning import SEVERAL, Meanings, kept_views
from cpgbuild.plan.outline import WHOLE, Outline, Planned
from cpgbuild.plan.query import Query
from cpgbuild.plan.session import register_empty, session_config
from cpgbuild.plan.tokens import tokens_if_whole
from cpgbuild.plan.verified import with_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.lineage import Derivations
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.errors.report import Place
    from cpgbuild.plan.compiled import Compiled
    from cpgbuild.plan.definition import Definition
    from cpgbuild.plan.outline import Columns, Kept, Reading

_T = TypeVar("_T")
_WORD = re.compile(r"\w+")
_FROM = re.compile(r"\b(?:from|join)\s+\"?(\w+)", re.IGNORECASE)
_NO_QUERIES = ("Explain", "Analyze", "DescribeTable")


@dataclass(frozen=True, slots=True)
class Before:
    """What was planned before, all at one time.

    `kept` has the tasks whose definitions are the same, `lost` the datasets that others made, and
    `sources` the schemas of the sources that are what they were.
    """

    kept: Mapping[str, Kept] = field(default_factory=dict)
    lost: Collection[str] = ()
    sources: Mapping[str, Schema] = field(default_factory=dict)


class Compiler:
    """Compiles definitions against the schemas of the sources.

    After `compile_all`, `tasks` holds the planned tasks by name, `sources` the schemas of the
    sources that some task asked for, and `errors` what was wrong with the others.
    """

    def __init__(
        self,
        definitions: Iterable[Definition],
        source_schemas: Mapping[str, Callable[[], pa.Schema]],
        variables: Mapping[str, str],
        root: Path,
        before: Before | None = None,
    ) -> None:
        """Take the definitions; for each source who knows its schema; variables; the root."""
        before = before or Before()
        self.errors: list[CpgbuildError] = []
        self.tasks: dict[str, Task] = {}
        self.sources: dict[str, Schema] = {}
        self._definitions = {d.name: d for d in definitions}
        self._producers: dict[str, list[Definition]] = {}
        for definition in self._definitions.values():
            self._producers.setdefault(definition.dataset, []).append(definition)
            if definition.part is not None:
                # By that name a check reads the task's own rows.
                self._producers[own_rows(definition.output)] = [definition]
        for producers in self._producers.values():
            # The first one's order of columns is the dataset's, wherever the files are.
            producers.sort(key=lambda producer: producer.name)
        self._source_schemas = source_schemas
        self._variables = variables
        self._root = root
        self._kept = dict(before.kept)
        self._had_kept = bool(before.kept)
        self._lost = set(before.lost)
        self._same = before.sources
        self._lock = RLock()
        self._helpers: helpers.Helpers | None = None
        self._begin()

    def _begin(self) -> None:
        self.errors = []
        self.sources = {}
        self._ctx = datafusion.SessionContext(session_config())
        self._registered: dict[str, pa.Schema] = {}
        self._schemas: dict[str, Schema] = {}
        self._read: dict[str, pa.Schema] = {}
        # Tasks as they are known before all of them are: by themselves, or as they were kept.
        self._known: dict[str, Task] = {}
        self._outlines: dict[str, Outline] = {}
        self._planned: dict[str, Planned] = {}
        self._compiled: dict[str, Compiled] = {}
        self._frames: dict[str, datafusion.DataFrame] = {}
        self._lineage: Lineage | None = None
        self._derivations: dict[str, Derivations] = {}
        self._stack: list[Definition] = []
        self._asked: list[set[str]] = []
        self._failed: set[str] = set()
        self._touched: set[str] = set()
        self._dirtied: set[str] = set()
        # The schemas of tasks' datasets that helpers know.
        self._sent: dict[str, pa.Schema] = {}

    # -- all tasks --------------------------------------------------------------------------

    def compile_all(
        self,
        needed: Collection[str] | None = None,
        *,
        views: bool = True,
        afar: helpers.Afar | None = None,
    ) -> None:
        """Compile every definition that can be; the reasons against the others are in `errors`.

        Where some tasks are all that is `needed`: these, what they read, and what is known anyhow.
        What `views` mean that hold nothing is half of the work, and only those ask for it who tell
        of them: what a table means covers the parts of them that it reads. It is told of all or of
        none. Where there is much to do, several processes do it, also of Python with `afar`.
        """
        self._stand()
        asked = set(self._definitions if needed is None else needed)
        self._load(asked - self._kept.keys())
        fresh = [self._definitions[name] for name in asked - self._kept.keys()]
        if count := helpers.worthwhile(d for d in fresh if d.function is None or afar):
            with closing(helpers.Helpers(count, afar, self._variables)) as begun:
                self._helpers = begun
                self._compile_ahead(asked - self._known.keys())
                self._compile_whole(needed, views=views)
                self._helpers = None
                if begun.are_alike():
                    return
            self._begin()
            self._stand()
        self._compile_whole(needed, views=views)

    def _compile_whole(self, needed: Collection[str] | None, *, views: bool) -> None:
        """Compile what is not compiled yet, and say what it means."""
        self._compile_each(needed)
        self._compile_checks(needed)
        if self._had_kept and any(isinstance(error, Cycle) for error in self.errors):
            # Where a circle is noticed first should not depend on what is kept.
            self._from_nothing()
            self._compile_each(needed)
            self._compile_checks(needed)
        if not self.is_whole and any(map(_varies, self._known.values())):
            # Whether a view that varies is kept, is for all who read it to say.
            self._compile_each()
            self._compile_checks()
        self.complete(views=views and self.is_whole)

    def progress(self) -> tuple[int, int]:
        """Return how many tasks are planned, and of how many; any thread may ask."""
        return len(self._known), len(self._definitions)

    @property
    def is_whole(self) -> bool:
        """Whether all tasks of the project were planned, or found to be wrong."""
        return len(self._known) == len(self._definitions) or bool(self.errors)

    @property
    def planned(self) -> KeysView[str]:
        """The tasks of which the plans are known, checks too, with all that these asked for."""
        return self._planned.keys()

    def _from_nothing(self) -> None:
        self._kept, self._lost, self._same = {}, set(), {}
        self._load(self._definitions)
        self._begin()

    def _load(self, names: Collection[str]) -> None:
        """Load what only the planning of these tasks needs, and the order in which to do it.

        Raises:
            CpgbuildError: a file is no longer what it was.
        """
        # In the order of their files, as where nothing is kept.
        lacking = {n: d.whole for n, d in self._definitions.items() if n in names and d.whole}
        for name, whole in lacking.items():
            self._definitions[name] = whole()
        for dataset, producers in self._producers.items() if lacking else ():
            self._producers[dataset] = [self._definitions[part.name] for part in producers]

    def _compile_each(self, needed: Collection[str] | None = None) -> None:
        if needed is None:
            # Where some were asked for, it may turn out that all are.
            self._load(self._definitions.keys() - self._kept.keys() - self._known.keys())
        for name in self._in_order():
            is_check = self._definitions[name].kind is TaskKind.CHECK
            if is_check or (needed is not None and name not in needed):
                continue
            with suppress(Unresolved):
                self._task(self._definitions[name])

    def _compile_checks(self, needed: Collection[str] | None = None) -> None:
        """Compile the checks of what is needed, and what these read; and so on."""
        checks: dict[str, list[Definition]] = {}
        for definition in self._definitions.values():
            if definition.kind is TaskKind.CHECK:
                checks.setdefault(checked_output(definition.dataset), []).append(definition)
        waiting = list(self._known if needed is None else needed) if checks else []
        seen: set[str] = set()
        while waiting:
            task = self._known.get(waiting.pop())
            if task is None or task.name in seen:
                continue
            seen.add(task.name)
            for read in task.requires:
                waiting += (d.name for d in self._producers.get(read.dataset, ()))
            for check in checks.get(task.output, ()):
                with suppress(Unresolved):
                    self._task(check)
                    waiting.append(check.name)

    def _compile_ahead(self, names: Collection[str]) -> None:
        """Have planned by helpers what can be; what they leave is compiled as ever.

        A task goes to them once all is known that it names.
        """
        sorter = self._sorted(sorted(names), by=self._words_ahead)
        with suppress(CycleError):
            sorter.prepare()
            while sorter.is_active():
                for name in sorter.get_ready():
                    # What a text only seems to read, nobody may have asked for.
                    with suppress(CpgbuildError, Unresolved):
                        if name in names and self._is_given_away(self._definitions[name]):
                            continue
                    sorter.done(name)
                for name, outline in self._helpers.planned() if self._helpers else ():
                    if outline is not None and name not in self._known:
                        self._take(name, outline)
                    sorter.done(name)

    def _words_ahead(self, definition: Definition) -> Collection[str]:
        """Return names, among them those of what a task reads; of a kept one what it asked for."""
        kept = self._kept.get(definition.name)
        return _words_of_all(definition) if kept is None else kept.asked.keys()

    def _is_given_away(self, definition: Definition) -> bool:
        """Give a task to a helper, if it is one that it can plan."""
        if self._helpers is None or definition.name in self._known:
            return False
        if definition.kind is TaskKind.CHECK:
            return False
        kept = self._kept.get(definition.name)
        if kept is not None and self._stands(kept, definition):
            self._task(definition)
            return False
        definition = definition.whole() if definition.whole is not None else definition
        if definition.function is not None and self._helpers.afar is None:
            return False
        return self._helpers.plan(definition, self._inputs(definition))

    def _inputs(self, definition: Definition) -> dict[str, pa.Schema]:
        """Return the schemas of all that a task seems to read."""
        words = _words_of_all(definition)
        for name in words & self._source_schemas.keys():
            if definition.function is not None or name in self._read_from(definition.sql or ""):
                self._look(name)
        sources = words & self._source_schemas.keys() & self._registered.keys()
        found = {name: self._registered[name] for name in sources}
        for name in self._named(definition, by=_words_of_all):
            made = [self._known.get(part.name) for part in self._producers[name]]
            if made[0] is not None and None not in made:
                if name not in self._sent:
                    self._sent[name] = arrow_of(made[0].schema)
                found[name] = self._sent[name]
        return found

    def _take(self, name: str, outline: Outline) -> None:
        """Take a task as a helper planned it."""
        definition = self._definitions[name]
        for dataset in outline.asked:
            if dataset in self._source_schemas:
                self._schema(dataset, definition, lambda: definition.place)
        self._kept.pop(name, None)
        self._known[name], self._outlines[name] = outline.task, outline

    def one(self, definition: Definition) -> Outline:
        """Compile a task whose inputs are all sources: what is known of it by itself."""
        self._definitions[definition.name] = definition
        return self._compile(definition)

    def _read_ahead(self, meanings: Meanings, names: Iterable[str]) -> None:
        """Have the readings made by helpers that plans will ask for."""
        keys = {(name, WHOLE) for name in names}
        seen = set(keys)
        while keys and self._helpers is not None:
            missing = [key for key in keys if key[1] not in self.outline(key[0]).readings]
            for (name, columns), found in self._helpers.read(missing).items():
                self.outline(name).readings[columns] = found
            read = [self.outline(name).readings.get(columns) for name, columns in keys]
            keys = {key for one in read if one is not None for key in meanings.behind(one)} - seen
            seen |= keys

    def _stand(self) -> None:
        """Take the kept tasks for what they were, but for those that a change may have come to.

        All that was kept, and is not overtaken, was planned together, with all that it asked for.
        So where nothing upstream has to be planned again, what a task asked for is what it was.
        """
        readers: dict[str, list[str]] = {}
        waiting = self._moved()
        for name, kept in self._kept.items():
            for dataset in kept.asked:
                readers.setdefault(dataset, []).append(name)
            if kept.overtaken or not self._has_all(kept):
                waiting |= _names(kept.planned.task)
                readers.setdefault(kept.planned.task.dataset, []).append(name)
        unsure: set[str] = set()
        moved = set(waiting)
        while waiting:
            for name in readers.get(waiting.pop(), ()):
                unsure.add(name)
                names = _names(self._kept[name].planned.task)
                waiting |= names - moved
                moved |= names
        for name, kept in self._kept.items():
            if name not in unsure:
                self._known[name] = kept.planned.task
                for dataset in kept.asked.keys() & self._same.keys():
                    self.sources[dataset] = self._schemas[dataset] = self._same[dataset]

    def _moved(self) -> set[str]:
        """Return the datasets that may be others than they were when all tasks were kept."""
        fresh = {
            name
            for n, d in self._definitions.items()
            if n not in self._kept
            for name in (d.dataset, own_rows(d.output))
        }
        return {*self._lost, *fresh, *(self._source_schemas.keys() - self._same.keys())}

    def _has_all(self, kept: Kept) -> bool:
        """Return whether there is all that a task asked for, variables with their values."""
        return all(map(self._is_dataset, kept.asked)) and all(
            self._variables.get(name) == value for name, value in kept.variables.items()
        )

    def _in_order(self) -> list[str]:
        """Return all tasks, each after those whose datasets its text names, as far as that goes.

        What was kept comes first, in the order in which it was compiled. What a text names is not
        all read, and what an expression reads may have no name in it: what is missing when a
        query is planned is compiled then. This saves planning most queries twice.
        """
        fresh = sorted(self._definitions.keys() - self._kept.keys())
        sorter = self._sorted(fresh)
        with suppress(CycleError):
            sorter.prepare()
        order: list[str] = []
        while ready := sorter.get_ready():
            order += ready
            sorter.done(*ready)
        return list(dict.fromkeys([*self._kept, *order, *fresh]))

    def _sorted(
        self, names: Iterable[str], by: Callable[[Definition], Collection[str]] | None = None
    ) -> TopologicalSorter[str]:
        """Return tasks, each after those of them whose datasets are among its words."""
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for name in names:
            words = self._named(self._definitions[name], by)
            sorter.add(name, *(d.name for word in words for d in self._producers[word]))
        return sorter

    def _named(
        self, definition: Definition, by: Callable[[Definition], Collection[str]] | None = None
    ) -> list[str]:
        """Return the datasets of tasks that a query's text names, and perhaps reads."""
        words = self._producers.keys() & (by or _words)(definition)
        return sorted(words - {definition.dataset})

    def complete(self, *, views: bool = True) -> None:
        """Give tasks their plans, once all are known; without that they mean nothing."""
        self.tasks = {n: t for n, t in self._known.items() if t.kind is not TaskKind.CHECK}
        if self.errors:
            return
        kept = kept_views(self, self._known)
        dirty = self._dirty(kept)
        for name in dirty:
            self.outline(name).meanings.clear()
        producers = {
            dataset: [self._known[part.name] for part in parts]
            for dataset, parts in self._producers.items()
            if all(part.name in self._known for part in parts)
        }
        schemas = self.sources | {name: parts[0].schema for name, parts in producers.items()}
        meanings = Meanings(self, producers, schemas, kept)
        asked = {n for n, t in self._known.items() if views or t.kind is not TaskKind.VIEW}
        if self._helpers is not None:
            self._read_ahead(meanings, dirty & (asked | kept))
        try:
            for name, task in self._known.items():
                is_asked = name in asked or name in kept
                if name not in dirty and not (is_asked and _is_unplanned(self._kept[name])):
                    self._planned[name] = self._kept[name].planned
                    continue
                if name in kept:
                    check_storable(self._definitions[name], arrow_of(task.schema))
                if not is_asked:
                    self._planned[name] = meanings.alone(name)
                else:
                    # What else is shown of bad rows does not decide whether there are any.
                    columns = () if task.kind is TaskKind.CHECK else WHOLE
                    self._planned[name] = meanings.planned(name, columns)
                self._touched.add(name)
        except CpgbuildError as error:
            self.errors.append(error)
        else:
            self.tasks = with_checks({n: planned.task for n, planned in self._planned.items()})
            self._dirtied = dirty

    def _dirty(self, kept: frozenset[str]) -> set[str]:
        """Return the tasks whose plans may be others than those that were kept."""
        fresh = {name for name in self._known if name not in self._kept}
        stood = self._known.keys() - fresh
        dirty = fresh | {name for name in stood if self._differs(name, kept)}
        readers: dict[str, list[Task]] = {}
        for task in self._known.values():
            for needed in task.requires:
                readers.setdefault(needed.dataset, []).append(task)
        changed = (self._known[name] for name in dirty)
        waiting = [*self._lost, *(name for t in changed for name in _names(t))]
        seen: set[str] = set()
        while waiting:
            dataset = waiting.pop()
            if dataset in seen:
                continue
            seen.add(dataset)
            for reader in readers.get(dataset, ()):
                dirty.add(reader.name)
                # Who reads a table sees nothing of what is behind it.
                if reader.kind is TaskKind.VIEW and reader.name not in kept:
                    waiting += _names(reader)
        return dirty

    def _differs(self, name: str, kept: frozenset[str]) -> bool:
        before = self._kept[name]
        return before.overtaken or before.planned.task.kept != (name in kept)

    def portable(self) -> list[Task]:
        """Return all tasks with plans in which versions of Python and of packages do not count."""
        found = []
        for planned in self._planned.values():
            if planned.task.kind is TaskKind.CHECK:
                continue
            query, plan, views = planned.written
            same = plan == planned.task.plan and query == planned.task.query
            task = planned.task
            found.append(task if same else replace(task, query=query, plan=plan, views=views))
        return found

    @property
    def fresh(self) -> set[str]:
        """The tasks whose plans were made anew, or may be others than they were."""
        return self._dirtied

    def changes(self) -> Iterator[tuple[Planned, Outline]]:
        """Give what is to be kept: each task of which more or something else is known now."""
        for name in self._known:
            if name in self._touched or (name in self._kept and not self._kept[name].mark):
                yield self._planned[name], self.outline(name)

    # -- one task ---------------------------------------------------------------------------

    def compiled(self, name: str) -> Compiled:
        """Return a task in the form that engines take; any thread may ask.

        Raises:
            ChangedMeanwhile: its definition is no longer what was planned.
        """
        with self._lock:
            self._ensure(name)
            return replace(
                self._compiled[name], task=self.tasks.get(name) or self._planned[name].task
            )

    def query(self, name: str) -> Fingerprint:
        """Return the fingerprint of a task's own query, where only some ask for that of a view."""
        with self._lock:
            return self.tasks[name].query or self.reading(name, WHOLE).query.exact

    def frame(self, name: str) -> datafusion.DataFrame:
        """Return a task's query on empty inputs."""
        with self._lock:
            self._ensure(name)
            return self._framed(name)

    def lineage(self, task: str, column: str | None) -> Mapping[str, frozenset[str]]:
        """Return what an output column of a task depends on: columns by dataset; see `Lineage`."""
        if self._lineage is None:
            self._lineage = Lineage(self.compiled, self.frame)
        return self._lineage.of(task, column)

    def compile_query(self, definition: Definition) -> Compiled:
        """Compile a query that is no task of the project, over all that is planned.

        Raises:
            CpgbuildError: it is wrong, or reads what is.
        """
        with self._lock:
            wrong = len(self.errors)
            try:
                self._compile(definition)
                return self._compiled[definition.name]
            except Unresolved:
                raise Problems(self.errors[wrong:]) from None
            finally:
                self._compiled.pop(definition.name, None)
                self._frames.pop(definition.name, None)

    def derivations(self, task: str) -> Derivations:
        """Return what a task's output is made of, column by column.

        Where its plan has a part that nobody can read, each column may be made of all that its
        values or rows depend on.
        """
        if task not in self._derivations:
            with self._lock, self._at_hand(task) as (one, frame):
                try:
                    found = derivations(one, frame)
                except Unreadable:
                    found = dependent(one.schema.names, partial(self.lineage, task))
            self._derivations[task] = found
        return self._derivations[task]

    @contextmanager
    def _at_hand(self, task: str) -> Iterator[tuple[Compiled, datafusion.DataFrame]]:
        """Give a task and its query on empty inputs, for the time of the block and to be shown.

        Of one that was kept it is not seen to that it is what was planned, which takes thrice as
        long as to compile it: nothing is decided by what is shown.
        """
        is_there = task in self._compiled
        if not is_there:
            form, definition = self.outline(task).form, self._definitions[task]
            self._compile(formed(definition, form) if form is not None else definition)
        try:
            yield self._compiled[task], self._framed(task)
        finally:
            if not is_there:
                del self._compiled[task], self._frames[task]

    def outline(self, task: str) -> Outline:
        """Return what is known of a task."""
        if task not in self._outlines:
            kept = self._kept[task]
            self._outlines[task] = kept.outline() or self._again(kept.planned.task)
        return self._outlines[task]

    def _again(self, task: Task) -> Outline:
        """Return the outline of a task of which only the plan was kept."""
        found = self._compile(self._definitions[task.name])
        found.readings[WHOLE] = self._read_as(task.name, WHOLE)
        if found.readings[WHOLE].query.exact != task.query or found.task.requires != task.requires:
            # Of a view by itself it may not be known what it was.
            raise ChangedMeanwhile(task.name, task.place)
        return found

    def reading(self, task: str, columns: Columns) -> Reading:
        """Return a task's query, or that narrowed to some of its columns."""
        self._touched.add(task)
        self._ensure(task)
        return self._read_as(task, columns)

    def _read_as(self, task: str, columns: Columns) -> Reading:
        frame = self._framed(task)
        if columns is not None:
            frame = narrowed(frame, columns)
        return reading(self._compiled[task], frame, columns)

    def _ensure(self, name: str) -> None:
        """See that a task is compiled; of what was kept, that it is what was planned."""
        if name in self._compiled:
            return
        before = self.outline(name)
        if before.form is not None:
            # What was compiled is what was planned, whatever its file says by now.
            definition = formed(self._definitions[name], before.form)
            named = dict.fromkeys(filter(before.asked.__contains__, before.scanned))
            inputs = {dataset: self._schema_at_hand(dataset) for dataset in named}
            self._compiled[name] = compiled_as(definition, before, inputs)
            return
        again = self._compile(self._definitions[name])
        same = (self._read_as(name, columns) == known for columns, known in before.readings.items())
        if again.task != before.task or not all(same):
            del self._compiled[name]
            raise ChangedMeanwhile(name, self._definitions[name].place)

    def _framed(self, name: str) -> datafusion.DataFrame:
        """Return a compiled task's query on empty inputs; one that was kept is planned for it."""
        if name not in self._frames:
            self._compile(self._compiled[name].definition)
        return self._frames[name]

    # -- on demand --------------------------------------------------------------------------

    def _schema(self, dataset: str, reader: Definition, place: Callable[[], Place]) -> Schema:
        """Return a dataset's schema, compiling its producers first where it has some.

        `place` is where the reader names it, if an error has to say so.
        """
        self._check_cycle(dataset, place)
        if self._asked:
            self._asked[-1].add(dataset)
        if dataset in self._producers:
            made = [self._task(producer) for producer in self._producers[dataset]]
            self._schemas[dataset] = made[0].schema
        elif dataset not in self._source_schemas:
            made_here = (d.dataset for d in self._definitions.values())
            known = [name for name in (*made_here, *self._source_schemas) if name.isidentifier()]
            raise UnknownDataset(dataset, reader.name, known, place())
        elif dataset not in self.sources:
            found = self._same.get(dataset)
            if found is None:
                if dataset not in self._read:
                    made = self._once(f"source {dataset}", self._source_schemas[dataset])
                    self._read[dataset] = made
                found = schema_of(self._read[dataset])
            self.sources[dataset] = self._schemas[dataset] = found
        return self._schemas[dataset]

    def _schema_at_hand(self, dataset: str) -> Schema:
        """Return the schema of a dataset that a task reads of which the plan stands."""
        if dataset in self._producers:
            return self._known[self._producers[dataset][0].name].schema
        return self._schemas.get(dataset) or self._same[dataset]

    def _arrow(self, dataset: str, reader: Definition, place: Callable[[], Place]) -> pa.Schema:
        """Return a dataset's schema as Arrow has it; raises as `_schema`."""
        schema = self._schema(dataset, reader, place)
        if dataset in self._read:
            return self._read[dataset]
        makers = self._producers.get(dataset)
        made = self._compiled.get(makers[0].name) if makers else None
        return made.schema if made is not None else arrow_of(schema)

    def _task(self, definition: Definition) -> Task:
        name = definition.name
        if name not in self._known:
            self._stack.append(definition)
            # What it asks for to see whether it stands, is nothing that its reader asks for.
            self._asked.append(set())
            try:
                self._known[name] = self._once(name, lambda: self._made(definition))
            finally:
                self._asked.pop()
                self._stack.pop()
        return self._known[name]

    def _made(self, definition: Definition) -> Task:
        kept = self._kept.get(definition.name)
        if kept is not None and self._stands(kept, definition):
            return kept.planned.task
        self._kept.pop(definition.name, None)
        outline = self._compile(definition)
        self._outlines[definition.name] = outline
        return outline.task

    def _stands(self, kept: Kept, definition: Definition) -> bool:
        """Return whether a task asked for what is still so."""
        if not self._has_all(kept):
            return False
        for dataset, mark in kept.asked.items():
            try:
                schema = self._schema(dataset, definition, lambda: definition.place)
            except Unresolved:
                # Whether there is more to say of it than that, is seen when it is compiled.
                return False
            if schema.fingerprint != mark:
                return False
        return True

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

    def _compile(self, definition: Definition) -> Outline:
        """Compile a task, and return what is known of it by itself."""
        if definition.whole is not None:
            definition = definition.whole()
        self._asked.append(set())
        try:
            query, variables = self._query(definition)
            frame, tables = self._plan(definition, query)
        finally:
            asked = self._asked.pop()
        named = list(filter(self._is_dataset, tables))
        inputs = {name: self._schemas[name] for name in named if name in self._registered}
        one = assemble(definition, query, frame, inputs, variables, self._root)
        self._compiled[definition.name] = one
        self._frames[definition.name] = frame
        read = tuple(name for name, _ in scans(as_written(frame)))
        outline = Outline(
            one.task,
            # A recursive query scans its inputs in every round.
            scanned=read * SEVERAL if one.recursive else read,
            asked={name: self._schemas[name].fingerprint for name in sorted({*named, *asked})},
            variables={name: self._variables[name] for name in sorted(variables)},
        )
        outline.form = form_of(one)
        if definition.function is not None:
            # Whoever asks later would have to evaluate it again.
            outline.readings[WHOLE] = self._read_as(definition.name, WHOLE)
        return outline

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
            return self._arrow(name, definition, lambda: place)

        catalog = Catalog(resolve, self._variables)
        query = query_of(definition, definition.function, catalog, self._root)
        return query, catalog.variables_asked

    def _is_dataset(self, name: str) -> bool:
        return name in self._producers or name in self._source_schemas

    def _plan(self, definition: Definition, query: Query) -> tuple[datafusion.DataFrame, list[str]]:
        """Plan a query on empty inputs; each one that the planner misses is resolved then.

        Return with it the tables that it scans.
        """
        for name, table in query.memtables.items():
            self._register(name, table.schema)
        functions.register(self._ctx, query.functions)
        for name in self._named(definition):
            self._guess(name)
        if definition.kind is TaskKind.CHECK:
            own = own_rows(checked_output(definition.dataset))
            self._register(own, self._arrow(own, definition, lambda: definition.place))
        for name in self._read_from(query.sql):
            self._look(name)
        # What an expression asked for, its query reads.
        # One by one: there may be thousands that are registered.
        for name in sorted(n for n in self._asked[-1] if n not in self._registered):
            self._register(name, self._arrow(name, definition, lambda: definition.place))
        frame = self._frame(definition, query)
        named = datasets_named(frame, query.sql)
        for name in named:
            if name in self._source_schemas and name not in self.sources:
                self._schema(name, definition, lambda: definition.place)
        words = words_of(query.sql) & self._registered.keys()
        unsure = set(filter(self._is_dataset, words.difference(named, self._asked[-1])))
        if not unsure:
            return frame, named
        # Is it read where nothing is made of it, or is it some other word? Does anybody miss it?
        for name in unsure:
            self._ctx.deregister_table(name)
            del self._registered[name]
        frame = self._frame(definition, query)
        return frame, datasets_named(frame, query.sql)

    def _guess(self, dataset: str) -> None:
        """Register a dataset that a text names, if its schema is known already."""
        # Of all who make it: what is read has to be planned, and nobody else may ask for them.
        makers = [self._known.get(part.name) for part in self._producers[dataset]]
        first = makers[0]
        if first is not None and None not in makers and dataset not in self._registered:
            made = self._compiled.get(first.name)
            self._schemas[dataset] = first.schema
            self._register(dataset, made.schema if made is not None else arrow_of(first.schema))

    def _read_from(self, sql: str) -> list[str]:
        """Return the sources that a query's text seems to read from, and nobody knows yet."""
        names = map(str.lower, _FROM.findall(sql))
        return [n for n in names if n in self._source_schemas and n not in self._registered]

    def _look(self, source: str) -> None:
        """Register a source that a text seems to read; what is wrong with it is told who does."""
        found = self._same.get(source)
        with suppress(CpgbuildError):
            if found is None and source not in self._read:
                self._read[source] = self._source_schemas[source]()
            self._register(source, self._read[source] if found is None else arrow_of(found))

    def _frame(self, definition: Definition, query: Query) -> datafusion.DataFrame:
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
                self._register(missing, self._arrow(missing, definition, place))
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


def _words(definition: Definition) -> set[str]:
    """Return the words of a query's text."""
    return set(_WORD.findall(definition.sql or ""))


def _words_of_all(definition: Definition) -> set[str]:
    """Return the words of a query's text, or the texts in a function's code."""
    if definition.function is None:
        return _words(definition)
    code = getattr(inspect.unwrap(definition.function), "__code__", None)
    return bytecode.texts(code) if code is not None else set()


def _names(task: Task) -> set[str]:
    """Return the names by which a task's rows are read: as the dataset's, and as its own."""
    return {task.dataset, own_rows(task.output)}


def _is_unplanned(kept: Kept) -> bool:
    return kept.planned.task.plan == UNKNOWN


def _varies(task: Task) -> bool:
    return task.kind is TaskKind.VIEW and bool(task.volatile or task.unstable)


def _place_of(word: str, definition: Definition) -> Place:
    return find_word(definition, word) or definition.place


def _read_only() -> datafusion.SQLOptions:
    """Return options under which nothing but a query is planned: no DDL, DML or settings."""
    no = False
    return datafusion.SQLOptions().with_allow_ddl(no).with_allow_dml(no).with_allow_statements(no)
