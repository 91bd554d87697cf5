"""Data: the fingerprints of what sources and tables hold, for all of their readers in one pass."""

from __future__ import annotations

from functools import partial
from threading import RLock
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

from cpgbuild.engine import listing
from cpgbuild.engine.frames import column, quote
from cpgbuild.engine.hashing import Hashing
from cpgbuild.engine.sources import register_delta
from cpgbuild.errors.run import TableUnreadable
from cpgbuild.plan.failures import reason
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    # Makes a dataset readable in a session under a name.
    Register = Callable[[datafusion.SessionContext, str], None]

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Task
    from cpgbuild.engine.sources import Sources
    from cpgbuild.engine.warehouse import Warehouse

# For each source: the version that was read, and the data fingerprints of columns in it.
Known = "MutableMapping[str, tuple[str, dict[Columns, Fingerprint]]]"


class Data:
    """Reads rows only to know whether they are the same; what it learns it keeps."""

    def __init__(
        self,
        sources: Sources,
        warehouse: Warehouse,
        tasks: Iterable[Task],
        known: MutableMapping[str, tuple[str, dict[Columns, Fingerprint]]],
    ) -> None:
        """Take where rows are, all tasks, since they say what is required, and what is known."""
        self._sources = sources
        self._warehouse = warehouse
        self._known = known
        self._tables: dict[tuple[str, str], dict[Columns, Fingerprint]] = {}
        self._lock = RLock()
        self._wanted: dict[str, set[Columns]] = {}
        # Nothing is decided by what a view reads, but by what is read through it.
        for task in tasks:
            checked = (leaf for check in task.checks for leaf in check.leaves)
            for leaf in (*(task.leaves if task.stored else ()), *checked):
                self._wanted.setdefault(leaf.dataset, set()).add(tuple(sorted(leaf.names)))

    def wanted(self, name: str) -> set[Columns]:
        """Return the sets of columns that tasks require of a source or output."""
        return self._wanted.get(name, set())

    def is_lazy(self, name: str) -> bool:
        """Return whether a source can still be asked for an earlier state, and so is not asked now.

        A file that is written over cannot.
        """
        return name in self._sources and self._sources.keeps_versions(name)

    def now(self, name: str, columns: Columns) -> Fingerprint:
        """Return the data fingerprint of columns of what a source or an output holds now.

        What other readers require of it is computed in the same pass.
        """
        with self._lock:
            if name in self._sources:
                return self._of_source(name, columns)
            return self._of_table(name, columns)

    def _of_source(self, name: str, columns: Columns) -> Fingerprint:
        version = self._sources.version(name)
        kept = self._known.get(name)
        if kept is None or kept[0] != version:
            self._known[name] = kept = (version, {})
        if columns not in kept[1]:
            sets = {columns, *self.wanted(name)} - kept[1].keys()
            try:
                listed = self._sources.listed(name)
                if listed is not None:
                    found = listing.fingerprints(listed, sets)
                else:
                    found = fingerprints(self.register, name, sets)
            except Exception as error:
                raise self._sources.failure(name, error) from error
            if self._sources.changed([name]):
                # What was read is not of the version that it would be kept for.
                raise self._sources.failure(name, OSError("it changed while it was read"))
            kept[1].update(found)
        return kept[1][columns]

    def _of_table(self, name: str, columns: Columns) -> Fingerprint:
        evidence = self._warehouse.evidence(name)
        if evidence is None:
            raise FileNotFoundError(self._warehouse.uri(name))
        if columns in evidence.data:
            return evidence.data[columns]
        known = self._tables.setdefault((name, evidence.version), {})
        if columns not in known:
            sets = {columns, *self.wanted(name)}
            try:
                known.update(fingerprints(self.register, name, sets))
            except Exception as error:
                raise TableUnreadable(self._warehouse.uri(name), reason(error)) from error
        return known[columns]

    def then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        """Return the data fingerprint of columns at an earlier version; None where it is gone."""
        register = self.earlier(name, version)
        try:
            return fingerprints(register, name, {columns})[columns] if register else None
        except Exception:  # noqa: BLE001 -- whatever it is: what cannot be read is gone
            return None

    def earlier(self, name: str, version: Fingerprint) -> Register | None:
        """Return what registers a source or output as it was; None where that is gone."""
        if name in self._sources:
            return self._sources.earlier(name, version)
        table = self._warehouse.table_at(name, version)
        return partial(register_delta, table) if table is not None else None

    def register(self, ctx: datafusion.SessionContext, name: str) -> None:
        """Register a source or an output as it is now."""
        if name in self._sources:
            self._sources.register(ctx, name)
        else:
            self._warehouse.register(ctx, name, name)


def fingerprints(
    register: Register, name: str, sets: Iterable[Columns]
) -> dict[Columns, Fingerprint]:
    """Register a dataset by its name, read these columns and return their data fingerprints."""
    ctx = datafusion.SessionContext(session_config())
    register(ctx, name)
    sets = set(sets)
    read = sorted({c for columns in sets for c in columns})
    frame = ctx.table(quote(name))
    # Rows alone are counted: any column will do.
    names = read or frame.schema().names[:1]
    with Hashing(sets) as hashing:
        for batch in pa.RecordBatchReader.from_stream(frame.select(*(column(c) for c in names))):
            hashing.add(batch)
        return hashing.fingerprints()
