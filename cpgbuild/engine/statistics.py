"""Statistics: what a commit says of a file's columns, where it is certain."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = (date.min - _EPOCH).days, (date.max - _EPOCH).days


def statistics(footer: pq.FileMetaData) -> str:
    """Return the statistics of a Parquet file as Delta has them in its log.

    DataFusion answers `count(*)`, `min` and `max` from these, and leaves files out by them. So
    they are given for flat columns only, and bounds for nothing but integers and dates: Parquet
    cuts long texts off, and floats have NaN and two zeros.
    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
    """
    nulls: dict[str, int] = {}
    least: dict[str, int | str] = {}
    most: dict[str, int | str] = {}
    leaf = 0
    for column in footer.schema.to_arrow_schema():
        if not pa.types.is_nested(column.type):
            groups = [footer.row_group(n).column(leaf) for n in range(footer.num_row_groups)]
            if (count := _nulls(groups)) is not None:
                nulls[column.name] = count
            if (bounds := _bounds(groups, column.type)) is not None:
                least[column.name], most[column.name] = bounds
        leaf += _leaves(column.type)
    return json.dumps(
        {
            "numRecords": footer.num_rows,
            "minValues": least,
            "maxValues": most,
            "nullCount": nulls,
        }
    )


def _leaves(kind: pa.DataType) -> int:
    """Return how many Parquet columns a column of this type is stored in."""
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(n).type) for n in range(kind.num_fields))


def _nulls(groups: list[pq.ColumnChunkMetaData]) -> int | None:
    known = [group.statistics for group in groups]
    if any(one is None or not one.has_null_count for one in known):
        return None
    return sum(int(one.null_count) for one in known)


def _bounds(
    groups: list[pq.ColumnChunkMetaData], kind: pa.DataType
) -> tuple[int | str, int | str] | None:
    is_date = pa.types.is_date32(kind)
    if not (pa.types.is_signed_integer(kind) or is_date):
        return None
    known = [group.statistics for group in groups if not _only_nulls(group)]
    if not known or any(one is None or not one.has_min_max for one in known):
        return None
    least, most = min(one.min_raw for one in known), max(one.max_raw for one in known)
    if not is_date:
        return int(least), int(most)
    if least < _FIRST or most > _LAST:
        return None
    return str(_EPOCH + timedelta(days=least)), str(_EPOCH + timedelta(days=most))


def _only_nulls(group: pq.ColumnChunkMetaData) -> bool:
    known = group.statistics
    return known is not None and known.has_null_count and known.null_count == group.num_values
