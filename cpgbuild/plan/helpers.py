"""Helpers: processes in which tasks are planned, where there are so many that it takes long.

A helper is given a task with the schemas of all that it may read, and says what is known of the
task by itself. Whatever a helper does not do (the planner refuses the query, or the helper ended)
is done by whoever asked it, who also says what is wrong.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.task import Requirement, Task
from cpgbuild.errors.report import Place
from cpgbuild.plan.definition import Definition
from cpgbuild.plan.outline import WHOLE, Outline, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from cpgbuild.plan.compiler import Compiler
    from cpgbuild.plan.outline import Columns

# What it takes to plan a task of SQL or of Python, in seconds; the part of that which is left to
# who asks, and what a helper takes for all of it, as a part too (`docs/benchmarks.md`).
_SQL, _SQL_LEFT, _SQL_GIVEN = 0.002, 0.25, 1.05
_PYTHON, _PYTHON_LEFT, _PYTHON_GIVEN = 0.009, 0.1, 1.05
# What it takes until they are there. They are begun for so many seconds of work, if it ends in this
# part of that time.
_BEGINNING = 1.2
_WORTH = 4.0
_FASTER = 2 / 3
_MOST = 8
# The project's own code is not imported, and neither is who began this.
_BEGIN = "import sys; sys.path[:] = {path!r}; from cpgbuild.plan import helpers; helpers.serve()"

# A task, and the columns of it that are read.
_Key = tuple[str, "Columns"]
# In place of that: what a helper noted.
_NOTED: _Key = ("", WHOLE)


def worthwhile(definitions: Iterable[Definition]) -> int:
    """Return how many helpers to begin for these tasks; none where that would hardly be faster."""
    in_sql = [definition.function is None for definition in definitions]
    sql, python = in_sql.count(True) * _SQL, in_sql.count(False) * _PYTHON
    count = min(_cores(), _MOST)
    left = sql * _SQL_LEFT + python * _PYTHON_LEFT
    given = sql * _SQL_GIVEN + python * _PYTHON_GIVEN
    seconds = _BEGINNING + left + given / count
    is_worth_it = sql + python > _WORTH and seconds < _FASTER * (sql + python)
    return count if is_worth_it else 0


def _cores() -> int:
    """Return how many processes can run at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class There(Protocol):
    """What a helper loads the project's tasks with; it is sent there."""

    def begin(self) -> None:
        """Make ready."""
        ...

    def definition(self, file: str, name: str) -> Definition:
        """Load a task's definition."""
        ...

    def noted(self) -> object:
        """Return what is to be known of what was evaluated."""
        ...


class Afar(Protocol):
    """Who has functions evaluated in helpers."""

    @property
    def there(self) -> There:
        """What helpers load them with."""
        ...

    def is_alike(self, noted: object) -> bool:
        """Take what a helper noted, and say whether what it evaluated is what it would be here."""
        ...


class Helpers:
    """Some helpers, of which each remembers what it planned."""

    def __init__(self, count: int, afar: Afar | None, variables: Mapping[str, str]) -> None:
        """Begin them, as many as can be; without anything to evaluate functions, they plan SQL."""
        self.afar = afar
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._helpers: list[_Helper] = []
        with suppress(OSError):
            for _ in range(count):
                self._helpers.append(_Helper(self._answers.put))
        for helper in self._helpers:
            helper.begin(afar.there if afar is not None else None, variables)
        self._owners: dict[str, _Helper] = {}

    def plan(self, definition: Definition, inputs: Mapping[str, pa.Schema]) -> bool:
        """Have a task planned on inputs of these schemas; return whether anybody does it."""
        there = [helper for helper in self._helpers if not helper.is_gone]
        if not there:
            return False
        helper = min(there, key=lambda helper: len(helper.asked))
        self._owners[definition.name] = helper
        helper.plan(definition, inputs)
        return True

    def planned(self) -> Iterator[tuple[str, Outline | None]]:
        """Wait for some of what is planned, and give tasks with their outlines, or with None."""
        for (name, _), outline in self._some():
            yield name, outline

    def read(self, keys: Iterable[_Key]) -> dict[_Key, Reading]:
        """Return the readings of those of these tasks that helpers planned."""
        for name, columns in keys:
            if name in self._owners:
                self._owners[name].read(name, columns)
        found: dict[_Key, Reading] = {}
        while self.is_busy:
            found |= {key: reading for key, reading in self._some() if reading is not None}
        return found

    def are_alike(self) -> bool:
        """Return whether all that helpers evaluated is what it would be here."""
        if self.afar is None:
            return True
        for helper in self._helpers:
            if helper.has_answered:
                helper.say()
        noted: list[object] = []
        while self.is_busy:
            noted += (one for _, one in self._some())
        return all(one is not None and self.afar.is_alike(one) for one in noted)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to wait for."""
        return any(helper.asked for helper in self._helpers)

    def _some(self) -> Iterator[tuple[_Key, Any]]:
        """Give all answers that there are; wait for one."""
        while self.is_busy:
            answer = self._answers.get()
            yield from answer.helper.told(answer)
            if self._answers.empty():
                return

    def close(self) -> None:
        """End them, whatever they are at."""
        for helper in self._helpers:
            helper.end()


class _Plan(NamedTuple):
    """That a task is to be planned; the schemas are those that were not told before."""

    definition: Definition
    schemas: dict[str, pa.Schema]


class _Read(NamedTuple):
    """That a task is to be read as the key says."""


class _Answer:
    """What a helper answered; that it is gone, where there is no `key`."""

    __slots__ = ("helper", "key", "value")

    def __init__(self, helper: _Helper, key: _Key | None = None, value: Any = None) -> None:
        self.helper = helper
        self.key = key
        self.value = value


class _Helper:
    """One process; `asked` has what it owes an answer for, unless it `is_gone`."""

    def __init__(self, tell: Callable[[_Answer], None]) -> None:
        self.asked: set[_Key] = set()
        self.has_answered = False
        self._tell = tell
        self._known: set[str] = set()
        self.is_gone = False
        self._process = subprocess.Popen(  # noqa: S603 -- this program itself
            [sys.executable, "-c", _BEGIN.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is the parent's matter.
            start_new_session=True,
        )
        self._listener = Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._listener.start()

    def begin(self, there: There | None, variables: Mapping[str, str]) -> None:
        self._send((there, dict(variables)))

    def plan(self, definition: Definition, inputs: Mapping[str, pa.Schema]) -> None:
        fresh = {name: schema for name, schema in inputs.items() if name not in self._known}
        self._known.update(fresh)
        if definition.function is not None:
            # It is loaded there.
            definition = replace(definition, function=None, row_map=None, schema=None, checks=None)
        self._ask((definition.name, WHOLE), _Plan(definition, fresh))

    def read(self, name: str, columns: Columns) -> None:
        self._ask((name, columns), _Read())

    def say(self) -> None:
        self._ask(_NOTED, None)

    def _ask(self, key: _Key, what: _Plan | _Read | None) -> None:
        self.asked.add(key)
        self._send((key, what))

    def _send(self, what: object) -> None:
        data = _packed(what)
        try:
            if (pipe := self._process.stdin) is not None:
                pipe.write(data)
                pipe.flush()
        except OSError:
            self.is_gone = True
        if self.is_gone:
            self._tell(_Answer(self))

    def told(self, answer: _Answer) -> Iterator[tuple[_Key, Any]]:
        """Take an answer; of a helper that is gone, that there will be none."""
        keys = self.asked & {answer.key} if answer.key is not None else set(self.asked)
        self.asked -= keys
        self.has_answered |= answer.value is not None
        for key in keys:
            yield key, answer.value

    def _listen(self, pipe: IO[bytes]) -> None:
        try:
            while True:
                key, value = pickle.load(pipe)  # noqa: S301 -- it is our own
                self._tell(_Answer(self, key, value))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            self.is_gone = True
            self._tell(_Answer(self))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _reducer(kind: type) -> Callable[[Any], tuple[type, tuple[Any, ...]]]:
    """Return how a data class is taken apart; what Python does by itself takes three times as long.

    Whoever has one field alone gives no tuple of it.
    """
    names = [field.name for field in fields(kind)]
    values = attrgetter(*names)
    if len(names) == 1:
        return lambda one: (kind, (values(one),))
    return lambda one: (kind, values(one))


_DISPATCH: dict[type, Callable[[Any], Any]] = {
    kind: _reducer(kind)
    for kind in (Column, Definition, Outline, Place, Reading, Requirement, Schema, Task)
}


def _packed(what: object) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _DISPATCH
    pickler.dump(what)
    return buffer.getvalue()


def serve() -> None:
    """Be a helper: answer what comes in by what goes out, until nobody asks any more."""
    from cpgbuild.plan.compiler import Compiler  # noqa: PLC0415 -- it is what begins helpers

    # Most of what it makes stays.
    gc.set_threshold(100_000, 50, 100)
    take, give = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    there, variables = pickle.load(take)  # noqa: S301 -- from who began this
    schemas: dict[str, Callable[[], pa.Schema]] = {}
    compiler = Compiler([], schemas, variables, Path())
    if there is not None:
        there.begin()
    while True:
        try:
            key, what = pickle.load(take)  # noqa: S301 -- likewise
        except EOFError:
            return
        try:
            answer = _answer(key, what, compiler, schemas, there)
        except Exception:  # noqa: BLE001 -- who asked finds out what is wrong, and says so
            answer = None
        give.write(_packed((key, answer)))
        give.flush()


def _answer(
    key: _Key,
    what: _Plan | _Read | None,
    compiler: Compiler,
    schemas: dict[str, Callable[[], pa.Schema]],
    there: There | None,
) -> object:
    if what is None:
        return there and there.noted()
    if isinstance(what, _Read):
        return compiler.reading(*key)
    schemas.update({name: partial(_same, schema) for name, schema in what.schemas.items()})
    definition = what.definition
    if definition.sql is None and there is not None:
        definition = there.definition(definition.file, definition.name)
    return compiler.one(definition)


def _same(schema: pa.Schema) -> pa.Schema:
    return schema
