"""Output: the answer on stdout, everything else on stderr, as text or as JSON lines."""

from __future__ import annotations

import json
import os
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cpgbuild.cli import exit_codes, records
from cpgbuild.cli.errors_text import NARROWEST, report_text
from cpgbuild.core.builder import Outcome
from cpgbuild.errors.report import CpgbuildError, InternalError, Problems, Report

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Console(Console):
    """A console that is silent once its reader went away: what runs goes on, its code is true.

    With `NO_COLOR` nothing but text is written, neither bold letters nor what comes and goes.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        """Write to stdout, or to stderr."""
        plain = Console().no_color
        # A user's text is never read as markup, and a pipe's reader wraps lines itself.
        super().__init__(
            highlight=False,
            soft_wrap=True,
            stderr=stderr,
            color_system=None if plain else "auto",
        )

    def on_broken_pipe(self) -> None:
        """Write to nowhere from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


@dataclass(slots=True)
class Output:
    """Where a command's answer and its errors go."""

    as_json: bool = False
    verbose: bool = False
    base: Path = field(default_factory=Path.cwd)
    began: float = field(default_factory=time.monotonic)
    stdout: Console = field(default_factory=_Console)
    stderr: Console = field(default_factory=lambda: _Console(stderr=True))

    @property
    def seconds(self) -> float:
        """How long the command has taken, in seconds of the wall clock."""
        return time.monotonic() - self.began

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal on which something may come and go."""
        console = self.stderr
        plain = console.is_dumb_terminal or console.no_color
        return console.is_terminal and not plain and not self.as_json

    def line(self, *parts: tuple[str, str], hang: int | str | None = None) -> None:
        """Write a line of the answer, of (text, style) parts; nothing under `--json`.

        On a terminal that has no room for it, it goes on at a word: below the part number `hang`,
        or behind a text that lines below begin with.
        """
        if self.as_json:
            return
        text = Text.assemble(*parts)
        before = hang if isinstance(hang, str) else "".join(part for part, _ in parts[:hang])
        room = self.stdout.width - cell_len(before)
        if hang is None or not self.stdout.is_terminal or room < NARROWEST:
            self.stdout.print(text)
            return
        head, rest = text.divide([len(before)])
        for line in rest.wrap(self.stdout, room):
            line.rstrip()
            self.stdout.print(Text.assemble(head, line))
            head = Text(hang, "dim") if isinstance(hang, str) else Text(" " * cell_len(before))

    def note(self, text: str) -> None:
        """Write a line to stderr that is neither the answer nor an error."""
        if not self.as_json:
            said = Text.assemble(("note", "bold cyan"), f": {text}")
            self.stderr.print(said, soft_wrap=not self.stderr.is_terminal)

    def binary(self) -> IO[bytes]:
        """Return stdout for bytes."""
        return self.stdout.file.buffer  # type: ignore[attr-defined,no-any-return]

    def raw(self, text: str) -> None:
        """Write text as it is."""
        try:
            self.stdout.file.write(text)
            self.stdout.file.flush()
        except BrokenPipeError:
            self.stdout.on_broken_pipe()

    def record(self, record: dict[str, Any] | None) -> None:
        """Write a record under `--json`."""
        if self.as_json and record is not None:
            self.raw(json.dumps(record, ensure_ascii=False) + "\n")

    def summary(self, outcome: Outcome, **more: int) -> None:
        """Write the last record under `--json`."""
        self.record(records.summary(outcome, self.seconds, **more))

    def error(self, error: BaseException) -> None:
        """Write an error: each of several."""
        columns = self.stderr.width if self.stderr.is_terminal else None
        for report in reports(error):
            self.record(records.failure(report))
            if not self.as_json:
                self.stderr.print(report_text(report, self.base, columns))
        if self.verbose and not self.as_json:
            self._original(error)

    def _original(self, error: BaseException) -> None:
        """Write, under `-v`, what was raised originally."""
        cause = error if not isinstance(error, CpgbuildError) else error.__cause__
        if cause is not None:
            lines = "".join(traceback.format_exception(cause))
            self.stderr.print(Text(lines, "dim"))

    def waiting(self, text: str) -> None:
        """Say what is waited for; nothing under `--json`."""
        if not self.as_json:
            self.stderr.print(Text(text, "dim"))

    def interrupted(self) -> None:
        """Say that the command was interrupted before it did anything."""
        if not self.as_json:
            self.stderr.print(Text("Interrupted: nothing was done", "bold"))
        self.summary(Outcome(interrupted=True))

    def fail(self, error: BaseException) -> int:
        """Write an error that ends the command, and return the exit code."""
        self.error(error)
        self.summary(Outcome())
        return exit_code(error)


def reports(error: BaseException) -> Sequence[Report]:
    """Return an error as reports: one, or each of several."""
    if isinstance(error, Problems):
        return [one for each in error.errors for one in reports(each)]
    if isinstance(error, CpgbuildError):
        return [error.report()]
    words = f"{type(error).__name__}: {error}".splitlines()[0]
    hint = "this is a bug in cpgbuild: run again with `-v` and report what it shows"
    return [Report(InternalError.code, words, None, (), hint)]


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error that ends a command."""
    if isinstance(error, Problems):
        return max(exit_code(one) for one in error.errors)
    return error.exit_code if isinstance(error, CpgbuildError) else exit_codes.BUG
