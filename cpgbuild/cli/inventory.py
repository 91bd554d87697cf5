"""Inventory: what `ls` answers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.table import Cell, left_out, show_table
from cpgbuild.cli.wording import age_text, bytes_text, count_text, reason_words
from cpgbuild.core.builder import Outcome
from cpgbuild.core.events import Action
from cpgbuild.core.rebuilder import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.api.inventory import Listed
    from cpgbuild.cli.output import Output

_STATES = {
    Action.SKIP: ("up to date", "green"),
    Action.RUN: ("stale", "yellow"),
    Action.MAYBE: ("maybe stale", "cyan"),
    Action.RESTORE: ("restorable", "green"),
}
_HEADS = ("dataset", "kind", "state", "rows", "size", "age", "why, or what it is")


def show_listed(found: Sequence[Listed], output: Output) -> None:
    """Show the datasets of a project, one a line."""
    now = datetime.now(UTC)
    for each in found:
        output.record(records.listed(each, _state(each)[0]))
    if not output.as_json:
        fitting = show_table(_HEADS, [_row(each, now) for each in found], output)
        kinds = Counter(str(each.kind) for each in found)
        counts = ", ".join(count_text(n, kind) for kind, n in sorted(kinds.items()))
        more = left_out(_HEADS, fitting)
        output.line((f"\n{counts or 'No datasets'}", "bold"), (more and f"; {more}", "dim"), hang=0)
    output.summary(Outcome())


def _row(each: Listed, now: datetime) -> list[Cell]:
    word, style = _state(each)
    why = reason_words(each.reasons)
    about = why or each.description.partition("\n")[0]
    return [
        Cell(each.name),
        Cell(str(each.kind), "dim"),
        Cell(word, style),
        Cell("" if each.rows is None else f"{each.rows:,}", right=True),
        Cell("" if each.bytes is None else bytes_text(each.bytes), right=True),
        Cell("" if each.built is None else age_text(each.built, now), right=True),
        Cell(about, "" if why else "dim"),
    ]


def _state(each: Listed) -> tuple[str, str]:
    """Return the state of a dataset as a word, with its style."""
    if each.action is None:
        return ("there", "green") if each.is_there else ("missing", "bold red")
    if not each.is_there:
        return ("not built", "yellow")
    word, style = _STATES[each.action]
    if str(each.kind) == "view" and each.action is Action.RUN:
        never = any(reason.cause is Cause.NEVER_BUILT for reason in each.reasons)
        return ("new" if never else "redefined", style)
    return word, style
