"""History: which run wrote the rows that a table holds, and held, as its log tells."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cpgbuild.core.trace import Trace
from cpgbuild.engine.staging import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cpgbuild.engine.folder import Folder

# Of a commit's own information: the trace of the run, and what tells this commit from any other.
TRACE = "cpgbuild.trace"
COMMIT = "cpgbuild.commit"
# Counts the commits that carry a trace; unlike them, Delta keeps the number for good.
APP = "cpgbuild"
_MAPPING = "delta.columnMapping.mode"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a log: whose it is, whether the rows stayed, and which files came and went."""

    id: str
    trace: Trace | None
    same_rows: bool
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Era:
    """Versions, all of the same rows: those from `oldest` to `newest`.

    The commit of the oldest has the trace of the run that wrote them; None if it is not ours.
    `lost` where the log does not go back to it. `files` has the data files of some versions, where
    that was asked for: of the newest and the oldest.
    """

    oldest: int
    newest: int
    trace: Trace | None
    lost: bool = False
    files: tuple[tuple[int, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A trace put beside the table before its commit, in case that the log forgets it.

    `files` stands for the data files of the commit; empty where they were not known before.
    """

    trace: Trace
    files: str

    @staticmethod
    def path(number: int) -> str:
        """Return where the copy of the trace of one commit of ours is."""
        return f"{SIDE}/trace-{number}.json"

    def to_json(self) -> bytes:
        """Return the copy as JSON."""
        return json.dumps({"files": self.files, "trace": self.trace.to_json()}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Copy | None:
        """Return the copy in `text`, if it is one and is whole."""
        try:
            record = json.loads(text)
            trace, files = Trace.from_json(record["trace"]), str(record["files"])
        except (ValueError, KeyError, TypeError):
            return None
        return cls(trace, files) if trace is not None else None


def log_file(version: int) -> str:
    """Return the file of a version's commit."""
    return f"_delta_log/{version:020}.json"


def read_commit(folder: Folder, version: int, *, whole: bool = False) -> Commit | None:
    """Return the commit that made a version; None where the log no longer has it, or not whole.

    Its files are told where it is read as a `whole`.
    """
    text = folder.read(log_file(version))
    if text is None:
        return None
    lines = filter(None, text.splitlines())
    try:
        return _whole(lines) if whole else _brief(lines, ours=TRACE.encode() in text)
    except (ValueError, KeyError, AttributeError):
        return None


def _brief(lines: Iterable[bytes], *, ours: bool) -> Commit:
    """Return the commit of these lines, and read no more of them than it takes."""
    same_rows = True
    for line in lines:
        action = json.loads(line)
        if found := _ours(action):
            return found
        same_rows = same_rows and not _changes_rows(action)
        if not (ours or same_rows):
            break
    return Commit("", None, same_rows)


def _whole(lines: Iterable[bytes]) -> Commit:
    """Return the commit of these lines, with its files."""
    actions = [json.loads(line) for line in lines]
    found = next(filter(None, map(_ours, actions)), None)
    if found is None:
        found = Commit("", None, not any(map(_changes_rows, actions)))
    added, removed = (
        # The log quotes what the store has by its plain name; that itself may look quoted.
        frozenset(unquote(action[kind]["path"]) for action in actions if kind in action)
        for kind in ("add", "remove")
    )
    return replace(found, added=added, removed=removed)


def _ours(action: dict[str, Any]) -> Commit | None:
    """Return whose commit it is that has this action, where that is said here."""
    info = action.get("commitInfo") or {}
    trace = Trace.from_json(str(info[TRACE])) if TRACE in info else None
    return Commit(str(info.get(COMMIT, "")), trace, same_rows=False) if trace else None


def _changes_rows(action: dict[str, Any]) -> bool:
    for kind in ("add", "remove"):
        if kind in action and action[kind].get("dataChange", True):
            return True
    # With a mapping, a column can be given the name of another.
    settings = (action.get("metaData") or {}).get("configuration") or {}
    return bool(settings.get(_MAPPING, "none") != "none")


def eras(folder: Folder, newest: int, files: Iterable[str] | None = None) -> Iterator[Era]:
    """Give what a table held, from version `newest` back as far as its log goes.

    What changed rows is told by a commit's actions and never by the name of its operation. Where
    the data files of version `newest` are given, those of each era are told.
    """
    whole, now = files is not None, frozenset(files or ())
    then = now
    for version in range(newest, -1, -1):
        commit = read_commit(folder, version, whole=whole)
        if commit is None:
            yield Era(version + 1, newest, None, lost=True)
            return
        # A table that was made without rows is what somebody made, too.
        ends = commit.trace is not None or not commit.same_rows or not version
        if ends:
            known = ((newest, now), (version, then)) if whole else ()
            yield Era(version, newest, commit.trace, files=known)
        then = (then - commit.added) | commit.removed
        if ends:
            newest, now = version - 1, then


def trace_of(uri: str, folder: Folder, table: DeltaTable) -> Trace | None:
    """Return the trace of the run that wrote the rows that a table holds at its version.

    None where somebody else wrote them, and where it cannot be proven that nobody did.
    """
    era = next(eras(folder, table.version()), None)
    if era is None or not era.lost:
        return era.trace if era is not None else None
    copy = copy_of(folder, table)
    if copy is None or not copy.files or _hides_rows(table):
        return None
    # The log goes back to the oldest version of the era, and says of none that it changed rows.
    # So they are those of our commit where any of these has its files, or the version before.
    for version in (table.version(), era.oldest, era.oldest - 1):
        files = active_files(table if version == table.version() else at(uri, version))
        if files is not None and digest(files) == copy.files:
            return copy.trace
    return None


def _hides_rows(table: DeltaTable) -> bool:
    """Return whether equal files may be unequal rows: some deleted within, or columns renamed."""
    features = table.protocol().reader_features or []
    mapped = (table.metadata().configuration or {}).get(_MAPPING, "none") != "none"
    return mapped or "deletionVectors" in features


def copy_of(folder: Folder, table: DeltaTable) -> Copy | None:
    """Return the copy of the trace of our last commit, whatever happened to the table since."""
    number = table.transaction_version(APP)
    text = folder.read(Copy.path(number)) if number is not None else None
    return Copy.from_json(text) if text is not None else None


def at(uri: str, version: int) -> DeltaTable | None:
    """Return a table at a version; None where its log no longer tells what that was."""
    if version < 0:
        return None
    try:
        return DeltaTable(uri, version=version)
    except DeltaError:
        return None


def active_files(table: DeltaTable | None) -> list[str] | None:
    """Return the paths, in the table's folder, of the files that a table is made of."""
    if table is None:
        return None
    # The log quotes what the store has by its plain name; that itself may look quoted.
    return [unquote(path) for path in table.get_add_actions().column("path").to_pylist()]


def digest(files: Iterable[str]) -> str:
    """Return what stands for a set of data files, each of which has a name of its own."""
    names = sorted(path.rsplit("/", 1)[-1] for path in files)
    return sha256("\n".join(names).encode()).hexdigest()


def restorable(uri: str, folder: Folder, era: Era) -> int | None:
    """Return the version of an era whose files are all there, the newest if several are."""
    for version, files in dict(era.files).items():
        if folder.has(sorted(files)) and _is_told(uri, folder, version):
            return version
    return None


def _is_told(uri: str, folder: Folder, version: int) -> bool:
    """Return whether the log, which has all commits since, still tells what a version was."""
    return folder.has([log_file(0)]) or at(uri, version) is not None


def moment_of(folder: Folder, version: int) -> str:
    """Return when a commit was made, as it says itself (ISO 8601, UTC); nothing if it does not."""
    for line in filter(None, (folder.read(log_file(version)) or b"").splitlines()):
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            moment = json.loads(line)["commitInfo"]["timestamp"] / 1000
            return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ""


def size_of(table: DeltaTable) -> int:
    """Return how many bytes the data files of a table have."""
    return sum(pa.table(table.get_add_actions())["size_bytes"].to_pylist())
