"""Reason: why a task must run, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a task must run; the codes that `--json` prints."""

    NEVER_BUILT = "never_built"
    PLAN_CHANGED = "plan_changed"
    SCHEMA_CHANGED = "schema_changed"
    DATA_CHANGED = "data_changed"
    OUTPUT_MISSING = "output_missing"
    OUTPUT_CHANGED = "output_changed"
    VOLATILE = "volatile"
    FORCED = "forced"
    UPSTREAM = "upstream"
    CHECKS_CHANGED = "checks_changed"


# Of an output that is there: who wrote it, or which version of cpgbuild, nobody knows.
UNRECORDED = "no record of its run"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, and the dataset that it is about."""

    cause: Cause
    dataset: str
    detail: str = ""
