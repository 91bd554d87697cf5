"""Plans: what became of each task when it was last planned, kept so that it need not be again.

One SQLite file in the state folder: a cache, which may be lost, torn or of another version. Its
rows are JSON, and those of tasks that nobody looks into are read no further than is needed to know
them as parts of the graph. Which tasks a file defines is known as soon as it was loaded, also of
those that nobody planned yet, since somebody asked for others only.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from contextlib import closing, suppress
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.task import Lane, Requirement, Task, TaskKind
from cpgbuild.errors.report import Place
from cpgbuild.plan.definition import Definition
from cpgbuild.plan.outline import Form, Kept, Marks, Meaning, Outline, Planned, Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from cpgbuild.core.fingerprint import Fingerprint

VERSION = 7
FILE = f"plans-{VERSION}.db"
_TABLES = """
CREATE TABLE IF NOT EXISTS about (what TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, stamp TEXT, digest TEXT, facts TEXT, parts TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (
    name TEXT PRIMARY KEY, declared TEXT, observed TEXT, columns TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE, module TEXT, mark TEXT, planned TEXT, outline TEXT,
    overtaken INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS unplanned (name TEXT PRIMARY KEY, definition TEXT) WITHOUT ROWID;
"""
_BUSY_SECONDS = 2.0


class File(NamedTuple):
    """What was known of a file: its stamp, its digest; what the tasks in it rest on; its parts."""

    stamp: str
    digest: str
    facts: str | None = None
    parts: str | None = None


class SourceRow(NamedTuple):
    """What a source was when its schema was read: how it is declared, its files, the schema."""

    declared: str
    observed: str
    columns: str


class Edition(NamedTuple):
    """All that was kept at one moment.

    The tasks that were planned are by name, as they were planned one after the other; those that
    were not are definitions without what only their planning needs.
    """

    tasks: dict[str, Kept]
    files: dict[str, File]
    sources: dict[str, SourceRow]
    unplanned: list[Definition]


class Changes(NamedTuple):
    """What is another since an edition was read, and the tasks that have no plan yet.

    `tasks` are new or were planned anew: each with its name, its module, `planned_text`, outline.
    The `overtaken` ones stay as they were, and others were planned without them.
    """

    tasks: Sequence[tuple[str, str, str, Outline]] = ()
    files: Mapping[str, File] = MappingProxyType({})
    sources: Mapping[str, SourceRow] = MappingProxyType({})
    gone_tasks: Collection[str] = ()
    gone_files: Collection[str] = ()
    overtaken: Collection[str] = ()
    unplanned: Sequence[Definition] = ()


class PlanStore:
    """The plans that were kept by one version of the program; nothing, where there are none.

    A file that cannot be read or written is no error: the project is planned from nothing.
    """

    def __init__(self, folder: Path, program: str) -> None:
        """Take the state folder, and what the plans are only good for: who made them."""
        self._path = folder / FILE
        self._program = program
        self._edition = ""

    def load(self) -> Edition:
        """Return what was kept last."""
        try:
            with closing(self._opened()) as db:
                if not self._is_ours(db):
                    return nothing()
                db.execute("BEGIN")
                self._edition = self._about(db)["edition"]
                found = db.execute(
                    "SELECT number, module, mark, overtaken, planned FROM tasks ORDER BY number"
                )
                rows = found.fetchall()
                # At once: ten thousand small texts take twice as long.
                records = json.loads(f"[{','.join(row[-1] for row in rows)}]")
                pairs = zip(rows, records, strict=True)
                tasks = [
                    self._kept(number, module, mark, record, overtaken=bool(overtaken))
                    for (number, module, mark, overtaken, _), record in pairs
                ]
                found = db.execute("SELECT path, stamp, digest, facts, parts FROM files")
                files = {row[0]: File(*row[1:]) for row in found}
                found = db.execute("SELECT name, declared, observed, columns FROM sources")
                sources = {name: SourceRow(*columns) for name, *columns in found}
                found = db.execute("SELECT definition FROM unplanned")
                unplanned = [_definition(json.loads(text)) for (text,) in found]
                by_name = {kept.planned.task.name: kept for kept in tasks}
                return Edition(by_name, files, sources, unplanned)
        except (sqlite3.Error, OSError, ValueError, KeyError, TypeError, IndexError):
            return nothing()

    def save(self, changes: Changes, *, anew: bool) -> None:
        """Keep what is another than it was in the edition that was read, or all of it anew."""
        records = [
            (name, module, mark_of(text), text, _outline_text(outline))
            for name, module, text, outline in changes.tasks
        ]
        try:
            self._write(records, changes, anew=anew)
        except sqlite3.OperationalError:
            # It is locked, or the disk is full: the next run plans again what this one did.
            return
        except sqlite3.DatabaseError:
            # It is no database, or a torn one; whatever it was, it is only a cache.
            with suppress(sqlite3.Error, OSError):
                self._path.unlink(missing_ok=True)
                self._write(records, changes, anew=anew)
        except OSError:
            return

    def _write(self, records: Sequence[tuple[str, ...]], changes: Changes, *, anew: bool) -> None:
        with closing(self._opened(write=True)) as db, db:
            db.execute("BEGIN IMMEDIATE")
            if not anew and self._about(db).get("edition") != self._edition:
                # Somebody else kept plans meanwhile, of another moment; these do not go together.
                return
            if anew:
                for table in ("about", "files", "sources", "tasks"):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 -- one of four words
            db.execute("DELETE FROM unplanned")
            edition = {"edition": uuid.uuid4().hex}
            about = {"version": str(VERSION), "program": self._program} | edition
            db.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())
            replaced = [*changes.gone_tasks, *(record[0] for record in records)]
            db.executemany("DELETE FROM tasks WHERE name = ?", ((name,) for name in replaced))
            insert = (
                "INSERT INTO tasks (name, module, mark, planned, outline) VALUES (?, ?, ?, ?, ?)"
            )
            db.executemany(insert, records)
            update = "UPDATE tasks SET overtaken = 1 WHERE name = ?"
            db.executemany(update, ((name,) for name in changes.overtaken))
            delete = "DELETE FROM files WHERE path = ?"
            db.executemany(delete, ((path,) for path in changes.gone_files))
            file_rows = ((path, *file) for path, file in changes.files.items())
            db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", file_rows)
            source_rows = ((name, *source) for name, source in changes.sources.items())
            db.executemany("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)", source_rows)
            unplanned = ((one.name, _definition_text(one)) for one in changes.unplanned)
            db.executemany("INSERT INTO unplanned VALUES (?, ?)", unplanned)

    def _opened(self, *, write: bool = False) -> sqlite3.Connection:
        if write:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        elif not self._path.exists():
            raise FileNotFoundError(self._path)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            db.executescript(_TABLES) if write else db.execute("PRAGMA query_only = 1")
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def _about(self, db: sqlite3.Connection) -> dict[str, str]:
        return dict(db.execute("SELECT what, value FROM about"))

    def _is_ours(self, db: sqlite3.Connection) -> bool:
        about = self._about(db)
        return about.get("version") == str(VERSION) and about.get("program") == self._program

    def _kept(
        self, number: int, module: str, mark: str, record: dict[str, Any], *, overtaken: bool
    ) -> Kept:
        task = _task(record["task"])
        written = record["written"]
        if written is None:
            planned = Planned(task, (task.query, task.plan, task.views))
        else:
            query, plan, views = written
            planned = Planned(task, (query, plan, tuple(map(tuple, views))))
        asked, variables = record["asked"], record["variables"]
        rest = partial(self._outline, number, task, asked, variables)
        return Kept(module, mark, planned, asked, variables, rest, overtaken)

    def _outline(
        self, number: int, task: Task, asked: Mapping[str, Fingerprint], variables: dict[str, str]
    ) -> Outline | None:
        """Return the rest of what was kept of a task; None where that was replaced meanwhile."""
        try:
            with closing(self._opened()) as db:
                found = db.execute("SELECT outline FROM tasks WHERE number = ?", (number,))
                record = json.loads(next(found)[0])
                return _outline_of(task, asked, variables, record)
        except (sqlite3.Error, OSError, ValueError, KeyError, TypeError, StopIteration):
            return None


def nothing() -> Edition:
    """Return what is kept where nothing is."""
    return Edition({}, {}, {}, [])


def mark_of(text: str) -> str:
    """Return what stands for a task's `planned_text`."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def planned_text(planned: Planned, outline: Outline) -> str:
    """Return a task with its plan, and what it asked for, as a text."""
    task = planned.task
    same = planned.written == (task.query, task.plan, task.views)
    record = {
        "task": _task_list(task),
        "written": None if same else planned.written,
        "asked": outline.asked,
        "variables": outline.variables,
    }
    return json.dumps(record, separators=(",", ":"))


def _outline_text(outline: Outline) -> str:
    task = outline.task
    form = outline.form
    record = {
        "form": None if form is None else _form_list(form),
        "varies": [task.volatile, task.unstable, task.inexact],
        "scanned": outline.scanned,
        "readings": [
            [columns, reading.query, _requirements_list(reading.requires)]
            for columns, reading in outline.readings.items()
        ],
        "meanings": [
            [
                columns,
                meaning.plan,
                meaning.views,
                {leaf: sorted(some) for leaf, some in meaning.leaves.items()},
                *map(sorted, (meaning.volatile, meaning.unstable, meaning.inexact)),
            ]
            for columns, meaning in outline.meanings.items()
        ],
    }
    return json.dumps(record, separators=(",", ":"))


def _outline_of(
    task: Task,
    asked: Mapping[str, Fingerprint],
    variables: Mapping[str, str],
    record: dict[str, Any],
) -> Outline:
    volatile, unstable, inexact = map(tuple, record["varies"])
    readings = {
        None if columns is None else tuple(columns): Reading(Marks(*query), _requirements(requires))
        for columns, query, requires in record["readings"]
    }
    meanings = {
        None if columns is None else tuple(columns): Meaning(
            Marks(*plan),
            {view: Marks(*marks) for view, marks in views.items()},
            {leaf: set(some) for leaf, some in leaves.items()},
            *map(set, varies),
        )
        for columns, plan, views, leaves, *varies in record["meanings"]
    }
    own = task.by_itself(volatile, unstable, inexact)
    form = None if record["form"] is None else _form(record["form"])
    return Outline(own, tuple(record["scanned"]), asked, variables, readings, meanings, form)


def _form_list(form: Form) -> list[Any]:
    kept = (form.rows, form.believed, form.schema)
    schemas = (None if s is None else _text(s.columns) for s in kept)
    return [form.sql, *schemas, form.function, form.by, form.facts]


def _form(record: list[Any]) -> Form:
    sql, rows, believed, schema, function, by, facts = record
    return Form(
        sql,
        _schema(rows),
        None if believed is None else _schema(believed),
        None if function is None else tuple(function),
        tuple(by),
        None if schema is None else _schema(schema),
        tuple(facts),
    )


def _task_list(task: Task) -> list[Any]:
    """Return a task as a list of what JSON knows, in the order that `_task` takes it."""
    place = task.place
    return [
        task.name,
        task.dataset,
        task.kind,
        _requirements_list(task.requires),
        task.plan,
        _text(task.schema.columns),
        task.output,
        task.lane,
        task.priority,
        task.tags,
        task.description,
        task.partition_by,
        task.variables,
        task.volatile,
        task.unstable,
        task.inexact,
        _requirements_list(task.leaves),
        task.query,
        task.views,
        task.kept,
        task.declared,
        None if place is None else _place_list(place),
        task.key,
    ]


def _task(record: list[Any]) -> Task:
    (name, dataset, kind, requires, plan, schema, output, lane, priority, *rest) = record
    tags, description, partition_by, variables, volatile, unstable, inexact, *rest = rest
    leaves, query, views, kept, declared, place, key = rest
    return Task(
        name,
        dataset,
        _KINDS[kind],
        _requirements(requires),
        plan,
        _schema(schema),
        output,
        _LANES[lane],
        priority,
        tuple(tags),
        description,
        tuple(partition_by),
        tuple(variables),
        tuple(volatile),
        tuple(unstable),
        tuple(inexact),
        _requirements(leaves),
        query,
        tuple(map(tuple, views)),
        kept,
        None if declared is None else tuple(declared),
        None if place is None else Place(*place),
        key=key,
    )


def _place_list(place: Place) -> list[Any]:
    return [place.path, place.line, place.column, place.length]


def _definition_text(definition: Definition) -> str:
    """Return a definition as a text, without what only its planning needs."""
    record = [
        definition.name,
        definition.dataset,
        definition.kind,
        _place_list(definition.place),
        definition.part,
        definition.priority,
        definition.tags,
        definition.description,
        definition.partition_by,
        definition.inputs,
        definition.key,
        definition.file,
    ]
    return json.dumps(record, separators=(",", ":"))


def _definition(record: list[Any]) -> Definition:
    name, dataset, kind, place, part, priority, tags, description, *rest = record
    partition_by, inputs, key, file = rest
    return Definition(
        name,
        dataset,
        _KINDS[kind],
        Place(*place),
        part=part,
        priority=priority,
        tags=tuple(tags),
        description=description,
        partition_by=tuple(partition_by),
        inputs=None if inputs is None else tuple(inputs),
        key=key,
        file=file,
    )


_KINDS = {str(kind): kind for kind in TaskKind}
_LANES = {str(lane): lane for lane in Lane}


def _requirements_list(requires: Iterable[Requirement]) -> list[Any]:
    return [part for needed in requires for part in (needed.dataset, _text(needed.columns))]


def _requirements(record: list[str]) -> tuple[Requirement, ...]:
    """Return requirements, of which there are datasets and columns one after the other."""
    return tuple(map(_requirement, record[::2], record[1::2]))


@lru_cache(maxsize=65536)
def _requirement(dataset: str, columns: str) -> Requirement:
    return Requirement(dataset, _columns(columns))


def columns_text(schema: Schema) -> str:
    """Return a schema as a text."""
    return _text(schema.columns)


def schema_of_text(text: str) -> Schema:
    """Return the schema that a text is."""
    return _schema(text)


# Between the columns of a text, and between a column's name and its type.
_BETWEEN = "\x1e"
_INSIDE = "\x1f"


def _text(columns: Iterable[Column]) -> str:
    """Return columns as one text, which is read faster than a list; `!` rules out nulls."""
    return _BETWEEN.join(
        f"{_escaped(c.name)}{_INSIDE}{'' if c.nullable else '!'}{_escaped(c.type)}" for c in columns
    )


def _escaped(name: str) -> str:
    if name.isprintable() and "\\" not in name:
        return name
    return name.encode("unicode_escape").decode()


@lru_cache(maxsize=16384)
def _columns(text: str) -> tuple[Column, ...]:
    return tuple(map(_column, text.split(_BETWEEN))) if text else ()


@lru_cache(maxsize=16384)
def _schema(text: str) -> Schema:
    return Schema(_columns(text))


@lru_cache(maxsize=16384)
def _column(text: str) -> Column:
    name, _, kind = text.partition(_INSIDE)
    if "\\" in text:
        name, kind = (
            t.encode("latin-1", "backslashreplace").decode("unicode_escape") for t in (name, kind)
        )
    return Column(name, kind.removeprefix("!"), nullable=not kind.startswith("!"))
