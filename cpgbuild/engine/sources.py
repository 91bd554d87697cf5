"""Sources: what the declared files and tables hold now, and how the engine reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from cpgbuild.core.evidence import Evidence
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.engine import listing
from cpgbuild.engine.frames import cast_to
from cpgbuild.engine.globs import walk
from cpgbuild.engine.stamps import file_digest, stamp
from cpgbuild.errors.project import SourceMissing, SourceUnreadable
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.plan import types
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.failures import reason
from cpgbuild.plan.session import session_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from cpgbuild.plan.source import Source

SUFFIX = {"parquet": ".parquet", "csv": ".csv", "json": ".json", "arrow": ".arrow"}
_GLOB = frozenset("*?[")
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
        self._listings: dict[str, listing.Listing] = {}
        self._versions: dict[str, int] = {}
        self._stamps: dict[str, list[tuple[str, tuple[int, ...]]]] = {}

    def __contains__(self, name: str) -> bool:
        """Return whether a source of that name is declared."""
        return name in self._declared

    def schema(self, name: str) -> pa.Schema:
        """Return a source's schema, under the type policy of datasets, from its metadata alone.

        Raises:
            SourceMissing: nothing is at its path.
            SourceUnreadable: what is there is not of its format.
        """
        if name not in self._schemas:
            source = self._declared[name]
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

    def _read_schema(self, source: Source) -> pa.Schema:
        if source.format == "delta":
            return types.logical_schema(pa.schema(self._delta(source).schema().to_arrow()))
        files = self.files(source)
        self._require(source, bool(files))
        # The engine passes over an empty file, as if it were one without rows.
        empty = [f for f in files if not f.stat().st_size]
        if empty and source.format in {"parquet", "arrow"}:
            raise SourceUnreadable(source.name, str(empty[0]), "it is empty", source.place)
        ctx = datafusion.SessionContext(session_config())
        self._register_files(ctx, source, None)
        return ctx.table(source.name).schema()

    def _require(self, source: Source, there: bool) -> None:  # noqa: FBT001 -- a plain condition
        if not there:
            raise SourceMissing(source.name, source.path, source.place)

    def _unreadable(self, source: Source, error: Exception) -> SourceUnreadable:
        files = [] if source.format == "delta" else self.files(source)
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
                self._register_files(ctx, replace(source, path=str(file)), None)
        except Exception:  # noqa: BLE001 -- what was wrong is known already
            return True
        return False

    def files(self, source: Source) -> list[Path]:
        """Return the files of a file source: the file, those of a folder, or those of a glob."""
        path = Path(source.path)
        if path.is_file():
            return [path]
        if path.is_dir():
            pattern = (f"**/*{SUFFIX.get(source.format, '')}",)
            return [file for _, file in walk(path, pattern, ("**/.*", "**/_*", "**/.*/**"))]
        parts = path.parts
        fixed = next((i for i, part in enumerate(parts) if _GLOB & set(part)), len(parts))
        base = Path(*parts[:fixed])
        if fixed == len(parts) or not base.is_dir():
            return []
        return [file for _, file in walk(base, ("/".join(parts[fixed:]),), ())]

    def _delta(self, source: Source, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(source.path, version=version)
        except TableNotFoundError:
            self._require(source, "://" not in source.path and Path(source.path).exists())
            reason = "it is no Delta table: there is no `_delta_log` in it"
            raise SourceUnreadable(source.name, source.path, reason, source.place) from None

    def evidence(self, name: str) -> Evidence | None:
        """Return what a source holds now; the first look of a build is the one that holds.

        A Delta table is known by its id and version, files by their contents. Raises as `schema`.
        """
        source = self._declared[name]
        schema = schema_of(self.schema(name))
        try:
            return Evidence(schema, self._data(source))
        except CpgbuildError:
            raise
        except Exception as error:
            if not _is_readers(error):
                raise
            raise self._unreadable(source, error) from error

    def _data(self, source: Source) -> Fingerprint:
        if source.format == "delta":
            table = self._delta(source)
            self._versions[source.name] = table.version()
            return fingerprint("delta", str(table.metadata().id), str(table.version()))
        if source.format == "files":
            found = self._list(source)
            self._listings[source.name] = found
            return fingerprint("files", *found.facts)
        self._stamps[source.name] = self._stamp(source)
        files = self.files(source)
        self._require(source, bool(files))
        facts = [t for f in files for t in (str(f), file_digest(f, self._digests))]
        return fingerprint(source.format, source.delimiter, str(source.header), *facts)

    def _list(self, source: Source) -> listing.Listing:
        path = Path(source.path)
        return listing.list_files(path, source.include, source.exclude, self._digests)

    def _stamp(self, source: Source) -> list[tuple[str, tuple[int, ...]]]:
        return [(str(file), stamp(file.stat())) for file in self.files(source)]

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
        if source.format == "files":
            listing.register_listing(ctx, name, self._listings.get(name) or self._list(source))
            return
        raw = f"{name}/raw"
        if source.format == "delta":
            ctx.register_table(raw, self._delta(source, self._versions.get(name)))
        else:
            self._register_files(ctx, source, raw)
        ctx.register_view(name, cast_to(ctx.table(f'"{raw}"'), self.schema(name)))

    def _register_files(
        self, ctx: datafusion.SessionContext, source: Source, name: str | None
    ) -> None:
        path, files = source.path, self.files(source)
        if Path(path).is_dir():
            path += "/"
        suffix = files[0].suffix
        partitions = [(key, pa.string()) for key in hive_keys(Path(source.path), files)]
        table = name or source.name
        if source.format == "parquet":
            ctx.register_parquet(table, path, partitions, file_extension=suffix)
        elif source.format == "arrow":
            ctx.register_arrow(table, path, None, suffix, partitions)
        elif source.format == "json":
            ctx.register_json(table, path, file_extension=suffix, table_partition_cols=partitions)
        else:
            ctx.register_csv(
                table,
                path,
                has_header=source.header,
                delimiter=source.delimiter,
                file_extension=suffix,
            )


def hive_keys(path: Path, files: list[Path]) -> list[str]:
    """Return the names in `name=value` folders between a source's path and its files."""
    base = path if path.is_dir() else None
    if base is None:
        return []
    folders = files[0].relative_to(base).parts[:-1]
    return [part.partition("=")[0] for part in folders if "=" in part]


def _is_readers(error: Exception) -> bool:
    """Return whether an exception is about what is read; the engine raises plain ones."""
    return isinstance(error, _FAILURES) or type(error) is Exception
