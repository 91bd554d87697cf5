"""Sources: what the declared files and tables hold now, and how the engine reads them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from cpgbuild.core.evidence import Evidence
from cpgbuild.core.filestamp import stamp
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.engine import listing
from cpgbuild.engine.files import base_of, find_files, read_files
from cpgbuild.engine.folder import Folder
from cpgbuild.engine.frames import cast_to, quote
from cpgbuild.engine.globs import walk
from cpgbuild.engine.history import active_files, at, eras, size_of
from cpgbuild.engine.links import Links
from cpgbuild.engine.stamps import file_digest
from cpgbuild.errors.project import SourceMissing, SourceUnreadable
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan import types
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.failures import reason
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence

    from cpgbuild.plan.source import Source

_FAILURES = (OSError, ValueError, pa.ArrowException, DeltaError, RuntimeError)


class Sources:
    """The project's sources, each looked at when first asked for and then held to that."""

    def __init__(
        self,
        declared: Mapping[str, Source],
        digests: MutableMapping[str, tuple[tuple[int, ...], str]],
    ) -> None:
        """Take the declared sources, and the digests known of files."""
        self._declared = declared
        self._digests = digests
        self._schemas: dict[str, pa.Schema] = {}
        self._learnt: dict[str, Callable[[], pa.Schema]] = {}
        self._listings: dict[str, listing.Listing] = {}
        self._versions: dict[str, int] = {}
        self._states: dict[str, Fingerprint] = {}
        self._stamps: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        self._links: Links | None = None
        self._looking: datafusion.SessionContext | None = None
        self._lock = Lock()

    def __contains__(self, name: str) -> bool:
        """Return whether a source of that name is declared."""
        return name in self._declared

    def schema(self, name: str) -> pa.Schema:
        """Return a source's schema, under the type policy of datasets, from its metadata alone.

        Raises:
            SourceMissing: nothing is at its path.
            SourceUnreadable: what is there is not of its format.
        """
        if name not in self._schemas and name in self._learnt:
            self._schemas[name] = self._learnt[name]()
        if name not in self._schemas:
            source = self._declared[name]
            if "://" in source.path and source.format != "delta":
                reason = "of what is at a URL only Delta tables can be read"
                raise SourceUnreadable(name, source.path, reason, source.place)
            if source.format == "files":
                self._require(source, Path(source.path).exists())
                self._schemas[name] = listing.SCHEMA
            else:
                try:
                    self._schemas[name] = types.normalise_schema(self._read_schema(source))
                except CpgbuildError:
                    raise
                except Exception as error:
                    if not _is_readers(error):
                        raise
                    raise self._unreadable(source, error) from error
        return self._schemas[name]

    def learn(self, name: str, schema: Callable[[], pa.Schema]) -> None:
        """Take a source's schema from who knows that it is what it was when it was read."""
        self._learnt[name] = schema

    def _read_schema(self, source: Source) -> pa.Schema:
        if source.format == "delta":
            return types.logical_schema(pa.schema(self._delta(source).schema().to_arrow()))
        files = find_files(source)
        self._require(source, bool(files))
        # The engine passes over an empty file, as if it were one without rows.
        empty = [f for f in files if not f.stat().st_size]
        if empty and source.format in {"parquet", "arrow"}:
            raise SourceUnreadable(source.name, str(empty[0]), "it is empty", source.place)
        # To make a context takes nearly as long as to read a schema.
        self._looking = self._looking or datafusion.SessionContext(session_config())
        return self._read(self._looking, source, files).schema()

    def _require(self, source: Source, there: bool) -> None:  # noqa: FBT001 -- a plain condition
        if not there:
            raise SourceMissing(source.name, source.path, source.place)

    def _unreadable(self, source: Source, error: Exception) -> SourceUnreadable:
        files: list[Path] = []
        if source.format == "files":
            found = walk(Path(source.path), source.include, source.exclude)
            files = [file for _, file in found]
        elif source.format != "delta":
            files = find_files(source)
        culprit = next((f for f in files if self._is_broken(source, f)), None)
        file = str(culprit or source.path)
        return SourceUnreadable(source.name, file, reason(error), source.place)

    def _is_broken(self, source: Source, file: Path) -> bool:
        """Return whether a file alone cannot be opened in its source's format."""
        try:
            if source.format == "files":
                file.open("rb").close()
            else:
                ctx = datafusion.SessionContext(session_config())
                self._read(ctx, replace(source, path=str(file)), [file])
        except Exception:  # noqa: BLE001 -- what was wrong is known already
            return True
        return False

    def _delta(self, source: Source, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(source.path, version=version)
        except TableNotFoundError:
            self._require(source, "://" not in source.path and Path(source.path).exists())
            reason = "it is no Delta table: there is no `_delta_log` in it"
            raise SourceUnreadable(source.name, source.path, reason, source.place) from None

    def evidence(self, name: str) -> Evidence | None:
        """Return what a source holds now; the first look of a build is the one that holds.

        A Delta table is known by its id and the last version that changed rows, files by their
        contents. Raises as `schema`.
        """
        source = self._declared[name]
        schema = schema_of(self.schema(name))
        try:
            self._states[name] = self._state(source)
            return Evidence(schema, self._states[name])
        except CpgbuildError:
            raise
        except Exception as error:
            if not _is_readers(error):
                raise
            raise self._unreadable(source, error) from error

    def failure(self, name: str, error: Exception) -> Exception:
        """Return what an exception that came up while a source was read means to a user."""
        if isinstance(error, CpgbuildError) or not _is_readers(error):
            return error
        return self._unreadable(self._declared[name], error)

    def version(self, name: str) -> Fingerprint:
        """Return the version that `evidence` has; it looks where nobody did yet."""
        if name not in self._states:
            self.evidence(name)
        return self._states[name]

    def keeps_versions(self, name: str) -> bool:
        """Return whether an earlier state of a source can be read later."""
        return self._declared[name].format == "delta"

    def earlier(
        self, name: str, version: Fingerprint
    ) -> Callable[[datafusion.SessionContext, str], None] | None:
        """Return what registers a source as it was at a version; None where that is gone."""
        source = self._declared[name]
        identity, _, number = version.rpartition("@")
        if not self.keeps_versions(name) or not number.isdecimal():
            return None
        table = at(source.path, int(number))
        files = active_files(table)
        if table is None or files is None or str(table.metadata().id) != identity:
            return None
        if not Folder(source.path).has(files):
            return None
        return partial(register_delta, table)

    def listed(self, name: str) -> listing.Listing | None:
        """Return a source's listing, as it was when evidence was taken; None where it has rows."""
        source = self._declared[name]
        if source.format != "files":
            return None
        return self._listings.get(name) or self._list(source)

    def _state(self, source: Source) -> Fingerprint:
        if source.format == "delta":
            table = self._delta(source)
            self._versions[source.name] = table.version()
            # Compaction and the like make versions and leave the rows as they are.
            era = next(eras(Folder(source.path), table.version()))
            return Fingerprint(f"{table.metadata().id}@{era.oldest}")
        if source.format == "files":
            found = self._list(source)
            self._listings[source.name] = found
            return fingerprint("files", *found.facts)
        self._stamps[source.name] = self._stamp(source)
        files = find_files(source)
        self._require(source, bool(files))
        base = base_of(Path(source.path))
        facts = [
            text
            for file in files
            for text in (str(file.relative_to(base)), file_digest(file, self._digests))
        ]
        return fingerprint(source.format, source.delimiter, str(source.header), *facts)

    def _list(self, source: Source) -> listing.Listing:
        path = Path(source.path)
        if not source.path:
            # As a variable may leave it; the path alone would be the working directory.
            return listing.Listing(path, ())
        return listing.list_files(path, source.include, source.exclude, self._digests)

    def _stamp(self, source: Source) -> list[tuple[str, tuple[int, ...]]]:
        return [(str(file), stamp(file.stat())) for file in find_files(source)]

    def changed(self, names: Iterable[str]) -> list[str]:
        """Return which of these sources are not what they were when evidence was taken.

        Stamps are compared and not contents: a file that was written and written back while it
        was read is the same again, and what was read of it need not be. A Delta table is read at
        one version, and a listed file's content is compared with its digest as it is read.
        """
        gone: list[str] = []
        for name in names:
            source = self._declared[name]
            try:
                now = self._stamp(source) if name in self._stamps else None
            except OSError:
                now = []
            if now != self._stamps.get(name):
                gone.append(name)
        return gone

    def register(self, ctx: datafusion.SessionContext, name: str) -> None:
        """Make a source readable in `ctx` under its name, as it was when evidence was taken."""
        source = self._declared[name]
        found = self.listed(name)
        if found is not None:
            listing.register_listing(ctx, name, found)
            return
        if source.format == "delta":
            register_delta(self._delta(source, self._versions.get(name)), ctx, name)
            return
        # The files that were stamped, and where they were.
        stamped = [Path(file) for file, _ in self._stamps.get(name, ())]
        frame = self._read(ctx, source, stamped or find_files(source))
        ctx.register_view(name, cast_to(frame, self.schema(name)))

    def _read(
        self, ctx: datafusion.SessionContext, source: Source, files: Sequence[Path]
    ) -> datafusion.DataFrame:
        with self._lock:
            # Tasks read in threads; of two folders one would be dropped, with what is read from it.
            self._links = self._links or Links()
            folder = self._links.empty()
        return read_files(ctx, source, files, folder)

    def size(self, name: str) -> int | None:
        """Return how many bytes a source's files have; None where that is not cheap to learn."""
        source = self._declared[name]
        if not source.path:
            return 0
        try:
            if source.format == "delta":
                return size_of(self._delta(source))
            if source.format == "files":
                found = walk(Path(source.path), source.include, source.exclude)
                return sum(file.stat().st_size for _, file in found)
            return sum(file.stat().st_size for file in find_files(source))
        except (*_FAILURES, CpgbuildError):
            return None

    def close(self) -> None:
        """Take down what reading needed."""
        if self._links is not None:
            self._links.close()
            self._links = None


def _is_readers(error: Exception) -> bool:
    """Return whether an exception is about what is read; the engine raises plain ones."""
    return isinstance(error, _FAILURES) or type(error) is Exception


def register_delta(table: DeltaTable, ctx: datafusion.SessionContext, name: str) -> None:
    """Make a Delta table, at its version, readable in `ctx` as `name`, in its logical types."""
    raw = f"{name}/raw"
    ctx.register_table(raw, table)
    schema = types.logical_schema(pa.schema(table.schema().to_arrow()))
    ctx.register_view(name, cast_to(ctx.table(quote(raw)), types.normalise_schema(schema)))
