"""OpenLineage: a build's runs as events for a lineage server, or a file of them."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from cpgbuild.core.events import Built, Failed, Restored, Started, Unchanged
from cpgbuild.errors.project import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openlineage.client.event_v2 import RunEvent

    from cpgbuild.core.events import Event
    from cpgbuild.core.ports import Reporter
    from cpgbuild.core.task import Task
    from cpgbuild.export.delivery import Delivery
    from cpgbuild.export.run_events import RunEvents
    from cpgbuild.workspace import Workspace

    _Told = tuple[dt.datetime, Event | None]


@contextmanager
def observed(workspace: Workspace, warn: Callable[[str, str], None]) -> Iterator[Reporter]:
    """Send events of a build to where the project's `[openlineage]` says, for the block's time.

    A sink that fails is told of once, by its name and a reason, and gets no more.

    Raises:
        ExtraMissing: the official client is not installed.
    """
    settings = workspace.project.openlineage
    if settings is None:
        yield lambda _event: None
        return
    if find_spec("openlineage") is None:
        raise ExtraMissing("[openlineage]", "openlineage-python", "openlineage", settings.place)
    from cpgbuild.export.delivery import REST, Delivery, client_of, reason_of  # noqa: PLC0415 -- heavy
    from cpgbuild.export.run_events import RunEvents  # noqa: PLC0415

    told = _Telling(RunEvents(workspace, settings.namespace), workspace)
    client = client_of(settings)
    sink = settings.file or settings.url
    delivery: Delivery[_Told] = Delivery(
        lambda item: told.events(*item),
        client.emit,
        lambda error: warn(sink, reason_of(error)),
        None if settings.file else REST,
    )
    try:
        yield lambda event: delivery.put((_now(), event))
    finally:
        delivery.put((_now(), None))
        delivery.close()


class _Telling:
    """Tells a build's events in OpenLineage's words, and what they do not say by themselves."""

    def __init__(self, runs: RunEvents, workspace: Workspace) -> None:
        self._runs = runs
        self._workspace = workspace
        self._running: dict[str, Task] = {}
        self._told: set[str] = set()
        self._failed = False

    def events(self, when: dt.datetime, event: Event | None) -> Iterator[RunEvent]:
        """Give the events of what happened; None is the build's end."""
        match event:
            case None:
                yield from self._end(when)
            case Started(task, _):
                yield from self._begin(task, when)
            case Built() | Restored():
                yield from self._begin(event.task, when)
                del self._running[event.task.name]
                yield self._runs.complete(event.task, when, event.rows)
                yield from self._runs.checks(event.task, when)
            case Unchanged(task):
                yield from self._begin(task, when)
                del self._running[task.name]
                # It wrote nothing.
                yield self._runs.complete(task, when, None)
                yield from self._runs.checks(task, when)
            case Failed(task, _, error):
                yield from self._begin(task, when)
                del self._running[task.name]
                self._failed = True
                yield self._runs.fail(task, when, error)
                yield from self._runs.checks(task, when, error)
            case _:
                pass

    def _begin(self, task: Task, when: dt.datetime) -> Iterator[RunEvent]:
        if task.name in self._running:
            return
        if not self._told:
            self._told.add("")
            yield self._runs.build("START", when)
        # A view is evaluated by whoever reads it: those who ask for lineage find it on the way.
        for needed in task.requires:
            for view in self._workspace.graph.makers(needed.dataset):
                if not view.stored and view.name not in self._told:
                    yield from self._begin(view, when)
                    del self._running[view.name]
                    yield self._runs.complete(view, when, None)
        self._told.add(task.name)
        self._running[task.name] = task
        yield self._runs.start(task, when)

    def _end(self, when: dt.datetime) -> Iterator[RunEvent]:
        for task in self._running.values():
            yield self._runs.abort(task, when)
        if self._told:
            state = "FAIL" if self._failed else "ABORT" if self._running else "COMPLETE"
            yield self._runs.build(state, when)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
