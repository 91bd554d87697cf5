"""Names: the datasets, columns, tasks and tags of a project, as a shell's completion reads them.

A text file in the state folder, written when the graph was planned anew. It is read in a fraction
of the time that a lock takes, before anything else is loaded, so this module imports little.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cpgbuild.core.graph import Graph

FILE = "names.txt"
_HEAD = "cpgbuild names 1"
# What no shell takes for anything else than a part of a word.
_PLAIN = "_.-"


class Names(NamedTuple):
    """The names of a project: of datasets (each with its columns), of tasks, and of tags.

    The columns are a text, with a tab between them: of most datasets nobody asks for them.
    """

    datasets: dict[str, str]
    tasks: list[str]
    tags: list[str]

    def columns(self, dataset: str) -> list[str]:
        """Return the columns of a dataset; none of one that is not known."""
        return self.datasets.get(dataset, "").split()


def save_names(state: Path, graph: Graph) -> None:
    """Keep the names of a graph; a cache, so that a failure to write it is no error."""
    from contextlib import suppress  # noqa: PLC0415 -- whoever only reads needs it not

    from cpgbuild.state.journal import replace  # noqa: PLC0415

    data = "\n".join(_lines(graph)).encode()
    path = state / FILE
    with suppress(OSError):
        if not path.exists() or path.read_bytes() != data:
            replace(path, data)


def _lines(graph: Graph) -> Iterator[str]:
    yield _HEAD
    schemas = graph.sources | {name: made[0].schema for name, made in graph.producers.items()}
    for name, schema in sorted(schemas.items()):
        yield "\t".join(["dataset", name, *filter(_is_plain, schema.names)])
    yield from (f"task\t{name}" for name in sorted(graph.tasks) if _is_plain(name))
    tags = {tag for task in graph.tasks.values() for tag in task.tags}
    yield from (f"tag\t{tag}" for tag in sorted(tags) if _is_plain(tag))


def _is_plain(name: str) -> bool:
    return bool(name) and all(c.isalnum() or c in _PLAIN for c in name)


def load_names(state: str) -> Names:
    """Return the names that were kept; none where there are none yet."""
    found = Names({}, [], [])
    try:
        with open(os.path.join(state, FILE), encoding="utf-8") as file:
            head, *lines = file.read().split("\n")
    except (OSError, ValueError):
        return found
    if head != _HEAD:
        return found
    for line in lines:
        kind, _, rest = line.partition("\t")
        if kind == "dataset":
            name, _, found.datasets[name] = rest.partition("\t")
        elif kind == "task":
            found.tasks.append(rest)
        elif kind == "tag":
            found.tags.append(rest)
    return found
