"""Lineage: what `lineage` answers, as trees of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.core.builder import Outcome
from cpgbuild.core.lineage import Cell, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cpgbuild.api.columns import Lineage
    from cpgbuild.cli.output import Output
    from cpgbuild.core.lineage import Uses

_BRANCH, _LAST, _PASS, _NONE = "├─ ", "└─ ", "│  ", "   "
# Of many columns that decide something, so many are named.
_SHOWN = 6


def show_lineage(found: Lineage, output: Output, *, up: bool, down: bool) -> None:
    """Show the steps up and down from a column, or one step for each column of a dataset."""
    if up:
        for step in found.up:
            output.record(records.lineage_step("up", step))
    if down:
        for step in found.down:
            output.record(records.lineage_step("down", step))
    if not output.as_json:
        if found.column is None:
            _show_dataset(found, output, up=up, down=down)
        else:
            _show_column(found, Cell(found.dataset, found.column), output, up=up, down=down)
    output.summary(Outcome())


def _show_dataset(found: Lineage, output: Output, *, up: bool, down: bool) -> None:
    if up:
        width = max((len(step.cell.column) for step in found.up), default=0)
        output.line((found.dataset, "bold"), ("  is made of", "dim"))
        for step in found.up:
            made = step.derivation
            said = made.expression if made is not None else "a source's own column"
            style = "cyan" if made else "dim"
            output.line((f"  {step.cell.column.ljust(width)}  ", ""), (said, style), hang=1)
            _show_deciders(step, "  " + " " * width + "  ", output)
        _show_rows(found.up, "  ", output)
    if down:
        if up:
            output.line(("", ""))
        if not found.down:
            output.line((f"Nothing is made of `{found.dataset}`", "bold"))
            return
        output.line((found.dataset, "bold"), ("  is read by", "dim"))
        _show_steps(found.down, output)


def _show_steps(steps: Sequence[Step], output: Output) -> None:
    width = max(len(str(step.cell)) for step in steps)
    for step in steps:
        said = step.derivation.expression if step.derivation is not None else ""
        output.line((f"  {str(step.cell).ljust(width)}  ", ""), (said, "cyan"), hang=1)


def _show_column(found: Lineage, cell: Cell, output: Output, *, up: bool, down: bool) -> None:
    if up:
        output.line((str(cell), "bold"), ("  comes from", "dim"))
        _Up(found.up, output).show(cell, "", "")
        start = [step for step in found.up if step.cell == cell]
        _show_rows(start, "", output)
    if down:
        if up:
            output.line(("", ""))
        if not found.down:
            output.line((f"Nothing is made of `{cell}`", "bold"))
            return
        output.line((str(cell), "bold"), ("  goes to", "dim"))
        _Down(found.down, output).show(cell, "")


class _Up:
    """Shows what a column is made of, each column with all that is above it once."""

    def __init__(self, steps: Iterable[Step], output: Output) -> None:
        self._steps: dict[Cell, list[Step]] = {}
        for step in steps:
            self._steps.setdefault(step.cell, []).append(step)
        self._output = output
        self._shown: set[Cell] = set()

    def show(self, cell: Cell, lead: str, below: str) -> None:
        steps = self._steps.get(cell, [])
        again = cell in self._shown and any(step.task for step in steps)
        self._shown.add(cell)
        if again:
            self._output.line((lead, "dim"), (str(cell), ""), ("  as above", "dim"))
        elif len(steps) > 1:
            said = f"  by {len(steps)} tasks"
            self._output.line((lead, "dim"), (str(cell), ""), (said, "dim"))
            for number, step in enumerate(steps):
                last = number == len(steps) - 1
                lead = below + (_LAST if last else _BRANCH)
                self._show_step(step, step.task, lead, below + (_NONE if last else _PASS))
        else:
            for step in steps:
                self._show_step(step, str(cell), lead, below)

    def _show_step(self, step: Step, name: str, lead: str, below: str) -> None:
        made = step.derivation
        if made is None:
            self._output.line((lead, "dim"), (name, ""), ("  a source", "dim"))
            return
        more = below + (_PASS if made.direct else _NONE)
        words = [(lead, "dim"), (name, ""), (" = ", "dim"), (made.expression, "cyan")]
        self._output.line(*words, hang=more + _NONE)
        _show_deciders(step, more, self._output)
        for number, cell in enumerate(made.direct):
            last = number == len(made.direct) - 1
            end = below + (_LAST if last else _BRANCH)
            self.show(cell, end, below + (_NONE if last else _PASS))


class _Down:
    """Shows what is made of a column, each column with all that is below it once."""

    def __init__(self, steps: Iterable[Step], output: Output) -> None:
        self._steps = list(steps)
        self._output = output
        self._shown: set[Cell] = set()

    def show(self, cell: Cell, below: str) -> None:
        made = [s for s in self._steps if s.derivation is not None and cell in s.derivation.direct]
        for number, step in enumerate(made):
            last = number == len(made) - 1
            again = step.cell in self._shown
            said = step.derivation.expression if step.derivation is not None else ""
            self._output.line(
                (below + (_LAST if last else _BRANCH), "dim"),
                (str(step.cell), ""),
                (" = ", "dim"),
                (said, "cyan"),
                hang=below + (_NONE if last else _PASS) + _NONE,
            )
            if not again:
                self._shown.add(step.cell)
                self.show(step.cell, below + (_NONE if last else _PASS))


def _show_deciders(step: Step, lead: str, output: Output) -> None:
    """Show, under `-v`, what decides a column's values without being in them."""
    uses = step.derivation.uses if step.derivation is not None else {}
    indirect = {c: frozenset(k for k in kinds if not k.is_direct) for c, kinds in uses.items()}
    if output.verbose and any(indirect.values()):
        output.line((lead, "dim"), (f"decided by {_said(indirect)}", "dim"), hang=1)


def _show_rows(steps: Iterable[Step], lead: str, output: Output) -> None:
    """Show what decides which rows the tasks of some steps give."""
    for task, rows in {step.task: step.rows for step in steps if step.task}.items():
        if rows:
            output.line((lead, "dim"), (f"rows of {task}: {_said(rows)}", "dim"), hang=1)


def _said(uses: Uses) -> str:
    """Return uses as `filter a.x, a.y; join b.z`."""
    kinds: dict[str, list[str]] = {}
    for cell, each in sorted(uses.items()):
        for use in each:
            kinds.setdefault(str(use), []).append(str(cell))
    parts = []
    for kind, cells in sorted(kinds.items()):
        more = f", {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
        parts.append(f"{kind} {', '.join(cells[:_SHOWN])}{more}")
    return "; ".join(parts)
