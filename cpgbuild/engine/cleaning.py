"""Cleaning: what old versions of a table take up, and no revert could need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from cpgbuild.engine.folder import Folder
from cpgbuild.engine.history import eras
from cpgbuild.engine.records import record_path
from cpgbuild.engine.runs import RUN
from cpgbuild.engine.staging import SIDE

if TYPE_CHECKING:
    from cpgbuild.engine.warehouse import Warehouse


class Litter(StrEnum):
    """What was, or would be, deleted."""

    VERSIONS = "versions"
    TABLE = "table"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was, or would be, deleted of an output: files, and their bytes.

    Or it stays, for the reason that is `left`.
    """

    output: str
    files: int
    bytes: int
    litter: Litter = Litter.VERSIONS
    left: str = ""


def clean(
    warehouse: Warehouse, output: str, keep: int, hours: int, *, dry_run: bool = False
) -> Cleaned:
    """Delete the files that belong to none of the last `keep` states of an output.

    What was taken out of the table in the last `hours` stays too, for those who read it now. A
    state is what a run of ours wrote: only that can be restored.
    """
    uri = warehouse.uri(output)
    folder = Folder(uri)
    try:
        table = DeltaTable(uri)
    except TableNotFoundError:
        return Cleaned(output, 0, 0)
    ours = (era for era in eras(folder, table.version()) if era.trace is not None)
    kept = list(islice(ours, keep))
    versions = sorted({v for era in kept for v in (era.oldest, era.newest)} | {table.version()})
    doomed = _vacuumed(table, hours, versions, dry_run=True)
    traces = [era.trace for era in kept if era.trace is not None]
    beside = {record_path(trace.plan) for trace in traces}
    runs = [trace.facts.get(RUN, "") for trace in traces]
    beside |= {f"{SIDE}/{kind}-{run}.parquet" for run in runs for kind in ("keys", "ledger")}
    side = [
        name
        for name in folder.names(SIDE)
        if name.startswith((f"{SIDE}/plan-", f"{SIDE}/keys-", f"{SIDE}/ledger-"))
        and name not in beside
    ]
    # Delta goes on naming what is gone already.
    sizes = folder.sizes([*doomed, *side])
    if not dry_run and sizes:
        _vacuumed(table, hours, versions, dry_run=False)
        folder.delete(side)
    return Cleaned(output, len(sizes), sum(sizes.values()))


def _vacuumed(table: DeltaTable, hours: int, versions: list[int], *, dry_run: bool) -> list[str]:
    return table.vacuum(
        hours, dry_run=dry_run, enforce_retention_duration=False, keep_versions=versions
    )
