"""Rebuilder: decide whether a task must run, and say why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cpgbuild.core.evidence import Evidence, Stamp, union
from cpgbuild.core.fingerprint import fingerprint
from cpgbuild.core.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Engine
    from cpgbuild.core.selection import Selection
    from cpgbuild.core.task import Task
    from cpgbuild.core.trace import Trace


class Cause(StrEnum):
    """Why a task must run; the codes that `--json` prints."""

    NEVER_BUILT = "never_built"
    PLAN_CHANGED = "plan_changed"
    SCHEMA_CHANGED = "schema_changed"
    DATA_CHANGED = "data_changed"
    OUTPUT_MISSING = "output_missing"
    OUTPUT_CHANGED = "output_changed"
    VOLATILE = "volatile"
    FORCED = "forced"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, and the dataset that it is about."""

    cause: Cause
    dataset: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a task, and upon what: the stamps of all it reads, where known.

    `previous` is the trace of its last run, whatever became of the output since.
    """

    task: Task
    reasons: tuple[Reason, ...]
    reads: dict[str, Stamp]
    previous: Trace | None

    @property
    def can_build_upon(self) -> bool:
        """Whether the output still is what `previous` says, and nobody asked to make it anew."""
        spoilt = {Cause.OUTPUT_MISSING, Cause.OUTPUT_CHANGED, Cause.FORCED, Cause.PLAN_CHANGED}
        return self.previous is not None and not spoilt & {r.cause for r in self.reasons}


def reasons_to_run(
    task: Task,
    trace: Trace | None,
    reads: Mapping[str, Stamp | None],
    output: Stamp | None,
) -> tuple[Reason, ...]:
    """Return every reason to run a task; an empty tuple means that it is up to date.

    `reads` holds None for an input that is about to be built anew. `output` is what is there now;
    a view has none of its own, so it is not asked for.
    """
    if trace is None:
        there = output is not None and task.kind is TaskKind.COMPUTE
        cause = Cause.OUTPUT_CHANGED if there else Cause.NEVER_BUILT
        return (Reason(cause, task.dataset),)
    found: list[Reason] = []
    if trace.plan != task.plan:
        found.append(Reason(Cause.PLAN_CHANGED, task.dataset))
    if task.kind is TaskKind.COMPUTE:
        if output is None:
            found.append(Reason(Cause.OUTPUT_MISSING, task.dataset))
        elif output != trace.wrote:
            found.append(Reason(Cause.OUTPUT_CHANGED, task.dataset))
    for dataset, now in reads.items():
        found += _input_reasons(dataset, trace.reads.get(dataset), now)
    if trace.reads.keys() - reads.keys() and trace.plan == task.plan:
        found.append(Reason(Cause.PLAN_CHANGED, task.dataset))
    if task.volatile:
        found.append(Reason(Cause.VOLATILE, task.dataset, ", ".join(task.volatile)))
    return tuple(found)


def _input_reasons(dataset: str, then: Stamp | None, now: Stamp | None) -> list[Reason]:
    if now is None:
        return [Reason(Cause.UPSTREAM, dataset)]
    if then is None or then.schema != now.schema:
        return [Reason(Cause.SCHEMA_CHANGED, dataset)]
    if then.data != now.data:
        return [Reason(Cause.DATA_CHANGED, dataset)]
    return []


class Rebuilder:
    """Knows the evidence of every dataset as the build goes on, and decides upon it."""

    def __init__(
        self, graph: Graph, engine: Engine, traces: dict[str, Trace], selection: Selection, run: str
    ) -> None:
        """Take what to decide about; `run` names this build, and no other has the same name."""
        self._graph = graph
        self._engine = engine
        self._traces = traces
        self._selection = selection
        self._run = run
        self._parts: dict[str, Evidence | None] = {}

    def evidence(self, dataset: str) -> Evidence | None:
        """Return the dataset's evidence; None where it is missing or about to be built anew."""
        producers = self._graph.producers.get(dataset)
        if producers is None:
            return self._part(dataset)
        parts = {task.output: self._part(task.output) for task in producers}
        known = {name: part for name, part in parts.items() if part is not None}
        return union(known) if len(known) == len(parts) else None

    def _part(self, name: str) -> Evidence | None:
        if name not in self._parts:
            self._parts[name] = self._engine.evidence(name)
        return self._parts[name]

    def decide(self, task: Task) -> Decision:
        """Return the reasons to run a task and the stamps of what it reads, as known now."""
        reads: dict[str, Stamp | None] = {}
        for requirement in task.requires:
            found = self.evidence(requirement.dataset)
            reads[requirement.dataset] = found.stamp(requirement.names) if found else None
        output = self._part(task.output) if task.kind is TaskKind.COMPUTE else None
        stamp = output.stamp() if output else None
        trace = self._trace(task, stamp)
        reasons = reasons_to_run(task, trace, reads, stamp)
        if task.name in self._selection.forced:
            reasons = (*reasons, Reason(Cause.FORCED, task.dataset))
        known = {name: read for name, read in reads.items() if read is not None}
        return Decision(task, reasons, known, trace)

    def _trace(self, task: Task, output: Stamp | None) -> Trace | None:
        """Return the task's last trace: the store's while it is true, else the table's own.

        The table is right where they disagree, since its trace was committed with its rows.
        """
        kept = self._traces.get(task.name)
        if task.kind is TaskKind.VIEW or output is None or (kept and kept.wrote == output):
            return kept
        committed = self._engine.trace(task.output)
        if committed is not None and committed.task == task.name:
            return committed
        return kept

    def settle(self, task: Task, evidence: Evidence | None) -> None:
        """Learn what a task's output is now; None: it is about to be built, so nobody knows yet."""
        self._parts[task.output] = evidence

    def view(self, decision: Decision) -> Evidence | None:
        """Return a view's evidence: a function of its plan and of what it reads.

        A volatile view gives other rows whenever it is read, so its evidence is that of this build
        alone. None where an input is not known yet.
        """
        task = decision.task
        if len(decision.reads) < len(task.requires):
            return None
        reads = sorted(decision.reads.items())
        facts = [text for name, stamp in reads for text in (name, stamp.schema, stamp.data)]
        salt = self._run if task.volatile else ""
        return Evidence(task.schema, fingerprint("view", task.plan, salt, *facts))
