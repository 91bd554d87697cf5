"""Checks: what a task says of its rows, as queries of the rows that break it.

Each check is planned like a view that nobody reads: it reads the rows that the task makes, by the
name of its output, and gives those that are bad.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpgbuild.core.check import check_dataset, own_rows
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.project import BadValue
from cpgbuild.errors.report import Place
from cpgbuild.plan.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ibis

    from cpgbuild.plan.catalog import Catalog

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# A function of the rows, or of them and the catalog, that returns the bad ones; or SQL.
Query = Callable[..., Any] | str


@dataclass(frozen=True, slots=True)
class _One:
    """A check by its title, the option and the word by which it is found in the user's file."""

    title: str
    query: Query
    option: str
    word: str


def check_definitions(definition: Definition) -> list[Definition]:
    """Return the checks of a task as definitions, each of the rows that break it.

    Raises:
        BadValue: an option is not what it has to be.
    """
    options = definition.checks
    if not options:
        return []
    found = {one.title: one for one in _Reader(definition, options).all()}
    return [_defined(definition, one) for one in found.values()]


def _defined(definition: Definition, one: _One) -> Definition:
    is_text = isinstance(one.query, str)
    return Definition(
        name=f"{definition.name}: {one.title}",
        dataset=check_dataset(definition.output, one.title),
        kind=TaskKind.CHECK,
        place=_place(definition, one.option, one.word),
        function=None if is_text else _asked(definition, one.query),
        sql=_text(definition, one) if is_text else None,
        description=one.title,
        file=definition.file,
    )


def _text(definition: Definition, one: _One) -> str:
    """Return a check's query, in which the dataset's own name means the task's own rows."""
    assert isinstance(one.query, str)  # noqa: S101 -- or it is a function
    if definition.part is None or one.option != "checks":
        return one.query
    own = _select("*", _quoted(own_rows(definition.output)))
    bad = _select("*", f"({one.query}\n)")
    return f"WITH {_quoted(definition.dataset)} AS ({own}) {bad}"


def _asked(definition: Definition, query: Any) -> Callable[[Catalog], ibis.Table]:
    """Return a check's function as one of the catalog alone, as tasks have them."""

    def bad_rows(catalog: Catalog) -> ibis.Table:
        rows = catalog.table(own_rows(definition.output))
        takes_catalog = len(inspect.signature(query).parameters) > 1
        return query(rows, catalog) if takes_catalog else query(rows)

    # Whoever looks for code finds the check's, and who looks for the task's function its name.
    bad_rows.__wrapped__ = query  # type: ignore[attr-defined]
    bad_rows.__name__ = getattr(definition.function, "__name__", bad_rows.__name__)
    return bad_rows


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the options of a task that are checks."""

    definition: Definition
    options: Mapping[str, Any]
    own: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", _quoted(own_rows(self.definition.output)))

    def all(self) -> Iterator[_One]:
        """Give all checks."""
        for option, value in self.options.items():
            yield from getattr(self, f"_{option}")(option, value)

    def _refused(self, option: str, value: object, expected: str) -> BadValue:
        shown = _ADDRESS.sub("", str(value))
        return BadValue(option, shown, expected, _place(self.definition, option, option))

    def _not_null(self, option: str, value: object) -> Iterator[_One]:
        for column in self._columns(option, value):
            sql = _select("*", self.own, f"WHERE {_quoted(column)} IS NULL")
            yield _One(f"not_null({column})", sql, option, column)

    def _columns(self, option: str, value: object) -> Sequence[str]:
        columns = [value] if isinstance(value, str) else value
        if not isinstance(columns, list | tuple) or not all(isinstance(c, str) for c in columns):
            raise self._refused(option, value, "a list of columns")
        return columns

    def _unique(self, option: str, value: object) -> Iterator[_One]:
        keys = [value] if isinstance(value, str) else value
        expected = "a list of columns, or of lists of columns that are unique together"
        if not isinstance(keys, list | tuple):
            raise self._refused(option, value, expected)
        for key in keys:
            columns = [key] if isinstance(key, str) else key
            is_key = isinstance(columns, list | tuple) and columns
            if not is_key or not all(isinstance(column, str) for column in columns):
                raise self._refused(option, value, expected)
            title = f"unique({', '.join(columns)})"
            yield _One(title, self._twice([_quoted(c) for c in columns]), option, columns[0])

    def _twice(self, names: Sequence[str]) -> str:
        """Return the query of the rows whose key others have too; one with a null is no key."""
        keys = ", ".join(names)
        there = " AND ".join(f"{name} IS NOT NULL" for name in names)
        same = " AND ".join(f"own.{name} = twice.{name}" for name in names)
        grouped = f"WHERE {there} GROUP BY {keys} HAVING count(*) > 1"
        twice = _select(keys, self.own, grouped)
        order = ", ".join(f"own.{name}" for name in names)
        joined = f"JOIN ({twice}) AS twice ON {same} ORDER BY {order}"
        return _select("own.*", f"{self.own} AS own", joined)

    def _accepted_values(self, option: str, value: object) -> Iterator[_One]:
        for column, values in self._by_column(option, value):
            given = list(values) if isinstance(values, list | tuple | set | frozenset) else []
            literals = [_literal(one) for one in given]
            if not literals or None in literals:
                expected = "a list of texts, numbers, dates or times for each column"
                raise self._refused(option, value, expected)
            listed = ", ".join(filter(None, literals))
            sql = _select("*", self.own, f"WHERE {_quoted(column)} NOT IN ({listed})")
            yield _One(f"accepted_values({column})", sql, option, column)

    def _relationships(self, option: str, value: object) -> Iterator[_One]:
        for column, target in self._by_column(option, value):
            dataset, dot, other = target.partition(".") if isinstance(target, str) else ("",) * 3
            if not (dataset and dot and other):
                expected = 'a dataset and a column for each column, as `{"id": "orders.order_id"}`'
                raise self._refused(option, value, expected)
            if dataset == self.definition.dataset:
                dataset = own_rows(self.definition.output)
            name = _quoted(column)
            same = f"there.{_quoted(other)} = own.{name}"
            there = _select("1", f"{_quoted(dataset)} AS there", f"WHERE {same}")
            bad = f"WHERE own.{name} IS NOT NULL AND NOT EXISTS ({there})"
            sql = _select("own.*", f"{self.own} AS own", bad)
            yield _One(f"relationships({column})", sql, option, column)

    def _by_column(self, option: str, value: object) -> list[tuple[str, Any]]:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise self._refused(option, value, "a table with a key for each column")
        return list(value.items())

    def _checks(self, option: str, value: object) -> Iterator[_One]:
        if callable(value):
            value = [value]
        if isinstance(value, list | tuple):
            named = [(getattr(one, "__name__", "<>"), one) for one in value if callable(one)]
            if len(named) < len(value) or any("<" in name for name, _ in named):
                raise self._refused(option, value, "functions with names, or names and queries")
        else:
            named = self._by_column(option, value)
        for name, query in named:
            if not (callable(query) or isinstance(query, str)):
                raise self._refused(option, value, "for each name a query, or a function")
            yield _One(name, query, option, getattr(query, "__name__", name))


def _select(what: str, where: str, *rest: str) -> str:
    return " ".join(("SELECT", what, "FROM", where, *rest))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str | None:
    """Return a value as SQL has it; None where it cannot be one that a column may have."""
    match value:
        case bool() | int() | float():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case _:
            return None


def _place(definition: Definition, option: str, word: str) -> Place:
    """Return where a task says something in an option; where the task is, if that is not found."""
    place = definition.place
    first = 1
    if definition.function is not None:
        code = getattr(inspect.unwrap(definition.function), "__code__", None)
        first = code.co_firstlineno if code is not None else place.line
    try:
        text = Path(place.path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return place
    # A SQL file's own query begins where the task is; its header ends before.
    lines = text.splitlines()[first - 1 : place.line]
    start = re.compile(rf"(?<!\w){re.escape(option)}\"?\s*=")
    wanted = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    is_inside = False
    for number, line in enumerate(lines, first):
        opened = start.search(line)
        is_inside = is_inside or opened is not None
        found = wanted.search(line, opened.end() if opened and word != option else 0)
        if is_inside and found:
            return Place(place.path, number, found.start() + 1, len(word))
    return place
