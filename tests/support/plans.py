"""Plans of a project: with what was kept, and from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from cpgbuild import api
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.definition import Definition
from cpgbuild.plan.outline import Outline
from cpgbuild.project.config import Overrides
from cpgbuild.state.lock import lock_text
from cpgbuild.state.plans import PlanStore


def planned(root: Path, *, from_nothing: bool) -> tuple[str, object]:
    """Return a project's lock and tasks, or its errors."""
    try:
        with api.opened(root, Overrides(from_nothing=from_nothing)) as workspace:
            tasks = [repr(task) for task in workspace.graph.tasks.values()]
            return lock_text(workspace.locked), tasks
    except Problems as problems:
        return "errors", sorted(str(error.report()) for error in problems.errors)
    except CpgbuildError as error:
        return "errors", [str(error.report())]


@contextmanager
def nothing_is_kept() -> Iterator[None]:
    with mock.patch.object(PlanStore, "save", return_value=None):
        yield


def evaluated(root: Path, **options: Sequence[str]) -> set[str]:
    """Return the datasets whose tasks a plan evaluates; it has the options of `api.plan`."""
    names: set[str] = set()
    compile_one = Compiler._compile

    def noted(self: Compiler, definition: Definition) -> Outline:
        names.add(definition.dataset)
        return compile_one(self, definition)

    with mock.patch.object(Compiler, "_compile", noted):
        api.plan(root, **options)  # type: ignore[arg-type]
    return names
