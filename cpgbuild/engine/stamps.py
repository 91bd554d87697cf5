"""Stamps: whether a file is still the one that was digested, without reading it again."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from cpgbuild.core.filestamp import is_young, stamp

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

# For each absolute path: what `stat` said, and the sha256 of what the file then held.
Digests = "MutableMapping[str, tuple[tuple[int, ...], str]]"


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
    if after == now and not is_young(now, time.time_ns()):
        known[key] = (now, digest)
    else:
        known.pop(key, None)
    return digest
