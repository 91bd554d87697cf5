"""What a build costs beside a script of the same queries, written by hand.

    python bench/datapath.py [--rows 50000000] [--runs 3] [--memory-limit]

Twenty tables over one of so many rows: what passes a filter, sums by keys, joins. The script runs
each query in DataFusion and has deltalake write what comes, one after the other; the project has
the same texts as tasks. Both begin without a table, by turns; medians of wall and CPU seconds, the
largest memory. With `--memory-limit`, one build more, with a quarter of the data's size for the
engine. Prints markdown.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datafusion
from peers.timing import WAITER

ROOT = Path(__file__).resolve().parents[1]
KEYS = 100_000
SCRIPT = """
import sys
from pathlib import Path

import datafusion
from deltalake import write_deltalake

# Without this, a join that deltalake pulls may wait for its own other side for ever.
off = "datafusion.optimizer.enable_join_dynamic_filter_pushdown"
ctx = datafusion.SessionContext(datafusion.SessionConfig().set(off, "false"))
for name in ("events", "items"):
    ctx.register_parquet(name, f"data/{name}.parquet")
for file in sorted(Path("tasks").glob("*.sql")):
    write_deltalake(f"{sys.argv[1]}/{file.stem}", ctx.sql(file.read_text()))
"""
CONFIG = """
[project]
name = "datapath"
warehouse = "warehouse"

[sources.events]
path = "data/events.parquet"

[sources.items]
path = "data/items.parquet"
"""


def queries() -> dict[str, str]:
    """Return twenty queries by the names of their tables."""
    made = {}
    for n in range(8):
        made[f"passed_{n}"] = (
            f"SELECT id, key, at, v1 * {n + 1} AS v1, v2 FROM events WHERE key % 20 = {n}"
        )
    for n in range(6):
        made[f"sums_{n}"] = (
            "SELECT key, count(*) AS n, sum(v1) AS v1, max(v2) AS v2, min(at) AS at "
            f"FROM events WHERE v1 % 7 <> {n} GROUP BY key"
        )
    for n in range(4):
        made[f"joined_{n}"] = (
            "SELECT e.id, i.name, e.v1 + i.price AS v1 FROM events AS e "
            f"JOIN items AS i ON e.key = i.key WHERE i.kind = {n} AND e.v2 > 500"
        )
    for n in range(2):
        made[f"days_{n}"] = (
            "SELECT date_trunc('day', at) AS day, cat, count(DISTINCT key) AS keys, sum(v1) AS v1 "
            f"FROM events WHERE v2 > {n * 300} GROUP BY date_trunc('day', at), cat"
        )
    return made


def write_data(folder: Path, rows: int) -> int:
    """Write the sources; return how many bytes the larger one takes in memory."""
    (folder / "data").mkdir(parents=True)
    ctx = datafusion.SessionContext()
    events = ctx.sql(
        f"SELECT value AS id, CAST((value * 7919) % {KEYS} AS INT) AS key, "
        "'category ' || CAST(value % 40 AS VARCHAR) AS cat, "
        "to_timestamp(1700000000 + value / 10) AS at, "
        "(value * 31) % 1000003 AS v1, (value * 17) % 1009 AS v2 "
        f"FROM generate_series(1, {rows})"
    )
    events.write_parquet(str(folder / "data/events.parquet"), compression="zstd")
    items = ctx.sql(
        "SELECT CAST(value AS INT) AS key, 'item ' || CAST(value AS VARCHAR) AS name, "
        f"value % 100 AS price, value % 25 AS kind FROM generate_series(0, {KEYS - 1})"
    )
    items.write_parquet(str(folder / "data/items.parquet"), compression="zstd")
    return rows * (8 + 4 + 12 + 8 + 8 + 8)


def write_project(folder: Path, limit: int | None = None) -> None:
    """Write the project, and beside it the script."""
    engine = f'\n[engine]\nmemory_limit = "{limit >> 20}MB"\n' if limit else ""
    (folder / "cpgbuild.toml").write_text(CONFIG + engine)
    (folder / "script.py").write_text(SCRIPT)
    (folder / "tasks").mkdir(exist_ok=True)
    for name, text in queries().items():
        head = '-- cpgbuild: kind = "compute"\n'
        (folder / f"tasks/{name}.sql").write_text(f"{head}{text}\n")


def cost(folder: Path, *command: str) -> dict[str, float]:
    """Run a command in a folder; return wall and CPU seconds, and the peak of memory in MiB."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.NamedTemporaryFile(mode="r") as told:
        wait = [sys.executable, "-c", WAITER, told.name, sys.executable, *command]
        subprocess.run(
            wait, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=3600
        )
        found: dict[str, float] = json.load(told)
    return found


def build(folder: Path) -> dict[str, float]:
    for stale in ("warehouse", ".cpgbuild"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    return cost(folder, "-m", "cpgbuild", "build")


def script(folder: Path) -> dict[str, float]:
    shutil.rmtree(folder / "by_hand", ignore_errors=True)
    return cost(folder, "script.py", "by_hand")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-limit", action="store_true")
    given = parser.parse_args()
    ways = {"script": script, "cpgbuild build": build}
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="datapath-") as work:
        folder = Path(work)
        size = write_data(folder, given.rows)
        write_project(folder)
        print(f"{len(queries())} tables over {given.rows:,} rows ({size >> 20:,} MiB in memory);")
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
        print("| | wall s | CPU s | peak MiB |\n|---|---|---|---|", flush=True)
        for _ in range(given.runs):
            for name, way in ways.items():
                costs[name].append(way(folder))
        middle = {
            name: {what: statistics.median(c[what] for c in found) for what in found[0]}
            for name, found in costs.items()
        }
        for name, found in middle.items():
            print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in found.values()) + " |")
        first, second = middle.values()
        ratios = (second[what] / first[what] for what in first)
        print("| ratio | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
        if given.memory_limit:
            write_project(folder, size // 4)
            limited = build(folder)
            shown = " | ".join(f"{value:.1f}" for value in limited.values())
            print(f"| with {size >> 22:,} MiB for the engine | {shown} |")


if __name__ == "__main__":
    main()
