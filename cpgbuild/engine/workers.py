"""Workers: the processes in which the functions of python-lane tasks run."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import wait
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.plan.lazy_pandas import hide_pandas
from cpgbuild.plan.places import places_of
from cpgbuild.plan.textual import TextFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess

    from cpgbuild.errors.report import Place

# One call of a function gets rows of about so many bytes: enough work to outweigh the hand-over,
# little enough that the last calls end together.
CALL_BYTES = 1 << 20
PATIENCE_SECONDS = 1.0
# A pool may break just before a call is given to it; a new one has nothing yet to break of.
TRIES = 2


@dataclass(frozen=True, slots=True)
class Callee:
    """A function of one of the project's modules, by name: what can be sent to another process."""

    root: str
    module: str
    name: str

    @classmethod
    def of(cls, function: Callable[..., Any], root: str) -> Callee:
        """Return the name of a function that a module of the project defines."""
        return cls(root, function.__module__, function.__qualname__)

    def load(self) -> Callable[..., Any]:
        """Import the function, here."""
        if self.root not in sys.path:
            sys.path.insert(0, self.root)
        found: Any = importlib.import_module(self.module)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]


class CallFailed(Exception):
    """A function raised, in another process: what, and where in which file."""

    def __init__(self, reason: str, places: list[Place], trace: str) -> None:
        """Take the words, the places of the traceback, innermost first, and it as it is printed."""
        super().__init__(reason, places, trace)
        self.reason = reason
        self.places = places
        self.trace = trace


class Workers:
    """A pool of processes that is started when the first task needs it."""

    def __init__(self, count: int) -> None:
        """Take the number of processes."""
        self._count = count
        self._shared: ProcessPoolExecutor | None = None
        self._pools: set[ProcessPoolExecutor] = set()
        self._lock = Lock()

    def prepare(self, callee: Callee) -> None:
        """Have processes come up, and one of them import a function, while its rows are looked for.

        What goes wrong does so again when the function is called, and is told then.
        """
        pool = self._started()
        with _out_of_reach(), suppress(BrokenProcessPool):
            for _ in range(max(1, self._count - len(pool._processes or {}))):  # noqa: SLF001
                pool.submit(_load, callee)

    def map(
        self, callee: Callee, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
        """Give each slice of the rows with what the function returned for it, in order.

        At most two slices a process are under way, so memory stays bounded.

        Raises:
            CallFailed: the function raised.
            BrokenProcessPool: a call ended its process, twice.
        """
        waiting: deque[_Call] = deque()
        try:
            for part in slices(batches):
                if len(waiting) >= 2 * self._count:
                    yield self._ended(waiting.popleft())
                waiting.append(self._begun(callee, part))
            while waiting:
                yield self._ended(waiting.popleft())
        finally:
            for call in waiting:
                call.future.cancel()

    def _begun(self, callee: Callee, part: pa.RecordBatch) -> _Call:
        for _ in range(TRIES):
            pool = self._started()
            try:
                return _Call.begun(pool, callee, part)
            except BrokenProcessPool:
                self._forget(pool)
        raise BrokenProcessPool

    def _ended(self, call: _Call) -> tuple[pa.RecordBatch, pa.Table]:
        """Wait for a call; if a process ended, nobody knows for whose, so each gets its own now."""
        try:
            return call.part, call.result()
        except BrokenProcessPool:
            self._forget(call.pool)
        alone = self._new(1)
        try:
            return call.part, _Call.begun(alone, call.callee, call.part).result()
        finally:
            self._pools.discard(alone)
            alone.shutdown(wait=False)

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._shared is None:
                self._shared = self._new(self._count)
            return self._shared

    def _new(self, count: int) -> ProcessPoolExecutor:
        _begin_tracker()
        # A fork would copy the locks of the engine's threads as they are.
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)
        self._pools.add(pool)
        return pool

    def _forget(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            self._pools.discard(broken)
            if self._shared is broken:
                self._shared = None

    def stop(self) -> None:
        """End the processes; what they are at is lost."""
        while self._pools:
            _end_pool(self._pools.pop())
        self._shared = None


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a function for some rows, on its way in a process of a pool."""

    pool: ProcessPoolExecutor
    callee: Callee
    part: pa.RecordBatch
    future: Future[bytes]

    @classmethod
    def begun(cls, pool: ProcessPoolExecutor, callee: Callee, part: pa.RecordBatch) -> _Call:
        with _out_of_reach():
            return cls(pool, callee, part, pool.submit(_call, callee, _packed(part)))

    def result(self) -> pa.Table:
        return _unpacked(self.future.result())


def _end_pool(pool: ProcessPoolExecutor) -> None:
    # Shutting down forgets the processes and their thread, and waits for none of them.
    processes = list((pool._processes or {}).values())  # noqa: SLF001
    thread: Any = pool._executor_manager_thread  # noqa: SLF001
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        _end(process)
    if thread is not None:
        # Python's exit would wake it by a pipe that it may be about to close.
        thread.join(PATIENCE_SECONDS)


def _end(process: BaseProcess) -> None:
    """End a worker with all that it started; one that has hardly begun leads no group yet."""
    if process.pid is None:
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        process.terminate()


def slices(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Halve batches until a slice has one row, or no more than `CALL_BYTES`; in order."""
    for batch in batches:
        if batch.num_rows <= 1 or batch.nbytes <= CALL_BYTES:
            if batch.num_rows:
                yield batch
        else:
            middle = batch.num_rows // 2
            yield from slices([batch.slice(0, middle), batch.slice(middle)])


def _packed(rows: pa.RecordBatch | pa.Table) -> bytes:
    """Return rows as a stream of Arrow IPC; pickling a slice would send all of its buffers."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write(rows)
    return bytes(sink.getvalue())


def _unpacked(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()


def _begin_tracker() -> None:
    """Start Python's process that gives semaphores back when this one is gone.

    It would tell a user who interrupts a build that they leaked.
    """
    option = "ignore::UserWarning:multiprocessing.resource_tracker"
    sys.warnoptions.append(option)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(option)


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """Let processes that begin in this block never see Ctrl-C: what is blocked is inherited."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Leave Ctrl-C to the parent, which ends its workers itself; end when it is gone.

    A worker leads a group of processes, so that what a function starts ends with it.
    """
    hide_pandas()
    sys.meta_path.insert(0, TextFinder())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    Thread(target=_outlive_nobody, daemon=True).start()


def _load(callee: Callee) -> None:
    callee.load()


def _outlive_nobody() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def as_rows(result: object) -> pa.RecordBatch | pa.Table:
    """Return what a function returned, if that is rows."""
    if not isinstance(result, pa.RecordBatch | pa.Table):
        kind = type(result).__name__
        raise TypeError(f"the function returned `{kind}`, neither a RecordBatch nor a Table")
    return result


def _call(callee: Callee, data: bytes) -> bytes:
    """Run the function on one slice, in a worker."""
    try:
        return _packed(as_rows(callee.load()(_unpacked(data).combine_chunks().to_batches()[0])))
    except Exception as error:  # noqa: BLE001 -- a user's function may raise anything
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise CallFailed(reason, places_of(error.__traceback__), traceback.format_exc()) from None
