"""Failures: what went wrong while a task ran, told as an error of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cpgbuild.engine.listing import CHANGED
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.errors.run import SourceChanged, TaskFailed, WarehouseUnwritable
from cpgbuild.plan.failures import reason

if TYPE_CHECKING:
    from cpgbuild.core.task import Task

_UNWRITABLE = ("permission denied", "no space left", "read-only file system", "not a directory")
# The engine shows an exception as Python's `repr` does.
_CHANGED = re.compile(rf"{re.escape(CHANGED)}(.+?)(?:['\"]\)|\n|\Z)")
_HINTS = {
    "Resources exhausted": "raise `memory_limit` in `[engine]`, or use fewer `threads`",
    "Failed to commit transaction": "another program writes this table; build again",
    "Cast error": "a value does not fit the column's type: cast it in the task as you mean it",
    "terminated abruptly": "its function ended the process, or the system did, for want of memory; "
    'or a script calls `cpgbuild.api` outside of `if __name__ == "__main__":`',
    "Error while parsing value": "correct the value; a column of a CSV or JSON source has the type "
    "of its first 1,000 rows",
}


def run_failure(error: BaseException, task: Task, warehouse: str) -> Exception:
    """Return what an exception of a running task means to a user."""
    if isinstance(error, CpgbuildError):
        return error
    text = str(error)
    if changed := _CHANGED.search(text):
        return SourceChanged(task.name, [changed[1]], task.place)
    if any(word in text.lower() for word in _UNWRITABLE):
        return WarehouseUnwritable(warehouse, OSError(reason(error)))
    hint = next((hint for word, hint in _HINTS.items() if word in text), "")
    reads = [requirement.dataset for requirement in task.requires]
    return TaskFailed(task.name, reason(error), task.place, reads, hint)
