"""Building: what brings a project up to date, and what would."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from cpgbuild.core import planner
from cpgbuild.core.builder import Builder, Outcome, World
from cpgbuild.core.events import Action, UpToDate
from cpgbuild.core.history import Recorder
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.selection import Request, select
from cpgbuild.core.settled import settled
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.project import config
from cpgbuild.state.answers import keep_answer, last_answer
from cpgbuild.state.holder import held
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import write_lock
from cpgbuild.state.plans import mark_of
from cpgbuild.workspace import also, opened, touched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cpgbuild.core.events import Event, Planned
    from cpgbuild.core.explanation import Explanation
    from cpgbuild.core.ports import Reporter
    from cpgbuild.core.rebuilder import Decision
    from cpgbuild.core.selection import Selection
    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.broken import Broken
    from cpgbuild.project.config import Overrides
    from cpgbuild.state.observed import Observed
    from cpgbuild.workspace import Workspace

    Observer = Callable[[Workspace], AbstractContextManager[Reporter]]


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
    look = overrides in (None, config.Overrides()) and not force
    request = Request(tuple(targets), tuple(exclude), tuple(force))
    with opened(project, overrides, look=look, request=request, views=False) as workspace:
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
        before = (decision.previous for decision, _ in decided if decision.task.stored)
        saved = sum(trace.seconds for trace in before if trace is not None)
        keep_answer(workspace.state, targets, exclude, marks, looked, saved)
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


def decided(workspace: Workspace, selection: Selection) -> list[tuple[Decision, Action]]:
    """Return what a build would do with each selected task, in its order. Keeps nothing of it."""
    with closing(workspace.engine()) as engine:
        rebuilder = Rebuilder(workspace.graph, engine, workspace.journal.load(), selection)
        return list(planner.decisions(workspace.graph, rebuilder, selection))


def why(
    name: str,
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
) -> list[Explanation]:
    """Return, for each task that makes a dataset, what a build would do with it and why.

    Raises:
        UnknownTarget: nothing is named so.
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
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
) -> Iterator[tuple[Workspace, Builder]]:
    """Give what brings a request's tasks up to date, and hold the warehouse for the time of it.

    Of the tasks only those `among` some, where these are named: what else they read is left as it
    is. What was done is kept at the end.

    Raises:
        CpgbuildError: the request or the project is wrong, or another build holds the warehouse.
    """
    look = overrides in (None, config.Overrides()) and not request.force
    with opened(project, overrides, look=look, request=request) as workspace:
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


def _all_told(reporters: Sequence[Reporter]) -> Reporter:
    """Return who tells all of these what happens."""

    def tell(event: Event) -> None:
        for reporter in reporters:
            reporter(event)

    return tell


def _silent(_event: Event) -> None:
    return
