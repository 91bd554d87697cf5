"""By key: the runs of keyed tasks that compute only the rows of keys that can be others now.

Which keys of an input changed, its ledgers tell: what it is now, and what it was when the task read
it last. That no others matter, the plan has to prove (`plan/locality.py`). The plan is then run as
it is, over inputs cut down to these keys, and of its rows those of these keys are taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.engine.frames import column
from cpgbuild.engine.leaves import register_held
from cpgbuild.engine.runs import LISTED_KEYS, RUN, Run, is_in, stream
from cpgbuild.plan.assemble import is_key
from cpgbuild.plan.locality import local_inputs
from cpgbuild.plan.nulls import null_origins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import datafusion

    from cpgbuild.core.ports import Order
    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.context import Context
    from cpgbuild.engine.leaves import Leaves
    from cpgbuild.engine.ledger import Ledger
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.compiled import Compiled, Plans
    from cpgbuild.plan.locality import Local
    from cpgbuild.plan.nulls import Origins

# The facts of a trace that name the runs that made what was read, and what was proven of the plan.
READ, LOCAL = "read", "local"
# A proof is of keys that are null, or are not.
_PARTS = (False, True)
# Where more than one key in so many changed, everything is computed.
SHARE = 2


@dataclass(frozen=True, slots=True)
class Proof:
    """Of which inputs a task needs only the rows of a key: for a value, and for null.

    And which columns of inputs have to hold a null for a key to be one, where that is known.
    """

    of_value: Local
    of_null: Local
    nulls: Origins | None = None

    def to_text(self) -> str:
        """Return the proof as a trace keeps it."""
        parts = (self.of_value, self.of_null)
        told = [{name: sorted(found) for name, found in sorted(one.items())} for one in parts]
        return json.dumps([*told, None if self.nulls is None else sorted(self.nulls)])

    @classmethod
    def from_text(cls, text: str) -> Proof | None:
        """Return the proof that a trace kept; None where an older version kept less."""
        *parts, nulls = json.loads(text)
        if len(parts) != len(_PARTS):
            return None
        value, null = ({n: frozenset(found) for n, found in one.items()} for one in parts)
        return cls(value, null, None if nulls is None else frozenset(map(tuple, nulls)))


@dataclass(frozen=True, slots=True)
class KeyedRun:
    """The run of a keyed task of the engine lane."""

    context: Context
    warehouse: Warehouse
    plans: Plans
    compiled: Compiled
    key: str
    ledgers: dict[str, Ledger | None] = field(default_factory=dict)

    def begin(self, order: Order) -> Run | None:
        """Return the run of the keys that changed; None where that is not known, or of most."""
        before = ledger_before(self.warehouse, order, self.key)
        if before is None:
            return None
        proof = self._proof(order.previous)
        keys = self._changed(order, before, proof)
        if keys is None:
            return None
        if not len(keys):
            return Run(None, "0 keys", before=before, facts=self._facts(proof))
        rows = self._rows(proof, keys)
        return Run(rows, before=before, replaces=keys, facts=self._facts(proof))

    def whole(self, order: Order) -> Run:
        """Return the run of all keys."""
        facts = self._facts(self._proof(order.previous))
        return Run(stream(self.context.rows_of(self.compiled)), facts=facts)

    def _facts(self, proof: Proof) -> dict[str, str]:
        return {LOCAL: proof.to_text(), READ: json.dumps(self.runs_read())}

    def runs_read(self) -> dict[str, str]:
        """Return the run that made what each input holds, where that is known."""
        found = {}
        for leaf in self.compiled.task.leaves:
            trace = self._trace(leaf.dataset)
            if trace is not None and RUN in trace.facts:
                found[leaf.dataset] = trace.facts[RUN]
        return found

    def _trace(self, name: str) -> Trace | None:
        """Return the trace of what an input holds now; a source has none."""
        return self.warehouse.trace(name) if name in self.context.outputs else None

    def _proof(self, previous: Trace | None) -> Proof:
        task = self.compiled.task
        if previous is not None and previous.plan == task.plan and LOCAL in previous.facts:
            kept = Proof.from_text(previous.facts[LOCAL])
            if kept is not None:
                return kept
        if task.volatile or task.unstable:
            # To compute rows once more can give others, and not only of the keys that changed.
            return Proof({}, {})
        value, null = (local_inputs(self.plans, task.name, self.key, null=n) for n in _PARTS)
        return Proof(value, null, null_origins(self.plans, task.name, self.key))

    def _changed(self, order: Order, before: Ledger, proof: Proof) -> pa.Array | None:
        """Return the keys of which rows can be others than they are; None: nobody knows."""
        assert order.previous is not None  # noqa: S101 -- or there were no ledger
        found: list[object] | None = None
        for leaf in order.task.leaves:
            then, now = order.previous.reads.get(leaf.dataset), order.reads[leaf.dataset]
            if then is not None and (then.schema, then.version) == (now.schema, now.version):
                continue
            if then is None or then.schema != now.schema or then.data is None:
                return None
            keys = self._changed_in(leaf, order.previous, proof)
            if keys is None:
                return None
            found = [*(found or ()), *keys.drop_null().to_pylist()]
            if keys.null_count or not self._is_cut(leaf.dataset, proof.of_null):
                found.append(None)
        if found is None:
            # Something else is the reason to run.
            return None
        keys = before.array(dict.fromkeys(found))
        if keys.null_count and not self._has_nulls(before, proof):
            keys = keys.drop_null()
        few = min(LISTED_KEYS, max(before.keys, 1) // SHARE + 1)
        return keys if len(keys) <= few else None

    def _changed_in(self, leaf: Requirement, previous: Trace, proof: Proof) -> pa.Array | None:
        """Return the keys of an input whose rows changed, if only rows of the same key matter."""
        ledger, columns = self._ledger(leaf.dataset), tuple(sorted(leaf.names))
        if ledger is None or not self._is_by_key(leaf.dataset, ledger, proof.of_value):
            return None
        then, name = previous.reads[leaf.dataset], leaf.dataset
        run = json.loads(previous.facts.get(READ, "{}")).get(name, "")
        # What was read is known by the sums of these columns, or by those of all.
        known = (self.warehouse.ledger(name, run, one) for one in (then.data, then.version) if one)
        past = next((one for one in known if one is not None), None)
        return ledger.changed(past, columns) if past is not None else None

    def _has_nulls(self, before: Ledger, proof: Proof) -> bool:
        """Return whether rows may be without a key, in what there is or in what is computed."""
        if before.has_null or proof.nulls is None:
            return True
        for name, key in proof.nulls:
            ledger = self._ledger(name)
            if ledger is None or ledger.buckets.key != key or ledger.has_null:
                return True
        return False

    def _ledger(self, name: str) -> Ledger | None:
        """Return the ledger of what an input holds now, if it is keyed."""
        if name not in self.ledgers:
            trace = self._trace(name)
            facts = (trace.facts.get(RUN, ""), trace.wrote.version) if trace else None
            self.ledgers[name] = self.warehouse.ledger(name, *facts) if facts else None
        return self.ledgers[name]

    def _is_cut(self, name: str, local: Local) -> bool:
        ledger = self._ledger(name)
        return ledger is not None and self._is_by_key(name, ledger, local)

    def _is_by_key(self, name: str, ledger: Ledger, local: Local) -> bool:
        """Return whether only those rows of an input matter that have the same key there."""
        kind = self.compiled.schema.field(self.key).type
        same = ledger.sums.schema.field("key").type == kind
        return same and ledger.buckets.key in local.get(name, frozenset())

    def _rows(self, proof: Proof, keys: pa.Array) -> Iterator[pa.RecordBatch]:
        """Give the rows of some keys."""
        values = keys.drop_null()
        if len(values):
            # What reads a table needs its session, which nothing else would keep.
            context = self._over(proof.of_value, values)
            kind = self.compiled.schema.field(self.key).type
            wanted = is_in(self.key, values.to_pylist(), kind)
            yield from stream(context.rows_of(self.compiled).filter(wanted))
        if keys.null_count:
            nulls = pa.nulls(1, keys.type)
            context = self._over(proof.of_null, nulls)
            yield from stream(context.rows_of(self.compiled).filter(column(self.key).is_null()))

    def _over(self, local: Local, keys: pa.Array) -> Context:
        """Return a session in which inputs are cut down to these keys."""
        parts: dict[str, Cut] = {}
        needed = self.context.needed(self.compiled)
        for name in {leaf.dataset for leaf in self.compiled.task.leaves}:
            ledger = self._ledger(name)
            if ledger is None or not self._is_by_key(name, ledger, local):
                continue
            if self.warehouse.is_of(name, ledger):
                columns = needed.get(name, frozenset()) | {ledger.buckets.key}
                parts[name] = Cut(self.warehouse, ledger, keys, columns)
        return self.context.over(CutDown(self.context.leaves, parts))


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows that a table has of some keys, in some columns."""

    warehouse: Warehouse
    ledger: Ledger
    keys: pa.Array
    columns: frozenset[str]

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Make them readable under the table's name, and nothing else of it."""
        table = self.warehouse.keyed(name, self.ledger)
        schema = table.schema
        wanted = pa.schema([field for field in schema if field.name in self.columns])
        found = table.rows_of(self.keys, wanted.names)
        batches = list(found) or [pa.RecordBatch.from_pylist([], schema=wanted)]
        register_held(session, name, [batches], wanted, schema)


@dataclass(frozen=True, slots=True)
class CutDown:
    """Leaves of which some are cut down to the rows of some keys."""

    others: Leaves
    parts: Mapping[str, Cut]

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register a source or an output."""
        part = self.parts.get(name)
        if part is not None:
            part.register(session, name)
        else:
            self.others.register(session, name)


def ledger_before(warehouse: Warehouse, order: Order, key: str) -> Ledger | None:
    """Return the ledger of the rows that a task's table holds, where some of them can stay.

    They are what the task's plan made of what it read then.
    """
    before = order.previous
    if before is None or before.plan != order.task.plan:
        return None
    return _ledger_of(warehouse, order.task.output, before, key)


def ledger_held(warehouse: Warehouse, task: Task, key: str) -> Ledger | None:
    """Return the ledger of the rows that a task's table holds, whatever made them.

    What holds the same rows needs not be written once more.
    """
    held = warehouse.trace(task.output)
    if held is None or held.wrote.schema != task.schema.fingerprint:
        return None
    return _ledger_of(warehouse, task.output, held, key)


def _ledger_of(warehouse: Warehouse, output: str, trace: Trace, key: str) -> Ledger | None:
    ledger = warehouse.ledger(output, trace.facts.get(RUN, ""), trace.wrote.version)
    if ledger is None or ledger.buckets.key != key or not warehouse.is_of(output, ledger):
        return None
    return ledger


def buckets_key(compiled: Compiled) -> str | None:
    """Return the column by which a task's rows are put into buckets; None where by none."""
    key = compiled.task.key
    if key is None or compiled.task.partition_by or key not in compiled.schema.names:
        return None
    return key if is_key(compiled.schema.field(key).type) else None
