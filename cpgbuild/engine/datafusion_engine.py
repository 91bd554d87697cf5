"""The embedded engine: DataFusion over Delta tables, in this process."""

from __future__ import annotations

import json
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from shutil import rmtree
from threading import Event, Lock
from typing import TYPE_CHECKING

import datafusion

from cpgbuild.core.check import CHECKED
from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import UNKNOWN
from cpgbuild.core.ports import Evaluated, Result, Tick
from cpgbuild.core.task import Lane
from cpgbuild.core.trace import Trace
from cpgbuild.engine.bykey import KeyedRun, buckets_key, ledger_before, ledger_held
from cpgbuild.engine.checking import Checking
from cpgbuild.engine.context import BEHIND, Context
from cpgbuild.engine.evaluations import Evaluations
from cpgbuild.engine.explain import explain
from cpgbuild.engine.failures import run_failure
from cpgbuild.engine.links import Links
from cpgbuild.engine.records import Records
from cpgbuild.engine.runs import RUN, MapRun, Run, query_run
from cpgbuild.engine.workers import Callee, Workers
from cpgbuild.engine.writing import Writing
from cpgbuild.errors.run import Cancelled, SourceChanged
from cpgbuild.plan.assemble import FORM
from cpgbuild.plan.recorded import plan_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.core.check import Passed
    from cpgbuild.core.events import Action
    from cpgbuild.core.evidence import Columns, Evidence
    from cpgbuild.core.explanation import Explanation
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.ports import Order, Past
    from cpgbuild.core.rebuilder import Decision
    from cpgbuild.core.task import Task
    from cpgbuild.engine.broken import Broken
    from cpgbuild.engine.context import Limits
    from cpgbuild.engine.data import Data
    from cpgbuild.engine.hashing import Hashing
    from cpgbuild.engine.leaves import Scanned
    from cpgbuild.engine.warehouse import Staged
    from cpgbuild.engine.writing import Made
    from cpgbuild.plan.compiled import Compiled, Plans

# The fact of a trace that says by which columns a table's files are put into folders.
FOLDERS = "partition_by"
# The fact of a trace that stands for its rows without the last bits of their floats.
BLURRED = "blurred"
TICK_SECONDS = 0.2
PATIENCE_SECONDS = 0.1
GRACE_SECONDS = 3.0


class DataFusionEngine:
    """Runs compute tasks in threads; each ends in one Delta commit, or in nothing.

    Its `version` is DataFusion's, and that of the form in which plans are fingerprinted.
    """

    version = f"datafusion {datafusion.__version__} form {FORM}"

    def __init__(
        self,
        plans: Plans,
        places: Scanned,
        root: Path,
        data: Data,
        limits: Limits,
        broken: Broken,
    ) -> None:
        """Take the planned tasks, where rows are, the root, what is known of the rows, limits.

        And where rows are kept that break a check.
        """
        sources, warehouse = places.sources, places.warehouse
        self.context = Context(plans, places, limits)
        self._data = data
        self._records = Records(warehouse, plans)
        self._plans = plans
        self._sources = sources
        self._warehouse = warehouse
        self._root = root
        self._evaluations = Evaluations(plans, self.context, self.is_cancelled)
        self._broken = broken
        self._checking = Checking(plans, data, broken, self.is_cancelled)
        self._links: Links | None = None
        self._lock = Lock()
        self._workers = Workers(limits.threads or os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="task")
        self._answers: SimpleQueue[Result | Tick | Evaluated] = SimpleQueue()
        self._cancelled = Event()
        self._cancelled_at = 0.0
        self._running: set[str] = set()

    def query(self, task: Task) -> Fingerprint:
        """Return the fingerprint of a task's own query, as it is now."""
        return self._plans.query(task.name)

    def is_costly(self, view: Task) -> bool:
        """Return whether a view does more with rows than to choose among them and pass them on."""
        return self.context.is_costly(self._plans.compiled(view.name))

    def evidence(self, dataset: str) -> Evidence | None:
        """Return what a source or a task's output holds now."""
        if dataset in self._sources:
            return self._sources.evidence(dataset)
        found = self._warehouse.evidence(dataset)
        if found is None or self._warehouse.trace(dataset) is not None:
            return found
        return self._by_rows(dataset, found)

    def _by_rows(self, output: str, found: Evidence) -> Evidence:
        """Return the evidence of a table whose log does not tell who wrote its rows.

        It may have been compacted before its log was cut short. The rows themselves can say that
        they are those of our last commit.
        """
        copy = self._warehouse.copy(output)
        if copy is None or copy.wrote.schema != found.schema.fingerprint:
            return found
        if self._data.now(output, tuple(sorted(found.schema.names))) != copy.wrote.version:
            return found
        self._warehouse.recognise(output, copy)
        return copy.evidence(found.schema)

    def data(self, name: str, columns: Columns) -> Fingerprint:
        """Return the data fingerprint of columns of what a source or an output holds now."""
        return self._data.now(name, columns)

    def data_then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        """Return the data fingerprint of columns at an earlier version; None where it is gone."""
        return self._data.then(name, version, columns)

    def trace(self, output: str) -> Trace | None:
        """Return the trace that was committed with what an output holds now."""
        found = self._warehouse.trace(output)
        if found is None and self.evidence(output) is not None:
            found = self._warehouse.trace(output)
        return found

    def explain(self, decision: Decision, action: Action) -> Explanation:
        """Return why a task would run, or need not, with what is known of its last good run."""
        return explain(decision, action, self._data, self._records)

    def today(self, output: str, trace: Trace) -> Trace:
        """Return a trace with its plans as this version plans what was run then."""
        kept = self._records.find(output, trace.plan)
        task = plan_again(kept) if kept is not None else None
        if task is None:
            return trace
        views = dict(task.views)
        return replace(trace, plan=task.plan, query=task.query, views=views, engine=self.version)

    def past(self, output: str) -> Iterator[Past]:
        """Return what an output held before and can hold again, newest first."""
        return self._warehouse.past(output)

    def start(self, order: Order) -> None:
        """Begin a task in a thread of its own."""
        self._running.add(order.task.name)
        self._threads.submit(self._run, order)

    def wait(self) -> Result | Tick | Evaluated:
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
        self._evaluations.close()
        if self._links is not None:
            self._links.close()

    def _run(self, order: Order) -> None:
        began = time.monotonic()
        task = order.task
        try:
            ended = self._commit(order, began)
            evidence = self._warehouse.evidence(task.output) if task.stored else None
            self._broken.forget(task.output)
        except BaseException as error:  # noqa: BLE001 -- whatever it was, the loop must hear of it
            seconds = time.monotonic() - began
            failure = self._failure_of(task, error)
            self._answers.put(Result(task.name, None, error=failure, seconds=seconds))
        else:
            seconds = time.monotonic() - began
            facts = (ended.trace, evidence, None, seconds, ended.detail, ended.changed)
            self._answers.put(Result(task.name, *facts))

    def _failure_of(self, task: Task, error: BaseException) -> Exception:
        if self._cancelled.is_set():
            return Cancelled(task.name)
        return run_failure(error, task, self._warehouse.location)

    def _commit(self, order: Order, began: float) -> _Ended:
        """Run a task and commit its rows with their trace, or restore what it once made."""
        if order.restore is not None:
            return self._restore(order, order.restore)
        if order.recheck:
            return self._recheck(order)
        task, compiled = order.task, self._plans.compiled(order.task.name)
        if compiled.row_map is not None:
            self._workers.prepare(Callee.of(compiled.row_map.function, str(self._root)))
        behind = self.context.plans_behind(compiled, self._warehouse.trace)
        run = self._begin(order, compiled, behind)
        run_name, folders = uuid.uuid4().hex, json.dumps(task.partition_by)
        facts = run.facts | {BEHIND: str(behind), RUN: run_name, FOLDERS: folders}
        trace = self._trace(order, facts)
        if run.keys is not None:
            self._warehouse.keep_keys(task.output, run_name, run.keys)
        if run.batches is None:
            if run.before is not None:
                self._warehouse.keep_ledger(task.output, run_name, run.before)
            changed, full = False, self._same(order, trace, began)
        else:
            before = self._warehouse.trace(task.output)
            changed, full = self._write(order, run, trace, began)
            if changed and before is not None and _differs_in_last_bits(before, full):
                run.detail = "its floats differ in their last bits"
        if self._warehouse.keeps_many(task.output):
            past = (one.trace.facts.get(RUN, "") for one in self._warehouse.past(task.output))
            self._warehouse.drop_other_keys(task.output, {run_name, *past})
        return _Ended(full, changed=changed, detail=run.detail)

    def _recheck(self, order: Order) -> _Ended:
        """Check the rows that a table holds, or that a view gives; commit that they pass."""
        task, before = order.task, order.previous
        if not task.stored or before is None:
            checked = self._passed(order, None, self.context)
            trace = replace(self._trace(order, {}), checked=checked)
            return _Ended(trace, changed=False, detail=CHECKED)
        checked = self._passed(order, before.wrote.version, self.context)
        trace = replace(before, checked=checked)
        self._warehouse.renew(task, trace)
        return _Ended(trace, changed=False, detail=CHECKED)

    def _passed(
        self, order: Order, rows: Fingerprint | None, context: Context
    ) -> dict[str, Passed]:
        """Return which checks rows pass, which is all of them; raise where they do not."""
        checked = self._checking.passed(order.task, order.checks, rows, context)
        if checked:
            self.check_inputs(order.task, self._checking.sources(order.checks, self.context))
        return checked

    def _passed_unseen(self, order: Order, staged: Staged, rows: Fingerprint) -> dict[str, Passed]:
        """Return which checks staged rows pass; raise where they do not."""
        if not order.checks:
            return {}
        with self._lock:
            self._links = self._links or Links()
            place = self._links.empty()
        try:
            leaves = self._warehouse.unseen(staged, self.context.leaves, place)
            return self._passed(order, rows, self.context.over(leaves))
        finally:
            rmtree(place, ignore_errors=True)

    def _restore(self, order: Order, past: Past) -> _Ended:
        reads = {**past.trace.reads, **self._stamps(order)}
        trace = replace(past.trace, reads=reads, finished=_now())
        self._warehouse.restore(order.task, past.version, trace)
        detail = f"of {past.trace.finished[:16].replace('T', ' ')}"
        return _Ended(trace, changed=True, detail=detail)

    def _trace(self, order: Order, facts: dict[str, str]) -> Trace:
        """Return the trace of a run before anything is known of its rows."""
        task = order.task
        return Trace(
            task.name,
            task.plan,
            {},
            Stamp(task.schema.fingerprint, UNKNOWN),
            query=task.query,
            views=dict(task.views),
            engine=self.version,
            finished=_now(),
            facts=facts,
        )

    def _stamps(self, order: Order) -> dict[str, Stamp]:
        """Return what a run reads, with the data fingerprints that nobody could compute later."""
        found: dict[str, Stamp] = {}
        for leaf in order.task.leaves:
            stamp = order.reads[leaf.dataset]
            if stamp.data is None and not self._data.is_lazy(leaf.dataset):
                stamp = replace(stamp, data=self._data.now(leaf.dataset, leaf.names))
            found[leaf.dataset] = stamp
        # Until now rows were read of them.
        self.check_inputs(order.task)
        return found

    def _same(self, order: Order, trace: Trace, began: float) -> Trace:
        """Commit that a run found nothing to do: the rows are those of the previous one."""
        before = order.previous
        assert before is not None  # noqa: S101 -- or there would be rows to write
        full = replace(
            trace,
            reads=self._stamps(order),
            wrote=before.wrote,
            data=before.data,
            rows=before.rows,
            seconds=time.monotonic() - began,
            checked=self._passed(order, before.wrote.version, self.context),
        )
        self._warehouse.renew(order.task, full)
        return full

    def _write(self, order: Order, run: Run, trace: Trace, began: float) -> tuple[bool, Trace]:
        """Write rows beside the table, and commit them where they are not those that it holds."""
        task, compiled = order.task, self._plans.compiled(order.task.name)
        assert run.batches is not None  # noqa: S101 -- or there is nothing to write
        writing = Writing(self._warehouse, compiled, run, self._data.wanted(task.output))
        with writing.hashing() as hashing:
            counter = _Counter(self, order, hashing)
            try:
                staged = writing.stage(counter.counted(run.batches))
            except Exception as error:
                # An exception loses its identity on its way through Arrow's stream.
                raise counter.error or error from error
            try:
                made = writing.made(staged, hashing, counter.rows)
                staged = made.staged
                full = self._finished(order, trace, made)
                checked = self._passed_unseen(order, staged, full.wrote.version)
                full = replace(full, seconds=time.monotonic() - began, checked=checked)
                self._records.keep(task)
                holds = self._holds(task, full)
                # Rows in files of which nobody knows the keys are put into others, this once.
                stays = holds and (made.same is not None or made.ledger is None)
                if (ledger := made.same if stays else made.ledger) is not None:
                    self._warehouse.keep_ledger(task.output, full.facts[RUN], ledger)
                    run.detail = run.detail or run.told(ledger)
                if stays:
                    self._warehouse.discard(staged)
                    self._warehouse.renew(task, full)
                    return False, full
            except BaseException:
                self._warehouse.discard(staged)
                raise
        self._warehouse.commit(task, staged, full)
        return not holds, full

    def _finished(self, order: Order, trace: Trace, made: Made) -> Trace:
        """Return the trace of a run whose rows are all there."""
        schema = order.task.schema
        version, blurred = made.data[tuple(sorted(schema.names))], made.blurred
        return replace(
            trace,
            reads=self._stamps(order),
            wrote=Stamp(schema.fingerprint, version, version),
            data=made.data,
            rows=made.rows,
            finished=_now(),
            facts=trace.facts | ({BLURRED: blurred} if blurred is not None else {}),
        )

    def _holds(self, task: Task, trace: Trace) -> bool:
        """Return whether a task's table holds already what a run made, in the same folders."""
        held = self._warehouse.trace(task.output)
        return (
            held is not None
            and held.wrote == trace.wrote
            and held.facts.get(FOLDERS) == trace.facts[FOLDERS]
        )

    def _begin(self, order: Order, compiled: Compiled, behind: Fingerprint) -> Run:
        key = buckets_key(compiled)
        run = self._begun(order, compiled, behind, key)
        if run.before is None and key is not None:
            run.before = ledger_held(self._warehouse, order.task, key)
        return run

    def _begun(self, order: Order, compiled: Compiled, behind: Fingerprint, key: str | None) -> Run:
        if order.task.lane is Lane.ENGINE and key is not None:
            keyed = KeyedRun(self.context, self._warehouse, self._plans, compiled, key)
            run = keyed.begin(order)
            if run is not None:
                # Of the views that others read too, it takes but a few rows.
                return run
            self._evaluate(order)
            return keyed.whole(order)
        self._evaluate(order)
        if order.task.lane is Lane.PYTHON:
            ledger = ledger_before(self._warehouse, order, key) if key is not None else None
            told = (self.context, self._warehouse, self._workers, compiled, self._root, behind)
            return MapRun(*told, ledger).begin(order)
        return query_run(self.context, compiled)

    def _evaluate(self, order: Order) -> None:
        """See that views are evaluated that others read too."""
        for view in order.once:
            evaluated = self._evaluations.once(view)
            if evaluated is not None:
                self._answers.put(evaluated)

    def check_inputs(self, task: Task, also: Iterable[str] = ()) -> None:
        """See, when all rows are there and none is committed, that the sources held still.

        `also` those that something else read for the task.

        Raises:
            SourceChanged: one did not.
            Cancelled: the build was interrupted.
        """
        if self.is_cancelled():
            raise Cancelled(task.name)
        behind = self.context.sources_behind(self._plans.compiled(task.name)) | set(also)
        if changed := self._sources.changed(behind):
            raise SourceChanged(task.name, changed, task.place)

    def is_cancelled(self) -> bool:
        """Return whether the build was interrupted."""
        return self._cancelled.is_set()

    def tell(self, tick: Tick) -> None:
        """Pass on how far a running task has come."""
        self._answers.put(tick)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a run ended well: its trace, and whether there are other rows than before."""

    trace: Trace
    changed: bool
    detail: str


def _differs_in_last_bits(before: Trace, now: Trace) -> bool:
    """Return whether a run gave other rows than the one before by nothing but noise in floats."""
    blurred = now.facts.get(BLURRED)
    same = (before.plan, before.wrote.schema) == (now.plan, now.wrote.schema)
    return same and blurred is not None and before.facts.get(BLURRED) == blurred


class _Counter:
    """Counts and hashes the rows of a run on their way, and stops it when it must not end."""

    def __init__(self, engine: DataFusionEngine, order: Order, hashing: Hashing) -> None:
        self.rows = 0
        self.hashing = hashing
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
            self.hashing.add(batch)
            if time.monotonic() - told > TICK_SECONDS:
                told = time.monotonic()
                self._engine.tell(Tick(self._order.task.name, self.rows))
            yield batch
        self._engine.check_inputs(self._order.task)


def _now() -> str:
    """Return the moment in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
