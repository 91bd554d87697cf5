"""Measure what planning and building cost one tool on the generated project.

    python bench/peers/timing.py TOOL MODELS [--runs 3] [--cap 100] [--plan-only]

Prints a line of JSON for each measurement: medians of wall seconds, of CPU seconds (of the command
and of all processes that it waited for), and of the peak memory of the largest single process. A
measurement is repeated until its runs took `--cap` seconds in all. Of several commands that a build
consists of, the longest counts.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.dag import make_dag
from peers.scenarios import SCENARIOS, Bench
from peers.tools import OWN, PEERS, Tool, ToolFailedError
from peers.tools.base import TIMEOUT_SECONDS, peers_home

# A bare interpreter starts the command and waits for it: the memory of this process, with Arrow and
# DuckDB loaded, would otherwise be the least that could be measured.
WAITER = """
import json, os, sys, time
began = time.perf_counter()
pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(pid, 0)
cost = {"wall": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024}
open(sys.argv[1], "w").write(json.dumps(cost))
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""
DBT = ("--profiles-dir", ".")
# What only plans: with no state the first time, with that of a build the second.
PLANS: dict[str, Callable[[Tool], list[Any]]] = {
    "cpgbuild-tables": lambda t: [*_cpgbuild(t), "plan"],
    "cpgbuild-views": lambda t: [*_cpgbuild(t), "plan"],
    "dbt": lambda t: [t.venv("dbt", "dbt"), "parse", *DBT],
    "fusion": lambda t: [t.venv("fusion", "dbt"), "parse", *DBT],
    "sqlmesh": lambda t: [t.venv("sqlmesh", "sqlmesh"), "plan", "--explain", "--no-prompts"],
    "sqlbuild": lambda t: [t.venv("sqlbuild", "sqb"), "compile"],
    "lea": lambda t: [t.venv("lea", "lea"), "run", "--dry-run"],
    "doit": lambda t: [t.venv("doit", "doit"), "list", "--all", "--status"],
    "snakemake": lambda t: [t.venv("snakemake", "snakemake"), "-n", "-q", "all"],
    "make": lambda _: ["make", "-n"],
    "ninja": lambda t: [t.venv("doit", "ninja"), "-n"],
}
TIMED = ("noop", "edit", "revert", "source")


@dataclass
class Meter:
    """Runs a tool's commands in its place, and keeps what each cost."""

    tool: Tool
    costs: list[dict[str, float]] = field(default_factory=list)

    def run(self, *command: str | Path) -> str:
        """Do what `Tool.run` does."""
        with tempfile.NamedTemporaryFile("r") as cost:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", WAITER, cost.name, *map(str, command)],
                cwd=self.tool.folder,
                env=self.tool.variables(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
            if done.returncode:
                raise ToolFailedError((done.stdout + done.stderr)[-2000:])
            self.costs.append(json.load(cost))
        return done.stdout

    def longest(self, action: Callable[[], object]) -> dict[str, float]:
        """Return the cost of the longest command of an action."""
        self.costs.clear()
        action()
        return max(self.costs, key=lambda cost: cost["wall"])


def main() -> None:
    """Measure one tool."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tool", choices=[t.key for t in (*OWN, *PEERS)])
    parser.add_argument("models", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cap", type=float, default=100)
    parser.add_argument("--plan-only", action="store_true")
    given = parser.parse_args()
    chosen = next(t for t in (*OWN, *PEERS) if t.key == given.tool)
    with tempfile.TemporaryDirectory(prefix="timing-") as work:
        tool = chosen(make_dag(given.models), Path(work) / "project", peers_home())
        for what, action, before in _measurements(tool, plan_only=given.plan_only):
            costs = list(_costs(tool, action, before, given))
            print(
                json.dumps({"tool": given.tool, "n": given.models, "what": what} | _medians(costs))
            )


def _cpgbuild(tool: Tool) -> list[str]:
    return tool.command()  # type: ignore[attr-defined]


def _measurements(
    tool: Tool, *, plan_only: bool
) -> Iterator[tuple[str, Callable[[], object], Callable[[int], object]]]:
    """Yield name, action, and what is done before each run of it."""
    # Planning can leave state behind, so that each cold run has a project of its own.
    plan = PLANS.get(tool.key)
    if plan:
        yield "cold plan", lambda: tool.run(*plan(tool)), lambda _: anew(tool)
    if plan_only:
        return
    yield "first build", tool.build, lambda _: anew(tool)
    if plan:
        yield "warm plan", lambda: tool.run(*plan(tool)), lambda _: None
    bench = Bench(tool)
    for scenario in SCENARIOS:
        if scenario.key in TIMED:
            yield scenario.key, tool.build, _changes(bench, scenario.key)


def anew(tool: Tool) -> None:
    """Write a tool's project again, in an empty folder."""
    shutil.rmtree(tool.folder, ignore_errors=True)
    tool.write_all()


def _changes(bench: Bench, key: str) -> Callable[[int], object]:
    """Return what makes a change that is another one in every run."""

    def change(run: int) -> None:
        least = bench.tool.dag.middle().least
        if key == "edit":
            bench.edit(least=least + 10)
        if key == "revert":  # of the run before: to and fro
            bench.edit(least=least + (10 if run % 2 else -10))
        if key == "source":
            bench.shift_source(everywhere=run + 1)

    return change


def _costs(
    tool: Tool,
    action: Callable[[], object],
    before: Callable[[int], object],
    given: argparse.Namespace,
) -> Iterator[dict[str, float]]:
    spent = 0.0
    for run in range(given.runs):
        before(run)
        meter = Meter(tool)
        tool.run = meter.run  # type: ignore[method-assign]
        cost = meter.longest(action)
        del tool.run
        spent += cost["wall"]
        yield cost
        if spent > given.cap:
            return


def _medians(costs: list[dict[str, float]]) -> dict[str, float]:
    medians = {name: round(statistics.median(c[name] for c in costs), 3) for name in costs[0]}
    return medians | {"runs": len(costs)}


if __name__ == "__main__":
    main()
