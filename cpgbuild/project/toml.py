"""TOML with places: tables whose every wrong key or value is reported where it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cpgbuild.errors.project import BadValue, UnknownKey
from cpgbuild.errors.report import CpgbuildError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KEY = re.compile(r"\s*\"?([^\"=.#\s][^\"=.]*?)\"?\s*[=.]")
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")
# Up to a comment, if the value is no text with a `#` in it.
_VALUE = re.compile(r"\"?\s*=\s*((?:\"[^\"]*\"|'[^']*'|[^#\"'])+)")


class Located:
    """The text of a TOML file, asked for the places of its keys."""

    def __init__(self, text: str, path: str) -> None:
        """Take the file's text and its path."""
        self._lines = text.splitlines()
        self._path = path
        self._places: dict[str, Place] = {}
        self._find()

    def _find(self) -> None:
        """Note where each table, and each key in one, is named first."""
        current = ""
        for number, line in enumerate(self._lines, 1):
            if header := _HEADER.match(line):
                current = header[1].replace('"', "").replace(" ", "")
                column = header.start(1) + 1
                whole = Place(self._path, number, column, len(header[1]))
                self._places.setdefault(current, whole)
                name = current.rpartition(".")[0]
                while name:
                    self._places.setdefault(name, Place(self._path, number, column, len(name)))
                    name = name.rpartition(".")[0]
            elif found := _KEY.match(line):
                name = f"{current}.{found[1]}" if current else found[1]
                place = Place(self._path, number, found.start(1) + 1, len(found[1]))
                self._places.setdefault(name, place)

    def key(self, table: str, key: str) -> Place:
        """Return the place of `key` in `[table]`, or of the table, or of the file."""
        return self._places.get(f"{table}.{key}" if table else key, Place(self._path))

    def value(self, table: str, key: str, part: str = "") -> Place:
        """Return the place of a key's value, or of a part of it; the key's if it is elsewhere."""
        place = self.key(table, key)
        line = self._lines[place.line - 1] if place.line else ""
        found = _VALUE.match(line, place.column - 1 + place.length) if place.column else None
        if found is None:
            return place
        start, text = found.start(1), found[1].rstrip()
        if part and part in text:
            return replace(place, column=start + text.index(part) + 1, length=len(part))
        return replace(place, column=start + 1, length=len(text))


class Table:
    """A table of a TOML file. What is wrong in it goes to `errors`, and a default is used."""

    def __init__(
        self, data: dict[str, Any], located: Located, name: str, errors: list[CpgbuildError]
    ) -> None:
        """Take the table's values, the file's text, its dotted name, and where errors go."""
        self.data = data
        self._located = located
        self._name = name
        self._errors = errors

    def overlaid(self, other: dict[str, Any]) -> Table:
        """Return this table with the values of another over it, table by table."""
        return Table(_merged(self.data, other), self._located, self._name, self._errors)

    def fault(self, error: CpgbuildError) -> None:
        """Note an error."""
        self._errors.append(error)

    def place(self, key: str) -> Place:
        """Return the place of a key of this table."""
        return self._located.key(self._name, key)

    def value_place(self, key: str, part: str = "") -> Place:
        """Return the place of the value under a key of this table, or of a part of it."""
        return self._located.value(self._name, key, part)

    def only(self, *known: str) -> None:
        """Note every key that is not among the known ones."""
        title = f"`[{self._name}]`" if self._name else "`cpgbuild.toml`"
        for key in self.data:
            if key not in known:
                self.fault(UnknownKey(key, title, known, self.place(key)))

    def table(self, key: str) -> Table:
        """Return the table under a key; an empty one where there is none."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.fault(BadValue(key, value, "a table", self.value_place(key)))
            value = {}
        name = f"{self._name}.{key}" if self._name else key
        return Table(value, self._located, name, self._errors)

    def _typed(self, key: str, default: Any, kinds: type, expected: str) -> Any:
        value = self.data.get(key, default)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            self.fault(BadValue(key, value, expected, self.value_place(key)))
            return default
        return value

    def text(self, key: str, default: str) -> str:
        """Return a string."""
        return str(self._typed(key, default, str, "a string"))

    def number(self, key: str, default: int, *, least: int) -> int:
        """Return a whole number that is not below `least`."""
        expected = f"a whole number, {least} or more"
        value = int(self._typed(key, default, int, expected))
        if value < least:
            self.fault(BadValue(key, value, expected, self.value_place(key)))
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean."""
        return bool(self._typed(key, default, bool, "`true` or `false`"))

    def strings(self, key: str, default: Sequence[str]) -> list[str]:
        """Return a list of strings; a single string stands for a list of one."""
        value = self.data.get(key, list(default))
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(BadValue(key, value, "a list of strings", self.value_place(key)))
            return list(default)
        return value

    def one_of(self, key: str, known: Iterable[str], default: str) -> str:
        """Return a string that is one of the known ones."""
        value = self.text(key, default)
        names = list(known)
        if value not in names:
            shown = ", ".join(f"`{name}`" for name in names)
            self.fault(BadValue(key, value, f"one of {shown}", self.value_place(key)))
            return default
        return value


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)  # noqa: PLW2901 -- the same key's value
        merged[key] = value
    return merged
