"""SQL files: a task whose text is its plan."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from cpgbuild.core.task import DEFAULT_PRIORITY, TaskKind
from cpgbuild.errors.project import BadSqlHeader, BadValue, UnknownKey
from cpgbuild.errors.report import Place
from cpgbuild.plan.definition import CHECKS, Definition, Options, define
from cpgbuild.plan.places import narrowed

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = re.compile(r"\s*--\s*cpgbuild:\s*(.*)\Z")
_COMMENT = re.compile(r"\s*--\s?(.*)\Z")
_KEYS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "name": str,
    "output": str,
    "contributes_to": str,
    "priority": int,
    "tags": list,
    "description": str,
    "partition_by": (list, str),
    "key": str,
    "schema": dict,
    "not_null": (list, str),
    "unique": (list, str),
    "accepted_values": dict,
    "relationships": dict,
    "checks": dict,
    "inputs": (list, str),
}
_KINDS = (TaskKind.VIEW, TaskKind.COMPUTE)


def read_task(path: Path, text: str) -> Definition:
    """Return the task that a SQL file of this text is: a view, unless its header says otherwise.

    The header is the leading comment lines that begin with `cpgbuild:`, each the inside of a TOML
    table on one line; the other leading comment lines are the description.

    Raises:
        BadSqlHeader, UnknownKey, BadValue: the header is wrong.
        BadName, BadTask: as for a decorated function.
    """
    header: dict[str, Any] = {}
    description = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.match(line):
            header |= _parsed(found[1], Place(str(path), number, found.start(1) + 1, len(found[1])))
        elif comment := _COMMENT.match(line):
            description.append(comment[1])
        elif line.strip():
            first = number
            break
    place = Place(str(path), first or 1)
    kind = TaskKind(header.pop("kind", TaskKind.VIEW))
    partitions = header.pop("partition_by", ())
    inputs = header.get("inputs")
    options = Options(
        name=header.get("name"),
        output=header.get("output"),
        contributes_to=header.get("contributes_to"),
        priority=header.get("priority", DEFAULT_PRIORITY),
        tags=tuple(header.get("tags", ())),
        description=header.get("description"),
        partition_by=(partitions,) if isinstance(partitions, str) else tuple(partitions),
        schema=header.get("schema"),
        checks={key: header[key] for key in CHECKS if key in header} or None,
        inputs=(inputs,) if isinstance(inputs, str) else None if inputs is None else tuple(inputs),
        key=header.get("key"),
    )
    words = "\n".join(description).strip()
    return define(path.stem, kind, options, place, sql=text, description=words)


def _parsed(text: str, place: Place) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(f"header = {{ {text} }}")["header"]
    except tomllib.TOMLDecodeError as error:
        reason = re.sub(r" \(at .*\)", "", str(error))
        raise BadSqlHeader(reason, place) from error
    for key, value in table.items():
        if key not in _KEYS:
            raise UnknownKey(key, "the file's header", _KEYS, narrowed(place, key))
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise BadValue(key, value, _expected(_KEYS[key]), narrowed(place, key))
        strings = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if isinstance(value, list) and not strings and key not in CHECKS:
            raise BadValue(key, value, "a list of strings", narrowed(place, key))
    if table.get("kind", "view") not in _KINDS:
        place = narrowed(place, table["kind"])
        raise BadValue("kind", table["kind"], "`view` or `compute`", place)
    return table


def _expected(kind: type | tuple[type, ...]) -> str:
    names = {str: "a string", int: "a whole number", list: "a list of strings", dict: "a table"}
    return names[kind if isinstance(kind, type) else kind[0]]


def options() -> frozenset[str]:
    """Return the options that a header may have."""
    return frozenset(_KEYS)
