"""Given: rows that a test hands to a task, as the datasets that the task reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.errors.project import InputsMissing, InputUnfit, InputUnknown
from cpgbuild.errors.report import did_you_mean
from cpgbuild.plan import types

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from cpgbuild.core.task import Task


def check_inputs(
    makers: Sequence[Task], views: Mapping[str, Sequence[Task]], given: Collection[str]
) -> None:
    """See that what is given is what tasks read; `views` has those that make each view.

    Raises:
        InputsMissing: something that has rows of its own is not given.
        InputUnknown: something is given that nobody reads.
    """
    task = makers[0]
    read: set[str] = set()
    waiting = list(makers)
    while waiting:
        for needed in waiting.pop().requires:
            if needed.dataset not in read:
                read.add(needed.dataset)
                waiting += () if needed.dataset in given else views.get(needed.dataset, ())
    for name in given:
        if name not in read:
            raise InputUnknown(task.name, name, read)
    if missing := read - views.keys() - set(given):
        raise InputsMissing(task.name, missing, task.place)


def fitted(
    dataset: str, rows: pa.Table | Sequence[Mapping[str, Any]], schema: pa.Schema
) -> pa.Table:
    """Return rows under the schema of their dataset; columns that they lack are null.

    Raises:
        InputUnfit: they have a column that the dataset has not, or values of another type.
    """
    columns = [f"{field.name}: {types.to_text(field.type)}" for field in schema]
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    names: Iterable[str]
    if isinstance(rows, pa.Table):
        names = rows.column_names
    elif isinstance(rows, list | tuple) and all(isinstance(row, dict) for row in rows):
        names = {name: None for row in rows for name in row}
    else:
        fault = f"`{type(rows).__name__}` is neither an Arrow table nor a list of dictionaries"
        raise InputUnfit(dataset, fault, columns)
    for name in names:
        if name not in schema.names:
            hint = did_you_mean(str(name), schema.names)
            raise InputUnfit(dataset, f"it has no column `{name}`", columns, hint)
    found = []
    for field in schema:
        values = _values(rows, field.name)
        try:
            found.append(_typed(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError, OverflowError) as error:
            fault = f"column `{field.name}`: {str(error).splitlines()[0]}"
            raise InputUnfit(dataset, fault, columns) from error
    return pa.Table.from_arrays(found, schema=schema)


def _values(rows: Any, name: str) -> pa.ChunkedArray | list[Any]:
    if isinstance(rows, pa.Table):
        return rows[name] if name in rows.column_names else [None] * rows.num_rows
    return [row.get(name) for row in rows]


def _typed(values: pa.ChunkedArray | list[Any], kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    """Return values in a type; a date may be written as a text, and a decimal as a float."""
    if not isinstance(values, list):
        return values.cast(kind)
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values).cast(kind)
