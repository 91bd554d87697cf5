"""Datasets: which dataset each relation of a dbt project becomes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
import sqlglot.expressions as sge

if TYPE_CHECKING:
    from cpgbuild.project.dbt.manifest import Node

# As dbt names the query of an ephemeral model in the queries of those who read it.
EPHEMERAL = "__dbt__cte__"
_Key = tuple[str, ...]


class Datasets:
    """The datasets of the relations that were added; a name is given once."""

    def __init__(self, dialect: str) -> None:
        """Take the dialect in which relations are written."""
        self._dialect = dialect
        self._names: dict[str, str] = {}
        self._exact: dict[_Key, str] = {}
        self._short: dict[_Key, set[str]] = {}

    def add(self, node: Node) -> str:
        """Return the dataset that a node becomes.

        It is named as dbt's table is; where that is taken already, its schema is put before it. Two
        nodes of one relation (a seed, and the source that reads its table) are one dataset.
        """
        key = self._key(node)
        if key not in self._exact:
            schema, source = (str(node.facts.get(k) or "") for k in ("schema", "source_name"))
            name = self._free(node.identifier, source or schema, node.package)
            self._names[name] = node.id
            self._exact[key] = name
            for start in range(1, len(key)):
                self._short.setdefault(key[start:], set()).add(name)
        return self._exact[key]

    def owner(self, dataset: str) -> str:
        """Return the id of the node that a dataset was added for."""
        return self._names[dataset]

    def find(self, table: sge.Table) -> str | None:
        """Return the dataset that a query's table is, where it is one."""
        key = key_of(table)
        if key in self._exact:
            return self._exact[key]
        found = self._short.get(key, set())
        return next(iter(found)) if len(found) == 1 else None

    def unknown(self, table: sge.Table) -> str:
        """Return a new dataset for a table that the manifest does not know."""
        key = key_of(table)
        name = self._free(key[-1], *reversed(key[:-1]))
        self._names[name] = ".".join(key)
        self._exact[key] = name
        return name

    def _key(self, node: Node) -> _Key:
        if node.relation is None:
            return (f"{EPHEMERAL}{node.identifier}".lower(),)
        location = location_of(node)
        text = location if location is not None else node.relation
        return key_of(table_of(text, self._dialect))

    def _free(self, identifier: str, *before: str) -> str:
        """Return a name that is nobody's yet."""
        candidates = [identifier, *(f"{b}_{identifier}" for b in before if b)]
        names = [_named(text) for text in candidates]
        names += [f"{names[0]}_{number}" for number in range(2, len(self._names) + 3)]
        return next(name for name in names if name not in self._names)


def key_of(table: sge.Table) -> _Key:
    """Return a table's database, schema and name, as many as are said, in lower case.

    What is no name, as a call of `read_csv`, is its text.
    """
    parts = table.parts
    if not all(isinstance(part, sge.Identifier) for part in parts):
        return (table.this.sql(dialect="duckdb"),)
    return tuple(part.name.lower() for part in parts)


def table_of(text: str, dialect: str) -> sge.Table:
    """Return a relation's text as a query reads it."""
    query = sqlglot.parse_one(f"SELECT 1 FROM {text}", dialect=dialect)  # noqa: S608 -- it runs nowhere
    found = query.find(sge.Table)
    if found is None:
        raise ValueError(f"{text} is no table")
    return found


def location_of(node: Node) -> str | None:
    """Return where dbt-duckdb reads a source from, as it writes that in SQL; None of others.

    https://github.com/duckdb/dbt-duckdb: `external_location`, of the table or of its source.
    """
    places = (node.facts.get("meta"), node.config.get("meta"), node.facts.get("source_meta"))
    found = [
        place["external_location"] for place in places if place and "external_location" in place
    ]
    if node.kind != "source" or not found:
        return None
    facts = {key: node.facts.get(key) for key in ("name", "identifier", "schema", "database")}
    text = str(found[0]).format(**facts)
    return text if "(" in text or text.startswith("'") else f"'{text}'"


def _named(text: str) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower())
    return f"_{name}" if name[:1].isdigit() or not name else name
