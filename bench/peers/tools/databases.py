"""SQLMesh, SQLBuild and lea: tools with a state of their own, over one DuckDB file."""

import json
import re

from peers.dag import Model
from peers.queries import Spelling, inlined, query
from peers.tools.base import Ran, Tool
from peers.tools.helpers import as_python, called

SOURCE_COLUMNS = {
    "id": "BIGINT",
    "cat": "VARCHAR",
    "v1": "BIGINT",
    "v2": "BIGINT",
    "ts": "DATE",
    "unused": "VARCHAR",
}
PHYSICAL = """import duckdb, json
rows = duckdb.connect('db.duckdb', read_only=True).execute(
    "select table_name from information_schema.tables where table_schema like 'sqlmesh__%'").fetchall()
print(json.dumps([r[0] for r in rows]))
"""


class SqlMesh(Tool):
    """SQLMesh: `plan --auto-apply`. What ran is what physical tables and views are new."""

    key = "sqlmesh"
    title = "SQLMesh"

    def installed(self) -> bool:
        return self.venv("sqlmesh", "sqlmesh").exists()

    def version(self) -> str:
        return self.package_version("sqlmesh", "sqlmesh")

    def write_project(self) -> None:
        self.write(
            "config.yaml",
            "gateways:\n  local:\n    connection:\n      type: duckdb\n"
            f"      database: {self.folder}/db.duckdb\ndefault_gateway: local\n"
            "model_defaults:\n  dialect: duckdb\n  start: 2026-01-01\n  cron: '@daily'\n"
            "linter:\n  enabled: false\n",
        )

    def write_model(self, model: Model) -> None:
        kind = "FULL" if model.table else "VIEW"
        spell = Spelling("m.{}".format, self.parquet, called("@", str))
        header = f"MODEL (\n  name m.{model.name},\n  kind {kind}\n);\n\n"
        self.write(f"models/{model.name}.sql", f"{header}{query(model, spell)}\n")

    def write_helpers(self) -> None:
        text = as_python(self.dag.helpers)
        for name in ("is_kept", "size_class"):
            text = text.replace(f"def {name}(", f"@macro()\ndef {name}(evaluator, ")
        self.write("macros/__init__.py", "")
        self.write("macros/helpers.py", "from sqlmesh import macro\n" + text)

    def build(self) -> Ran:
        before = self.physical()
        self.run(self.venv("sqlmesh", "sqlmesh"), "plan", "--no-prompts", "--auto-apply")
        return self.as_ran(name.split("__")[1] for name in self.physical() - before)

    def physical(self) -> set[str]:
        """Return the names of what is stored: a model's name and a fingerprint of it."""
        if not (self.folder / "db.duckdb").exists():
            return set()
        return set(json.loads(self.run(self.venv("sqlmesh", "python"), "-c", PHYSICAL)))

    def relations(self) -> dict[str, str]:
        return self.in_database("m")


class SqlBuild(Tool):
    """SQLBuild: `sqb build`."""

    key = "sqlbuild"
    title = "SQLBuild"

    def installed(self) -> bool:
        return self.venv("sqlbuild", "sqb").exists()

    def version(self) -> str:
        return self.package_version("sqlbuild", "sqlbuild")

    def write_project(self) -> None:
        self.write(
            "sqlbuild_project.toml",
            'name = "bench"\nadapter = "duckdb"\ndefault_target = "dev"\n\n'
            f'[connections.local]\ndatabase = "{self.folder}/db.duckdb"\n\n'
            '[targets.dev]\nconnection = "local"\nschema = "main"\n\n'
            '[defaults]\nmaterialized = "view"\n',
        )
        self.write(
            "sources/raw.yml", "sources:\n" + "".join(map(self.source, range(self.dag.sources)))
        )

    def source(self, i: int) -> str:
        columns = "".join(
            f"      - name: {name}\n        type: {type_}\n"
            for name, type_ in SOURCE_COLUMNS.items()
        )
        return (
            f"  - name: raw__src_{i:05d}\n    description: Generated source {i}.\n"
            f'    expression: "SELECT * FROM {self.parquet(i)}"\n    columns:\n{columns}'
        )

    def write_model(self, model: Model) -> None:
        spell = Spelling(
            '__ref("{}")'.format, '__source("raw__src_{:05d}")'.format, called("@py.", _quoted)
        )
        kind = "table" if model.table else "view"
        header = f'MODEL (\n  materialized {kind},\n  description "Model {model.name}.",\n);\n\n'
        self.write(f"models/{model.name}.sql", f"{header}{query(model, spell)}\n")

    def write_helpers(self) -> None:
        # Its linter wants macros in the folder of their callers.
        self.write("models/_macros/python/helpers.py", as_python(self.dag.helpers))

    def build(self) -> Ran:
        command = (self.venv("sqlbuild", "sqb"), "build", "--json-output", "report.json")
        return self.ran_by_report("report.json", "assets", "name", *command)

    def relations(self) -> dict[str, str]:
        return self.in_database("main")


class Lea(Tool):
    """lea: `lea run`. It has no views, and always runs everything: three scenarios show that."""

    key = "lea"
    title = "lea"
    scenarios = ("noop", "edit", "source")

    def installed(self) -> bool:
        return self.venv("lea", "lea").exists()

    def version(self) -> str:
        return self.package_version("lea", "lea-cli")

    def write_project(self) -> None:
        path = self.folder / "db.duckdb"
        self.write(".env", f"LEA_WAREHOUSE=duckdb\nLEA_DUCKDB_PATH={path}\nLEA_USERNAME=bench\n")

    def write_model(self, model: Model) -> None:
        spell = Spelling("m.{}".format, self.parquet, inlined(self.dag.helpers))
        self.write(f"scripts/m/{model.name}.sql", query(model, spell) + "\n")

    def build(self) -> Ran:
        printed = self.run(self.venv("lea", "lea"), "run")
        # Each model is first made under a name with a suffix, and given its own when all are good.
        names = set(re.findall(r"SUCCESS\s+\S*?m\.([a-z]+(?:_\d+)+)", printed))
        return Ran(tables=tuple(sorted(names)))

    def relations(self) -> dict[str, str]:
        return {}  # everything has just been run


def _quoted(value: object) -> str:
    return f'"{value}"'
