"""Portable: what a task means where versions of Python and of packages do not count.

Those versions decide whether a task with code of the user's runs again. The lock is compared
between machines, and says what the project's own files mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cpgbuild.plan.assemble import query_fingerprint
from cpgbuild.plan.code import code_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import datafusion

    from cpgbuild.plan.compiled import Compiled


def portable(one: Compiled, frame: datafusion.DataFrame, root: Path) -> Compiled:
    """Return a compiled task with the fingerprint of its query that every machine agrees on."""
    if not _has_code(one):
        return one
    functions = tuple(replace(f, digest=f.written or f.digest) for f in one.functions)
    facts = one.map_facts
    if one.row_map is not None and facts:
        head, _, *rest = facts
        facts = (head, code_digest(one.row_map.function, root, versions=False), *rest)
    written = replace(one, functions=functions, map_facts=facts)
    mark = query_fingerprint(written, frame, one.task.requires, one.rows.names, facts)
    return replace(written, task=replace(one.task, query=mark))


def versioned(compiled: Mapping[str, Compiled], stored: Iterable[str]) -> set[str]:
    """Return the tasks whose plans cover versions: by their own code, or by that of a view.

    `stored` are the tasks whose outputs are tables: what reads one does not evaluate it.
    """
    tables = set(stored)
    producers: dict[str, list[str]] = {}
    for name, one in compiled.items():
        producers.setdefault(one.task.dataset, []).append(name)
    found: set[str] = set()
    # A task comes after all whose outputs it reads.
    for name, one in compiled.items():
        read = (part for r in one.task.requires for part in producers.get(r.dataset, ()))
        if _has_code(one) or any(part in found and part not in tables for part in read):
            found.add(name)
    return found


def _has_code(one: Compiled) -> bool:
    return bool(one.functions) or one.row_map is not None
