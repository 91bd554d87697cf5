"""Digests: what each source file held when it was last read, by its stamp."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cpgbuild.state.journal import replace

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1

Known = dict[str, tuple[tuple[int, ...], str]]


def load_digests(path: Path) -> Known:
    """Return what is known of files by absolute path; nothing where the file is not ours."""
    try:
        record = json.loads(path.read_bytes())
        if record["v"] != VERSION:
            return {}
        return {name: (tuple(stamp), digest) for name, (stamp, digest) in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_digests(path: Path, known: Known) -> None:
    """Keep what is known of files; a cache, so that a failure to write it is no error."""
    record = {"v": VERSION, "files": dict(sorted(known.items()))}
    try:
        replace(path, json.dumps(record, separators=(",", ":")).encode())
    except OSError:
        return
