"""Repository: the git that a project is in."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.state import NoLockAtRef, NoRepository, UnknownRef

if TYPE_CHECKING:
    from collections.abc import Sequence


def text_at(ref: str, file: Path) -> str:
    """Return a file's text at a commit.

    Raises:
        NoRepository: there is no git, or no repository that it can read.
        UnknownRef: the name is that of no commit.
        NoLockAtRef: the commit does not have the file.
    """
    folder = file.parent
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise NoRepository(str(folder), _first_line(inside.stderr))
    wanted = f"{ref}^{{commit}}"
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    if commit.returncode:
        raise UnknownRef(ref)
    # `./` makes git look below the folder and not below the repository's.
    shown = _git(folder, "show", f"{commit.stdout.decode().strip()}:./{file.name}")
    if shown.returncode:
        raise NoLockAtRef(ref)
    return shown.stdout.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Checkout:
    """What of a repository is checked out; `url` is where its origin is browsed, if it has one."""

    root: Path
    commit: str
    url: str


def checkout(folder: Path) -> Checkout | None:
    """Return the commit that a folder is at; None where there is no git, or no commit."""
    try:
        found = _git(folder, "rev-parse", "--show-toplevel", "HEAD")
        if found.returncode:
            return None
        root, commit = found.stdout.decode(errors="replace").split("\n")[:2]
        origin = _git(folder, "remote", "get-url", "origin").stdout.decode(errors="replace")
    except NoRepository:
        return None
    return Checkout(Path(root), commit, _browsed(origin.strip()))


def _browsed(remote: str) -> str:
    """Return the page of a remote, of which nobody's password is a part."""
    found = re.match(
        r"(?:ssh://|https?://)?(?:[^@/]*@)?([^:/]+)(?::\d+)?[:/](.+?)(?:\.git)?/?\Z", remote
    )
    return f"https://{found[1]}/{found[2]}" if found and "." in found[1] else ""


@dataclass(frozen=True, slots=True)
class Tracking:
    """What git does with files of a folder: which of those asked for it tracks, and ignores."""

    tracked: frozenset[str]
    ignored: frozenset[str]


def tracking(folder: Path, names: Sequence[str]) -> Tracking | None:
    """Return what git does with some files of a folder; None where no repository holds it.

    Raises:
        NoRepository: there is no git.
    """
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode:
        return None
    tracked = _git(folder, "ls-files", "-z", "--", *names).stdout.decode().split("\0")
    ignored = _git(folder, "check-ignore", "--", *names).stdout.decode().splitlines()
    return Tracking(frozenset(tracked) & set(names), frozenset(ignored) & set(names))


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- no shell
    except OSError as error:
        raise NoRepository(str(folder), str(error)) from error


def _first_line(words: bytes) -> str:
    return next(iter(words.decode(errors="replace").strip().splitlines()), "")
