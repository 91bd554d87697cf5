"""The commands as functions: where projects, plans, state and engine are put together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core import picture, planner
from cpgbuild.core.builder import Builder, Outcome, World
from cpgbuild.core.events import Action, UpToDate
from cpgbuild.core.graph import Graph
from cpgbuild.core.history import Recorder
from cpgbuild.core.impact import Impact, column_impact, impact_since, lost
from cpgbuild.core.lock import Aspect, Change, Difference, LockedTask, differences, lock_of
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.selection import Request, select
from cpgbuild.core.settled import settled
from cpgbuild.core.task import TaskKind
from cpgbuild.datasets import open_project
from cpgbuild.doctor import doctor
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.errors.state import SourceNotLocked
from cpgbuild.inventory import listed
from cpgbuild.lineage import cell_named, lineage
from cpgbuild.past import diff, history, states
from cpgbuild.plan.compiler import Compiler
from cpgbuild.project import config
from cpgbuild.project.discovery import discover
from cpgbuild.project.modules import importable
from cpgbuild.state.answers import keep_answer, last_answer
from cpgbuild.state.holder import held
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import (
    is_current,
    parse_lock,
    read_lock,
    read_text,
    source_schema,
    write_lock,
)
from cpgbuild.state.lock import planner as planner_text
from cpgbuild.state.plans import mark_of
from cpgbuild.state.repository import text_at
from cpgbuild.upkeep import check, clean
from cpgbuild.workspace import also, checked, opened, touched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from cpgbuild.core.events import Event, Planned
    from cpgbuild.core.explanation import Explanation
    from cpgbuild.core.lock import Lock
    from cpgbuild.core.ports import Reporter
    from cpgbuild.core.selection import Selection
    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.broken import Broken
    from cpgbuild.plan.definition import Definition
    from cpgbuild.plan.planning import Planning
    from cpgbuild.project.config import Overrides, Project
    from cpgbuild.state.observed import Observed
    from cpgbuild.workspace import Workspace

    Observer = Callable[[Workspace], AbstractContextManager[Reporter]]

__all__ = [
    "Since",
    "build",
    "clean",
    "diff",
    "graph",
    "history",
    "impact",
    "lineage",
    "listed",
    "locked",
    "open_project",
    "plan",
    "since",
    "states",
    "why",
]

__all__ = [
    "Since",
    "build",
    "check",
    "clean",
    "config",
    "doctor",
    "graph",
    "impact",
    "locked",
    "plan",
    "since",
    "why",
]


def plan(
    project: str | Path = ".",
    *,
    targets: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: Sequence[str] = (),
    overrides: Overrides | None = None,
    planning: Planning | None = None,
) -> list[Planned]:
    """Return what `build` would do with each task, in its order, and why. Runs nothing.

    `planning` says meanwhile, to another thread, how far it is; so it does for other commands.

    Raises:
        CpgbuildError: the request or the project is wrong.
    """
    look = overrides in (None, config.Overrides()) and not force
    request = Request(tuple(targets), tuple(exclude), tuple(force))
    with opened(
        project, overrides, look=look, request=request, views=False, planning=planning
    ) as workspace:
        selection = select(workspace.graph, request)
        return _planned(workspace, selection, targets, exclude)


def _planned(
    workspace: Workspace, selection: Selection, targets: Sequence[str], exclude: Sequence[str]
) -> list[Planned]:
    """Plan; if there is nothing to do, keep that, for as long as all that it rests on is the same.

    What was looked at, was so before anything was decided upon it.
    """
    looked = workspace.looked and also(workspace.looked, _results(workspace))
    traces = workspace.journal.load()
    marks = _marks(workspace, selection, traces)
    settled = _settled(workspace, looked, marks, targets, exclude)
    engine = workspace.engine()
    rebuilder = Rebuilder(workspace.graph, engine, traces, selection, settled)
    decided = list(planner.decisions(workspace.graph, rebuilder, selection))
    skips = all(action is Action.SKIP for _, action in decided)
    # A build has something to write down where an input is another version of the same rows.
    if looked and skips and not any(rebuilder.renewed(decision) for decision, _ in decided):
        keep_answer(workspace.state, targets, exclude, marks, looked)
    sharing = planner.sharing(workspace.graph, rebuilder, engine, decided)
    return planner.planned(workspace.graph, decided, sharing)


def _marks(
    workspace: Workspace, selection: Selection, traces: Mapping[str, Trace]
) -> dict[str, str]:
    """Return, for each selected task, what stands for its plan and its last run."""
    known, tasks = workspace.plans.marks, workspace.graph.tasks
    plans = {
        name: known[name] + "".join(known[check.name] for check in tasks[name].checks)
        for name in sorted(selection.tasks)
    }
    runs = {name: mark_of(traces[name].mark) for name in plans if name in traces}
    return {name: plan + runs.get(name, "") for name, plan in plans.items()}


def _settled(
    workspace: Workspace,
    looked: Observed | None,
    marks: Mapping[str, str],
    targets: Sequence[str],
    exclude: Sequence[str],
) -> frozenset[str]:
    """Return the tasks that were up to date the last time, and that nothing came near since."""
    last = last_answer(workspace.state, targets, exclude) if looked else None
    if looked is None or last is None:
        return frozenset()
    then, before = last
    paths = looked.differences(then)
    near = touched(workspace, paths) if paths is not None else None
    if near is None:
        return frozenset()
    changed = {name for name, mark in marks.items() if before.get(name) != mark}
    return settled(workspace.graph, before.keys() & marks.keys(), changed | near)


def _results(workspace: Workspace) -> Iterator[str]:
    """Give all local files and folders that builds write."""
    yield from (str(workspace.project.root / LOCK), str(workspace.traces))
    for output in workspace.outputs:
        yield from workspace.warehouse.marks(output)


def why(
    name: str,
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
    planning: Planning | None = None,
) -> list[Explanation]:
    """Return, for each task that makes a dataset, what a build would do with it and why.

    Raises:
        UnknownTarget: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides, planning=planning) as workspace:
        selection = select(workspace.graph, Request((name,)))
        wanted = workspace.graph.makers(name)
        if not all(task.stored for task in wanted):
            # Only what reads a view can say whether it is another.
            selection = select(workspace.graph, Request((name, f"{name}+")))
        engine = workspace.engine()
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
    observers: Sequence[Observer] = (),
    interrupted: Callable[[], bool] = lambda: False,
    planning: Planning | None = None,
) -> Outcome:
    """Bring the targets (all, where none is named) up to date with the fewest runs.

    A task that fails is in the outcome and in the events that `report` takes, not raised. So do
    `observers`, each for the time of a context that it makes of the open project.

    Raises:
        CpgbuildError: the request or the project is wrong; nothing ran.
    """
    request = Request(tuple(targets), tuple(exclude), tuple(force))
    with building(
        project,
        request,
        overrides,
        report=report,
        observers=observers,
        keep_going=keep_going,
        planning=planning,
    ) as (_, builder):
        return builder.build(interrupted)


@contextmanager
def building(  # noqa: PLR0913 -- what a build is made of
    project: str | Path,
    request: Request,
    overrides: Overrides | None = None,
    *,
    among: Collection[str] | None = None,
    report: Reporter | None = None,
    observers: Sequence[Observer] = (),
    keep_going: bool = False,
    planning: Planning | None = None,
) -> Iterator[tuple[Workspace, Builder]]:
    """Give what brings a request's tasks up to date, and hold the warehouse for the time of it.

    Of the tasks only those `among` some, where these are named: what else they read is left as it
    is. What was done is kept at the end.

    Raises:
        CpgbuildError: the request or the project is wrong, or another build holds the warehouse.
    """
    look = overrides in (None, config.Overrides()) and not request.force
    with opened(project, overrides, look=look, request=request, planning=planning) as workspace:
        wanted = select(workspace.graph, request)
        selection = wanted if among is None else wanted.among(among)
        workspace.warehouse.check()
        with held(workspace.holder, workspace.warehouse.location):
            # A lock is of the whole project.
            if workspace.compiler.is_whole and not workspace.project.overridden:
                write_lock(workspace.project.root, workspace.locked)
            workspace.warehouse.sweep(workspace.outputs)
            engine = workspace.engine()
            traces = workspace.journal.load()
            looked = workspace.looked and also(workspace.looked, _results(workspace))
            marks = _marks(workspace, selection, traces)
            known = _settled(workspace, looked, marks, request.targets, request.exclude)
            rebuilder = Rebuilder(workspace.graph, engine, traces, selection, known)
            recorder, lanes = Recorder(report or _silent), workspace.project.lanes
            with ExitStack() as watching:
                watching.callback(engine.close)
                told = [watching.enter_context(observer(workspace)) for observer in observers]
                reporter = _all_told([recorder, _forgetting(workspace.broken), *told])
                world = World(engine, workspace.journal, reporter, lanes, keep_going)
                builder = Builder(workspace.graph, rebuilder, selection, world)
                yield workspace, builder
            if recorder.runs:
                asked = request.targets if selection == wanted else sorted(selection.tasks)
                workspace.history.add(recorder.record(builder.outcome, asked))
            if workspace.looked and selection == wanted and builder.outcome.is_well:
                _keep_current(workspace, selection, request)


def _keep_current(workspace: Workspace, selection: Selection, request: Request) -> None:
    """Keep whether the next build has nothing to do, so that it need not look for itself."""
    again = replace(workspace, warehouse=Warehouse(workspace.warehouse.location))
    with suppress(CpgbuildError):
        _planned(again, selection, request.targets, request.exclude)


def _forgetting(broken: Broken) -> Reporter:
    """Return who forgets the bad rows of what turns out to be up to date."""
    kept = broken.outputs

    def forget(event: Event) -> None:
        if isinstance(event, UpToDate) and event.task.output in kept:
            broken.forget(event.task.output)

    return forget


def impact(
    name: str,
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
    planning: Planning | None = None,
) -> list[Impact]:
    """Return the tasks downstream of a dataset or task, nearest first.

    `name` may be a column, as `orders.amount`: then they are those that its values reach.

    Raises:
        UnknownTarget, UnknownColumn: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides, planning=planning) as workspace:
        return _downstream(workspace, name)


def _downstream(workspace: Workspace, name: str) -> list[Impact]:
    graph = workspace.graph
    if graph.find(name) is not None or name in workspace.project.sources:
        return graph.impact(name)
    dataset, column = cell_named(workspace, name)
    return column_impact(graph, dataset, column, workspace.compiler.lineage)


@dataclass(frozen=True, slots=True)
class Since:
    """What became of a project: the tasks that are reached, and what is gone or is no task."""

    impacts: list[Impact]
    others: list[Difference]


def since(
    ref: str,
    project: str | Path = ".",
    *,
    name: str | None = None,
    overrides: Overrides | None = None,
) -> Since:
    """Return what the way from the lock at a git commit to the project as it is now reaches.

    Of a source that is not there the schema is that in `cpgbuild.lock`. With a name, only what
    lies downstream of it.

    Raises:
        NoRepository, UnknownRef, NoLockAtRef: git does not give the lock.
        CpgbuildError: that lock, the request or the project is wrong.
    """
    path = config.find_root(Path(project)) / LOCK
    old = parse_lock(text_at(ref, path), f"{ref}:{LOCK}")
    known = read_lock(path) if path.exists() else old
    with opened(project, overrides, known) as workspace:
        new = lock_of(workspace.locked, planner_text())
        impacts, others = impact_since(old, new, workspace.graph), list(lost(old, new))
        if name is not None:
            behind = {found.task.name for found in _downstream(workspace, name)}
            impacts = [found for found in impacts if found.task.name in behind]
            others = [other for other in others if other.name == name]
        return Since(impacts, others)


def locked(project: str | Path = ".") -> list[Difference]:
    """Return how `cpgbuild.lock` differs from what a build would write: not at all, if it is good.

    Looks at no data: the sources' schemas are those in the lock. Writes nothing.

    Raises:
        LockMissing, LockUnreadable, LockVersion: there is no lock to compare with.
        CpgbuildError: the project is wrong.
    """
    root = config.find_root(Path(project))
    loaded, text = config.load(root), read_text(root / LOCK)
    lock = parse_lock(text, str(root / LOCK))
    with importable(root):
        found = discover(loaded)
        Problems.raise_if(found.errors)
        definitions = found.definitions
        compiler, missing = _planned_on(lock, definitions, loaded)
        graph = Graph(compiler.portable(), checked(compiler).sources)
    differing = differences(lock, lock_of(graph, planner_text()))
    if missing:
        tasks = (d for d in definitions if d.kind is not TaskKind.CHECK)
        unplanned = [d for d in tasks if d.name not in compiler.tasks]
        return _unlocked(missing, unplanned, differing)
    if not differing and not is_current(text, graph):
        return [Difference("", (Change(Aspect.TEXT, "it is not as cpgbuild writes it"),))]
    return differing


def _planned_on(
    lock: Lock, definitions: Sequence[Definition], loaded: Project
) -> tuple[Compiler, list[str]]:
    """Return the plans of what can be planned on a lock's sources, and the sources that it lacks.

    Raises:
        CpgbuildError: something else is wrong with a plan.
    """
    schemas = {name: partial(source_schema, lock, name) for name in loaded.sources}
    compiler = Compiler(definitions, schemas, loaded.variables, loaded.root)
    compiler.compile_all()
    missing = [e.source for e in compiler.errors if isinstance(e, SourceNotLocked)]
    if missing:
        Problems.raise_if([e for e in compiler.errors if not isinstance(e, SourceNotLocked)])
        rest = [d for d in definitions if d.name in compiler.tasks]
        compiler, _ = _planned_on(lock, rest, loaded)
    return compiler, missing


def _unlocked(
    missing: Iterable[str], unplanned: Iterable[Definition], found: Iterable[Difference]
) -> list[Difference]:
    """Return the differences where some tasks cannot be planned for want of their sources."""
    blind = {d.name: LockedTask(d.name, d.dataset, str(d.kind)) for d in unplanned}
    why = Change(Aspect.UNLOCKED, "needs a source that is not in the lock")
    sources = [Difference(name, (Change(Aspect.ADDED),)) for name in missing]
    known = [d for d in found if d.name not in blind and (d.task or _is_there(d))]
    return [*sources, *known, *(Difference(n, (why,), task) for n, task in sorted(blind.items()))]


def _is_there(source: Difference) -> bool:
    """Return whether a source is read still; its readers may be among what was not planned."""
    return all(change.aspect is not Aspect.REMOVED for change in source.changes)


def graph(
    project: str | Path = ".", *, form: str = "dot", overrides: Overrides | None = None
) -> str:
    """Return the graph of datasets as text: `dot`, `mermaid`, `json` or `svg`.

    Raises:
        CpgbuildError: the project is wrong.
    """
    forms = {"dot": picture.dot, "mermaid": picture.mermaid, "svg": picture.svg}
    draw = (forms | {"json": picture.as_json})[form]
    with opened(project, overrides) as workspace:
        return draw(workspace.graph)


def _all_told(reporters: Sequence[Reporter]) -> Reporter:
    """Return who tells all of these what happens."""

    def tell(event: Event) -> None:
        for reporter in reporters:
            reporter(event)

    return tell


def _silent(_event: Event) -> None:
    return
