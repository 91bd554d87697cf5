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
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import wait
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.plan.places import places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess

    from cpgbuild.errors.report import Place

# One call of a function gets rows of about so many bytes: enough work to outweigh the hand-over,
# little enough that the last calls end together.
CALL_BYTES = 1 << 20
PATIENCE_SECONDS = 1.0


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
        self._pool: ProcessPoolExecutor | None = None
        self._lock = Lock()

    def map(
        self, callee: Callee, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
        """Give each slice of the rows with what the function returned for it, in order.

        At most two slices a process are under way, so memory stays bounded.

        Raises:
            CallFailed: the function raised.
        """
        pool = self._started()
        waiting: deque[tuple[pa.RecordBatch, Future[bytes]]] = deque()
        try:
            for part in slices(batches):
                if len(waiting) >= 2 * self._count:
                    yield _result(*waiting.popleft())
                with _out_of_reach():
                    waiting.append((part, pool.submit(_call, callee, _packed(part))))
            while waiting:
                yield _result(*waiting.popleft())
        except BrokenProcessPool:
            # The next task starts a pool of its own.
            self._forget(pool)
            raise
        finally:
            for _, future in waiting:
                future.cancel()

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                _begin_tracker()
                # A fork would copy the locks of the engine's threads as they are.
                self._pool = ProcessPoolExecutor(
                    self._count, mp_context=get_context("spawn"), initializer=_begin
                )
            return self._pool

    def _forget(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None

    def stop(self) -> None:
        """End the processes; what they are at is lost."""
        if self._pool is not None:
            # Shutting down forgets the processes and their thread, and waits for none of them.
            processes = list((self._pool._processes or {}).values())  # noqa: SLF001
            thread: Any = self._pool._executor_manager_thread  # noqa: SLF001
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                _end(process)
            if thread is not None:
                # Python's exit would wake it by a pipe that it may be about to close.
                thread.join(PATIENCE_SECONDS)
            self._pool = None


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


def _result(part: pa.RecordBatch, future: Future[bytes]) -> tuple[pa.RecordBatch, pa.Table]:
    return part, _unpacked(future.result())


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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _rows(result: object) -> pa.RecordBatch | pa.Table:
    if not isinstance(result, pa.RecordBatch | pa.Table):
        kind = type(result).__name__
        raise TypeError(f"the function returned `{kind}`, neither a RecordBatch nor a Table")
    return result


def _call(callee: Callee, data: bytes) -> bytes:
    """Run the function on one slice, in a worker."""
    try:
        return _packed(_rows(callee.load()(_unpacked(data).combine_chunks().to_batches()[0])))
    except Exception as error:  # noqa: BLE001 -- a user's function may raise anything
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise CallFailed(reason, places_of(error.__traceback__), traceback.format_exc()) from None
