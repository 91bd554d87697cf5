"""Abandoned: tables of the warehouse that a run of ours wrote and that no task makes any more."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cpgbuild.engine.folder import Folder
from cpgbuild.engine.history import trace_of
from cpgbuild.engine.staging import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cpgbuild.engine.warehouse import Warehouse

_LOG = "_delta_log"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A table that nobody makes: its folder's name, the task that wrote it, when, and its files.

    `written` counts seconds since 1970. What else is in the folder is not among the files.
    """

    name: str
    task: str
    written: float
    files: tuple[str, ...]
    bytes: int


def abandoned(warehouse: Warehouse, outputs: Iterable[str]) -> Iterator[Abandoned]:
    """Give the tables of a local warehouse that none of these outputs is, whose rows are ours.

    A table that somebody else wrote to last is not ours, and neither is one that cannot be read.
    What lies behind a URL is not looked through.
    """
    if "://" in warehouse.location:
        return
    made = {Path(warehouse.uri(output)).name for output in outputs}
    try:
        names = sorted(path.name for path in Path(warehouse.location).iterdir())
    except OSError:
        return
    for name in names:
        uri = f"{warehouse.location}/{name}"
        if name in made or not Path(uri, _LOG).is_dir():
            continue
        folder = Folder(uri)
        try:
            trace = trace_of(uri, folder, DeltaTable(uri))
        except DeltaError:
            continue
        if trace is not None:
            files = tuple(filter(_is_ours, folder.names(deep=True)))
            sizes = folder.sizes(list(files))
            written = max(Path(uri, file).stat().st_mtime for file in files)
            yield Abandoned(name, trace.task, written, files, sum(sizes.values()))


def delete(warehouse: Warehouse, table: Abandoned) -> None:
    """Delete a table; whatever is in its folder beside it stays, and then so does the folder.

    The log goes last: as long as it is there, what is left can be told to be ours.
    """
    uri = f"{warehouse.location}/{table.name}"
    folder = Folder(uri)
    log = [file for file in table.files if file.startswith(f"{_LOG}/")]
    folder.delete(file for file in table.files if file not in set(log))
    folder.delete(log)
    for place, _, _ in os.walk(uri, topdown=False):
        if next(Path(place).iterdir(), None) is None:
            Path(place).rmdir()


def _is_ours(file: str) -> bool:
    name = file.rpartition("/")[2]
    is_data = name.startswith("part-") and name.endswith(".parquet")
    return is_data or file.startswith((f"{_LOG}/", f"{SIDE}/"))
