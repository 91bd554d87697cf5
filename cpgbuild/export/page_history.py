"""Page history: the runs of each dataset, as the page shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from cpgbuild.api.past import states_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cpgbuild.api.past import State
    from cpgbuild.core.history import BuildRecord, TaskRun
    from cpgbuild.core.reason import Reason
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace
    from cpgbuild.workspace import Workspace

    # Words for the reasons of a task.
    Words = Callable[[Task, Iterable[Reason]], str]
    _Runs = list[tuple[BuildRecord, TaskRun]]

# Of a dataset so many runs are shown.
SHOWN = 50
# Moments are kept by the second.
_SECOND = timedelta(seconds=1)


class Run(TypedDict):
    """One run: when (ISO, UTC), what became of it, rows of the output, seconds, why it was.

    `event` is `built`, `unchanged`, `restored` or `failed`, then with an `error`; `foreign` where
    somebody else wrote the table. `when` is the beginning of its build, or what the table says.
    """

    when: str
    event: str
    rows: int | None
    seconds: float
    why: str
    error: str


class Histories:
    """What is known of runs before: from the file that builds write, and from tables' own logs."""

    def __init__(self, workspace: Workspace, traces: Mapping[str, Trace], words: Words) -> None:
        """Read the file of builds."""
        self._workspace = workspace
        self._traces = traces
        self._words = words
        self._runs: dict[str, _Runs] = {}
        for build in workspace.history.load():
            for run in build.tasks:
                self._runs.setdefault(run.task, []).append((build, run))

    def failed(self, task: Task) -> bool:
        """Return whether the last run of a task that is known of failed."""
        runs = self._runs.get(task.name, [])
        return bool(runs) and runs[-1][1].event == "failed"

    def of(self, makers: Sequence[Task]) -> list[Run]:
        """Return the runs of the tasks that make a dataset, newest first, at most `SHOWN`.

        A table's log is asked where the file does not know the run that wrote what is there.
        """
        found = [run for task in makers for run in self._of(task)]
        return sorted(found, key=lambda run: run["when"], reverse=True)[:SHOWN]

    def _of(self, task: Task) -> list[Run]:
        runs = self._runs.get(task.name, [])
        if task.stored and not _knows(runs, self._traces.get(task.name)):
            began = [(build.started, run) for build, run in runs]
            return [self._state(task, one) for one in states_of(self._workspace, task, began)]
        return [self._run(task, build.started, run) for build, run in reversed(runs)]

    def _state(self, task: Task, state: State) -> Run:
        if state.run is not None:
            return self._run(task, state.when, state.run)
        return Run(
            when=state.when,
            event="built" if state.is_ours else "foreign",
            rows=state.rows,
            seconds=round(state.seconds, 3),
            why="",
            error="",
        )

    def _run(self, task: Task, when: str, run: TaskRun) -> Run:
        return Run(
            when=when,
            event=run.event,
            rows=run.rows,
            seconds=run.seconds,
            why=self._words(task, run.causes),
            error=run.error,
        )


def _knows(runs: _Runs, trace: Trace | None) -> bool:
    """Return whether the run that a trace is of is among some runs."""
    if trace is None or not trace.finished:
        return False
    ended = datetime.fromisoformat(trace.finished)
    for build, run in reversed(runs):
        began = datetime.fromisoformat(build.started)
        if run.event != "failed" and began <= ended:
            return ended <= began + timedelta(seconds=build.seconds) + _SECOND
    return False
