"""Page documents: a project of any size as the page shows it, made up."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from cpgbuild.export.column_lineage import MadePart
from cpgbuild.export.page_document import VERSION, DatasetPart, PageDocument, TaskPart

if TYPE_CHECKING:
    from cpgbuild.export.page_history import Run

COLUMNS = 8
FOLDERS = 40


def large_document(count: int, seed: int = 1) -> PageDocument:
    """Return a document of so many datasets: layers of sixty, each reads one to four before it.

    Column `c<i>` of a dataset comes from the column `c<i>` of all that it reads, and `c0` of these
    decides its rows.
    """
    dice = random.Random(seed)
    numbers = sorted(range(count), key=_name)
    place = {number: at for at, number in enumerate(numbers)}
    edges = []
    reads: dict[int, list[int]] = {}
    for number in range(60, count):
        near = range(max(0, number - 150), number - 20)
        others = sorted(dice.sample(near, dice.choice([1, 1, 2, 2, 4])))
        reads[number] = [place[other] for other in others]
        edges += [(other, place[number], False) for other in reads[number]]
    return PageDocument(
        v=VERSION,
        project="large",
        made="2026-01-01T00:00:00+00:00",
        datasets=[_dataset(number, reads.get(number, []), dice) for number in numbers],
        edges=sorted(edges),
    )


def _name(number: int) -> str:
    return f"v_dataset_{number:05}"


def _dataset(number: int, reads: list[int], dice: random.Random) -> DatasetPart:
    is_source, is_table = number < 60, number % 7 == 0
    kind = "source" if is_source else "table" if is_table else "view"
    action = dice.choice(["skip", "skip", "skip", "run", "maybe"])
    runs: list[Run] = [
        {"when": f"2026-01-{day:02}T00:00:00Z", "event": "built", "rows": 10**6 + number,
         "seconds": dice.random() * 20, "why": "plan changed", "error": ""}
        for day in range(28, 0, -1)
    ]  # fmt: skip
    text = (
        f"SELECT {', '.join(f'c{i}' for i in range(COLUMNS))}\nFROM v_dataset\nWHERE c0 > {number}"
    )
    task: TaskPart = {
        "name": f"{kind}.{_name(number)}",
        "action": action,
        "reasons": [] if action == "skip" else ["plan changed"],
        "lane": "engine",
        "wave": 1,
        "file": f"tasks/part{number % FOLDERS}/{_name(number)}.sql",
        "line": 1,
        "notes": [],
        "source": {"language": "sql", "text": text, "marks": [(6, "keyword"), (len(text) - 6, "")]},
        "sql": None,
        "made": [_made(column, reads) for column in range(COLUMNS)],
        "rows": [("filter", [place * COLUMNS for place in reads])],
        "checks": [{"title": "not_null(c0)", "state": "passed", "bad": 0, "kept": ""}],
    }
    return {
        "name": _name(number),
        "kind": kind,
        "group": "sources" if is_source else f"tasks/part{number % FOLDERS}",
        "tags": [f"team{number % 5}"],
        "description": f"The rows that number {number} is about.",
        "place": "",
        "state": "" if is_source else action,
        "columns": [(f"c{i}", "int64", i > 0) for i in range(COLUMNS)],
        "partition_by": [],
        "tasks": [] if is_source else [task],
        "runs": runs if is_table else [],
    }


def _made(column: int, reads: list[int]) -> MadePart:
    direct = [place * COLUMNS + column for place in reads]
    deciding = [("condition", [place * COLUMNS + 1 for place in reads])] if column > 1 else []
    return f"coalesce(v_dataset.c{column}, 0)", direct, deciding
