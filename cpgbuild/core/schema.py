"""Schema: the columns of a dataset, with their types in text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type in the notation of Ibis, whether it may hold nulls."""

    name: str
    type: str
    nullable: bool = True

    def __str__(self) -> str:
        """Return `name: type`, with `!` before the type where nulls are ruled out."""
        return f"{self.name}: {'' if self.nullable else '!'}{self.type}"


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a dataset in their order."""

    columns: tuple[Column, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def fingerprint(self) -> Fingerprint:
        """The schema fingerprint: of names, types and nullability, in order."""
        return fingerprint(*(str(column) for column in self.columns))

    def get(self, name: str) -> Column | None:
        """Return the column of that name, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def restricted(self, names: Iterable[str]) -> Schema:
        """Return the schema of these columns alone, ordered by name; unknown names are dropped."""
        wanted = set(names)
        kept = (c for c in self.columns if c.name in wanted)
        return Schema(tuple(sorted(kept, key=lambda c: c.name)))

    def differences(self, other: Schema) -> list[str]:
        """Say, a clause a column, how `other` differs by name from this schema."""
        mine = {c.name: c for c in self.columns}
        theirs = {c.name: c for c in other.columns}
        found = [f"`{name}` is missing" for name in mine if name not in theirs]
        found += [f"`{name}` is not expected" for name in theirs if name not in mine]
        for name, column in mine.items():
            match = theirs.get(name)
            if match is not None and match.type != column.type:
                found.append(f"`{name}` is `{match.type}`, expected `{column.type}`")
        return found
