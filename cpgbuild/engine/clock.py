"""Clock: one moment for a whole build, whenever its queries run."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import datafusion
import pyarrow as pa

NANOSECONDS = 1_000_000_000
DAY = 86_400 * NANOSECONDS


def this_moment() -> int:
    """Return the moment in nanoseconds since 1970, UTC; a whole microsecond, as tables hold it."""
    return time.time_ns() // 1000 * 1000


def freeze(session: datafusion.SessionContext, moment: int) -> None:
    """Let every function of the clock give `moment`, in the type that the engine gives it.

    They shadow the engine's own, are folded when a query is planned, and keep their column names.
    """
    today = datetime.fromtimestamp(moment // NANOSECONDS, UTC).date()
    timestamp = pa.array([moment], pa.timestamp("ns"))
    for name in ("now", "current_timestamp"):
        _register(session, name, timestamp)
    for name in ("today", "current_date"):
        _register(session, name, pa.array([today], pa.date32()))
    _register(session, "current_time", pa.array([moment % DAY], pa.time64("ns")))


def _register(session: datafusion.SessionContext, name: str, value: pa.Array) -> None:
    def constant() -> pa.Array:
        return value

    session.register_udf(datafusion.udf(constant, [], value.type, "immutable", name))
