"""Records: the queries that made a table, kept beside it, so that they can be compared later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.engine.folder import Folder
from cpgbuild.engine.staging import SIDE
from cpgbuild.plan.recorded import record

if TYPE_CHECKING:
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Task
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.compiled import Plans

DIGITS = 32


class Records:
    """What was run, by the plan's fingerprint, in a table's folder: it travels with the rows."""

    def __init__(self, warehouse: Warehouse, plans: Plans) -> None:
        """Take where the tables are, and the project's queries."""
        self._warehouse = warehouse
        self._plans = plans

    def record(self, task: Task) -> str:
        """Return a task's query, with those of the views behind it, as they are now."""
        return record(task, self._plans)

    def keep(self, task: Task) -> None:
        """Keep a task's queries beside its table, where they are not yet."""
        folder, path = Folder(self._warehouse.uri(task.output)), record_path(task.plan)
        if not folder.has([path]):
            folder.write(path, self.record(task).encode())

    def find(self, output: str, plan: Fingerprint) -> str | None:
        """Return the queries that a plan stood for when it made an output, if they were kept."""
        found = Folder(self._warehouse.uri(output)).read(record_path(plan))
        return found.decode(errors="replace") if found is not None else None


def record_path(plan: Fingerprint) -> str:
    """Return where, in a table's folder, the queries of a plan are."""
    return f"{SIDE}/plan-{plan[:DIGITS]}.json"
