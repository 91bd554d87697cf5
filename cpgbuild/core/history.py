"""History: what builds did, as it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cpgbuild.core.events import Built, Failed, Restored, Unchanged
from cpgbuild.core.reason import Cause, Reason
from cpgbuild.errors.report import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.builder import Outcome
    from cpgbuild.core.events import Event
    from cpgbuild.core.ports import Reporter

FORMAT = 1
_WORDS = {Built: "built", Unchanged: "unchanged", Restored: "restored", Failed: "failed"}


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What became of a task in a build: `event` is the word that `--json` prints.

    `rows` is that of the output; None where it failed, or is a view. `reasons` are codes with the
    dataset that each is about, and what is known beside it. `error` is the fact of a failure.
    """

    task: str
    dataset: str
    event: str
    rows: int | None
    seconds: float
    reasons: tuple[tuple[str, str, str], ...] = ()
    error: str = ""

    @property
    def causes(self) -> list[Reason]:
        """The reasons, as far as their codes are known here."""
        known = {str(cause) for cause in Cause}
        return [Reason(Cause(c), dataset, text) for c, dataset, text in self.reasons if c in known]


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """One build: when it began (ISO 8601, UTC), how long it took, what became of its tasks.

    `counts` has the numbers of the summary. Tasks that were up to date, or were not come to, are
    only counted.
    """

    started: str
    seconds: float
    counts: dict[str, int]
    tasks: tuple[TaskRun, ...] = ()
    targets: tuple[str, ...] = ()
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {"v": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> BuildRecord | None:
        """Return the record that was kept; None where it is of a format unknown here."""
        try:
            if record["v"] != FORMAT:
                return None
            runs = (
                TaskRun(**(run | {"reasons": tuple(map(tuple, run["reasons"]))}))
                for run in record["tasks"]
            )
            return cls(
                record["started"],
                record["seconds"],
                record["counts"],
                tuple(runs),
                tuple(record["targets"]),
                record["interrupted"],
            )
        except (KeyError, TypeError, AttributeError):
            return None


@dataclass(slots=True)
class Recorder:
    """Passes on the events of a build, and keeps those that tell what became of tasks."""

    report: Reporter
    runs: list[TaskRun] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case Built() | Unchanged() | Restored() if event.task.stored:
                self._keep(event, event.rows, "")
            case Failed():
                self._keep(event, None, _message(event.error))
            case _:
                pass
        self.report(event)

    def _keep(
        self, event: Built | Unchanged | Restored | Failed, rows: int | None, error: str
    ) -> None:
        task = event.task
        facts = (rows, round(event.seconds, 3), _plain(event.reasons), error)
        self.runs.append(TaskRun(task.name, task.dataset, _WORDS[type(event)], *facts))

    def record(self, outcome: Outcome, targets: Iterable[str]) -> BuildRecord:
        """Return the record of the build, which has ended."""
        seconds = (datetime.now(UTC) - self.began).total_seconds()
        started = self.began.strftime("%Y-%m-%dT%H:%M:%SZ")
        names = ("built", "unchanged", "restored", "up_to_date", "failed", "skipped")
        counts = {name: getattr(outcome, name) for name in names}
        runs, asked = tuple(self.runs), tuple(targets)
        return BuildRecord(started, round(seconds, 3), counts, runs, asked, outcome.interrupted)


def _message(error: Exception) -> str:
    """Return what an error says, or what each of several does."""
    each = error.errors if isinstance(error, Problems) else (error,)
    return "; ".join(str(one) for one in each)


def _plain(reasons: Iterable[Reason]) -> tuple[tuple[str, str, str], ...]:
    return tuple((str(reason.cause), reason.dataset, reason.detail) for reason in reasons)
