"""Sources that change while they are read: nothing is committed of what was no state of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cpgbuild.core.events import Failed
from cpgbuild.errors.run import SourceChanged
from tests.engine.builds import Site, site
from tests.engine.faults import until

# While `awaited` is there, a task that has begun to read its rows says so, and waits.
TASKS = """
    import time
    from pathlib import Path

    ROOT = Path(__file__).parents[1]


    @ibis.udf.scalar.python
    def meanwhile(n: int) -> int:
        while (ROOT / "awaited").exists():
            (ROOT / "begun").touch()
            time.sleep(0.005)
        return n


    @compute(priority=1)
    def first(catalog: Catalog) -> ibis.Table:
        s = catalog.table("s")
        return s.select(n=meanwhile(s.n))


    @compute(priority=2)
    def between(catalog: Catalog) -> ibis.Table:
        other = catalog.table("other")
        return other.select(n=meanwhile(other.n))
"""


Change = Callable[[Path], object]


def overwrite(root: Path) -> None:
    pq.write_table(pa.table({"n": [7, 8, 9]}), root / "data/s.parquet")


def overwrite_and_back(root: Path) -> None:
    """Let the file be what it was, also by its length and by when it was written."""
    path = root / "data/s.parquet"
    content, status = path.read_bytes(), path.stat()
    overwrite(root)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def append(root: Path) -> None:
    write_deltalake(root / "data/d", pa.table({"n": [100]}), mode="append")


def replace(root: Path) -> None:
    write_deltalake(root / "data/d", pa.table({"n": [100]}), mode="overwrite")


def replace_and_vacuum(root: Path) -> None:
    replace(root)
    DeltaTable(root / "data/d").vacuum(0, dry_run=False, enforce_retention_duration=False)


def project(root: Path, sources: str) -> Site:
    """A project of `first`, which reads `s`, and of `between`, which does not."""
    made = site(
        root,
        f"other parquet data/other.parquet\n{sources}",
        engine="threads = 1",
        lanes="engine = 1",
    )
    made.folder.parquet("data/other.parquet", {"n": [0]})
    made.python("tasks", TASKS)
    return made


@contextmanager
def meanwhile(made: Site, change: Change) -> Iterator[None]:
    """Let this happen while the first task that waits reads its rows."""
    awaited, begun = made.root / "awaited", made.root / "begun"
    awaited.touch()

    def happen() -> None:
        until(begun.exists)
        try:
            change(made.root)
        finally:
            awaited.unlink()

    with ThreadPoolExecutor(1) as thread:
        happening = thread.submit(happen)
        yield
        happening.result()


def refused(made: Site, *outputs: str) -> None:
    """Build; see that just these fail, since what they read changed."""
    made.build(keep_going=True)
    failed = made.said(Failed)
    assert failed.keys() == set(outputs)
    assert {type(event.error) for event in failed.values()} == {SourceChanged}


@pytest.mark.parametrize("change", [overwrite, overwrite_and_back])
def test_a_file_that_is_written_while_a_task_reads_it(tmp_path: Path, change: Change) -> None:
    """Also where it is then what it was: what was read of it need not be."""
    made = project(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"n": [1, 2, 3]})
    made.sql("total", "select sum(n) as n from first")
    made.built()
    made.folder.parquet("data/s.parquet", {"n": [4, 5, 6]})
    with meanwhile(made, change):
        refused(made, "first")
    assert made.rows("first") == [(1,), (2,), (3,)]
    assert made.rows("total") == [(6,)]
    made.built()
    now = [(7,), (8,), (9,)] if change is overwrite else [(4,), (5,), (6,)]
    assert made.rows("first") == now
    assert made.built() == {}


@pytest.mark.parametrize("change", [overwrite, overwrite_and_back])
def test_a_file_that_is_written_between_two_that_read_it(tmp_path: Path, change: Change) -> None:
    """Or one build would have made tables of two states of it."""
    made = project(tmp_path, "s parquet data/s.parquet")
    made.sql("second", "select sum(n) as n from s", more=", priority = 3")
    made.sql("both", "select first.n, second.n as total from first cross join second")
    made.folder.parquet("data/s.parquet", {"n": [1, 2, 3]})
    made.built()
    made.folder.parquet("data/s.parquet", {"n": [4, 5, 6]})
    # Now only `between` waits.
    made.folder.edit("tasks/tasks.py", "n=meanwhile(s.n)", "n=s.n")
    made.folder.parquet("data/other.parquet", {"n": [1]})
    with meanwhile(made, change):
        refused(made, "second")
    assert made.rows("first") == [(4,), (5,), (6,)]
    assert made.rows("second") == [(6,)]
    assert made.rows("both") == [(1, 6), (2, 6), (3, 6)]
    made.built()
    total = 24 if change is overwrite else 15
    assert made.rows("second") == [(total,)]
    assert {row[1] for row in made.rows("both")} == {total}
    assert made.built() == {}


def test_a_file_that_is_added_to_a_folder_while_it_is_read(tmp_path: Path) -> None:
    made = project(tmp_path, "s parquet data/s")
    made.folder.parquet("data/s/one.parquet", {"n": [1]})
    made.built()
    made.folder.parquet("data/s/two.parquet", {"n": [2]})
    with meanwhile(made, lambda root: made.folder.parquet("data/s/three.parquet", {"n": [3]})):
        refused(made, "first")
    assert made.rows("first") == [(1,)]
    made.built()
    assert made.rows("first") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("change", [append, replace])
def test_a_delta_table_is_read_at_one_version(tmp_path: Path, change: Change) -> None:
    """What is committed to it meanwhile is for the next build, for all of its readers."""
    made = project(tmp_path, "s delta data/d")
    made.sql("second", "select sum(n) as n from s", more=", priority = 3")
    write_deltalake(tmp_path / "data/d", pa.table({"n": [1, 2]}))
    made.built()
    write_deltalake(tmp_path / "data/d", pa.table({"n": [3]}), mode="append")
    with meanwhile(made, change):
        made.built()
    assert made.rows("first") == [(1,), (2,), (3,)]
    assert made.rows("second") == [(6,)]
    assert made.built().keys() == {"first", "second"}
    now = [(1,), (2,), (3,), (100,)] if change is append else [(100,)]
    assert made.rows("first") == now
    assert made.rows("second") == [(sum(n for (n,) in now),)]
    assert made.built() == {}


def test_a_delta_table_whose_files_go_while_a_build_reads_it(tmp_path: Path) -> None:
    made = project(tmp_path, "s delta data/d")
    made.sql("second", "select sum(n) as n from s", more=", priority = 3")
    write_deltalake(tmp_path / "data/d", pa.table({"n": [1, 2]}))
    made.built()
    write_deltalake(tmp_path / "data/d", pa.table({"n": [3]}), mode="append")
    with meanwhile(made, replace_and_vacuum):
        made.build(keep_going=True)
    assert "second" in made.said(Failed)
    assert made.rows("second") == [(3,)]
    assert made.rows("first") in ([(1,), (2,)], [(1,), (2,), (3,)])
    made.built()
    assert made.rows("first") == [(100,)]
    assert made.rows("second") == [(100,)]


@pytest.mark.parametrize("texts", [["later"], ["later", "now"]])
def test_a_listed_file_that_is_written_before_it_is_read(tmp_path: Path, texts: list[str]) -> None:
    """A content that is again the listed one is as good as if it had never been another."""
    made = project(tmp_path, "t files data/t")
    listed = 'catalog.table("t").mutate(n=lambda t: t.size)'
    made.folder.edit("tasks/tasks.py", 'catalog.table("s")', listed)
    file = made.folder.write("data/t/a", "then")
    query = "select path, arrow_cast(content, 'Utf8') as c from t"
    made.sql("contents", query, more=", priority = 3")
    made.built()
    file.write_text("now")
    with meanwhile(made, lambda _: [file.write_text(text) for text in texts]):
        if texts[-1] == "now":
            made.built()
        else:
            refused(made, "contents")
    assert made.rows("contents") == [("a", "now" if texts[-1] == "now" else "then")]
    made.built()
    assert made.rows("contents") == [("a", texts[-1])]
    assert made.built() == {}
