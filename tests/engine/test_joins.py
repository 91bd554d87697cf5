"""Joins: what the engine is kept from, since it would not end."""

from __future__ import annotations

from pathlib import Path

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq

from cpgbuild.plan.session import session_config


def test_a_join_hands_no_keys_down_to_a_scan(tmp_path: Path) -> None:
    """With that, this query hangs once in some thousand runs with two partitions."""
    pq.write_table(pa.table({"k": ["x", "x", "y"], "a": [5, 50, 70]}), tmp_path / "o.parquet")
    settings = {"datafusion.execution.target_partitions": "2"}
    ctx = datafusion.SessionContext(session_config(settings))
    ctx.register_parquet("o", str(tmp_path / "o.parquet"))
    frame = ctx.sql(
        "with s as (select k, sum(a) as t from o group by k) "
        "select a.k, b.t from s as a join s as b on a.k = b.k"
    )
    plan = frame.execution_plan().display_indent()
    assert "HashJoinExec" in plan
    assert "DynamicFilter" not in plan
