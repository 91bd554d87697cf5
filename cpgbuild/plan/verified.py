"""Verified: planned tasks with their checks, which are planned beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cpgbuild.core.check import Check, check_title, checked_output, own_rows
from cpgbuild.core.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.core.task import Task


def with_checks(planned: Mapping[str, Task]) -> dict[str, Task]:
    """Return the tasks among what was planned, each with its checks in the order of their titles.

    What a check reads of the task itself is no matter of other datasets.
    """
    checks: dict[str, list[Check]] = {}
    for task in planned.values():
        if task.kind is TaskKind.CHECK:
            output = checked_output(task.dataset)
            checks.setdefault(output, []).append(_check(task, output))
    return {
        name: replace(task, checks=tuple(sorted(checks[task.output], key=lambda one: one.title)))
        if task.output in checks
        else task
        for name, task in planned.items()
        if task.kind is not TaskKind.CHECK
    }


def _check(planned: Task, output: str) -> Check:
    own = own_rows(output)
    return Check(
        check_title(planned.dataset),
        planned.name,
        planned.plan,
        requires=tuple(needed for needed in planned.requires if needed.dataset != own),
        leaves=tuple(leaf for leaf in planned.leaves if leaf.dataset != output),
        volatile=planned.volatile,
    )
