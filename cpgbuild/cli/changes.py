"""Changes: what `plan --locked` and `impact --since` say of plans that are not what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome
from cpgbuild.core.lock import Aspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cpgbuild.cli.output import Output
    from cpgbuild.core.impact import Impact
    from cpgbuild.core.lock import Change, Difference

WIDTH = 10
_HEADS = {Aspect.ADDED: ("added", "green"), Aspect.REMOVED: ("removed", "red")}


def show_locked(found: Sequence[Difference], output: Output) -> bool:
    """Show how the lock differs from what it would be now; return whether it does."""
    for difference in found:
        for change in difference.changes:
            output.record(records.locked(difference, change))
        _show_difference(difference, output)
    tasks = sum(1 for d in found if d.task is not None)
    sources = sum(1 for d in found if d.task is None and d.name)
    if found:
        counts = [(tasks, count_text(tasks, "task")), (sources, count_text(sources, "source"))]
        said = " and ".join(words for count, words in counts if count)
        output.line(
            ("\ncpgbuild.lock is out of date", "bold red"), (f": {said}" if said else "", "")
        )
        output.line(("Run `cpgbuild build` and commit it.", "dim"))
    else:
        output.line(("cpgbuild.lock is up to date", "bold"))
    output.summary(Outcome(), changed=len(found))
    return bool(found)


def _show_difference(difference: Difference, output: Output) -> None:
    """Show one task or source: in a line where a word says it all, else with a line a change."""
    word, style = _HEADS.get(difference.changes[0].aspect, ("changed", "yellow"))
    output.line((f"{word.ljust(WIDTH)}  ", style), (_title(difference), ""))
    for change in difference.changes:
        if change.aspect not in _HEADS:
            said = (f"{str(change.aspect).ljust(WIDTH)}  ", "cyan")
            detail = change.detail or "means something else"
            output.line((" " * (WIDTH + 2), ""), said, (detail, ""), hang=2)


def _title(difference: Difference) -> str:
    if difference.task is not None:
        return difference.name
    return f"source {difference.name}" if difference.name else "the lock itself"


def show_since(
    ref: str,
    name: str | None,
    found: Sequence[Impact],
    others: Sequence[Difference],
    output: Output,
) -> None:
    """Show what became of the project since a commit, nearest first, and through what."""
    names = [*(i.task.name for i in found), *(_title(d) for d in others)]
    width = max(map(len, names), default=0)
    for other in others:
        for record in records.gone(other):
            output.record(record)
        said = _because(other.changes)
        head = (f"{_title(other).ljust(width)}  ", "")
        output.line(("  -  ", "yellow"), head, (said, "dim"), hang=2)
    for each in found:
        output.record(records.impacted(each))
        said = _because(each.because)
        far = (f"{each.distance:3}  ", "yellow")
        output.line(far, (f"{each.task.name.ljust(width)}  ", ""), (said, "dim"), hang=2)
    where = f" behind `{name}`" if name is not None else ""
    verb = "are" if len(found) > 1 else "is"
    count = count_text(len(found), "task") if found else "No task"
    gap = "\n" if names else ""
    output.line((f"{gap}{count}{where} {verb} affected since `{ref}`", "bold"))
    output.summary(Outcome())


def _because(changes: Iterable[Change]) -> str:
    """Return changes as a line: the query first, then what of it can be seen, then through what."""
    said: dict[str, list[str]] = {}
    for change in changes:
        match change.aspect:
            case Aspect.QUERY:
                said["query changed"] = []
            case Aspect.ADDED | Aspect.REMOVED:
                said[str(change.aspect)] = []
            case Aspect.UPSTREAM:
                said.setdefault("through ", []).append(change.dataset)
            case Aspect.PLAN:
                said[change.detail] = []
            case _:
                said.setdefault(f"{change.aspect}: ", []).append(change.detail)
    return "; ".join(head + ", ".join(details) for head, details in said.items())
