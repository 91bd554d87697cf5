"""Answers: what each command says on stdout."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import (
    count_text,
    reasons_text,
    saved_text,
    seconds_text,
    unchanged_text,
)
from cpgbuild.core.builder import Outcome
from cpgbuild.core.events import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.cli.output import Output
    from cpgbuild.core.events import Planned
    from cpgbuild.core.impact import Impact

_ACTIONS = {
    Action.RUN: ("run", "yellow"),
    Action.MAYBE: ("maybe", "cyan"),
    Action.RESTORE: ("restore", "green"),
    Action.SKIP: ("skip", "dim"),
}


def show_plan(planned: Sequence[Planned], output: Output) -> bool:
    """Show what would run, and why; return whether anything would."""
    width = max((len(p.task.name) for p in planned), default=0)
    for each in planned:
        output.record(records.planned(each))
        if each.action is not Action.SKIP or output.verbose:
            word, style = _ACTIONS[each.action]
            name = f"{each.task.name.ljust(width)}  "
            why = reasons_text(each.task, each.reasons)
            output.line(
                (word.ljust(9), style), (name, ""), (why, "dim"), _details(each, output), hang=2
            )
    counts = Counter(each.action for each in planned)
    idle = counts[Action.SKIP]
    work = len(planned) - idle
    if work:
        said = [_counted(action, counts[action]) for action in Action if counts[action]]
        output.line((f"\n{', '.join(said)}", "bold"))
    else:
        output.line((unchanged_text(idle, ""), "bold"))
    more = {str(a): counts[a] for a in Action if a not in {Action.SKIP, Action.RESTORE}}
    output.summary(Outcome(up_to_date=idle, restored=counts[Action.RESTORE]), **more)
    return bool(work)


def _counted(action: Action, count: int) -> str:
    """Return `3 tasks run`, `1 may run`, and the like."""
    match action:
        case Action.RUN:
            return f"{count_text(count, 'task')} {'runs' if count == 1 else 'run'}"
        case Action.MAYBE:
            return f"{count} may run"
        case Action.RESTORE:
            return f"{count} restored"
        case _:
            return f"{count} up to date"


def _details(planned: Planned, output: Output) -> tuple[str, str]:
    """Return, under `-v`, a task's wave and the columns that it requires of each dataset."""
    if not output.verbose:
        return ("", "")
    reads = [f"{r.dataset}({', '.join(r.names)})" for r in planned.task.requires]
    once = ""
    if planned.once is not None:
        saved = seconds_text(planned.once.saves)
        once = f"; evaluated once for {planned.once.readings} readings, which may save {saved}"
    return (f"  [wave {planned.wave}; reads {', '.join(reads) or 'nothing'}{once}]", "cyan")


def show_outcome(outcome: Outcome, output: Output) -> None:
    """Show the line that sums a build up."""
    seconds = seconds_text(output.seconds)
    done = (outcome.built, outcome.unchanged, outcome.restored, outcome.failed, outcome.skipped)
    quiet = not (any(done) or outcome.interrupted)
    if quiet:
        output.line((unchanged_text(outcome.up_to_date, seconds, outcome.saved), "bold"))
    else:
        views, same = outcome.built - outcome.tables, outcome.unchanged - outcome.checked
        counts = [
            (outcome.tables, f"{count_text(outcome.tables, 'table')} built"),
            (outcome.restored, f"{outcome.restored} restored"),
            (same, f"{same} came out the same"),
            (outcome.checked, f"{outcome.checked} checked"),
            (views, f"{count_text(views, 'view')} redefined"),
            (outcome.up_to_date, f"{outcome.up_to_date} up to date{saved_text(outcome.saved)}"),
            (outcome.failed, f"{outcome.failed} failed"),
            (outcome.skipped, f"{outcome.skipped} skipped"),
        ]
        said = ", ".join(words for count, words in counts if count)
        head = "Interrupted: " if outcome.interrupted else ""
        style = "bold red" if outcome.failed else "bold"
        output.line((f"\n{head}{said or 'nothing done'} in {seconds}", style))
    output.summary(outcome)


def show_impact(name: str, found: Sequence[Impact], output: Output) -> None:
    """Show the tasks downstream of `name`, nearest first, with the columns that lead there."""
    width = max((len(i.task.name) for i in found), default=0)
    for each in found:
        output.record(records.impacted(each))
        columns = ", ".join(each.columns) or "(only the number of rows)"
        output.line(
            (f"{each.distance:3}  ", "yellow"),
            (f"{each.task.name.ljust(width)}  ", ""),
            (columns, "dim"),
            (_affected(each), "cyan"),
            hang=2,
        )
    verb = "needs" if len(found) == 1 else "need"
    output.line((f"\n{count_text(len(found), 'task')} {verb} `{name}`", "bold"))
    output.summary(Outcome())


def _affected(impact: Impact) -> str:
    """Return which of a task's own columns a column reaches, where one was asked for."""
    if not impact.affects:
        return ""
    everything = impact.affects == impact.task.schema.names
    return f" → {'every column' if everything else ', '.join(impact.affects)}"
