"""Meanings: what `explain` says of errors, by their codes."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.core.builder import Outcome
from cpgbuild.errors.codes import STAGES, errors_by_code, meaning
from cpgbuild.errors.project import UnknownCode

if TYPE_CHECKING:
    from cpgbuild.cli.output import Output


def explained(code: str) -> str:
    """Return what is to be said of an error beyond its meaning.

    It is Markdown: prose, and an indented example. One that begins with the name of a file, or with
    a command, gives the error in a new project.
    """
    return (files("cpgbuild.errors") / "explained" / f"{code}.md").read_text(encoding="utf-8")


def show_meaning(code: str, output: Output) -> None:
    """Show what an error means, how it comes about, and what to do.

    Raises:
        UnknownCode: there is no such error.
    """
    known = errors_by_code()
    error = known.get(code.upper().strip("[]"))
    if error is None:
        raise UnknownCode(code, known)
    text = explained(error.code)
    output.record(records.meaning(error, meaning(error), text))
    output.line((f"{error.code}: ", "bold red"), (meaning(error), "bold"), hang=1)
    output.line(("", ""))
    for line in _paragraphs(text, joined=output.stdout.is_terminal):
        output.line(("  " if line else "", ""), (line, "cyan" if line[:1] == " " else ""), hang=1)
    output.line((f"\nExit code {error.exit_code}", "dim"))
    output.summary(Outcome())


def _paragraphs(text: str, *, joined: bool) -> list[str]:
    """Return lines, those of a paragraph as one where they are to be `joined`; examples as is."""
    found: list[str] = []
    for line in text.splitlines():
        if joined and found and line and found[-1] and " " not in {line[0], found[-1][0]}:
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def show_codes(output: Output) -> None:
    """Show all errors, each in a line."""
    stage = ""
    for code, error in errors_by_code().items():
        output.record(records.meaning(error, meaning(error)))
        if not code.startswith(stage or "-"):
            gap = "\n" if stage else ""
            stage = code[:2]
            output.line((f"{gap}{stage}: {STAGES[stage]}", "bold"))
        output.line((f"  {code}  ", "red"), (meaning(error), ""), hang=1)
    output.summary(Outcome())
