"""Condition: how sources and the warehouse are, without a look at any task."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core.finding import Finding, problem, warning
from cpgbuild.engine.abandoned import abandoned
from cpgbuild.engine.files import find_files
from cpgbuild.engine.globs import walk
from cpgbuild.engine.staging import marker
from cpgbuild.errors.project import SourceMissing
from cpgbuild.errors.report import CpgbuildError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cpgbuild.engine.sources import Sources
    from cpgbuild.engine.warehouse import Warehouse
    from cpgbuild.plan.source import Source

# Under so much free space, in bytes, a build may not end well, or will not.
_LOW, _NONE = 2 << 30, 100 << 20
# A file system's clock that differs by more seconds than this makes stamps doubtful.
_SKEW = 2.0


def look_at_source(source: Source, sources: Sources, *, is_read: bool) -> Finding:
    """Return how a source is; one that no task reads need not be there."""
    about = f"source {source.name}"
    try:
        schema = sources.schema(source.name)
        count = _count(source)
    except SourceMissing:
        hint = f"correct `path` in `[sources.{source.name}]`, or create it"
        if is_read:
            return problem(about, f"nothing is at `{source.path}`", hint)
        return warning(about, f"nothing is at `{source.path}`; no task is known to read it", hint)
    except CpgbuildError as error:
        facts = "; ".join(f"{name} {value}" for name, value in error.report().facts)
        return problem(about, f"{error.message}: {facts}", f"`cpgbuild explain {error.code}`")
    except OSError as error:
        return problem(about, f"`{source.path}`: {error.strerror}", "make it readable")
    return Finding(about, f"{source.format}, {count}{len(schema.names)} columns")


def _count(source: Source) -> str:
    """Return how many files a source has, where that means something."""
    if source.format == "delta" or "://" in source.path:
        return ""
    if source.format == "files":
        path = Path(source.path)
        count = 1 if path.is_file() else len(list(walk(path, source.include, source.exclude)))
    else:
        count = len(find_files(source))
    return f"{count:,} file{'' if count == 1 else 's'}, "


def look_at_warehouse(warehouse: Warehouse, outputs: Collection[str] | None) -> Iterator[Finding]:
    """Give how the folder of the tables is; `outputs` are what tasks make, if that is known."""
    location = warehouse.location
    if "://" in location:
        yield Finding("warehouse", f"`{location}`, which is not looked at")
        return
    folder = Path(location)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            skew = Path(file.name).stat().st_mtime - time.time()
    except OSError as error:
        hint = "make the folder writable, or name another with `--warehouse`"
        yield problem("warehouse", f"`{there}` cannot be written: {error.strerror}", hint)
        return
    tables = sorted(log.parent.name for log in folder.glob("*/_delta_log"))
    made = f"{len(tables):,} table{'' if len(tables) == 1 else 's'}"
    fact = made if there == folder else "will be made"
    yield Finding("warehouse", f"`{location}`, {fact}")
    yield _space(there)
    yield _clock(skew)
    yield from _leftovers(folder)
    if outputs is not None:
        yield from _unmade(warehouse, outputs)


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    fact = f"{free / 1e9:,.1f} GB free"
    hint = "free some, or build elsewhere with `--warehouse`; see `cpgbuild clean`"
    if free < _NONE:
        return problem("disk", fact, hint)
    return warning("disk", fact, hint) if free < _LOW else Finding("disk", fact)


def _clock(skew: float) -> Finding:
    if abs(skew) <= _SKEW:
        return Finding("clock", "this machine's and the warehouse's agree")
    fact = f"the warehouse's is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    return warning("clock", fact, "let both machines ask one time server (NTP)")


def _leftovers(folder: Path) -> Iterator[Finding]:
    begun = sorted({file.parents[1].name for file in folder.glob(f"*/{marker('')}*")})
    if begun:
        fact = f"a build that died left files in {', '.join(f'`{name}`' for name in begun)}"
        yield warning("warehouse", fact, "the next build deletes them")


def _unmade(warehouse: Warehouse, outputs: Collection[str]) -> Iterator[Finding]:
    names = [f"`{table.name}`" for table in abandoned(warehouse, outputs)]
    if names:
        fact = f"no task makes {', '.join(names)}"
        yield warning("warehouse", fact, "`cpgbuild clean` deletes what this project made")
