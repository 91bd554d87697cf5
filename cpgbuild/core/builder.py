"""Builder: scheduler x rebuilder x ports. One thread, so no locks in the core."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cpgbuild.core.check import CHECKED
from cpgbuild.core.events import (
    Built,
    Event,
    Expected,
    Failed,
    Progressed,
    Restored,
    SharedView,
    Skipped,
    Started,
    Unchanged,
    UpToDate,
)
from cpgbuild.core.evidence import Stamp
from cpgbuild.core.ports import Evaluated, Order, Result, Tick
from cpgbuild.core.reason import Cause
from cpgbuild.core.scheduler import Scheduler
from cpgbuild.core.sharing import TOO_LARGE, Sharing
from cpgbuild.core.trace import Trace
from cpgbuild.core.validate import check_edge
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.errors.run import Cancelled, InputMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cpgbuild.core.check import Passed
    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Engine, Reporter, Store
    from cpgbuild.core.rebuilder import Decision, Rebuilder
    from cpgbuild.core.selection import Selection
    from cpgbuild.core.task import Lane, Task

INTERRUPTED = "interrupted"
STOPPED = "the build stopped"
_COUNTED = {
    Built: "built",
    Unchanged: "unchanged",
    Restored: "restored",
    UpToDate: "up_to_date",
    Failed: "failed",
    Skipped: "skipped",
}


@dataclass(slots=True)
class Outcome:
    """How a build went, as counts of tasks; `interrupted` where a user stopped it.

    Of the tasks that were built `tables` wrote a table; the others are views, which cost nothing
    by themselves. Of those that are unchanged `checked` were not made again, but only looked at.
    `saved` is how long the tables that did not have to run took once, in seconds.
    """

    built: int = 0
    tables: int = 0
    unchanged: int = 0
    restored: int = 0
    up_to_date: int = 0
    failed: int = 0
    skipped: int = 0
    interrupted: bool = False
    saved: float = 0.0
    checked: int = 0

    @property
    def is_well(self) -> bool:
        """Whether nothing failed, and nobody stopped it."""
        return not (self.failed or self.interrupted)


@dataclass(frozen=True, slots=True)
class World:
    """The ports that one build works with, and how it goes on after a failure."""

    engine: Engine
    store: Store
    report: Reporter
    lanes: Mapping[Lane, int] = field(default_factory=dict)
    keep_going: bool = False


class Builder:
    """Brings the selected tasks up to date with the fewest runs."""

    def __init__(
        self, graph: Graph, rebuilder: Rebuilder, selection: Selection, world: World
    ) -> None:
        """Take what to build, who decides, and the ports."""
        self._graph = graph
        self._rebuilder = rebuilder
        self._world = world
        self._scheduler = Scheduler(graph, selection.tasks, rebuilder.seconds)
        self._selection = selection
        self._expected: set[str] = set()
        self._begun: set[str] = set()
        self._sharing = Sharing(graph, world.engine, rebuilder.traces, self._is_to_run)
        self._running: dict[str, Decision] = {}
        self._passed: dict[str, dict[str, Passed]] = {}
        self._stopping = ""
        self.outcome = Outcome()

    def build(self, interrupted: Callable[[], bool] = lambda: False) -> Outcome:
        """Run the readiness loop to its end; `interrupted` is asked between steps."""
        stored = (task for task in self._selected() if task.stored)
        self._expect([task for task in stored if self._rebuilder.would_run(task)])
        while True:
            if interrupted() and not self.outcome.interrupted:
                self._stop(INTERRUPTED)
                self.outcome.interrupted = True
                self._world.engine.cancel()
            self._start_ready()
            if not self._running:
                break
            self._wait()
        for task in self._scheduler.remaining():
            self._report(Skipped(task, self._stopping or STOPPED))
        return self.outcome

    def bring(self, name: str) -> None:
        """Bring one selected task up to date, in an order that somebody else keeps.

        All of the selected ones that it needs were brought before. How it ended, the event says.
        """
        self._take(self._graph.tasks[name])
        while self._running:
            self._wait()

    def _wait(self) -> None:
        """Wait until something that runs has something to tell, and take it."""
        match self._world.engine.wait():
            case Tick() as tick:
                if tick.task in self._running:
                    self._report(Progressed(tick.task, tick.rows))
            case Evaluated() as done:
                self._learn(done)
            case Result() as result:
                self._finish(result)

    def _selected(self) -> Iterator[Task]:
        yield from (self._graph.tasks[name] for name in sorted(self._selection.tasks))

    def _expect(self, tasks: list[Task]) -> None:
        """Tell of tables that may run, and of all behind them that were not told of."""
        if not tasks:
            return
        names = {task.name for task in tasks} | self._graph.downstream(tasks)
        names = (names & self._selection.tasks) - self._expected
        stored = [name for name in sorted(names) if self._graph.tasks[name].stored]
        self._expected |= names
        if stored:
            took = self._rebuilder.seconds
            self._report(Expected({name: took.get(name) for name in stored}))

    def _stop(self, why: str) -> None:
        self._stopping = self._stopping or why

    def _start_ready(self) -> None:
        while not self._stopping:
            task = self._scheduler.pop_ready(self._full_lanes())
            if task is None:
                return
            self._take(task)

    def _full_lanes(self) -> set[Lane]:
        busy = Counter(decision.task.lane for decision in self._running.values())
        return {lane for lane, n in busy.items() if n >= self._world.lanes.get(lane, 1)}

    def _take(self, task: Task) -> None:
        """Decide upon a ready task: settle it at once, or start it.

        What the task reads may be gone since it was planned; then it fails, and no other does.
        """
        try:
            if not self._rebuilder.is_settled(task):
                Problems.raise_if(self._edge_errors(task))
            decision = self._rebuilder.decide(task)
            renewed = self._rebuilder.renewed(decision)
        except CpgbuildError as error:
            self._fail(Failed(task, (), error, 0.0))
            return
        if not task.stored and not decision.checks:
            self._settle_view(decision)
        elif decision.reasons:
            self._start(decision)
        else:
            if renewed is not None:
                self._world.store.record(renewed)
            self._save(decision.previous)
            self._report(UpToDate(task))
            self._scheduler.succeed(task)

    def _start(self, decision: Decision) -> None:
        task = decision.task
        self._running[task.name] = decision
        if task.name not in self._expected:
            self._expect([task])
        self._report(Started(task, decision.reasons))
        upon = decision.recheck or decision.can_build_upon
        once = self._before(task) if decision.restore is None and not decision.recheck else ()
        order = Order(
            task,
            decision.reads,
            decision.previous if upon else None,
            decision.restore,
            once,
            decision.checks,
            decision.recheck,
        )
        if not decision.recheck:
            self._begun.add(task.name)
        self._world.engine.start(order)

    def _before(self, task: Task) -> tuple[Task, ...]:
        """Return the views to evaluate first; none where what others read cannot be looked at.

        That is for the others to fail of.
        """
        try:
            return self._sharing.behind(task)
        except CpgbuildError:
            return ()

    def _save(self, trace: Trace | None) -> None:
        self.outcome.saved += trace.seconds if trace else 0.0

    def _edge_errors(self, task: Task) -> list[CpgbuildError]:
        """Check every edge against the evidence that is really there."""
        errors: list[CpgbuildError] = []
        verified = (needed for check in task.checks for needed in check.requires)
        for requirement in (*task.requires, *verified):
            found = self._rebuilder.schema(requirement.dataset)
            if found is None:
                errors.append(InputMissing(task.name, requirement.dataset, task.place))
            else:
                errors += check_edge(task, requirement, found)
        return errors

    def _settle_view(self, decision: Decision) -> None:
        """A view costs nothing until something reads it: keep how it is defined now."""
        task = decision.task
        if decision.reasons:
            self._world.store.record(self._defined(task))
            self._report(Built(task, decision.reasons, None, 0.0))
        else:
            self._report(UpToDate(task))
        self._scheduler.succeed(task)

    def _defined(self, view: Task) -> Trace:
        """Return how a view is defined now; what it cost before, it costs about now too."""
        wrote = Stamp(view.schema.fingerprint, view.plan)
        trace = Trace(view.name, view.plan, {}, wrote, query=self._world.engine.query(view))
        before = self._rebuilder.traces.get(view.name)
        if before is not None and before.is_of_view:
            trace = replace(trace, rows=before.rows, seconds=before.seconds)
            trace.checked.update(before.checked)
        # What is no check any more, or another, is no proof of anything: its plan says so.
        trace.checked.update(self._passed.get(view.name, {}))
        return trace

    def _is_to_run(self, task: Task) -> bool:
        return task.name not in self._begun and self._rebuilder.would_run(task)

    def _learn(self, done: Evaluated) -> None:
        """Keep what it costs to evaluate a view: the next build decides by that."""
        view = self._graph.tasks[done.view]
        once = self._sharing.once(view)
        trace = replace(self._defined(view), rows=done.rows, seconds=done.seconds)
        if not done.fits:
            trace = replace(trace, facts={TOO_LARGE: ""})
        self._world.store.record(trace)
        self._sharing.learn(trace)
        if done.fits:
            self._report(SharedView(view, once.readings if once else 1, done.rows, done.seconds))

    def _finish(self, result: Result) -> None:
        decision = self._running.pop(result.task)
        task = decision.task
        if isinstance(result.error, Cancelled):
            self._fail(Skipped(task, INTERRUPTED))
            return
        if result.error is not None or result.trace is None:
            error = result.error or Cancelled(task.name)
            self._fail(Failed(task, decision.reasons, error, result.seconds))
            return
        if not task.stored:
            self._finish_view(decision, result.trace, result.seconds)
            return
        self._rebuilder.settle(task, result.evidence)
        self._world.store.record(result.trace)
        self._sharing.learn(result.trace)
        kind: type[Built | Unchanged | Restored] = Built if result.changed else Unchanged
        if decision.restore is not None:
            kind = Restored
            self._save(decision.restore.trace)
        facts = (result.trace.rows, result.seconds, result.detail)
        self._report(kind(task, decision.reasons, *facts))
        self._scheduler.succeed(task)

    def _finish_view(self, decision: Decision, trace: Trace, seconds: float) -> None:
        """Keep what a view's rows passed, and how it is defined now."""
        view = decision.task
        self._passed[view.name] = trace.checked
        self._world.store.record(self._defined(view))
        # Whether it is another view too, or was only looked at again.
        checked = {Cause.CHECKS_CHANGED, Cause.DATA_CHANGED, Cause.UPSTREAM, Cause.VOLATILE}
        is_same = {reason.cause for reason in decision.reasons} <= checked
        kind = Unchanged if is_same else Built
        self._report(kind(view, decision.reasons, None, seconds, CHECKED))
        self._scheduler.succeed(view)

    def _fail(self, failed: Failed | Skipped) -> None:
        """Give up a task with exactly its descendants; without `keep_going` start nothing more."""
        self._report(failed)
        for lost in self._scheduler.fail(failed.task):
            self._report(Skipped(lost, failed.task.name))
        if not self._world.keep_going:
            self._stop(STOPPED)

    def _report(self, event: Event) -> None:
        if name := _COUNTED.get(type(event)):
            setattr(self.outcome, name, getattr(self.outcome, name) + 1)
        if isinstance(event, Built) and event.task.stored:
            self.outcome.tables += 1
        if isinstance(event, Unchanged) and event.detail == CHECKED:
            self.outcome.checked += 1
        self._world.report(event)
