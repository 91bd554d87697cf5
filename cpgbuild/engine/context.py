"""Context: the datasets of one build as the engine sees them, registered when first needed."""

from __future__ import annotations

from functools import reduce
from threading import RLock
from typing import TYPE_CHECKING

import datafusion

from cpgbuild.core.task import TaskKind
from cpgbuild.engine.frames import cast_to, quote
from cpgbuild.plan import functions
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.core.task import Task
    from cpgbuild.engine.sources import Sources
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.compiled import Compiled


class Context:
    """A session in which every dataset can be read under its name.

    Used by several threads: what they register is guarded, what they run is the engine's matter.
    """

    def __init__(
        self,
        compiled: Mapping[str, Compiled],
        sources: Sources,
        warehouse: Warehouse,
        memory_limit: int | None = None,
        threads: int = 0,
    ) -> None:
        """Take the compiled tasks, where rows are, and limits: bytes, threads (0: all)."""
        runtime = datafusion.RuntimeEnvBuilder().with_disk_manager_os()
        if memory_limit is not None:
            # Each operator gets a fair share, and spills to disk when it needs more.
            runtime = runtime.with_fair_spill_pool(memory_limit)
        settings = {"datafusion.execution.target_partitions": str(threads)} if threads else {}
        self.session = datafusion.SessionContext(session_config(settings), runtime)
        self._compiled = compiled
        self._sources = sources
        self._warehouse = warehouse
        self._registered: set[str] = set()
        self._lock = RLock()
        self._parts: dict[str, list[Compiled]] = {}
        for one in compiled.values():
            self._parts.setdefault(one.task.dataset, []).append(one)

    def rows(self, compiled: Compiled) -> datafusion.DataFrame:
        """Return a task's query as a frame, cast at the boundary; what it reads is registered."""
        with self._lock:
            for requirement in compiled.task.requires:
                self.register(requirement.dataset)
            for name, table in compiled.memtables.items():
                if name not in self._registered:
                    self._registered.add(name)
                    self.session.register_record_batches(name, [table.to_batches()])
            functions.register(self.session, compiled.functions)
            return cast_to(self.session.sql(compiled.sql), compiled.rows)

    def register(self, dataset: str) -> None:
        """Make a dataset readable under its name, views with all that they read."""
        with self._lock:
            if dataset in self._registered:
                return
            if dataset in self._sources:
                self._sources.register(self.session, dataset)
            else:
                self._register_parts(dataset)
            self._registered.add(dataset)

    def _register_parts(self, dataset: str) -> None:
        parts = self._parts[dataset]
        for one in parts:
            if one.task.kind is TaskKind.VIEW:
                self.session.register_view(one.task.output, self.rows(one))
            else:
                self._warehouse.register(self.session, one.task.output, one.task.output)
        if parts[0].task.output != dataset:
            names = parts[0].schema.names
            frames = [
                cast_to(self.session.table(quote(one.task.output)), parts[0].schema)
                for one in parts
            ]
            assert all(frame.schema().names == names for frame in frames)  # noqa: S101
            union = reduce(lambda left, right: left.union(right), frames)
            self.session.register_view(dataset, union)

    def table_before(self, compiled: Compiled) -> datafusion.DataFrame:
        """Return the rows that a compute task's table holds until it is committed anew."""
        with self._lock:
            name = f"{compiled.task.output}/before"
            self._warehouse.register(self.session, compiled.task.output, name)
            return self.session.table(quote(name))

    def sources_behind(self, task: Task) -> set[str]:
        """Return the sources that a task reads, directly or through views."""
        found: set[str] = set()
        stack = [requirement.dataset for requirement in task.requires]
        while stack:
            dataset = stack.pop()
            if dataset in self._sources:
                found.add(dataset)
            for one in self._parts.get(dataset, ()):
                if one.task.kind is TaskKind.VIEW:
                    stack += [requirement.dataset for requirement in one.task.requires]
        return found
