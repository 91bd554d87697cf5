"""Floats whose last bits depend on the order of adding: said to be so, and made to agree."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from cpgbuild.core.events import Built
from cpgbuild.engine.rounding import rounded
from tests.engine.builds import Site, site

ROWS = 20_000


def numbers(made: Site, order: int) -> None:
    """Write the same numbers in an order, in several files, so that several threads add them."""
    values = [random.Random(1).uniform(-1, 1) * 10 ** (n % 12) for n in range(ROWS)]
    random.Random(order).shuffle(values)
    for part in range(4):
        made.folder.parquet(f"data/{part}.parquet", {"x": values[part::4], "n": [order] * 5_000})


def summed(root: Path, **engine: str) -> Site:
    made = site(root, "s parquet data/*.parquet", **engine)
    numbers(made, 1)
    # What is read beside `x` changes with the order, so that the task runs again.
    made.sql("k", "select sum(x) as total, count(n) as n from s where n > 0")
    made.built()
    return made


def test_a_result_that_differs_in_last_bits_alone_is_said_to_be_so(tmp_path: Path) -> None:
    made = summed(tmp_path, engine="threads = 2")
    said = ""
    for order in range(2, 12):
        before = made.rows("k")
        numbers(made, order)
        made.built()
        if made.rows("k") != before:
            said = made.said(Built)["k"].detail
            assert made.rows("k")[0][0] == pytest.approx(before[0][0], rel=1e-6)
            break
    assert said == "its floats differ in their last bits"


def test_a_result_that_differs_by_more_is_just_another(tmp_path: Path) -> None:
    made = summed(tmp_path)
    made.folder.parquet("data/0.parquet", {"x": [1e15], "n": [1]})
    made.built()
    assert made.said(Built)["k"].detail == ""


def test_a_deterministic_engine_adds_in_one_order(tmp_path: Path) -> None:
    made = summed(tmp_path, engine="deterministic = true")
    for _ in range(3):
        assert made.build(force=["k"]) == {"k": ["forced k"]}
        assert made.unchanged == ["k"]


def test_rounding_takes_last_bits_away_and_nothing_else() -> None:
    given = pa.record_batch(
        {
            "a": [0.1 + 0.2, -0.0, None, float("inf"), 1e-300],
            "b": pa.array([1.5, None, 0.0, 2.0, 3.0], pa.float32()),
            "c": [1, 2, 3, 4, 5],
        }
    )
    other = given.set_column(0, "a", pa.array([0.3, 0.0, None, float("inf"), 1e-300]))
    assert given != other
    assert rounded(given) == rounded(other)
    assert rounded(given).column("c") == given.column("c")
    moved = given.set_column(0, "a", pa.array([0.30001, 0.0, None, float("inf"), 1e-300]))
    assert rounded(moved) != rounded(given)
    (nan,) = rounded(pa.record_batch({"a": [float("nan")]})).column("a").to_pylist()
    assert nan != nan
