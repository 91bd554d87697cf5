"""Observing: who beside the terminal is told what a build does, as the project says."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from cpgbuild.cli.output import Output
    from cpgbuild.core.events import Event
    from cpgbuild.core.ports import Reporter
    from cpgbuild.workspace import Workspace


def observer(output: Output) -> Callable[[Workspace], AbstractContextManager[Reporter]]:
    """Return what observes a build, which is nobody unless the project has `[openlineage]`."""

    def warn(sink: str, reason: str) -> None:
        words = f"no more OpenLineage events go to {sink}: {reason}"
        output.stderr.print(Text.assemble(("warning", "bold yellow"), f": {words}"))

    def observe(workspace: Workspace) -> AbstractContextManager[Reporter]:
        if workspace.project.openlineage is None:
            return nullcontext(_ignore)
        from cpgbuild.export.openlineage import observed  # noqa: PLC0415 -- of an extra

        return observed(workspace, warn)

    return observe


def _ignore(_event: Event) -> None:
    return
