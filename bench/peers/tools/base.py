"""What is common to all tools: a project in a folder, and a command that builds it."""

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from peers.dag import Dag, Model
from peers.sources import Shift, source_path, write_source

TIMEOUT_SECONDS = 600
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    "DO_NOT_TRACK": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "1",
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "NO_COLOR": "1",
    "COLUMNS": "200",
}


def peers_home() -> Path | None:
    """Return the folder that setup.sh has filled, if there is one."""
    home = os.environ.get("PEERS_HOME")
    return Path(home).resolve() if home else None


class ToolFailedError(Exception):
    """A tool's command ended with an error; the message has the last lines of its output."""


@dataclass(frozen=True)
class Ran:
    """Which models a build ran, by the tool's own record. Restored ones were not computed."""

    tables: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()  # of the tables: the rows were the same, nothing was committed
    restored: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        """Return all that ran."""
        return {*self.tables, *self.views}


@dataclass
class Tool(ABC):
    """One tool with its project. `home` is the folder that setup.sh has filled."""

    dag: Dag
    folder: Path
    home: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    key: ClassVar[str]
    title: ClassVar[str]
    scenarios: ClassVar[tuple[str, ...]] = ()  # which ones are worth running; none: all

    # What a tool has to say.

    @abstractmethod
    def installed(self) -> bool:
        """Tell whether the tool can be run here."""

    @abstractmethod
    def version(self) -> str:
        """Return the tool's version."""

    @abstractmethod
    def write_project(self) -> None:
        """Write what is there once for all models."""

    @abstractmethod
    def write_model(self, model: Model) -> None:
        """Write one model's file anew, or the file that it is in."""

    @abstractmethod
    def build(self) -> Ran:
        """Bring everything up to date, and return what ran."""

    @abstractmethod
    def relations(self) -> dict[str, str]:
        """Return what has been built as it is now: model to a relation that DuckDB can read.

        A name before a dot is `db`, the file db.duckdb of the project.
        """

    def write_helpers(self) -> None:
        """Write the module of helpers, if the tool has such a thing."""

    # What follows from it.

    def write_all(self) -> None:
        """Write the whole project into an empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for source in range(self.dag.sources):
            write_source(self.folder, source)
        self.write_project()
        self.write_helpers()
        self.write_models(self.dag.models.values())

    def write_models(self, models: Iterable[Model]) -> None:
        """Write several models' files."""
        for model in models:
            self.write_model(model)

    def change_source(self, source: int, shift: Shift) -> None:
        """Write a source's file with other rows."""
        write_source(self.folder, source, shift)

    def parquet(self, source: int) -> str:
        """Return a source as DuckDB reads it from anywhere."""
        return f"read_parquet('{source_path(self.folder, source)}')"

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def venv(self, name: str, program: str) -> Path:
        """Return a program of one of the environments that setup.sh makes."""
        return (self.home or Path("/nonexistent")) / f"v-{name}" / "bin" / program

    def run(self, *command: str | Path) -> str:
        """Run a command in the project's folder and return what it prints."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise ToolFailedError(
                f"{self.title}: exit code {done.returncode}\n" + "\n".join(lines[-12:])
            )
        return done.stdout

    def variables(self) -> dict[str, str]:
        """Return the environment of commands: DuckDB's command line and ninja are on its path."""
        programs = self.venv("doit", "python").parent
        path = f"{programs}:{os.environ['PATH']}" if self.home else os.environ["PATH"]
        # What is installed has its byte code; a checkout has it after the first run, if it may.
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {**inherited, **QUIET, "PATH": path, **self.environment}

    def package_version(self, venv: str, package: str) -> str:
        """Return the version of a Python package in an environment of setup.sh."""
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        return self.run(self.venv(venv, "python"), "-c", code).strip()

    def ran_by_log(self, *command: str | Path) -> Ran:
        """Run a build whose actions each append their model's name to ran.log."""
        log = self.folder / "ran.log"
        log.unlink(missing_ok=True)
        self.run(*command)
        return self.as_ran(log.read_text().split() if log.exists() else ())

    def ran_by_report(self, path: str, entries: str, name: str, *command: str | Path) -> Ran:
        """Run a build that writes a JSON report with a list of what it did."""
        report = self.folder / path
        report.unlink(missing_ok=True)
        self.run(*command)
        done = json.loads(report.read_text())[entries] if report.exists() else []
        names = [d[name].split(".")[-1] for d in done if d["status"] in {"success", "pass"}]
        return self.as_ran(names)

    def as_ran(self, names: Iterable[str]) -> Ran:
        """Return names as those of tables (marts) and of views (all others)."""
        found = set(names) & set(self.dag.models)
        tables = {n for n in found if self.dag.models[n].table}
        return Ran(tuple(sorted(tables)), tuple(sorted(found - tables)))

    def in_database(self, schema: str) -> dict[str, str]:
        """Return every model as a relation of the project's database file."""
        return {name: f"db.{schema}.{name}" for name in self.dag.models}
