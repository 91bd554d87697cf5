"""The generated Parquet sources."""

import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 3000
FIRST_DAY = 19000  # days since 1970


@dataclass
class Shift:
    """What has been changed in a source since it was first written."""

    unused: int = 0  # in the column that no model reads
    filtered: int = 0  # in v2, but only of rows that every staging model drops
    everywhere: int = 0  # in v2 of all rows


def source_path(folder: Path, source: int) -> Path:
    """Return the file of a source."""
    return folder / "data" / f"src_{source:05d}.parquet"


def write_source(folder: Path, source: int, shift: Shift | None = None) -> None:
    """Write a source's file, in one step as far as a reader can see."""
    path = source_path(folder, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    pq.write_table(_rows(source, shift or Shift()), scratch)
    scratch.replace(path)


def _rows(source: int, shift: Shift) -> pa.Table:
    rnd = random.Random(source)
    ids = range(ROWS)
    cats = [rnd.choice("abcdefgh") for _ in ids]
    v1 = [rnd.randrange(100) for _ in ids]
    v2 = [rnd.randrange(1000) for _ in ids]
    # Every staging model keeps v1 >= 10 or less.
    v2 = [
        b + shift.everywhere + (shift.filtered if a < 10 else 0)
        for a, b in zip(v1, v2, strict=True)
    ]
    days = pa.array([FIRST_DAY + i % 365 for i in ids], pa.int32()).cast(pa.date32())
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "cat": cats,
            "v1": pa.array(v1, pa.int64()),
            "v2": pa.array(v2, pa.int64()),
            "ts": days,
            "unused": [f"u{(i * 31 + shift.unused) % 977}" for i in ids],
        }
    )
