"""Table: rows and columns of text, as wide as there is room for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from cpgbuild.cli.records import jsonable
from cpgbuild.cli.wording import count_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.cli.output import Output

# A cell is not wider than this, where it can be cut; all of it is in CSV, JSON and Parquet.
WIDEST = 48
# The last column that there is room for is cut to what is left, unless that is less than this.
NARROWEST = 16
GAP = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with its style; numbers stand on the right."""

    text: str
    style: str = ""
    right: bool = False


def show_table(
    heads: Sequence[str], rows: Sequence[Sequence[Cell]], output: Output, *, cut: bool = True
) -> int:
    """Write a table; return how many of its columns had room, where that is a terminal's width.

    A pipe has room for all.
    """
    widths = [cell_len(head) for head in heads]
    for row in rows:
        widths = [max(w, cell_len(cell.text)) for w, cell in zip(widths, row, strict=True)]
    if cut:
        widths = [min(width, WIDEST) for width in widths]
    if output.stdout.is_terminal:
        widths = _fitting(widths, output.stdout.width)
    fitting = len(widths)
    right = [all(row[n].right for row in rows) and bool(rows) for n in range(len(heads))]
    output.line((_line([Cell(head) for head in heads], widths, right, fitting)[0][0], "bold"))
    for row in rows:
        output.line(*_line(row, widths, right, fitting))
    return fitting


def _fitting(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths of the columns that there is room for, one at least."""
    found: list[int] = []
    for width in widths:
        room -= len(GAP) if found else 0
        if width > room:
            return [*found, room] if not found or room >= NARROWEST else found
        found.append(width)
        room -= width
    return found


def left_out(heads: Sequence[str], fitting: int) -> str:
    """Return what is said of the columns that had no room."""
    rest = heads[fitting:]
    return f"{count_text(len(rest), 'more column')}: {', '.join(rest)}" if rest else ""


def _line(
    row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], fitting: int
) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    for number, (cell, width) in enumerate(zip(row[:fitting], widths, strict=False)):
        text = _cut(cell.text, width)
        pad = " " * (width - cell_len(text))
        last = number == fitting - 1
        shown = pad + text if right[number] else text + ("" if last else pad)
        parts.append((shown if not number else f"{GAP}{shown}", cell.style))
    if len({style for _, style in parts}) <= 1:
        return [("".join(text for text, _ in parts).rstrip(), parts[0][1] if parts else "")]
    return parts


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def cell_of(value: Any) -> Cell:
    """Return a value as a cell: on one line, nested ones as JSON, null told from a text."""
    if value is None:
        return Cell("null", "dim")
    if isinstance(value, bool):
        return Cell(str(value).lower())
    if isinstance(value, int | float):
        return Cell(str(value), right=True)
    if isinstance(value, dict | list | tuple):
        return Cell(json.dumps(jsonable(value), ensure_ascii=False))
    if isinstance(value, bytes):
        return Cell(f"0x{value[:24].hex()}{'…' if len(value) > 24 else ''}")  # noqa: PLR2004
    return Cell(_printable(str(value)))


def _printable(text: str) -> str:
    """Return a text on one line, of which no character moves the cursor."""
    shown = text.replace("\n", "↵").replace("\t", "⇥")
    return "".join(c if c.isprintable() else "�" for c in shown)
