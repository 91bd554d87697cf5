"""Findings: what `doctor` says, a line for each, with a hint where something is to be done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cpgbuild.cli import exit_codes, records
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome
from cpgbuild.core.finding import Health, problem
from cpgbuild.project.installed import look_at_installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cpgbuild.cli.output import Output
    from cpgbuild.core.finding import Finding
    from cpgbuild.project.config import Overrides

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.PROBLEM: "bold red"}
_WIDTH = 10


def looked_at(project: Path, overrides: Overrides) -> Iterator[Finding]:
    """Give all that `doctor` finds; of the packages alone where these cannot even be loaded."""
    try:
        from cpgbuild.cli.lean import api  # noqa: PLC0415 -- it may not be there

        doctor = api.doctor
    except ImportError as error:
        yield from look_at_installed()
        yield problem("packages", str(error), "install cpgbuild anew, in a fresh environment")
    else:
        yield from doctor(project, overrides=overrides)


def show_findings(found: Iterable[Finding], output: Output) -> int:
    """Show each finding as it comes; return the exit code, which tells of problems."""
    counts: Counter[Health] = Counter()
    for each in found:
        counts[each.health] += 1
        output.record(records.found(each))
        output.line(
            (str(each.health).ljust(_WIDTH), _STYLES[each.health]),
            (f"{each.about}: ", "bold"),
            (each.fact, ""),
            hang=1,
        )
        if each.hint:
            output.line((" " * _WIDTH, ""), (f"hint: {each.hint}", "cyan"), hang=1)
    problems, warnings = counts[Health.PROBLEM], counts[Health.WARNING]
    said = [count_text(n, word) for n, word in ((problems, "problem"), (warnings, "warning")) if n]
    style = "bold red" if problems else "bold"
    output.line((f"\n{', '.join(said) or 'All is well'}", style))
    output.summary(Outcome(), problems=problems, warnings=warnings)
    return exit_codes.WRONG_REQUEST if problems else exit_codes.OK
