"""What it saves to evaluate a view once for all tables that read it, beside doing without.

    python bench/shared.py [--rows 20000000] [--readers 6] [--runs 3]

So many tables read one view that groups the rows of a source. A build from nothing, where nobody
knows yet what the view takes, and one where all tables were edited. Prints markdown.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import datafusion
from datapath import cost

CONFIG = """
[project]
name = "shared"
warehouse = "warehouse"

[sources.events]
path = "data/events.parquet"
"""
VIEW = (
    "SELECT key, sum(v) AS total, count(*) AS n, count(DISTINCT v) AS kinds, max(id) AS last "
    "FROM events GROUP BY key\n"
)
ALONE = "from cpgbuild.core import sharing; sharing.LEAST = float('inf'); "
RUN = "from cpgbuild.__main__ import main; import sys; sys.argv = ['cpgbuild', 'build']; main()"
WAYS = {"once for all": RUN, "by each reader": ALONE + RUN}
CASES = ("from nothing", "all tables edited")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    seconds: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="shared-") as work:
        data = Path(work) / "data"
        write_data(data, given.rows)
        for _ in range(given.runs):
            for way, program in WAYS.items():
                folder = Path(work) / "project"
                shutil.rmtree(folder, ignore_errors=True)
                write_project(folder, data)
                for number, case in enumerate(CASES):
                    write_tables(folder, given.readers, number)
                    took = cost(folder, "-c", program)["wall"]
                    seconds.setdefault((case, way), []).append(took)
    once, each = WAYS
    print(f"{given.readers} tables read a view of {given.rows:,} grouped rows; wall seconds.\n")
    print(f"| | {each} | {once} | ratio |\n|---|--:|--:|--:|")
    for case in CASES:
        slow, fast = (statistics.median(seconds[case, way]) for way in (each, once))
        print(f"| {case} | {slow:.1f} | {fast:.1f} | {fast / slow:.2f} |")


def write_data(folder: Path, rows: int) -> None:
    """Write the source."""
    folder.mkdir(parents=True)
    events = datafusion.SessionContext().sql(
        "SELECT value AS id, (value * 7919) % 200003 AS key, (value * 31) % 1009 AS v "
        f"FROM generate_series(1, {rows})"
    )
    events.write_parquet(str(folder / "events.parquet"), compression="zstd")


def write_project(folder: Path, data: Path) -> None:
    """Write the project without its tables."""
    (folder / "tasks").mkdir(parents=True)
    (folder / "data").symlink_to(data)
    (folder / "cpgbuild.toml").write_text(CONFIG)
    (folder / "tasks/per_key.sql").write_text(VIEW)


def write_tables(folder: Path, count: int, edition: int) -> None:
    """Write the tables; each edition gives other rows."""
    for number in range(count):
        text = f"SELECT n, sum(total) + {edition} AS total, max(kinds) AS kinds FROM per_key"
        where = f" WHERE last % {number + 2} <> 0 GROUP BY n\n"
        head = '-- cpgbuild: kind = "compute"\n'
        (folder / f"tasks/table_{number}.sql").write_text(head + text + where)


if __name__ == "__main__":
    main()
