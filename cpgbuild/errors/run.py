"""E3: a task ran and failed. Its table stays at the version that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.project import describe
from cpgbuild.errors.report import CpgbuildError, Place, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 12


class RunError(CpgbuildError):
    """Base of what can go wrong while a task runs."""

    code = "E300"
    exit_code = 1


class TaskFailed(RunError):
    """The engine could not evaluate a task's query."""

    code = "E301"

    def __init__(
        self,
        task: str,
        reason: str,
        place: Place | None,
        reads: Iterable[str] = (),
        hint: str = "",
    ) -> None:
        """Take the task, the engine's reason in one line, and what the task reads."""
        names = list(reads)
        super().__init__(
            f"task `{task}` failed: {reason}",
            place=place,
            facts=[("reads", quoted(names))] if names else [],
            hint=hint,
        )


class MapFailed(RunError):
    """The function of a python-lane task raised."""

    code = "E302"

    def __init__(
        self, task: str, reason: str, place: Place | None, keys: Sequence[str] = ()
    ) -> None:
        """Take the task, `ValueError: its message`, the raising line, and the rows at hand."""
        super().__init__(
            f"task `{task}` failed: {reason}",
            place=place,
            facts=[("rows", quoted(keys))] if keys else [],
        )


class MapResult(RunError):
    """The function of a python-lane task returned rows that do not fit what was declared."""

    code = "E303"

    def __init__(self, task: str, faults: Sequence[str], place: Place | None) -> None:
        """Take the task and each fault as a clause."""
        super().__init__(
            f"the function of task `{task}` returned rows that do not fit its schema",
            place=place,
            facts=[("fault", fault) for fault in faults],
            hint="return the columns and types declared in `schema=`",
        )


class SourceChanged(RunError):
    """A source changed while a task read it, so that what was read is no state of it."""

    code = "E304"

    def __init__(self, task: str, sources: Iterable[str], place: Place | None) -> None:
        """Take the task and the sources."""
        super().__init__(
            f"task `{task}` was not committed: what it reads changed meanwhile",
            place=place,
            facts=[("changed", quoted(sources))],
            hint="run `cpgbuild build` again",
        )


class BadKey(RunError):
    """The key column of a keyed task is null or names several rows."""

    code = "E305"

    def __init__(self, task: str, column: str, fault: str, place: Place | None) -> None:
        """Take the task, its key column and the fault as a clause."""
        super().__init__(
            f"task `{task}` has a bad key: column `{column}` {fault}",
            place=place,
            hint="give every row of the plan a key of its own",
        )


class WarehouseUnwritable(RunError):
    """The folder of the tables cannot be written."""

    code = "E306"
    exit_code = 2

    def __init__(self, path: str, error: BaseException) -> None:
        """Take the folder and the system's words."""
        reason = error.strerror if isinstance(error, OSError) else None
        super().__init__(
            f"warehouse `{path}` cannot be written",
            facts=[("reason", reason or describe(error))],
            hint="make the folder writable, or name another with `--warehouse`",
        )


class Cancelled(RunError):
    """The build was interrupted while this task ran; nothing of it was committed."""

    code = "E307"

    def __init__(self, task: str) -> None:
        """Take the task."""
        super().__init__(f"task `{task}` was interrupted")


class InputMissing(RunError):
    """A task reads a table that was excluded from the build and was never built."""

    code = "E308"

    def __init__(self, task: str, dataset: str, place: Place | None) -> None:
        """Take the task and the missing dataset."""
        super().__init__(
            f"dataset `{dataset}` is not there",
            place=place,
            facts=[("read by", f"task `{task}`")],
            hint=f"build it first: `cpgbuild build --target {dataset}`",
        )


class TableUnreadable(RunError):
    """A table in the warehouse is there but cannot be read."""

    code = "E309"

    def __init__(self, path: str, reason: str) -> None:
        """Take the table's folder, and the reader's own words."""
        super().__init__(
            f"table `{path}` cannot be read",
            facts=[("reason", reason)],
            hint="restore it, or delete its folder: the next build makes it again",
        )


class GivenOtherwise(RunError):
    """Hamilton hands a task something else than what it reads, as that is now."""

    code = "E360"

    def __init__(self, task: str, given: str, place: Place | None) -> None:
        """Take the task, and what it was given."""
        super().__init__(
            f"task `{task}` was given something else than it reads",
            place=place,
            facts=[("given", given)],
            hint="leave it out of Hamilton's inputs and overrides",
        )


class NotBuilt(RunError):
    """Rows were asked for of a table that was not built yet."""

    code = "E380"
    exit_code = 2

    def __init__(self, datasets: Sequence[str]) -> None:
        """Take the datasets, one at least."""
        said = "dataset" if len(datasets) == 1 else "datasets"
        verb = "is" if len(datasets) == 1 else "are"
        targets = " ".join(f"--target {name}" for name in datasets)
        super().__init__(
            f"{said} {quoted(datasets)} {verb} not built yet",
            hint=f"build first: `cpgbuild build {targets}`",
        )


class NoVersions(RunError):
    """Versions were asked for of a dataset that has none, or only one."""

    code = "E381"
    exit_code = 2

    def __init__(self, dataset: str, fault: str) -> None:
        """Take the dataset, and the fault as a clause."""
        super().__init__(
            f"dataset `{dataset}` {fault}",
            hint="tables have versions: `cpgbuild ls` shows which datasets are tables",
        )


class NoVersion(RunError):
    """A version of a table was asked for that is not there, or not there any more."""

    code = "E382"
    exit_code = 2

    def __init__(self, dataset: str, version: int, known: Sequence[int]) -> None:
        """Take the dataset, the version, and those of its states."""
        super().__init__(
            f"table `{dataset}` has no version {version}",
            facts=[("known", ", ".join(map(str, known[:SHOWN])))],
            hint=f"`cpgbuild history {dataset}` lists its versions",
        )


class NoEnd(RunError):
    """A graph is exported, and a node has no id or an edge has no end."""

    code = "E383"
    exit_code = 2

    def __init__(self, dataset: str, column: str) -> None:
        """Take the dataset, and the column that is null."""
        super().__init__(
            f"column `{column}` of dataset `{dataset}` is null in some rows, and names a node",
            hint=f"name a view that leaves them out: `WHERE {column} IS NOT NULL`",
        )


class CheckFailed(RunError):
    """Rows break a check of their task; nothing of them was committed."""

    code = "E350"

    def __init__(
        self, task: str, check: str, count: int, rows: tuple[str, str], place: Place | None
    ) -> None:
        """Take the task, the check, how many rows break it, some as lines, where all are kept."""
        self.check = check
        shown, path = rows
        super().__init__(
            f"check `{check}` of task `{task}` fails for {count:,} row{'' if count == 1 else 's'}",
            place=place,
            facts=[("rows", shown), *([("kept in", path)] if path else [])],
            hint="correct the rows where they come from, or the check; tables stay as they were",
        )


class CheckBroken(RunError):
    """A check of a task cannot be evaluated."""

    code = "E351"

    def __init__(self, task: str, check: str, reason: str, place: Place | None) -> None:
        """Take the task, the check, and the engine's reason in one line."""
        self.check = check
        super().__init__(
            f"check `{check}` of task `{task}` cannot be evaluated: {reason}",
            place=place,
            hint="correct the check; until it passes, tables stay as they were",
        )


class WatchFailed(RunError):
    """The system does not tell what changes in the project's folders."""

    code = "E330"
    exit_code = 2

    def __init__(self, folder: str, reason: str) -> None:
        """Take the project's folder, and the system's words."""
        super().__init__(
            f"`{folder}` cannot be watched",
            facts=[("reason", reason)],
            hint="`cpgbuild explain E330` says what may be done",
        )
