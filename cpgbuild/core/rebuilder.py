"""Rebuilder: decide whether a task must run, and say why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cpgbuild.core.proofs import Proofs
from cpgbuild.core.reason import UNRECORDED, Cause, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.core.check import ToCheck
    from cpgbuild.core.evidence import Columns, Evidence, Stamp
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.core.graph import Graph
    from cpgbuild.core.ports import Engine, Past
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.selection import Selection
    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.core.trace import Trace

__all__ = ["UNRECORDED", "Cause", "Decision", "Reason", "Rebuilder", "reasons_to_run"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a task, and upon what: the stamps of all it reads, where known.

    `previous` is the trace of its last run, whatever became of the output since. With `restore`
    the task need not run, though there are reasons: its output can be what it was then. With
    `recheck` neither: all reasons are to see again whether its rows pass these `checks`.
    """

    task: Task
    reasons: tuple[Reason, ...]
    reads: dict[str, Stamp]
    previous: Trace | None
    restore: Past | None = None
    checks: tuple[ToCheck, ...] = ()
    recheck: bool = False

    @property
    def can_build_upon(self) -> bool:
        """Whether the output still is what `previous` says, and nobody asked to make it anew."""
        spoilt = {Cause.OUTPUT_MISSING, Cause.OUTPUT_CHANGED, Cause.FORCED, Cause.PLAN_CHANGED}
        return self.previous is not None and not spoilt & {r.cause for r in self.reasons}

    @property
    def hangs_on_upstream(self) -> bool:
        """Whether nothing but what is about to be made upstream could be a reason to run."""
        return bool(self.reasons) and {r.cause for r in self.reasons} == {Cause.UPSTREAM}


def reasons_to_run(
    task: Task,
    trace: Trace | None,
    inputs: Mapping[str, Cause | None],
    output: Stamp | None,
    engine: str = "",
) -> tuple[Reason, ...]:
    """Return every reason to run a task whose output is stored; none: it is up to date.

    `inputs` says of each leaf what became of it since `trace`. `output` is what is there now.
    `engine` would run it; another major version of it may give other rows for the same plan.
    """
    if trace is None and output is None:
        return (Reason(Cause.NEVER_BUILT, task.dataset),)
    if trace is None:
        return (Reason(Cause.OUTPUT_CHANGED, task.dataset, UNRECORDED),)
    found = _plan_reasons(task, trace)
    if is_another_major(trace.engine, engine):
        found.append(Reason(Cause.PLAN_CHANGED, task.dataset, f"{trace.engine}, now {engine}"))
    if output is None:
        found.append(Reason(Cause.OUTPUT_MISSING, task.dataset))
    elif not _same_state(output, trace.wrote):
        found.append(Reason(Cause.OUTPUT_CHANGED, task.dataset))
    changed = [(leaf.partition("/")[0], cause) for leaf, cause in inputs.items()]
    found += dict.fromkeys(Reason(cause, dataset) for dataset, cause in changed if cause)
    if task.volatile:
        found.append(Reason(Cause.VOLATILE, task.dataset, ", ".join(task.volatile)))
    return tuple(found)


def _plan_reasons(task: Task, trace: Trace) -> list[Reason]:
    """Say of a plan that changed whether that is the task's own query, or a view's."""
    if trace.plan == task.plan:
        return []
    views = [name for name, plan in task.views if trace.views.get(name, plan) != plan]
    own = [] if trace.query == task.query and views else [task.dataset]
    return [Reason(Cause.PLAN_CHANGED, name) for name in (*own, *views)]


def is_another_major(then: str, now: str) -> bool:
    """Return whether two versions, as `name 1.2.3`, are of engines that may differ in results.

    Nothing is known of an engine that is not named.
    """
    return bool(then and now) and then.partition(".")[0] != now.partition(".")[0]


def _certain(reasons: tuple[Reason, ...]) -> int:
    return sum(reason.cause is not Cause.UPSTREAM for reason in reasons)


def _same_state(one: Stamp, other: Stamp) -> bool:
    return (one.schema, one.version) == (other.schema, other.version)


class Rebuilder:
    """Knows the evidence of every stored dataset as the build goes on, and decides upon it."""

    def __init__(
        self,
        graph: Graph,
        engine: Engine,
        traces: dict[str, Trace],
        selection: Selection,
        settled: frozenset[str] = frozenset(),
    ) -> None:
        """Take what to decide about, and the tasks that are known to be up to date."""
        self._settled = settled - selection.forced
        self._graph = graph
        self._engine = engine
        self._traces = traces
        self._selection = selection
        self._parts: dict[str, Evidence | None] = {}
        self._to_restore: dict[str, Fingerprint] = {}
        self._today = _Today(engine)
        self._views = _Views(graph, engine, traces, self._today, selection.tasks)
        self._proofs = Proofs(self)

    @property
    def seconds(self) -> dict[str, float]:
        """What each task's last recorded run took."""
        return {name: trace.seconds for name, trace in self._traces.items()}

    @property
    def traces(self) -> Mapping[str, Trace]:
        """The traces by task, as they were when the build began."""
        return self._traces

    def would_run(self, task: Task) -> bool:
        """Return whether what is known by now is a reason to run a table; there may be others."""
        if task.name not in self._selection.tasks or self.is_settled(task):
            return False
        trace = self._traces.get(task.name)
        if task.name in self._selection.forced or trace is None or trace.plan != task.plan:
            return True
        known = {leaf: self._parts.get(leaf.dataset) for leaf in task.leaves}
        reads = {leaf.dataset: now.stamp(leaf.names) for leaf, now in known.items() if now}
        return any(
            self._change(task, leaf, trace, reads) for leaf in known if leaf.dataset in reads
        )

    def schema(self, dataset: str) -> Schema | None:
        """Return the columns that a dataset has now; None where it is missing or unknown."""
        producers = self._graph.producers.get(dataset)
        if producers is None:
            found = self.evidence(dataset)
            return found.schema if found else None
        schemas: list[Schema] = []
        for task in producers:
            part = self.evidence(task.output) if task.stored else None
            if task.stored and part is None:
                return None
            schemas.append(part.schema if part else task.schema)
        return schemas[0]

    def evidence(self, name: str) -> Evidence | None:
        """Return the evidence of a source or output; None: missing, or about to be made."""
        if name not in self._parts:
            self._parts[name] = self._engine.evidence(name)
        return self._parts[name]

    def settle(self, task: Task, evidence: Evidence | None) -> None:
        """Learn what a task's output is now; None: it is about to be made, so nobody knows yet."""
        self._parts[task.output] = evidence

    def foresee(self, task: Task, past: Past) -> None:
        """Take a task's output for what it will be once it is restored; nothing is there yet."""
        self.settle(task, past.trace.evidence(task.schema))
        self._to_restore[task.output] = past.trace.wrote.version

    def is_settled(self, task: Task) -> bool:
        """Return whether a task is known to be up to date, without a look at what it reads."""
        return task.name in self._settled

    def decide(self, task: Task) -> Decision:
        """Return the reasons to run a task and the stamps of what it reads, as known now."""
        if self.is_settled(task):
            return Decision(task, (), {}, self._traces.get(task.name))
        if not task.stored:
            return self._of_view(task)
        now = {leaf.dataset: self.evidence(leaf.dataset) for leaf in task.leaves}
        reads = {
            leaf.dataset: found.stamp(leaf.names)
            for leaf in task.leaves
            if (found := now[leaf.dataset]) is not None
        }
        output = self.evidence(task.output)
        stamp = output.stamp() if output else None
        trace, reasons = self._closest(task, reads, stamp)
        reasons = self._forced(task, reasons)
        restore = self._restorable(task, reads) if reasons else None
        checks, unproven = self._proofs.of(task, trace)
        if reasons or not unproven:
            return Decision(task, reasons, reads, trace, restore, checks)
        return Decision(task, unproven, reads, trace, None, checks, recheck=True)

    def _of_view(self, view: Task) -> Decision:
        """Decide about a view: whether it is another, and whether its rows may break a check."""
        reasons = self._forced(view, self._views.reasons(view))
        checks, unproven = self._proofs.of(view, self._traces.get(view.name))
        if view.name not in self._selection.forced:
            checks = tuple(one for one in checks if one.good is None)
        known = reasons or unproven
        return Decision(view, known, {}, None, None, checks, recheck=bool(checks))

    def _closest(
        self, task: Task, reads: Mapping[str, Stamp], output: Stamp | None
    ) -> tuple[Trace | None, tuple[Reason, ...]]:
        """Return the trace that the fewest reasons speak against, and these.

        What is about to be made upstream may come to nothing.
        """
        found: list[tuple[Trace | None, tuple[Reason, ...]]] = []
        for candidate in self._candidates(task, output):
            trace = self._today.of(task, candidate)
            inputs = {leaf.dataset: self._change(task, leaf, trace, reads) for leaf in task.leaves}
            reasons = reasons_to_run(task, trace, inputs, output, self._engine.version)
            if not reasons:
                return trace, reasons
            found.append((trace, reasons))
        return min(found, key=lambda one: (_certain(one[1]), len(one[1])))

    def renewed(self, decision: Decision) -> Trace | None:
        """Return the trace of a task that is up to date, as one of what its inputs are now.

        None where it says so already. Once an input's old state is gone nobody could compare.
        """
        trace = decision.previous
        task = decision.task
        if trace is None or decision.reasons or not task.stored or self.is_settled(task):
            return None
        fresh: dict[str, Stamp] = {}
        for leaf in decision.task.leaves:
            then, now = trace.reads[leaf.dataset], decision.reads[leaf.dataset]
            if then.version != now.version:
                columns = tuple(sorted(leaf.names))
                data = then.data or now.data or self._data(leaf.dataset, columns)
                fresh[leaf.dataset] = replace(now, data=data)
        if not fresh and not self._today.has_changed(decision.task):
            return None
        return replace(trace, reads=trace.reads | fresh)

    def _forced(self, task: Task, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        if task.name not in self._selection.forced:
            return reasons
        return (*reasons, Reason(Cause.FORCED, task.dataset))

    def _candidates(self, task: Task, output: Stamp | None) -> Iterable[Trace | None]:
        """Give the traces that may speak for an output: the store's, then the table's own.

        The table's trace was committed with its rows. The store's speaks for the same rows where
        it names them; it can be the newer one, and needs no look at the table's log. What was
        a view until now has no trace: how it was defined says nothing of a table.
        """
        kept = self._traces.get(task.name)
        if kept is not None and kept.is_of_view:
            kept = None
        if output is None:
            yield kept
            return
        if kept is not None and _same_state(kept.wrote, output):
            yield kept
        committed = self._engine.trace(task.output)
        if committed is not None and committed.task == task.name:
            yield committed
            return
        if kept is None or not _same_state(kept.wrote, output):
            yield from self._equal_runs(task, output)
            yield kept

    def _equal_runs(self, task: Task, output: Stamp) -> Iterable[Trace]:
        """Give the traces of earlier runs that wrote just what is there, whoever wrote it last."""
        for past in self._engine.past(task.output):
            if past.trace.task == task.name and _same_state(past.trace.wrote, output):
                yield past.trace

    def change_since(
        self, leaf: Requirement, then: Stamp | None, now: Stamp | None
    ) -> Cause | None:
        """Return what became of a leaf that a check reads; None where the rows are the same."""
        if now is not None and then is not None and then.schema == now.schema:
            same = self._same_rows(leaf, then, now)
            return None if same else Cause.DATA_CHANGED
        return Cause.DATA_CHANGED if now is not None else Cause.UPSTREAM

    def _change(
        self, task: Task, leaf: Requirement, trace: Trace | None, reads: Mapping[str, Stamp]
    ) -> Cause | None:
        """Return what became of a leaf since a run; None where the reader sees the same rows."""
        now = reads.get(leaf.dataset)
        if now is None:
            return Cause.UPSTREAM
        then = trace.reads.get(leaf.dataset) if trace is not None else None
        if then is None:
            # What a plan begins to read is a change of the plan; else nothing proves it the same.
            known = trace is not None and trace.plan == task.plan
            return Cause.DATA_CHANGED if known else None
        if then.schema != now.schema:
            # Of what did not change at all, a plan that changed begins to read other columns.
            rereads = trace is not None and trace.plan != task.plan and then.version == now.version
            return None if rereads else Cause.SCHEMA_CHANGED
        return None if self._same_rows(leaf, then, now) else Cause.DATA_CHANGED

    def _same_rows(self, leaf: Requirement, then: Stamp, now: Stamp) -> bool:
        if then.version == now.version:
            return True
        columns = tuple(sorted(leaf.names))
        before = then.data or self._engine.data_then(leaf.dataset, then.version, columns)
        return before is not None and before == (now.data or self._data(leaf.dataset, columns))

    def _data(self, name: str, columns: Columns) -> Fingerprint | None:
        """Return the data fingerprint of what is there, or of what will be there once restored."""
        version = self._to_restore.get(name)
        if version is not None:
            return self._engine.data_then(name, version, columns)
        return self._engine.data(name, columns)

    def _restorable(self, task: Task, reads: Mapping[str, Stamp]) -> Past | None:
        """Return what an output once was by this plan of these inputs, if it can be that again.

        Rows that depend on the order of others, or on the time, are made anew: readers of one
        view may have to agree on them.
        """
        forced = task.name in self._selection.forced
        if forced or task.volatile or task.unstable or len(reads) < len(task.leaves):
            return None
        for past in self._engine.past(task.output):
            if past.trace.task != task.name:
                continue
            trace = self._today.of(task, past.trace) or past.trace
            if is_another_major(trace.engine, self._engine.version) or trace.plan != task.plan:
                continue
            if not any(self._change(task, leaf, trace, reads) for leaf in task.leaves):
                # What did not pass is made anew, and that is checked before it is seen.
                if self._proofs.of(task, trace)[1]:
                    continue
                return replace(past, trace=trace)
        return None


class _Today:
    """Reads traces that another version of the engine made: it put plans into other words."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed: set[str] = set()

    def of(self, task: Task, trace: Trace | None) -> Trace | None:
        """Return a trace with its plans as they are put today, where they are not already."""
        if trace is None or trace.plan == task.plan or trace.engine == self._engine.version:
            return trace
        if not trace.engine or is_another_major(trace.engine, self._engine.version):
            return trace
        today = self._engine.today(task.output, trace)
        if today.plan == task.plan:
            self._changed.add(task.name)
        return today

    def has_changed(self, task: Task) -> bool:
        """Return whether a trace of a task is that of its plan in other words."""
        return task.name in self._changed


class _Views:
    """Why views are redefined. They hold nothing, so that only what reads them can say so.

    That is what is brought up to date: others may not even be known.
    """

    def __init__(
        self,
        graph: Graph,
        engine: Engine,
        traces: dict[str, Trace],
        today: _Today,
        selected: frozenset[str],
    ) -> None:
        self._graph = graph
        self._engine = engine
        self._traces = traces
        self._today = today
        self._selected = selected
        self._readers: dict[str, tuple[bool, bool]] = {}

    def reasons(self, view: Task) -> tuple[Reason, ...]:
        """Return why a view is another than the tables behind it were made with, if it is."""
        is_read, is_known = self._standing(view)
        if not is_read or is_known:
            return ()
        kept = self._traces.get(view.name)
        if kept is None:
            return (Reason(Cause.NEVER_BUILT, view.dataset),)
        if kept.query != self._engine.query(view):
            return (Reason(Cause.PLAN_CHANGED, view.dataset),)
        return ()

    def _standing(self, view: Task) -> tuple[bool, bool]:
        """Return whether some table reads a view, and whether one was made with it as it is."""
        stack = [view]
        while stack:
            one = stack[-1]
            readers = self._graph.readers(one.dataset)
            unknown = [r for r in readers if not r.stored and r.name not in self._readers]
            if unknown and one.name not in self._readers:
                # First what reads it: a chain of views may be of any length.
                stack += unknown
                continue
            stack.pop()
            if one.name not in self._readers:
                self._readers[one.name] = self._told_by(readers)
        return self._readers[view.name]

    def _told_by(self, readers: Iterable[Task]) -> tuple[bool, bool]:
        """Return what the readers of a view say of it, those that are views being known."""
        is_read = is_known = False
        for reader in readers:
            if not reader.stored:
                beyond = self._readers[reader.name]
                is_read, is_known = is_read or beyond[0], is_known or beyond[1]
            elif reader.name in self._selected:
                is_read, is_known = True, is_known or self._is_made_with(reader)
        return is_read, is_known

    def _is_made_with(self, reader: Task) -> bool:
        kept = self._today.of(reader, self._traces.get(reader.name))
        if kept is not None and kept.plan == reader.plan:
            return True
        committed = self._today.of(reader, self._engine.trace(reader.output))
        return committed is not None and committed.plan == reader.plan
