"""E2: the tasks do not form a graph, or a plan does not fit what it reads. Nothing ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.report import CpgbuildError, Place, did_you_mean, nearest_first, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Cycle(CpgbuildError):
    """Some dataset is, through its tasks, read to make itself."""

    code = "E201"

    def __init__(self, path: Sequence[str], place: Place | None) -> None:
        """Take the datasets on the cycle in reading order, the first one once."""
        self.path = tuple(path)
        shown = " → ".join(f"`{name}`" for name in (*self.path, self.path[0]))
        super().__init__(
            f"dataset `{self.path[0]}` is read to make itself",
            place=place,
            facts=[("cycle", shown)],
            hint="remove one of these reads",
        )


class DuplicateDataset(CpgbuildError):
    """Several tasks produce one dataset and do not all say `contributes_to`."""

    code = "E202"

    def __init__(self, dataset: str, producers: Sequence[tuple[str, Place]]) -> None:
        """Take the dataset, and each producing task with its place."""
        super().__init__(
            f"dataset `{dataset}` has {len(producers)} producers",
            place=producers[-1][1],
            facts=[("task", f"`{task}` at {place}") for task, place in producers],
            hint=f'rename one, or let each say `contributes_to="{dataset}"`',
        )


class UnknownDataset(CpgbuildError):
    """A plan reads a dataset that is neither a source nor made by a task."""

    code = "E203"

    def __init__(self, dataset: str, task: str, known: Iterable[str], place: Place | None) -> None:
        """Take the name, the reading task, and the datasets that exist."""
        self.dataset = dataset
        names = nearest_first(dataset, known)
        super().__init__(
            f"dataset `{dataset}` is not known",
            place=place,
            facts=[
                ("read by", f"task `{task}`"),
                ("known", quoted(names) if names else "none"),
            ],
            hint=did_you_mean(dataset, names, "declare a source, or write a task of that name"),
        )


class MissingColumn(CpgbuildError):
    """An edge requires a column that the dataset does not have."""

    code = "E204"

    def __init__(
        self, column: str, dataset: str, task: str, known: Iterable[str], place: Place | None
    ) -> None:
        """Take the column, the dataset, the reading task and the columns that are there."""
        names = list(known)
        super().__init__(
            f"column `{column}` is not in dataset `{dataset}`",
            place=place,
            facts=[
                ("read by", f"task `{task}`"),
                ("columns", quoted(nearest_first(column, names)) if names else "none"),
            ],
            hint=did_you_mean(column, names, "was it renamed or removed upstream?"),
        )


class WrongType(CpgbuildError):
    """An edge requires a column in another type than the dataset has it in."""

    code = "E205"

    def __init__(
        self, column: str, dataset: str, task: str, types: tuple[str, str], place: Place | None
    ) -> None:
        """Take the column, the dataset, the task, and the (planned, found) types."""
        planned, found = types
        super().__init__(
            f"column `{column}` of dataset `{dataset}` has another type than its reader expects",
            place=place,
            facts=[
                ("read by", f"task `{task}`"),
                ("expected", f"`{planned}`"),
                ("found", f"`{found}`"),
            ],
            hint="cast the column in the task that makes it, or in the one that reads it",
        )


class PlanFailed(CpgbuildError):
    """A task's function raised while it built its expression."""

    code = "E206"

    def __init__(
        self,
        task: str,
        reason: str,
        place: Place | None,
        facts: Iterable[tuple[str, str]] = (),
        hint: str = "",
    ) -> None:
        """Take the task, what was raised in a line, and what is known of the datasets it reads."""
        super().__init__(
            f"task `{task}` cannot be planned: {reason}", place=place, facts=facts, hint=hint
        )


class QueryInvalid(CpgbuildError):
    """The engine's planner refuses a query."""

    code = "E207"

    def __init__(
        self,
        task: str,
        reason: str,
        place: Place | None,
        facts: Iterable[tuple[str, str]] = (),
        hint: str = "",
    ) -> None:
        """Take the task, the planner's reason in one line, and what is known of its inputs."""
        super().__init__(
            f"task `{task}` is not a valid query: {reason}", place=place, facts=facts, hint=hint
        )


class ShadowsSource(CpgbuildError):
    """A task produces a dataset that is declared as a source."""

    code = "E208"

    def __init__(self, dataset: str, task: str, place: Place, source: Place | None) -> None:
        """Take the dataset, the task, and both places."""
        super().__init__(
            f"task `{task}` produces `{dataset}`, which is declared as a source",
            place=place,
            facts=[("source", str(source))] if source else [],
            hint="rename the task, or remove the source",
        )


class ContractBroken(CpgbuildError):
    """A task's plan does not give the schema that its `schema=` promises."""

    code = "E209"

    def __init__(self, task: str, differences: Sequence[str], place: Place | None) -> None:
        """Take the task and each difference as a clause."""
        super().__init__(
            f"task `{task}` does not give the schema that it promises",
            place=place,
            facts=[("column", text) for text in differences],
            hint="correct the expression, or the promise in `schema=`",
        )


class ContributionsDisagree(CpgbuildError):
    """Two tasks that feed one dataset give different columns or types."""

    code = "E210"

    def __init__(
        self, dataset: str, tasks: tuple[str, str], differences: Sequence[str], place: Place | None
    ) -> None:
        """Take the dataset, the (first, differing) tasks and each difference as a clause."""
        first, other = tasks
        super().__init__(
            f"task `{other}` contributes other columns to `{dataset}` than task `{first}`",
            place=place,
            facts=[("column", text) for text in differences],
            hint="select the same columns, with the same types, in both",
        )


class LossyResult(CpgbuildError):
    """The engine gives a column in a type that cannot be cast to the expression's without loss."""

    code = "E211"

    def __init__(self, task: str, column: str, types: tuple[str, str], place: Place | None) -> None:
        """Take the task, the column, and its (expression's, engine's) types."""
        believed, given = types
        super().__init__(
            f"column `{column}` of task `{task}` would lose values",
            place=place,
            facts=[("expression", f"`{believed}`"), ("engine", f"`{given}`")],
            hint=f'say which you mean, for instance `.cast("{given}").cast("{believed}")`',
        )


class OutsideRead(CpgbuildError):
    """An expression reads a table that did not come from the catalog."""

    code = "E212"

    def __init__(self, task: str, table: str, place: Place | None) -> None:
        """Take the task and the table's name."""
        super().__init__(
            f"task `{task}` reads table `{table}` of another connection",
            place=place,
            hint='declare it as a source and read it with `catalog.table("…")`',
        )


class NotATable(CpgbuildError):
    """A task's function returned something else than a table expression."""

    code = "E213"

    def __init__(self, task: str, returned: str, place: Place | None) -> None:
        """Take the task and the type of what it returned."""
        super().__init__(
            f"task `{task}` returned `{returned}` and no table",
            place=place,
            hint="return an Ibis table expression",
        )


class DuplicateTask(CpgbuildError):
    """Two tasks have one name."""

    code = "E214"

    def __init__(self, task: str, places: Sequence[Place]) -> None:
        """Take the name and all places that use it."""
        super().__init__(
            f"{len(places)} tasks are named `{task}`",
            place=places[-1],
            facts=[("task", str(place)) for place in places],
            hint="name one of them with `name=`",
        )


class ChangedMeanwhile(CpgbuildError):
    """A task's definition is another than the one that was planned, a moment ago."""

    code = "E215"

    def __init__(self, task: str, place: Place | None) -> None:
        """Take the task."""
        super().__init__(
            f"task `{task}` was not run: its definition changed after it was planned",
            place=place,
            hint="run `cpgbuild build` again",
        )
