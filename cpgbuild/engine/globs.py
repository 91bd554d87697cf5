"""Globs: `**` for any folders, `*` and `?` within a name, `[…]` for one of several characters."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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


def walk(root: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Give (relative path, path) of the files below a folder that are included, not excluded.

    Sorted by relative path within a folder. A folder all of which is excluded is not entered, and
    links to folders are not followed, so that no loop of them is endless.
    """
    wanted, unwanted = matcher(include), matcher(exclude)
    for folder, folders, files in os.walk(root):
        base = Path(folder).relative_to(root).as_posix()
        prefix = "" if base == "." else f"{base}/"
        folders[:] = sorted(f for f in folders if not unwanted.fullmatch(f"{prefix}{f}/"))
        for name in sorted(files):
            relative = f"{prefix}{name}"
            if wanted.fullmatch(relative) and not unwanted.fullmatch(relative):
                yield relative, Path(folder, name)
