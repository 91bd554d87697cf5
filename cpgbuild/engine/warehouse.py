"""Warehouse: the Delta tables of compute tasks, each commit with its trace."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from cpgbuild.core.evidence import Evidence
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.trace import Trace
from cpgbuild.engine.frames import cast_to
from cpgbuild.errors.run import TableUnreadable, WarehouseUnwritable
from cpgbuild.plan import types
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.failures import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import datafusion

    from cpgbuild.core.task import Task

TRACE = "cpgbuild.trace"
# Beside the table's files; the underscore keeps it out of what Delta counts as the table's.
SIDE = "_cpgbuild"
# So many commits are looked at before all of them are.
RECENT = 8
# Commits that change how rows are stored and not which there are.
_SAME_ROWS = frozenset({"OPTIMIZE", "VACUUM START", "VACUUM END"})


class Warehouse:
    """Reads and commits the tables below one folder or URL."""

    def __init__(self, location: str) -> None:
        """Take the folder or URL; nothing is made yet."""
        self.location = location.rstrip("/")
        self._tables: dict[str, DeltaTable] = {}

    def check(self) -> None:
        """See that tables can be written.

        Raises:
            WarehouseUnwritable: they cannot.
        """
        if "://" in self.location:
            return
        try:
            Path(self.location).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.location):
                pass
        except OSError as error:
            raise WarehouseUnwritable(self.location, error) from error

    def uri(self, output: str) -> str:
        """Return where an output's table is: `<dataset>`, or `<dataset>.<part>` beside it.

        No dataset's name has a dot in it, and no table's folder has another table's in it.
        """
        return f"{self.location}/{output.replace('/', '.')}"

    def _open(self, output: str) -> DeltaTable | None:
        try:
            table = DeltaTable(self.uri(output))
        except TableNotFoundError:
            return None
        except DeltaError as error:
            raise TableUnreadable(self.uri(output), reason(error)) from error
        self._tables[output] = table
        return table

    def evidence(self, output: str) -> Evidence | None:
        """Return what an output's table holds; None where there is no table.

        Its data is known by the run that wrote it, as its last commit that changed rows says; by
        its id and version where that commit is somebody else's.
        """
        table = self._open(output)
        if table is None:
            return None
        trace = self._trace(table)
        schema = schema_of(self._schema(table))
        if trace is not None:
            return Evidence(schema, trace.wrote.data)
        return Evidence(schema, Fingerprint(f"{table.metadata().id}@{table.version()}"))

    def _schema(self, table: DeltaTable) -> pa.Schema:
        return types.logical_schema(pa.schema(table.schema().to_arrow()))

    def trace(self, output: str) -> Trace | None:
        """Return the trace committed with what an output holds now, if any."""
        table = self._tables.get(output) or self._open(output)
        return self._trace(table) if table is not None else None

    def _trace(self, table: DeltaTable) -> Trace | None:
        for limit in (RECENT, None):
            for commit in table.history(limit):
                if commit.get("operation") not in _SAME_ROWS:
                    return Trace.from_json(str(commit.get(TRACE, "")))
        return None

    def register(self, ctx: datafusion.SessionContext, output: str, name: str) -> None:
        """Make an output's table of now readable in `ctx` as `name`, in its logical types."""
        table = self._tables.get(output) or self._open(output)
        if table is None:
            raise FileNotFoundError(self.uri(output))
        raw = f"{name}/raw"
        ctx.register_table(raw, table)
        ctx.register_view(name, cast_to(ctx.table(f'"{raw}"'), self._schema(table)))

    def commit(
        self, task: Task, schema: pa.Schema, batches: Iterator[pa.RecordBatch], trace: Trace
    ) -> None:
        """Replace a task's table by `batches` in one commit that carries `trace`.

        Nothing of it is visible before all batches are written; an exception leaves the table as
        it was.
        """
        stored = types.storage_schema(schema)
        reader = pa.RecordBatchReader.from_batches(
            stored, (types.to_storage(batch, schema) for batch in batches)
        )
        write_deltalake(
            self.uri(task.output),
            reader,
            mode="overwrite",
            schema_mode="overwrite",
            # Said even where there are none, or the table would keep those that it had.
            partition_by=list(task.partition_by),
            commit_properties=CommitProperties(custom_metadata={TRACE: trace.to_json()}),
        )
        self._open(task.output)

    def keep_keys(self, output: str, run: Fingerprint, keys: pa.Table) -> None:
        """Keep, beside the table, which content each key had in a run."""
        path = self._keys_path(output, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(keys, path)

    def drop_other_keys(self, output: str, run: Fingerprint) -> None:
        """Delete what `keep_keys` kept of runs before this one, once it is committed."""
        path = self._keys_path(output, run)
        for other in path.parent.glob("keys-*.parquet"):
            if other != path:
                other.unlink(missing_ok=True)

    def keys(self, output: str, run: Fingerprint) -> pa.Table | None:
        """Return what `keep_keys` kept of a run, if it is still there."""
        path = self._keys_path(output, run)
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowException):
            return None

    def _keys_path(self, output: str, run: Fingerprint) -> Path:
        return Path(self.uri(output), SIDE, f"keys-{run}.parquet")
