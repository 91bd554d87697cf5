"""Upkeep: the commands that look after a project, as functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.drift import Drift, drifts
from cpgbuild.workspace import attempted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cpgbuild.core.task import Task
    from cpgbuild.errors.report import CpgbuildError
    from cpgbuild.project.config import Overrides


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: tasks that are fine, sources that they read, problems, and drift."""

    tasks: Sequence[Task]
    sources: Sequence[str]
    problems: Sequence[CpgbuildError]
    drifts: Sequence[Drift]


def check(project: str | Path = ".", *, overrides: Overrides | None = None) -> Checked:
    """Evaluate and validate all tasks, and compare what they declare with what they read.

    Runs nothing and writes nothing. What is wrong with tasks is returned, all of it.

    Raises:
        CpgbuildError: the configuration is wrong (`Problems` where it is several things).
    """
    attempt = attempted(project, overrides)
    compiler = attempt.compiler
    tasks = [compiler.tasks[name] for name in sorted(compiler.tasks)]
    return Checked(tasks, sorted(compiler.sources), attempt.problems, drifts(tasks))
