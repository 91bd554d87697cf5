"""What planning costs: cpgbuild beside its peers on one generated project, in CPU seconds.

    python bench/speed.py [--models 100,1000] [--peers all|none|dbt,...] [--runs 3] [--out FILE]

For each number of models and each tool: a cold plan (no state at all) with its peak memory, a build
where nothing changed, and a plan after one model was edited. The least of all runs: what else the
machine does only adds to it; tools take turns, so that it does so for all. Peers are run where they
are installed in $PEERS_HOME (bench/peers/setup.sh does it). Prints markdown.
"""

import argparse
import datetime as dt
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from peers.dag import make_dag
from peers.scenarios import Bench
from peers.timing import PLANS, Meter, anew
from peers.tools import FORMS, PEERS, Cpgbuild, CpgbuildIbis, Tool, ToolFailedError
from peers.tools.base import peers_home

# What each tool does where nothing changed is compared with what the first of them does.
WHAT = ("cold plan", "its wall time", "peak MiB", "unchanged build", "plan after an edit")
# The least that planning a project of Ibis can cost.
BARE = "Ibis' expressions, built and compiled"
Cost = dict[str, float]


@dataclass
class Subject:
    """One tool with a project of its own, and what was measured of it."""

    tool: Tool
    costs: dict[str, list[float]] = field(default_factory=dict)
    failed: str = ""

    def note(self, what: str, value: float) -> None:
        self.costs.setdefault(what, []).append(value)

    def least(self, what: str) -> float | None:
        """Return the least of what was measured: what else the machine does only adds to it."""
        return min(self.costs[what]) if what in self.costs else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--models", default="100,1000")
    parser.add_argument("--peers", default="all", help="all, none, or names with commas")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a file that gets the same text")
    given = parser.parse_args()
    lines = [_head()]
    for models in map(int, given.models.split(",")):
        with tempfile.TemporaryDirectory(prefix="speed-") as work:
            subjects = list(_subjects(models, Path(work), given.peers))
            for turn in range(given.runs):
                for subject in subjects:
                    _turn(subject, turn)
            lines += _table(models, subjects)
    text = "\n".join(lines)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def _head() -> str:
    today = dt.datetime.now(dt.UTC).date()
    python = platform.python_version()
    return f"{today}, {platform.machine()}, {os.cpu_count()} cores, Python {python}. CPU seconds.\n"


def _subjects(models: int, work: Path, peers: str) -> Iterator[Subject]:
    home = peers_home()
    for own in FORMS:
        yield Subject(own(make_dag(models), work / own.key))
    for peer in PEERS:
        tool = peer(make_dag(models), work / peer.key, home)
        wanted = peers == "all" or peer.key in peers.split(",")
        if home and wanted and peer.key in PLANS and tool.installed():
            yield Subject(tool)


def _turn(subject: Subject, turn: int) -> None:
    if subject.failed:
        return
    tool = subject.tool
    try:
        anew(tool)
        plan = _metered(tool, lambda: tool.run(*_plan(tool)))
        subject.note("cold plan", plan["cpu"])
        subject.note("its wall time", plan["wall"])
        subject.note("peak MiB", plan["peak_mib"])
        if isinstance(tool, CpgbuildIbis):
            bare = [sys.executable, str(Path(__file__).with_name("bare_ibis.py")), "."]
            subject.note(BARE, _metered(tool, lambda: tool.run(*bare))["cpu"])
        tool.build()
        for _ in "12":
            subject.note("unchanged build", _metered(tool, lambda: _build(tool))["cpu"])
        Bench(tool).edit(least=tool.dag.middle().least + 10 + turn)
        subject.note("plan after an edit", _metered(tool, lambda: tool.run(*_plan(tool)))["cpu"])
    except ToolFailedError as error:
        subject.failed = str(error).strip().splitlines()[-1]
        print(f"{tool.title}: {error}", file=sys.stderr)


def _plan(tool: Tool) -> list[str]:
    if isinstance(tool, Cpgbuild):
        return tool.command("plan")
    return list(map(str, PLANS[tool.key](tool)))


def _build(tool: Tool) -> None:
    """Build; what is parsed of a tool's answer to know what ran is no part of its own work."""
    if isinstance(tool, Cpgbuild):
        tool.run(*tool.command("build"))
    else:
        tool.build()


def _metered(tool: Tool, action: Callable[[], object]) -> Cost:
    meter = Meter(tool)
    tool.run = meter.run  # type: ignore[method-assign]
    try:
        return meter.longest(action)
    finally:
        del tool.run


def _table(models: int, subjects: list[Subject]) -> list[str]:
    """Return the table: of each figure also how many times that of the first line it is."""
    first = subjects[0]
    lines = [
        "",
        f"### {models:,} models",
        "",
        f"| | {' | '.join(WHAT)} |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for subject in subjects:
        cells = [_cell(subject.least(what), first.least(what), what) for what in WHAT]
        note = " (failed)" if subject.failed else ""
        lines.append(f"| {subject.tool.title}{note} | {' | '.join(cells)} |")
        bare = subject.least(BARE)
        if bare is not None:
            share = (subject.least(WHAT[0]) or 0) / bare
            lines.append(f"| {BARE} | {bare:.2f} (cpgbuild's plan: {share:.1f} times) | | | | |")
    return lines


def _cell(value: float | None, first: float | None, what: str) -> str:
    if value is None or first is None:
        return "-"
    shown = f"{value:.0f}" if what == "peak MiB" else f"{value:.2f}"
    return shown if value == first else f"{shown} ({value / first:.1f}x)"


if __name__ == "__main__":
    main()
