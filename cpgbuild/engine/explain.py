"""Explain: what changed since the last good run of a task, from what was kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.core.explanation import Explanation, QueryChange
from cpgbuild.core.reason import Cause
from cpgbuild.engine.comparison import compare
from cpgbuild.plan.differences import difference
from cpgbuild.plan.recorded import queries_of

if TYPE_CHECKING:
    from cpgbuild.core.events import Action
    from cpgbuild.core.rebuilder import Decision
    from cpgbuild.engine.data import Data
    from cpgbuild.engine.records import Records


def explain(
    decision: Decision,
    action: Action,
    data: Data,
    records: Records,
) -> Explanation:
    """Return why a task would run, or need not, with what is known of its last good run."""
    task, last = decision.task, decision.previous
    if last is None:
        return Explanation(task, action, decision.reasons, None)
    queries: tuple[QueryChange, ...] = ()
    if Cause.PLAN_CHANGED in {reason.cause for reason in decision.reasons}:
        queries = _queries(decision, records)
    inputs = tuple(
        compare(data, leaf, last.reads.get(leaf.dataset), decision.reads.get(leaf.dataset))
        for leaf in task.leaves
    )
    return Explanation(task, action, decision.reasons, last, queries, inputs)


def _queries(decision: Decision, records: Records) -> tuple[QueryChange, ...]:
    """Return how the queries that a task evaluates differ from those of its last run."""
    task, last = decision.task, decision.previous
    kept = records.find(task.output, last.plan) if last is not None else None
    if kept is None:
        return ()
    then = queries_of(kept)
    now = queries_of(records.record(task))
    found = [
        QueryChange(name, difference(then.get(name, ""), now.get(name, "")))
        for name in sorted({*then, *now})
    ]
    return tuple(change for change in found if change.diff)
