"""Finding: one thing that a build needs, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How something is that a build needs."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """How something is: what it is about in a word, the fact, and what to do where it is not ok."""

    about: str
    fact: str
    health: Health = Health.OK
    hint: str = ""


def warning(about: str, fact: str, hint: str) -> Finding:
    """Return that something may lead to trouble."""
    return Finding(about, fact, Health.WARNING, hint)


def problem(about: str, fact: str, hint: str) -> Finding:
    """Return that something is in the way of a build."""
    return Finding(about, fact, Health.PROBLEM, hint)
