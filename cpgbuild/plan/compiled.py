"""Compiled: a task's plan, ready for an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import datafusion
    import pyarrow as pa

    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.plan.definition import Definition, RowMap
    from cpgbuild.plan.functions import Function


class Plans(Protocol):
    """All tasks of a project, and each in the form that engines take."""

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks by name."""
        ...

    def compiled(self, name: str) -> Compiled:
        """Return a task for an engine."""
        ...

    def frame(self, name: str) -> datafusion.DataFrame:
        """Return a task's query on empty inputs."""
        ...

    def query(self, name: str) -> Fingerprint:
        """Return the fingerprint of a task's own query."""
        ...


@dataclass(frozen=True, slots=True)
class Compiled:
    """One task in the form that engines take.

    `sql` is a query in the engine's dialect over the datasets of `task.requires`. `rows` is the
    schema that its result is cast to, and `schema` that of the output: the same, but for a task
    with a `row_map`, whose function turns the one into the other. A `recursive` query scans its
    inputs several times. `inputs` has the schemas of all that the query names, `believed` the one
    that Ibis gives its result, and `map_facts` what stands for the function of a `row_map`;
    `written_facts` is the same without versions of other people's code.
    """

    task: Task
    definition: Definition
    sql: str
    rows: pa.Schema
    schema: pa.Schema
    memtables: dict[str, pa.Table] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    row_map: RowMap | None = None
    recursive: bool = False
    inputs: dict[str, Schema] = field(default_factory=dict)
    believed: pa.Schema | None = None
    map_facts: tuple[str, ...] = ()
    written_facts: tuple[str, ...] = ()
