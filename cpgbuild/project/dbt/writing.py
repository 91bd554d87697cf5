"""Writing: the texts of an imported project's files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cpgbuild.core.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cpgbuild.project.dbt.sources import Declared

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def task_text(kind: TaskKind, options: Mapping[str, Any], description: str, sql: str) -> str:
    """Return a SQL task's file: its header, its description, its query."""
    lines = []
    if kind is TaskKind.COMPUTE:
        lines.append(f"-- cpgbuild: kind = {_value(str(kind))}")
    lines += [f"-- cpgbuild: {key} = {_value(value)}" for key, value in options.items()]
    for line in description.splitlines():
        # What an author says is no header, whatever it begins with.
        words = line.strip()
        lines.append(
            f"-- {words}".rstrip() if not words.startswith("cpgbuild:") else f"-- · {words}"
        )
    return "\n".join([*lines, sql])


def config_text(project: str, sources: Iterable[Declared]) -> str:
    """Return the text of `cpgbuild.toml`."""
    parts = [
        f'[project]\nname = {_value(project)}\ntasks = ["tasks"]\nwarehouse = "warehouse"\n',
    ]
    for source in sources:
        lines = [f"# {line.strip()}".rstrip() for line in source.description.splitlines()]
        if source.absent:
            lines.append(f"# To fill in: {source.absent}.")
        lines += [f"[sources.{source.name}]", f"format = {_value(source.format)}"]
        lines.append(f"path = {_value(source.path)}")
        if source.delimiter != ",":
            lines.append(f"delimiter = {_value(source.delimiter)}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _value(value: Any) -> str:
    """Return a value as TOML has it on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if _BARE.match(key) else json.dumps(key, ensure_ascii=False)
