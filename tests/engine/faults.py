"""Faults: a project, the command in processes of its own, and what must be so after anything."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.builds import Site
from tests.support.commands import Ended
from tests.support.forks import Child, Server


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs the command in a project, in a process that has nothing of this one."""

    server: Server
    said: Path

    def start(self, made: Site, *arguments: str, file_bytes: int | None = None) -> Child:
        return self.server.start(
            *(arguments or ("build",)), folder=made.root, said=self.said, file_bytes=file_bytes
        )

    def run(self, made: Site, *arguments: str, file_bytes: int | None = None) -> Ended:
        return self.end(self.start(made, *arguments, file_bytes=file_bytes))

    def end(self, child: Child) -> Ended:
        """Wait for the end of a command; whatever it met, it shows no traceback and no bug."""
        try:
            until(child.has_ended, 60)
        finally:
            if not child.has_ended():
                child.kill("session")
            code = child.wait()
        ended = Ended(code, child.stdout, child.stderr)
        words = ended.stdout + ended.stderr
        assert "Traceback" not in words, words
        assert "E900" not in words, words
        assert "panicked" not in words, words
        return ended


def numbers(made: Site, first: int, many: int = 200) -> None:
    """Let the source be other numbers."""
    made.folder.parquet("data/s.parquet", {"n": list(range(first, first + many))})


def is_clean(made: Site) -> None:
    """See that nothing is in the tables' folders that no commit knows."""
    for folder in (made.root / "warehouse").iterdir():
        if not folder.is_dir():
            continue
        assert not list(folder.glob("_cpgbuild/staged-*"))
        assert not list(folder.rglob("*.tmp"))
        added = {
            action["add"]["path"]
            for log in (folder / "_delta_log").glob("*.json")
            for action in map(json.loads, log.read_text().splitlines())
            if "add" in action
        }
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("part-*")}
        assert there <= added


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Let a folder be a disk of so many bytes; only root can have that."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
