"""Query: a task's expression as text in the engine's dialect, with what it carries along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from cpgbuild.plan.functions import Function


@dataclass(slots=True)
class Query:
    """A query's text, and the in-memory tables and functions that it names.

    `believed` is the schema that Ibis gives it; None for SQL text, of which nobody believes any.
    `map_facts` is there where the query is one of an earlier run: what stood for its `map`.
    """

    sql: str
    believed: pa.Schema | None = None
    memtables: dict[str, pa.Table] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    map_facts: tuple[str, ...] = ()
