"""An upgrade of DataFusion: tables made by the version before stay what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from cpgbuild.core.events import Unchanged
from cpgbuild.engine.datafusion_engine import DataFusionEngine
from tests.engine.builds import Site, site

TASKS = """
    @ibis.udf.scalar.pyarrow
    def doubled(x: int) -> int:
        import pyarrow.compute as pc
        return pc.multiply(x, 2)

    def same(rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows

    @view
    def v(catalog: Catalog) -> ibis.Table:
        s = catalog.table("s")
        more = ibis.memtable(pa.table({"id": [1, 2], "name": ["a", "b"]}))
        return s.mutate(twice=doubled(s.n)).join(more, "id")

    @compute
    def total(catalog: Catalog) -> ibis.Table:
        v = catalog.table("v")
        return v.group_by("name").agg(n=v.twice.sum())

    @compute(map=same, schema={"name": "string", "n": "int64"}, key="name", content="n")
    def mapped(catalog: Catalog) -> ibis.Table:
        return catalog.table("total")
"""


@pytest.fixture
def made(tmp_path: Path) -> Site:
    made = site(tmp_path, "s parquet data/s.parquet", engine="threads = 1")
    made.folder.parquet("data/s.parquet", {"id": [1, 2, 3], "n": [1, 2, 3], "more": [0, 0, 0]})
    made.python("tasks", TASKS)
    made.sql("k", "select sum(n) as n from total where n > 1")
    made.built()
    return made


def remade_by(made: Site, engine: str, words: str) -> None:
    """Let all traces be of another version, which put each plan into other words."""
    shutil.rmtree(made.root / ".cpgbuild")
    for log in (made.root / "warehouse").glob("*/_delta_log/*.json"):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for info in (line["commitInfo"] for line in lines if "commitInfo" in line):
            trace = json.loads(info["cpgbuild.trace"])
            old = trace["plan"]
            trace["engine"], trace["plan"], trace["query"] = engine, words + old, words
            info["cpgbuild.trace"] = json.dumps(trace)
            side = log.parents[1] / "_cpgbuild"
            (side / f"plan-{old[:32]}.json").rename(side / f"plan-{(words + old)[:32]}.json")
        log.write_text("\n".join(json.dumps(line) for line in lines))


def test_what_the_version_before_made_is_planned_again_and_is_up_to_date(made: Site) -> None:
    remade_by(made, "datafusion 55.0.0 form 0", "older ")
    assert made.built() == {}
    versions = [DeltaTable(p).version() for p in (made.root / "warehouse").iterdir() if p.is_dir()]
    assert versions == [0, 0, 0]


def test_an_edit_beside_the_upgrade_runs_what_it_changes(made: Site) -> None:
    remade_by(made, "datafusion 55.0.0 form 0", "older ")
    made.folder.edit("tasks/tasks.py", "v.twice.sum()", "v.twice.max()")
    assert made.built() == {"total": ["plan_changed total"]}, "with the same rows, as it happens"


def test_a_comment_beside_the_upgrade_runs_nothing(made: Site) -> None:
    remade_by(made, "datafusion 55.0.0 form 0", "older ")
    made.folder.edit("tasks/k.sql", "select", "-- As it was.\nselect")
    assert made.built() == {}


def test_where_the_queries_are_not_known_any_more_all_runs(made: Site) -> None:
    remade_by(made, "datafusion 55.0.0 form 0", "older ")
    for record in (made.root / "warehouse").glob("*/_cpgbuild/plan-*.json"):
        record.write_text("{torn")
    assert made.built().keys() == {"total", "mapped", "k"}
    assert sorted(made.unchanged) == ["k", "mapped", "total"]


def test_another_major_version_runs_all_and_says_so(made: Site) -> None:
    remade_by(made, "datafusion 54.1.0 form 2", "")
    assert made.built().keys() == {"total", "mapped", "k"}
    (reason,) = made.said(Unchanged)["k"].reasons
    assert reason.detail == f"datafusion 54.1.0 form 2, now {DataFusionEngine.version}"
