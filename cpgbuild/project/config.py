"""Config: `cpgbuild.toml`, read, checked, and with what the command line overrides."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpgbuild.core.task import Lane
from cpgbuild.errors.project import (
    BadName,
    BadToml,
    BadValue,
    NoProject,
    UnknownEnvironment,
    UnknownVariable,
    describe,
)
from cpgbuild.errors.report import Place, Problems
from cpgbuild.plan.source import Source
from cpgbuild.project.toml import Located, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.errors.report import CpgbuildError
    from cpgbuild.plan.planning import Planning

FILE = "cpgbuild.toml"
FORMATS = ("delta", "parquet", "csv", "json", "arrow", "files")
ENGINES = ("datafusion",)
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\Z", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine may use: bytes of memory before it spills, and threads (0: all).

    `deterministic`: sums of floats come out the same to the last bit, at the price of threads.
    """

    kind: str = "datafusion"
    memory_limit: int | None = None
    threads: int = 0
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class OpenLineage:
    """Where events of builds go: a `file`, absolute, or the `url` of a server; one of them is "".

    `namespace` is that of jobs and views. `api_key` is from the environment: no file has it.
    """

    file: str
    url: str
    namespace: str
    place: Place
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """A project's configuration. Paths are absolute; `overridden` says that a lock is not due."""

    root: Path
    name: str
    tasks: tuple[tuple[Path, Place], ...]
    warehouse: str
    engine: EngineSettings
    lanes: Mapping[Lane, int]
    variables: Mapping[str, str]
    sources: Mapping[str, Source]
    openlineage: OpenLineage | None = None
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Overrides:
    """One-off settings from the command line; `from_nothing`: without a look at kept plans.

    `planning` says meanwhile, to another thread, how far it is; requests that differ in it are one.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    warehouse: str | None = None
    from_nothing: bool = False
    planning: Planning | None = field(default=None, compare=False, repr=False)


def find_root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, that holds a `cpgbuild.toml`.

    Raises:
        NoProject: there is none.
    """
    # What is below the root is told by its path, so that a way back would be in the way.
    start = Path(os.path.normpath(start.absolute()))
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise NoProject(str(start))


def load(root: Path, overrides: Overrides | None = None) -> Project:
    """Read the project in `root`.

    Raises:
        BadToml, UnknownKey, BadValue, UnknownVariable, UnknownEnvironment, BadName: what is wrong
            in the file (`Problems` where it is several things).
    """
    wanted = overrides or Overrides()
    path = root / FILE
    text = _read(path)
    errors: list[CpgbuildError] = []
    top = Table(_parse(text, path), Located(text, str(path)), "", errors)
    if wanted.environment is not None:
        environments = top.table("env")
        if wanted.environment not in environments.data:
            Problems.raise_if(errors)
            raise UnknownEnvironment(wanted.environment, environments.data)
        top = top.overlaid(environments.table(wanted.environment).data)
    project = _project(root, top, wanted)
    Problems.raise_if(errors)
    return project


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadToml("it is not UTF-8", Place(str(path), line)) from error
    except OSError as error:
        raise BadToml(describe(error), Place(str(path))) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (0, 0)
        reason = re.sub(r" \(at .*\)", "", str(error))
        raise BadToml(reason, Place(str(path), line, column, 1 if line else 0)) from error


def _project(root: Path, top: Table, wanted: Overrides) -> Project:
    top.only("project", "engine", "lanes", "vars", "sources", "openlineage", "env")
    head = top.table("project")
    head.only("name", "tasks", "warehouse")
    variables = _variables(top.table("vars"), wanted)
    folders = head.strings("tasks", ("tasks",))
    warehouse = _resolved(_filled(head, "warehouse", "warehouse", variables), root)
    if wanted.warehouse:
        # What is typed in a shell is relative to where it is typed.
        warehouse = _resolved(wanted.warehouse, Path.cwd())
    return Project(
        root=root,
        name=head.text("name", root.name),
        tasks=tuple(
            (Path(_resolved(folder, root)), head.value_place("tasks", f'"{folder}"'))
            for folder in folders
        ),
        warehouse=warehouse,
        engine=_engine(top.table("engine")),
        lanes=_lanes(top.table("lanes")),
        variables=variables,
        sources=_sources(root, top.table("sources"), variables),
        openlineage=_openlineage(root, top, variables),
        overridden=bool(wanted.variables or wanted.environment),
    )


def _variables(table: Table, wanted: Overrides) -> dict[str, str]:
    """Return the variables as text; what the command line sets must be declared."""
    declared = {}
    for key, value in table.data.items():
        if isinstance(value, bool):
            declared[key] = str(value).lower()
        elif isinstance(value, str | int | float):
            declared[key] = str(value)
        else:
            table.fault(BadValue(key, value, "a string or a number", table.value_place(key)))
    for name in wanted.variables:
        if name not in declared:
            table.fault(UnknownVariable(name, declared, None))
    return declared | dict(wanted.variables)


def _filled(table: Table, key: str, default: str, variables: Mapping[str, str]) -> str:
    """Return a text with each `{variable}` in it replaced."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in variables:
            table.fault(UnknownVariable(found[1], variables, table.value_place(key, found[0])))
        return variables.get(found[1], "")

    return _PLACEHOLDER.sub(value, table.text(key, default))


def _resolved(path: str, base: Path) -> str:
    """Return an absolute path; a URL stays as it is."""
    if "://" in path:
        return path
    return os.path.normpath(base / Path(path).expanduser())


def _engine(table: Table) -> EngineSettings:
    table.only("kind", "memory_limit", "threads", "deterministic")
    kind = table.one_of("kind", ENGINES, "datafusion")
    limit = None
    if "memory_limit" in table.data:
        value = table.data["memory_limit"]
        size = _SIZE.match(value.strip()) if isinstance(value, str) else None
        if size is None:
            place = table.value_place("memory_limit")
            table.fault(BadValue("memory_limit", value, 'a size, as `"8GB"`', place))
        else:
            limit = int(float(size[1]) * 1024 ** _POWERS[size[2].upper()])
    deterministic = table.flag("deterministic", default=False)
    return EngineSettings(kind, limit, table.number("threads", 0, least=0), deterministic)


def _openlineage(root: Path, top: Table, variables: Mapping[str, str]) -> OpenLineage | None:
    if "openlineage" not in top.data:
        return None
    table = top.table("openlineage")
    table.only("file", "url", "namespace")
    file, url = (_filled(table, key, "", variables) for key in ("file", "url"))
    place = top.place("openlineage")
    if not (file or url):
        table.fault(BadValue("file", file, "a file, or `url` with that of a server", place))
    elif file and url:
        place = table.value_place("url")
        table.fault(BadValue("url", url, "nothing where `file` is: events go to one place", place))
    elif url and not url.startswith(("http://", "https://")):
        place = table.value_place("url")
        table.fault(BadValue("url", url, "a URL, as `http://localhost:5000`", place))
    return OpenLineage(
        file=_resolved(file, root) if file else "",
        url=url,
        namespace=table.text("namespace", "cpgbuild"),
        place=place,
        api_key=os.environ.get("OPENLINEAGE_API_KEY", ""),  # noqa: TID251 -- this is the reader
    )


def _lanes(table: Table) -> dict[Lane, int]:
    table.only(*Lane)
    return {
        Lane.ENGINE: table.number("engine", 1, least=1),
        Lane.PYTHON: table.number("python", 2, least=1),
    }


def _sources(root: Path, tables: Table, variables: Mapping[str, str]) -> dict[str, Source]:
    found = {}
    for name in tables.data:
        if not _NAME.match(name):
            tables.fault(BadName(name, tables.place(name)))
        table = tables.table(name)
        table.only("format", "path", "include", "exclude", "delimiter", "header")
        kind = table.one_of("format", FORMATS, "parquet")
        if "path" not in table.data:
            place = tables.place(name)
            table.fault(BadValue("path", "", "a file, a folder, a glob or a URL", place))
        path = _filled(table, "path", "", variables)
        found[name] = Source(
            name=name,
            format=kind,
            path=_resolved(path, root) if path else "",
            place=table.value_place("path"),
            include=tuple(table.strings("include", ("**/*",))),
            exclude=tuple(table.strings("exclude", ())),
            delimiter=table.text("delimiter", ","),
            header=table.flag("header", default=True),
        )
    return found
