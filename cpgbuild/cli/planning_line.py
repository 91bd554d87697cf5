"""Planning line: on a terminal, what is going on while a large project is planned."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Lock, Timer
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cpgbuild.cli.wording import count_text
from cpgbuild.plan.planning import Planning

if TYPE_CHECKING:
    from cpgbuild.cli.output import Output
    from cpgbuild.project.config import Overrides

# What is over sooner needs no line.
PATIENCE = 0.5


class PlanningLine:
    """Shows a line on stderr after a while, and takes it away at the end; a context.

    It gives what a command line overrides, with who tells how far planning is. Nothing is shown but
    on a terminal, and nothing under `--json`.
    """

    def __init__(self, output: Output, overrides: Overrides) -> None:
        """Take where to show."""
        self._planning = Planning()
        self._overrides = replace(overrides, planning=self._planning)
        self._live: Live | None = None
        self._lock = Lock()
        self._is_over = not output.is_live
        self._output = output
        self._timer = Timer(PATIENCE, self._begin)
        self._timer.daemon = True

    def __enter__(self) -> Overrides:
        """Begin to wait."""
        if not self._is_over:
            self._timer.start()
        return self._overrides

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._live is not None:
                self._live.stop()

    def _begin(self) -> None:
        with self._lock:
            if not self._is_over:
                self._live = Live(
                    get_renderable=PlanningText(self._planning),
                    console=self._output.stderr,
                    transient=True,
                    refresh_per_second=8,
                )
                self._live.start()


class PlanningText:
    """What is going on, as a line that is drawn anew again and again."""

    def __init__(self, planning: Planning) -> None:
        """Take who knows it."""
        self._planning = planning
        self._began = time.monotonic()
        self._spinner = Spinner("dots")

    @property
    def is_due(self) -> bool:
        """Whether it has taken so long that a person wants to know."""
        return time.monotonic() - self._began > PATIENCE

    def __call__(self) -> Spinner:
        """Return the line."""
        self._spinner.update(text=Text(planning_text(self._planning.done), "dim"))
        return self._spinner


def planning_text(done: tuple[int, int] | None) -> str:
    """Return what is going on where so many tasks of so many are planned."""
    if done is None:
        return "reading task files"
    count, total = done
    if count < total:
        return f"planning {count:,} of {total:,} tasks"
    return f"planned {count_text(total, 'task')}, finding the answer"
