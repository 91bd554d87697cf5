"""Nulls: what must hold one for a column of a task's result to hold one.

A null is followed down to what the plan scans, by the rules of `locality.py`. Where it comes from a
column that has none, there is no such row of the result: of an inner join one side is enough to say
so, of a union all parts have to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpgbuild.plan.inference import as_optimised, optimised
from cpgbuild.plan.locality import Rules, column_of, places_of, scanned_columns, variant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.task import Task
    from cpgbuild.plan.compiled import Plans
    from cpgbuild.plan.locality import Places

# Outputs and sources, each with a column: where none of them has a null, there is none.
Origins = frozenset[tuple[str, str]]
_NEVER: Origins = frozenset()


def null_origins(plans: Plans, task: str, column: str) -> Origins | None:
    """Return the columns of outputs of which one has a null where a column of a task has one.

    No columns where it never has one, and None where nothing is known.
    """
    return _Walk(plans).of_task(task, column)


class _Walk:
    """A walk down the plans of a task and of all views behind it."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._rules = Rules(null=True)
        self._known: dict[tuple[str, str], Origins | None] = {}
        self._parts: dict[str, list[Task]] = {}
        for task in plans.tasks.values():
            self._parts.setdefault(task.dataset, []).append(task)

    def of_task(self, name: str, column: str) -> Origins | None:
        """Return where the nulls of a column of a task's query are from."""
        if (name, column) not in self._known:
            compiled, frame = self._plans.compiled(name), self._plans.frame(name)
            asked = places_of(compiled, frame, [column])
            is_followed = "outer_ref(" not in as_optimised(frame) and not compiled.recursive
            found = self._of_plan(optimised(frame), asked) if is_followed else None
            self._known[name, column] = found
        return self._known[name, column]

    def _of_dataset(self, dataset: str, column: str) -> Origins | None:
        parts = self._parts.get(dataset)
        if parts is None:
            return frozenset([(dataset, column)])
        return _all_of(
            frozenset([(part.output, column)]) if part.stored else self.of_task(part.name, column)
            for part in parts
        )

    def _of_plan(self, plan: Any, asked: Places) -> Origins | None:
        """Return where a null is from that is in all of the columns asked for."""
        node, below = variant(plan), plan.inputs()
        kind = type(node).__name__
        if not asked:
            return None
        if kind == "TableScan":
            columns = scanned_columns(plan, asked)
            return _least(self._of_dataset(node.table_name(), column) for column in columns)
        wants = self._rules.below(plan, asked)
        if kind == "Filter" and _refused(node.predicate()) & _named(plan, asked):
            return _NEVER
        if kind == "Join" and all(some is None for some in wants):
            return _NEVER
        found = [
            self._of_plan(part, some) if some else None
            for part, some in zip(below, wants, strict=True)
        ]
        return _all_of(found) if kind == "Union" else _least(found)


def _all_of(found: Iterable[Origins | None]) -> Origins | None:
    """Return where nulls of several parts are from; None where one of them is not known."""
    together = _NEVER
    for one in found:
        if one is None:
            return None
        together |= one
    return together


def _least(found: Iterable[Origins | None]) -> Origins | None:
    """Return the shortest of several answers of which each is one."""
    return min((one for one in found if one is not None), key=len, default=None)


def _refused(predicate: Any) -> frozenset[str]:
    """Return the columns that a condition demands to be no null, in so many words."""
    kind = predicate.variant_name()
    if kind == "IsNotNull":
        column = column_of(predicate.to_variant().expr())
        return frozenset([column] if column is not None else [])
    if kind == "BinaryExpr" and predicate.to_variant().op() == "AND":
        node = predicate.to_variant()
        return _refused(node.left()) | _refused(node.right())
    return frozenset()


def _named(plan: Any, places: Places) -> frozenset[str]:
    """Return the names of columns, of those that only one has."""
    names = list(variant(plan).schema().field_names())
    return frozenset(names[place] for place in places if names.count(names[place]) == 1)
