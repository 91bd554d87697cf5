"""What a build does with each task and why, that `plan` says so before, and rows from scratch."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from cpgbuild import api
from cpgbuild.core.events import (
    Action,
    Built,
    Event,
    Failed,
    Planned,
    Restored,
    Skipped,
    Unchanged,
    UpToDate,
)
from cpgbuild.core.rebuilder import Cause, Reason
from cpgbuild.project.config import Overrides
from tests.engine.builds import Site, _read

# By output: its reasons, as `data_changed orders, plan_changed lines`.
Reasons = Mapping[str, str]
WORDS: dict[type[Event], str] = {
    Built: "built",
    Unchanged: "unchanged",
    Restored: "restored",
    UpToDate: "up to date",
    Failed: "failed",
    Skipped: "skipped",
}
Content = tuple[str, Counter[str]]
_KNOWN: dict[str, dict[str, Content]] = {}


def becomes(
    made: Site,
    *,
    built: Reasons | None = None,
    unchanged: Reasons | None = None,
    restored: Reasons | None = None,
    views: Reasons | None = None,
    maybe: Collection[str] = (),
    targets: Sequence[str] = (),
    force: Sequence[str] = (),
    from_scratch: bool = True,
) -> None:
    """Plan and build; see that exactly this became of the outputs, and the others stayed.

    `views` are those that were redefined, `maybe` are the outputs of which `plan` could not say
    what would become of them: what is not among them it said for sure. Then nothing is left to do,
    and all tables hold what a build into an empty warehouse makes.
    """
    planned = {p.task.output: p for p in api.plan(made.root, targets=targets, force=force)}
    made.build(*targets, force=force)
    for event in made.events:
        if isinstance(event, Failed):
            raise event.error
    wanted = {
        output: (word, sorted(_texts(reasons)))
        for word, some in (
            ("built", {**(built or {}), **(views or {})}),
            ("unchanged", unchanged or {}),
            ("restored", restored or {}),
        )
        for output, reasons in some.items()
    }
    did = _did(made)
    moved = {output: done for output, done in did.items() if done[0] != "up to date"}
    assert moved == wanted, f"became {moved}, wanted {wanted}"
    assert did.keys() == planned.keys()
    for output, (word, reasons) in did.items():
        _said(planned, output, word, set(reasons), is_maybe=output in maybe)
    if from_scratch and moved:
        left = [p for p in api.plan(made.root) if p.action is not Action.SKIP]
        assert left == [], "nothing is left to do"
    if from_scratch:
        equals_from_scratch(made)


def nothing(made: Site) -> None:
    """Plan and build; see that nothing happens: no run, no restoring, no commit."""
    before = versions(made)
    becomes(made)
    assert versions(made) == before


def versions(made: Site) -> dict[str, int]:
    """Return the version of each table in the warehouse."""
    tables = [p for p in (made.root / "warehouse").iterdir() if (p / "_delta_log").is_dir()]
    return {table.name: DeltaTable(table).version() for table in tables}


def reasons(reasons: tuple[Reason, ...]) -> list[str]:
    """Return reasons as texts, sorted."""
    return sorted(f"{r.cause} {r.dataset}" for r in reasons)


def equals_from_scratch(made: Site) -> None:
    """See that each table holds the rows that a build into an empty warehouse makes."""
    anew = _from_scratch(made)
    assert {name: _content(made.table(name)) for name in anew} == anew


def _from_scratch(made: Site) -> dict[str, Content]:
    """Return all tables of a build into an empty warehouse; of the same files they are known."""
    digest = _digest(made.root)
    if digest not in _KNOWN:
        other = made.root / "scratch"
        outcome = api.build(made.root, overrides=Overrides(warehouse=str(other)))
        assert outcome.failed == outcome.skipped == 0
        tables = [path for path in other.iterdir() if (path / "_delta_log").is_dir()]
        _KNOWN[digest] = {path.name: _content(_read(DeltaTable(path))) for path in tables}
        shutil.rmtree(other)
    return _KNOWN[digest]


def _digest(root: Path) -> str:
    """Return what stands for all that a project is made of."""
    found = sha256((root / "cpgbuild.toml").read_bytes())
    for file in sorted(p for name in ("tasks", "data") for p in (root / name).rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            found.update(f"{file.relative_to(root)} {file.stat().st_size} ".encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def _content(table: pa.Table) -> Content:
    """Return a table's columns, and how often it has each row."""
    return str(table.schema.remove_metadata().to_string(show_field_metadata=False)), Counter(
        repr(tuple(row.values())) for row in table.to_pylist()
    )


def _texts(reasons: str) -> list[str]:
    return [text.strip() for text in reasons.split(",")]


def _did(made: Site) -> dict[str, tuple[str, list[str]]]:
    """Return what became of each output in the last build, and why."""
    return {
        event.task.output: (WORDS[type(event)], reasons(getattr(event, "reasons", ())))
        for event in made.events
        if isinstance(event, Built | Unchanged | Restored | UpToDate | Failed | Skipped)
    }


def _said(
    planned: Mapping[str, Planned], output: str, word: str, why: set[str], *, is_maybe: bool
) -> None:
    """See that `plan` was right of an output: its action, and its reasons as far as it could know.

    It says `upstream` of exactly those leaves that may hold other rows once they were made.
    """
    plan = planned[output]
    if is_maybe:
        assert plan.action is Action.MAYBE, output
    else:
        sure = {"built": Action.RUN, "unchanged": Action.RUN, "restored": Action.RESTORE}
        assert plan.action is sure.get(word, Action.SKIP), output
    if not plan.task.stored:
        assert set(reasons(plan.reasons)) == why, output
        return
    open_ended = {Action.RUN, Action.MAYBE}
    leaves = {leaf.dataset for leaf in plan.task.leaves}
    upstream = {
        p.task.dataset for o, p in planned.items() if o in leaves and p.action in open_ended
    }
    if plan.reasons and plan.reasons[0].cause is Cause.NEVER_BUILT:
        upstream = set()  # that says it all
    hangs = {r.dataset for r in plan.reasons if r.cause is Cause.UPSTREAM}
    assert hangs == upstream, output
    known = set(reasons(tuple(r for r in plan.reasons if r.cause is not Cause.UPSTREAM)))
    assert known <= why, output
    assert {text.partition(" ")[2] for text in why - known} <= upstream, output
