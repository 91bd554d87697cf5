"""Types that a checker infers: pyrefly's report on a copy of the sources, to rows by file."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.extract.struct_lists import StructLists, list_type
from tasks.index.indexer import NOT_UTF8
from tasks.index.scip_documents import package_prefix
from tasks.index.tool import run_tool, stage

INT, TEXT = pa.int32(), pa.string()
# Lines are 1-based; columns are 0-based and count UTF-8 bytes.
TYPES = {
    "role": TEXT,  # expression | variable | return | parameter
    "name": TEXT,  # of a parameter; its span is that of the function's name
    "start_line": INT,
    "start_column": INT,
    "end_line": INT,
    "end_column": INT,
    "text": TEXT,
}
PYREFLY_NESTED = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("checker", TEXT),  # name and version
        pa.field("note", TEXT),  # why the file was left out
        pa.field("types", list_type(TYPES)),
    ]
)
Type = tuple[str, str | None, int, int, int, int, str]

CHECKER, NONE = "pyrefly", "none"
DEEPEST = 1_000  # named nodes inside each other; it gives up a file at some 2,000
SECONDS, SECONDS_PER_MB = 60, 30
MEGABYTE = 1 << 20
PLACE = re.compile(r"^(\d+):(\d+)-(\d+):(\d+)$")
# What is known of a union is worth telling; of what else is not known whole, nothing is.
UNKNOWN_PART = re.compile(r" \| Unknown\b|\bUnknown \| ")
OPTIONS = (
    *("--report-pysa-format", "json", "--check-unannotated-defs", "true", "--progress-bar", "no"),
    *("--output-format", "omit-errors", "--skip-interpreter-query"),
    *("--disable-search-path-heuristics", "--disable-project-excludes-heuristics"),
)


class CheckerFailedError(ValueError):
    """The checker made no report; the message is a sentence for the user."""


def pyrefly_version() -> str:
    """Return the checker's version: another one may infer more, or less."""
    try:
        return f"{CHECKER} {version('pyrefly')}"
    except PackageNotFoundError:
        return "not installed"


def checked_types(request: pa.RecordBatch) -> pa.Table:
    """Check sources, and return the types that were inferred.

    Args:
        request: one row; package (name of the tree's folder), checker (its name and version),
            paths, contents and depths (lists of the same length, or null).

    Returns:
        One row a file by the schema `PYREFLY_NESTED`, in the order given.

    Raises:
        CheckerFailedError: pyrefly is missing, or made no report.
    """
    row = request.to_pylist()[0]
    depths = dict(zip(row["paths"] or (), row["depths"] or (), strict=True))
    sources = dict(zip(row["paths"] or (), row["contents"] or (), strict=True))
    notes = {path: _refusal(content, depths[path]) for path, content in sources.items()}
    prefix = package_prefix(row["package"], sources)
    taken = {prefix + path: sources[path] for path, note in notes.items() if note is None}
    found = _report(taken) if taken else {}
    types = StructLists(TYPES)
    for path in sources:
        types.facts.extend(sorted(found.get(prefix + path, ()), key=str))
        types.end_row()
    columns = {
        "path": pa.array(sources, TEXT),
        "checker": pa.array([row["checker"]] * len(sources), TEXT),
        "note": pa.array(notes.values(), TEXT),
        "types": types.to_array(),
    }
    return pa.table(columns, schema=PYREFLY_NESTED)


def _refusal(content: bytes, depth: int) -> str | None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return NOT_UTF8
    return f"nested {depth:,} deep" if depth > DEEPEST else None


def _report(files: Mapping[str, bytes]) -> dict[str, set[Type]]:
    """Return the types of each file, by its path."""
    program = Path(sys.executable).with_name(CHECKER)
    if not program.exists():
        raise CheckerFailedError(
            "pyrefly is not installed: install cpgbuild[types], or set the variable type_checker "
            "to none"
        )
    seconds = SECONDS + SECONDS_PER_MB * sum(map(len, files.values())) // MEGABYTE
    with tempfile.TemporaryDirectory(prefix="cpg-") as folder:
        root, report = Path(folder).resolve() / "sources", Path(folder) / "report"
        stage(files, root)
        command = [str(program), "check", "--report-pysa", str(report), *OPTIONS]
        command += ["--search-path", str(root), str(root)]
        try:
            # It fails, since the sources have errors; a report is what tells whether it is through.
            code, told = run_tool(command, seconds)
        except subprocess.TimeoutExpired:
            raise CheckerFailedError(f"pyrefly did not end within {seconds} seconds") from None
        index = report / "pyrefly.pysa.json"
        if not index.exists():
            said = " ".join(told.split())[:500] or "it says nothing"
            raise CheckerFailedError(f"pyrefly failed with exit code {code}: {said}")
        found: dict[str, set[Type]] = {}
        for module in json.loads(index.read_bytes())["modules"].values():
            place = Path(module["source_path"].get("FileSystem", ""))
            if place.is_relative_to(root):
                path = place.relative_to(root).as_posix()
                found[path] = set(_types(report, module["info_filename"]))
        return found


def _types(report: Path, file: str) -> Iterator[Type]:
    facts = _read(report / "definitions" / file)
    for function in facts.get("function_definitions", {}).values():
        yield from _of_function(function)
    fields = [c.get("fields", {}) for c in facts.get("class_definitions", {}).values()]
    for variables in (facts.get("global_variables", {}), *fields):
        for variable in variables.values():
            yield from _typed("variable", None, variable.get("location"), variable.get("type"))
    for scope in _read(report / "type_of_expressions" / file).get("functions", {}).values():
        for place, number in scope["locations"].items():
            yield from _typed("expression", None, place, scope["type_table"][number])


def _of_function(function: Mapping[str, Any]) -> Iterator[Type]:
    """Yield what a function returns, and its parameters; of an overloaded one nothing."""
    place = function.get("name_location")
    signatures = function.get("undecorated_signatures") or []
    if len(signatures) != 1:
        return
    yield from _typed("return", None, place, signatures[0].get("return_annotation"))
    parameters = signatures[0].get("parameters", {})
    for parameter in parameters.get("List", ()) if isinstance(parameters, dict) else ():
        for described in parameter.values():
            annotation = described.get("annotation")
            yield from _typed("parameter", described.get("name"), place, annotation)


def _typed(
    role: str, name: str | None, place: str | None, kind: Mapping[str, Any] | None
) -> Iterator[Type]:
    found = PLACE.match(place or "")
    text = UNKNOWN_PART.sub("", (kind or {}).get("string", "Unknown"))
    if found is not None and "Unknown" not in text:
        line, column, end_line, end_column = map(int, found.groups())
        yield role, name, line, column - 1, end_line, end_column - 1, text


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
    return found
