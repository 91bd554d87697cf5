"""Run events: what happens to a task as OpenLineage has it (https://openlineage.io/spec, 2-0-2)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from openlineage.client import event_v2 as ol
from openlineage.client import facet_v2 as facets
from openlineage.client.uuid import generate_new_uuid

from cpgbuild.core.lineage import Use
from cpgbuild.core.task import Lane
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.errors.run import CheckBroken, CheckFailed
from cpgbuild.state.repository import checkout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cpgbuild.core.lineage import Uses
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Task
    from cpgbuild.errors.report import Place
    from cpgbuild.workspace import Workspace

# What decides which rows there are by being unnested, gives of each row any number of them.
_SUBTYPES = {
    Use.IDENTITY: "IDENTITY",
    Use.TRANSFORMATION: "TRANSFORMATION",
    Use.AGGREGATION: "AGGREGATION",
    Use.CONDITION: "CONDITIONAL",
    Use.WINDOW: "WINDOW",
    Use.FILTER: "FILTER",
    Use.JOIN: "JOIN",
    Use.GROUP: "GROUP_BY",
    Use.SORT: "SORT",
    Use.UNNEST: "FILTER",
}


class RunEvents:
    """The events of one build: of each task's run, and of the build that they are part of."""

    def __init__(self, workspace: Workspace, namespace: str) -> None:
        """Take the project that is built, and the namespace of its jobs and views."""
        self._workspace = workspace
        self._namespace = namespace
        self._project = workspace.project.name
        self._build = str(generate_new_uuid())
        self._runs: dict[str, str] = {}
        self._checkout = checkout(workspace.project.root)
        # The client's, for all events and facets that it makes.
        ol.set_producer(f"urn:x-cpgbuild:{_version('cpgbuild')}")
        kind = workspace.project.engine.kind
        self._engine = facets.processing_engine_run.ProcessingEngineRunFacet(
            version=_version(kind), name=kind, openlineageAdapterVersion=_version("cpgbuild")
        )

    def build(self, state: str, when: datetime) -> ol.RunEvent:
        """Return an event of the build itself: `START`, `COMPLETE`, `FAIL` or `ABORT`."""
        run = ol.Run(self._build, {"processing_engine": self._engine})
        job = ol.Job(self._namespace, self._project, {"jobType": _job_type("BUILD")})
        return _event(state, when, run, job)

    def start(self, task: Task, when: datetime) -> ol.RunEvent:
        """Return the event of a run that begins."""
        self._runs[task.name] = str(generate_new_uuid())
        return _event("START", when, self._run(task), self._job(task), self._inputs(task))

    def complete(self, task: Task, when: datetime, rows: int | None) -> ol.RunEvent:
        """Return the event of a run that went well, and wrote so many rows, if any."""
        output = self._output(task, rows)
        return _event(
            "COMPLETE", when, self._run(task), self._job(task), self._inputs(task), [output]
        )

    def fail(self, task: Task, when: datetime, error: Exception) -> ol.RunEvent:
        """Return the event of a run that failed."""
        words = error.report().message if isinstance(error, CpgbuildError) else str(error)
        language = "Python" if task.lane is Lane.PYTHON else "SQL"
        facet = facets.error_message_run.ErrorMessageRunFacet(words, language)
        run = self._run(task, errorMessage=facet)
        return _event("FAIL", when, run, self._job(task), self._inputs(task))

    def abort(self, task: Task, when: datetime) -> ol.RunEvent:
        """Return the event of a run that was interrupted."""
        return _event("ABORT", when, self._run(task), self._job(task), self._inputs(task))

    def checks(
        self, task: Task, when: datetime, error: Exception | None = None
    ) -> Iterator[ol.RunEvent]:
        """Give the events of a task's checks, after its run: a job of their own, as tests are.

        Nothing is told of checks where a run failed of something else, nor of one that could not
        be evaluated.
        """
        errors = error.errors if isinstance(error, Problems) else (error,)
        failed = {one.check for one in errors if isinstance(one, CheckFailed)}
        unknown = {one.check for one in errors if isinstance(one, CheckBroken)}
        if error is not None and not failed:
            return
        name = self._name(task)
        assertions = [
            _assertion(check.title, success=check.title not in failed)
            for check in task.checks
            if check.title not in unknown
        ]
        if not assertions:
            return
        module = facets.data_quality_assertions_dataset
        told: dict[str, Any] = {
            "dataQualityAssertions": module.DataQualityAssertionsDatasetFacet(assertions)
        }
        described = self._described(task.schema, name, task.output, _kind(task))
        rows = ol.InputDataset(*name, facets=described, inputFacets=told)
        run = ol.Run(str(generate_new_uuid()), self._part_of_build())
        facet = {"jobType": _job_type("TEST")}
        job = ol.Job(self._namespace, f"{self._project}.{task.name}.checks", facet)
        yield _event("START", when, run, job, [rows])
        yield _event("FAIL" if failed else "COMPLETE", when, run, job, [rows])

    # -- parts ------------------------------------------------------------------------------

    def _run(self, task: Task, **more: Any) -> ol.Run:
        return ol.Run(self._runs[task.name], self._part_of_build() | more)

    def _part_of_build(self) -> dict[str, Any]:
        parent = facets.parent_run.ParentRunFacet(
            run=facets.parent_run.Run(self._build),
            job=facets.parent_run.Job(self._namespace, self._project),
        )
        return {"parent": parent, "processing_engine": self._engine}

    def _job(self, task: Task) -> ol.Job:
        sql = self._workspace.compiler.compiled(task.name).sql
        found: dict[str, Any] = {
            "jobType": _job_type("TABLE" if task.stored else "VIEW"),
            "sql": facets.sql_job.SQLJobFacet(sql, dialect="datafusion"),
        }
        if task.description:
            documentation = facets.documentation_job.DocumentationJobFacet(task.description)
            found["documentation"] = documentation
        if task.place is not None:
            found["sourceCodeLocation"] = self._location(task.place)
        return ol.Job(self._namespace, f"{self._project}.{task.name}", found)

    def _location(self, place: Place) -> Any:
        path = Path(place.path)
        path = path if path.is_absolute() else self._workspace.project.root / path
        git = self._checkout
        if git is None or not path.is_relative_to(git.root):
            return _source_code("file", f"{path.as_uri()}#L{place.line}", path=str(path))
        relative = path.relative_to(git.root).as_posix()
        url = f"{git.url}/blob/{git.commit}/{relative}#L{place.line}" if git.url else path.as_uri()
        return _source_code("git", url, repoUrl=git.url, path=relative, version=git.commit)

    def _inputs(self, task: Task) -> list[ol.InputDataset]:
        return [
            ol.InputDataset(*name, facets=self._described(schema, name, dataset, kind))
            for dataset in [each.dataset for each in task.requires]
            for name, schema, kind in self._parts(dataset)
        ]

    def _output(self, task: Task, rows: int | None) -> ol.OutputDataset:
        name = self._name(task)
        found = self._described(task.schema, name, task.output, _kind(task))
        found["columnLineage"] = self._lineage(task)
        statistics = facets.output_statistics_output_dataset
        counted: dict[str, Any] = {}
        if rows is not None:
            facet = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)
            counted["outputStatistics"] = facet
        return ol.OutputDataset(*name, facets=found, outputFacets=counted)

    def _lineage(self, task: Task) -> Any:
        module = facets.column_lineage_dataset
        derivations = self._workspace.compiler.derivations(task.name)

        def inputs(uses: Uses, expression: str | None) -> list[Any]:
            return [
                module.InputField(*name, field=cell.column, transformations=made)
                for cell, kinds in sorted(uses.items())
                for made in [[_transformation(kind, expression) for kind in sorted(kinds)]]
                for name, _, _ in self._parts(cell.dataset)
            ]

        fields = {
            name: module.Fields(inputs(made.uses, made.expression))
            for name, made in derivations.columns.items()
        }
        rows = inputs(derivations.rows, None)
        return module.ColumnLineageDatasetFacet(fields=fields, dataset=rows)

    def _parts(self, dataset: str) -> Iterable[tuple[tuple[str, str], Schema, str]]:
        """Give what a dataset's rows are in: its namespace with its name, its schema, its kind."""
        makers = self._workspace.graph.makers(dataset)
        if makers:
            return [(self._name(maker), maker.schema, _kind(maker)) for maker in makers]
        path = self._workspace.project.sources[dataset].path
        return [(_located(path), self._workspace.graph.sources[dataset], "SOURCE")]

    def _name(self, task: Task) -> tuple[str, str]:
        if task.stored:
            return _located(self._workspace.warehouse.uri(task.output))
        return self._namespace, f"{self._project}.{task.output}"

    def _described(
        self, schema: Schema, name: tuple[str, str], dataset: str, kind: str
    ) -> dict[str, Any]:
        fields = [
            facets.schema_dataset.SchemaDatasetFacetFields(column.name, column.type)
            for column in schema.columns
        ]
        found: dict[str, Any] = {"schema": facets.schema_dataset.SchemaDatasetFacet(fields=fields)}
        if name[0] != self._namespace:
            links = facets.symlinks_dataset
            link = links.Identifier(self._namespace, f"{self._project}.{dataset}", kind)
            found["symlinks"] = links.SymlinksDatasetFacet([link])
        return found


def _event(
    state: str,
    when: datetime,
    run: ol.Run,
    job: ol.Job,
    inputs: list[ol.InputDataset] | None = None,
    outputs: list[ol.OutputDataset] | None = None,
) -> ol.RunEvent:
    return ol.RunEvent(
        eventTime=when.isoformat(),
        run=run,
        job=job,
        eventType=ol.RunState[state],
        inputs=inputs or [],
        outputs=outputs or [],
    )


def _transformation(use: Use, expression: str | None) -> Any:
    """Return how a column is used; where it is in the values, with what makes them."""
    return facets.column_lineage_dataset.Transformation(
        type="DIRECT" if use.is_direct else "INDIRECT",
        subtype=_SUBTYPES[use],
        description=expression if use.is_direct else None,
    )


def _assertion(title: str, *, success: bool) -> Any:
    """Return what became of a check; `not_null(country)` is of one column, `unique(a, b)` not."""
    kind, _, of = title.partition("(")
    column = of.removesuffix(")")
    return facets.data_quality_assertions_dataset.Assertion(
        assertion=kind,
        success=success,
        column=column if column and "," not in column else None,
        name=title,
        severity="error",
        params=None,
    )


def _located(path: str) -> tuple[str, str]:
    """Return the namespace and the name of what is at a path or URL, as OpenLineage names them.

    https://openlineage.io/docs/spec/naming
    """
    if "://" not in path:
        return "file", path
    parts = urlsplit(path)
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def _kind(task: Task) -> str:
    return "TABLE" if task.stored else "VIEW"


def _job_type(kind: str) -> Any:
    return facets.job_type_job.JobTypeJobFacet("BATCH", "CPGBUILD", kind)


def _source_code(kind: str, url: str, **more: Any) -> Any:
    return facets.source_code_location_job.SourceCodeLocationJobFacet(type=kind, url=url, **more)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
