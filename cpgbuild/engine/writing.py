"""Writing: how the rows of one run get beside a table, and what is known of the table then.

Of a keyed table only the files are written that hold keys of which rows are others: whether the run
gave just the rows of these, or all rows, and it was seen afterwards which of them are others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import datafusion

from cpgbuild.engine.buckets import Buckets
from cpgbuild.engine.bykey import buckets_key
from cpgbuild.engine.hashing import Hashing
from cpgbuild.engine.ledger import MOST_KEYS, Ledger
from cpgbuild.engine.runs import stream
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.engine.runs import Run
    from cpgbuild.engine.staging import Staged
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.compiled import Compiled


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of a table once a run is committed: data fingerprints, rows, and the ledger.

    Where that is kept. `same` is the ledger in case that nothing has to be committed but a trace;
    none where it is not known which files the rows that are there are in.
    """

    staged: Staged
    data: dict[Columns, Fingerprint]
    blurred: Fingerprint | None
    rows: int
    ledger: Ledger | None = None
    same: Ledger | None = None


class Writing:
    """Writes the rows of one run."""

    def __init__(
        self, warehouse: Warehouse, compiled: Compiled, run: Run, wanted: Collection[Columns]
    ) -> None:
        """Take the run, and the sets of columns that readers require."""
        task = compiled.task
        self._warehouse = warehouse
        self._compiled = compiled
        self._output = task.output
        self._keys = run.replaces
        self._run = run
        self._everything = tuple(sorted(compiled.schema.names))
        self._blurred = self._everything if task.inexact else None
        self._sets = tuple(sorted({self._everything, *wanted}))
        self._key = buckets_key(compiled)
        self._before = self._knowing(run.before) if run.before is not None else None

    def _knowing(self, ledger: Ledger) -> Ledger:
        """Return a ledger that has the sums of all sets, which may take a look at all rows."""
        if set(self._sets) <= set(ledger.sets.exact) or self._keys is None:
            return ledger
        session = datafusion.SessionContext(session_config())
        self._warehouse.register(session, self._output, "rows")
        with self.hashing() as hashing:
            for batch in stream(session.table("rows")):
                hashing.add(batch)
            sets, sums = hashing.sums()
        return replace(ledger, sets=sets, sums=sums)

    def hashing(self) -> Hashing:
        """Return what hashes the rows of the run."""
        by = self._compiled.schema.field(self._key) if self._key is not None else None
        return Hashing(self._sets, self._blurred, by)

    def stage(self, rows: Iterator[pa.RecordBatch]) -> Staged:
        """Write the rows of the run, and of those that stay what is in the same files."""
        output, schema = self._output, self._compiled.schema
        if self._key is None:
            return self._warehouse.stage(output, schema, self._compiled.task.partition_by, rows)
        before, fresh = self._before, Buckets(self._key)
        crowded = before is not None and before.is_crowded
        buckets = before.buckets if before is not None and not crowded else fresh
        if before is None or self._keys is None:
            return self._warehouse.stage(output, schema, buckets, rows)
        files = list(before.files) if crowded else before.holding(self._keys)
        table = self._warehouse.keyed(output, before)
        beside = table.rows_beside(self._keys, files)
        staged = self._warehouse.stage(output, schema, buckets, chain(beside, rows))
        return table.instead(staged, files)

    def made(self, staged: Staged, hashing: Hashing, rows: int) -> Made:
        """Return what is known of the table with what was staged."""
        buckets = staged.buckets
        if buckets is None:
            data = hashing.fingerprints()
            return Made(staged, data, hashing.blurred(), rows)
        sets, sums = hashing.sums()
        before = self._before
        if before is not None and self._keys is not None:
            ledger = replace(before.replaced(self._keys, sums), buckets=buckets)
        else:
            ledger = Ledger(buckets, sets, sums)
            staged = self._only_changed(staged, ledger)
        stay = [file.path for file in staged.upon]
        known = before.files if before is not None else {}
        now = replace(ledger, files=known).with_files(stay, staged.files)
        data, blurred = now.fingerprints(), now.blurred()
        if now.sums.num_rows > MOST_KEYS:
            return Made(staged, data, blurred, now.rows)
        same = replace(now, files=known, buckets=before.buckets) if before is not None else None
        return Made(staged, data, blurred, now.rows, now, same)

    def _only_changed(self, staged: Staged, ledger: Ledger) -> Staged:
        """Return what was staged without the files that hold nothing new."""
        before = self._before
        if before is None or before.buckets != ledger.buckets:
            return staged
        keys = ledger.changed(before, self._everything)
        if keys is None:
            return staged
        files = before.holding(keys) if len(keys) else []
        touched = set(ledger.buckets.of(keys).tolist()) if len(keys) else set()
        return self._warehouse.keyed(self._output, before).thinned(staged, files, touched)
