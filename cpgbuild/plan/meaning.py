"""Meaning: what a task's plan covers through views, Merkle-wise over (view, required columns).

A view is not a thing of its own: whoever reads it evaluates it, and of it only what is required.
So a plan's fingerprint covers each view behind it narrowed to the columns that are asked for, and
its leaves are the stored datasets at the ends. Each pair of a view and its columns is planned
once, so that cost grows with the number of such pairs and not with the depth of views.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import datafusion

from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.core.task import TaskKind
from cpgbuild.plan.assemble import check_storable, query_fingerprint, requirement, requirements
from cpgbuild.plan.inference import scans

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pyarrow as pa

    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.plan.compiled import Compiled

# A view that varies is evaluated once for all where it would be read so many times.
SEVERAL = 2


@dataclass(slots=True)
class _Meaning:
    """What a query means with all behind it: its fingerprint, and what it reads in the end."""

    plan: Fingerprint
    views: dict[str, Fingerprint] = field(default_factory=dict)
    leaves: dict[str, set[str]] = field(default_factory=dict)
    volatile: set[str] = field(default_factory=set)
    unstable: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)


class Meanings:
    """Completes compiled tasks, once all of them are there, by what lies behind their views."""

    def __init__(
        self,
        compiled: Mapping[str, Compiled],
        frames: Mapping[str, datafusion.DataFrame],
        schemas: Mapping[str, pa.Schema],
    ) -> None:
        """Take the compiled tasks, their queries' frames on empty inputs, and all schemas."""
        self._compiled = compiled
        self._frames = frames
        self._schemas = schemas
        self._producers: dict[str, list[Task]] = {}
        for _, one in sorted(compiled.items()):
            self._producers.setdefault(one.task.dataset, []).append(one.task)
        self._kept = self._find_kept()
        self._views: dict[tuple[str, tuple[str, ...]], _Meaning] = {}

    def complete(self, names: Collection[str] | None = None) -> dict[str, Compiled]:
        """Return the compiled tasks with their plans, leaves, and what makes their rows vary.

        `names` are those that are asked for; all of them, where that is not said.

        Raises:
            QueryInvalid: a view has to be kept as a table, which cannot hold its columns.
        """
        return {
            name: replace(one, task=self._completed(one))
            for name, one in self._compiled.items()
            if names is None or name in names
        }

    def _completed(self, one: Compiled) -> Task:
        task = one.task
        if task.name in self._kept:
            check_storable(one.definition, one.schema)
        meaning = self._meaning(task, task.query, task.requires)
        return replace(
            task,
            plan=meaning.plan,
            views=tuple(sorted(meaning.views.items())),
            leaves=tuple(self._leaf(*leaf) for leaf in sorted(meaning.leaves.items())),
            volatile=tuple(sorted(meaning.volatile)),
            unstable=tuple(sorted(meaning.unstable)),
            inexact=tuple(sorted(meaning.inexact)),
            kept=task.name in self._kept,
        )

    def _leaf(self, name: str, columns: set[str]) -> Requirement:
        return requirement(name, columns, self._schemas[name.partition("/")[0]])

    def _meaning(self, task: Task, query: Fingerprint, requires: Iterable[Requirement]) -> _Meaning:
        """Return the meaning of a query of these reads; of `task`, or of a part of its columns."""
        meaning = _Meaning(query)
        self._vary(meaning, task)
        facts: list[str] = []
        for needed in sorted(requires, key=lambda r: r.dataset):
            dataset, columns = needed.dataset, needed.names
            plans: list[str] = []
            for part in self._producers.get(dataset, ()):
                if self._is_stored(part):
                    self._add_leaf(meaning, part.output, columns)
                    facts += ["leaf", part.output]
                else:
                    behind = self._view(part, tuple(sorted(columns)))
                    plans += [part.output, behind.plan]
                    self._vary(meaning, behind)
                    for leaf, some in behind.leaves.items():
                        self._add_leaf(meaning, leaf, some)
            if plans:
                meaning.views[dataset] = fingerprint("views", *plans)
                facts += ["view", dataset, meaning.views[dataset]]
            if dataset not in self._producers:
                self._add_leaf(meaning, dataset, columns)
                facts += ["leaf", dataset]
        meaning.plan = fingerprint("plan", query, *facts)
        return meaning

    def _vary(self, meaning: _Meaning, behind: Task | _Meaning) -> None:
        meaning.volatile.update(behind.volatile)
        meaning.unstable.update(behind.unstable)
        meaning.inexact.update(behind.inexact)

    def _add_leaf(self, meaning: _Meaning, leaf: str, columns: Collection[str]) -> None:
        meaning.leaves.setdefault(leaf, set()).update(columns)

    def _view(self, view: Task, columns: tuple[str, ...]) -> _Meaning:
        """Return what a view means to a reader of some of its columns."""
        key = (view.name, columns)
        if key not in self._views:
            one, frame = self._compiled[view.name], self._frames[view.name]
            # Of all columns too: their order, and that there are no more, is not a reader's matter.
            narrow = narrowed(frame, columns)
            schemas = {r.dataset: self._schemas[r.dataset] for r in view.requires}
            requires = requirements(narrow, schemas)
            query = query_fingerprint(one, narrow, requires, columns)
            self._views[key] = self._meaning(view, query, requires)
        return self._views[key]

    def _is_stored(self, task: Task) -> bool:
        return task.kind is TaskKind.COMPUTE or task.name in self._kept

    def _find_kept(self) -> set[str]:
        """Return the views whose rows vary from one reading to the next, and that are read so.

        How often a view is evaluated is known once it is known how often its readers are.
        """
        kept: set[str] = set()
        times: Counter[str] = Counter()
        for name, one in reversed(self._in_order()):
            task = one.task
            stored = task.kind is TaskKind.COMPUTE
            if not stored and (task.volatile or task.unstable) and times[name] >= SEVERAL:
                kept.add(name)
            once = stored or name in kept
            for dataset in self._read(one):
                for part in self._producers.get(dataset, ()):
                    times[part.name] += 1 if once else times[name]
        return kept

    def _in_order(self) -> list[tuple[str, Compiled]]:
        """Return the tasks so that each comes after all whose outputs it reads."""
        # They were compiled in this order, since a query is planned on its inputs' schemas.
        return list(self._compiled.items())

    def _read(self, one: Compiled) -> list[str]:
        """Return the datasets that a query scans, each as often as it is scanned."""
        read = [name for name, _ in scans(self._frames[one.task.name].logical_plan())]
        # A recursive query scans its inputs in every round.
        return read * SEVERAL if one.recursive else read


def narrowed(frame: datafusion.DataFrame, columns: Collection[str]) -> datafusion.DataFrame:
    """Return a frame of some columns; of none, one that has as many rows."""
    if not columns:
        # `datafusion.lit` would ask for pandas, to know whether the number is one of its values.
        return frame.select(frame.parse_sql_expr("1").alias("row"))
    quoted = (name.replace('"', '""') for name in columns)
    return frame.select(*(datafusion.col(f'"{name}"') for name in quoted))
