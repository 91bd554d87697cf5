"""Checking: whether rows pass what their task says of them, before anybody sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.core.check import Passed
from cpgbuild.engine.runs import stream
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.errors.run import Cancelled, CheckBroken, CheckFailed
from cpgbuild.plan.failures import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import datafusion

    from cpgbuild.core.check import Check, ToCheck
    from cpgbuild.core.evidence import Stamp
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.task import Task
    from cpgbuild.engine.broken import Broken
    from cpgbuild.engine.context import Context
    from cpgbuild.engine.data import Data
    from cpgbuild.plan.compiled import Plans

# So much of bad rows is shown: rows, characters of a line, and of a value.
SHOWN_ROWS = 5
SHOWN_WIDTH = 68
SHOWN_VALUE = 24


@dataclass(frozen=True, slots=True)
class Checking:
    """Evaluates checks; several threads ask.

    `stop` says whether the build was interrupted, `data` what is to be known of what was read.
    """

    plans: Plans
    data: Data
    broken: Broken
    stop: Callable[[], bool]

    def passed(
        self, task: Task, checks: Iterable[ToCheck], rows: Fingerprint | None, context: Context
    ) -> dict[str, Passed]:
        """Evaluate the checks that these rows are not known to pass, and return what all rest on.

        `rows` names the rows, `context` reads them. Whoever calls sees to it afterwards that no
        source changed meanwhile.

        Raises:
            CheckFailed: rows break one (`Problems` where they break several).
            CheckBroken: one cannot be evaluated.
            Cancelled: the build was interrupted.
        """
        found: dict[str, Passed] = {}
        errors: list[CpgbuildError] = []
        self.broken.forget(task.output)
        for one in checks:
            if self.stop():
                raise Cancelled(task.name)
            if rows is None or one.good != rows:
                error = self._error(task, one.check, context)
                errors += [error] if error else []
            reads = {name: self._known(one, name, stamp) for name, stamp in one.reads.items()}
            found[one.check.title] = Passed(one.check.plan, reads)
        Problems.raise_if(errors)
        return found

    def sources(self, checks: Iterable[ToCheck], context: Context) -> set[str]:
        """Return the sources that checks read."""
        behind = (context.sources_behind(self.plans.compiled(one.check.name)) for one in checks)
        return {source for sources in behind for source in sources}

    def _known(self, one: ToCheck, name: str, stamp: Stamp) -> Stamp:
        """Return a stamp with the data fingerprint that nobody could compute later."""
        if stamp.data is not None or self.data.is_lazy(name):
            return stamp
        leaf = next(leaf for leaf in one.check.leaves if leaf.dataset == name)
        return replace(stamp, data=self.data.now(name, tuple(sorted(leaf.names))))

    def _error(self, task: Task, check: Check, context: Context) -> CpgbuildError | None:
        """Return what is wrong with the rows, if anything is."""
        compiled = self.plans.compiled(check.name)
        place = compiled.task.place
        try:
            bad = context.rows_of(compiled)
            # To count them, no more is read of them than what makes them bad.
            count = bad.count()
            if not count:
                return None
            shown: list[pa.RecordBatch] = []
            path = self.broken.keep(task.output, check.title, self._noted(bad, shown))
        except CpgbuildError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the check's
            return CheckBroken(task.name, check.title, reason(error), place)
        table = _table_text(pa.Table.from_batches(shown), _decisive(check.title))
        return CheckFailed(task.name, check.title, count, (table, str(path or "")), place)

    def _noted(
        self, bad: datafusion.DataFrame, shown: list[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        for batch in stream(bad):
            if batch.num_rows and sum(one.num_rows for one in shown) < SHOWN_ROWS:
                shown.append(batch)
            yield batch


def _decisive(title: str) -> list[str]:
    """Return the columns that a check is named after."""
    return title.partition("(")[2].removesuffix(")").split(", ")


def _table_text(rows: pa.Table, first: Iterable[str]) -> str:
    """Return a few rows as lines of text, the columns that matter first, as many as fit."""
    names = sorted(rows.column_names, key=lambda name: name not in first)
    head = rows.slice(0, SHOWN_ROWS).select(names)
    lines = sorted([_cut(_text(value)) for value in row.values()] for row in head.to_pylist())
    columns: list[list[str]] = []
    width = 0
    for position, name in enumerate(names):
        cells = [_cut(name), *(line[position] for line in lines)]
        width += max(map(len, cells)) + 2
        if columns and width > SHOWN_WIDTH:
            columns.append(["…"] * len(cells))
            break
        columns.append([cell.ljust(max(map(len, cells))) for cell in cells])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def _text(value: object) -> str:
    return "null" if value is None else str(value)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_VALUE else f"{line[: SHOWN_VALUE - 1]}…"
