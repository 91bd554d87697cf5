"""Dataset: a named table, the unit of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DatasetKind(StrEnum):
    """Where a dataset's rows come from."""

    SOURCE = "source"
    VIEW = "view"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset node of the graph."""

    name: str
    kind: DatasetKind
