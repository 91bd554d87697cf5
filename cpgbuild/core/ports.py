"""All that the core may ask of the outside world, on one page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cpgbuild.core.events import Event
    from cpgbuild.core.evidence import Evidence, Stamp
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Order:
    """A task to run, and what it was decided upon: the inputs' stamps by dataset.

    `previous` is the trace of what the output holds now; None where that cannot be built upon.
    """

    task: Task
    reads: dict[str, Stamp]
    previous: Trace | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: with the trace that was committed with the output, or with an error."""

    task: str
    trace: Trace | None
    evidence: Evidence | None = None
    error: Exception | None = None
    seconds: float = 0.0
    detail: str = field(default="")


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing ended yet; a running task has come so far."""

    task: str
    rows: int


class Engine(Protocol):
    """Looks at sources and outputs and runs compute tasks."""

    def evidence(self, dataset: str) -> Evidence | None:
        """Return what the source or output looks like now, or None where it is missing."""
        ...

    def trace(self, output: str) -> Trace | None:
        """Return the trace that was committed with what `output` holds now, if any."""
        ...

    def start(self, order: Order) -> None:
        """Begin a compute task; its output is committed at once, with its trace, or not at all."""
        ...

    def wait(self) -> Result | Tick:
        """Block until a started task ends or has progress to tell."""
        ...

    def cancel(self) -> None:
        """Let running tasks end soon, uncommitted where they are not yet committed."""
        ...


class Store(Protocol):
    """Keeps traces between builds; it may lose them, never invent them."""

    def load(self) -> dict[str, Trace]:
        """Return the last good trace of each task by name."""
        ...

    def record(self, trace: Trace) -> None:
        """Keep one trace."""
        ...


class Reporter(Protocol):
    """Is told what happens, as it happens."""

    def __call__(self, event: Event, /) -> None:
        """Take one event."""
        ...
