"""dbt-core and dbt Fusion: what state:modified+ selects against the build before."""

import os
import shutil
from pathlib import Path

from peers.dag import MART, STAGING, Model
from peers.queries import Spelling, query
from peers.sources import Shift
from peers.tools.base import Ran, Tool
from peers.tools.helpers import as_jinja, called

FOLDERS = {STAGING: "staging", MART: "marts"}
PROJECT = """name: bench
version: '1.0'
profile: bench
model-paths: [models]
macro-paths: [macros]
flags:
  send_anonymous_usage_stats: false
models:
  bench:
    +materialized: view
    marts:
      +materialized: table
"""
PROFILE = """bench:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: {path}
      schema: main
      threads: 2
"""
SPELLING = Spelling(
    model=lambda name: f"{{{{ ref('{name}') }}}}",
    source=lambda i: f"{{{{ source('raw', 'src_{i:05d}') }}}}",
    helper=called("{{ ", repr, " }}"),
)


class Dbt(Tool):
    """dbt-core with dbt-duckdb: all at first, then state:modified+, as in a slim CI job."""

    key = "dbt"
    title = "dbt-core"
    project_flags = ("--profiles-dir", ".")

    def installed(self) -> bool:
        return self.program().exists()

    def program(self) -> Path:
        return self.venv(self.key, "dbt")

    def version(self) -> str:
        return self.package_version("dbt", "dbt-core")

    def write_project(self) -> None:
        self.write("dbt_project.yml", PROJECT)
        self.write("profiles.yml", PROFILE.format(path=self.folder / "db.duckdb"))
        self.write("models/sources.yml", self.sources())

    def sources(self) -> str:
        lines = ["version: 2", "sources:", "  - name: raw", "    schema: main", "    tables:"]
        for i in range(self.dag.sources):
            lines += [
                f"      - name: src_{i:05d}",
                "        config:",
                "          meta:",
                f'            external_location: "{self.parquet(i)}"',
            ]
        return "\n".join(lines) + "\n"

    def write_model(self, model: Model) -> None:
        folder = FOLDERS.get(model.layer, "intermediate")
        self.write(f"models/{folder}/{model.name}.sql", query(model, SPELLING) + "\n")

    def write_helpers(self) -> None:
        self.write("macros/helpers.sql", as_jinja(self.dag.helpers))

    def build(self) -> Ran:
        state = self.folder / "state"
        changed = ("-s", "state:modified+", "--state", "state") if state.exists() else ()
        command = (self.program(), "run", "--threads", "2", *self.project_flags, *changed)
        ran = self.ran_by_report("target/run_results.json", "results", "unique_id", *command)
        state.mkdir(exist_ok=True)
        shutil.copy(self.folder / "target/manifest.json", state / "manifest.json")
        return ran

    def relations(self) -> dict[str, str]:
        return self.in_database("main")


class Fusion(Dbt):
    """dbt Fusion. Its DuckDB has no external sources, so that they are copied into tables."""

    key = "fusion"
    title = "dbt Fusion"

    def version(self) -> str:
        return self.package_version("fusion", "dbt")

    def sources(self) -> str:
        names = "".join(f"      - name: src_{i:05d}\n" for i in range(self.dag.sources))
        return (
            "version: 2\nsources:\n  - name: raw\n    schema: raw\n    database: db\n"
            f"    tables:\n{names}"
        )

    def write_project(self) -> None:
        super().write_project()
        self.load(
            "CREATE SCHEMA IF NOT EXISTS raw;" + "".join(map(self.copied, range(self.dag.sources)))
        )

    def change_source(self, source: int, shift: Shift) -> None:
        super().change_source(source, shift)
        self.load(self.copied(source))

    def copied(self, source: int) -> str:
        return (
            f"CREATE OR REPLACE TABLE raw.src_{source:05d} AS SELECT * FROM {self.parquet(source)};"
        )

    def load(self, statements: str) -> None:
        self.run(self.venv("doit", "duckdb"), "-batch", "db.duckdb", "-c", statements)

    def variables(self) -> dict[str, str]:
        """Return the environment; the driver is taken from npm's package, since its own is on a CDN."""
        library = os.environ.get("PEERS_LIBDUCKDB") or str(
            (self.home or Path()) / "npm/node_modules/@duckdb/node-bindings-linux-x64"
        )
        return {**super().variables(), "LD_LIBRARY_PATH": library}
