"""Hamilton: a project's tasks as functions of a real driver, which keeps the order.

Needs the extra: `pip install 'cpgbuild[hamilton]'`.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from importlib.abc import ExecutionLoader
from importlib.util import module_from_spec, spec_from_loader
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from cpgbuild.core.fingerprint import fingerprint
from cpgbuild.errors.project import HamiltonMissing, ModuleOutdated
from cpgbuild.errors.report import CpgbuildError
from cpgbuild.export.execution import Execution, execution
from cpgbuild.export.hamilton_module import Function, functions, module_text
from cpgbuild.export.references import Reference, TableReference, ViewReference
from cpgbuild.workspace import opened

try:
    from hamilton.driver import Builder
    from hamilton.lifecycle import GraphExecutionHook
except ModuleNotFoundError as error:
    missing = HamiltonMissing()
    # Who imports this is shown the message alone.
    missing.add_note(f"hint: {missing.hint}")
    raise missing from error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from hamilton.driver import Driver
    from hamilton.graph_types import HamiltonGraph, HamiltonNode

    from cpgbuild.core.ports import Reporter
    from cpgbuild.project.config import Overrides

_R = TypeVar("_R", ViewReference, TableReference)


def driver(
    project: str | Path = ".",
    *modules: ModuleType,
    overrides: Overrides | None = None,
    report: Reporter | None = None,
) -> Driver:
    """Return a Hamilton driver of a project's tasks, and of more modules of functions.

    Its results are a dict. Sources are inputs that have their values. `report` takes the events of
    what is done.

    Raises:
        CpgbuildError: the project is wrong.
    """
    own = module(project, overrides=overrides, report=report)
    return Builder().with_modules(own, *modules).with_adapters(own.PIPELINE).build()


def module(
    project: str | Path = ".",
    *,
    overrides: Overrides | None = None,
    report: Reporter | None = None,
) -> ModuleType:
    """Return the module that `cpgbuild export hamilton` writes, without writing it.

    Its `PIPELINE` is to be an adapter of the driver.

    Raises:
        CpgbuildError: the project is wrong.
    """
    with opened(project, overrides) as workspace:
        root = workspace.project.root
        # Hamilton looks for a function's module by its name; each project has one.
        name = f"hamilton_of_{fingerprint(str(root))[:12]}"
        path = root / f"{name}.py"
        text = module_text(functions(workspace.graph), workspace.project, path)
    spec = spec_from_loader(name, _Written(path, text))
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 -- it has a loader
    made = module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    made.PIPELINE.overrides, made.PIPELINE.report = overrides, report
    return made


class _Written(ExecutionLoader):
    """Loads a module from its text; `inspect` and tracebacks find the text too."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text

    def get_filename(self, fullname: str) -> str:
        """Return where the module would be."""
        del fullname
        return str(self._path)

    def get_source(self, fullname: str) -> str:
        """Return the text."""
        del fullname
        return self._text


class Pipeline(GraphExecutionHook):  # type: ignore[misc]  # Hamilton has no types
    """What the functions of a module call, and the driver's adapter that opens their project.

    As an adapter it opens the project when the driver begins to execute, sees that the functions
    are those of the project as it is now, and closes it at the end. Without that each function
    opens the project for itself. One task runs at a time, whichever thread asks.
    """

    def __init__(
        self,
        project: str | Path,
        *,
        overrides: Overrides | None = None,
        report: Reporter | None = None,
    ) -> None:
        """Take the project's folder or one below; nothing is opened yet."""
        self.project = project
        self.overrides = overrides
        self.report = report
        self._lock = RLock()
        self._cleanup = ExitStack()
        self._open: Execution | None = None
        self._run = ""

    def view(self, task: str, *given: Reference) -> ViewReference:
        """Settle how a view is defined now; `given` is what it reads.

        Raises:
            CpgbuildError: as `Execution.bring`.
        """
        return self._bring(task, given, ViewReference)

    def table(self, task: str, *given: Reference) -> TableReference:
        """Bring a task's table up to date; `given` is what it reads.

        Raises:
            CpgbuildError: as `Execution.bring`.
        """
        return self._bring(task, given, TableReference)

    def union(self, dataset: str, *given: Reference) -> ViewReference:
        """Return a dataset that several tasks contribute to; `given` are their parts.

        Raises:
            CpgbuildError: as `Execution.union`.
        """
        with self._opened(()) as execution:
            return execution.union(dataset, given)

    def _bring(self, task: str, given: Sequence[Reference], kind: type[_R]) -> _R:
        with self._opened([task]) as execution:
            return execution.bring(task, given, kind)

    @contextmanager
    def _opened(self, tasks: Collection[str]) -> Iterator[Execution]:
        """Give the open project; where nobody opened it, open it for this block."""
        with self._lock, _telling():
            if self._open is not None:
                yield self._open
                return
            with execution(self.project, tasks, self.overrides, self.report) as found:
                yield found

    def run_before_graph_execution(
        self,
        *,
        graph: HamiltonGraph,
        execution_path: Collection[str],
        run_id: str,
        overrides: Collection[str] | None = None,
        **_: Any,
    ) -> None:
        """Open the project, for what is to be executed of it.

        What is overridden is on the path too, and left as it is.

        Raises:
            ModuleOutdated: the functions are not those of the project as it is now.
            CpgbuildError: the project is wrong, or a build holds the warehouse.
        """
        path = {*execution_path} - {*(overrides or ())}
        due = [node for node in graph.nodes if node.name in path and self._is_own(node)]
        tasks = [node.tags["task"] for node in due if "task" in node.tags]
        with self._lock, _telling(), ExitStack() as cleanup:
            begun = execution(self.project, tasks, self.overrides, self.report)
            found = cleanup.enter_context(begun)
            _check(due, functions(found.graph))
            self._open, self._run, self._cleanup = found, run_id, cleanup.pop_all()

    def run_after_graph_execution(self, *, run_id: str, **_: Any) -> None:
        """Close the project, if it is this run that opened it.

        What is still running can no longer commit.
        """
        with self._lock:
            if run_id == self._run:
                self._open, self._run = None, ""
                self._cleanup.close()

    def _is_own(self, node: HamiltonNode) -> bool:
        made_by = node.originating_functions or ()
        return any(function.__globals__.get("PIPELINE") is self for function in made_by)


def _check(nodes: Iterable[HamiltonNode], expected: Iterable[Function]) -> None:
    """See that nodes are the functions that the graph has now.

    Raises:
        ModuleOutdated: they are not.
    """
    known = {function.name: function for function in expected}
    found: list[tuple[str, str]] = []
    for node in sorted(nodes, key=lambda node: node.name):
        function = known.get(node.name)
        read = {*node.required_dependencies, *node.optional_dependencies}
        subject = node.tags.get("task", node.tags.get("dataset"))
        if function is None:
            found.append((node.name, "is no dataset"))
        elif function.subject != subject:
            found.append((node.name, f"is made by `{function.subject}`, was by `{subject}`"))
        elif function.returned != node.type.__name__:
            found.append((node.name, f"is a {function.returned}, was a {node.type.__name__}"))
        elif function.parameters != read:
            found.append((node.name, f"reads {_said(function.parameters)}; read {_said(read)}"))
    if found:
        raise ModuleOutdated(found)


def _said(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"


@contextmanager
def _telling() -> Iterator[None]:
    """Let tracebacks say all that an error knows: where it is, and what to do."""
    try:
        yield
    except CpgbuildError as error:
        if not hasattr(error, "__notes__"):
            report = error.report()
            place = [f"--> {report.place}"] if report.place is not None else []
            facts = [f"{name}: {value}" for name, value in report.facts]
            hint = [f"hint: {report.hint}"] if report.hint else []
            for line in (*place, *facts, *hint):
                error.add_note(line)
        raise
