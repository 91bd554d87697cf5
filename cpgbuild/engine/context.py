"""Context: the datasets of one build as the engine sees them, registered when first needed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import reduce
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import datafusion

from cpgbuild.core.check import own_rows
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.engine.clock import freeze, this_moment
from cpgbuild.engine.frames import cast_to, quote
from cpgbuild.engine.leaves import Held, register_held
from cpgbuild.plan import functions
from cpgbuild.plan.contract import arrow_of
from cpgbuild.plan.inference import as_optimised
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.leaves import Leaves
    from cpgbuild.plan.compiled import Compiled, Plans


# What a plan's text says where rows are not just chosen and passed on.
_COSTLY = re.compile(r"^ *(?:Aggregate|WindowAggr|Sort|Distinct|\w+ Join|Cross Join)", re.MULTILINE)


class Rows(NamedTuple):
    """Rows that can be read several times, of some columns."""

    schema: pa.Schema
    partitions: list[list[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine may use: bytes of memory before it spills, threads (0: all).

    When `deterministic`, a query's rows are worked on in one order: sums of floats come out the
    same to the last bit, run after run.
    """

    memory: int | None = None
    threads: int = 0
    deterministic: bool = False


# The fact of a trace that says by which plans the inputs of the run came to be.
BEHIND = "behind"


class Context:
    """A session in which every dataset can be read under its name.

    Used by several threads: what they register is guarded, what they run is the engine's matter.
    """

    def __init__(
        self,
        plans: Plans,
        leaves: Leaves,
        limits: Limits,
        moment: int | None = None,
    ) -> None:
        """Take the planned tasks, where rows are, limits, and what the clock says.

        The clock stands still, at `moment` (in ns since 1970, UTC) or now.
        """
        runtime = datafusion.RuntimeEnvBuilder().with_disk_manager_os()
        if limits.memory is not None:
            # Each operator gets a fair share, and spills to disk when it needs more.
            runtime = runtime.with_fair_spill_pool(limits.memory)
        threads = str(1 if limits.deterministic else limits.threads)
        settings = {} if threads == "0" else {"datafusion.execution.target_partitions": threads}
        self.session = datafusion.SessionContext(session_config(settings), runtime)
        self._plans = plans
        self.leaves = leaves
        self._settings = (limits, moment or this_moment())
        freeze(self.session, self._settings[-1])
        self._registered: set[str] = set()
        self._once: dict[str, Rows] = {}
        self._held: set[str] = set()
        self._lock = RLock()
        self._parts: dict[str, list[Task]] = {}
        for _, task in sorted(plans.tasks.items()):
            self._parts.setdefault(task.dataset, []).append(task)
            # By that name a check reads the rows of one of several parts.
            if task.output != task.dataset:
                self._parts[own_rows(task.output)] = [task]

    def rows_of(self, compiled: Compiled) -> datafusion.DataFrame:
        """Return the rows of a task's query; of a recursive one over leaves held in memory."""
        evaluated = self._evaluated(compiled)
        if isinstance(self.leaves, Held) or not any(one.recursive for one in evaluated):
            return self.rows(compiled)
        with self._lock:
            leaves = Held(self._leaf, self.needed(compiled))
            return self.over(leaves).rows(compiled)

    def needed(self, compiled: Compiled) -> dict[str, frozenset[str]]:
        """Return the columns that a task and its views need of each output and source."""
        needed: dict[str, frozenset[str]] = {}
        for one in self._evaluated(compiled):
            for requirement in one.task.requires:
                for name in self._outputs(requirement.dataset):
                    needed[name] = needed.get(name, frozenset()) | set(requirement.names)
        return needed

    @property
    def outputs(self) -> frozenset[str]:
        """The names of all that tasks write or register."""
        return frozenset(task.output for task in self._plans.tasks.values())

    def over(self, leaves: Leaves) -> Context:
        """Return another session like this one, that reads these leaves."""
        return Context(self._plans, leaves, *self._settings)

    def _leaf(self, name: str) -> datafusion.DataFrame:
        """Return a source, or an output, as it is read here."""
        if name not in self._registered:
            self.leaves.register(self.session, name)
            self._registered.add(name)
        return self.session.table(quote(name))

    def _outputs(self, dataset: str) -> list[str]:
        """Return the names under which a dataset's rows are: its own, or those of its parts."""
        return [part.output for part in self._parts.get(dataset, ())] or [dataset]

    def _evaluated(self, compiled: Compiled) -> list[Compiled]:
        """Return a task and all views that are evaluated with it."""
        found: dict[str, Compiled] = {}
        stack = [compiled]
        while stack:
            one = stack.pop()
            if one.task.name in found:
                continue
            found[one.task.name] = one
            for requirement in one.task.requires:
                parts = self._parts.get(requirement.dataset, ())
                stack += [self._plans.compiled(p.name) for p in parts if not p.stored]
        return list(found.values())

    def rows(self, compiled: Compiled) -> datafusion.DataFrame:
        """Return a task's query as a frame, cast at the boundary; what it reads is registered."""
        with self._lock:
            for requirement in compiled.task.requires:
                self.register(requirement.dataset)
            for name, table in compiled.memtables.items():
                if name not in self._registered:
                    self._registered.add(name)
                    self.session.register_record_batches(name, [table.to_batches()])
            if compiled.functions:
                # What Arrow hands to Python's code is not the same without it.
                import pandas as pd  # noqa: F401, PLC0415

                functions.register(self.session, compiled.functions)
            return cast_to(self.session.sql(compiled.sql), compiled.rows)

    def partitions(self, batches: list[pa.RecordBatch]) -> list[list[pa.RecordBatch]]:
        """Return batches in the parts that are worked on at once, in one where order matters."""
        limits = self._settings[0]
        count = 1 if limits.deterministic else limits.threads or os.cpu_count() or 1
        return [batches[number::count] for number in range(count)]

    def is_costly(self, compiled: Compiled) -> bool:
        """Return whether a view joins, groups or sorts rows, or calls the user's own functions."""
        return any(
            one.functions or _COSTLY.search(as_optimised(self._plans.frame(one.task.name)))
            for one in self._evaluated(compiled)
        )

    def hold(self, view: str, rows: Rows) -> None:
        """Let whoever reads a view from now on find these rows, which it has."""
        with self._lock:
            self._once[view] = rows
            waiting = {self._plans.tasks[view].dataset}
            while waiting:
                dataset = waiting.pop()
                if dataset in self._registered:
                    self._forget(dataset)
                    # What reads it has it in its own plan.
                    waiting |= self._views_of(dataset)

    def _forget(self, dataset: str) -> None:
        """Let a dataset of views be registered anew when it is needed."""
        views = {part.output for part in self._parts[dataset] if not part.stored}
        self._registered -= {dataset, *views}
        for name in {dataset, *views} - self._held:
            self.session.deregister_table(name)

    def _views_of(self, dataset: str) -> set[str]:
        """Return the datasets of the views that read a dataset."""
        tasks = self._plans.tasks.values()
        reads = (t for t in tasks if any(r.dataset == dataset for r in t.requires))
        return {task.dataset for task in reads if not task.stored}

    def register(self, dataset: str) -> None:
        """Make a dataset readable under its name, views with all that they read."""
        with self._lock:
            waiting = [dataset]
            while waiting:
                name = waiting[-1]
                # First what it reads: a chain of views may be of any length.
                missing = [n for n in self._read_by(name) if n not in self._registered]
                if missing and name not in self._registered:
                    waiting += missing
                    continue
                waiting.pop()
                if name not in self._registered:
                    self._register(name)

    def _read_by(self, dataset: str) -> Iterator[str]:
        """Give the datasets that the views which make this one read when they are evaluated."""
        for part in self._parts.get(dataset, ()):
            if not part.stored and part.name not in self._once:
                yield from (needed.dataset for needed in part.requires)

    def _register(self, dataset: str) -> None:
        if dataset in self._parts:
            self._register_parts(dataset)
        else:
            self._leaf(dataset)
        self._registered.add(dataset)

    def _register_parts(self, dataset: str) -> None:
        parts = self._parts[dataset]
        for part in parts:
            if part.output in self._registered:
                continue
            if part.stored:
                self._leaf(part.output)
            elif part.name in self._once:
                self._register_once(part)
            else:
                self.session.register_view(part.output, self.rows(self._plans.compiled(part.name)))
            self._registered.add(part.output)
        if dataset != parts[0].output:
            schema = arrow_of(parts[0].schema)
            frames = [cast_to(self.session.table(quote(part.output)), schema) for part in parts]
            union = reduce(lambda left, right: left.union(right), frames)
            self.session.register_view(dataset, union)

    def _register_once(self, part: Task) -> None:
        if part.output not in self._held:
            rows, schema = self._once[part.name], self._plans.compiled(part.name).schema
            register_held(self.session, part.output, rows.partitions, rows.schema, schema)
            self._held.add(part.output)

    def plans_behind(
        self, compiled: Compiled, trace_of: Callable[[str], Trace | None]
    ) -> Fingerprint:
        """Return a digest of all plans by which what a task reads came to be.

        Of views it is their plans of now, of tables those that made what they hold.
        """
        facts: list[str] = []
        for one in sorted(self._evaluated(compiled), key=lambda one: one.task.name):
            if one is not compiled:
                facts += ["view", one.task.name, self._plans.query(one.task.name)]
            for name in sorted(n for r in one.task.requires for n in self._tables(r.dataset)):
                trace = trace_of(name)
                # Of rows that somebody else wrote nothing is known, so they equal no others.
                made = [trace.plan, trace.facts.get(BEHIND, "")] if trace else [uuid4().hex]
                facts += ["table", name, *made]
        return fingerprint(BEHIND, *facts)

    def _tables(self, dataset: str) -> list[str]:
        """Return the stored outputs among a dataset's parts."""
        parts = self._parts.get(dataset, ())
        return [part.output for part in parts if part.stored]

    def sources_behind(self, compiled: Compiled) -> set[str]:
        """Return the sources that a task reads, directly or through views."""
        read = {r.dataset for one in self._evaluated(compiled) for r in one.task.requires}
        return read - self._parts.keys()
