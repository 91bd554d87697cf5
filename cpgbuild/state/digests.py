"""Digests: what the sources held when they were last read, so that they need not be read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.state.journal import replace

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.core.evidence import Columns

FILES = "digests.json"
ROWS = "data.json"
VERSION = 1

# For each file by absolute path: what `stat` said, and the sha256 of its content.
KnownFiles = dict[str, tuple[tuple[int, ...], str]]
# For each source by name: its version, and the data fingerprints of columns in it.
KnownRows = dict[str, tuple[str, "dict[Columns, Fingerprint]"]]


def load_files(state: Path) -> KnownFiles:
    """Return what is known of files; nothing where the state folder says nothing that fits."""
    try:
        files = _read(state / FILES)["files"]
        return {name: (tuple(stamp), digest) for name, (stamp, digest) in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def load_rows(state: Path) -> KnownRows:
    """Return what is known of sources' rows; nothing where the state folder says nothing."""
    try:
        sources = _read(state / ROWS)["sources"]
        return {
            name: (version, {tuple(columns): Fingerprint(data) for columns, data in known})
            for name, (version, known) in sources.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_digests(state: Path, files: KnownFiles, rows: KnownRows) -> None:
    """Keep what is known; a cache, so that a failure to write it is no error."""
    _write(state / FILES, {"files": dict(sorted(files.items()))})
    sources = {
        name: [version, sorted([list(columns), data] for columns, data in known.items())]
        for name, (version, known) in sorted(rows.items())
    }
    _write(state / ROWS, {"sources": sources})


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict) or record.get("v") != VERSION:
        return {}
    return record


def _write(path: Path, record: dict[str, Any]) -> None:
    data = json.dumps({"v": VERSION, **record}, separators=(",", ":")).encode()
    try:
        if not path.exists() or path.read_bytes() != data:
            replace(path, data)
    except OSError:
        return
