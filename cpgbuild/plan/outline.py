"""Outline: what is known of a compiled task beside the form that engines take.

It is what a task is by itself, for all of its columns and for those that some reader requires, and
what that means with all behind it. None of it needs the query's text or the planner any more, so
it can be kept from one run to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.errors.report import Place

# Columns by name, sorted; all of them, in their order and no more, where it is None.
Columns = tuple[str, ...] | None
WHOLE: Columns = None


class Marks(NamedTuple):
    """A fingerprint, and the one in which versions of Python and of packages do not count.

    By the first it is decided whether to run. The lock has the second: it is compared between
    machines, and says what the project's own files mean.
    """

    exact: Fingerprint
    written: Fingerprint


@dataclass(frozen=True, slots=True)
class Reading:
    """A task's query by itself, or narrowed to some columns: its fingerprint, what it requires."""

    query: Marks
    requires: tuple[Requirement, ...]


@dataclass(slots=True)
class Meaning:
    """What a reading means with all behind it: its fingerprint, and what it reads in the end."""

    plan: Marks
    views: dict[str, Marks] = field(default_factory=dict)
    leaves: dict[str, set[str]] = field(default_factory=dict)
    volatile: set[str] = field(default_factory=set)
    unstable: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Outline:
    """A compiled task, and all that is known of how it is read.

    `task` knows nothing yet of the views behind it. `scanned` has the datasets that its query
    scans, each as often as it does; `asked` those that it named, with the fingerprints of the
    schemas that it was given; `variables` the values of those that it asked for. `readings` and
    `meanings` are those that somebody asked for. With its `form` it can be compiled again without
    its definition.
    """

    task: Task
    scanned: tuple[str, ...]
    asked: Mapping[str, Fingerprint]
    variables: Mapping[str, str]
    readings: dict[Columns, Reading] = field(default_factory=dict)
    meanings: dict[Columns, Meaning] = field(default_factory=dict)
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A task's query as it was compiled, where that is nothing but text.

    `rows` is the schema that its result is cast to, `believed` the one that Ibis gives it. Of a
    task that maps rows `function` has the module and the name of its function, `by` its key and
    content, `schema` what it returns, and `facts` what stands for its code.
    """

    sql: str
    rows: Schema
    believed: Schema | None = None
    function: tuple[str, str] | None = None
    by: tuple[str | None, str | None] = (None, None)
    schema: Schema | None = None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A task with its plan, and that plan as the lock has it: query, plan, views."""

    task: Task
    written: tuple[Fingerprint, Fingerprint, tuple[tuple[str, Fingerprint], ...]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A task as it was planned before; its definition is the same, so it may be that still.

    `module` is the file that defines it, `mark` stands for its plan and all else of it; there is
    none where it has moved in its file since. It is that still, where variables and schemas are
    those that it asked for. `outline` fetches the rest, if that is still there. It is `overtaken`
    where others were planned later than it was: what it reads may mean something else since.
    """

    module: str
    mark: str
    planned: Planned
    asked: Mapping[str, Fingerprint]
    variables: Mapping[str, str]
    outline: Callable[[], Outline | None]
    overtaken: bool = False

    def moved(self, place: Place) -> Kept:
        """Return the task at some place, which may be another than it was."""
        if place == self.planned.task.place:
            return self
        planned = replace(self.planned, task=replace(self.planned.task, place=place))
        return replace(self, planned=planned, mark="", outline=partial(self._outline_at, place))

    def _outline_at(self, place: Place) -> Outline | None:
        outline = self.outline()
        return outline and replace(outline, task=replace(outline.task, place=place))
