"""Proofs: which checks the rows of a task are known to pass, and why not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cpgbuild.core.check import ToCheck
from cpgbuild.core.reason import Cause, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cpgbuild.core.check import Check
    from cpgbuild.core.evidence import Evidence, Stamp
    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.core.trace import Trace


class Known(Protocol):
    """Who knows what datasets hold now, and what became of them."""

    def evidence(self, name: str) -> Evidence | None:
        """Return the evidence of a source or output; None: missing, or about to be made."""
        ...

    def change_since(
        self, leaf: Requirement, then: Stamp | None, now: Stamp | None
    ) -> Cause | None:
        """Return what became of a leaf that a check reads; None where the rows are the same."""
        ...


class Proofs:
    """Which checks the rows of a task are known to pass."""

    def __init__(self, known: Known) -> None:
        """Take who knows what is there now."""
        self._known = known

    def of(self, task: Task, trace: Trace | None) -> tuple[tuple[ToCheck, ...], tuple[Reason, ...]]:
        """Return a task's checks, and why some are not known to pass for the rows of a run."""
        found: list[ToCheck] = []
        reasons: dict[Reason, None] = {}
        for check in task.checks:
            reads = {
                leaf.dataset: evidence.stamp(leaf.names)
                for leaf in check.leaves
                if (evidence := self._known.evidence(leaf.dataset)) is not None
            }
            why = list(self._reasons(task, check, trace, reads))
            good = trace.wrote.version if trace is not None and not why else None
            found.append(ToCheck(check, reads, good))
            reasons.update(dict.fromkeys(why))
        return tuple(found), tuple(reasons)

    def _reasons(
        self, task: Task, check: Check, trace: Trace | None, reads: Mapping[str, Stamp]
    ) -> Iterator[Reason]:
        """Give what speaks against it that a check still holds of what passed it."""
        passed = trace.checked.get(check.title) if trace is not None else None
        if check.volatile:
            yield Reason(Cause.VOLATILE, task.dataset, ", ".join(check.volatile))
        if passed is None or passed.plan != check.plan:
            yield Reason(Cause.CHECKS_CHANGED, task.dataset)
            return
        for leaf in check.leaves:
            then, now = passed.reads.get(leaf.dataset), reads.get(leaf.dataset)
            cause = self._known.change_since(leaf, then, now)
            if cause is not None:
                yield Reason(cause, leaf.dataset.partition("/")[0])
