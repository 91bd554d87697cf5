"""Page history: the builds of each dataset, as the page shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.core.trace import Trace
    from cpgbuild.workspace import Workspace


class Run(TypedDict):
    """One run: when it ended (ISO, UTC), how, its rows, its seconds, why it was."""

    when: str
    event: str
    rows: int | None
    seconds: float
    reasons: list[str]


def histories(workspace: Workspace, traces: Mapping[str, Trace]) -> dict[str, list[Run]]:
    """Return the runs of each dataset that is stored, newest first: those that traces tell of."""
    found: dict[str, list[Run]] = {}
    for task in workspace.graph.stored:
        trace = traces.get(task.name)
        if trace is not None and not trace.is_of_view:
            run = Run(
                when=trace.finished,
                event="built",
                rows=trace.rows,
                seconds=round(trace.seconds, 3),
                reasons=[],
            )
            found.setdefault(task.dataset, []).append(run)
    return {
        dataset: sorted(runs, key=lambda run: run["when"], reverse=True)
        for dataset, runs in found.items()
    }
