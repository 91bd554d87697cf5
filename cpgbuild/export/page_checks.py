"""Page checks: what a task says of its rows, as the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from cpgbuild.core.rebuilder import Decision
    from cpgbuild.engine.broken import Broken


class CheckPart(TypedDict):
    """A check. `state` is `passed`, `failed`, or `open` where the next build has to make it.

    `bad` is how many rows broke it in the last run, which are in the file `kept`.
    """

    title: str
    state: str
    bad: int
    kept: str


def check_parts(decision: Decision, broken: Broken | None) -> list[CheckPart]:
    """Return the checks of a task; `broken` knows the rows of its last run, where that failed."""
    to_make = {one.check.title for one in decision.checks if one.good is None}
    found = []
    for check in decision.task.checks:
        kept = broken.kept(decision.task.output, check.title) if broken is not None else None
        path, bad = kept or ("", 0)
        state = "failed" if kept else "open" if check.title in to_make else "passed"
        found.append(CheckPart(title=check.title, state=state, bad=bad, kept=str(path)))
    return found
