"""History file: a line for each build into a warehouse; the oldest are dropped."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from cpgbuild.core.history import BuildRecord
from cpgbuild.state.journal import replace

if TYPE_CHECKING:
    from pathlib import Path

# What is beyond so many bytes is halved.
LARGEST = 8_000_000


class History:
    """The builds of one warehouse, oldest first. Losing them loses nothing that a build needs."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read or made yet."""
        self.path = path

    def add(self, record: BuildRecord) -> None:
        """Keep a build; what cannot be written is not kept."""
        line = json.dumps(record.to_json(), ensure_ascii=False, separators=(",", ":"))
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # After a torn line begins a new one.
                file.write(f"{line}\n".encode())
            if self.path.stat().st_size > LARGEST:
                lines = self.path.read_bytes().splitlines(keepends=True)
                replace(self.path, b"".join(lines[len(lines) // 2 :]))

    def load(self) -> list[BuildRecord]:
        """Return the builds that are known, oldest first; what cannot be read is left out."""
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError):
                record = json.loads(line)
                build = BuildRecord.from_json(record) if isinstance(record, dict) else None
                if build is not None:
                    found.append(build)
        return found
