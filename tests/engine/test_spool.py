"""Rows are put aside whole, in memory or in a file, and come back as they were."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from cpgbuild.engine import spool
from tests.engine.builds import site

SCHEMA = pa.schema([("a", pa.int64()), ("b", pa.list_(pa.string()))])


def batches(count: int):
    for n in range(count):
        yield pa.RecordBatch.from_pylist([{"a": n, "b": ["x" * 100, None]}], schema=SCHEMA)


@pytest.mark.parametrize("memory", [1, 1 << 20])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_what_comes_out_is_what_went_in(
    memory: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", memory)
    with spool.spooled(batches(count), SCHEMA) as rows:
        out = pa.Table.from_batches(rows, SCHEMA)
    assert out == pa.Table.from_batches(batches(count), SCHEMA)


def test_all_is_taken_before_anything_is_given() -> None:
    taken = []

    def watched():
        for batch in batches(3):
            taken.append(batch)
            yield batch

    with spool.spooled(watched(), SCHEMA):
        assert len(taken) == 3


def test_an_error_on_the_way_is_raised_as_it_is() -> None:
    def broken():
        yield from batches(1)
        raise KeyError("this very one")

    with pytest.raises(KeyError, match="this very one"), spool.spooled(broken(), SCHEMA):
        pass


SLOW = """
import time

def wait(batch):
    time.sleep(2)
    return batch

@compute(map=wait, schema={"a": "int64"})
def slow_one(catalog):
    return catalog.table("s")

@compute(map=wait, schema={"a": "int64"})
def slow_two(catalog):
    return catalog.table("s")
"""


def test_a_query_is_committed_while_python_tasks_take_their_time(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv s.csv")
    made.folder.write("s.csv", "a\n1\n")
    made.python("slow", SLOW)
    made.sql("quick", "select a from s", more=", priority = 200")
    made.built()
    done = [e.task.output for e in made.events if type(e).__name__ == "Built"]
    assert done[0] == "quick", f"{done} after {time.monotonic()}"
