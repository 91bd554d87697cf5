"""Wording: facts of the core as short English."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cpgbuild.core.reason import UNRECORDED, Cause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.reason import Reason
    from cpgbuild.core.task import Task

MINUTE = 60.0
KILO = 1000
_WORDS = {
    Cause.NEVER_BUILT: "never built",
    Cause.PLAN_CHANGED: "plan changed",
    Cause.SCHEMA_CHANGED: "schema of {dataset} changed",
    Cause.DATA_CHANGED: "{dataset} changed",
    Cause.OUTPUT_MISSING: "table is missing",
    Cause.OUTPUT_CHANGED: "table was changed by someone else",
    Cause.VOLATILE: "volatile: {detail}",
    Cause.FORCED: "forced",
    Cause.UPSTREAM: "if {dataset} changes",
    Cause.CHECKS_CHANGED: "checks changed",
}
SHOWN_REASONS = 3
# Of less nobody is proud.
SAVED = 1.0


def reasons_text(task: Task, reasons: Iterable[Reason]) -> str:
    """Return the reasons of a task in a line; of many, the first few and how many more."""
    words = [_reason_text(task, reason) for reason in reasons]
    unique = list(dict.fromkeys(words))
    more = f", {len(unique) - SHOWN_REASONS} more" if len(unique) > SHOWN_REASONS else ""
    return ", ".join(unique[:SHOWN_REASONS]) + more


def reason_words(reasons: Iterable[Reason]) -> str:
    """Return reasons in a line, where nothing is known of the task itself."""
    words = (_WORDS[r.cause].format(dataset=r.dataset, detail=r.detail) for r in reasons)
    unique = list(dict.fromkeys(words))
    more = f", {len(unique) - SHOWN_REASONS} more" if len(unique) > SHOWN_REASONS else ""
    return ", ".join(unique[:SHOWN_REASONS]) + more


def age_text(moment: str, now: datetime) -> str:
    """Return how long ago a moment was (ISO 8601, UTC): `4 min`, `3 h`, `12 d`."""
    seconds = max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _reason_text(task: Task, reason: Reason) -> str:
    words = _WORDS[reason.cause].format(dataset=reason.dataset, detail=reason.detail)
    if reason.cause is Cause.PLAN_CHANGED and reason.dataset != task.dataset:
        words = f"plan of {reason.dataset} changed"
    if reason.detail == UNRECORDED:
        words = f"table has {UNRECORDED}"
    shown = reason.detail if reason.cause is Cause.PLAN_CHANGED else ""
    return f"{words} ({shown})" if shown else words


def seconds_text(seconds: float) -> str:
    """Return a duration as a person says it."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def bytes_text(count: int) -> str:
    """Return `12 B`, `3.4 MB`."""
    size, units = float(count), ["B", "kB", "MB", "GB"]
    while size >= KILO and len(units) > 1:
        size, units = size / KILO, units[1:]
    return f"{size:,.0f} {units[0]}" if units[0] == "B" else f"{size:,.1f} {units[0]}"


def unchanged_text(tasks: int, seconds: str, saved: float = 0.0) -> str:
    """Return what is said where nothing is to be done, in so many seconds if that is said too."""
    said = [count_text(tasks, "task"), *([seconds] if seconds else [])]
    return f"Everything is up to date: {', '.join(said)}{saved_text(saved)}"


def saved_text(seconds: float) -> str:
    """Return what was saved by not running again, where that is worth a word."""
    return f", which saved {seconds_text(seconds)}" if seconds >= SAVED else ""


def count_text(count: int, noun: str) -> str:
    """Return `1 row`, `12,345 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
