"""References: what another tool hands from one task to the next in the place of rows."""

from __future__ import annotations

from dataclasses import dataclass


# No slots here: Hamilton's cache tells values from each other by what is in their `__dict__`.
@dataclass(frozen=True)
class SourceReference:
    """A source of the project, by its name; where it is, `cpgbuild.toml` says."""

    name: str


@dataclass(frozen=True)
class ViewReference:
    """A view as it is defined now: nothing is stored of it, whoever reads it evaluates it.

    `plan_fingerprint` is of what its plan means, with all views behind it. Of a dataset that
    several tasks contribute to it stands for all of these, as they are now.
    """

    name: str
    schema_fingerprint: str
    plan_fingerprint: str


@dataclass(frozen=True)
class TableReference:
    """A table that is up to date: the Delta table at `path`, a folder or URL, at `version`.

    `dataset` is `<dataset>/<part>` where several tasks contribute to a dataset, and the table is
    the part of one. `rows` is the number of its rows.
    """

    dataset: str
    path: str
    version: int
    schema_fingerprint: str
    rows: int

    @property
    def name(self) -> str:
        """What a plan calls it."""
        return self.dataset


Reference = SourceReference | ViewReference | TableReference
