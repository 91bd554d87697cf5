"""A source rewritten with the same rows, or changed only in columns that nobody reads: nothing runs."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.engine.builds import Site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, ROWS, changed, in_turn, opened, orders, shop, write

BACKWARDS = orders(ROWS[::-1])
UNREAD = changed({1: {"kind": "other"}, 4: {"kind": None}})
HERE = "data/orders.parquet"
PARQUET: dict[str, Callable[[Site], Any]] = {
    "in another order": lambda made: write(made, BACKWARDS),
    "in other row groups": lambda made: write(made, orders(), row_group_size=2),
    "with another compression": lambda made: write(made, orders(), compression="gzip"),
    "without a dictionary": lambda made: write(made, orders(), use_dictionary=False),
    "with other metadata": lambda made: write(
        made, orders().replace_schema_metadata({"made": "again"})
    ),
    "touched": lambda made: os.utime(made.root / HERE),
    "with the same bytes": lambda made: shutil.copy(
        shutil.move(made.root / HERE, made.root / "aside"), made.root / HERE
    ),
    "changed where nobody reads": lambda made: write(made, UNREAD),
}


@pytest.mark.parametrize(("rewritten", "form"), in_turn(PARQUET))
def test_parquet_rewritten_runs_nothing(rewritten: str, form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    PARQUET[rewritten](made)
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_source_that_was_another_between_builds_runs_nothing(form: str, tmp_path: Path) -> None:
    made = opened(tmp_path, form)
    write(made, changed({2: {"amount": 51}}))
    write(made, orders())
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_of_other_files_with_the_same_rows_runs_nothing(form: str, tmp_path: Path) -> None:
    made = shop(tmp_path, form, "parquet data/orders")
    write(made, orders(), "data/orders/a.parquet")
    made.built()
    data = made.root / "data/orders"
    (data / "a.parquet").rename(data / "b.parquet")
    nothing(made)
    (data / "b.parquet").unlink()
    for n, part in enumerate((ROWS[3:], ROWS[:1], ROWS[1:3])):
        write(made, orders(part), f"data/orders/part-{n}.parquet")
    write(made, orders(()), "data/orders/empty.parquet")
    nothing(made)
    shutil.rmtree(data)
    write(made, orders(), "data/orders/deep/a.parquet")
    nothing(made)


def as_csv(table: pa.Table, quote: str = "", end: str = "\n") -> str:
    lines = [",".join(table.column_names)]
    for row in table.to_pylist():
        texts = ("" if v is None else f"{quote}{v}{quote}" for v in row.values())
        lines.append(",".join(texts))
    return end.join(lines) + end


def as_json(table: pa.Table, **how: Any) -> str:
    return "\n".join(json.dumps(row, **how) for row in table.to_pylist()) + "\n"


def as_arrow(table: pa.Table, size: int = 100, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, size)
    return bytes(sink.getvalue())


# Of each format: the file as it was, and what it may become.
FILES: dict[str, tuple[str | bytes, list[str | bytes]]] = {
    "csv": (
        as_csv(orders()),
        [as_csv(BACKWARDS), as_csv(orders(), '"'), as_csv(orders(), end="\r\n"), as_csv(UNREAD)],
    ),
    "json": (
        as_json(orders()),
        [
            as_json(BACKWARDS),
            as_json(orders(), separators=(" ,  ", " : ")),
            as_json(UNREAD),
        ],
    ),
    "arrow": (
        as_arrow(orders()),
        [as_arrow(BACKWARDS), as_arrow(orders(), 2), as_arrow(orders(), 100, "zstd"), as_arrow(UNREAD)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "form"), in_turn(FILES))
def test_files_of_other_formats_rewritten_run_nothing(kind: str, form: str, tmp_path: Path) -> None:
    """In another order, otherwise laid out, and changed where nobody reads."""
    first, others = FILES[kind]
    made = shop(tmp_path, form, f"{kind} data/orders.{kind}")
    file = made.folder.write(f"data/orders.{kind}", "")
    for content in (first, *others):
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if content is first:
            made.built()
        else:
            nothing(made)


def test_a_csv_file_that_is_packed_and_split_runs_nothing(tmp_path: Path) -> None:
    made = shop(tmp_path, "sql", "csv data/orders")
    made.folder.write("data/orders/a.csv", as_csv(orders()))
    made.built()
    (made.root / "data/orders/a.csv").unlink()
    packed = made.root / "data/orders/b.csv.gz"
    packed.write_bytes(gzip.compress(as_csv(BACKWARDS).encode()))
    nothing(made)
    packed.unlink()
    made.folder.write("data/orders/a.csv", as_csv(orders(ROWS[:2])))
    made.folder.write("data/orders/b.csv", as_csv(orders(ROWS[2:])))
    nothing(made)


def overwrite(table: DeltaTable, rows: pa.Table) -> None:
    write_deltalake(table, rows, mode="overwrite")


def append_and_delete(table: DeltaTable) -> None:
    write_deltalake(table, orders([(9, 90, "z", "z")]), mode="append")
    table.delete("id = 9")


def vacuum(table: DeltaTable) -> None:
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)


def there_and_back(table: DeltaTable) -> None:
    overwrite(table, changed({2: {"amount": 51}}))
    table.restore(0)


def compact(table: DeltaTable) -> None:
    write_deltalake(table, orders([(9, 90, "z", "z")]), mode="append")
    write_deltalake(table, orders([(8, 80, "z", "z")]), mode="append")
    table.delete("id > 6")
    table.optimize.compact()


DELTA: dict[str, Callable[[DeltaTable], Any]] = {
    "compacted": lambda t: t.optimize.compact(),
    "z-ordered": lambda t: t.optimize.z_order(["id"]),
    "vacuumed": vacuum,
    "with a checkpoint": lambda t: t.create_checkpoint(),
    "appended to and deleted from": append_and_delete,
    "appended to, deleted from and compacted": compact,
    "overwritten with the same rows": lambda t: overwrite(t, orders()),
    "overwritten in another order": lambda t: overwrite(t, BACKWARDS),
    "changed where nobody reads": lambda t: overwrite(t, UNREAD),
    "changed and restored": there_and_back,
    "with a column more": lambda t: write_deltalake(
        t, orders().append_column("more", pa.array(range(5))), mode="overwrite", schema_mode="overwrite"
    ),
}  # fmt: skip


def delta(root: Path, form: str) -> tuple[Site, DeltaTable]:
    made = shop(root, form, "delta data/orders")
    (root / "data").mkdir()
    write_deltalake(root / "data/orders", orders())
    made.built()
    return made, DeltaTable(root / "data/orders")


@pytest.mark.parametrize(("rewritten", "form"), in_turn(DELTA))
def test_a_delta_source_rewritten_runs_nothing(rewritten: str, form: str, tmp_path: Path) -> None:
    made, table = delta(tmp_path, form)
    DELTA[rewritten](table)
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_delta_source_whose_old_version_is_gone_runs_its_readers_again(
    form: str, tmp_path: Path
) -> None:
    """Nobody can compare any more: the safe side. What is read next is compared again."""
    made, table = delta(tmp_path, form)
    overwrite(table, BACKWARDS)
    vacuum(table)
    why = "data_changed orders"
    becomes(
        made,
        unchanged={"lines": why, "small": why, "names": why},
        maybe=["totals", "report"],
    )
    overwrite(table, orders())
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_delta_source_that_was_compared_once_is_known_without_its_old_version(
    form: str, tmp_path: Path
) -> None:
    made, table = delta(tmp_path, form)
    overwrite(table, BACKWARDS)
    nothing(made)
    vacuum(table)
    nothing(made)
    overwrite(table, orders())
    nothing(made)


LISTED = """
    from tasks.mapped import words


    @compute
    def sizes(catalog: Catalog) -> ibis.Table:
        return catalog.table("src").select("path", "size")


    @compute(map=words, key="path", content="sha256", schema={"path": "string", "n": "int64"})
    def counts(catalog: Catalog) -> ibis.Table:
        return catalog.table("src").select("path", "sha256", "content")
"""
WORDS = """
    import pyarrow as pa


    def words(rows: pa.RecordBatch) -> pa.RecordBatch:
        counts = [len(content.split()) for content in rows["content"].to_pylist()]
        return pa.record_batch({"path": rows["path"], "n": pa.array(counts, pa.int64())})
"""


@pytest.fixture
def listed(tmp_path: Path) -> Site:
    """Tasks in Ibis, in SQL and with keys over the files of a folder."""
    made = shop(tmp_path, "sql")
    shutil.rmtree(made.root / "tasks")
    made.folder.edit("cpgbuild.toml", "[sources.orders]", "[sources.src]")
    made.folder.edit("cpgbuild.toml", '"parquet"', '"files"')
    made.folder.edit("cpgbuild.toml", "data/orders.parquet", "data/src")
    made.folder.write("tasks/mapped.py", WORDS)
    made.python("listed", LISTED)
    made.sql("many", "select count(*) as n from src")
    made.sql("digests", "select path, sha256 from src")
    for name in "abc":
        made.folder.write(f"data/src/{name}.txt", f"{name} has words")
    made.built()
    return made


def test_listed_files_that_were_touched_or_rewritten_run_nothing(listed: Site) -> None:
    for file in (listed.root / "data/src").iterdir():
        os.utime(file)
    nothing(listed)
    file = listed.root / "data/src/a.txt"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    nothing(listed)
    file.write_text("something else")
    file.write_bytes(content)
    nothing(listed)


def test_a_listed_file_of_other_content_runs_who_reads_that(listed: Site) -> None:
    listed.folder.write("data/src/a.txt", "b has words")
    why = "data_changed src"
    becomes(listed, built={"digests": why}, unchanged={"counts": why})


def test_a_listed_file_under_another_name_does_not_change_how_many_there_are(
    listed: Site,
) -> None:
    (listed.root / "data/src/a.txt").rename(listed.root / "data/src/d.txt")
    why = "data_changed src"
    becomes(listed, built={"digests": why, "counts": why, "sizes": why})


def test_parquet_files_of_one_table_are_compared_by_rows_and_not_as_a_set(tmp_path: Path) -> None:
    """The same distinct rows, but one of them twice, is a change."""
    made = opened(tmp_path, "sql")
    made.sql("many", "select count(*) as n from orders")
    made.built()
    pq.write_table(orders((*ROWS, ROWS[2])), made.root / HERE)
    why = "data_changed orders"
    becomes(
        made,
        built={
            "lines": why,
            "names": why,
            "many": why,
            "totals": "data_changed lines",
            "report": "data_changed totals",
        },
        unchanged={"small": why},
        maybe=["totals", "report"],
    )
