"""Imports: what was taken of another tool's project, and what was not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.cli import records
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome

if TYPE_CHECKING:
    from cpgbuild.cli.output import Output
    from cpgbuild.project.dbt.importing import Imported


def show_imported(imported: Imported, out: Path, output: Output) -> None:
    """Show each task and source of a new project, and each thing that was left out."""
    names = [task.name for task in imported.tasks] + [s.name for s in imported.sources]
    width = max(map(len, names), default=0)
    for task in imported.tasks:
        output.record(records.imported_task(task))
        output.line(("task     ", "green"), (f"{task.name.ljust(width)}  ", ""), (task.path, "dim"))
    absent = 0
    for source in imported.sources:
        output.record(records.imported_source(source))
        word, style = ("fill in  ", "yellow") if source.absent else ("source   ", "green")
        what = f" ({source.absent})" if source.absent else ""
        absent += bool(source.absent)
        name = f"{source.name.ljust(width)}  "
        output.line((word, style), (name, ""), (f"{source.path}{what}", "dim"), hang=2)
    for left in imported.left_out:
        output.record(records.left_out(left))
        word = "in part  " if left.in_part else "left out "
        output.line((word, "yellow"), (left.origin, ""), (f": {left.reason}", "dim"), hang=1)
    tasks, sources = len(imported.tasks), len(imported.sources)
    said = f"{count_text(tasks, 'task')} and {count_text(sources, 'source')} written"
    partly = sum(left.in_part for left in imported.left_out)
    lost = len(imported.left_out) - partly
    counts = [(lost, f"{count_text(lost, 'thing')} left out"), (partly, f"{partly} taken in part")]
    said += "".join(f"; {words}" for count, words in counts if count)
    output.line((f"\n{said}", "bold"))
    where = "" if out == Path() else f"cd {out} && "
    if absent:
        fill = f"fill in the {count_text(absent, 'source')} above in cpgbuild.toml, then: "
        output.line((f"Now {fill}{where}cpgbuild plan", ""))
    else:
        output.line((f"Now: {where}cpgbuild plan", ""))
    output.summary(Outcome(), tasks=tasks, sources=sources, left_out=len(imported.left_out))
