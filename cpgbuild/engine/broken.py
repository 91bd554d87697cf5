"""Broken: the rows that broke a check, kept in files for whoever wants to know which they are."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "failed"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Broken:
    """A folder with one for each output whose rows failed, and in it a file for each check."""

    folder: Path

    @property
    def outputs(self) -> set[str]:
        """The outputs of which something is kept."""
        if not self.folder.is_dir():
            return set()
        return {path.name.replace(".", "/") for path in self.folder.iterdir()}

    def files(self, output: str) -> list[Path]:
        """Return the files that are kept of an output."""
        return sorted(self._below(output).glob("*.parquet"))

    def forget(self, output: str) -> None:
        """Delete what was kept of an output, if anything was."""
        shutil.rmtree(self._below(output), ignore_errors=True)

    def keep(self, output: str, title: str, batches: Iterator[pa.RecordBatch]) -> Path | None:
        """Write all rows that broke a check; None where they cannot be, which breaks nothing."""
        path = self._below(output) / f"{_file_name(title)}.parquet"
        first = next(batches, None)
        if first is None:
            return None
        with suppress(OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with pq.ParquetWriter(path, first.schema) as writer:
                for batch in chain([first], batches):
                    writer.write_batch(batch)
            return path
        path.unlink(missing_ok=True)
        return None

    def kept(self, output: str, title: str) -> tuple[Path, int] | None:
        """Return the file of the rows that broke a check, and their number; None: there is none."""
        path = self._below(output) / f"{_file_name(title)}.parquet"
        with suppress(OSError, pa.ArrowInvalid):
            return path, pq.read_metadata(path).num_rows
        return None

    def _below(self, output: str) -> Path:
        return self.folder / output.replace("/", ".")


def _file_name(title: str) -> str:
    """Return a check's title as `unique.country`, with more to it where that could be another's."""
    words = re.findall(r"[\w-]+", title)
    name = ".".join(words)
    plain = {name, f"{words[0]}({', '.join(words[1:])})"} if words else set()
    if title in plain:
        return name
    return f"{name}.{sha256(title.encode()).hexdigest()[:_DIGITS]}"
