"""Observed: the files that an answer rests on, and whether all of them are still what they were.

An answer is kept when a command found nothing to do. As long as everything that it looked at is
the same, so is the answer, and nobody needs to look again: neither at plans nor at tables. What is
looked at is files and folders by their stamps, and by their contents too where a stamp is so young
that another content could have it. This module is loaded before any other, so it imports little.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpgbuild.core.filestamp import is_young, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = 2
# Of a young file so many bytes are looked at; where there are more, nothing is kept.
_SMALL = 1 << 24

# What `stat` says, and what stands for the content where that alone is not to be trusted.
_Seen = tuple[tuple[int, ...], str]


class TooYoung(Exception):
    """A large file was written just now, so nothing but its content would tell it from another."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Files and folders by path, as they were at one moment, and the program that looked."""

    seen: dict[str, _Seen]
    program: tuple[str, ...]
    asked: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[str], asked: Iterable[str] = ()) -> Observed:
        """Look at files and folders; what is not there is noted as such.

        `asked` are `variable NAME`, one of the environment, and `here`, the working directory.

        Raises:
            TooYoung: a stamp cannot be trusted, nor the content be looked at.
            OSError: something cannot be read.
        """
        now = time.time_ns()
        answers = {question: _answer(question) for question in asked}
        return cls({path: _look(path, now) for path in paths}, _program(), answers)

    def __or__(self, later: Observed) -> Observed:
        """Return both; what was looked at first counts."""
        return Observed(later.seen | self.seen, self.program, later.asked | self.asked)

    def differences(self, earlier: Observed) -> set[str] | None:
        """Return the files that are not as they were; None where somebody else looked then."""
        if self.program != earlier.program:
            return None
        differing = self.seen.keys() ^ earlier.seen.keys()
        for path in self.seen.keys() & earlier.seen.keys():
            (numbers, content), (then, known) = self.seen[path], earlier.seen[path]
            if numbers != then or (known and known != (content or _content_now(path))):
                differing.add(path)
        return differing

    def holds(self) -> bool:
        """Return whether all of it is as it was."""
        if self.program != _program():
            return False
        if any(_answer(question) != answer for question, answer in self.asked.items()):
            return False
        try:
            return all(_is_still(path, *seen) for path, seen in self.seen.items())
        except OSError:
            return False

    def to_json(self) -> dict[str, Any]:
        """Return all of it as what JSON knows."""
        seen = {path: [*numbers, content] for path, (numbers, content) in self.seen.items()}
        return {"v": VERSION, "program": self.program, "seen": seen, "asked": self.asked}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Observed | None:
        """Return what `to_json` returned; None where the record is another."""
        try:
            if record["v"] != VERSION:
                return None
            seen = {path: (tuple(facts[:-1]), facts[-1]) for path, facts in record["seen"].items()}
            return cls(seen, tuple(record["program"]), dict(record["asked"]))
        except (KeyError, TypeError, AttributeError, IndexError):
            return None


def _program() -> tuple[str, ...]:
    # Where modules are looked for before what is installed, and which of two copies this one is.
    path = os.environ.get("PYTHONPATH", "")  # noqa: TID251 -- Python's, not the project's
    return (sys.version, sys.prefix, sys.platform, path, os.path.abspath(__file__))


def _answer(question: str) -> str:
    """Return what stands for the value of a variable, which may be a secret, or the directory."""
    kind, _, name = question.partition(" ")
    if kind == "here":
        return os.getcwd()  # noqa: TID251 -- the project's code asked
    value = os.environ.get(name)  # noqa: TID251 -- likewise
    if value is None:
        return ""
    import hashlib  # noqa: PLC0415 -- few ask

    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def program_files() -> Iterator[str]:
    """Give this package's own modules, and the folders that packages are installed into.

    These change with each installation, and so do the versions of what plans and results are of.
    """
    # Not its folders: Python and numba put what they compile beside the modules.
    own = below(os.path.dirname(os.path.dirname(__file__)), ("__pycache__", "."))
    yield from (path for path in own if path.endswith(".py"))
    for entry in sys.path:
        if os.path.basename(entry) in {"site-packages", "dist-packages"}:
            yield entry


def below(
    tree: str, ignored: tuple[str, ...] = (), without: str = "", *, links: bool = True
) -> Iterator[str]:
    """Give a file or folder and all that is below it, also where `links` to folders lead.

    Not what has a name that begins with one of `ignored`, nor the folder `without`.
    """
    known: set[tuple[int, int]] = set()
    yield tree
    waiting = [tree]
    while waiting:
        path = waiting.pop()
        try:
            status = os.stat(path)
            if not stat.S_ISDIR(status.st_mode) or (status.st_dev, status.st_ino) in known:
                continue
            entries = os.scandir(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        known.add((status.st_dev, status.st_ino))
        with entries:
            for entry in entries:
                if entry.name.startswith(ignored) or entry.path == without:
                    continue
                yield entry.path
                # The folder itself says which of its entries are folders, but for links.
                try:
                    if entry.is_dir(follow_symlinks=links):
                        waiting.append(entry.path)
                except OSError:  # a loop of links
                    continue


def _look(path: str, now: int) -> _Seen:
    try:
        status = os.stat(path)
    except OSError as error:
        if not _is_absent(error):
            raise
        return _absent(path), ""
    numbers = stamp(status)
    return numbers, _content(path, status) if is_young(numbers, now) else ""


def _is_still(path: str, numbers: tuple[int, ...], content: str) -> bool:
    try:
        status = os.stat(path)
    except OSError as error:
        return _is_absent(error) and numbers == _absent(path)
    return stamp(status) == numbers and (not content or _content(path, status) == content)


def _is_absent(error: OSError) -> bool:
    return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


def _absent(path: str) -> tuple[int, ...]:
    """Return the stamp of a link that leads nowhere; nothing where there is not even that."""
    try:
        return stamp(os.lstat(path))
    except OSError:
        return ()


def _content_now(path: str) -> str:
    try:
        return _content(path, os.stat(path))
    except (OSError, TooYoung):
        return ""


def _content(path: str, status: os.stat_result) -> str:
    """Return what stands for the content of a small file, or for the names in a folder."""
    import hashlib  # noqa: PLC0415 -- not needed where nothing is young

    if stat.S_ISDIR(status.st_mode):
        data = json.dumps(sorted(os.listdir(path))).encode()
    elif not stat.S_ISREG(status.st_mode):
        return ""  # to open a pipe might take forever
    elif status.st_size <= _SMALL:
        with open(path, "rb") as file:
            data = file.read()
    else:
        raise TooYoung(path)
    return hashlib.sha256(data).hexdigest()
