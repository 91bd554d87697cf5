"""World: the ports of the core in memory, with a crash, a failure or a delay wherever one asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cpgbuild.core.builder import Builder, Outcome
from cpgbuild.core.builder import World as Ports
from cpgbuild.core.events import Event, Planned
from cpgbuild.core.evidence import Evidence, Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.planner import plan
from cpgbuild.core.ports import Order, Result, Tick
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.selection import Request, select
from cpgbuild.core.task import Lane, Requirement, Task, TaskKind
from cpgbuild.core.trace import Trace
from cpgbuild.errors.run import Cancelled
from cpgbuild.state.journal import Journal
from tests.property.recipes import Made, Project, Recipe, Table

OUTPUT = Schema((Column("v", "int64"), Column("x", "int64")))


class Crash(BaseException):
    """The process died here. A BaseException, so that nothing catches it by mistake."""


def compiled(project: Project) -> Graph:
    """Return the graph that a compiler would have made of the recipes."""
    return Graph(
        [_task(project, r) for r in project.recipes.values()],
        {name: _source_schema(project, name) for name in project.sources},
    )


def _source_schema(project: Project, name: str) -> Schema:
    source = project.sources[name]
    return Schema((Column("v", "int64"), Column("x", source.x), Column("unread", source.unread)))


def _task(project: Project, recipe: Recipe) -> Task:
    requires = []
    for read in recipe.reads:
        there = _source_schema(project, read.dataset) if read.dataset in project.sources else OUTPUT
        columns = [there.get(c) for c in read.columns]
        requires.append(Requirement(read.dataset, tuple(c for c in columns if c)))
    return Task(
        recipe.name,
        recipe.dataset,
        TaskKind(recipe.kind),
        tuple(requires),
        Fingerprint(recipe.meaning),
        OUTPUT,
        recipe.output,
        Lane(recipe.lane),
        recipe.priority,
        volatile=("random",) if recipe.volatile else (),
    )


@dataclass
class World:
    """An engine and a store over one project. What is not in `project` or the file dies in a crash."""

    project: Project
    path: Path
    broken: set[str] = field(default_factory=set)
    effects_left: int | None = None
    pick: Callable[[int], int] = lambda _: 0
    lanes: dict[Lane, int] = field(default_factory=lambda: {Lane.ENGINE: 1, Lane.PYTHON: 2})
    ran: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    era: int = 0
    _running: dict[str, tuple[Order, int, Made]] = field(default_factory=dict)
    _cancelled: bool = False
    _runs: int = 0

    def effect(self) -> None:
        """Count something that the outside world can see; die here if it is time to."""
        if self.effects_left is not None:
            if self.effects_left == 0:
                raise Crash
            self.effects_left -= 1

    # -- the engine --------------------------------------------------------------------------

    def evidence(self, dataset: str) -> Evidence | None:
        self.effect()
        if dataset in self.project.sources:
            value = self.project.sources[dataset].value
            return Evidence(_source_schema(self.project, dataset), Fingerprint(f"value {value}"))
        table = self.project.tables.get(dataset)
        return Evidence(OUTPUT, Fingerprint(table.token)) if table else None

    def trace(self, output: str) -> Trace | None:
        self.effect()
        table = self.project.tables.get(output)
        return Trace.from_json(table.trace) if table else None

    def start(self, order: Order) -> None:
        self.effect()
        recipe = self.project.recipes[order.task.name]
        busy = Counter(self.project.recipes[n].lane for n in self._running)
        assert busy[recipe.lane] < self.lanes[Lane(recipe.lane)], "a lane holds too many tasks"
        assert not self.project.above(recipe.name) & self._running.keys(), "an input is being made"
        # What it reads, it reads now; what it makes of that is seen when it commits.
        try:
            value = self.project.apply(recipe, self.project.stored)
        except KeyError as missing:
            raise AssertionError(f"{recipe.name} reads {missing}, which is not there") from None
        made = Made(recipe.name, recipe.meaning, self.project.saw(recipe, self.era))
        self._running[recipe.name] = (order, value, made)
        self.effect()

    def wait(self) -> Result | Tick:
        self.effect()
        name = sorted(self._running)[self.pick(len(self._running))]
        order, value, made = self._running[name]
        if self.pick(5) == 4:
            return Tick(name, 1)
        del self._running[name]
        if self._cancelled:
            return Result(name, None, error=Cancelled(name))
        if name in self.broken:
            return Result(name, None, error=RuntimeError("broken"))
        self._runs += 1
        token = f"run {self.era}.{self._runs}"
        wrote = Stamp(OUTPUT.fingerprint, Fingerprint(token))
        trace = Trace(name, order.task.plan, order.reads, wrote, rows=1)
        self.ran.append(name)
        self.project.tables[order.task.output] = Table(value, token, made, trace.to_json())
        self.effect()
        return Result(name, trace, Evidence(OUTPUT, wrote.data))

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
        try:
            self.effect()
        except Crash:
            # Only some of the bytes got to the disk.
            data = self.path.read_bytes()
            self.path.write_bytes(data[: before + self.pick(len(data) - before + 1)])
            raise

    def report(self, event: Event) -> None:
        self.effect()
        self.events.append(event)

    # -- whole builds ------------------------------------------------------------------------

    def plan(self, request: Request) -> list[Planned]:
        """Plan as the command does."""
        graph = compiled(self.project)
        selection = select(graph, request)
        traces = self.load()
        return plan(graph, Rebuilder(graph, self, traces, selection, "a plan"), selection)

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
        graph = compiled(self.project)
        selection = select(graph, request)
        rebuilder = Rebuilder(graph, self, self.load(), selection, f"build {self.era}")
        ports = Ports(self, self, self.report, self.lanes, keep_going)
        return Builder(graph, rebuilder, selection, ports).build(interrupted)

    def wanted(self, targets: Iterable[str]) -> set[str]:
        """Return, by the oracle, the tasks that a request for these datasets is about."""
        datasets = list(targets)
        if not datasets:
            return set(self.project.recipes)
        direct = {r.name for d in datasets for r in self.project.producers(d)}
        return direct | {n for name in direct for n in self.project.above(name)}
