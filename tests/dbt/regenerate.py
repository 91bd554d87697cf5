"""Writes what dbt makes of the bakery: `python tests/dbt/regenerate.py PATH/TO/dbt`.

`PATH/TO/dbt` is the program, in an environment with dbt-core 1.10 and dbt-duckdb. The manifest is
dbt's own, without macros, checksums and whatever else nobody reads; `built.json` has the rows of
the models' tables in DuckDB.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

HERE = Path(__file__).parent / "bakery"
KEPT = {
    "alias", "attached_node", "column_name", "compiled_code", "config", "depends_on", "description",
    "identifier", "language", "meta", "name", "original_file_path", "package_name", "path",
    "relation_name", "resource_type", "schema", "source_meta", "source_name", "tags",
    "test_metadata", "unique_id",
}  # fmt: skip
CONFIG = {
    "column_types", "contract", "delimiter", "error_if", "grants", "limit", "materialized", "meta",
    "post-hook", "pre-hook", "quote_columns", "severity", "where",
}  # fmt: skip
UNBUILT = ("forecast", "outlook")


def main(dbt: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "bakery"
        shutil.copytree(HERE, root, ignore=shutil.ignore_patterns("target"))
        with duckdb.connect(str(root / "bakery.duckdb")) as database:
            database.execute("CREATE SCHEMA raw")
            database.execute("CREATE TABLE raw.days AS SELECT '2024-02' AS month, 12 AS rain")
        run = ["--profiles-dir", ".", "--no-send-anonymous-usage-stats"]
        for command in (["seed"], ["run", "--exclude", *UNBUILT], ["compile", "--full-refresh"]):
            subprocess.run([dbt, *run[2:], *command, *run[:2]], cwd=root, check=True)
        manifest = json.loads((root / "target" / "manifest.json").read_text())
        small = {
            "metadata": {
                k: manifest["metadata"][k]
                for k in ("dbt_schema_version", "dbt_version", "project_name", "adapter_type")
            }
        }
        for kind in ("nodes", "sources", "exposures"):
            small[kind] = {name: lean(node) for name, node in sorted(manifest[kind].items())}
        target = HERE / "target"
        target.mkdir(exist_ok=True)
        (target / "manifest.json").write_text(json.dumps(small, indent=1) + "\n")
        built = {}
        with duckdb.connect(str(root / "bakery.duckdb")) as database:
            for node in small["nodes"].values():
                tabular = node.get("relation_name") and node["resource_type"] == "model"
                if tabular and node["name"] not in UNBUILT:
                    table = database.sql(f"FROM {node['relation_name']}").to_arrow_table()
                    built[node["alias"]] = table.to_pylist()
        (HERE / "built.json").write_text(json.dumps(built, indent=1, default=str) + "\n")


def lean(node: dict) -> dict:
    kept = {
        key: value for key, value in node.items() if key in KEPT and value not in (None, [], {}, "")
    }
    config = {
        k: v for k, v in node.get("config", {}).items() if k in CONFIG and v not in (None, [], {})
    }
    return kept | {"config": config}


if __name__ == "__main__":
    main(sys.argv[1])
