"""Lock: `cpgbuild.lock`, what the project's plans are, in a file meant to be committed.

It says what the project's own files mean: versions of Python and of packages, by which a build
also decides, are not in it, so that it is the same on every machine. Who made the plans is noted
when the lock is written, since another version may put the same plans in other words.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import tomli_w

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.lock import Lock, LockedTask, lock_of
from cpgbuild.core.schema import Column, Schema
from cpgbuild.errors.project import describe
from cpgbuild.errors.report import Place
from cpgbuild.errors.state import (
    LockMissing,
    LockUnreadable,
    LockVersion,
    SourceNotLocked,
    StateUnwritable,
)
from cpgbuild.plan import types
from cpgbuild.plan.assemble import FORM
from cpgbuild.plan.contract import arrow_of
from cpgbuild.state.journal import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.core.graph import Graph

FILE = "cpgbuild.lock"
VERSION = 2
_HEAD = "# Written by cpgbuild: what the plans of this project mean. Commit it.\n"
_PLANNER = re.compile(r'^planner = "([^"\\]*)"$', re.MULTILINE)
_AT = re.compile(r" \(at line (\d+), column (\d+)\)")


def planner() -> str:
    """Return what makes plans and says what they mean: the engine, and the form of fingerprints."""
    return f"datafusion {version('datafusion')}, form {FORM}"


def lock_text(graph: Graph, by: str | None = None) -> str:
    """Return the lock of a graph: deterministic, and a line for each thing that can change.

    `by` is the planner; the one at hand where none is given.
    """
    lock = lock_of(graph, by or planner())
    record = {
        "version": VERSION,
        "planner": lock.planner,
        "signature": lock.signature,
        "source": {name: _columns(schema) for name, schema in lock.sources.items()},
        "task": {name: _entry(task) for name, task in lock.tasks.items()},
    }
    return _HEAD + tomli_w.dumps(record)


def _entry(task: LockedTask) -> dict[str, Any]:
    entry: dict[str, Any] = {"dataset": task.dataset, "kind": task.kind}
    entry |= {"query": task.query, "plan": task.plan}
    for fact in ("variables", "volatile", "unstable"):
        if names := getattr(task, fact):
            entry[fact] = list(names)
    if task.kept:
        entry["kept"] = True
    entry["inputs"] = {dataset: list(columns) for dataset, columns in task.inputs.items()}
    if task.views:
        entry["views"] = dict(task.views)
    entry["schema"] = _columns(task.schema)
    return entry


def _columns(schema: Schema) -> dict[str, str]:
    return {c.name: c.type if c.nullable else f"!{c.type}" for c in schema.columns}


def write_lock(root: Path, graph: Graph) -> bool:
    """Write the lock where it is not already so; return whether it changed.

    One that only another planner wrote stays, so that two machines do not take turns.

    Raises:
        StateUnwritable: it cannot be written.
    """
    path = root / FILE
    try:
        if path.exists() and is_current(path.read_text(encoding="utf-8", errors="replace"), graph):
            return False
        replace(path, lock_text(graph).encode())
    except OSError as error:
        raise StateUnwritable(str(path), error) from error
    return True


def is_current(text: str, graph: Graph) -> bool:
    """Return whether a text is the lock of a graph, whoever wrote it."""
    by = _PLANNER.search(text)
    return text == lock_text(graph, by[1] if by else None)


def read_text(path: Path) -> str:
    """Return the text of a lock's file.

    Raises:
        LockMissing: there is no such file.
        LockUnreadable: it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LockMissing(str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LockUnreadable(describe(error), Place(str(path))) from error


def read_lock(path: Path) -> Lock:
    """Return the lock in a file.

    Raises:
        LockMissing: there is no such file.
        LockUnreadable, LockVersion: it is no lock, or one of another version.
    """
    return parse_lock(read_text(path), str(path))


def source_schema(lock: Lock, source: str) -> pa.Schema:
    """Return a source's schema as a lock has it.

    Raises:
        SourceNotLocked: the lock does not have the source.
    """
    if source not in lock.sources:
        raise SourceNotLocked(source)
    return arrow_of(lock.sources[source])


def parse_lock(text: str, path: str) -> Lock:
    """Return the lock that a text is; `path` says in errors where it is from.

    Raises:
        LockUnreadable, LockVersion: it is no lock, or one of another version.
    """
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found else (0, 0)
        place = Place(path, line, column, 1 if line else 0)
        raise LockUnreadable(_AT.sub("", str(error)), place) from error
    return _Reader(text, path).lock(record)


class _Reader:
    """Reads a lock's record; what is wrong with it is reported where it stands."""

    def __init__(self, text: str, path: str) -> None:
        self._lines = text.splitlines()
        self._path = path

    def lock(self, record: dict[str, Any]) -> Lock:
        """Return the lock."""
        found = record.get("version")
        if found != VERSION:
            raise LockVersion(found, VERSION, self._place("version"))
        sources = self._table(record, "source", "source")
        tasks = self._table(record, "task", "task")
        return Lock(
            planner=self._text(record, "planner", "planner"),
            signature=Fingerprint(self._text(record, "signature", "signature")),
            sources={
                name: self._schema(columns, f"[source.{_key(name)}]")
                for name, columns in sources.items()
            },
            tasks={name: self._task(name, entry) for name, entry in tasks.items()},
        )

    def _task(self, name: str, entry: Any) -> LockedTask:
        head = f"[task.{_key(name)}"
        if not isinstance(entry, dict):
            raise self._torn(f"task `{name}` is no table", head)
        inputs = self._table(entry, "inputs", head)
        views = self._table(entry, "views", head) if "views" in entry else {}
        return LockedTask(
            name=name,
            dataset=self._text(entry, "dataset", head),
            kind=self._text(entry, "kind", head),
            query=Fingerprint(self._text(entry, "query", head)),
            plan=Fingerprint(self._text(entry, "plan", head)),
            schema=self._schema(self._table(entry, "schema", head), f"{head}.schema]"),
            inputs={dataset: self._names(inputs, dataset, head) for dataset in inputs},
            views={view: Fingerprint(self._text(views, view, head)) for view in views},
            variables=self._names(entry, "variables", head),
            volatile=self._names(entry, "volatile", head),
            unstable=self._names(entry, "unstable", head),
            kept=entry.get("kept") is True,
        )

    def _schema(self, columns: Any, head: str) -> Schema:
        if not isinstance(columns, dict):
            raise self._torn(f"`{head}` is no table", head)
        found: list[Column] = []
        for name, written in columns.items():
            kind = str(written).removeprefix("!")
            try:
                types.from_text(kind)
            except ValueError as error:
                raise self._torn(str(error), head, _key(name)) from error
            found.append(Column(name, kind, nullable=not str(written).startswith("!")))
        return Schema(tuple(found))

    def _table(self, record: Mapping[str, Any], key: str, head: str) -> dict[str, Any]:
        value = record.get(key, {})
        if not isinstance(value, dict):
            raise self._torn(f"`{key}` is no table", head)
        return value

    def _text(self, record: Mapping[str, Any], key: str, head: str) -> str:
        value = record.get(key)
        if not isinstance(value, str):
            raise self._torn(f"`{key}` is missing", head)
        return value

    def _names(self, record: Mapping[str, Any], key: str, head: str) -> tuple[str, ...]:
        value = record.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._torn(f"`{key}` is no list of names", head)
        return tuple(value)

    def _torn(self, reason: str, head: str, key: str = "") -> LockUnreadable:
        return LockUnreadable(reason, self._place(head, key))

    def _place(self, head: str, key: str = "") -> Place:
        """Return the place of the first line that begins so; of a key behind it, if one is said."""
        at = 0
        for number, line in enumerate(self._lines, 1):
            if line.startswith(key if at else head):
                if at or not key:
                    return Place(self._path, number)
                at = number
        return Place(self._path, at)


def _key(name: str) -> str:
    """Return a name as TOML writes it as a key."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
