"""Changes: which of the files that a build reads changed, as the system tells it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import watch

from cpgbuild.errors.report import CpgbuildError
from cpgbuild.errors.run import WatchFailed
from cpgbuild.project import config

if TYPE_CHECKING:
    from collections.abc import Generator

    from watchfiles import Change

    from cpgbuild.project.config import Overrides

# What builds write, beside the warehouse.
_STATE = ".cpgbuild"
_LOCK = "cpgbuild.lock"
_GLOB = frozenset("*?[")
_CACHES = frozenset({"__pycache__", "node_modules"})
# As editors name what they are about to rename, or keep aside.
_DRAFTS = ("~", ".swp", ".swx", ".tmp", "___jb_tmp___")
# It is asked so often, in milliseconds, whether something changed, and waited for so long until
# nothing more does.
_TICK = 100
_QUIET = 50


@dataclass(frozen=True, slots=True)
class Watched:
    """The folders and files that a project's builds read, and those that they write."""

    root: Path
    sources: tuple[Path, ...]
    written: tuple[Path, ...]

    @classmethod
    def of(cls, root: Path, overrides: Overrides | None = None) -> Watched:
        """Return what a project's configuration names; where that is wrong, its folder alone."""
        written = [root / _STATE, root / _LOCK]
        try:
            loaded = config.load(root, overrides)
        except CpgbuildError:
            return cls(root, (), (*written, root / "warehouse"))
        local = [s.path for s in loaded.sources.values() if s.path and "://" not in s.path]
        if "://" not in loaded.warehouse:
            written.append(Path(loaded.warehouse))
        return cls(root, tuple(map(_base, local)), tuple(written))

    def is_read(self, path: str) -> bool:
        """Return whether a build may read a file."""
        name = os.path.basename(path)
        if name.endswith(_DRAFTS) or name.startswith(".#"):
            return False
        if any(_is_below(path, place) for place in self.sources):
            return True
        if any(_is_below(path, place) for place in self.written) or not _is_below(path, self.root):
            return False
        inside = Path(path).relative_to(self.root).parts
        return not any(part.startswith(".") or part in _CACHES for part in inside)

    def changes(self) -> Generator[list[str], None, None]:
        """Give nothing as soon as it is watched; then, each time, the files that changed.

        Raises:
            WatchFailed: the system refuses to tell.
        """
        outside = {p for p in self.sources if p.exists() and not p.is_relative_to(self.root)}

        def is_read(_change: Change, path: str) -> bool:
            return self.is_read(path)

        try:
            for changed in watch(
                self.root,
                *sorted(outside),
                watch_filter=is_read,
                step=_QUIET,
                rust_timeout=_TICK,
                yield_on_timeout=True,
            ):
                yield sorted({path for _, path in changed})
        except (OSError, RuntimeError) as error:
            raise WatchFailed(str(self.root), str(error)) from error


def _base(path: str) -> Path:
    """Return what comes before a glob: all that a source is made of is below it."""
    whole = Path(path)
    if whole.exists():
        return whole
    parts = whole.parts
    until = next((n for n, part in enumerate(parts) if _GLOB & set(part)), len(parts))
    return Path(*parts[:until])


def _is_below(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}{os.sep}")
