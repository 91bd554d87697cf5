"""Session: the engine's settings, equal wherever a plan is made or run."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

# Part of every plan fingerprint: they change what a query means.
MEANING = {
    "datafusion.execution.time_zone": "UTC",
    # One layout of strings everywhere: the one that Ibis, Delta and Arrow's users have.
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.enable_ident_normalization": "true",
}
# Change how a query runs and nothing of its rows.
RUNNING = {
    # A join that hands its keys down to the scan of its other side may wait for itself forever.
    "datafusion.optimizer.enable_join_dynamic_filter_pushdown": "false",
}


def session_config(settings: Mapping[str, str] | None = None) -> datafusion.SessionConfig:
    """Return a configuration with the fixed settings that give plans their meaning, and others."""
    config = datafusion.SessionConfig()
    for key, value in {**(settings or {}), **RUNNING, **MEANING}.items():
        config = config.set(key, value)
    return config


@lru_cache(maxsize=256)
def _empty(kind: pa.DataType) -> pa.Array:
    return pa.array([], kind)


def register_empty(ctx: datafusion.SessionContext, name: str, schema: pa.Schema) -> None:
    """Register a table without rows, so that queries on it can be planned."""
    batch = pa.RecordBatch.from_arrays([_empty(field.type) for field in schema], schema=schema)
    ctx.register_record_batches(name, [[batch]])
