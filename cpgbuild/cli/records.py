"""Records: events, plans and errors as the JSON lines that scripts read."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date, time
from typing import TYPE_CHECKING, Any

from cpgbuild.core.events import (
    Built,
    Failed,
    Restored,
    SharedView,
    Skipped,
    Unchanged,
    UpToDate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cpgbuild.api.inventory import Listed
    from cpgbuild.api.past import State, VersionDifference
    from cpgbuild.core.builder import Outcome
    from cpgbuild.core.drift import Drift
    from cpgbuild.core.events import Event, Planned
    from cpgbuild.core.explanation import Explanation
    from cpgbuild.core.finding import Finding
    from cpgbuild.core.history import BuildRecord, TaskRun
    from cpgbuild.core.impact import Impact
    from cpgbuild.core.lineage import Step, Uses
    from cpgbuild.core.lock import Change, Difference
    from cpgbuild.core.reason import Reason
    from cpgbuild.core.task import Task
    from cpgbuild.engine.cleaning import Cleaned
    from cpgbuild.errors.report import CpgbuildError, Report
    from cpgbuild.project.dbt.importing import LeftOut, TakenTask
    from cpgbuild.project.dbt.sources import Declared

VERSION = 1
_ENDED = {Built: "built", Unchanged: "unchanged", Restored: "restored"}


def _record(event: str, **fields: Any) -> dict[str, Any]:
    return {"v": VERSION, "event": event, **fields}


def _task(task: Task) -> dict[str, str]:
    return {"task": task.name, "dataset": task.dataset, "kind": str(task.kind)}


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [
        {"code": str(r.cause), "dataset": r.dataset} | ({"detail": r.detail} if r.detail else {})
        for r in reasons
    ]


def planned(plan: Planned) -> dict[str, Any]:
    """Return the record of what a build would do with a task."""
    fields: dict[str, Any] = {}
    if plan.once is not None:
        fields["once"] = {"readings": plan.once.readings, "saves": round(plan.once.saves, 3)}
    return _record(
        "planned",
        **_task(plan.task),
        action=str(plan.action),
        wave=plan.wave,
        **fields,
        reasons=_reasons(plan.reasons),
    )


def happened(event: Event) -> dict[str, Any] | None:
    """Return the record of how a task ended; None for what is only progress."""
    match event:
        case Built() | Unchanged() | Restored():
            fields: dict[str, Any] = {"rows": event.rows, "seconds": round(event.seconds, 3)}
            if event.detail:
                fields["detail"] = event.detail
            name = _ENDED[type(event)]
            return _record(name, **_task(event.task), **fields, reasons=_reasons(event.reasons))
        case SharedView(task, readings, rows, seconds):
            fields = {"readings": readings, "rows": rows, "seconds": round(seconds, 3)}
            return _record("shared", **_task(task), **fields)
        case UpToDate(task):
            return _record("up_to_date", **_task(task), rows=None, seconds=0.0, reasons=[])
        case Failed(task, reasons, _, seconds):
            found = _reasons(reasons)
            return _record("failed", **_task(task), seconds=round(seconds, 3), reasons=found)
        case Skipped(task, because):
            return _record("skipped", **_task(task), because=because)
        case _:
            return None


def impacted(impact: Impact) -> dict[str, Any]:
    """Return the record of a task downstream of a change.

    `affects` is there where a column was asked for, `because` where two commits were compared.
    """
    fields: dict[str, Any] = {"distance": impact.distance, "columns": list(impact.columns)}
    if impact.affects:
        fields["affects"] = list(impact.affects)
    if impact.because:
        fields["because"] = [_change(change) for change in impact.because]
    return _record("impacted", **_task(impact.task), **fields)


def gone(difference: Difference) -> list[dict[str, Any]]:
    """Return the records of a task that was removed, or of each change of a source."""
    task = difference.task
    if task is None:
        subject = _subject(difference)
        return [_record("source_changed", **subject, **_change(c)) for c in difference.changes]
    because = [_change(change) for change in difference.changes]
    return [_record("impacted", **_subject(difference), distance=0, columns=[], because=because)]


def locked(difference: Difference, change: Change) -> dict[str, Any]:
    """Return the record of one thing in which a lock is out of date."""
    return _record("locked", **_subject(difference), **_change(change))


def _subject(difference: Difference) -> dict[str, str]:
    task = difference.task
    if task is not None:
        return {"task": task.name, "dataset": task.dataset, "kind": task.kind}
    return {"source": difference.name} if difference.name else {}


def _change(change: Change) -> dict[str, str]:
    fields = {"change": str(change.aspect), "detail": change.detail, "through": change.dataset}
    return {name: value for name, value in fields.items() if value}


def cleaned(cleaned: Cleaned) -> dict[str, Any]:
    """Return the record of what was deleted of an output, or of what is `left` and why."""
    left = {"left": cleaned.left} if cleaned.left else {}
    what = {"output": cleaned.output, "litter": str(cleaned.litter)}
    return _record("cleaned", **what, files=cleaned.files, bytes=cleaned.bytes, **left)


def exported(form: str, path: str, functions: int, *, changed: bool) -> dict[str, Any]:
    """Return the record of a file that was written for another tool, or was there already."""
    return _record("exported", form=form, path=path, functions=functions, changed=changed)


def exported_graph(form: str, path: str, nodes: int, edges: int) -> dict[str, Any]:
    """Return the record of a graph that was written."""
    return _record("exported", form=form, path=path, nodes=nodes, edges=edges, changed=True)


def page(place: str, datasets: int) -> dict[str, Any]:
    """Return the record of a page: the file that it was written to, or where it is served."""
    return _record("page", place=place, datasets=datasets)


def explained(explanation: Explanation) -> dict[str, Any]:
    """Return the record of why a task would run, or need not."""
    last = explanation.last
    return _record(
        "explained",
        **_task(explanation.task),
        action=str(explanation.action),
        reasons=_reasons(explanation.reasons),
        last=None
        if last is None
        else {"finished": last.finished, "rows": last.rows, "seconds": round(last.seconds, 3)},
        queries=[{"task": q.task, "diff": list(q.diff)} for q in explanation.queries],
        inputs=[asdict(state) for state in explanation.inputs],
    )


def row(values: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a row of a dataset, or of a query."""
    return _record("row", values=values)


def listed(each: Listed, state: str) -> dict[str, Any]:
    """Return the record of a dataset in a list of them."""
    return _record(
        "dataset",
        dataset=each.name,
        kind=str(each.kind),
        state=state,
        rows=each.rows,
        bytes=each.bytes,
        built=each.built,
        columns=each.columns,
        tags=list(each.tags),
        description=each.description,
        reasons=_reasons(each.reasons),
    )


def build_record(build: BuildRecord) -> dict[str, Any]:
    """Return the record of a build of the past."""
    return _record(
        "build",
        started=build.started,
        seconds=build.seconds,
        interrupted=build.interrupted,
        targets=list(build.targets),
        **build.counts,
        tasks=[_run(run) for run in build.tasks],
    )


def _run(run: TaskRun) -> dict[str, Any]:
    return {
        "task": run.task,
        "dataset": run.dataset,
        "event": run.event,
        "rows": run.rows,
        "seconds": run.seconds,
        "reasons": [
            {"code": code, "dataset": dataset} | ({"detail": detail} if detail else {})
            for code, dataset, detail in run.reasons
        ],
        **({"error": run.error} if run.error else {}),
    }


def state(dataset: str, state: State) -> dict[str, Any]:
    """Return the record of a state that a table has had, or of a run that left it as it was."""
    return _record(
        "state",
        dataset=dataset,
        version=state.version,
        when=state.when or None,
        rows=state.rows,
        seconds=round(state.seconds, 3),
        ours=state.is_ours,
        run=_run(state.run) if state.run is not None else None,
    )


def differences(found: VersionDifference) -> Iterator[dict[str, Any]]:
    """Give the records of how two versions of a table differ: columns, then rows."""
    rows = found.rows
    yield _record(
        "versions",
        dataset=found.dataset,
        before=found.before,
        after=found.after,
        schema=list(rows.schema),
        columns=list(rows.columns),
    )
    for kind, each in (("added", rows.added_rows), ("removed", rows.removed_rows)):
        yield from (_record(kind, values=jsonable(row)) for row in each)
    for changed in rows.changed_rows:
        values = {n: [jsonable(a), jsonable(b)] for n, (a, b) in changed.values.items()}
        yield _record("changed_row", key=jsonable(changed.key), values=values)


def jsonable(value: Any) -> Any:
    """Return a value as JSON has it: what is no number there is a null, bytes are hexadecimal."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if isinstance(value, date | time) else str(value)


def lineage_step(direction: str, step: Step) -> dict[str, Any]:
    """Return the record of a column on the way up or down from another."""
    made = step.derivation
    return _record(
        "lineage",
        direction=direction,
        distance=step.distance,
        dataset=step.cell.dataset,
        column=step.cell.column,
        task=step.task or None,
        expression=made.expression if made is not None else None,
        uses=_uses(made.uses) if made is not None else [],
        rows=_uses(step.rows),
    )


def _uses(uses: Uses) -> list[dict[str, str]]:
    return [
        {"dataset": cell.dataset, "column": cell.column, "use": str(use)}
        for cell, kinds in sorted(uses.items())
        for use in sorted(kinds)
    ]


def imported_task(task: TakenTask) -> dict[str, Any]:
    """Return the record of a task that was written for another tool's model."""
    return _record("imported", task=task.name, path=task.path, origin=task.origin)


def imported_source(source: Declared) -> dict[str, Any]:
    """Return the record of a source; `fill_in` says what has to be put at its path, if anything."""
    fields: dict[str, Any] = {"source": source.name, "path": source.path, "origin": source.origin}
    return _record("imported", **fields, **({"fill_in": source.absent} if source.absent else {}))


def left_out(left: LeftOut) -> dict[str, Any]:
    """Return the record of what was not taken of another tool's project, or not all of."""
    return _record("left_out", origin=left.origin, reason=left.reason, in_part=left.in_part)


def meaning(error: type[CpgbuildError], said: str, text: str | None = None) -> dict[str, Any]:
    """Return the record of what an error means; `text`, where one was asked for, is Markdown."""
    fields = {} if text is None else {"text": text}
    return _record(
        "explained_error", code=error.code, meaning=said, exit_code=error.exit_code, **fields
    )


def drifted(drift: Drift) -> dict[str, Any]:
    """Return the record of a task that reads other datasets than it declares."""
    lists = {"unread": list(drift.unread), "undeclared": list(drift.undeclared)}
    return _record("drift", **_task(drift.task), **lists)


def found(finding: Finding) -> dict[str, Any]:
    """Return the record of how something is that a build needs."""
    facts = {"about": finding.about, "health": str(finding.health), "fact": finding.fact}
    return _record("found", **facts, hint=finding.hint)


def changed(paths: Sequence[str]) -> dict[str, Any]:
    """Return the record of files that changed, so that it is built again."""
    return _record("changed", paths=list(paths))


def failure(report: Report) -> dict[str, Any]:
    """Return the record of an error."""
    place = report.place
    where = None
    if place is not None:
        where = {"path": place.path, "line": place.line, "column": place.column}
    return _record(
        "error",
        code=report.code,
        message=report.message,
        place=where,
        facts=_facts(report.facts),
        hint=report.hint,
    )


def _facts(facts: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Return facts by name: a text, or a list where several are named so."""
    found: dict[str, list[str]] = {}
    for name, value in facts:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def summary(outcome: Outcome, seconds: float, **more: int) -> dict[str, Any]:
    """Return the record that is always the last."""
    return _record(
        "summary",
        built=outcome.built,
        unchanged=outcome.unchanged,
        up_to_date=outcome.up_to_date,
        restored=outcome.restored,
        failed=outcome.failed,
        skipped=outcome.skipped,
        **more,
        seconds=round(seconds, 3),
    )
