"""The embedded engine: DataFusion over Delta tables, in this process."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.ports import Result, Tick
from cpgbuild.core.task import Lane
from cpgbuild.core.trace import Trace
from cpgbuild.engine.context import BEHIND, Context
from cpgbuild.engine.failures import run_failure
from cpgbuild.engine.leaves import Scanned
from cpgbuild.engine.runs import MapRun, Run, query_run
from cpgbuild.engine.spool import spooled
from cpgbuild.engine.workers import Workers
from cpgbuild.errors.run import Cancelled, SourceChanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.core.evidence import Evidence
    from cpgbuild.core.ports import Order
    from cpgbuild.core.task import Task
    from cpgbuild.engine.sources import Sources
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.compiled import Compiled

TICK_SECONDS = 0.2
PATIENCE_SECONDS = 0.1
GRACE_SECONDS = 3.0


class DataFusionEngine:
    """Runs compute tasks in threads; each ends in one Delta commit, or in nothing."""

    def __init__(
        self,
        compiled: Mapping[str, Compiled],
        sources: Sources,
        warehouse: Warehouse,
        root: Path,
        memory_limit: int | None = None,
        threads: int = 0,
    ) -> None:
        """Take the compiled tasks, where rows are, the project's root, and limits."""
        self.context = Context(compiled, Scanned(sources, warehouse), memory_limit, threads)
        self._compiled = compiled
        self._sources = sources
        self._warehouse = warehouse
        self._root = root
        self._workers = Workers(threads or os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="task")
        self._answers: SimpleQueue[Result | Tick] = SimpleQueue()
        self._cancelled = Event()
        self._cancelled_at = 0.0
        self._running: set[str] = set()

    def evidence(self, dataset: str) -> Evidence | None:
        """Return what a source or a task's output holds now."""
        if dataset in self._sources:
            return self._sources.evidence(dataset)
        return self._warehouse.evidence(dataset)

    def trace(self, output: str) -> Trace | None:
        """Return the trace that was committed with what an output holds now."""
        return self._warehouse.trace(output)

    def start(self, order: Order) -> None:
        """Begin a task in a thread of its own."""
        self._running.add(order.task.name)
        self._threads.submit(self._run, order)

    def wait(self) -> Result | Tick:
        """Wait until a task ends or has progress to tell, or for a moment.

        After `cancel`, a task that does not end soon counts as ended: it can no longer commit.
        """
        try:
            answer = self._answers.get(timeout=PATIENCE_SECONDS)
        except Empty:
            answer = self._impatient()
        if isinstance(answer, Result):
            self._running.discard(answer.task)
        return answer

    def _impatient(self) -> Result | Tick:
        late = self._cancelled_at and time.monotonic() - self._cancelled_at > GRACE_SECONDS
        if late and self._running:
            name = min(self._running)
            return Result(name, None, error=Cancelled(name))
        return Tick("", 0)

    def cancel(self) -> None:
        """Make running tasks fail at their next batch, and end their workers."""
        self._cancelled.set()
        self._cancelled_at = time.monotonic()
        self._workers.stop()

    def close(self) -> None:
        """End all threads and processes; what is still running can no longer commit."""
        self._cancelled.set()
        self._workers.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, order: Order) -> None:
        began = time.monotonic()
        task = order.task
        try:
            trace, evidence, detail = self._commit(order, began)
        except BaseException as error:  # noqa: BLE001 -- whatever it was, the loop must hear of it
            seconds = time.monotonic() - began
            failure = self._failure_of(task, error)
            self._answers.put(Result(task.name, None, error=failure, seconds=seconds))
        else:
            seconds = time.monotonic() - began
            self._answers.put(Result(task.name, trace, evidence, None, seconds, detail))

    def _failure_of(self, task: Task, error: BaseException) -> Exception:
        if self._cancelled.is_set():
            return Cancelled(task.name)
        return run_failure(error, task, self._warehouse.location)

    def _commit(self, order: Order, began: float) -> tuple[Trace, Evidence | None, str]:
        """Run a task and commit its rows with their trace."""
        task, compiled = order.task, self._compiled[order.task.name]
        behind = self.context.plans_behind(compiled, self._warehouse.trace)
        facts = {BEHIND: str(behind)}
        run = self._begin(order, compiled, behind)
        # What a run wrote is known by the run: until rows are compared, no two are the same.
        name = Fingerprint(uuid.uuid4().hex)
        wrote = Stamp(task.schema.fingerprint, name)
        trace = Trace(task.name, task.plan, order.reads, wrote, finished=_now(), facts=facts)
        counter = _Counter(self, order)
        if run.keys is not None:
            self._warehouse.keep_keys(task.output, name, run.keys)
        try:
            counted = counter.counted(run.batches)
            slow = task.lane is Lane.PYTHON
            with spooled(counted, compiled.schema) if slow else nullcontext(counted) as batches:
                self._warehouse.commit(task, compiled.schema, batches, trace)
        except Exception as error:
            # An exception loses its identity on its way through Arrow's stream.
            raise counter.error or error from error
        if run.keys is not None:
            self._warehouse.drop_other_keys(task.output, name)
        seconds = time.monotonic() - began
        full = replace(trace, rows=counter.rows, seconds=seconds, finished=_now())
        return full, self._warehouse.evidence(task.output), run.detail

    def _begin(self, order: Order, compiled: Compiled, behind: Fingerprint) -> Run:
        if order.task.lane is Lane.PYTHON:
            run = MapRun(self.context, self._warehouse, self._workers, compiled, self._root, behind)
            return run.begin(order)
        return query_run(self.context, compiled)

    def check_inputs(self, task: Task) -> None:
        """See, when all rows are there and none is committed, that the sources held still.

        Raises:
            SourceChanged: one did not.
        """
        if changed := self._sources.changed(self.context.sources_behind(self._compiled[task.name])):
            raise SourceChanged(task.name, changed, task.place)

    def is_cancelled(self) -> bool:
        """Return whether the build was interrupted."""
        return self._cancelled.is_set()

    def tell(self, tick: Tick) -> None:
        """Pass on how far a running task has come."""
        self._answers.put(tick)


class _Counter:
    """Counts the rows of a run on their way to the commit, and stops it when it must not end."""

    def __init__(self, engine: DataFusionEngine, order: Order) -> None:
        self.rows = 0
        self.error: Exception | None = None
        self._engine = engine
        self._order = order

    def counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the batches; raise where the build was interrupted or a source changed."""
        try:
            yield from self._watched(batches)
        except Exception as error:
            self.error = error
            raise

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        told = time.monotonic()
        for batch in batches:
            if self._engine.is_cancelled():
                raise Cancelled(self._order.task.name)
            self.rows += batch.num_rows
            if time.monotonic() - told > TICK_SECONDS:
                told = time.monotonic()
                self._engine.tell(Tick(self._order.task.name, self.rows))
            yield batch
        if self._engine.is_cancelled():
            raise Cancelled(self._order.task.name)
        self._engine.check_inputs(self._order.task)


def _now() -> str:
    """Return the moment in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
