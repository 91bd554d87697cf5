"""Errors as text: the fact, the place with the line of the user's file, facts, one hint."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from cpgbuild.errors.report import Place, Report

GAP = "  "
# Text is not put into fewer columns.
NARROWEST = 24


def report_text(report: Report, base: Path, columns: int | None = None) -> Text:
    """Return an error as it is shown; paths below `base` are shown relative to it.

    On a terminal of so many columns, all but the user's own line of text goes on at words.
    """
    text = Text()
    head = f"error[{report.code}]: "
    text.append(head[:-2], "bold red")
    text.append(f": {_wrapped(_shortened(report.message, base), columns, len(head))}\n", "bold")
    if report.place is not None:
        _append_place(text, report.place, base)
    width = max((len(name) for name, _ in report.facts), default=0)
    for name, value in report.facts:
        text.append(f"{GAP}{name.ljust(width)}{GAP}", "cyan")
        indent = " " * (width + 2 * len(GAP))
        shown = _wrapped(_shortened(value, base), columns, len(indent))
        text.append(f"{shown}\n".replace("\n", f"\n{indent}").rstrip(" "))
    if report.hint:
        text.append("\nhint", "bold green")
        text.append(f": {_wrapped(report.hint, columns, len('hint: '))}\n")
    return text


def _wrapped(value: str, columns: int | None, before: int) -> str:
    """Return a text with its long lines wrapped at words, to what there is behind so many cells."""
    room = max(NARROWEST, (columns or 0) - before)
    if columns is None or max(map(cell_len, value.split("\n"))) <= room:
        return value
    lines = (wrap(line, room, break_on_hyphens=False) or [""] for line in value.split("\n"))
    return "\n".join(chain.from_iterable(lines))


def _append_place(text: Text, place: Place, base: Path) -> None:
    text.append("  --> ", "blue")
    text.append(f"{_shortened(str(place), base)}\n")
    line = _line(place)
    if line is None:
        return
    number = str(place.line)
    margin = " " * len(number)
    text.append(f"{margin} |\n{number} | ", "blue")
    text.append(f"{line}\n")
    if place.length and place.column:
        text.append(f"{margin} | ", "blue")
        before = line[: place.column - 1]
        marked = line[place.column - 1 : place.column - 1 + place.length]
        # Tabs stay tabs and wide characters count twice, so that the mark stands under its text.
        lead = "".join("\t" if c == "\t" else " " * cell_len(c) for c in before)
        text.append(f"{lead}{'^' * max(1, cell_len(marked))}\n", "red")


def _line(place: Place) -> str | None:
    if not place.line:
        return None
    try:
        text = place.text or Path(place.path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    lines = text.splitlines()
    return lines[place.line - 1].rstrip() if place.line <= len(lines) else None


def _shortened(value: str, base: Path) -> str:
    return value.replace(f"{base}/", "")
