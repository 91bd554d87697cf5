"""Check: what a task says of the rows that it makes, as a plan of those that break it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpgbuild.core.evidence import Stamp
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Requirement

# What is said of a run that made no rows, and looked at those that are there.
CHECKED = "checked"
# Between a task's output and what is said of it: no output's name has it.
_OF = "?"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a task: `title` as `unique(country)`, `name` as its plan is found by.

    `plan` covers what decides whether rows are bad, and not what else is shown of them. `requires`
    has what its query reads beside the task's own rows, and `leaves` what of that is stored,
    through views. Of a view, whose rows are nowhere, that is what lies behind it too.
    """

    title: str
    name: str
    plan: Fingerprint
    requires: tuple[Requirement, ...] = ()
    leaves: tuple[Requirement, ...] = ()
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """That rows passed a check: by which plan, and what it read beside them."""

    plan: Fingerprint
    reads: dict[str, Stamp] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToCheck:
    """A check with the stamps of what it reads, and the rows of which it is known to pass.

    These are named by the version of the task's output; None where none are known.
    """

    check: Check
    reads: dict[str, Stamp]
    good: Fingerprint | None = None


def check_dataset(output: str, title: str) -> str:
    """Return what stands for the rows of an output that break a check, among datasets."""
    return f"{output}{_OF}{title}"


def own_rows(output: str) -> str:
    """Return the name by which a check's query reads the rows of an output.

    That is the dataset's, which a task makes alone. A part's is a word that no dataset can be.
    """
    dataset, _, part = output.partition("/")
    return f"{len(dataset)}_{dataset}_{part}" if part else dataset


def checked_output(dataset: str) -> str:
    """Return the output that a check is of, by what stands for its bad rows."""
    return dataset.partition(_OF)[0]


def check_title(dataset: str) -> str:
    """Return what a check says, by what stands for its bad rows."""
    return dataset.partition(_OF)[2]
