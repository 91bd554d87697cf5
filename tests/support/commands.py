"""The command as a user runs it: in a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from cpgbuild.cli.app import app

REPOSITORY = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "cpgbuild")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The JSON records of one event."""
        return [record for record in self.records if record["event"] == event]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a command: nothing of the caller's that changes its answer."""
    ours = {"COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TERM", "PYTHONWARNINGS"}
    # Nor of a `make` that runs the tests: one within it says where it enters and leaves.
    ours |= {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color"} | more


def run(*arguments: str, folder: Path, **env: str) -> Ended:
    """Run `cpgbuild` in a folder to its end."""
    ended = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def run_here(*arguments: str, folder: Path) -> Ended:
    """Run `cpgbuild` in a folder within this process, which saves the second that imports take."""
    said, told = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(), clear=True),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(told),
        warnings.catch_warnings(),
    ):
        # As outside of tests; a library's deprecations are not the message's business.
        warnings.simplefilter("ignore", DeprecationWarning)
        code = 0
        try:
            app(list(arguments), prog_name="cpgbuild")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else bool(end.code)
    return Ended(code, said.getvalue(), told.getvalue())


def start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start `cpgbuild` in a folder, in a process group of its own, as a shell would."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
