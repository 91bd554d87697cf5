"""Events: what a build says, as data. The CLI turns them into text or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpgbuild.core.reason import Reason
    from cpgbuild.core.sharing import Once
    from cpgbuild.core.task import Task


@dataclass(frozen=True, slots=True)
class Started:
    """A task began to run, for these reasons."""

    task: Task
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Tables may have to run, as far as is known now, with the seconds that each took before.

    Those that nobody ran before have none. It is said once of each, if at all: what is upstream may
    turn out to be unchanged, and then the table ends at once.
    """

    tasks: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Progressed:
    """A running task has written so many rows so far (of a keyed task: handled so many keys)."""

    task: str
    rows: int


@dataclass(frozen=True, slots=True)
class SharedView:
    """A view was evaluated once, for all tables that read it and run in this build."""

    task: Task
    readings: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Built:
    """A task ran and its output was committed; a view was redefined.

    `rows` is the number of rows of the output; None for a view, which has none of its own.
    `detail` says what of a keyed task ran.
    """

    task: Task
    reasons: tuple[Reason, ...]
    rows: int | None
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A task ran, and its rows are those that were there: nothing that reads it has to run.

    Or they were not made again, and only checked, as those of a view are, which has none.
    """

    task: Task
    reasons: tuple[Reason, ...]
    rows: int | None
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """An earlier output of a task is back, made by this plan of these inputs; nothing ran."""

    task: Task
    reasons: tuple[Reason, ...]
    rows: int
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UpToDate:
    """A task needed no run."""

    task: Task


@dataclass(frozen=True, slots=True)
class Failed:
    """A task failed; its output stays as it was."""

    task: Task
    reasons: tuple[Reason, ...]
    error: Exception
    seconds: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A task was not looked at: `because` is the failed task upstream, or why the build stopped."""

    task: Task
    because: str


class Action(StrEnum):
    """What a build would do with a task; the words that `--json` prints.

    `maybe` is a task whose inputs are about to be made and may turn out as they were.
    """

    RUN = "run"
    MAYBE = "maybe"
    RESTORE = "restore"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a build would do with a task, and why.

    `wave` counts from 1 the generations of tasks that could run together. A view may be evaluated
    `once` for all who read it.
    """

    task: Task
    action: Action
    reasons: tuple[Reason, ...]
    wave: int = 1
    once: Once | None = None


Ended = Built | Unchanged | Restored | UpToDate | Failed | Skipped
Event = Started | Expected | Progressed | SharedView | Ended
