"""What `cpgbuild import dbt` makes of a dbt project, beside what dbt made of it.

    python bench/dbt_import.py PATH/TO/DBT_PROJECT [--database FILE.duckdb]

The project was built by dbt with DuckDB (`dbt build`, then `dbt compile`). It is imported into an
empty folder, its views are made tables too, and all are built. Each model's table is compared with
the one in dbt's database: columns in their order, the number of rows, and the rows in any order,
where numbers of any type are compared as numbers, floats to nine digits. Prints markdown, and ends
with 1 if a model was not taken or differs.
"""

import argparse
import datetime as dt
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
from deltalake import DeltaTable

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--database", type=Path)
    options = parser.parse_args()
    database = options.database or next(iter(sorted(options.project.glob("*.duckdb"))))
    manifest = json.loads((options.project / "target" / "manifest.json").read_text())
    models = {name: n for name, n in manifest["nodes"].items() if n["resource_type"] == "model"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "imported"
        said = cpgbuild("import", "dbt", str(options.project), "--out", str(out))
        taken = {r["origin"]: r for r in said if r["event"] == "imported" and "task" in r}
        # What was written is built as it is; then what only is read is stored, so as to be seen.
        cpgbuild("build", "--project", str(out))
        for record in taken.values():
            path = out / record["path"]
            if record["task"].startswith("view."):
                path.write_text('-- cpgbuild: kind = "compute"\n' + path.read_text())
        cpgbuild("build", "--project", str(out))
        connection = duckdb.connect(str(database), read_only=True)
        differing = 0
        print("| model | rows | columns | beside dbt's |\n|---|---|---|---|")
        for name, model in sorted(models.items()):
            if name not in taken or model["config"]["materialized"] == "ephemeral":
                differing += name not in taken
                print(f"| {model['name']} | | | {'is a view' if name in taken else 'not taken'} |")
                continue
            theirs = connection.sql(f"FROM {model['relation_name']}").to_arrow_table()
            dataset = taken[name]["task"].partition(".")[2]
            ours = DeltaTable(out / "warehouse" / dataset).to_pyarrow_table()
            verdict = difference(ours, theirs)
            differing += verdict != "same"
            print(f"| {model['name']} | {ours.num_rows} | {ours.num_columns} | {verdict} |")
    return 1 if differing else 0


def cpgbuild(*arguments: str) -> list[dict]:
    command = [sys.executable, "-m", "cpgbuild", *arguments, "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"$ {' '.join(command)}\n{run.stdout}{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def difference(ours, theirs) -> str:
    """Return `same`, or what differs first."""
    names = [name.lower() for name in theirs.column_names]
    if ours.column_names != names:
        return f"columns {', '.join(ours.column_names)} in place of {', '.join(names)}"
    if ours.num_rows != theirs.num_rows:
        return f"{theirs.num_rows} rows there"
    for name, there in zip(names, theirs.columns, strict=True):
        here = Counter(map(plain, ours[name].to_pylist()))
        if here != Counter(map(plain, there.to_pylist())):
            return f"other values in {name}, of type {ours[name].type} and {there.type}"
    here, there = (
        Counter(zip(*(map(plain, column.to_pylist()) for column in table.columns), strict=True))
        for table in (ours, theirs)
    )
    return "same" if here == there else "the same values in other rows"


def plain(value):
    """Return a value so that it is equal whatever type holds it."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        return number if math.isnan(number) else float(f"{number:.9g}")
    if isinstance(value, list):
        return tuple(map(plain, value))
    return tuple(map(plain, value.values())) if isinstance(value, dict) else value


if __name__ == "__main__":
    sys.exit(main())
