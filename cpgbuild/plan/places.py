"""Places: where in a user's own code something was called, raised or written."""

from __future__ import annotations

import re
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.report import Place

if TYPE_CHECKING:
    from types import FrameType, TracebackType


def frame_place(frame: FrameType) -> Place:
    """Return the place of the call that a frame is at."""
    code, position = frame.f_code, frame.f_lasti // 2
    spans = list(code.co_positions())
    line, end_line, column, end = spans[position] if position < len(spans) else (None,) * 4
    if line is None:
        return Place(code.co_filename, frame.f_lineno)
    return _span(code.co_filename, line, end_line, column, end)


def user_place(trace: TracebackType | None, root: Path) -> Place | None:
    """Return the innermost place of a traceback that is in the project's own code."""
    own = (place for place in places_of(trace) if is_own(place, root))
    return next(own, None)


def places_of(trace: TracebackType | None) -> list[Place]:
    """Return the places of a traceback, the innermost first."""
    return [
        _span(f.filename, f.lineno or 0, f.end_lineno, f.colno, f.end_colno)
        for f in reversed(traceback.extract_tb(trace))
    ]


def is_own(place: Place, root: Path) -> bool:
    """Return whether a place is in the project's own code."""
    path = Path(place.path)
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _span(path: str, line: int, end_line: int | None, column: int | None, end: int | None) -> Place:
    """Return the place of a span that Python gives in bytes; of several lines its first."""
    text = _line(path, line)
    if column is None or end is None or text is None:
        return Place(path, line)
    data = text.encode()
    stop = end if end_line == line else len(data)
    start = len(data[:column].decode(errors="replace"))
    length = len(data[:stop].decode(errors="replace").rstrip()) - start
    return Place(path, line, start + 1, max(1, length))


def narrowed(place: Place, word: str) -> Place:
    """Return the place of a word within what a place marks, or that place."""
    text = _line(place.path, place.line)
    if text is None or not place.column:
        return place
    marked = text[place.column - 1 : place.column - 1 + place.length]
    found = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", marked))
    if not found:
        return place
    return replace(place, column=place.column + found[-1].start(), length=len(word))


def next_word(place: Place, word: str) -> Place | None:
    """Return where a line has a word, from a place on; None where it has not."""
    text = _line(place.path, place.line) or ""
    wanted = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    found = wanted.search(text, max(0, place.column - 1))
    return found and replace(place, column=found.start() + 1, length=len(word))


def is_called(place: Place) -> bool:
    """Return whether what a place marks is called there."""
    text = _line(place.path, place.line) or ""
    return text[place.column - 1 + place.length :].lstrip().startswith("(")


def _line(path: str, number: int) -> str | None:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return lines[number - 1] if 0 < number <= len(lines) else None
