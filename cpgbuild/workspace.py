"""Workspace: a project with its plans, its state and its tables, open for one command."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.selection import named_by
from cpgbuild.core.validate import check_graph
from cpgbuild.engine.broken import FOLDER as BROKEN
from cpgbuild.engine.broken import Broken
from cpgbuild.engine.context import Context, Limits
from cpgbuild.engine.data import Data
from cpgbuild.engine.datafusion_engine import DataFusionEngine
from cpgbuild.engine.files import base_of
from cpgbuild.engine.leaves import Scanned
from cpgbuild.engine.sources import Sources
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.graph import UnknownDataset
from cpgbuild.errors.project import SourceMissing
from cpgbuild.errors.report import Problems
from cpgbuild.plan.compiler import Before, Compiler
from cpgbuild.plan.contract import arrow_of, schema_of
from cpgbuild.project import config
from cpgbuild.project.afar import Afar
from cpgbuild.project.contents import Contents
from cpgbuild.project.discovery import Memory, discover, words_in
from cpgbuild.project.modules import importable
from cpgbuild.project.rests import Rests
from cpgbuild.project.watching import module_files, still_holds
from cpgbuild.state.digests import KnownFiles, KnownRows, load_files, load_rows, save_digests
from cpgbuild.state.history import History
from cpgbuild.state.holder import warehouse_key
from cpgbuild.state.journal import Journal
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import source_schema
from cpgbuild.state.names import FILE as NAMES
from cpgbuild.state.names import save_names
from cpgbuild.state.observed import Observed, TooYoung, below, program_files
from cpgbuild.state.plans import (
    Changes,
    File,
    PlanStore,
    SourceRow,
    columns_text,
    mark_of,
    nothing,
    planned_text,
    schema_of_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import pyarrow as pa

    from cpgbuild.core.lock import Lock
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.selection import Request
    from cpgbuild.errors.report import CpgbuildError
    from cpgbuild.plan.definition import Definition
    from cpgbuild.plan.source import Source
    from cpgbuild.project.config import Overrides, Project
    from cpgbuild.project.discovery import Discovery
    from cpgbuild.project.watching import Watch

STATE = ".cpgbuild"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project with all of its plans, ready to be asked or built."""

    project: Project
    graph: Graph
    compiler: Compiler
    sources: Sources
    warehouse: Warehouse
    plans: Plans
    files: KnownFiles = field(default_factory=dict)
    rows: KnownRows = field(default_factory=dict)
    looked: Observed | None = None

    @property
    def locked(self) -> Graph:
        """The graph as a lock has it: versions of Python and of packages do not count."""
        return Graph(self.compiler.portable(), self.graph.sources)

    @property
    def state(self) -> Path:
        """The folder of what is kept between builds."""
        return self.project.root / STATE

    @property
    def traces(self) -> Path:
        """The file of the traces of builds into this warehouse."""
        return self.state / f"traces-{warehouse_key(self.warehouse.location)}.jsonl"

    @property
    def journal(self) -> Journal:
        """The traces of builds into this warehouse."""
        return Journal(self.traces)

    @property
    def history(self) -> History:
        """What builds into this warehouse did."""
        return History(self.traces.with_name(self.traces.name.replace("traces-", "builds-")))

    def reading(self) -> Context:
        """Return a session in which all datasets can be read as they are now."""
        return Context(self.compiler, Scanned(self.sources, self.warehouse), self._limits)

    @property
    def _limits(self) -> Limits:
        settings = self.project.engine
        return Limits(settings.memory_limit, settings.threads, settings.deterministic)

    def engine(self) -> DataFusionEngine:
        """Return what runs the tasks; whoever asks for it closes it."""
        data = Data(self.sources, self.warehouse, self.graph.tasks.values(), self.rows)
        places, root = Scanned(self.sources, self.warehouse), self.project.root
        return DataFusionEngine(self.compiler, places, root, data, self._limits, self.broken)

    @property
    def broken(self) -> Broken:
        """Where rows are kept that break a check."""
        return Broken(self.state / BROKEN)

    @property
    def outputs(self) -> list[str]:
        """The names of the tables that builds write."""
        return [task.output for task in self.graph.stored]

    @property
    def holder(self) -> Path:
        """The folder whose lock file says that the warehouse is being built into."""
        location = self.warehouse.location
        return self.state if "://" in location else Path(location)


@contextmanager
def opened(
    project: str | Path = ".",
    overrides: Overrides | None = None,
    known: Lock | None = None,
    *,
    look: bool = False,
    request: Request | None = None,
    views: bool = True,
) -> Iterator[Workspace]:
    """Load a project, plan all of its tasks, and check every edge, for the time of this block.

    Of a source that is not there the schema is the `known` one, if there is one. Where an answer
    may be kept, and is asked for, what it rests on is looked at before anything else is. What was
    planned before and rests on nothing that changed is not planned again, and where a `request` is
    about some tasks, what has nothing to do with them is not planned at all. What `views` mean by
    themselves, nobody has to know who only decides what to run.

    Raises:
        CpgbuildError: what is wrong with the project; `Problems` where it is several things.
    """
    root = config.find_root(Path(project))
    state = root / STATE
    looked = looked_at([root / config.FILE, *program_files()]) if look else None
    loaded = config.load(root, overrides)
    looked = looked and also(looked, _inputs(loaded, state))
    plans = Plans(state, from_nothing=overrides is not None and overrides.from_nothing)
    with ExitStack() as cleanup:
        files, rows = load_files(state), load_rows(state)
        sources = cleanup.enter_context(closing(Sources(loaded.sources, files)))
        same = plans.sources_now(loaded.sources.values(), sources)
        schemas = {
            name: partial(_schema, partial(plans.read, source, sources, state), known, name)
            for name, source in loaded.sources.items()
        }

        def compiled(found: Discovery, watch: Watch) -> Compiler:
            before = Before(found.kept, found.lost, same)
            compiler = Compiler(found.definitions, schemas, loaded.variables, root, before)
            _tell(overrides, compiler)
            needed = _needed(found, loaded, request) if request else None
            compiler.compile_all(needed, views=views, afar=Afar.of(root, watch))
            return compiler

        found, compiler, rests = _settled(loaded, plans, compiled, cleanup)
        graph = checked(compiler)
        is_new = plans.keep(found, compiler, rests)
        if compiler.is_whole and (is_new or not (state / NAMES).exists()):
            save_names(state, graph)
        warehouse = Warehouse(loaded.warehouse)
        looked = (looked and not _is_remote(loaded) and _with(looked, plans.rest_on)) or None
        yield Workspace(loaded, graph, compiler, sources, warehouse, plans, files, rows, looked)
        save_digests(state, files, rows)


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that can be planned of a project, and all that is wrong with the rest."""

    found: Discovery
    compiler: Compiler
    problems: list[CpgbuildError]


def attempted(
    project: str | Path = ".",
    overrides: Overrides | None = None,
) -> Attempt:
    """Plan what can be planned of a project. Writes nothing.

    What is wrong only because something else is, is left out.

    Raises:
        CpgbuildError: the configuration is wrong.
    """
    root = config.find_root(Path(project))
    loaded = config.load(root, overrides)
    state = root / STATE
    plans = Plans(state, from_nothing=overrides is not None and overrides.from_nothing)
    with ExitStack() as cleanup:
        sources = cleanup.enter_context(closing(Sources(loaded.sources, load_files(state))))
        same = plans.sources_now(loaded.sources.values(), sources)
        schemas = {name: partial(sources.schema, name) for name in loaded.sources}

        def compiled(found: Discovery, watch: Watch) -> Compiler:
            before = None if found.errors else Before(found.kept, found.lost, same)
            compiler = Compiler(found.sound, schemas, loaded.variables, root, before)
            _tell(overrides, compiler)
            compiler.compile_all(views=False, afar=Afar.of(root, watch))
            return compiler

        found, compiler, _ = _settled(loaded, plans, compiled, cleanup, with_errors=True)
    lost = {d.dataset for d in found.definitions} - {d.dataset for d in found.sound}
    lost |= {Path(file).stem for file in found.broken} | words_in(found.broken)
    problems = found.errors + [
        error
        for error in compiler.errors
        # What is not known may be what a broken file would have made, or two tasks do.
        if not (isinstance(error, UnknownDataset) and error.dataset in lost)
    ]
    return Attempt(found, compiler, problems + _wrong_edges(compiler))


def _tell(overrides: Overrides | None, compiler: Compiler) -> None:
    """Let whoever wants to know how far planning is ask the compiler."""
    if overrides is not None and overrides.planning is not None:
        overrides.planning.begin(compiler.progress)


def _wrong_edges(compiler: Compiler) -> list[CpgbuildError]:
    """Return all that is wrong between the tasks that were compiled."""
    tasks = dict(compiler.tasks)
    while True:
        known = {task.dataset for task in tasks.values()} | compiler.sources.keys()
        whole = {n: t for n, t in tasks.items() if all(r.dataset in known for r in t.requires)}
        if len(whole) == len(tasks):
            return check_graph(Graph(tasks.values(), compiler.sources))
        tasks = whole


def _settled(
    project: Project,
    plans: Plans,
    compiled: Callable[[Discovery, Watch], Compiler],
    cleanup: ExitStack,
    *,
    with_errors: bool = False,
) -> tuple[Discovery, Compiler, KnownRests]:
    """Return what there is, compiled; its modules are imported until the clean-up.

    Where what is evaluated turns out to change what others find, these are evaluated too.

    Raises:
        CpgbuildError: something cannot be loaded, unless it is compiled `with_errors`.
    """
    memory = plans.memory
    while True:
        modules = cleanup.enter_context(ExitStack())
        watch = modules.enter_context(importable(project.root, memory.contents))
        found = discover(project, memory, watch)
        if not with_errors:
            Problems.raise_if(found.errors)
        compiler = compiled(found, watch)
        if found.errors:
            return found, compiler, KnownRests()
        rests = plans.rests(found, Rests(project.root, memory.contents, watch), watch)
        if not rests.doubtful:
            return found, compiler, rests
        memory = memory.without(rests.doubtful)
        modules.close()


class Plans:
    """What was planned before, and what is to be known of it the next time."""

    def __init__(self, state: Path, *, from_nothing: bool) -> None:
        """Read what is kept in the state folder, unless nothing of it is asked for."""
        program = looked_at(program_files())
        token = fingerprint(json.dumps(program.to_json())) if program else ""
        self._store = PlanStore(state, token)
        self._is_on = bool(token)
        is_read = self._is_on and not from_nothing
        self._before = self._store.load() if is_read else nothing()
        self._new_sources: dict[str, SourceRow] = {}
        self.marks: dict[str, str] = {}
        self.rest_on: dict[str, str] | None = None
        files = self._before.files.items()
        unplanned: dict[str, list[Definition]] = {}
        for definition in self._before.unplanned:
            unplanned.setdefault(definition.file, []).append(definition)
        self.memory = Memory(
            self._before.tasks,
            unplanned,
            {path: file.facts for path, file in files if file.facts is not None},
            {path: file.parts for path, file in files if file.parts is not None},
            Contents({path: (file.stamp, file.digest) for path, file in files}),
        )

    def sources_now(self, declared: Iterable[Source], sources: Sources) -> dict[str, Schema]:
        """Return the schemas of the sources of which no file is another than it was."""
        found: dict[str, Schema] = {}
        for source in declared:
            kept = self._before.sources.get(source.name)
            if kept is not None and kept.declared == _declared(source):
                observed = Observed.from_json(json.loads(kept.observed))
                if observed is not None and observed.holds():
                    found[source.name] = schema_of_text(kept.columns)
                    sources.learn(source.name, partial(arrow_of, found[source.name]))
        return found

    def read(self, source: Source, sources: Sources, state: Path) -> pa.Schema:
        """Return a source's schema, and keep it; raises as `Sources.schema`."""
        looked = looked_at(_schema_files(source, state)) if "://" not in source.path else None
        schema = sources.schema(source.name)
        if looked is not None:
            observed = json.dumps(looked.to_json(), separators=(",", ":"))
            row = SourceRow(_declared(source), observed, columns_text(schema_of(schema)))
            self._new_sources[source.name] = row
        return schema

    def keep(self, found: Discovery, compiler: Compiler, known: KnownRests) -> bool:
        """Keep what is new; of files that are loaded from Python, what their tasks rest on.

        Where not all tasks were asked for, the plans of the others are kept too, if their
        definitions are the same; but these were planned before what they may read was.

        Return whether the graph may be another than the whole one that was kept last.
        """
        facts = known.facts
        read = {
            fact.removeprefix("file ")
            for text in {*facts.values()} - {None}
            for fact in json.loads(text or "")
            if fact.startswith("file ")
        }
        contents = self.memory.contents
        files = {path: File(*contents.stamped(path)) for path in read} | {
            path: File(*contents.stamped(path), text, known.parts.get(path))
            for path, text in facts.items()
        }
        before = self._before
        changed = {path: file for path, file in files.items() if before.files.get(path) != file}
        gone_files = before.files.keys() - files.keys()
        module = {definition.name: definition.file for definition in found.definitions}
        tasks = [
            (planned.task.name, module[planned.task.name], planned_text(planned, outline), outline)
            for planned, outline in compiler.changes()
        ]
        self.marks = {name: kept.mark for name, kept in found.kept.items()}
        self.marks |= {name: mark_of(text) for name, _, text, _ in tasks}
        if None not in facts.values():
            every = (json.loads(text or "") for text in {*facts.values()})
            self.rest_on = {fact: value for some in every for fact, value in some.items()}
        # What is not where it was in its file, would have to be written anew.
        left = {n: k for n, k in found.kept.items() if n not in compiler.planned and k.mark}
        overtaken = {name for name, kept in left.items() if not kept.overtaken}
        known_plans = compiler.planned | left.keys()
        gone = before.tasks.keys() - known_plans
        unplanned = [one for one in found.definitions if one.name not in known_plans]
        is_new = bool(tasks or gone or self._new_sources)
        if self._is_on and (is_new or changed or gone_files or overtaken):
            new = (tasks, changed, self._new_sources)
            changes = Changes(*new, gone, gone_files, overtaken, unplanned)
            self._store.save(changes, anew=not (before.tasks or before.files))
        was_whole = not before.unplanned and not any(k.overtaken for k in before.tasks.values())
        return is_new or not was_whole

    def rests(self, found: Discovery, rests: Rests, watch: Watch) -> KnownRests:
        """Return what the tasks of each file rest on, now that they were evaluated."""
        known = KnownRests()
        for file, before in found.files.items():
            if file.endswith(".sql"):
                known.facts[file] = "{}"
                continue
            if before is not None and file not in watch.codes:
                known.facts[file] = before
                known.parts[file] = self.memory.parts.get(file)
                continue
            rest = rests.of(Path(file))
            known.parts[file] = rest and rest.parts and rest.parts.to_json()
            known.facts[file] = None
            if rest is not None:
                # What is known of tasks that were not evaluated this time, is so still.
                facts = json.loads(before or "{}") | rest.facts
                facts.pop(f"file {file}", None)
                known.facts[file] = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        modules = {kept.module for kept in found.kept.values()}
        modules |= {one.file for one in found.definitions if one.whole is not None}
        for module in modules if rests.altered else ():
            # Were it evaluated after what altered a module that it uses, it may be another.
            text = known.facts[module]
            if text is None or any(f"file {file}" in json.loads(text) for file in rests.altered):
                known.doubtful.add(module)
        return known


@dataclass(frozen=True, slots=True)
class KnownRests:
    """For each file of tasks what these rest on, where that is known, and its parts.

    The tasks of a `doubtful` one, as they are kept, may be others than they were.
    """

    facts: dict[str, str | None] = field(default_factory=dict)
    parts: dict[str, str | None] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)


def looked_at(paths: Iterable[str | Path]) -> Observed | None:
    """Look at files and folders; None where what is seen could be taken for something else."""
    try:
        return Observed.of(map(str, paths))
    except (OSError, TooYoung):
        return None


def also(looked: Observed, paths: Iterable[str]) -> Observed | None:
    """Look at more files and folders."""
    more = looked_at(paths)
    return more and looked | more


def touched(workspace: Workspace, paths: Collection[str]) -> set[str] | None:
    """Return the tasks that read or hold what is at some paths; None where all may be touched.

    What task files define, and what their code looks at, shows in the tasks, and nothing is decided
    by the lock. Of a file of traces it is known otherwise what is in it.
    """
    root, graph = workspace.project.root, workspace.graph
    passive = {str(root / LOCK), str(workspace.traces)}
    passive.update(fact_paths(workspace.plans.rest_on or ()))
    folders = [str(folder) for folder, _ in workspace.project.tasks]
    bases = {str(base_of(Path(s.path))): name for name, s in workspace.project.sources.items()}
    tables = {str(Path(workspace.warehouse.location) / task.output): task for task in graph.stored}
    found: set[str] = set()
    for path in paths:
        datasets = [name for base, name in bases.items() if is_below(path, base)]
        seen_otherwise = path in passive or any(is_below(path, folder) for folder in folders)
        if seen_otherwise and not datasets:
            continue
        makers = [task for table, task in tables.items() if is_below(path, table)]
        if not datasets and not makers:
            return None
        found.update(task.name for task in makers)
        for dataset in (*datasets, *(task.dataset for task in makers)):
            # A source that nobody reads is no part of the graph.
            if graph.find(dataset) is not None:
                found.update(graph.near(dataset))
    return found


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder, or in it."""
    return path == folder or path.startswith(folder + os.sep)


def _needed(found: Discovery, project: Project, request: Request) -> set[str] | None:
    """Return the tasks that a request names; None where it may be about all of them."""
    if not request.targets:
        return None
    needed: set[str] = set()
    for text in (*request.targets, *request.exclude, *request.force):
        named = named_by(text, found.definitions)
        if named is None or not (named or text.removeprefix("+") in project.sources):
            return None
        needed |= named
    return needed


def _is_remote(project: Project) -> bool:
    """Return whether something is at a URL, which no local file's stamp tells of."""
    places = [project.warehouse, *(source.path for source in project.sources.values())]
    return any("://" in place for place in places)


def _with(looked: Observed, facts: Mapping[str, str] | None) -> Observed | None:
    """Look at all that the tasks of Python rest on too; None where that is not known.

    Since then it may be other than it was when they were evaluated.
    """
    if facts is None or "variables" in facts:
        return None
    asked = [fact for fact in facts if fact.startswith("variable ") or fact == "here"]
    try:
        more = Observed.of(fact_paths(facts), asked)
    except (OSError, TooYoung):
        return None
    return looked | more if still_holds(dict(facts), Contents(), {}) else None


def fact_paths(facts: Iterable[str]) -> Iterator[str]:
    """Give the files and folders that facts are about."""
    for fact in facts:
        kind, _, name = fact.partition(" ")
        if kind == "module":
            yield from module_files(name)
        elif kind in {"file", "stat", "list", "entries"}:
            yield name
        if kind == "entries":
            with suppress(OSError):
                yield from map(str, Path(name).iterdir())


def _inputs(project: Project, state: Path) -> Iterator[str]:
    """Give all local files and folders that plans and sources are read from."""
    for folder, _ in project.tasks:
        yield from below(str(folder), ("__pycache__", "."))
    for source in project.sources.values():
        yield from _files_of(source, state)


def _files_of(source: Source, state: Path) -> Iterator[str]:
    """Give all local files and folders that decide what a source is."""
    path = Path(source.path)
    if not source.path:
        return
    if source.format == "delta":
        yield from below(str(path / "_delta_log"))
    else:
        # No source's files are looked for behind links, which may lead to all of the disk.
        yield from below(str(base_of(path)), without=str(state), links=False)


def _schema_files(source: Source, state: Path) -> Iterator[str]:
    """Give what decides a source's schema; that of a tree of files is always the same."""
    if source.format != "files":
        yield from _files_of(source, state)
    elif source.path:
        yield source.path


def _schema(find: Callable[[], pa.Schema], known: Lock | None, name: str) -> pa.Schema:
    """Return a source's schema; one that is not there has the known one."""
    try:
        return find()
    except SourceMissing:
        if known is None or name not in known.sources:
            raise
        return source_schema(known, name)


def _declared(source: Source) -> str:
    """Return what of a source's declaration decides its schema."""
    facts = (source.format, source.path, source.include, source.exclude, source.delimiter)
    return repr((*facts, source.header))


def checked(compiler: Compiler) -> Graph:
    """Return the graph of what was compiled; raise all that is wrong with it."""
    Problems.raise_if(compiler.errors)
    graph = Graph(compiler.tasks.values(), compiler.sources)
    Problems.raise_if(check_graph(graph, compiler.fresh))
    return graph
