"""Globs: `**` for any folders, `*` and `?` within a name, `[…]` for one of several characters."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern that fully matches the `/`-separated relative paths that a glob names."""
    return re.compile("|".join(f"(?:{_translated(p)})" for p in patterns) or r"(?!)", re.DOTALL)


def _translated(pattern: str) -> str:
    out = []
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            out.append("(?:[^/]+/)*")
            position += 3
        elif rest.startswith("**"):
            out.append(".*")
            position += 2
        elif rest[0] == "*":
            out.append("[^/]*")
            position += 1
        elif rest[0] == "?":
            out.append("[^/]")
            position += 1
        elif found := re.match(r"\[!?[^\]/]+\]", rest):
            out.append(found[0].replace("[!", "[^", 1))
            position += found.end()
        else:
            out.append(re.escape(rest[0]))
            position += 1
    return "".join(out)


def walk(
    root: Path,
    include: Sequence[str],
    exclude: Sequence[str],
    tell: Callable[[str, str], None] | None = None,
) -> Iterator[tuple[str, Path]]:
    """Give (relative path, path) of the files below a folder that are included, not excluded.

    Sorted by relative path within a folder. A folder all of which is excluded is not entered, and
    links to folders are not followed, so that no loop of them is endless.

    Args:
        root: the folder.
        include: globs of relative paths.
        exclude: the same; a folder's path ends in `/` there.
        tell: is told the relative path, with `/` after it, of a folder whose files are left out,
            and why: it cannot be read, or it is a link that leads out of `root`.
    """
    wanted, unwanted = matcher(include), matcher(exclude)
    tell = tell or (lambda _path, _why: None)
    top = os.path.realpath(root)

    waiting = [("", str(root))]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            # A root that cannot be read is no folder left out of it.
            if prefix:
                tell(prefix, because(error))
            continue
        below: list[tuple[str, str]] = []
        for entry in found:
            relative = f"{prefix}{entry.name}"
            if not _is_folder(entry):
                if wanted.fullmatch(relative) and not unwanted.fullmatch(relative):
                    yield relative, Path(entry.path)
            elif unwanted.fullmatch(f"{relative}/"):
                continue
            elif not entry.is_symlink():
                below.append((f"{relative}/", entry.path))
            elif not Path(os.path.realpath(entry.path)).is_relative_to(top):
                tell(f"{relative}/", "it is a link that leads out of the tree")
        # One after the other, the first on top.
        waiting += reversed(below)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def because(error: OSError) -> str:
    """Return why a file cannot be read, in the system's words."""
    return (error.strerror or str(error)).lower()
