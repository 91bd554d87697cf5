"""Measure what fingerprints of rows cost, beside what it costs to write the same rows as Parquet.

    python bench/rowhash.py [TABLE ...]

Hashes tables in memory, for all columns and two smaller sets in one pass, and writes them with
pyarrow and with DataFusion, by turns; medians of wall time. The first figure is of a build's way,
with a thread of its own; the second of the hash alone. DataFusion writes in all threads. Prints
markdown.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datafusion
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cpgbuild.engine.hashing import Hashing
from cpgbuild.engine.rowhash import RowHash

ROWS = 2_000_000
TURNS = 5
BATCH_ROWS = 1 << 16
RANDOM = np.random.default_rng(0)
WORDS = [
    "".join(map(chr, RANDOM.integers(97, 123, length))) for length in RANDOM.integers(2, 10, 5000)
]


def integers(bits: int, rows: int = ROWS) -> pa.Array:
    """Return random whole numbers."""
    return pa.array(RANDOM.integers(0, 1 << bits, rows))


def strings(low: int, high: int, rows: int = ROWS) -> pa.Array:
    """Return strings of random letters, hardly one twice."""
    bounds = np.zeros(rows + 1, np.int32)
    np.cumsum(RANDOM.integers(low, high + 1, rows), out=bounds[1:])
    letters = RANDOM.integers(97, 123, bounds[-1], dtype=np.uint8)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(bounds), pa.py_buffer(letters))


def few(low: int, high: int, kinds: int, rows: int = ROWS) -> pa.Array:
    """Return strings of which there are few."""
    return strings(low, high, kinds).take(integers(40, rows).cast("uint64").to_numpy() % kinds)


def texts(words: int, rows: int) -> pa.Array:
    """Return texts of words, the first ones oftener, as prose has them."""
    picked = (RANDOM.random(rows * words) ** 3 * len(WORDS)).astype(int)
    each = [WORDS[i] for i in picked]
    return pa.array([" ".join(each[i : i + words]) for i in range(0, len(each), words)])


def lists(rows: int) -> pa.Array:
    """Return lists of about three numbers."""
    bounds = np.zeros(rows + 1, np.int32)
    np.cumsum(RANDOM.integers(0, 7, rows), out=bounds[1:])
    return pa.ListArray.from_arrays(pa.array(bounds), integers(40, int(bounds[-1])))


def holed(values: pa.Array) -> pa.Array:
    """Return values, every fifth of them null."""
    return pa.compute.if_else(pa.array(RANDOM.random(len(values)) < 0.2), None, values)


TABLES: dict[str, Callable[[], dict[str, pa.Array]]] = {
    "integers": lambda: {
        "a": integers(40),
        "b": integers(10),
        "c": integers(30).cast("int32"),
        "d": pa.array(np.arange(ROWS)),
    },
    "floats": lambda: {
        "a": pa.array(RANDOM.random(ROWS)),
        "b": pa.array(RANDOM.normal(size=ROWS)),
        "c": pa.array(RANDOM.random(ROWS).astype("f4")),
    },
    "short strings, few": lambda: {
        "a": few(2, 8, 10),
        "b": few(5, 15, 1000),
        "c": few(10, 20, 50),
    },
    "short strings, many": lambda: {
        "a": strings(1, 8),
        "b": strings(5, 15),
        "c": strings(10, 30),
    },
    "long strings": lambda: {"a": texts(12, ROWS // 20), "b": texts(150, ROWS // 20)},
    "long random strings": lambda: {
        "a": strings(50, 100, ROWS // 20),
        "b": strings(500, 1500, ROWS // 20),
    },
    "times": lambda: {
        "a": integers(50).cast(pa.timestamp("us")),
        "b": integers(14).cast("int32").cast(pa.date32()),
        "c": pa.array(np.sort(RANDOM.integers(0, 1 << 50, ROWS))).cast(pa.timestamp("us", "UTC")),
    },
    "decimals": lambda: {
        "a": integers(40).cast(pa.decimal128(38, 0)),
        "b": integers(10).cast(pa.decimal128(20, 0)),
    },
    "mix with nulls": lambda: {
        "id": pa.array(np.arange(ROWS)),
        "kind": holed(few(3, 10, 20)),
        "name": strings(5, 20),
        "at": holed(integers(50).cast(pa.timestamp("us"))),
        "amount": holed(pa.array(RANDOM.random(ROWS))),
    },
    "nested": lambda: {
        "a": lists(ROWS // 4),
        "b": pa.StructArray.from_arrays(
            [integers(30, ROWS // 4), strings(3, 10, ROWS // 4)], ["x", "y"]
        ),
    },
}


def measured(work: Callable[[], object]) -> float:
    """Return the seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def hash_as_builds_do(table: pa.Table, sets: list[tuple[str, ...]]) -> None:
    """Compute the fingerprints of a table beside the reading of it."""
    with Hashing(sets) as hashing:
        for batch in table.to_batches(BATCH_ROWS):
            hashing.add(batch)
        hashing.fingerprints()


def hash_rows(table: pa.Table, sets: list[tuple[str, ...]]) -> None:
    """Compute the fingerprints of a table."""
    hashed = RowHash(sets)
    for batch in table.to_batches(BATCH_ROWS):
        hashed.update(batch)
    hashed.fingerprints()


def row(name: str, table: pa.Table, folder: Path) -> str:
    """Return a line of the report."""
    names = tuple(sorted(table.schema.names))
    sets = [names, names[:2], names[-1:]]
    frame = datafusion.SessionContext().create_dataframe([table.to_batches(BATCH_ROWS)])
    works: list[Callable[[], object]] = [
        lambda: hash_as_builds_do(table, sets),
        lambda: hash_rows(table, sets),
        lambda: pq.write_table(table, folder / "pyarrow.parquet", compression="snappy"),
        lambda: frame.write_parquet(str(folder / "datafusion.parquet"), compression="snappy"),
    ]
    turns = [[measured(work) for work in works] for _ in range(TURNS)]
    hashing, alone, arrow, engine = map(statistics.median, zip(*turns, strict=True))
    cells = table.num_rows * table.num_columns
    return (
        f"| {name} | {table.num_rows:,} x {table.num_columns} | {table.nbytes / 1e6:.0f} "
        f"| {hashing:.3f} | {alone:.3f} | {alone / cells * 1e9:.0f} "
        f"| {arrow:.3f} | {hashing / arrow:.2f} | {alone / arrow:.2f} "
        f"| {engine:.3f} | {hashing / engine:.2f} |"
    )


def main() -> None:
    """Print the report."""
    print(
        "| table | rows | MB | hash, 3 sets (s) | in one thread (s) | ns a cell "
        "| pyarrow (s) | ratio | of one thread | DataFusion (s) | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or TABLES:
            print(row(name, pa.table(TABLES[name]()), Path(folder)), flush=True)


if __name__ == "__main__":
    main()
