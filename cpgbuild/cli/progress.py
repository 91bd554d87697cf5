"""Progress: what a build is at, as lines, and live where there is a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cpgbuild.cli import records
from cpgbuild.cli.planning_line import PlanningText
from cpgbuild.cli.wording import count_text, reasons_text, seconds_text
from cpgbuild.core.builder import INTERRUPTED, STOPPED
from cpgbuild.core.check import CHECKED
from cpgbuild.core.events import (
    Built,
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
from cpgbuild.plan.planning import Planning

if TYPE_CHECKING:
    from types import TracebackType

    from cpgbuild.cli.output import Output
    from cpgbuild.core.events import Ended, Event

# So that a line of usual length fits into 80 columns.
NAME_WIDTH = 34
FACTS_WIDTH = 20
# Of many tasks that wait, so many are named.
SHOWN_WAITING = 3
# What is done in fewer seconds, nobody has to be told of.
SHORTEST_LEFT = 1.0
_CHECKED = ("checked", "cyan")
_WORDS = {Built: ("built", "green"), Unchanged: ("same", "cyan"), Restored: ("restored", "green")}


class BuildProgress:
    """Takes a build's events and shows them; a context, since the live view must be taken down."""

    def __init__(self, output: Output) -> None:
        """Take where to show."""
        self._output = output
        self._running: dict[str, tuple[float, int]] = {}
        self._done = 0
        # What may still run, with the seconds that each took before.
        self._expected: dict[str, float | None] = {}
        self._live: Live | None = None
        self.planning = Planning()
        self._planning = PlanningText(self.planning)
        self._is_planning = True
        if output.is_live:
            self._live = Live(
                get_renderable=self._view,
                console=output.stderr,
                transient=True,
                refresh_per_second=8,
            )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the live view down."""
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._is_planning = False
        self._output.record(records.happened(event))
        match event:
            case Expected(tasks):
                self._expected |= tasks
            case Started(task, _):
                self._running[task.name] = (time.monotonic(), 0)
            case Progressed(name, rows) if name in self._running:
                self._running[name] = (self._running[name][0], rows)
            case Built() | Unchanged() | Restored() | UpToDate() | Failed() | Skipped():
                self._running.pop(event.task.name, None)
                self._expected.pop(event.task.name, None)
                self._done += event.task.stored
                self._show(event)
            case SharedView(task, readings, rows, seconds) if self._output.verbose:
                facts = f"{count_text(rows, 'row')}, {seconds_text(seconds)}"
                many = f"evaluated once for {readings} readings"
                self._line(
                    ("shared   ", "cyan"),
                    (f"{task.name.ljust(NAME_WIDTH)} ", ""),
                    (facts.ljust(FACTS_WIDTH), ""),
                    (f"  {many if readings > 1 else 'in the middle of many views'}", "dim"),
                )
            case _:
                pass

    def _show(self, event: Ended) -> None:
        view = not event.task.stored
        name = event.task.name.ljust(NAME_WIDTH)
        match event:
            case Built() | Unchanged() | Restored() if not view or self._output.verbose:
                word, style = _WORDS[type(event)] if event.detail != CHECKED else _CHECKED
                self._line(
                    (word.ljust(9), style),
                    (f"{name} ", ""),
                    (_facts(event).ljust(FACTS_WIDTH), ""),
                    (f"  {reasons_text(event.task, event.reasons)}", "dim"),
                )
            case UpToDate() if self._output.verbose:
                self._line(("current  ", "dim"), (name.rstrip(), "dim"))
            case Failed(_, _, error, seconds):
                self._line(("failed   ", "bold red"), (f"{name} ", ""), (seconds_text(seconds), ""))
                self._error(error)
            case Skipped(_, because) if not view or self._output.verbose:
                why = because if because in {STOPPED, INTERRUPTED} else f"because of {because}"
                self._line(("skipped  ", "yellow"), (f"{name} ", ""), (why, "dim"))
            case _:
                pass

    def _line(self, *parts: tuple[str, str]) -> None:
        """Write a line of the answer; above the live view where both are on one terminal."""
        if self._live is not None and self._output.stdout.is_terminal:
            text = Text.assemble(*parts)
            # `why` tells what has no room.
            text.truncate(self._live.console.width, overflow="ellipsis")
            self._live.console.print(text)
        else:
            self._output.line(*parts)

    def _error(self, error: Exception) -> None:
        self._output.error(error)

    def _view(self) -> Group:
        if self._is_planning:
            return Group(self._planning()) if self._planning.is_due else Group()
        now = time.monotonic()
        width = max((len(name) for name in self._running), default=0)
        rows = []
        for name, (began, done) in sorted(self._running.items()):
            facts = f"{count_text(done, 'row')}, " if done else ""
            rows.append(
                Spinner("dots", Text(f"{name.ljust(width)}  {facts}{seconds_text(now - began)}"))
            )
        rows.append(Spinner("dots", Text(self._standing(now), "dim", no_wrap=True)))
        return Group(*rows)

    def _standing(self, now: float) -> str:
        """Return how far the build is: what is done, what waits, how long that may take."""
        if not (self._done or self._expected):
            return "looking what is up to date"
        waiting = [name for name in self._expected if name not in self._running]
        said = [f"{self._done} of {count_text(self._done + len(self._expected), 'table')} done"]
        if waiting:
            names = [name.partition(".")[2] or name for name in waiting[:SHOWN_WAITING]]
            more = len(waiting) - len(names)
            said.append(f"waiting: {', '.join(names)}{f', {more} more' if more else ''}")
        left = self._left(now)
        if left is not None:
            said.append(f"about {seconds_text(left)} left")
        return "; ".join(said)

    def _left(self, now: float) -> float | None:
        """Return how long what is expected may take; None where too little of it ran before."""
        known = {n: s for n, s in self._expected.items() if s is not None}
        if not known or len(known) * 2 < len(self._expected):
            return None
        mean = sum(known.values()) / len(known)
        left = 0.0
        for name in self._expected:
            began = self._running[name][0] if name in self._running else now
            left += max(0.0, known.get(name, mean) - (now - began))
        return left if left >= SHORTEST_LEFT else None


def _facts(event: Built | Unchanged | Restored) -> str:
    """Return what came of a run: how many rows, how long it took, what of it ran."""
    if event.rows is None:
        return seconds_text(event.seconds) if event.detail else ""
    facts = f"{count_text(event.rows, 'row')}, {seconds_text(event.seconds)}"
    return facts + (f" ({event.detail})" if event.detail not in {"", CHECKED} else "")
