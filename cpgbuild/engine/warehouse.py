"""Warehouse: the Delta tables of compute tasks, each commit with its trace.

Rows are written before it is known what becomes of them: `stage` puts files into a table's folder
that nobody sees. Then they are committed, or only a trace is, or nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from cpgbuild.core.evidence import Evidence
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.ports import Past
from cpgbuild.engine.buckets import Buckets
from cpgbuild.engine.commits import Committer, is_committed, leftovers
from cpgbuild.engine.folder import Folder
from cpgbuild.engine.frames import cast_to
from cpgbuild.engine.history import (
    TRACE,
    Era,
    active_files,
    at,
    copy_of,
    eras,
    moment_of,
    restorable,
    size_of,
    trace_of,
)
from cpgbuild.engine.keyed_table import KeyedTable
from cpgbuild.engine.ledger import Ledger
from cpgbuild.engine.staging import SIDE, Stage, Staged, marker
from cpgbuild.engine.unseen import Unseen
from cpgbuild.errors.run import TableUnreadable, WarehouseUnwritable
from cpgbuild.plan import types
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.failures import reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import datafusion

    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace
    from cpgbuild.engine.leaves import Leaves

__all__ = ["TRACE", "Staged", "Warehouse"]

# So many files about the keys of runs lie beside a table before it is seen to them.
MANY = 16


@dataclass(frozen=True, slots=True)
class _Seen:
    """A table as it was when it was last looked at, with the trace of what it held."""

    table: DeltaTable
    trace: Trace | None


class Warehouse:
    """Reads and commits the tables below one folder or URL.

    What `evidence` saw of a table is what the other methods speak of, and what a commit replaces:
    it is refused with a `DeltaError` where somebody else committed since.
    """

    def __init__(self, location: str) -> None:
        """Take the folder or URL; nothing is made yet."""
        self.location = location.rstrip("/")
        self._seen: dict[str, _Seen | None] = {}
        self._recognised: dict[str, tuple[int, Trace]] = {}

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

    def marks(self, output: str) -> Iterator[str]:
        """Give the local files and folders that change when anybody commits to a table.

        A commit is a new file in the log's folder; what a build left behind is beside it.
        """
        table = self.uri(output)
        log = f"{table}/_delta_log"
        yield from (table, f"{table}/{SIDE}", log)
        yield max(map(str, Path(log).glob("*.json")), default=log)

    def _folder(self, output: str) -> Folder:
        return Folder(self.uri(output))

    def _look(self, output: str) -> _Seen | None:
        """Look at a table anew."""
        uri = self.uri(output)
        self._seen.pop(output, None)
        try:
            table = DeltaTable(uri)
            known = self._recognised.get(output)
            trace = trace_of(uri, self._folder(output), table)
            if trace is None and known is not None and known[0] == table.version():
                trace = known[1]
            seen = _Seen(table, trace)
        except TableNotFoundError:
            seen = None
        except DeltaError as error:
            raise TableUnreadable(uri, reason(error)) from error
        self._seen[output] = seen
        return seen

    def _known(self, output: str) -> _Seen | None:
        return self._seen[output] if output in self._seen else self._look(output)

    def evidence(self, output: str) -> Evidence | None:
        """Return what an output's table holds; None where there is no table.

        Its data is known by the trace of the run that wrote its rows; by the table's id and
        version where that was somebody else.
        """
        seen = self._look(output)
        if seen is None:
            return None
        schema = schema_of(_logical(seen.table))
        if seen.trace is not None:
            return seen.trace.evidence(schema)
        foreign = f"{seen.table.metadata().id}@{seen.table.version()}"
        return Evidence(schema, Fingerprint(foreign))

    def size(self, output: str) -> int | None:
        """Return how many bytes an output's table has; None where there is no table."""
        seen = self._known(output)
        return size_of(seen.table) if seen is not None else None

    def trace(self, output: str) -> Trace | None:
        """Return the trace committed with what an output holds now, if that is known."""
        seen = self._known(output)
        return seen.trace if seen is not None else None

    def version(self, output: str) -> int | None:
        """Return the version of an output's table, as Delta counts them; None: there is none."""
        seen = self._known(output)
        return seen.table.version() if seen is not None else None

    def copy(self, output: str) -> Trace | None:
        """Return the trace of our last commit, though nothing proves that its rows are still there.

        Whoever compares these with the data fingerprint in it has the proof.
        """
        seen = self._known(output)
        copy = copy_of(self._folder(output), seen.table) if seen is not None else None
        return copy.trace if copy is not None else None

    def recognise(self, output: str, trace: Trace) -> None:
        """Take the rows that a table holds for those of a run, which the caller has proven."""
        if (seen := self._known(output)) is not None:
            self._recognised[output] = (seen.table.version(), trace)
            self._seen[output] = _Seen(seen.table, trace)

    def past(self, output: str) -> Iterator[Past]:
        """Give what an output held before and can hold again, newest first, as it is asked for.

        That is each earlier version that carries a trace, and of which every file is still there.
        """
        seen = self._known(output)
        if seen is None:
            return
        uri, folder = self.uri(output), self._folder(output)
        files = active_files(seen.table)
        for era in islice(eras(folder, seen.table.version(), files), 1, None):
            if era.trace is None:
                continue
            version = restorable(uri, folder, era)
            if version is not None:
                yield Past(version, era.trace)

    def states(self, output: str) -> list[Era]:
        """Return what an output held, newest first, as far as its log goes back."""
        seen = self._known(output)
        if seen is None:
            return []
        found = eras(self._folder(output), seen.table.version())
        return [era for era in found if not era.lost]

    def moment(self, output: str, version: int) -> str:
        """Return when a version was committed (ISO 8601, UTC); nothing where nobody says so."""
        return moment_of(self._folder(output), version)

    def at(self, output: str, version: int) -> DeltaTable | None:
        """Return an output's table at a version; None where its files or its log are gone."""
        table = at(self.uri(output), version)
        files = active_files(table)
        return table if files is not None and self._folder(output).has(files) else None

    def table_at(self, output: str, version: Fingerprint) -> DeltaTable | None:
        """Return an output's newest table of which the trace says that it wrote `version`.

        None where there was none, or its files are gone.
        """
        seen = self._known(output)
        if seen is None:
            return None
        if seen.trace is not None and seen.trace.wrote.version == version:
            return seen.table
        then = (past.version for past in self.past(output) if past.trace.wrote.version == version)
        found = next(then, None)
        return at(self.uri(output), found) if found is not None else None

    def register(self, ctx: datafusion.SessionContext, output: str, name: str) -> None:
        """Make an output's table of now readable in `ctx` as `name`, in its logical types."""
        seen = self._known(output)
        if seen is None:
            raise FileNotFoundError(self.uri(output))
        raw = f"{name}/raw"
        ctx.register_table(raw, seen.table)
        ctx.register_view(name, cast_to(ctx.table(f'"{raw}"'), _logical(seen.table)))

    def stage(
        self,
        output: str,
        schema: pa.Schema,
        by: tuple[str, ...] | Buckets,
        batches: Iterator[pa.RecordBatch],
    ) -> Staged:
        """Write rows below an output's table, where nobody sees them until they are committed.

        `by` has the columns of its partitions, or says into which buckets they are put.
        What `batches` raises is raised, and then nothing is left of the rows.
        """
        folder = self._folder(output)
        base = self._committer(output).version
        parts, buckets = ((), by) if isinstance(by, Buckets) else (tuple(by), None)
        return Stage(folder, output, base, schema, parts, buckets).written(batches)

    def keyed(self, output: str, ledger: Ledger) -> KeyedTable:
        """Return an output's table with the ledger of what it holds."""
        return KeyedTable(self._folder(output), self.schema(output), ledger)

    def ledger(self, output: str, run: str, fingerprint: Fingerprint) -> Ledger | None:
        """Return the ledger of a run, if it is there and is of rows of this fingerprint."""
        ledger = Ledger.from_table(self._beside(output, _ledger(run))) if run else None
        if ledger is None or fingerprint not in ledger.fingerprints().values():
            return None
        return ledger

    def is_of(self, output: str, ledger: Ledger) -> bool:
        """Return whether an output's table is made of exactly the files of a ledger."""
        seen = self._known(output)
        files = active_files(seen.table) if seen is not None else None
        return files is not None and sorted(files) == sorted(ledger.files)

    def unseen(self, staged: Staged, others: Leaves, place: Path) -> Unseen:
        """Return leaves of which one is what is staged; `place` is an empty local folder."""
        return Unseen(others, staged, self._folder(staged.output), place)

    def commit(self, task: Task, staged: Staged, trace: Trace) -> None:
        """Replace the rows of a task's table by the staged ones, in one commit with the trace.

        Where the commit fails, they are gone.
        """
        try:
            self._committer(task.output).replace(staged, trace)
        finally:
            # Also after a commit: then only the marker goes, or what was written once more.
            self.discard(staged)
        self._look(task.output)

    def renew(self, task: Task, trace: Trace) -> None:
        """Let the rows of a task's table stay, and give them this trace, in one commit."""
        self._committer(task.output).renew(trace)
        self._look(task.output)

    def restore(self, task: Task, version: int, trace: Trace) -> None:
        """Let a task's table be what it was at a version, in one commit with the trace.

        Raises a `DeltaError` where a file of that version is gone.
        """
        self._committer(task.output).restore(version, trace)
        self._look(task.output)

    def _committer(self, output: str) -> Committer:
        seen = self._known(output)
        table = seen.table if seen is not None else None
        return Committer(self.uri(output), self._folder(output), table)

    def discard(self, staged: Staged) -> None:
        """Delete staged files, unless they were committed."""
        folder = self._folder(staged.output)
        if not is_committed(folder, None, staged.id, staged.base):
            folder.delete(file.path for file in staged.files)
        folder.delete([marker(staged.id)])

    def sweep(self, outputs: Iterable[str]) -> None:
        """Delete what builds that died had staged; none but ours is running."""
        for output in outputs:
            folder = self._folder(output)
            for stage, base, files in leftovers(folder):
                seen = self._look(output)
                if not is_committed(folder, seen.table if seen else None, stage, base):
                    folder.delete(files)
                folder.delete([marker(stage)])

    def schema(self, output: str) -> pa.Schema:
        """Return the columns of an output's table, in their logical types."""
        seen = self._known(output)
        if seen is None:
            raise FileNotFoundError(self.uri(output))
        return _logical(seen.table)

    def keep_ledger(self, output: str, run: str, ledger: Ledger) -> None:
        """Keep, beside the table, what is known of each key of a run's rows."""
        with self._folder(output).create(_ledger(run)) as stream:
            pq.write_table(ledger.to_table(), stream)

    def keep_keys(self, output: str, run: str, keys: pa.Table) -> None:
        """Keep, beside the table, which content each key had in a run."""
        with self._folder(output).create(_keys(run)) as stream:
            pq.write_table(keys, stream)

    def keeps_many(self, output: str) -> bool:
        """Return whether it is time to see whether all that is kept of runs is of any use still.

        To know which runs can be restored takes a look at every version.
        """
        return len(self._kept(output)) >= MANY

    def _kept(self, output: str) -> list[str]:
        beside = (f"{SIDE}/keys-", f"{SIDE}/ledger-")
        return [name for name in self._folder(output).names(SIDE) if name.startswith(beside)]

    def drop_other_keys(self, output: str, runs: Collection[str]) -> None:
        """Delete what `keep_keys` and `keep_ledger` kept of other runs than these."""
        folder, kept = (
            self._folder(output),
            {made(run) for run in runs for made in (_keys, _ledger)},
        )
        folder.delete(name for name in self._kept(output) if name not in kept)

    def keys(self, output: str, run: str) -> pa.Table | None:
        """Return what `keep_keys` kept of a run, if it is still there."""
        return self._beside(output, _keys(run))

    def _beside(self, output: str, path: str) -> pa.Table | None:
        try:
            with self._folder(output).open(path) as source:
                # `read_table` would load what reads folders, and that pandas.
                return pq.ParquetFile(source).read()
        except (OSError, pa.ArrowException):
            return None


def _keys(run: str) -> str:
    return f"{SIDE}/keys-{run}.parquet"


def _ledger(run: str) -> str:
    return f"{SIDE}/ledger-{run}.parquet"


def _logical(table: DeltaTable) -> pa.Schema:
    return types.logical_schema(pa.schema(table.schema().to_arrow()))
