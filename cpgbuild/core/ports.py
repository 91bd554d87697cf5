"""All that the core may ask of the outside world, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.check import ToCheck
    from cpgbuild.core.events import Event
    from cpgbuild.core.evidence import Columns, Evidence, Stamp
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Past:
    """What an output held once: the version of its table, and the trace of that run."""

    version: int
    trace: Trace


@dataclass(frozen=True, slots=True)
class Order:
    """A task to run, and what it was decided upon: the leaves' stamps by name.

    `previous` is the trace of what the output holds now; None where that cannot be built upon.
    With `restore` nothing is computed: the output becomes what it was then. `once` has the views
    that are evaluated for all who read them, by the first who needs them, and in this order.
    `checks` are those that its rows have to pass before they are committed. With `recheck` they
    are all there is to do: the rows are those of `previous`, or a view's, which has none.
    """

    task: Task
    reads: dict[str, Stamp]
    previous: Trace | None = None
    restore: Past | None = None
    once: tuple[Task, ...] = ()
    checks: tuple[ToCheck, ...] = ()
    recheck: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: with the trace that was committed with the output, or with an error.

    `changed` is false where the rows are those that the output held before. Of a view, which has
    no output, the trace says nothing but what it passed.
    """

    task: str
    trace: Trace | None
    evidence: Evidence | None = None
    error: Exception | None = None
    seconds: float = 0.0
    detail: str = ""
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing ended yet; a running task has come so far."""

    task: str
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A view was evaluated for all who read it; nothing ended yet.

    `fits` is false where its rows are too many to put aside, so that it was given up after so many.
    """

    view: str
    rows: int
    seconds: float
    fits: bool = True


class Engine(Protocol):
    """Looks at sources and outputs, and runs the tasks whose output is stored.

    `version` is its name and version, as `datafusion 55.0.0`; traces keep it.
    """

    version: str

    def query(self, task: Task) -> Fingerprint:
        """Return the fingerprint of a task's own query, which is not made for each view."""
        ...

    def is_costly(self, view: Task) -> bool:
        """Return whether a view does more with rows than to choose among them and pass them on."""
        ...

    def evidence(self, name: str) -> Evidence | None:
        """Return what the source or output looks like now, or None where it is missing."""
        ...

    def data(self, name: str, columns: Columns) -> Fingerprint:
        """Return the data fingerprint of these columns of what a source or output holds now."""
        ...

    def data_then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        """Return the data fingerprint of these columns at a version; None where it is gone."""
        ...

    def trace(self, output: str) -> Trace | None:
        """Return the trace that was committed with what `output` holds now, if any."""
        ...

    def today(self, output: str, trace: Trace) -> Trace:
        """Return a trace that another version made with its plans as this version puts them.

        The trace itself where what was run is not known any more.
        """
        ...

    def past(self, output: str) -> Iterable[Past]:
        """Return what `output` held before and can hold again at no cost, newest first."""
        ...

    def start(self, order: Order) -> None:
        """Begin a task; its output is committed at once, with its trace, or not at all."""
        ...

    def wait(self) -> Result | Tick | Evaluated:
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
