"""Holder: one build at a time for each warehouse."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cpgbuild.errors.state import BuildInProgress, StateUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def warehouse_key(warehouse: str) -> str:
    """Return a short name for a warehouse, for files that belong to it."""
    return hashlib.sha256(warehouse.encode()).hexdigest()[:12]


def holder_of(folder: Path, warehouse: str) -> str | None:
    """Return which process holds a warehouse, as far as it says so; None where none does."""
    try:
        with _file(folder, warehouse).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return f"process {file.read().strip()}"
    except OSError:
        pass
    return None


def _file(folder: Path, warehouse: str) -> Path:
    return folder / f".build-{warehouse_key(warehouse)}.pid"


@contextmanager
def held(folder: Path, warehouse: str) -> Iterator[None]:
    """Hold a warehouse in this block. The system lets go of it when the process dies.

    Raises:
        BuildInProgress: another process holds it.
        StateUnwritable: the file that stands for it cannot be made.
    """
    path = _file(folder, warehouse)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise StateUnwritable(str(path), error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            raise BuildInProgress(warehouse, f"process {holder}" if holder else "") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
