"""Journal: the last trace of each task, as JSON lines. What is torn is dropped, never believed."""

from __future__ import annotations

import glob
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from cpgbuild.core.trace import Trace
from cpgbuild.errors.state import StateUnwritable

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

HEADER = b'{"cpgbuild-traces":1}\n'
# A journal with so many lines for each task that counts is written anew.
SLACK = 8
# A draft of a file that is so old is nobody's.
DRAFT_SECONDS = 60


class Journal:
    """Traces in one file; of an unknown version it is started over, which costs time only."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read or made yet."""
        self._path = path

    def load(self) -> dict[str, Trace]:
        """Return the last trace of each task by name."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return {}
        if not data.startswith(HEADER):
            return {}
        whole = data[: data.rindex(b"\n") + 1]
        lines = whole.splitlines()[1:]
        found = (Trace.from_json(line.decode(errors="replace")) for line in lines)
        traces = {trace.task: trace for trace in found if trace is not None}
        if whole != data or len(lines) > SLACK * (len(traces) + SLACK):
            self._rewrite(traces)
        return traces

    def record(self, trace: Trace) -> None:
        """Append one trace.

        Raises:
            StateUnwritable: the file cannot be written.
        """
        line = trace.to_json().encode() + b"\n"
        try:
            if not self._is_ours():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_bytes(HEADER)
            with self._path.open("ab") as file:
                file.write(line)
        except OSError as error:
            raise StateUnwritable(str(self._path), error) from error

    def forget(self, tasks: Collection[str]) -> None:
        """Drop the traces of some tasks; a failure to write is no error."""
        kept = self.load()
        if kept.keys() & set(tasks):
            self._rewrite({name: trace for name, trace in kept.items() if name not in tasks})

    def _is_ours(self) -> bool:
        try:
            with self._path.open("rb") as file:
                return file.readline() == HEADER
        except OSError:
            return False

    def _rewrite(self, traces: dict[str, Trace]) -> None:
        lines = b"".join(trace.to_json().encode() + b"\n" for trace in traces.values())
        try:
            replace(self._path, HEADER + lines)
        except OSError:
            return


def replace(path: Path, data: bytes) -> None:
    """Write a file so that, at any moment, it holds either its old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    _sweep(path)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Delete what those left who died while they wrote a file; nobody takes so long to write it."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                draft.unlink()
