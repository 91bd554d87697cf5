"""Rebuilding: a build in a process of its own each time that something changes.

So every build loads modules as they are now, and `watch` does what `build` does.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from cpgbuild.cli import exit_codes, records
from cpgbuild.project.changes import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from cpgbuild.cli.output import Output
    from cpgbuild.project.config import Overrides

SHOWN = 5


def rebuild(root: Path, overrides: Overrides, options: Sequence[str], output: Output) -> int:
    """Build, and again whenever something changes, until somebody ends it; return the exit code.

    Raises:
        WatchFailed: the system does not tell what changes.
    """
    # What comes before the command is how this very program was started.
    program = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv[1:])]
    command = [*program, "build", *options]
    try:
        with _ended_by_terminate():
            while True:
                # Watched before it is built: what changes meanwhile is not missed.
                with closing(Watched.of(root, overrides).changes()) as changes:
                    next(changes)
                    if not _build(command):
                        return exit_codes.INTERRUPTED
                    output.waiting("Watching for changes; Ctrl-C ends it")
                    _show_changed(root, next(filter(None, changes)), output)
    except KeyboardInterrupt:
        # This is how it is meant to end.
        return exit_codes.OK


def _build(command: Sequence[str]) -> bool:
    """Build in another process; return whether it was not interrupted."""
    child = subprocess.Popen(command)  # noqa: S603 -- this very program
    try:
        return child.wait() != exit_codes.INTERRUPTED
    except KeyboardInterrupt as error:
        if error.args:
            child.send_signal(signal.SIGINT)
        # A terminal tells the child of Ctrl-C, also of a second one, which ends it at once.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        child.wait()
        signal.signal(signal.SIGINT, before)
        return False


@contextmanager
def _ended_by_terminate() -> Iterator[None]:
    """Take a request to end for Ctrl-C, of which nobody told the child."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show_changed(root: Path, paths: Sequence[str], output: Output) -> None:
    names = [path.removeprefix(f"{root}/") for path in paths]
    output.record(records.changed(names))
    more = f", {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    output.line(("\nchanged  ", "cyan"), (f"{', '.join(names[:SHOWN])}{more}", ""))
