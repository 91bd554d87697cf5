"""Runs: how one compute task's rows come to be, as a stream of batches for the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

import datafusion
import datafusion.functions
import pyarrow as pa

from cpgbuild.engine.context import BEHIND
from cpgbuild.engine.frames import column, quote
from cpgbuild.engine.workers import Callee, CallFailed
from cpgbuild.errors.run import BadKey, MapFailed, MapResult
from cpgbuild.plan import types
from cpgbuild.plan.places import is_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.ports import Order
    from cpgbuild.engine.context import Context
    from cpgbuild.engine.ledger import Ledger
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.engine.workers import Workers
    from cpgbuild.plan.compiled import Compiled

# Beyond so many keys a filter that lists them costs more than mapping all rows would save.
LISTED_KEYS = 20_000
# The fact of a trace that names the run, and what is kept of its keys.
RUN = "run"
SHOWN_KEYS = 8


@dataclass(slots=True)
class Run:
    """A task's rows: `batches` to commit, `detail` for the report, `keys` to keep beside them.

    `batches` is None where the rows are those that are there already. Where it `replaces` keys,
    they are the rows of these alone, and the table keeps the others, which are those of the ledger
    `before`. `facts` become those of the trace.
    """

    batches: Iterator[pa.RecordBatch] | None
    detail: str = ""
    keys: pa.Table | None = field(default=None)
    before: Ledger | None = None
    replaces: pa.Array | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def told(self, ledger: Ledger) -> str:
        """Return how many keys were computed, where these were not all."""
        if self.replaces is None:
            return ""
        # What has no key is computed with every other.
        return f"{len(self.replaces) - self.replaces.null_count} of {ledger.keys} keys"


def query_run(context: Context, compiled: Compiled) -> Run:
    """Return the run of a task of the engine lane."""
    return Run(stream(context.rows_of(compiled)))


def stream(frame: datafusion.DataFrame) -> Iterator[pa.RecordBatch]:
    """Run a frame and give its batches as they come."""
    yield from pa.RecordBatchReader.from_stream(frame)


@dataclass(frozen=True, slots=True)
class MapRun:
    """The run of a python-lane task."""

    context: Context
    warehouse: Warehouse
    workers: Workers
    compiled: Compiled
    root: Path
    behind: Fingerprint
    ledger: Ledger | None = None

    def begin(self, order: Order) -> Run:
        """Return the run: of the rows whose content changed, where the task has keys."""
        row_map = self.compiled.row_map
        assert row_map is not None  # noqa: S101 -- this is what makes it a MapRun
        frame = self.context.rows_of(self.compiled)
        if row_map.key is None or row_map.content is None:
            return Run(self._mapped(frame, None))
        keys = self._keys(frame, row_map.key, row_map.content)
        before = self._keys_before(order)
        changed, gone = _difference(before, keys) if before is not None else ([], [])
        if before is None or len(changed) + len(gone) > LISTED_KEYS:
            detail = f"{keys.num_rows} of {keys.num_rows} keys"
            return Run(self._mapped(frame, row_map.key), detail, keys)
        detail = f"{len(changed)} of {keys.num_rows} keys"
        if not changed and not gone:
            return Run(None, detail, keys, self.ledger)
        if self.ledger is not None:
            replaced = self.ledger.array([*changed, *gone])
            rows = self._of_keys(frame, row_map.key, changed)
            return Run(rows, detail, keys, self.ledger, replaced)
        return Run(self._replaced(frame, row_map.key, changed, gone), detail, keys)

    def _keys(self, frame: datafusion.DataFrame, key: str, content: str) -> pa.Table:
        """Return each row's key and content, as text; a key names one row."""
        pair = frame.select(column(key).alias("key"), column(content).alias("content"))
        given = pa.table(pair.to_arrow_table())
        keys = given["key"].cast(self.compiled.rows.field(key).type)
        kind = self.compiled.rows.field(content).type
        table = pa.table({"key": keys, "content": _as_text(given["content"].cast(kind))})
        task = self.compiled.task
        if table["key"].null_count:
            raise BadKey(task.name, key, "is null in some row", task.place)
        import pyarrow.compute as pc  # noqa: PLC0415 -- heavy, and a plan needs nothing of it

        counts = pc.value_counts(table["key"].combine_chunks())
        twice = counts.filter(pc.greater(counts.field("counts"), 1))
        if len(twice):
            value = twice.field("values")[0].as_py()
            raise BadKey(task.name, key, f"is `{value}` in several rows", task.place)
        return table

    def _keys_before(self, order: Order) -> pa.Table | None:
        """Return what the keys were in the run whose rows can be kept, if there is such a run.

        A key and its content speak for a row only as long as the other columns come to be in the
        same way: another plan upstream may give others to the same content.
        """
        previous = order.previous
        if previous is None or previous.plan != order.task.plan:
            return None
        if previous.facts.get(BEHIND) != self.behind:
            return None
        return self.warehouse.keys(order.task.output, previous.facts.get(RUN, ""))

    def _before(self) -> datafusion.DataFrame:
        """Return the rows that the table holds until it is committed anew."""
        output, session = self.compiled.task.output, self.context.session
        before = f"{output}/before"
        self.warehouse.register(session, output, before)
        return session.table(quote(before))

    def _replaced(
        self, frame: datafusion.DataFrame, key: str, changed: list[object], gone: list[object]
    ) -> Iterator[pa.RecordBatch]:
        """Give the rows of the table whose keys stay, then those of the keys that changed."""
        kind = self.compiled.rows.field(key).type
        kept = self._before()
        if changed or gone:
            kept = kept.filter(~is_in(key, [*changed, *gone], kind))
        yield from stream(kept)
        yield from self._of_keys(frame, key, changed)

    def _of_keys(
        self, frame: datafusion.DataFrame, key: str, changed: list[object]
    ) -> Iterator[pa.RecordBatch]:
        """Give what the function makes of the rows of some keys."""
        kind = self.compiled.rows.field(key).type
        if changed:
            yield from self._mapped(frame.filter(is_in(key, changed, kind)), key)

    def _mapped(self, frame: datafusion.DataFrame, key: str | None) -> Iterator[pa.RecordBatch]:
        """Give what the task's function makes of a frame's rows."""
        row_map = self.compiled.row_map
        assert row_map is not None  # noqa: S101
        callee = Callee.of(row_map.function, str(self.root))
        rows = plain(stream(frame), self.compiled.rows)
        try:
            for part, result in self.workers.map(callee, rows):
                yield from checked_result(self.compiled, part, result, key).to_batches()
        except CallFailed as error:
            raise self._map_failed(error) from error

    def _map_failed(self, error: CallFailed) -> MapFailed:
        task = self.compiled.task
        place = next((p for p in error.places if is_own(p, self.root)), task.place)
        return MapFailed(task.name, error.reason, place)


def checked_result(
    compiled: Compiled, part: pa.RecordBatch, result: pa.Table, key: str | None
) -> pa.Table:
    """Return what a function made of some rows under the declared schema, if that is what it is.

    Raises:
        MapResult: it is not.
    """
    wanted, task = compiled.schema, compiled.task
    given = {f.name: types.normalise(f.type) for f in result.schema}
    faults = [f"`{n}` is missing" for n in wanted.names if n not in given]
    faults += [f"`{n}` is not declared" for n in given if n not in wanted.names]
    columns = {}
    for one in [] if faults else wanted:
        try:
            columns[one.name] = result[one.name].cast(one.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            faults.append(f"`{one.name}`: {str(error).splitlines()[0]}")
    table = result if faults else pa.table(columns, schema=wanted)
    if key is not None and not faults:
        known = set(part.column(key).to_pylist())
        strange = [k for k in table[key].unique().to_pylist() if k not in known]
        faults += [f"`{key}` is `{k}`, which was not given" for k in strange[:SHOWN_KEYS]]
    if faults:
        raise MapResult(task.name, faults, task.place)
    return table


def plain(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Give batches in the plan's own types, not in the engine's layouts of them."""
    for batch in batches:
        columns = [batch.column(f.name).cast(f.type) for f in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Return values as texts that are equal where they are; bytes and nested ones as digests."""
    if not (pa.types.is_nested(values.type) or pa.types.is_binary(values.type)):
        return values.cast(pa.string())
    digests = (None if v is None else sha256(repr(v).encode()) for v in values.to_pylist())
    return pa.array([d and d.hexdigest() for d in digests], pa.string())


def _difference(before: pa.Table, now: pa.Table) -> tuple[list[object], list[object]]:
    """Return the keys that are new or whose content changed, and those that are gone."""
    then = dict(zip(before["key"].to_pylist(), before["content"].to_pylist(), strict=True))
    current = dict(zip(now["key"].to_pylist(), now["content"].to_pylist(), strict=True))
    missing = object()
    # A null says nothing, so it never proves that a row is the same.
    changed = [k for k, c in current.items() if c is None or then.get(k, missing) != c]
    return changed, [k for k in then if k not in current]


def is_in(key: str, values: list[object], kind: pa.DataType) -> datafusion.Expr:
    """Return whether a column has one of these values, of which none is null."""
    literals = [datafusion.lit(pa.scalar(value, kind)) for value in values]
    return datafusion.functions.in_list(column(key), literals)
