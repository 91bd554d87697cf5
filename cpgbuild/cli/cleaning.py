"""Cleaning: what `clean` says that it would delete, or did, and how it asks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import bytes_text, count_text
from cpgbuild.core.builder import Outcome
from cpgbuild.engine.cleaning import Litter
from cpgbuild.errors.project import NeedsYes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.cli.output import Output
    from cpgbuild.engine.cleaning import Cleaned

_SAID = {
    Litter.VERSIONS: "",
    Litter.TABLE: "no task makes it any more",
    Litter.STATE: "nobody will read it again",
}


def is_something(found: Sequence[Cleaned]) -> bool:
    """Return whether anything would be deleted."""
    return any(map(_goes, found))


def agreed(found: Sequence[Cleaned], output: Output) -> bool:
    """Show what would be deleted, and ask.

    Raises:
        NeedsYes: there is nobody who could be asked.
    """
    total = _total(found)
    if output.as_json or not (sys.stdin.isatty() and output.stderr.is_terminal):
        raise NeedsYes(total)
    _show_lines(found, output)
    output.stderr.print(f"\nDelete {total}? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def show_nothing(output: Output) -> None:
    """Say that the answer was no."""
    output.line(("Nothing was deleted", "bold"))
    output.summary(Outcome())


def show_cleaned(found: Sequence[Cleaned], output: Output, *, done: bool, asked: bool) -> None:
    """Show what was deleted, or would be; where it was `asked`, what that is was shown before."""
    shown = [] if asked else [each for each in found if each.files]
    for each in shown:
        output.record(records.cleaned(each))
    _show_lines(shown, output)
    gap = "\n" if shown else ""
    said = f"{_total(found)} {'freed' if done else 'would be freed'}"
    output.line((gap + (said if is_something(found) else "Nothing to clean"), "bold"))
    output.summary(Outcome())


def _show_lines(found: Sequence[Cleaned], output: Output) -> None:
    some = [each for each in found if each.files]
    width = max((len(each.output) for each in some), default=0)
    for each in some:
        word, style = ("left", "dim") if each.left else (str(each.litter), "yellow")
        facts = f"{count_text(each.files, 'file')}, {bytes_text(each.bytes)}"
        why = each.left or _SAID[each.litter]
        output.line(
            (word.ljust(10), style),
            (f"{each.output.ljust(width)}  ", ""),
            (facts.ljust(20) if why else facts, ""),
            (f"  {why}" if why else "", "dim"),
            hang=2,
        )


def _goes(each: Cleaned) -> bool:
    return bool(each.files) and not each.left


def _total(found: Sequence[Cleaned]) -> str:
    return bytes_text(sum(each.bytes for each in found if _goes(each)))
