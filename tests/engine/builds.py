"""Builds for real: a project in a folder, built in this process, and what its tables hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from cpgbuild import api
from cpgbuild.core.builder import Outcome
from cpgbuild.core.events import (
    Built,
    Event,
    Failed,
    Restored,
    Skipped,
    Unchanged,
    UpToDate,
)
from cpgbuild.core.trace import Trace
from cpgbuild.engine.warehouse import TRACE
from tests.support.projects import ProjectFolder, empty_project

HEAD = """
import ibis
import pyarrow as pa
from cpgbuild import Catalog, compute, view
"""


@dataclass
class Site:
    """A project that can be edited and built; after a build the fields say what happened."""

    folder: ProjectFolder
    events: list[Event] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def root(self) -> Path:
        return self.folder.root

    def sql(self, name: str, text: str, kind: str = "compute", more: str = "") -> None:
        """Write a task of SQL; `more` goes into its header."""
        self.folder.write(f"tasks/{name}.sql", f'-- cpgbuild: kind = "{kind}"{more}\n{text}\n')

    def python(self, name: str, text: str) -> None:
        """Write a module of tasks, with the usual imports."""
        path = self.folder.write(f"tasks/{name}.py", text)
        path.write_text(HEAD + path.read_text())

    def build(self, *targets: str, **options: Any) -> dict[str, list[str]]:
        """Build; return the stored tasks that ran by dataset or part, with why."""
        self.events = []
        self.outcome = api.build(self.root, targets=targets, report=self.events.append, **options)
        return {
            e.task.output: [f"{r.cause} {r.dataset}" for r in e.reasons]
            for e in self.events
            if isinstance(e, Built | Unchanged) and e.task.stored
        }

    def built(self, *targets: str) -> dict[str, list[str]]:
        """Build without any failure."""
        ran = self.build(*targets)
        errors = [e.error for e in self.events if isinstance(e, Failed)]
        if errors:
            raise errors[0]
        return ran

    @property
    def restored(self) -> list[str]:
        """The outputs that the last build restored, sorted."""
        return sorted(self.said(Restored))

    @property
    def unchanged(self) -> list[str]:
        """The outputs that came out of the last build as they were, sorted."""
        return sorted(self.said(Unchanged))

    def said(self, kind: type[Event]) -> dict[str, Any]:
        """Return the events of a kind by output."""
        kinds = (Built, Unchanged, Restored, UpToDate, Failed, Skipped)
        return {
            e.task.output: e for e in self.events if isinstance(e, kind) and isinstance(e, kinds)
        }

    def delta(self, output: str) -> DeltaTable:
        return DeltaTable(self.root / "warehouse" / output.replace("/", "."))

    def version(self, output: str) -> int:
        return self.delta(output).version()

    def table(self, output: str) -> pa.Table:
        """Return a table as Delta stores it."""
        return _read(self.delta(output))

    def rows(self, output: str) -> list[tuple[Any, ...]]:
        """Return a table's rows, sorted."""
        return sorted(tuple(row.values()) for row in self.table(output).to_pylist())

    def trace(self, output: str) -> Trace:
        found = Trace.from_json(self.delta(output).history(1)[0][TRACE])
        assert found is not None
        return found


def _read(table: DeltaTable) -> pa.Table:
    import datafusion

    session = datafusion.SessionContext()
    session.register_table("t", table)
    return pa.table(session.table("t").to_arrow_table())


def site(root: Path, sources: str = "", **config: str) -> Site:
    """Return a project with these tables of sources, each `name = "format path"` a line."""
    text = '[project]\nname = "site"\ntasks = ["tasks"]\nwarehouse = "warehouse"\n'
    for section, body in config.items():
        text += f"[{section}]\n{body}\n"
    for line in sources.strip().splitlines():
        name, form, path = line.split()
        text += f'[sources.{name}]\nformat = "{form}"\npath = "{path}"\n'
    return Site(empty_project(root, text))
