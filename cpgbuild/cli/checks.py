"""Checks: what `check` says of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import exit_codes, records
from cpgbuild.cli.output import exit_code
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome

if TYPE_CHECKING:
    from cpgbuild.api.upkeep import Checked
    from cpgbuild.cli.output import Output
    from cpgbuild.core.drift import Drift


def show_checked(checked: Checked, output: Output, *, strict: bool) -> int:
    """Show what is wrong, and how what tasks declare differs from what they read.

    Return the exit code; under `strict`, a difference is wrong too.
    """
    for problem in checked.problems:
        output.error(problem)
    drifting = {drift.task.name: drift for drift in checked.drifts}
    width = max(
        (len(t.name) for t in checked.tasks if output.verbose or t.name in drifting), default=0
    )
    for task in checked.tasks:
        drift = drifting.get(task.name)
        if drift is not None:
            output.record(records.drifted(drift))
            name = (f"{task.name.ljust(width)}  ", "")
            output.line(("drift    ", "yellow"), name, (_said(drift), ""), hang=2)
        elif output.verbose:
            reads = ", ".join(f'"{needed.dataset}"' for needed in task.requires)
            output.line(
                ("fine     ", "green"),
                (f"{task.name.ljust(width)}  ", ""),
                (f"inputs=[{reads}]", "dim"),
                hang=2,
            )
    _sum_up(checked, output)
    codes = [exit_code(problem) for problem in checked.problems]
    if strict and drifting:
        codes.append(exit_codes.WRONG_REQUEST)
    return max(codes, default=exit_codes.OK)


def _said(drift: Drift) -> str:
    said = [("declared and not read", drift.unread), ("read and not declared", drift.undeclared)]
    return "; ".join(f"{words}: {', '.join(names)}" for words, names in said if names)


def _sum_up(checked: Checked, output: Output) -> None:
    tasks, sources = len(checked.tasks), len(checked.sources)
    both = f"{count_text(tasks, 'task')} and {count_text(sources, 'source')}"
    if checked.problems:
        head = f"{count_text(len(checked.problems), 'problem')}; {both} can be planned"
    else:
        head = f"{both} are fine"
    gap = "\n" if checked.drifts or output.verbose else ""
    drift = len(checked.drifts)
    verb = "reads" if drift == 1 else "read"
    more = f"; {count_text(drift, 'task')} {verb} other datasets than declared" if drift else ""
    output.line((f"{gap}{head}", "bold red" if checked.problems else "bold"), (more, "yellow"))
    counts = {"tasks": tasks, "sources": sources, "problems": len(checked.problems)}
    output.summary(Outcome(), **counts, drifts=drift)
