"""Killing: builds of a shifting project die at random moments, and what is left is looked at."""

from __future__ import annotations

import fcntl
import json
import os
import random
import select
import shutil
import time
from collections import Counter, deque
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from tests.support.forks import Child, Server, session
from tests.support.shifting import OF_KEPT, VOLATILE, Rows, Shifting, rows_of
from tests.support.watching import Happened, Watch

# A project gets so old, in kills: to be built for the first time is a time to die, too.
LIFE = 40
# What happened so recently, in seconds, is what the build was at.
RECENT = 0.005
DEAD_SECONDS = 5.0
FREE_SECONDS = 0.05
# One for each of the state files; whoever writes one again deletes what is old.
DRAFTS = 4
BUILD = ("build", "--json")


class Violation(Exception):
    """Something that must never be."""


@dataclass
class Tally:
    """What was done, and what it came to."""

    kills: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    events: Counter[str] = field(default_factory=Counter)
    remains: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    slowest_end: float = 0.0
    slowest_lock: float = 0.0


class Killer:
    """Edits, builds, kills and looks, over and over; everything is drawn from one seed."""

    def __init__(self, folder: Path, seed: str) -> None:
        """Take a folder that is not there yet."""
        self.luck = random.Random(seed)
        self.tally = Tally()
        self._folder = folder
        self._temporary = folder / "tmp"
        self._temporary.mkdir(parents=True)
        self._server = Server(TMPDIR=str(self._temporary), OPENBLAS_NUM_THREADS="1")
        self._number = 0
        self._durations: deque[float] = deque([1.0], maxlen=5)
        self._happenings: deque[int] = deque([60], maxlen=5)
        self._begin()

    def _begin(self) -> None:
        self._number += 1
        self.project = Shifting(self._folder / f"project-{self._number}", self.luck)
        self._house = self.project.root / "warehouse"
        self._known: dict[str, tuple[int, Rows]] = {}
        self._added: dict[Path, set[str]] = {}
        self._known_left: set[str] = set()

    def close(self) -> None:
        self._server.close()
        kinds = [entry.name.split("-")[0].split("_")[0] for entry in self._temporary.iterdir()]
        self.tally.remains.update(kinds)

    def once(self) -> None:
        """Edit, kill a build, look at what it left, and at times let a build come to its end.

        Raises:
            Violation: something is not as it must be.
        """
        if self.tally.kills and self.tally.kills % LIFE == 0:
            shutil.rmtree(self.project.root)
            self._begin()
        if self.luck.random() < 0.85:
            self.project.edit()
        if self._killed():
            self._look(is_finished=False)
        else:
            self.settles(again=False)
        if self.luck.random() < 0.2:
            self.settles()

    def settles(self, *, again: bool = True) -> None:
        """Build to the end: all is right, nothing is left over; then once more: nothing runs."""
        began, count = time.monotonic(), 0
        with closing(Watch(self.project.root)) as watch:
            records = self._built()
            while found := watch.taken():
                count += len(found)
        self._durations.append(time.monotonic() - began)
        self._happenings.append(count)
        self._look(is_finished=True)
        self.tally.finished += 1
        self.tally.events.update(record["event"] for record in records)
        if again:
            ran = {
                record["dataset"]
                for record in self._built()
                if record["event"] in {"built", "unchanged", "restored"}
            }
            _require(ran <= VOLATILE, f"ran again though nothing changed: {sorted(ran - VOLATILE)}")
            self._look(is_finished=True)

    def _start(self) -> Child:
        return self._server.start(
            *BUILD, folder=self.project.root, said=self._folder / "said.jsonl"
        )

    def _built(self) -> list[dict[str, Any]]:
        child = self._start()
        code = child.wait()
        words = f"{child.stdout}{child.stderr}"
        _require(code == 0, f"needs a hand: exit {code}\n{words}")
        _require("Traceback" not in words, words)
        self._is_alone(child.pid)
        return [json.loads(line) for line in child.stdout.splitlines()]

    def _killed(self) -> bool:
        """Start a build and kill it; return whether it had not ended before."""
        how = self.luck.choice(["alone", "group", "session"])
        by_event = self.luck.random() < 0.4
        moment = self.luck.uniform(0, 1.05 * max(self._durations))
        number = self.luck.randint(1, max(self._happenings))
        later = self.luck.choice([0.0, 0.0, self.luck.uniform(0, 0.004)])
        with closing(Watch(self.project.root)) as watch:
            child, began = self._start(), time.monotonic()
            seen: list[tuple[float, Happened]] = []
            while not child.has_ended():
                waits = 0.5 if by_event else max(0.0, began + moment - time.monotonic())
                select.select([watch, child], [], [], waits)
                seen += [(time.monotonic(), one) for one in watch.taken()]
                if len(seen) >= number if by_event else time.monotonic() - began >= moment:
                    break
            time.sleep(later)
            was_alive = not child.has_ended()
            died = time.monotonic()
            child.kill(how)
            code = child.wait()
            self._is_free()
            self._is_alone(child.pid)
            seen += [(died, one) for one in watch.taken()]
        if not was_alive or code >= 0:
            _require(code in {0, -9}, f"needs a hand: exit {code}\n{child.stdout}{child.stderr}")
            return False
        self.tally.kills += 1
        self.tally.ways[how] += 1
        self.tally.phases[_phase(seen, died)] += 1
        return True

    def _is_free(self) -> None:
        """See that the next build need not wait for the warehouse."""
        began = time.monotonic()
        for path in self._house.glob(".build-*.pid"):
            with path.open("a+") as file:
                while True:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except OSError:
                        took = time.monotonic() - began
                        _require(took < FREE_SECONDS, "the warehouse is not free")
                        time.sleep(0.001)
        self.tally.slowest_lock = max(self.tally.slowest_lock, time.monotonic() - began)

    def _is_alone(self, leader: int) -> None:
        """See that no process of a build outlives it for long."""
        began = time.monotonic()
        while alive := session(leader):
            took = time.monotonic() - began
            _require(took < DEAD_SECONDS, f"processes outlive the build: {alive}")
            time.sleep(0.01)
        self.tally.slowest_end = max(self.tally.slowest_end, time.monotonic() - began)

    def _look(self, *, is_finished: bool) -> None:
        """See that each table holds what it held, or what a build of now makes; then: all this."""
        tables = self._read(whole=is_finished)
        for name in self._known:
            _require(name in tables, f"lost: {name}")
        for name, (_, rows) in tables.items():
            before = self._known.get(name, (-1, None))[1]
            is_old = not is_finished and before is not None and rows == before
            _require(is_old or self._is_right(name, rows, tables), f"wrong: {name}\n{rows}")
        self.tally.checked += len(tables)
        self._known = tables
        left = self._left(tables)
        if is_finished:
            names = {*self.project.wanted, *OF_KEPT, "v_rank", "v_run"}
            _require(names == tables.keys(), f"missing: {sorted(names - tables.keys())}")
            theirs = [path for path in left if _is_deltas(path)]
            self.tally.remains.update(map(_kind, theirs))
            self._known_left.update(theirs)
            _require(len(theirs) == len(left), f"left over: {left}")
        self.tally.left.update({_kind(path) for path in left})
        self._age_drafts()

    def _age_drafts(self) -> None:
        """Let what was left of state files be old, and see that it does not become ever more."""
        old = time.time() - 3600
        drafts = list(self.project.root.glob(".*.[0-9]*"))
        drafts += self.project.root.glob(".cpgbuild/.*.[0-9]*")
        for path in drafts:
            os.utime(path, (old, old))
        if drafts:
            self.tally.left["a draft of a state file"] += 1
        _require(len(drafts) < DRAFTS, f"left over: {drafts}")

    def _is_right(self, name: str, rows: Rows, tables: dict[str, tuple[int, Rows]]) -> bool:
        if name in OF_KEPT:
            view, made = OF_KEPT[name]
            return view in tables and rows == made(tables[view][1])
        if name == "v_rank":
            return self.project.is_ranking(rows)
        if name == "v_run":
            return [len(run) for (run,) in rows.elements()] == [36]
        return rows == self.project.wanted[name]

    def _read(self, *, whole: bool) -> dict[str, tuple[int, Rows]]:
        found = {}
        for folder in sorted(self._house.iterdir()) if self._house.exists() else []:
            if not (folder / "_delta_log").is_dir():
                continue
            if folder.name not in self._known and not any((folder / "_delta_log").glob("*.json")):
                continue
            table = DeltaTable(folder)
            before = self._known.get(folder.name)
            if before is not None and before[0] == table.version() and not whole:
                there = all((folder / path).exists() for path in table.file_uris())
                _require(there, f"lost: a file of {folder.name}")
                found[folder.name] = before
            else:
                found[folder.name] = (table.version(), rows_of(table))
        return found

    def _left(self, tables: dict[str, tuple[int, Rows]]) -> list[str]:
        """Return the files in the project that no commit and no table knows."""
        left = [str(path) for path in self.project.root.rglob("*.tmp")]
        for folder in self._house.iterdir() if self._house.exists() else []:
            if folder.is_dir():
                left += [str(path) for path in (folder / "_cpgbuild").glob("staged-*")]
                known = self._committed(folder)
                for path in folder.rglob("*.parquet"):
                    name = path.relative_to(folder).as_posix()
                    is_aside = name.startswith(("_cpgbuild/", "_delta_log/"))
                    if name not in known and not is_aside and str(path) not in self._known_left:
                        left.append(str(path))
                drafts = map(str, filter(_is_draft, (folder / "_delta_log").glob("*")))
                left += [path for path in drafts if path not in self._known_left]
        return left

    def _committed(self, folder: Path) -> set[str]:
        known = self._added.setdefault(folder, set())
        for log in (folder / "_delta_log").glob("*.json"):
            if log.name in known:
                continue
            known.add(log.name)
            actions = map(json.loads, log.read_text().splitlines())
            known.update(action["add"]["path"] for action in actions if "add" in action)
        return known


def _is_draft(path: Path) -> bool:
    known = path.suffix in {".json", ".parquet"} or path.name == "_last_checkpoint"
    return path.is_file() and not known


def _is_deltas(path: str) -> bool:
    """Return whether Delta named a file: it sweeps nothing, and what is whose nobody can tell."""
    return path.endswith("-c000.snappy.parquet") or "#" in path


def _kind(path: str) -> str:
    if "/staged-" in path:
        return "a draft" if path.endswith(".tmp") else "a marker of staged rows"
    if _is_deltas(path):
        return "Delta's draft" if "#" in path else "rows that Delta wrote"
    return "rows without a commit" if path.endswith(".parquet") else "a draft"


def _phase(seen: list[tuple[float, Happened]], died: float) -> str:
    """Return what a build was at when it died."""
    ours = [(when, one.path) for when, one in seen if one.path.startswith("warehouse/")]
    tables = [(when, path) for when, path in ours if path.count("/") > 1]
    if not tables:
        return "before the first table"
    recent = [one.path for when, one in seen if died - when < RECENT]
    if any("/_delta_log/" in path or "/_cpgbuild/" in path for path in recent):
        return "around a commit"
    if any("part-" in path for path in recent):
        return "while rows were written"
    if any(path.startswith((".cpgbuild", "cpgbuild.lock")) for path in recent):
        return "while the state was written"
    return "while tasks ran"


def _require(condition: object, words: str) -> None:
    if not condition:
        raise Violation(words)
