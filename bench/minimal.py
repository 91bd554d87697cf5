"""Count which models rerun for what change: cpgbuild beside its peers, on one generated project.

    python bench/minimal.py [--peers all|none|dbt,make,...] [--out FILE] [--record]

Peers are run if they are installed in $PEERS_HOME (bench/peers/setup.sh does it); for the others
the figures in bench/peers/recorded.json are shown. Exit code 1: cpgbuild reran more than it has
to, or left a table that differs from a build from scratch.
"""

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from peers.dag import make_dag
from peers.scenarios import SCENARIOS, Result, Scenario, measure
from peers.tools import OWN, PEERS, Ran, Tool, ToolFailedError
from peers.tools.base import peers_home

MODELS = 100
RECORDED = Path(__file__).parent / "peers" / "recorded.json"
FIRST_COLUMN = 20
# The table's order; they are run in another one.
COLUMNS = (
    "noop", "edit", "comment", "space", "alias", "column",
    "unused", "same", "source", "revert", "helper", "refactor",
)  # fmt: skip
BY_KEY = {scenario.key: scenario for scenario in SCENARIOS}

FOOTNOTES = """\
Every scenario is one change on top of those before it. The project: 10 Parquet sources, 30 staging,
65 intermediate models in four layers, 5 marts. A cell is the number of models that ran, by the
tool's own record.

* `x` more than the bound. `W` a table differs from a build from scratch: after each scenario all
  stored models are compared with what DuckDB makes of the same queries from nothing.
* `!` a wrong skip: something that the tool stores is no longer what a build from scratch gives.
* `-` the tool has no such thing. `(r)` recorded figures: the tool is not installed here.
* A bound with a `+` is of the layout with views, tables+views: rows of a view are first seen by the
  table that reads it, and to redefine a view is no work.
* dbt and Fusion run `state:modified+` against the build before. They and SQLMesh's `plan` do not
  look at sources: 0 in `unus.` and `same` is right by luck, in `real` it is wrong. In their layout,
  in SQLBuild's and in `cpgbuild, views` only marts are stored; the others store every model, as
  `cpgbuild, tables` does.
* SQLBuild and lea run whatever is selected: nothing is ever skipped.
* Hamilton's cache knows a node by its own source text, not by the functions that it calls.
* make, ninja, doit and Snakemake have one file of helpers (macros of DuckDB) that 12 models read.
"""


@dataclass
class Row:
    """One tool's line of the table."""

    title: str
    cells: dict[str, str]
    version: str = ""
    note: str = ""
    results: dict[str, Result] = field(default_factory=dict)


@dataclass
class Verdict:
    """What is to be said of cpgbuild besides its figures."""

    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.missed and not self.wrong


@dataclass(frozen=True)
class Options:
    """What the command line says, and where peers are installed."""

    peers: str
    out: Path | None
    record: bool
    home: Path | None

    def wants(self, peer: type[Tool]) -> bool:
        return self.peers == "all" or peer.key in self.peers.split(",")


def main() -> int:
    """Measure, print, and return the exit code."""
    options = _options()
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="minimal-") as work:
        measured = [(tool, _measured(tool)) for tool in _own(Path(work))]
        own = [_own_row(tool, results, verdict) for tool, results in measured]
        peers = _peer_rows(Path(work), options)
    text = "\n".join(_report(own, peers, verdict))
    print(text)
    if options.out:
        options.out.write_text(text + "\n")
    return 0 if verdict.good else 1


def _options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--peers", default="all", help="all, none, or names with commas")
    parser.add_argument("--out", type=Path, help="a file that gets the same text")
    parser.add_argument("--record", action="store_true", help="keep the peers' figures")
    given = parser.parse_args()
    return Options(given.peers, given.out, given.record, peers_home())


def _own(work: Path) -> list[Tool]:
    return [tool(make_dag(MODELS), work / tool.key) for tool in OWN]


def _measured(tool: Tool) -> dict[str, Result]:
    began = time.monotonic()
    results = measure(tool)
    print(f"{tool.title}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return results


# cpgbuild


def _own_row(tool: Tool, results: dict[str, Result], verdict: Verdict) -> Row:
    cells = {}
    for key, result in results.items():
        if result.stale:
            verdict.wrong.append(f"{tool.title}, {key}: {', '.join(result.stale)}")
        if key in BY_KEY:
            cells[key] = _own_cell(tool, BY_KEY[key], result, verdict)
    return Row(f"**{tool.title}**", cells, tool.version(), results=results)


def _own_cell(tool: Tool, scenario: Scenario, result: Result, verdict: Verdict) -> str:
    count, views = len(result.ran.names), _has_views(tool)
    met = scenario.met_by(tool.dag, result.ran, views=views)
    if not met:
        bound = scenario.bound(views=views)
        verdict.missed.append(f"{tool.title}, {scenario.head}: {count} instead of {bound}")
    return f"{count}{'' if met else 'x'}{'W' if result.stale else ''}"


def _has_views(tool: Tool) -> bool:
    return tool.key == "cpgbuild-views"


def _bounds(*, views: bool) -> Row:
    cells = {s.key: s.bound(views=views) for s in SCENARIOS}
    return Row("*bound, views*" if views else "*bound, tables*", cells)


# Peers


def _peer_rows(work: Path, options: Options) -> list[Row]:
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    rows = []
    for peer in PEERS:
        row = _live_row(peer, work, options)
        if row and options.record:
            recorded[peer.key] = _record(row)
        if row is None and peer.key in recorded:
            row = _recorded_row(peer, recorded[peer.key])
        if row:
            rows.append(row)
    if options.record:
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")
    return rows


def _live_row(peer: type[Tool], work: Path, options: Options) -> Row | None:
    tool = peer(make_dag(MODELS), work / peer.key, options.home)
    if not options.home or not options.wants(peer) or not tool.installed():
        return None
    try:
        results = _measured(tool)
        version = tool.version()
    except ToolFailedError as error:
        print(error, file=sys.stderr)
        return None
    return Row(tool.title, _peer_cells(results), version, note="run now")


def _peer_cells(results: dict[str, Result]) -> dict[str, str]:
    """Return counts, with a mark where something has become stale that was not so before."""
    cells, before = {}, set[str]()
    for key, result in results.items():
        fresh_mark = "!" if set(result.stale) - before else ""
        before = set(result.stale)
        cells[key] = f"{len(result.ran.names)}{fresh_mark}"
    return cells


def _record(row: Row) -> dict[str, object]:
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return {"version": row.version, "date": date, "cells": row.cells}


def _recorded_row(peer: type[Tool], record: dict[str, object]) -> Row:
    note = f"recorded on {record['date']}"
    cells = {str(k): str(v) for k, v in dict(record["cells"]).items()}  # type: ignore[call-overload]
    return Row(f"{peer.title} (r)", cells, str(record["version"]), note)


# Text


def _report(own: list[Row], peers: list[Row], verdict: Verdict) -> Iterable[str]:
    yield f"# Models that rerun, of {MODELS}\n"
    yield from _table([_bounds(views=False), own[0], _bounds(views=True), own[1], *peers])
    yield ""
    yield from (f"* `{BY_KEY[key].head}`: {BY_KEY[key].words}" for key in COLUMNS)
    yield f"\n{FOOTNOTES}"
    yield from (f"* {_plain(row)} {row.version}: {row.note}" for row in peers)
    yield ""
    yield from _details(own)
    yield from _verdict(verdict)


def _table(rows: list[Row]) -> Iterable[str]:
    widths = [max(4, len(BY_KEY[key].head)) for key in COLUMNS]
    yield _line("", [BY_KEY[key].head for key in COLUMNS], widths)
    yield "|-" + "-" * FIRST_COLUMN + "-|" + "|".join("-" * (w + 1) + ":" for w in widths) + "|"
    for row in rows:
        yield _line(row.title, [row.cells.get(key, "-") for key in COLUMNS], widths)


def _line(title: str, cells: Iterable[str], widths: list[int]) -> str:
    shown = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {title.ljust(FIRST_COLUMN)} | {' | '.join(shown)} |"


def _details(own: list[Row]) -> Iterable[str]:
    """Return what cpgbuild's figures consist of: reruns are tables and views."""
    yield f"cpgbuild in detail ({own[0].version}); *same* are tables that came out as they were:\n"
    names = (f"{row.title.strip('*')}: ran, same; views; restored" for row in own)
    yield f"|             | {' | '.join(names)} |"
    yield f"|-------------|{'------|' * len(own)}"
    for key in ("first", *COLUMNS):
        head = BY_KEY[key].head if key in BY_KEY else "first build"
        counts = (_counts(row.results[key].ran).ljust(46) for row in own)
        yield f"| {head.ljust(11)} | {' | '.join(counts)} |"


def _counts(ran: Ran) -> str:
    return (
        f"{len(ran.tables)} tables, {len(ran.unchanged)} same; "
        f"{len(ran.views)} views; {len(ran.restored)} restored"
    )


def _plain(row: Row) -> str:
    return row.title.removesuffix(" (r)")


def _verdict(verdict: Verdict) -> Iterable[str]:
    if verdict.wrong:
        yield "\n**WRONG**: not what a build from scratch gives:\n"
        yield from (f"* {line}" for line in verdict.wrong)
    if verdict.missed:
        yield "\n**Missed**:\n"
        yield from (f"* {line}" for line in verdict.missed)
    if verdict.good:
        yield "\nEvery bound is met, and every table is what a build from scratch gives."


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolFailedError as error:  # of cpgbuild: a peer's is caught where it is run
        sys.exit(str(error))
