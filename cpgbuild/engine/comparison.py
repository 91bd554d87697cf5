"""Comparison: what of an input's rows is not as it was, as far as that is cheap to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

from cpgbuild.core.explanation import InputState
from cpgbuild.engine.data import fingerprints
from cpgbuild.engine.frames import quote
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from cpgbuild.core.evidence import Stamp
    from cpgbuild.core.task import Requirement
    from cpgbuild.engine.data import Data, Register

# Of more rows than this, nobody waits to hear which are new.
COMPARED_ROWS = 2_000_000


def compare(data: Data, leaf: Requirement, then: Stamp | None, now: Stamp | None) -> InputState:
    """Return what became of an input since a run that read it as `then`.

    What was written over cannot be read any more: of it only the number of rows is known.
    """
    columns = tuple(sorted(leaf.names))
    if then is None or now is None:
        return InputState(leaf.dataset, columns)
    if then.version == now.version:
        return InputState(leaf.dataset, columns, ())
    before, after = data.earlier(leaf.dataset, then.version), data.register
    now_data = now.data or data.now(leaf.dataset, columns)
    then_data = then.data
    if before is not None and then_data is None:
        then_data = fingerprints(before, leaf.dataset, {columns})[columns]
    rows = _rows(then_data), _rows(now_data)
    if then_data == now_data:
        return InputState(leaf.dataset, columns, (), *rows)
    if before is None:
        return InputState(leaf.dataset, columns, None, *rows)
    each = {(column,) for column in columns}
    was, is_now = fingerprints(before, leaf.dataset, each), fingerprints(after, leaf.dataset, each)
    # Columns may hold what they held, and not in the same rows.
    changed = tuple(c for c in columns if was[(c,)] != is_now[(c,)]) or columns
    counted = _counted(before, after, leaf.dataset, columns) if _few(*rows) else (None, None)
    return InputState(leaf.dataset, columns, changed, *rows, *counted)


def _rows(data: str | None) -> int | None:
    """Return the number of rows that a data fingerprint begins with."""
    return int(data.partition("-")[0]) if data else None


def _few(*rows: int | None) -> bool:
    return all(count is not None and count <= COMPARED_ROWS for count in rows)


def _counted(
    before: Register, after: Register, name: str, columns: tuple[str, ...]
) -> tuple[int | None, int | None]:
    """Return how many rows were added and how many removed."""
    if not columns:
        return None, None
    ctx = datafusion.SessionContext(session_config())
    frames = []
    for register, as_name in ((before, "then"), (after, "now")):
        own = datafusion.SessionContext(session_config())
        register(own, name)
        picked = own.table(quote(name)).select(*(datafusion.col(quote(c)) for c in columns))
        ctx.register_record_batches(as_name, [picked.collect() or [_none(picked.schema())]])
        frames.append(ctx.table(as_name))
    then, now = frames
    try:
        return now.except_all(then).count(), then.except_all(now).count()
    except Exception:  # noqa: BLE001 -- the engine cannot compare every type; then nobody says
        return None, None


def _none(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
