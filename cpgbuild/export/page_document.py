"""Page document: all that the page shows of a project, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from cpgbuild.core import planner
from cpgbuild.core.dataset import DatasetKind
from cpgbuild.core.events import Action
from cpgbuild.core.picture import reduced
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.selection import Request, select
from cpgbuild.engine.preview import NoRows, first_rows
from cpgbuild.export.column_lineage import (
    ColumnLineage,
    KnownDerivations,
    MadePart,
    UsesPart,
    schema_of,
)
from cpgbuild.export.page_checks import CheckPart, check_parts
from cpgbuild.export.page_history import Histories, Run
from cpgbuild.export.source_text import SourceText, SourceTexts

if TYPE_CHECKING:
    from cpgbuild.core.dataset import Dataset
    from cpgbuild.core.events import Planned
    from cpgbuild.core.rebuilder import Decision
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.engine.datafusion_engine import DataFusionEngine
    from cpgbuild.export.page_history import Words
    from cpgbuild.workspace import Workspace

VERSION = 1
# Of a value in a preview so many characters are shown.
SHOWN = 200
# Of what a build would do with the tasks of one dataset, the first of these is said.
_ORDER = (Action.RUN, Action.MAYBE, Action.RESTORE, Action.SKIP)


class TaskPart(TypedDict):
    """A task: what a build would do with it and why, and its text as it was written.

    `action` is one of `run`, `maybe`, `restore`, `skip`; `notes` are sentences on rows that vary.
    `sql` is what the engine gets, where that is not what was written. `made` has an entry for each
    column of the dataset, in their order; `rows` are the columns that decide which rows there are.
    """

    name: str
    action: str
    reasons: list[str]
    lane: str
    wave: int
    file: str
    line: int
    notes: list[str]
    source: SourceText | None
    sql: SourceText | None
    made: list[MadePart]
    rows: UsesPart
    checks: list[CheckPart]


class Preview(TypedDict):
    """The first rows, as text; no rows, and why, where there is nothing to show."""

    columns: list[str]
    rows: list[list[str | None]]
    fault: str


class DatasetPart(TypedDict):
    """A dataset. `group` is the folder of its task's file; `sources` are a group of their own.

    `state` is the `action` of the task of it that has most to do; nothing for a source. `columns`
    have name, type in the notation of Ibis, and whether it may hold nulls. `runs` are newest first.
    """

    name: str
    kind: str
    group: str
    tags: list[str]
    description: str
    place: str
    state: str
    columns: list[tuple[str, str, bool]]
    partition_by: list[str]
    tasks: list[TaskPart]
    runs: list[Run]
    preview: NotRequired[Preview]


class PageDocument(TypedDict):
    """A project at one moment. Datasets are by name, and go by their number in this order.

    `edges` have what is read, what reads it, and whether other edges imply it. Columns of all
    datasets are numbered through, and so named where tasks are made of them. `made` is an ISO time,
    UTC.
    """

    v: int
    project: str
    made: str
    datasets: list[DatasetPart]
    edges: list[tuple[int, int, bool]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: words for the reasons of a task, and how many rows of each dataset."""

    words: Words
    preview: int = 0


def page_document(
    workspace: Workspace, wanted: Wanted, known: KnownDerivations | None = None
) -> PageDocument:
    """Return what the page shows. Runs no task; a preview of a view evaluates it.

    What is `known` of tasks from before is not looked for again.

    Raises:
        CpgbuildError: what a source holds cannot be told.
    """
    graph = workspace.graph
    engine = workspace.engine()
    try:
        lineage = ColumnLineage(workspace, known or KnownDerivations())
        collector = _Collector(workspace, wanted, engine, lineage)
        parts = [collector.part(dataset) for dataset in graph.datasets]
    finally:
        engine.close()
    numbers = {part["name"]: number for number, part in enumerate(parts)}
    direct = {(r.dataset, t.dataset) for t in graph.tasks.values() for r in t.requires}
    drawn = set(reduced(graph))
    return PageDocument(
        v=VERSION,
        project=workspace.project.name,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        datasets=parts,
        edges=[(numbers[a], numbers[b], (a, b) not in drawn) for a, b in sorted(direct)],
    )


class _Collector:
    """Puts together what is shown of each dataset."""

    def __init__(
        self,
        workspace: Workspace,
        wanted: Wanted,
        engine: DataFusionEngine,
        lineage: ColumnLineage,
    ) -> None:
        """Decide what a build would do, as `plan` does."""
        self._workspace = workspace
        self._wanted = wanted
        self._engine = engine
        self._lineage = lineage
        graph, traces = workspace.graph, workspace.journal.load()
        selection = select(graph, Request())
        rebuilder = Rebuilder(graph, engine, traces, selection)
        decided = list(planner.decisions(graph, rebuilder, selection))
        self._decided = {decision.task.name: decision for decision, _ in decided}
        self._planned = {one.task.name: one for one in planner.planned(graph, decided)}
        self._histories = Histories(workspace, traces, wanted.words)
        self._texts = SourceTexts()

    def part(self, dataset: Dataset) -> DatasetPart:
        """Return what is shown of a dataset."""
        if dataset.kind is DatasetKind.SOURCE:
            found = self._source(dataset.name)
        else:
            found = self._made(dataset, self._workspace.graph.producers[dataset.name])
        if self._wanted.preview:
            found["preview"] = self._preview(dataset.name)
        return found

    def _source(self, name: str) -> DatasetPart:
        source = self._workspace.project.sources[name]
        return DatasetPart(
            name=name,
            kind=str(DatasetKind.SOURCE),
            group="sources",
            tags=[],
            description=f"Declared in cpgbuild.toml, in the format {source.format}.",
            place=self._short(source.path),
            state="",
            columns=_columns(schema_of(self._workspace, name)),
            partition_by=[],
            tasks=[],
            runs=[],
        )

    def _made(self, dataset: Dataset, makers: list[Task]) -> DatasetPart:
        first = makers[0]
        tasks = [self._task(self._planned[task.name]) for task in makers]
        actions = {task["action"] for task in tasks}
        files = sorted({task["file"] for task in tasks})
        return DatasetPart(
            name=dataset.name,
            kind=str(dataset.kind),
            group=str(Path(files[0]).parent),
            tags=sorted({tag for task in makers for tag in task.tags}),
            description="\n\n".join(task.description for task in makers if task.description),
            place=self._short(self._workspace.warehouse.uri(first.output)) if first.stored else "",
            state=next(str(action) for action in _ORDER if str(action) in actions),
            columns=_columns(first.schema),
            partition_by=list(first.partition_by),
            tasks=tasks,
            runs=self._histories.of(makers),
        )

    def _task(self, planned: Planned) -> TaskPart:
        task = planned.task
        source = self._texts.of(task)
        compiled = None
        if source is None or source["language"] != "sql":
            sql = self._workspace.compiler.compiled(task.name).sql
            compiled = self._texts.marked(sql, "sql")
        made, rows = self._lineage.made(task)
        return TaskPart(
            name=task.name,
            action=str(planned.action),
            reasons=[self._wanted.words(task, [reason]) for reason in planned.reasons],
            lane=str(task.lane),
            wave=planned.wave,
            file=self._short(task.place.path) if task.place else "",
            line=task.place.line if task.place else 0,
            notes=_notes(task),
            source=source,
            sql=compiled,
            made=made,
            rows=rows,
            checks=self._checks(self._decided[task.name]),
        )

    def _checks(self, decision: Decision) -> list[CheckPart]:
        """Return a task's checks; rows that broke them are those of its last run if that failed."""
        failed = self._histories.failed(decision.task)
        parts = check_parts(decision, self._workspace.broken if failed else None)
        for part in parts:
            part["kept"] = self._short(part["kept"])
        return parts

    def _preview(self, dataset: str) -> Preview:
        plans, graph = self._workspace.compiler, self._workspace.graph
        try:
            rows = first_rows(self._engine, plans, graph, dataset, self._wanted.preview)
        except NoRows as fault:
            return Preview(columns=[], rows=[], fault=str(fault))
        columns = [column.to_pylist() for column in rows.columns]
        shown = [[_text(value) for value in row] for row in zip(*columns, strict=True)]
        return Preview(columns=rows.column_names, rows=shown, fault="")

    def _short(self, path: str) -> str:
        """Return a path relative to the project where it is below it."""
        root = self._workspace.project.root
        below = "://" not in path and Path(path).is_relative_to(root)
        return str(Path(path).relative_to(root)) if below else path


def _columns(schema: Schema) -> list[tuple[str, str, bool]]:
    return [(column.name, column.type, column.nullable) for column in schema.columns]


def _notes(task: Task) -> list[str]:
    """Say what of a task's rows may vary, and what is kept for it."""
    words = (
        ("volatile: it always runs", task.volatile),
        ("rows depend on the order of others", task.unstable),
        ("last bits of floats may vary", task.inexact),
        ("variables", task.variables),
    )
    notes = [f"{said} ({', '.join(names)})" for said, names in words if names]
    if task.kept:
        notes.append("kept as a table, so that all readers see the same rows")
    return notes


def _text(value: object) -> str | None:
    """Return a value as it is shown; nothing for a null."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
