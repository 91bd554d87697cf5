"""Explanations: what `why` says of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import count_text, reasons_text, seconds_text
from cpgbuild.core.builder import Outcome
from cpgbuild.core.events import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.cli.output import Output
    from cpgbuild.core.explanation import Explanation, InputState
    from cpgbuild.core.trace import Trace

_HEADS = {
    Action.RUN: ("runs", "yellow"),
    Action.MAYBE: ("may run", "cyan"),
    Action.RESTORE: ("is restored", "green"),
    Action.SKIP: ("is up to date", "green"),
}
WIDTH = 10


def show_explanations(name: str, found: Sequence[Explanation], output: Output) -> None:
    """Show why each task would run, or need not, and what its last good run was."""
    if not found:
        output.line((f"No task makes `{name}`", "bold"))
    for number, each in enumerate(found):
        output.record(records.explained(each))
        if number:
            output.line(("", ""))
        _show(each, output)
    output.summary(Outcome())


def _show(each: Explanation, output: Output) -> None:
    word, style = _HEADS[each.action]
    why = f": {reasons_text(each.task, each.reasons)}" if each.reasons else ""
    output.line(("", ""), (f"{each.task.name} ", "bold"), (word, style), (why, ""), hang=1)
    if not each.task.stored:
        _fact("kind", "a view: it holds no rows, and whoever reads it evaluates it", output)
    elif each.last is None:
        _fact("last run", "none", output)
    else:
        _fact("last run", _last(each.last), output)
    for change in each.queries:
        output.line((f"  query of {change.task}", ""))
        for line in change.diff:
            output.line((f"    {line}", _DIFF.get(line[:1], "dim")))
    width = max((len(state.dataset) for state in each.inputs), default=0)
    for state in each.inputs:
        name = f"{state.dataset.ljust(width)}  "
        output.line(("  reads     ", "dim"), (name, ""), (_state(state), ""), hang=2)
    if each.task.volatile:
        _fact("volatile", f"{', '.join(each.task.volatile)}: it always runs", output)
    if each.task.unstable:
        said = f"{', '.join(each.task.unstable)}: rows depend on the order of others"
        _fact("unstable", said, output)
    if each.task.inexact:
        said = f"{', '.join(each.task.inexact)}: last bits may vary (see `deterministic`)"
        _fact("inexact", said, output)


_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def _fact(name: str, text: str, output: Output) -> None:
    output.line((f"  {name.ljust(WIDTH)}", "dim"), (text, ""), hang=1)


def _last(trace: Trace) -> str:
    when = trace.finished.replace("T", " ").replace("Z", " UTC")
    return f"{when}, {count_text(trace.rows, 'row')}, {seconds_text(trace.seconds)}"


def _state(state: InputState) -> str:
    """Return what became of an input's rows, in words."""
    columns = ", ".join(state.columns) or "(only the number of rows)"
    if state.changed == () and state.rows_now is None:
        return f"{columns}: as it was"
    if state.changed == ():
        return f"{columns}: another version with the same rows"
    if state.rows_now is None:
        return f"{columns}: not known yet"
    then = f"{state.rows_then:,} rows then, " if state.rows_then is not None else ""
    said = f"{columns}: {then}{count_text(state.rows_now, 'row')} now"
    if state.changed:
        said += f"; changed: {', '.join(state.changed)}"
    if state.added is not None and state.removed is not None:
        said += f"; {state.added:,} added, {state.removed:,} removed"
    return said
