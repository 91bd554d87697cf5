"""Past: what `history` and `diff` answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.table import Cell, cell_of, show_table
from cpgbuild.cli.wording import count_text, reason_words, seconds_text
from cpgbuild.core.builder import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cpgbuild.api.past import State, VersionDifference
    from cpgbuild.cli.output import Output
    from cpgbuild.core.history import BuildRecord

_STYLES = {"built": "green", "restored": "green", "unchanged": "cyan", "failed": "bold red"}
_SAME = {"unchanged": "same"}
_SHOWN = 3


def show_builds(builds: Sequence[BuildRecord], output: Output) -> None:
    """Show what builds did, newest first."""
    for build in builds:
        output.record(records.build_record(build))
    if not output.as_json:
        rows = [_build_row(build, output) for build in builds]
        if rows:
            show_table(("began (UTC)", "took", "did", "tasks"), rows, output, cut=False)
        else:
            output.line(("No build has done anything yet", "bold"))
    output.summary(Outcome())


def _build_row(build: BuildRecord, output: Output) -> list[Cell]:
    counts = build.counts
    words = [
        (counts["built"], "built"),
        (counts["restored"], "restored"),
        (counts["unchanged"], "same"),
        (counts["failed"], "failed"),
        (counts["skipped"], "skipped"),
    ]
    did = ", ".join(f"{count} {word}" for count, word in words if count)
    if build.interrupted:
        did = f"interrupted: {did}"
    names = [run.dataset for run in build.tasks]
    shown = names if output.verbose else names[:_SHOWN]
    more = f", {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    style = "red" if counts["failed"] else ""
    return [
        Cell(_when(build.started)),
        Cell(seconds_text(build.seconds), right=True),
        Cell(did, style),
        Cell(", ".join(shown) + more, "dim"),
    ]


def show_states(name: str, states: Sequence[State], output: Output) -> None:
    """Show the states that a table has had, newest first, and the runs that left it as it was."""
    for state in states:
        output.record(records.state(name, state))
    if not output.as_json:
        heads = ("version", "when (UTC)", "what", "rows", "took", "why")
        if states:
            show_table(heads, [_state_row(state) for state in states], output, cut=False)
        else:
            output.line((f"`{name}` was never built", "bold"))
    output.summary(Outcome())


def _state_row(state: State) -> list[Cell]:
    run = state.run
    event = run.event if run is not None else "built" if state.is_ours else "somebody else wrote it"
    why = run.error or reason_words(run.causes) if run is not None else ""
    return [
        Cell("" if state.version is None else str(state.version), right=True),
        Cell(_when(state.when)),
        Cell(_SAME.get(event, event), _STYLES.get(event, "yellow")),
        Cell("" if state.rows is None else f"{state.rows:,}", right=True),
        Cell(seconds_text(state.seconds) if state.seconds else "", right=True),
        Cell(why, "dim"),
    ]


def _when(moment: str) -> str:
    return moment.replace("T", " ").removesuffix("Z")


def show_diff(found: VersionDifference, output: Output) -> None:
    """Show how two versions of a table differ."""
    rows = found.rows
    for record in records.differences(found):
        output.record(record)
    if not output.as_json:
        then, now = (_when(w) or "?" for w in (found.before_when, found.after_when))
        head = f"{found.dataset}: version {found.before} ({then}) → {found.after} ({now})"
        output.line((head, "bold"))
        for fault in rows.schema:
            output.line(("~ ", "yellow"), (fault, ""))
        _show_rows("+ ", "green", rows.added_rows, output)
        _show_rows("- ", "red", rows.removed_rows, output)
        for row in rows.changed_rows:
            key = ", ".join(cell_of(value).text for value in row.key)
            changes = [
                f"{name}: {cell_of(then).text} → {cell_of(now).text}"
                for name, (then, now) in row.values.items()
            ]
            output.line(("~ ", "yellow"), (f"{key}  ", ""), ("; ".join(changes), ""), hang=2)
        counts = [(rows.added, "added"), (rows.removed, "removed"), (rows.changed, "changed")]
        said = ", ".join(f"{count_text(n, 'row')} {word}" for n, word in counts if n)
        same = "nothing differs" if not rows.schema else "no row differs in the common columns"
        output.line((f"\n{said or same}", "bold"))
    more = {"added": rows.added, "removed": rows.removed, "changed": rows.changed}
    output.summary(Outcome(), **more)


def _show_rows(mark: str, style: str, rows: Sequence[dict[str, object]], output: Output) -> None:
    for row in rows:
        values = ", ".join(f"{name}: {cell_of(value).text}" for name, value in row.items())
        output.line((mark, style), (values, ""), hang=1)
