"""Tables for real: one output of a warehouse, put, renewed and read in a line each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datafusion
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.task import Task, TaskKind
from cpgbuild.core.trace import Trace
from cpgbuild.engine.staging import SIDE, Staged
from cpgbuild.engine.warehouse import Warehouse

OUTPUT = "k"
TASK = Task("compute.k", "k", TaskKind.COMPUTE, (), Fingerprint("plan"))


def a_trace(data: str, plan: str = "plan") -> Trace:
    """Return the trace of a run whose rows have the fingerprint `data`."""
    wrote = Stamp(Fingerprint("schema"), Fingerprint(data))
    return Trace(TASK.name, Fingerprint(plan), {}, wrote, facts={"run": "r"})


class Shelf:
    """One output in a warehouse of its own."""

    def __init__(self, root: Path, location: str = "") -> None:
        self.root = root
        self.warehouse = Warehouse(location or str(root))
        self.path = root / OUTPUT

    def anew(self) -> Warehouse:
        """Go on as another process would: nothing is remembered."""
        self.warehouse = Warehouse(self.warehouse.location)
        return self.warehouse

    def stage(self, table: pa.Table, by: Iterable[str] = ()) -> Staged:
        return self.warehouse.stage(OUTPUT, table.schema, tuple(by), iter(table.to_batches()))

    def put(self, table: pa.Table, data: str, by: Iterable[str] = (), plan: str = "plan") -> None:
        self.warehouse.commit(TASK, self.stage(table, by), a_trace(data, plan))

    def renew(self, data: str, plan: str) -> None:
        self.warehouse.renew(TASK, a_trace(data, plan))

    def restore(self, version: int, data: str, plan: str = "plan") -> None:
        self.warehouse.restore(TASK, version, a_trace(data, plan))

    @property
    def delta(self) -> DeltaTable:
        return DeltaTable(self.path)

    def append(self, **columns: list[Any]) -> None:
        """Write as somebody else."""
        write_deltalake(self.path, pa.table(columns), mode="append")

    def version(self) -> str | None:
        """Return the version of what the table holds, as another process sees it."""
        evidence = self.anew().evidence(OUTPUT)
        return evidence.version if evidence is not None else None

    def past(self) -> list[tuple[int, str]]:
        return [(p.version, p.trace.wrote.version) for p in self.anew().past(OUTPUT)]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query on the table `k`, in its logical types."""
        session = datafusion.SessionContext()
        self.anew().register(session, OUTPUT, "k")
        return [tuple(row.values()) for row in session.sql(query).to_pylist()]

    def rows(self, version: int | None = None) -> list[tuple[Any, ...]]:
        """Return the rows in their order, as deltalake and DataFusion read them."""
        session = datafusion.SessionContext()
        session.register_table("t", DeltaTable(self.path, version=version))
        return [tuple(row.values()) for row in session.table("t").to_pylist()]

    def files(self) -> list[str]:
        """Return all data files in the folder, committed or not."""
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*.parquet"))

    def side(self) -> list[str]:
        """Return what is kept beside the table."""
        return sorted(p.name for p in (self.path / SIDE).glob("*"))

    def actions(self, version: int, kind: str) -> list[dict[str, Any]]:
        text = (self.path / f"_delta_log/{version:020}.json").read_text()
        return [line[kind] for line in map(json.loads, text.splitlines()) if kind in line]
