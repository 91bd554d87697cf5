"""Trials: a task evaluated in memory on a few rows of what it reads, and on nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.engine.context import Context, Limits
from cpgbuild.engine.runs import checked_result, plain, stream
from cpgbuild.engine.workers import as_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import datafusion

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Task
    from cpgbuild.plan.compiled import Compiled, Plans


@dataclass(frozen=True, slots=True)
class Given:
    """Leaves that are tables in memory, by the names of datasets."""

    rows: Mapping[str, pa.Table]

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register one of them."""
        table = self.rows[name]
        none = pa.RecordBatch.from_pylist([], schema=table.schema)
        session.register_record_batches(name, [table.to_batches() or [none]])


@dataclass(frozen=True)
class _Tried:
    """The plans of a project in which some datasets are given, and no view is kept."""

    plans: Plans
    given: Mapping[str, pa.Table]

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        return {
            name: replace(task, kept=False)
            for name, task in self.plans.tasks.items()
            if task.dataset not in self.given
        }

    def compiled(self, name: str) -> Compiled:
        found = self.plans.compiled(name)
        return replace(found, task=self.tasks.get(name, found.task))

    def frame(self, name: str) -> datafusion.DataFrame:
        return self.plans.frame(name)

    def query(self, name: str) -> Fingerprint:
        return self.plans.query(name)


def tried(plans: Plans, task: Task, given: Mapping[str, pa.Table]) -> pa.Table:
    """Return the rows of a task where the datasets that it reads hold what is given.

    Views between are evaluated, and a python-lane task's function is called, in this process.

    Raises:
        MapResult: that function returned rows that do not fit what was declared.
        Exception: whatever the engine or the function raises.
    """
    tried = _Tried(plans, given)
    compiled = plans.compiled(task.name)
    frame = Context(tried, Given(given), Limits(threads=1)).rows_of(compiled)
    batches = list(plain(stream(frame), compiled.rows))
    row_map = compiled.row_map
    if row_map is None:
        return pa.Table.from_batches(batches, schema=compiled.schema)
    made = [
        checked_result(compiled, part, _table(row_map.function(part)), row_map.key)
        for part in batches
        if part.num_rows
    ]
    return pa.concat_tables(made) if made else compiled.schema.empty_table()


def _table(result: object) -> pa.Table:
    rows = as_rows(result)
    return pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
