"""Evaluations: views that are evaluated once in a build, by the first task that needs them.

Their rows are put aside in files beside those that queries spill into, and read from there without
being copied into memory. That is a shortcut and no more: where it fails, and be it for want of
space, whoever reads the view evaluates it, and says what is wrong.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.core.ports import Evaluated
from cpgbuild.engine.context import Rows
from cpgbuild.engine.frames import column
from cpgbuild.engine.links import Links
from cpgbuild.errors.run import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import datafusion

    from cpgbuild.core.task import Task
    from cpgbuild.engine.context import Context
    from cpgbuild.plan.compiled import Plans


# A view of more bytes is no shortcut, nor is one that takes more than that part of what is free.
MOST = 4 << 30
SHARE = 4


class _TooLarge(Exception):
    """A view's rows are too many to be put aside; after so many that was seen."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


class Evaluations:
    """What was evaluated for all who read it; several threads ask, one evaluates each view."""

    def __init__(self, plans: Plans, context: Context, is_cancelled: Callable[[], bool]) -> None:
        """Take the planned tasks, where they are evaluated, and who knows when to stop."""
        self._plans = plans
        self._context = context
        self._is_cancelled = is_cancelled
        self._links: Links | None = None
        self._begun: dict[str, Lock] = {}
        self._tried: set[str] = set()
        self._lock = Lock()

    def once(self, view: Task) -> Evaluated | None:
        """See that a view's rows are there, if they can be; return what it cost to evaluate it.

        None where somebody else did, or nobody could.

        Raises:
            Cancelled: the build was interrupted.
        """
        with self._lock:
            mine = self._begun.setdefault(view.name, Lock())
        with mine:
            if view.name in self._tried:
                return None
            self._tried.add(view.name)
            began = time.monotonic()
            try:
                rows = self._put_aside(view)
            except Cancelled:
                raise
            except _TooLarge as error:
                return Evaluated(view.name, error.rows, time.monotonic() - began, fits=False)
            except Exception:  # noqa: BLE001 -- who reads the view comes upon it too, and says so
                return None
            self._context.hold(view.name, rows)
            count = sum(batch.num_rows for part in rows.partitions for batch in part)
            return Evaluated(view.name, count, time.monotonic() - began)

    def close(self) -> None:
        """Give the space back; who still reads the rows keeps them until the end."""
        with self._lock:
            if self._links is not None:
                with suppress(OSError):
                    self._links.close()
            self._links = None

    def _put_aside(self, view: Task) -> Rows:
        frame = self._needed(view)
        path = str(self._folder() / "rows.arrow")
        stream = pa.RecordBatchReader.from_stream(frame)
        try:
            with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, stream.schema) as writer:
                for batch in self._watched(view, stream, shutil.disk_usage(path).free // SHARE):
                    writer.write_batch(batch)
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise
        with pa.memory_map(path) as file:
            reader = pa.ipc.open_file(file)
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        # What is mapped stays so.
        with suppress(OSError):
            Path(path).unlink()
        return Rows(stream.schema, self._context.partitions(batches))

    def _watched(
        self, view: Task, batches: Iterable[pa.RecordBatch], most: int
    ) -> Iterator[pa.RecordBatch]:
        """Give batches, of so many bytes at most; raise where the build was interrupted."""
        rows = size = 0
        for batch in batches:
            if self._is_cancelled():
                raise Cancelled(view.name)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if size > min(most, MOST):
                raise _TooLarge(rows)
            yield batch

    def _needed(self, view: Task) -> datafusion.DataFrame:
        """Return a view's rows, of the columns that anybody reads."""
        frame = self._context.rows_of(self._plans.compiled(view.name))
        tasks = self._plans.tasks.values()
        read = {n for t in tasks for r in t.requires if r.dataset == view.dataset for n in r.names}
        wanted = [name for name in frame.schema().names if name in read]
        return frame.select(*map(column, wanted or frame.schema().names[:1]))

    def _folder(self) -> Path:
        with self._lock:
            self._links = self._links or Links()
            return self._links.empty()
