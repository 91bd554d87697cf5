"""The bugs that `tests/mutants.py` plants, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

LAWS = ("tests/core", "tests/property", "tests/state")
ENGINE = ("tests/engine/test_decisions.py",)
KEYED = ("tests/engine/test_python_lane.py",)
PLAN = ("tests/plan/test_inference.py", "tests/plan/test_fingerprints.py")


@dataclass(frozen=True)
class Mutant:
    """A bug: a file below `cpgbuild/`, what it says, and what it says when it is wrong."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = LAWS


MUTANTS = (
    Mutant(
        "rebuilder: the plan is not looked at",
        "core/rebuilder.py",
        "    if trace.plan != task.plan:\n",
        "    if False:\n",
    ),
    Mutant(
        "rebuilder: a missing output is up to date",
        "core/rebuilder.py",
        "        if output is None:\n            found.append(Reason(Cause.OUTPUT_MISSING, task.dataset))\n        elif output != trace.wrote:",
        "        if output is not None and output != trace.wrote:",
    ),
    Mutant(
        "rebuilder: a foreign output is up to date",
        "core/rebuilder.py",
        "        elif output != trace.wrote:",
        "        elif False:",
    ),
    Mutant(
        "rebuilder: schemas of inputs are not looked at",
        "core/rebuilder.py",
        "    if then is None or then.schema != now.schema:",
        "    if then is None:",
    ),
    Mutant(
        "rebuilder: data of inputs is not looked at",
        "core/rebuilder.py",
        "    if then.data != now.data:",
        "    if False:",
    ),
    Mutant(
        "rebuilder: only the first input is looked at",
        "core/rebuilder.py",
        "    for dataset, now in reads.items():\n        found +=",
        "    for dataset, now in list(reads.items())[:1]:\n        found +=",
    ),
    Mutant(
        "rebuilder: a reader sees all columns, also those that it does not require",
        "core/rebuilder.py",
        "found.stamp(requirement.names) if found else None",
        "found.stamp() if found else None",
    ),
    Mutant(
        "rebuilder: volatile tasks keep their output",
        "core/rebuilder.py",
        "    if task.volatile:\n        found",
        "    if False:\n        found",
    ),
    Mutant(
        "rebuilder: a volatile view is the same in every build",
        "core/rebuilder.py",
        'salt = self._run if task.volatile else ""',
        'salt = ""',
    ),
    Mutant(
        "rebuilder: a view's evidence forgets its plan",
        "core/rebuilder.py",
        'fingerprint("view", task.plan, salt, *facts)',
        'fingerprint("view", salt, *facts)',
    ),
    Mutant(
        "rebuilder: a view's evidence forgets the schemas that it reads",
        "core/rebuilder.py",
        "for text in (name, stamp.schema, stamp.data)]",
        "for text in (name, stamp.data)]",
    ),
    Mutant(
        "rebuilder: what is forced needs a reason after all",
        "core/rebuilder.py",
        "        if task.name in self._selection.forced:",
        "        if False:",
    ),
    Mutant(
        "rebuilder: the kept trace wins over the table's own",
        "core/rebuilder.py",
        "        committed = self._engine.trace(task.output)\n",
        "        committed = None if kept else self._engine.trace(task.output)\n",
    ),
    Mutant(
        "rebuilder: another task's trace is taken for one's own",
        "core/rebuilder.py",
        "        if committed is not None and committed.task == task.name:",
        "        if committed is not None:",
    ),
    Mutant(
        "rebuilder: what a task wrote is not learnt",
        "core/rebuilder.py",
        "        self._parts[task.output] = evidence\n\n    def view",
        "        self._parts.setdefault(task.output, evidence)\n\n    def view",
    ),
    Mutant(
        "rebuilder: old rows of another plan are built upon",
        "core/rebuilder.py",
        "Cause.FORCED, Cause.PLAN_CHANGED}",
        "Cause.FORCED}",
    ),
    Mutant(
        "evidence: a dataset of several parts is known by its first",
        "core/evidence.py",
        "    if len(ordered) == 1:",
        "    if ordered:",
    ),
    Mutant(
        "evidence: a dataset is there with some of its parts",
        "core/rebuilder.py",
        "return union(known) if len(known) == len(parts) else None",
        "return union(known) if known else None",
    ),
    Mutant(
        "planner: what will run is taken for what it was",
        "core/planner.py",
        "            rebuilder.settle(task, None)",
        "            pass",
    ),
    Mutant(
        "builder: a view's trace is not kept",
        "core/builder.py",
        "            self._world.store.record(trace)\n            self._report(Built(task, decision.reasons, None",
        "            self._report(Built(task, decision.reasons, None",
    ),
    Mutant(
        "builder: a failed task counts as done",
        "core/builder.py",
        "        for lost in self._scheduler.fail(failed.task):\n            self._report(Skipped(lost, failed.task.name))",
        "        self._scheduler.succeed(failed.task)",
    ),
    Mutant(
        "builder: goes on after a failure though nobody asked",
        "core/builder.py",
        "        if not self._world.keep_going:",
        "        if False:",
    ),
    Mutant(
        "builder: stops after a failure though asked to go on",
        "core/builder.py",
        "        if not self._world.keep_going:",
        "        if True:",
    ),
    Mutant(
        "builder: edges are not checked when a task is ready",
        "core/builder.py",
        "                errors += check_edge(task, requirement, found.schema)",
        "                pass",
    ),
    Mutant(
        "builder: lanes have no limit",
        "core/builder.py",
        "if n >= self._world.lanes.get(lane, 1)}",
        "if n > self._world.lanes.get(lane, 1)}",
    ),
    Mutant(
        "scheduler: a failure loses its readers only",
        "core/scheduler.py",
        "rx.descendants(self._dag, self._node[task.name])",
        "[s for d in self._dag.successor_indices(self._node[task.name]) for s in self._dag.successor_indices(d)]",
    ),
    Mutant(
        "scheduler: a task that reads nothing is never ready",
        "core/scheduler.py",
        "if not self._dag.in_degree(n)]",
        "if not self._dag.in_degree(n) and isinstance(self._dag[n], str)]",
    ),
    Mutant(
        "scheduler: priority is not looked at",
        "core/scheduler.py",
        "insort(self._ready, (payload.priority, payload.name))",
        "insort(self._ready, (0, payload.name))",
    ),
    Mutant(
        "scheduler: only the first input is waited for",
        "core/scheduler.py",
        "            for requirement in task.requires:",
        "            for requirement in task.requires[:1]:",
    ),
    Mutant(
        "graph: the signature forgets plans",
        "core/graph.py",
        "task.output, task.plan, task.schema.fingerprint, *reads]",
        "task.output, task.schema.fingerprint, *reads]",
    ),
    Mutant(
        "graph: the order takes priorities for text",
        "core/graph.py",
        'return f"{node.priority + 10**12:016d} {node.name}"',
        'return f"{node.priority} {node.name}"',
    ),
    Mutant(
        "selection: a target comes without what it needs",
        "core/selection.py",
        "            stack += [task.name for task in graph.producers.get(requirement.dataset, ())]",
        "            pass",
    ),
    Mutant(
        "trace: schema and data are swapped when read",
        "core/trace.py",
        "    schema, data = pair",
        "    data, schema = pair",
    ),
    Mutant(
        "trace: the third input is forgotten",
        "core/trace.py",
        "for n, s in sorted(self.reads.items())}",
        "for n, s in sorted(self.reads.items())[:2]}",
    ),
    Mutant(
        "journal: the first trace of a task counts",
        "state/journal.py",
        "traces = {trace.task: trace for trace in found if trace is not None}",
        "traces = {trace.task: trace for trace in reversed(list(found)) if trace is not None}",
    ),
    Mutant(
        "journal: a torn tail stays",
        "state/journal.py",
        "if whole != data or len(lines)",
        "if len(lines)",
    ),
    Mutant(
        "journal: any header is believed",
        "state/journal.py",
        "        if not data.startswith(HEADER):",
        "        if not data:",
    ),
    Mutant(
        "journal: it only grows",
        "state/journal.py",
        "or len(lines) > SLACK * (len(traces) + SLACK)",
        "or False",
    ),
    Mutant(
        "inference: only the first scan is read",
        "plan/inference.py",
        "    for table, projection in scans(plan):",
        "    for table, projection in scans(plan)[:1]:",
        PLAN,
    ),
    Mutant(
        "inference: a dataset that is optimised away is no input",
        "plan/inference.py",
        "table: set() for table, _ in scans(frame.logical_plan()) if table in schemas",
        "table: set() for table, _ in scans(frame.optimized_logical_plan()) if table in schemas",
        PLAN,
    ),
    Mutant(
        "inference: a line in a string is a scan",
        "plan/inference.py",
        "if table in words]",
        "]",
        PLAN,
    ),
    Mutant(
        "inference: the planner's short text stands for the plan",
        "plan/inference.py",
        "    if _SILENT.search(text) or",
        "    if",
        PLAN,
    ),
    Mutant(
        "fingerprint: functions are known by name",
        "plan/functions.py",
        "code, *map(to_text, inputs)",
        "name, *map(to_text, inputs)",
        PLAN,
    ),
    Mutant(
        "fingerprint: partitions do not count",
        "plan/assemble.py",
        "        *definition.partition_by,\n",
        "",
        PLAN,
    ),
    Mutant(
        "fingerprint: key and content do not count",
        "plan/assemble.py",
        'return ["map", code, row_map.key or "", row_map.content or "", *columns]',
        'return ["map", code, *columns]',
        PLAN,
    ),
    Mutant(
        "warehouse: a foreign commit is passed over",
        "engine/warehouse.py",
        '            if commit.get("operation") not in _SAME_ROWS:',
        "            if TRACE in commit:",
        ENGINE,
    ),
    Mutant(
        "warehouse: compaction makes a table foreign",
        "engine/warehouse.py",
        '_SAME_ROWS = frozenset({"OPTIMIZE", "VACUUM START", "VACUUM END"})',
        "_SAME_ROWS: frozenset[str] = frozenset()",
        ENGINE,
    ),
    Mutant(
        "stamps: ctime does not count",
        "engine/stamps.py",
        "return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)",
        "return (status.st_size, status.st_mtime_ns, 0, status.st_ino)",
        ENGINE,
    ),
    Mutant(
        "runs: rows of a deleted key stay",
        "engine/runs.py",
        "_is_in(key, [*changed, *gone], kind)",
        "_is_in(key, changed, kind)",
        KEYED,
    ),
    Mutant(
        "runs: a changed key keeps its old rows too",
        "engine/runs.py",
        "_is_in(key, [*changed, *gone], kind)",
        "_is_in(key, gone or [None], kind)",
        KEYED,
    ),
    Mutant(
        "runs: keys are kept whatever the plans upstream",
        "engine/runs.py",
        "        if previous.facts.get(BEHIND) != self.behind:",
        "        if False:",
        KEYED,
    ),
    Mutant(
        "runs: plans behind a stored input do not count",
        "engine/context.py",
        'made = [trace.plan, trace.facts.get(BEHIND, "")] if trace',
        'made = [""] if trace',
        KEYED,
    ),
    Mutant(
        "engine: a task's inputs may change while it runs",
        "engine/datafusion_engine.py",
        "        self._engine.check_inputs(self._order.task)",
        "        pass",
        ENGINE,
    ),
)
