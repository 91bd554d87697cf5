"""Drift: how the inputs that a task declares differ from those that its plan reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.task import Task


@dataclass(frozen=True, slots=True)
class Drift:
    """A task whose declaration is not what it reads.

    It says that it reads the `unread` datasets, and reads the `undeclared` ones without saying so.
    """

    task: Task
    unread: tuple[str, ...]
    undeclared: tuple[str, ...]


def drifts(tasks: Iterable[Task]) -> list[Drift]:
    """Return how tasks differ from what they declare; those that declare nothing do not."""
    found = []
    for task in tasks:
        if task.declared is None:
            continue
        declared, read = set(task.declared), {needed.dataset for needed in task.requires}
        if declared != read:
            unread, undeclared = sorted(declared - read), sorted(read - declared)
            found.append(Drift(task, tuple(unread), tuple(undeclared)))
    return found
