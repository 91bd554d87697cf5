"""Task: the unit of work, as data. It holds no code and cannot run itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import UNKNOWN, Fingerprint
from cpgbuild.core.schema import Schema

if TYPE_CHECKING:
    from cpgbuild.core.check import Check
    from cpgbuild.core.schema import Column
    from cpgbuild.errors.report import Place

DEFAULT_PRIORITY = 100


class TaskKind(StrEnum):
    """What becomes of a task's plan: of a check's, which is part of another task, nothing."""

    VIEW = "view"
    COMPUTE = "compute"
    CHECK = "check"


class Lane(StrEnum):
    """What a task runs on; each lane has its own limit of tasks at once."""

    ENGINE = "engine"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a task's plan reads of one dataset: the columns that it needs, with their types.

    No column is needed to count rows, so `columns` may be empty.
    """

    dataset: str
    columns: tuple[Column, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The required columns' names."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Task:
    """One compiled task: the datasets that it requires, the one that it produces, its plan.

    `output` names what the task itself writes or registers. It is the dataset, unless several
    tasks contribute to it; then it is the task's part of it, `<dataset>/<part>`.

    `requires` has what the task's own query names, `leaves` what of that is really read where it
    is stored: sources and outputs, through views, by the names of outputs. `query` is the
    fingerprint of the task's query alone, `views` those of the views that it reads (each with all
    behind it, and of the columns that are required), `plan` covers both.

    `volatile` and `unstable` say, through views, what gives other rows at other times or in another
    order of rows, `inexact` what gives floats that may differ from run to run in their last bits.
    A view is `kept` as a table where its readers would not see the same rows otherwise. `checks`
    say of its rows what has to be so.

    With a `key` the rows of each of its values are replaced together.

    `declared` has the datasets that its author says it reads, where that is said. Nothing follows
    from it but what `check` says.
    """

    name: str
    dataset: str
    kind: TaskKind
    requires: tuple[Requirement, ...]
    plan: Fingerprint
    schema: Schema = field(default_factory=Schema)
    output: str = ""
    lane: Lane = Lane.ENGINE
    priority: int = DEFAULT_PRIORITY
    tags: tuple[str, ...] = ()
    description: str = ""
    partition_by: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    inexact: tuple[str, ...] = ()
    leaves: tuple[Requirement, ...] = ()
    query: Fingerprint = UNKNOWN
    views: tuple[tuple[str, Fingerprint], ...] = ()
    kept: bool = False
    declared: tuple[str, ...] | None = None
    place: Place | None = None
    checks: tuple[Check, ...] = ()
    key: str | None = None

    def __post_init__(self) -> None:
        """Let the output be the dataset where nothing else is said."""
        if not self.output:
            object.__setattr__(self, "output", self.dataset)

    def by_itself(
        self, volatile: tuple[str, ...], unstable: tuple[str, ...], inexact: tuple[str, ...]
    ) -> Task:
        """Return the task as it is known without any other: of its query alone."""
        return replace(
            self,
            plan=UNKNOWN,
            volatile=volatile,
            unstable=unstable,
            inexact=inexact,
            leaves=(),
            query=UNKNOWN,
            views=(),
            kept=False,
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """The datasets that have to be there first: those that it reads, and its checks."""
        checked = (needed for check in self.checks for needed in check.requires)
        return tuple(dict.fromkeys(needed.dataset for needed in (*self.requires, *checked)))

    @property
    def stored(self) -> bool:
        """Whether the task's output is a table; else it is evaluated whenever it is read."""
        return self.kept or self.kind is TaskKind.COMPUTE
