"""Answers: what each command says on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import count_text, reasons_text, seconds_text
from cpgbuild.core.builder import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.cli.output import Output
    from cpgbuild.core.events import Planned
    from cpgbuild.core.graph import Impact


def show_plan(planned: Sequence[Planned], output: Output) -> bool:
    """Show what would run, and why; return whether anything would."""
    work = [p for p in planned if p.reasons]
    width = max((len(p.task.name) for p in planned), default=0)
    for each in planned:
        output.record(records.planned(each))
        if each.reasons:
            name = each.task.name.ljust(width)
            why = reasons_text(each.reasons)
            output.line(
                ("run   ", "yellow"), (f"{name}  ", ""), (why, "dim"), _details(each, output)
            )
        elif output.verbose:
            output.line(
                ("skip  ", "dim"), (each.task.name.ljust(width), "dim"), _details(each, output)
            )
    idle = len(planned) - len(work)
    if work:
        verb = "runs" if len(work) == 1 else "run"
        rest = f", {idle} up to date" if idle else ""
        output.line((f"\n{count_text(len(work), 'task')} {verb}{rest}", "bold"))
    else:
        output.line((f"Everything is up to date: {count_text(idle, 'task')}", "bold"))
    output.summary(Outcome(up_to_date=idle), run=len(work))
    return bool(work)


def _details(planned: Planned, output: Output) -> tuple[str, str]:
    """Return, under `-v`, a task's wave and the columns that it requires of each dataset."""
    if not output.verbose:
        return ("", "")
    reads = [f"{r.dataset}({', '.join(r.names)})" for r in planned.task.requires]
    return (f"  [wave {planned.wave}; reads {', '.join(reads) or 'nothing'}]", "cyan")


def show_outcome(outcome: Outcome, output: Output) -> None:
    """Show the line that sums a build up."""
    seconds = seconds_text(output.seconds)
    quiet = not (outcome.built or outcome.failed or outcome.skipped or outcome.interrupted)
    if quiet:
        tasks = count_text(outcome.up_to_date, "task")
        output.line((f"Everything is up to date: {tasks}, {seconds}", "bold"))
    else:
        views = outcome.built - outcome.tables
        counts = [
            (outcome.tables, f"{count_text(outcome.tables, 'table')} built"),
            (views, f"{count_text(views, 'view')} redefined"),
            (outcome.up_to_date, f"{outcome.up_to_date} up to date"),
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
        )
    verb = "needs" if len(found) == 1 else "need"
    output.line((f"\n{count_text(len(found), 'task')} {verb} `{name}`", "bold"))
    output.summary(Outcome())
