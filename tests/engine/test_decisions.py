"""What reruns, and why, on DataFusion over Delta: the rules of a build on real files and tables."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cpgbuild.core.events import Failed, Restored, Skipped, UpToDate
from cpgbuild.core.rebuilder import Cause, Reason
from cpgbuild.errors.run import SourceChanged
from tests.engine.builds import Site, site


@pytest.fixture
def chain(tmp_path: Path) -> Site:
    """orders → v_big (a view) → totals → report, and counts beside them."""
    made = site(tmp_path, "orders parquet data/orders.parquet")
    made.folder.parquet("data/orders.parquet", {"id": [1, 2, 3], "amount": [5.0, 50.0, 70.0]})
    made.sql("v_big", "select id, amount from orders where amount > 10", "view")
    made.sql("totals", "select sum(amount) as total from v_big")
    made.sql("report", "select total * 2 as doubled from totals")
    made.sql("counts", "select count(*) as n from orders")
    return made


ALL = {
    "totals": ["never_built totals"],
    "report": ["never_built report"],
    "counts": ["never_built counts"],
}


def test_a_first_build_runs_everything_and_a_second_nothing(chain: Site) -> None:
    assert chain.built() == ALL
    assert chain.rows("report") == [(240.0,)]
    assert chain.built() == {}
    assert chain.said(UpToDate).keys() == {"counts", "report", "totals", "v_big"}


def test_each_output_is_one_commit_with_its_trace_in_it(chain: Site) -> None:
    chain.built()
    for output in ALL:
        assert chain.version(output) == 0
        trace = chain.trace(output)
        assert trace.task == f"compute.{output}"
        assert trace.wrote.data
    assert chain.trace("report").reads.keys() == {"totals"}


def test_without_its_state_folder_a_project_decides_the_same(chain: Site) -> None:
    chain.built()
    shutil.rmtree(chain.root / ".cpgbuild")
    assert chain.built() == {}


def test_a_plan_that_changed_reruns_itself_and_what_needs_it(chain: Site) -> None:
    chain.built()
    chain.sql("totals", "select sum(amount) + 1 as total from v_big")
    assert chain.built() == {
        "totals": ["plan_changed totals"],
        "report": ["data_changed totals"],
    }
    assert chain.rows("report") == [(242.0,)]
    assert chain.built() == {}


def test_a_views_plan_that_changed_reruns_its_readers(chain: Site) -> None:
    chain.built()
    chain.sql("v_big", "select id, amount from orders where amount > 60", "view")
    assert chain.built().keys() == {"totals", "report"}
    assert chain.rows("totals") == [(70.0,)]


def test_a_touched_source_reruns_nothing(chain: Site) -> None:
    chain.built()
    file = chain.root / "data/orders.parquet"
    os.utime(file)
    assert chain.built() == {}
    file.write_bytes(file.read_bytes())
    assert chain.built() == {}


def test_a_source_edited_within_its_size_and_mtime_is_seen(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv data/s.csv")
    file = made.folder.write("data/s.csv", "id\n1\n2\n")
    old = file.stat().st_mtime_ns - 10_000_000_000
    os.utime(file, ns=(old, old))
    made.sql("k", "select sum(id) as n from s")
    made.built()
    # As if the first build had come long after the file: its digest is known by its stamp.
    state = made.root / ".cpgbuild/digests.json"
    stat = file.stat()
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    state.write_text(json.dumps({"v": 1, "files": {str(file): [stamp, digest]}}))
    assert made.built() == {}
    with file.open("r+") as opened:
        opened.write("id\n7\n2\n")
    os.utime(file, ns=(old, old))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (stamp[0], stamp[1], stamp[3])
    assert made.built() == {"k": ["data_changed s"]}
    assert made.rows("k") == [(9,)]


def test_a_source_that_changes_reruns_its_readers(chain: Site) -> None:
    chain.built()
    chain.folder.parquet("data/orders.parquet", {"id": [1], "amount": [99.0]})
    assert chain.built() == {
        "totals": ["data_changed orders"],
        "report": ["data_changed totals"],
        "counts": ["data_changed orders"],
    }
    assert chain.rows("totals") == [(99.0,)]


def test_compaction_and_vacuum_leave_a_table_what_it_was(chain: Site) -> None:
    chain.built()
    chain.build(force=["totals"])
    before = chain.version("totals")
    for _ in range(2):
        chain.delta("totals").optimize.z_order(["total"])
        chain.delta("totals").vacuum(0, dry_run=False, enforce_retention_duration=False)
        assert chain.built() == {}
    operations = {commit["operation"] for commit in chain.delta("totals").history()}
    assert operations >= {"OPTIMIZE", "VACUUM START", "VACUUM END"}
    assert chain.version("totals") > before + 4
    shutil.rmtree(chain.root / ".cpgbuild")
    assert chain.built() == {}


def test_an_append_by_somebody_else_is_noticed_and_named(chain: Site) -> None:
    chain.built()
    write_deltalake(chain.root / "warehouse/totals", pa.table({"total": [1.0]}), mode="append")
    assert chain.built() == {}
    assert chain.restored == ["totals"], "what we wrote is still there"
    assert chain.said(Restored)["totals"].reasons == (Reason(Cause.OUTPUT_CHANGED, "totals"),)
    assert chain.rows("totals") == [(120.0,)]


def test_a_restore_by_somebody_else_is_noticed(chain: Site) -> None:
    chain.built()
    chain.folder.parquet("data/orders.parquet", {"id": [1], "amount": [99.0]})
    chain.built()
    chain.delta("totals").restore(0)
    assert chain.built() == {}
    assert chain.restored == ["totals"]
    assert chain.rows("totals") == [(99.0,)]


def test_a_deleted_table_is_made_again(chain: Site) -> None:
    chain.built()
    shutil.rmtree(chain.root / "warehouse/totals")
    assert chain.built() == {"totals": ["output_missing totals"]}
    assert chain.said(UpToDate).keys() >= {"report"}, "its rows are those that it had"


def test_a_warehouse_that_was_never_built_into_is_built(chain: Site) -> None:
    chain.built()
    shutil.rmtree(chain.root / "warehouse")
    assert chain.built().keys() == ALL.keys()
    assert chain.rows("report") == [(240.0,)]


def test_a_delta_source_is_known_by_its_version(tmp_path: Path) -> None:
    made = site(tmp_path, "s delta data/s")
    (tmp_path / "data").mkdir()
    write_deltalake(tmp_path / "data/s", pa.table({"a": [1, 2]}))
    made.sql("k", "select sum(a) as n from s")
    assert made.built() == {"k": ["never_built k"]}
    assert made.built() == {}
    write_deltalake(tmp_path / "data/s", pa.table({"a": [10]}), mode="append")
    assert made.built() == {"k": ["data_changed s"]}
    assert made.rows("k") == [(13,)]
    DeltaTable(tmp_path / "data/s").restore(0)
    assert made.built() == {}
    assert made.restored == ["k"]
    assert made.rows("k") == [(3,)]


def test_a_delta_source_that_never_held_a_row_is_known_too(tmp_path: Path) -> None:
    made = site(tmp_path, "s delta data/s")
    (tmp_path / "data").mkdir()
    write_deltalake(tmp_path / "data/s", pa.table({"a": pa.array([], pa.int64())}))
    made.sql("k", "select count(*) as n from s")
    assert made.built() == {"k": ["never_built k"]}
    assert made.built() == {}
    write_deltalake(tmp_path / "data/s", pa.table({"a": [1]}), mode="append")
    assert made.built() == {"k": ["data_changed s"]}


MEDDLING = """
    from pathlib import Path

    import pyarrow.parquet as pq

    FILE = "{file}"

    @ibis.udf.scalar.python
    def meddled(x: int) -> int:
        Path(FILE + "/other.txt").touch()
        {action}
        return x

    @compute
    def k(catalog: Catalog) -> ibis.Table:
        s = catalog.table("s")
        return s.select(a=meddled(s.a))
"""


def test_a_source_that_changes_while_it_is_read_is_not_committed(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"a": [1]})
    action = 'pq.write_table(pa.table({"a": [2]}), FILE + "/data/s.parquet")'
    made.python("k", MEDDLING.format(file=tmp_path, action=action))
    made.build()
    (failed,) = made.said(Failed).values()
    assert isinstance(failed.error, SourceChanged)
    assert not DeltaTable.is_deltatable(str(tmp_path / "warehouse/k"))
    made.python("k", MEDDLING.format(file=tmp_path, action="pass"))
    assert made.built().keys() == {"k"}
    assert made.rows("k") == [(2,)]


def test_a_delta_source_is_read_at_the_version_that_was_decided_upon(tmp_path: Path) -> None:
    made = site(tmp_path, "s delta data/s")
    (tmp_path / "data").mkdir()
    write_deltalake(tmp_path / "data/s", pa.table({"a": [1]}))
    made.python(
        "k",
        f"""
        from threading import Thread

        from deltalake import write_deltalake

        def write(x: int) -> None:
            write_deltalake("{tmp_path}/data/s", pa.table({{"a": [x + 1]}}), mode="overwrite")

        @ibis.udf.scalar.python
        def meddled(x: int) -> int:
            writer = Thread(target=write, args=(x,))
            writer.start()
            writer.join()
            return x

        @compute
        def k(catalog: Catalog) -> ibis.Table:
            s = catalog.table("s")
            return s.select(a=meddled(s.a))
        """,
    )
    made.sql("later", "select k.a, s.a as b from k cross join s")
    made.built()
    assert made.rows("later") == [(1, 1)], "one build reads one version"
    assert made.build().keys() == {"k", "later"}


@pytest.fixture
def failing(tmp_path: Path) -> Site:
    """bad fails where a name is no number; below reads it, beside does not."""
    made = site(tmp_path, "names csv data/names.csv")
    made.folder.write("data/names.csv", "name,k\n1,x\n")
    made.sql("bad", "select cast(concat(name, k) as int) as n from names")
    made.sql("below", "select n from bad")
    made.sql("beside", "select k from names")
    made.folder.write("data/names.csv", "name,k\n1,2\n")
    made.built()
    made.folder.write("data/names.csv", "name,k\n1,x\n")
    return made


def test_a_task_that_fails_leaves_its_table_at_its_version(failing: Site) -> None:
    failing.build(keep_going=True)
    assert failing.version("bad") == 0
    assert failing.rows("bad") == [(12,)]
    assert failing.said(Failed).keys() == {"bad"}
    assert {o: e.because for o, e in failing.said(Skipped).items()} == {"below": "compute.bad"}
    assert failing.rows("beside") == [("x",)]
    files = [p for p in (failing.root / "warehouse/bad").rglob("*") if "staging" in p.name]
    assert files == []


def test_without_keep_going_the_rest_waits_for_the_next_build(failing: Site) -> None:
    failing.build()
    assert failing.outcome.failed == 1
    assert failing.outcome.skipped == 2
    assert failing.version("beside") == 0
    failing.folder.write("data/names.csv", "name,k\n1,3\n")
    assert failing.built().keys() == {"bad", "below", "beside"}


def test_a_failed_build_resumes_where_it_stopped(failing: Site) -> None:
    failing.build(keep_going=True)
    failing.sql("bad", "select cast(name as int) as n from names")
    assert failing.built().keys() == {"bad", "below"}
    assert failing.rows("below") == [(1,)]
    assert failing.built() == {}


def test_volatile_tasks_always_run_with_what_reads_them_through_views_too(tmp_path: Path) -> None:
    made = site(tmp_path)
    made.sql("dice", "select random() as x")
    made.sql("v_dice", "select random() as x", "view")
    made.sql("below", "select x from v_dice")
    made.sql("still", "select 1 as x")
    made.built()
    ran = made.built()
    assert ran == {"below": ["volatile below"], "dice": ["volatile dice"]}
    made.folder.write("tasks/dice.sql", "select 1 as x")
    made.folder.write("tasks/v_dice.sql", "select 1 as x")
    made.built()
    assert made.built() == {}


def test_a_column_added_to_a_source_that_nobody_reads_changes_no_plan(chain: Site) -> None:
    chain.built()
    before = chain.trace("totals")
    chain.folder.parquet(
        "data/orders.parquet", {"id": [1, 2, 3], "amount": [5.0, 50.0, 70.0], "more": ["a"] * 3}
    )
    assert chain.built() == {}, "the file is another; what is read of it is the same"
    assert chain.trace("totals") == before


def test_partitions_and_schemas_may_change_from_build_to_build(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"day": ["a", "b", "b"], "n": [1, 2, 3]})
    made.sql("k", "select day, n from s", more=', partition_by = ["day"]')
    made.built()
    assert made.delta("k").metadata().partition_columns == ["day"]
    assert len(list((tmp_path / "warehouse/k").glob("day=*"))) == 2
    made.sql("k", "select day, n from s", more=', partition_by = ["n"]')
    assert made.built() == {"k": ["plan_changed k"]}
    assert made.delta("k").metadata().partition_columns == ["n"]
    made.sql("k", "select cast(n as string) as day, day as more from s")
    assert made.built() == {"k": ["plan_changed k"]}
    assert made.delta("k").metadata().partition_columns == []
    assert made.rows("k") == [("1", "a"), ("2", "b"), ("3", "b")]
    assert made.built() == {}


def test_an_empty_result_is_a_table_like_any_other(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet")
    made.folder.parquet("data/s.parquet", {"a": [1]})
    made.sql("k", "select a, 'x' as b from s where a > 5")
    made.sql("below", "select count(*) as n from k")
    made.built()
    assert made.rows("k") == []
    assert made.table("k").schema.names == ["a", "b"]
    assert made.rows("below") == [(0,)]
    assert made.built() == {}
    made.folder.parquet("data/s.parquet", {"a": [9]})
    made.built()
    assert made.rows("k") == [(9, "x")]
    made.folder.parquet("data/s.parquet", {"a": [2]})
    made.built()
    assert made.rows("k") == []
    shutil.rmtree(made.root / ".cpgbuild")
    assert made.built() == {}


def test_a_target_builds_what_it_needs_alone_and_force_needs_no_reason(chain: Site) -> None:
    assert chain.built("totals").keys() == {"totals"}
    assert chain.build("totals", force=["totals"]) == {"totals": ["forced totals"]}
    assert chain.version("totals") == 1
    assert chain.built().keys() == {"report", "counts"}


def test_a_renamed_task_does_not_take_another_ones_table_for_its_own(chain: Site) -> None:
    chain.built()
    chain.sql("totals", "select sum(amount) as total from v_big", more=', name = "sum_up"')
    assert chain.built() == {"totals": ["output_changed totals"]}


def test_parquet_sources_are_read_once_per_change(tmp_path: Path) -> None:
    """Reading again what was not edited would cost time on each build."""
    made = site(tmp_path, "s parquet data/*.parquet")
    for name in "ab":
        made.folder.parquet(f"data/{name}.parquet", {"a": [1]})
    made.sql("k", "select count(*) as n from s")
    made.built()
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "data/c.parquet")
    assert made.built() == {"k": ["data_changed s"]}
    assert made.rows("k") == [(4,)]
    (tmp_path / "data/a.parquet").unlink()
    assert made.built() == {"k": ["data_changed s"]}
    assert made.rows("k") == [(3,)]
