"""Every console block of the documentation runs, and prints what the page says it prints."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Step:
    """A command and what it should print; `…` in a line stands for anything there."""

    command: list[str]
    expected: list[str]


def steps(page: Path) -> list[Step]:
    found: list[Step] = []
    for block in BLOCK.findall(page.read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(shlex.split(line[2:]), []))
            else:
                found[-1].expected.append(line)
    return found


def needed(page: Path) -> list[Path]:
    """Return the files and folders of this repository that a page's commands are run beside."""
    return [ROOT / path for path in re.findall(r"<!-- beside: (\S+) -->", page.read_text())]


def matches(expected: list[str], printed: list[str]) -> bool:
    """Compare texts; a run of spaces counts as one, since columns are as wide as the terminal."""
    wanted = ".*".join(re.escape(part) for part in plain(expected).split(ANYTHING))
    return re.fullmatch(wanted, plain(printed), re.DOTALL) is not None


def plain(lines: list[str]) -> str:
    return "\n".join(re.sub(" +", " ", line).rstrip() for line in lines).strip()


@pytest.mark.parametrize("page", [p for p in PAGES if steps(p)], ids=lambda p: p.name)
def test_the_page_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    folder = tmp_path
    for other in needed(page):
        copied = shutil.copytree if other.is_dir() else shutil.copy
        copied(other, folder / other.name)
    for step in steps(page):
        program, *arguments = step.command
        if program == "cd":
            folder = folder / arguments[0]
            continue
        assert program == "cpgbuild", f"a console block may run cpgbuild only, not {program}"
        command = [sys.executable, "-m", "cpgbuild", *arguments]
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env=environment(), check=False
        )
        shown = f"$ {shlex.join(step.command)}\n{run.stdout}{run.stderr}"
        assert run.returncode in (0, 3), shown
        if step.expected:
            assert matches(step.expected, run.stdout.splitlines()), shown


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def test_the_pages_that_teach_have_console_blocks() -> None:
    assert {p.name for p in PAGES if steps(p)} >= {"README.md", "guide.md"}
