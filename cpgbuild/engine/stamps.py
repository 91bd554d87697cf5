"""Stamps: whether a file is still the one that was digested, without reading it again."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import MutableMapping
    from pathlib import Path

# A file written twice within the clock's grain keeps its stamp, so a young stamp is not trusted.
GRAIN = 2_000_000_000

# For each absolute path: what `stat` said, and the sha256 of what the file then held.
Digests = "MutableMapping[str, tuple[tuple[int, ...], str]]"


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """Return size, mtime, ctime (in ns) and inode; a rewrite can keep all of them but ctime."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def file_digest(path: Path, known: MutableMapping[str, tuple[tuple[int, ...], str]]) -> str:
    """Return the sha256 of a file's content, in hex; from `known` where its stamp still holds.

    Raises:
        OSError: the file cannot be read.
    """
    key = str(path)
    now = stamp(path.stat())
    kept = known.get(key)
    if kept is not None and tuple(kept[0]) == now:
        return kept[1]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    after = stamp(path.stat())
    if after == now and time.time_ns() - max(now[1], now[2]) > GRAIN:
        known[key] = (now, digest)
    else:
        known.pop(key, None)
    return digest
