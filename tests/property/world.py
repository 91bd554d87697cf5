"""World: the ports of the core in memory, with a crash, a failure or a delay wherever one asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cpgbuild.core.builder import Builder, Outcome
from cpgbuild.core.builder import World as Ports
from cpgbuild.core.events import Event, Planned
from cpgbuild.core.evidence import Columns, Evidence, Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.planner import plan
from cpgbuild.core.ports import Order, Past, Result, Tick
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.selection import Request, Selection, select
from cpgbuild.core.task import Lane, Requirement, Task, TaskKind
from cpgbuild.core.trace import Trace
from cpgbuild.errors.run import Cancelled
from cpgbuild.state.journal import Journal
from tests.property.recipes import Made, Project, Recipe, Rows, SourceState, Table

OUTPUT = Schema((Column("v", "int64"), Column("x", "int64")))
ALL: Columns = ("v", "x")
EACH: tuple[Columns, ...] = ((), ("v",), ("x",), ALL)
HEADER = b'{"cpgbuild-traces":1}\n'


class Crash(BaseException):
    """The process died here. A BaseException, so that nothing catches it by mistake."""


def compiled(project: Project) -> Graph:
    """Return the graph that a compiler would have made of the recipes."""
    return Graph(
        [_task(project, r) for r in project.recipes.values()],
        {name: _schema(project, name) for name in project.sources},
    )


def _schema(project: Project, leaf: str) -> Schema:
    source = project.sources.get(leaf)
    if source is None:
        return OUTPUT
    return Schema((Column("v", "int64"), Column("x", source.x), Column("unread", source.unread)))


def _requirement(project: Project, name: str, columns: Iterable[str]) -> Requirement:
    schema = _schema(project, name)
    return Requirement(name, tuple(c for c in map(schema.get, columns) if c))


def _task(project: Project, recipe: Recipe) -> Task:
    meaning = project.meaning(recipe)
    return Task(
        recipe.name,
        recipe.dataset,
        TaskKind(recipe.kind),
        tuple(_requirement(project, r.dataset, r.of(ALL)) for r in recipe.reads),
        _plan(meaning.plan),
        OUTPUT,
        recipe.output,
        Lane(recipe.lane),
        recipe.priority,
        volatile=("random",) if meaning.volatile else (),
        unstable=("row_number",) if meaning.unstable else (),
        leaves=tuple(_requirement(project, *leaf) for leaf in meaning.leaves.items()),
        query=_plan(meaning.query),
        views=tuple((name, _plan(view)) for name, view in meaning.views.items()),
        kept=recipe.kind == "view" and project.stored(recipe),
    )


def _plan(number: int) -> Fingerprint:
    return Fingerprint(f"plan {number}")


def _version(version: object) -> Fingerprint:
    return Fingerprint(f"version {version}")


def _data(rows: Rows, columns: Columns) -> Fingerprint:
    return Fingerprint(f"{columns} {rows.of(columns)}")


@dataclass
class World:
    """An engine and a store over one project. What is not in `project` or the file dies in a crash.

    `memories` has, for each line of the file, what the oracle remembers by it.
    """

    project: Project
    path: Path
    broken: set[str] = field(default_factory=set)
    effects_left: int | None = None
    pick: Callable[[int], int] = lambda _: 0
    lanes: dict[Lane, int] = field(default_factory=lambda: {Lane.ENGINE: 1, Lane.PYTHON: 2})
    ran: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    era: int = 0
    memories: dict[bytes, Made] = field(default_factory=dict)
    old_sources: dict[str, list[SourceState]] = field(default_factory=dict)
    old_recipes: list[dict[str, Recipe]] = field(default_factory=list)
    version: str = "fake 1.0"
    _running: dict[str, tuple[Order, Table]] = field(default_factory=dict)
    _cancelled: bool = False

    def __post_init__(self) -> None:
        self._remember()

    def _remember(self) -> None:
        """Keep what sources and recipes are, so that an edit may go back to it."""
        for name, state in self.project.sources.items():
            self.old_sources.setdefault(name, []).append(state)
        self.old_recipes.append(self.project.recipes)

    def effect(self) -> None:
        """Count something that the outside world can see; die here if it is time to."""
        if self.effects_left is not None:
            if self.effects_left == 0:
                raise Crash
            self.effects_left -= 1

    # -- the engine --------------------------------------------------------------------------

    def evidence(self, name: str) -> Evidence | None:
        self.effect()
        source = self.project.sources.get(name)
        if source is not None:
            data = {c: _data(source.rows, c) for c in EACH} if source.eager else {}
            return Evidence(_schema(self.project, name), _version(source.version), data)
        table = self.project.tables.get(name)
        if table is None:
            return None
        data = {c: _data(table.rows, c) for c in table.known}
        return Evidence(OUTPUT, _version(table.version), data)

    def data(self, name: str, columns: Columns) -> Fingerprint:
        self.effect()
        assert columns == tuple(sorted(columns))
        source = self.project.sources.get(name)
        return _data(source.rows if source else self.project.tables[name].rows, columns)

    def data_then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        self.effect()
        assert columns == tuple(sorted(columns))
        source = self.project.sources.get(name)
        states: list[SourceState | Table] = [*self.project.past.get(name, ())]
        if source is not None and not source.eager:
            states += [source, *self.project.past_sources.get(name, ())]
        elif source is None:
            states += [self.project.tables[name]] if name in self.project.tables else []
        found = (s.rows for s in states if _version(s.version) == version)
        return next((_data(rows, columns) for rows in found), None)

    def trace(self, output: str) -> Trace | None:
        self.effect()
        table = self.project.tables.get(output)
        return Trace.from_json(table.trace) if table else None

    def query(self, task: Task) -> Fingerprint:
        return task.query

    def is_costly(self, view: Task) -> bool:
        return True

    def today(self, output: str, trace: Trace) -> Trace:
        raise AssertionError(f"no version of {output} is another: {trace}")

    def past(self, output: str) -> Iterator[Past]:
        for table in reversed(self.project.past.get(output, ())):
            self.effect()
            trace = Trace.from_json(table.trace)
            if trace is not None:
                yield Past(table.number, trace)

    def start(self, order: Order) -> None:
        self.effect()
        recipe = self.project.recipes[order.task.name]
        busy = Counter(self.project.recipes[n].lane for n in self._running)
        assert busy[recipe.lane] < self.lanes[Lane(recipe.lane)], "a lane holds too many tasks"
        assert not self.project.above(recipe.name) & self._running.keys(), "an input is being made"
        self._check(order)
        # What it reads, it reads now; what it makes of that is seen when it commits.
        if order.restore is not None:
            made = self.project.restored(recipe, order.restore.version)
        else:
            made = self.project.run(recipe, self.era)
        self._running[recipe.name] = (order, made)
        self.effect()

    def _check(self, order: Order) -> None:
        """What is ordered is true of what is there."""
        wanted = {leaf.dataset: self._stamp(leaf) for leaf in order.task.leaves}
        assert order.reads == wanted, "an order is not for what is there"
        if order.previous is not None:
            assert order.previous.plan == order.task.plan, "it builds upon rows of another plan"
            table = self.project.tables[order.task.output]
            assert order.previous.wrote.version == _version(table.version), "it builds upon nothing"

    def _stamp(self, leaf: Requirement) -> Stamp:
        there = self.project.sources.get(leaf.dataset)
        known = there.eager if there else leaf.names in self.project.tables[leaf.dataset].known
        state = there or self.project.tables[leaf.dataset]
        data = _data(state.rows, leaf.names) if known else None
        seen = _schema(self.project, leaf.dataset).restricted(leaf.names)
        return Stamp(seen.fingerprint, _version(state.version), data)

    def wait(self) -> Result | Tick:
        self.effect()
        name = sorted(self._running)[self.pick(len(self._running))]
        order, made = self._running[name]
        if self.pick(5) == 4:
            return Tick(name, 1)
        del self._running[name]
        if self._cancelled:
            return Result(name, None, error=Cancelled(name))
        if name in self.broken:
            return Result(name, None, error=RuntimeError("broken"))
        if order.restore is None:
            self.ran.append(name)
        trace = self._trace(order, made)
        changed = self.project.commit(order.task.output, replace(made, trace=trace.to_json()))
        self.effect()
        return Result(name, trace, trace.evidence(OUTPUT), changed=changed, seconds=1.0)

    def _trace(self, order: Order, made: Table) -> Trace:
        task, version = order.task, _version(made.version)
        return Trace(
            task.name,
            task.plan,
            order.reads,
            Stamp(OUTPUT.fingerprint, version, version),
            {columns: _data(made.rows, columns) for columns in made.known},
            task.query,
            dict(task.views),
            rows=1,
            seconds=1.0,
        )

    def cancel(self) -> None:
        self._cancelled = True

    # -- the store and the reporter ----------------------------------------------------------

    def load(self) -> dict[str, Trace]:
        self.effect()
        return Journal(self.path).load()

    def record(self, trace: Trace) -> None:
        self.effect()
        before = self.path.stat().st_size if self.path.exists() else 0
        Journal(self.path).record(trace)
        self.memories[trace.to_json().encode()] = self._memory(trace)
        try:
            self.effect()
        except Crash:
            # Only some of the bytes got to the disk.
            data = self.path.read_bytes()
            self.path.write_bytes(data[: before + self.pick(len(data) - before + 1)])
            raise

    def _memory(self, trace: Trace) -> Made:
        """Return what a trace that is recorded now says, as it must be."""
        recipe = self.project.recipes[trace.task]
        if not self.project.stored(recipe):
            meaning = self.project.meaning(recipe)
            return Made(recipe.name, meaning.plan, meaning.query, meaning.views, {}, "a view")
        made = self.project.made(recipe, self.project.tables[recipe.output].version)
        assert trace.wrote.version == _version(made.wrote), "a trace of what is not there"
        assert trace.reads.keys() == made.saw.keys()
        saw = {}
        for leaf, columns in self.project.meaning(recipe).leaves.items():
            stamp = self._stamp(_requirement(self.project, leaf, columns))
            rows = (self.project.sources.get(leaf) or self.project.tables[leaf]).rows
            assert replace(trace.reads[leaf], data=None) == replace(stamp, data=None), "a lie"
            assert trace.reads[leaf].data in {None, _data(rows, columns)}, "a lie"
            saw[leaf] = replace(made.saw[leaf], known=trace.reads[leaf].data is not None)
        return replace(made, saw=saw)

    def remembered(self) -> dict[str, Made]:
        """Return what is remembered between builds, by the whole lines of the file."""
        data = self.path.read_bytes() if self.path.exists() else b""
        lines = data.split(b"\n")[:-1] if data.startswith(HEADER) else []
        known = [self.memories[line] for line in lines if line in self.memories]
        return {memory.task: memory for memory in known}

    def report(self, event: Event) -> None:
        self.effect()
        self.events.append(event)

    # -- whole builds ------------------------------------------------------------------------

    def _decider(self, request: Request) -> tuple[Graph, Rebuilder, Selection]:
        graph = compiled(self.project)
        selection = select(graph, request)
        return graph, Rebuilder(graph, self, self.load(), selection), selection

    def plan(self, request: Request) -> list[Planned]:
        """Plan as the command does."""
        return plan(*self._decider(request))

    def build(
        self,
        request: Request,
        *,
        keep_going: bool = False,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Build as the command does; afterwards `ran` and `events` say what happened."""
        self.era += 1
        self.ran, self.events, self._running, self._cancelled = [], [], {}, False
        self._remember()
        graph, rebuilder, selection = self._decider(request)
        ports = Ports(self, self, self.report, self.lanes, keep_going)
        return Builder(graph, rebuilder, selection, ports).build(interrupted)

    def ended(self, *kinds: type[Event]) -> set[str]:
        """Return the names of the tasks with which the last build ended so."""
        return {e.task.name for e in self.events if isinstance(e, kinds)}  # type: ignore[union-attr]

    # -- names -------------------------------------------------------------------------------

    def datasets(self) -> list[str]:
        return sorted({r.dataset for r in self.project.recipes.values()})

    def task(self, pick: int) -> str:
        names = list(self.project.recipes)
        return names[pick % len(names)]

    def wanted(self, targets: Iterable[str]) -> set[str]:
        """Return, by the oracle, the tasks that a request for these datasets is about."""
        datasets = list(targets)
        if not datasets:
            return set(self.project.recipes)
        direct = {r.name for d in datasets for r in self.project.producers(d)}
        return direct | {n for name in direct for n in self.project.above(name)}
