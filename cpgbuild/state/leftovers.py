"""Leftovers: files of the state folder that nobody will read again."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from cpgbuild.state.answers import FOLDER, MARKS
from cpgbuild.state.observed import Observed
from cpgbuild.state.plans import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# An answer that holds no more is of use still: it says what was so when all was up to date.
_DAY = 24 * 3600


def leftovers(state: Path) -> list[Path]:
    """Return answers of yesterday and before that hold no more, and plans of other versions."""
    found = [path for path in state.glob("plans-*.db*") if not path.name.startswith(FILE)]
    before = time.time() - _DAY
    for answer in state.glob(f"{FOLDER}/*.json"):
        with suppress(OSError):
            if answer.stat().st_mtime <= before and not _holds(answer):
                found.append(answer)
    gone = set(found)
    for marks in state.glob(f"{FOLDER}/*{MARKS}"):
        answer = marks.with_suffix(".json")
        if answer in gone or not answer.exists():
            found.append(marks)
    return sorted(found)


def _holds(answer: Path) -> bool:
    try:
        observed = Observed.from_json(json.loads(answer.read_bytes()))
    except ValueError:
        return False
    return observed is not None and observed.holds()


def sizes(paths: list[Path]) -> Iterator[int]:
    """Give the bytes of each file that is there."""
    for path in paths:
        with suppress(OSError):
            yield path.stat().st_size
