"""The commands as functions: where projects, plans, state and engine are put together."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core import picture, planner
from cpgbuild.core.builder import Builder, Outcome, World
from cpgbuild.core.graph import Graph
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.selection import Request, select
from cpgbuild.core.validate import check_graph
from cpgbuild.engine.cleaning import clean as clean_table
from cpgbuild.engine.context import Limits
from cpgbuild.engine.data import Data
from cpgbuild.engine.datafusion_engine import DataFusionEngine
from cpgbuild.engine.sources import Sources
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.project import UnknownTarget
from cpgbuild.errors.report import Problems
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.contract import schema_of
from cpgbuild.project import config
from cpgbuild.project.discovery import discover
from cpgbuild.project.modules import importable
from cpgbuild.state.digests import KnownFiles, KnownRows, load_files, load_rows, save_digests
from cpgbuild.state.holder import held, warehouse_key
from cpgbuild.state.journal import Journal
from cpgbuild.state.lock import write_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cpgbuild.core.events import Event, Planned
    from cpgbuild.core.explanation import Explanation
    from cpgbuild.core.graph import Impact
    from cpgbuild.core.ports import Reporter
    from cpgbuild.engine.cleaning import Cleaned
    from cpgbuild.plan.compiled import Compiled
    from cpgbuild.project.config import Overrides, Project

STATE = ".cpgbuild"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project with all of its plans, ready to be asked or built."""

    project: Project
    graph: Graph
    compiled: Mapping[str, Compiled]
    sources: Sources
    warehouse: Warehouse
    files: KnownFiles = field(default_factory=dict)
    rows: KnownRows = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The folder of what is kept between builds."""
        return self.project.root / STATE

    @property
    def journal(self) -> Journal:
        """The traces of builds into this warehouse."""
        return Journal(self.state / f"traces-{warehouse_key(self.warehouse.location)}.jsonl")

    @property
    def holder(self) -> Path:
        """The folder whose lock file says that the warehouse is being built into."""
        location = self.warehouse.location
        return self.state if "://" in location else Path(location)


@contextmanager
def opened(project: str | Path = ".", overrides: Overrides | None = None) -> Iterator[Workspace]:
    """Load a project, plan all of its tasks, and check every edge, for the time of this block.

    Raises:
        CpgbuildError: what is wrong with the project; `Problems` where it is several things.
    """
    root = config.find_root(Path(project))
    loaded = config.load(root, overrides)
    with importable(root), ExitStack() as cleanup:
        definitions, errors = discover(loaded)
        Problems.raise_if(errors)
        state = root / STATE
        files, rows = load_files(state), load_rows(state)
        sources = cleanup.enter_context(closing(Sources(loaded.sources, files)))
        schemas = {name: partial(sources.schema, name) for name in loaded.sources}
        compiler = Compiler(definitions, schemas, loaded.variables, root)
        tasks = [one.task for one in compiler.compile_all()]
        Problems.raise_if(compiler.errors)
        graph = Graph(tasks, {n: schema_of(s) for n, s in compiler.sources.items()})
        Problems.raise_if(check_graph(graph))
        warehouse = Warehouse(loaded.warehouse)
        yield Workspace(loaded, graph, compiler.compiled, sources, warehouse, files, rows)
        save_digests(state, files, rows)


def plan(
    project: str | Path = ".",
    *,
    targets: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: Sequence[str] = (),
    overrides: Overrides | None = None,
) -> list[Planned]:
    """Return what `build` would do with each task, in its order, and why. Runs nothing.

    Raises:
        CpgbuildError: the request or the project is wrong.
    """
    with opened(project, overrides) as workspace:
        selection = select(workspace.graph, Request(tuple(targets), tuple(exclude), tuple(force)))
        engine = _engine(workspace)
        traces = workspace.journal.load()
        rebuilder = Rebuilder(workspace.graph, engine, traces, selection)
        return planner.plan(workspace.graph, rebuilder, selection)


def why(
    name: str, project: str | Path = ".", *, overrides: Overrides | None = None
) -> list[Explanation]:
    """Return, for each task that makes a dataset, what a build would do with it and why.

    Raises:
        UnknownTarget: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        selection = select(workspace.graph, Request((name,)))
        wanted = workspace.graph.makers(name)
        engine = _engine(workspace)
        rebuilder = Rebuilder(workspace.graph, engine, workspace.journal.load(), selection)
        decided = planner.decisions(workspace.graph, rebuilder, selection)
        return [engine.explain(d, action) for d, action in decided if d.task in wanted]


def build(  # noqa: PLR0913 -- the options of the command
    project: str | Path = ".",
    *,
    targets: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: Sequence[str] = (),
    overrides: Overrides | None = None,
    keep_going: bool = False,
    report: Reporter | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Bring the targets (all, where none is named) up to date with the fewest runs.

    A task that fails is in the outcome and in the events that `report` takes, not raised.

    Raises:
        CpgbuildError: the request or the project is wrong; nothing ran.
    """
    with opened(project, overrides) as workspace:
        selection = select(workspace.graph, Request(tuple(targets), tuple(exclude), tuple(force)))
        workspace.warehouse.check()
        with held(workspace.holder, workspace.warehouse.location):
            if not workspace.project.overridden:
                write_lock(workspace.project.root, workspace.graph)
            workspace.warehouse.sweep(t.output for t in workspace.graph.tasks.values() if t.stored)
            engine = _engine(workspace)
            traces = workspace.journal.load()
            rebuilder = Rebuilder(workspace.graph, engine, traces, selection)
            lanes = workspace.project.lanes
            world = World(engine, workspace.journal, report or _silent, lanes, keep_going)
            try:
                return Builder(workspace.graph, rebuilder, selection, world).build(interrupted)
            finally:
                engine.close()


def clean(
    project: str | Path = ".",
    *,
    keep: int = 10,
    hours: int = 168,
    dry_run: bool = False,
    overrides: Overrides | None = None,
) -> list[Cleaned]:
    """Free what old versions of the tables take up, but for what may be restored.

    The last `keep` states of each table stay, and what was replaced in the last `hours`.

    Raises:
        CpgbuildError: the project is wrong, or a build holds the warehouse.
    """
    with opened(project, overrides) as workspace:
        warehouse = workspace.warehouse
        outputs = [t.output for t in workspace.graph.tasks.values() if t.stored]
        with held(workspace.holder, warehouse.location):
            if not dry_run:
                warehouse.sweep(outputs)
            return [clean_table(warehouse, o, keep, hours, dry_run=dry_run) for o in outputs]


def impact(
    name: str, project: str | Path = ".", *, overrides: Overrides | None = None
) -> list[Impact]:
    """Return the tasks downstream of a dataset or task, nearest first.

    Raises:
        UnknownTarget: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        graph = workspace.graph
        if graph.find(name) is None and name not in workspace.project.sources:
            known = [*(d.name for d in graph.datasets), *graph.tasks, *workspace.project.sources]
            raise UnknownTarget(name, known)
        return graph.impact(name)


def graph(
    project: str | Path = ".", *, form: str = "dot", overrides: Overrides | None = None
) -> str:
    """Return the graph of datasets as text: `dot` or `mermaid`.

    Raises:
        CpgbuildError: the project is wrong.
    """
    draw = {"dot": picture.dot, "mermaid": picture.mermaid}[form]
    with opened(project, overrides) as workspace:
        return draw(workspace.graph)


def _engine(workspace: Workspace) -> DataFusionEngine:
    project, settings = workspace.project, workspace.project.engine
    data = Data(
        workspace.sources, workspace.warehouse, workspace.graph.tasks.values(), workspace.rows
    )
    return DataFusionEngine(
        workspace.compiled,
        workspace.sources,
        workspace.warehouse,
        project.root,
        data,
        Limits(settings.memory_limit, settings.threads, settings.deterministic),
    )


def _silent(_event: Event) -> None:
    return
