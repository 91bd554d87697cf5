"""Lineage: which columns of its inputs one output column of a query depends on.

It is the query narrowed to that column, as the optimiser prunes it: what is left decides the
column's values, or which rows there are, how often and in which order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.plan.assemble import narrowed
from cpgbuild.plan.inference import as_optimised, required_columns, scans

if TYPE_CHECKING:
    from collections.abc import Callable

    import datafusion

    from cpgbuild.plan.compiled import Compiled


class Lineage:
    """The lineage of each column of each task, planned when it is first asked for."""

    def __init__(
        self,
        compiled: Callable[[str], Compiled],
        frame: Callable[[str], datafusion.DataFrame],
    ) -> None:
        """Take who knows a task in the form for engines, and its query on empty inputs."""
        self._compiled = compiled
        self._frame = frame
        self._known: dict[tuple[str, str | None], dict[str, frozenset[str]]] = {}

    def of(self, task: str, column: str | None) -> dict[str, frozenset[str]]:
        """Return, for each dataset that a task's output column depends on, the columns it needs.

        Of a dataset with no columns the number of its rows matters. For no column: what decides
        which rows the output has, whatever is in them.
        """
        key = (task, column)
        if key not in self._known:
            self._known[key] = self._find(self._compiled(task), column)
        return self._known[key]

    def _find(self, one: Compiled, column: str | None) -> dict[str, frozenset[str]]:
        if one.row_map is not None:
            # What its function makes of its rows, nobody knows.
            return {r.dataset: frozenset(r.names) for r in one.task.requires}
        frame = narrowed(self._frame(one.task.name), () if column is None else (column,))
        schemas = {r.dataset: one.inputs[r.dataset] for r in one.task.requires}
        needed = required_columns(frame, schemas)
        # The optimiser leaves out what can neither add a row nor drop one.
        read = {name for name, _ in scans(as_optimised(frame))}
        return {d: frozenset(columns) for d, columns in needed.items() if d in read}
