"""The interface of an indexer: a program that makes a SCIP index of a folder of sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

NOT_UTF8 = "not UTF-8"


class IndexerFailedError(ValueError):
    """The indexer made no index; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Indexer:
    """What has to be known of an indexer to run it.

    Args:
        name: the program's.
        suffixes: of the files that it takes.
        deepest: named nodes of a syntax tree inside each other that it is known to survive.
        seconds: after which it counts as hanging,
        seconds_per_mb: and of sources in addition.
        refuse: from a path relative to the import root, why it cannot take such a file.
        command: from its place on disk, the sources, the index to make and the project's name
            in symbols, what to run. Raises `IndexerFailedError` where something is missing.
        blamed: from what it printed, the files that it could not take, with reasons.
    """

    name: str
    suffixes: frozenset[str]
    deepest: int
    seconds: float
    seconds_per_mb: float
    refuse: Callable[[str], str | None]
    command: Callable[[str, Path, Path, str], list[str]]
    blamed: Callable[[str], Mapping[str, str]]

    def refusal(self, path: str, content: bytes, depth: int) -> str | None:
        """Return why the indexer cannot take a file, none if it can: one such file ends its run."""
        if Path(path).suffix not in self.suffixes:
            return f"{self.name} takes {' and '.join(sorted(self.suffixes))} files only"
        if depth > self.deepest:
            return f"nested {depth:,} deep: {self.name} is known to survive {self.deepest:,}"
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return NOT_UTF8
        return self.refuse(path)
