"""Data fingerprints of sources and tables: what they are of, and when rows are read for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild.engine import data as module
from cpgbuild.engine.data import Data
from cpgbuild.engine.sources import Sources
from cpgbuild.engine.warehouse import Warehouse
from cpgbuild.errors.project import SourceUnreadable
from cpgbuild.plan.source import Source
from tests.core.graphs import task


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"], "c": [0, 0]}), tmp_path / "s.parquet")
    return tmp_path / "s.parquet"


@contextmanager
def data(file: Path, known: dict | None = None) -> Iterator[Data]:  # type: ignore[type-arg]
    sources = Sources({"s": Source("s", "parquet", str(file))}, {})
    tasks = [task("t", "s(a)"), task("u", "s(a, b)")]
    warehouse = Warehouse(str(file.parent / "warehouse"))
    with closing(sources):
        yield Data(sources, warehouse, tasks, {} if known is None else known)


def test_what_all_readers_require_is_computed_in_one_pass(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    real = module.fingerprints
    monkeypatch.setattr(
        module, "fingerprints", lambda r, n, sets: passes.append(set(sets)) or real(r, n, sets)
    )
    with data(file) as found:
        one, two = found.now("s", ("a",)), found.now("s", ("a", "b"))
        assert one != two
        assert passes == [{("a",), ("a", "b")}]
        found.now("s", ("c",))
        assert passes[1:] == [{("c",)}], "nobody was known to require it"


def test_what_is_known_of_a_version_is_not_read_again(file: Path) -> None:
    known: dict = {}  # type: ignore[type-arg]
    assert (one := now(file, known)) == now(file, known)
    (version, _) = known["s"]
    known["s"] = (version, {("a",): "as it was kept"})
    assert now(file, known) == "as it was kept"
    pq.write_table(pa.table({"a": [2, 1], "b": ["x", "y"], "c": [0, 0]}), file)
    assert now(file, known) == one, "of another version nothing is kept"


def now(file: Path, known: dict) -> str:  # type: ignore[type-arg]
    with data(file, known) as found:
        return found.now("s", ("a",))


def test_rows_that_came_after_the_stamp_are_not_kept_for_the_version_before(file: Path) -> None:
    known: dict = {}  # type: ignore[type-arg]
    with data(file, known) as late:
        late._sources.evidence("s")
        pq.write_table(pa.table({"a": [7, 8], "b": ["x", "y"], "c": [0, 0]}), file)
        with pytest.raises(SourceUnreadable, match="cannot be read") as failed:
            late.now("s", ("a",))
    assert ("reason", "it changed while it was read") in failed.value.report().facts
    assert not known["s"][1]
