"""Explanation: why a task would run or need not, as data: what changed since its last good run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpgbuild.core.events import Action
    from cpgbuild.core.reason import Reason
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query that is another than in the last run: a task's own, or a view's behind it.

    `diff` has its lines as a unified diff has them; none where the old text is not known.
    """

    task: str
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InputState:
    """What a task reads of a source or output, then and now.

    `columns` are those that it requires, `changed` those of them that hold other values: none where
    the rows are the same, None where nobody can tell which. Numbers of rows are None where they are
    not known, or not cheap to learn; `added` and `removed` count rows of the required columns.
    """

    dataset: str
    columns: tuple[str, ...]
    changed: tuple[str, ...] | None = None
    rows_then: int | None = None
    rows_now: int | None = None
    added: int | None = None
    removed: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a task, and what its last good run was."""

    task: Task
    action: Action
    reasons: tuple[Reason, ...]
    last: Trace | None
    queries: tuple[QueryChange, ...] = ()
    inputs: tuple[InputState, ...] = ()
