"""Column lineage: of every column of every dataset, the columns that it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.core.fingerprint import UNKNOWN, Fingerprint, fingerprint

if TYPE_CHECKING:
    from cpgbuild.core.task import Task
    from cpgbuild.workspace import Workspace

# Of the columns of one task the columns (dataset, column) one step upstream.
_Columns = dict[str, frozenset[tuple[str, str]]]
# Dataset, column, and the columns (dataset, column) one step upstream, each once, sorted.
ColumnLineage = dict[str, dict[str, list[tuple[str, str]]]]


# What was found of tasks before: by name, and by what of a task decides it.
KnownLineage = dict[str, tuple[Fingerprint, _Columns]]


def column_lineage(workspace: Workspace, known: KnownLineage) -> ColumnLineage:
    """Return, of each column that a task makes, the columns one step upstream.

    A column that decides which rows there are counts as one that decides values. Where several
    tasks make a dataset, what any of them needs is there. Takes about a millisecond a column, but
    for tasks that are `known`, which is added to.
    """
    found: dict[str, _Columns] = {}
    for task in workspace.graph.tasks.values():
        columns = found.setdefault(task.dataset, {})
        for column, pairs in _of_task(workspace, task, known).items():
            columns[column] = columns.get(column, frozenset()) | pairs
    return {
        dataset: {column: sorted(pairs) for column, pairs in columns.items()}
        for dataset, columns in found.items()
    }


def _of_task(workspace: Workspace, task: Task, known: KnownLineage) -> _Columns:
    reads = [str(column) for needed in task.requires for column in needed.columns]
    mark = fingerprint(task.query, task.schema.fingerprint, *reads)
    before = known.get(task.name)
    if before is not None and before[0] == mark and task.query != UNKNOWN:
        return before[1]
    found = {}
    for column in task.schema.names:
        needed = workspace.compiler.lineage(task.name, column)
        found[column] = frozenset((name, one) for name, some in needed.items() for one in some)
    known[task.name] = (mark, found)
    return found
