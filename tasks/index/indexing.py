"""Running an indexer on a copy of the sources, without the files that it cannot take."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tasks.index.indexer import Indexer, IndexerFailedError
from tasks.index.scip_messages import DOCUMENTS
from tasks.index.scip_wire import split_fields
from tasks.index.tool import run_tool, stage

MEGABYTE = 1 << 20
SAID = 500  # characters of what an indexer says that are passed on
# The smallest project: an indexer that fails on it fails for no file's sake.
PROBE = {"probe.py": b"probe = 1\n"}


class Attempt(NamedTuple):
    """One run: the index, or why there is none; and the files that were named as bad."""

    made: bytes | None
    failure: str
    blamed: dict[str, str]


def run_indexer(
    indexer: Indexer, program: str, files: Mapping[str, bytes], project: str
) -> tuple[bytes, dict[str, str]]:
    """Index sources.

    One bad file ends the run of an indexer, or makes it hang. Where it names the file, the run is
    repeated without it. Where it does not, ever smaller parts of the sources are tried alone.

    Args:
        indexer: which one.
        program: its place on disk; empty where it is to be found.
        files: path relative to the import root -> content.
        project: the name of the package in the symbols.

    Returns:
        The index, empty where there is none, and the files that it does not cover, with reasons.

    Raises:
        IndexerFailedError: the indexer is missing, or fails for no single file's sake.
    """
    left, refused = dict(files), dict[str, str]()
    while left:
        done = _attempt(indexer, program, left, project)
        bad = done.blamed
        if done.made is None and not bad:
            bad = _culprits(indexer, program, left, project)
        if done.made is None and not bad:
            raise IndexerFailedError(f"{indexer.name} {done.failure}")
        refused |= bad
        left = {path: content for path, content in left.items() if path not in bad}
        if done.made is not None:
            return done.made, refused
    return b"", refused


def _culprits(
    indexer: Indexer, program: str, files: Mapping[str, bytes], project: str
) -> dict[str, str]:
    """Return the files on which the indexer fails alone; none if it fails on any project."""
    if _attempt(indexer, program, PROBE, project).made is None:
        return {}
    found: dict[str, str] = {}
    waiting = _halves(files)
    while waiting:
        part = waiting.pop()
        done = _attempt(indexer, program, part, project) if part else None
        if done is None or done.made is not None:
            continue
        if len(part) == 1:
            found |= done.blamed or dict.fromkeys(part, f"{indexer.name} {done.failure}")
        else:
            found |= done.blamed
            left = {path: content for path, content in part.items() if path not in done.blamed}
            waiting += [left] if done.blamed else _halves(left)
    return found


def _halves(files: Mapping[str, bytes]) -> list[dict[str, bytes]]:
    """Split files by size, the largest first: these are the likely ones."""
    by_size = sorted(files, key=lambda path: (-len(files[path]), path))
    half, taken, first = sum(map(len, files.values())) // 2, 0, 1
    for count, path in enumerate(by_size[:-1], start=1):
        taken, first = taken + len(files[path]), count
        if taken >= half:
            break
    return [{p: files[p] for p in part} for part in (by_size[:first], by_size[first:])]


def _attempt(indexer: Indexer, program: str, files: Mapping[str, bytes], project: str) -> Attempt:
    size = sum(map(len, files.values()))
    seconds = indexer.seconds + indexer.seconds_per_mb * size / MEGABYTE
    with tempfile.TemporaryDirectory(prefix="cpg-") as folder:
        # Resolved, since indexers name resolved paths in their messages.
        root, output = Path(folder).resolve() / "sources", Path(folder) / "index.scip"
        stage(files, root)
        command = indexer.command(program, root, output, project)
        try:
            code, said = run_tool(command, seconds)
        except subprocess.TimeoutExpired:
            return Attempt(None, f"did not end within {seconds:.0f} seconds", {})
        except OSError as error:
            raise IndexerFailedError(f"`{command[0]}` cannot be run: {error.strerror}") from error
        named = [(Path(file), why) for file, why in indexer.blamed(said).items()]
        blamed = {
            file.relative_to(root).as_posix(): why
            for file, why in named
            if file.is_relative_to(root) and file.exists()
        }
        index = output.read_bytes() if code == 0 and output.exists() else b""
    if any(number == DOCUMENTS for number, _ in split_fields(index)):
        return Attempt(index, "", blamed)
    return Attempt(None, _failure(code, said), blamed)


def _failure(code: int, said: str) -> str:
    if code == 0:
        return "made an index without documents"
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return f"{how}: {' '.join(said.split())[:SAID] or 'it says nothing'}"
