"""Testing: a fixture for pytest that evaluates one task of a project on a few given rows.

This module is a plugin that pytest loads wherever the package is installed, so it imports nothing
heavy until a test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from cpgbuild.errors.report import CpgbuildError

    # Rows of a dataset: an Arrow table, or a dictionary for each.
    Rows: TypeAlias = pa.Table | Sequence[Mapping[str, Any]]


class RunTask(Protocol):
    """What the fixture `cpgbuild_task` is."""

    def __call__(
        self, task: str, variables: Mapping[str, str] | None = None, /, **inputs: Rows
    ) -> pa.Table:
        """Return the rows that a task makes of these inputs; see `evaluate`."""
        ...


@pytest.fixture
def cpgbuild_task(request: pytest.FixtureRequest) -> RunTask:
    """Evaluate a task of the project that the test's file is in, on the rows that it gives.

    `cpgbuild_task("sales", orders=[{"country": "uk"}])` returns an Arrow table.
    """
    project = request.path.parent

    def run(task: str, variables: Mapping[str, str] | None = None, /, **inputs: Rows) -> pa.Table:
        __tracebackhide__ = True
        from cpgbuild.errors.report import CpgbuildError  # noqa: PLC0415 -- not for every session

        try:
            return evaluate(project, task, variables, **inputs)
        except CpgbuildError as error:
            message = _told(error, request.config.invocation_params.dir)
        pytest.fail(message)

    return run


def evaluate(
    project: Path, name: str, variables: Mapping[str, str] | None = None, /, **inputs: Rows
) -> pa.Table:
    """Return the rows of a task, or a dataset, of a project, made of given rows in memory.

    An input takes the place of what it names: a source, a table or a view. Views that are not given
    are evaluated, everything else that is read has to be given. Columns that are not given are
    null. Nothing is read of sources or of the warehouse, and nothing is written there.

    Args:
        project: a folder of the project.
        name: a dataset, or a task by its name.
        variables: variables of the project that are to have other values.
        **inputs: rows by dataset.

    Raises:
        UnknownTarget: there is no such task.
        InputsMissing, InputUnknown, InputUnfit: the inputs are not those that the task reads.
        CpgbuildError: the project is wrong.
    """
    import pyarrow as pa  # noqa: PLC0415 -- see above

    from cpgbuild.core.selection import Request, select  # noqa: PLC0415
    from cpgbuild.core.task import TaskKind  # noqa: PLC0415
    from cpgbuild.engine.given import check_inputs, fitted  # noqa: PLC0415
    from cpgbuild.engine.trials import tried  # noqa: PLC0415
    from cpgbuild.errors.project import UnknownTarget  # noqa: PLC0415
    from cpgbuild.plan.contract import arrow_of  # noqa: PLC0415
    from cpgbuild.project.config import Overrides, find_root  # noqa: PLC0415
    from cpgbuild.state.lock import FILE, read_lock  # noqa: PLC0415
    from cpgbuild.workspace import opened  # noqa: PLC0415

    lock = find_root(project) / FILE
    known = read_lock(lock) if lock.exists() else None
    request = Request((name,))
    with opened(project, Overrides(dict(variables or {})), known, request=request) as workspace:
        graph = workspace.graph
        select(graph, request)
        makers = graph.makers(name)
        if not makers:
            # It is a source, and nothing makes it.
            raise UnknownTarget(name, graph.tasks)
        views = {t.dataset for t in graph.tasks.values() if t.kind is TaskKind.VIEW}
        check_inputs(makers, {d: graph.producers[d] for d in views}, inputs)
        schemas = {d: tasks[0].schema for d, tasks in graph.producers.items()} | graph.sources
        given = {d: fitted(d, rows, arrow_of(schemas[d])) for d, rows in inputs.items()}
        made = [tried(workspace.compiler, task, given) for task in makers]
        return pa.concat_tables([one.select(made[0].column_names) for one in made])


def _told(error: CpgbuildError, base: Path) -> str:
    """Return an error as the command line shows it."""
    from cpgbuild.cli.errors_text import report_text  # noqa: PLC0415 -- see above
    from cpgbuild.errors.report import Problems  # noqa: PLC0415

    errors = error.errors if isinstance(error, Problems) else (error,)
    return "\n".join(report_text(one.report(), base).plain for one in errors)
