"""Condition: how what is kept between builds is: caches, the lock, and what git knows of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from cpgbuild.core.finding import Finding, problem, warning
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.errors.state import NoRepository
from cpgbuild.state import digests, plans
from cpgbuild.state.holder import holder_of
from cpgbuild.state.journal import HEADER
from cpgbuild.state.lock import FILE as LOCK
from cpgbuild.state.lock import read_lock
from cpgbuild.state.repository import tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CACHE = "delete it: it is only a cache"


def look_at_state(state: Path) -> Iterator[Finding]:
    """Give how the state folder is: its size, and each file that cannot be read."""
    if not state.exists():
        yield Finding("state", f"`{state.name}` will be made")
        return
    files = [path for path in state.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    yield Finding("state", f"`{state.name}`, {size / 1e6:,.1f} MB")
    readers: list[tuple[str, Callable[[Path], object]]] = [
        ("traces-*.jsonl", _traces),
        (digests.FILES, _json),
        (digests.ROWS, _json),
        (plans.FILE, _database),
    ]
    for pattern, read in readers:
        for path in state.glob(pattern):
            try:
                read(path)
            except (OSError, ValueError, sqlite3.Error) as error:
                said = str(error).splitlines()[0]
                yield warning("state", f"`{path.name}` cannot be read: {said}", _CACHE)


def _traces(path: Path) -> None:
    with path.open("rb") as file:
        if file.readline() != HEADER:
            raise ValueError("it is of another version, or torn")


def _json(path: Path) -> None:
    json.loads(path.read_bytes())


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA query_only = 1")
        db.execute("SELECT count(*) FROM tasks").fetchall()


def look_at_lock(root: Path) -> Finding:
    """Return how `cpgbuild.lock` is."""
    path = root / LOCK
    if not path.exists():
        return Finding("lock", f"there is no `{LOCK}` yet: a build writes it")
    try:
        lock = read_lock(path)
    except CpgbuildError as error:
        return problem("lock", error.message, f"`cpgbuild explain {error.code}`")
    return Finding("lock", f"`{LOCK}`, {len(lock.tasks):,} tasks")


def look_at_holder(folder: Path, warehouse: str) -> Iterator[Finding]:
    """Give who builds into a warehouse now, if somebody does."""
    holder = holder_of(folder, warehouse)
    if holder is not None:
        fact = f"{holder} is building into it"
        yield warning("warehouse", fact, "wait for it to end, or build elsewhere")


def look_at_repository(root: Path, state: str) -> Finding:
    """Return what git does with the lock, which is to be committed, and the state, which is not."""
    try:
        found = tracking(root, [LOCK, state])
    except NoRepository:
        hint = "install git, if `impact --since` is wanted"
        return warning("git", "it is not installed", hint)
    if found is None:
        return Finding("git", "the project is in no repository")
    if state not in found.ignored and (root / state).exists():
        return warning("git", f"`{state}` is not ignored", f"add `{state}/` to `.gitignore`")
    if (root / LOCK).exists() and LOCK not in found.tracked:
        return warning("git", f"`{LOCK}` is not tracked", f"`git add {LOCK}`")
    return Finding(
        "git", f"`{LOCK}` is tracked" if found.tracked else "the project is in a repository"
    )
