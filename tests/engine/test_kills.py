"""kill -9 at any moment of a build: no table is wrong, none is lost, none needs a hand."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.engine.builds import Site, site
from tests.property.profiles import PROFILE
from tests.support.commands import start

KILLS = {"fast": 1, "default": 4, "soak": 200}[PROFILE]


def written(made: Site, number: int) -> None:
    rows = {"key": [str(n) for n in range(40)], "n": [number + n // 20 for n in range(40)]}
    made.folder.parquet("data/s.parquet", rows)


def is_right(made: Site, number: int) -> None:
    total = 20 * number + 20 * (number + 1)
    assert made.rows("first") == [(total,)]
    assert made.rows("last") == [(total + 3,)]
    assert made.rows("mapped") == sorted((str(n), number + n // 20) for n in range(40))


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """first → second → third → last, and a keyed map beside them."""
    made = site(tmp_path, "s parquet data/s.parquet", engine="threads = 1")
    made.sql("first", "select sum(n) as n from s")
    made.sql("second", "select n + 1 as n from first")
    made.sql("third", "select n + 1 as n from second")
    made.sql("last", "select n + 1 as n from third")
    made.python(
        "mapped",
        """
        def same(rows: pa.RecordBatch) -> pa.RecordBatch:
            return rows

        @compute(map=same, key="key", content="n", schema={"key": "string", "n": "int64"})
        def mapped(catalog: Catalog) -> ibis.Table:
            return catalog.table("s")
        """,
    )
    written(made, 0)
    made.built()
    return made


def test_a_build_that_is_killed_is_gone_on_with(made: Site) -> None:
    luck = random.Random(7)
    for number in range(1, KILLS + 1):
        written(made, number)
        process = start("build", folder=made.root)
        time.sleep(luck.uniform(0.4, 2.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for output in ("first", "last", "mapped"):
            assert DeltaTable(made.root / "warehouse" / output).version() >= 0
            made.rows(output)
        made.built()
        is_right(made, number)
        assert made.built() == {}, "does not settle after a kill"
