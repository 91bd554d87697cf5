"""Lock: `cpgbuild.lock`, what the project's plans are, in a file meant to be committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli_w

from cpgbuild.errors.state import StateUnwritable
from cpgbuild.state.journal import replace

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.schema import Schema

FILE = "cpgbuild.lock"
VERSION = 1
_HEAD = "# Written by cpgbuild: what the plans of this project mean. Commit it.\n"


def lock_text(graph: Graph) -> str:
    """Return the lock of a graph: deterministic, and a line for each thing that can change."""
    record: dict[str, Any] = {
        "version": VERSION,
        "signature": graph.signature,
        "source": {name: _columns(schema) for name, schema in graph.sources.items()},
        "task": {},
    }
    for name, task in graph.tasks.items():
        entry: dict[str, Any] = {"dataset": task.dataset, "kind": str(task.kind)}
        entry["plan"] = task.plan
        if task.variables:
            entry["variables"] = list(task.variables)
        if task.volatile:
            entry["volatile"] = list(task.volatile)
        entry["inputs"] = {r.dataset: list(r.names) for r in task.requires}
        entry["schema"] = _columns(task.schema)
        record["task"][name] = entry
    return _HEAD + tomli_w.dumps(record)


def _columns(schema: Schema) -> dict[str, str]:
    return {c.name: c.type if c.nullable else f"!{c.type}" for c in schema.columns}


def write_lock(root: Path, graph: Graph) -> bool:
    """Write the lock where it is not already so; return whether it changed.

    Raises:
        StateUnwritable: it cannot be written.
    """
    path = root / FILE
    text = lock_text(graph).encode()
    try:
        if path.exists() and path.read_bytes() == text:
            return False
        replace(path, text)
    except OSError as error:
        raise StateUnwritable(str(path), error) from error
    return True
