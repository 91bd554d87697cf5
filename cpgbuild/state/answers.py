"""Answers: that nothing is to be done, kept for as long as all that it rests on is the same."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cpgbuild.core.fingerprint import fingerprint
from cpgbuild.state.observed import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDER = "unchanged"
MARKS = ".tasks"


def answer_file(state: str, targets: Sequence[str], exclude: Sequence[str]) -> str:
    """Return where the answer to a request is kept."""
    key = fingerprint("request", "targets", *sorted(targets), "exclude", *sorted(exclude))
    return os.path.join(state, FOLDER, f"{key[:16]}.json")


class Answer(NamedTuple):
    """That so many tasks are up to date, and in how many seconds their tables were made once."""

    tasks: int
    saved: float


def kept_answer(state: str, targets: Sequence[str], exclude: Sequence[str]) -> Answer | None:
    """Return what a request is about, all of which is up to date; None: who knows."""
    try:
        with open(answer_file(state, targets, exclude), "rb") as file:
            record = json.load(file)
        observed = Observed.from_json(record)
        answer = Answer(int(record["tasks"]), float(record["saved"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return answer if observed is not None and observed.holds() else None


def keep_answer(
    state: Path,
    targets: Sequence[str],
    exclude: Sequence[str],
    marks: Mapping[str, str],
    observed: Observed,
    saved: float = 0.0,
) -> None:
    """Keep that all of these tasks are up to date; a failure to write it is no error.

    Of each there is what stands for its plan and its last run.
    """
    from pathlib import Path  # noqa: PLC0415 -- whoever only reads needs it not

    from cpgbuild.state.journal import replace  # noqa: PLC0415

    file = Path(answer_file(str(state), targets, exclude))
    tasks = json.dumps(marks, separators=(",", ":"))
    # What is needed where something changed is apart from what is read where nothing did.
    facts = {"tasks": len(marks), "saved": round(saved, 3), "marks": fingerprint(tasks)}
    answer = {**observed.to_json(), **facts}
    with suppress(OSError):
        replace(file.with_suffix(MARKS), tasks.encode())
        replace(file, json.dumps(answer, separators=(",", ":")).encode())


def last_answer(
    state: Path, targets: Sequence[str], exclude: Sequence[str]
) -> tuple[Observed, dict[str, str]] | None:
    """Return when a request last had nothing to do: what was observed, and the tasks' marks."""
    from pathlib import Path  # noqa: PLC0415

    file = Path(answer_file(str(state), targets, exclude))
    try:
        record = json.loads(file.read_bytes())
        tasks = file.with_suffix(MARKS).read_text()
        observed = Observed.from_json(record)
        if observed is None or record["marks"] != fingerprint(tasks):
            return None
        marks: dict[str, str] = json.loads(tasks)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return observed, marks
