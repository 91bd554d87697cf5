"""Sources: where the rows are that a dbt project does not make itself."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from cpgbuild.project.dbt.datasets import location_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cpgbuild.project.dbt.manifest import Manifest, Node

_FORMATS = {"parquet": "parquet", "csv": "csv", "tsv": "csv", "json": "json", "ndjson": "json"}
_PATH = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True)
class Declared:
    """A source of the new project; `path` is relative to it.

    `absent` says what has to be put there, where that is not known. `content` is of a file that is
    copied there, `losses` what is not as dbt reads it.
    """

    name: str
    format: str
    path: str
    origin: str
    absent: str = ""
    delimiter: str = ","
    description: str = ""
    content: bytes | None = field(default=None, repr=False)
    losses: tuple[str, ...] = ()


def missing(name: str, what: str, description: str = "", origin: str = "") -> Declared:
    """Return a source that somebody has to put there."""
    path = f"data/{name}.parquet"
    return Declared(name, "parquet", path, origin or what, what, description=description)


def seeded(name: str, seed: Node, manifest: Manifest) -> Declared:
    """Return a seed as a CSV file that is copied, its column names in lower case.

    dbt does not quote them, so that its databases take them in any case.
    """
    path = f"data/{name}.csv"
    roots = [manifest.root, manifest.root / "dbt_packages" / seed.package]
    files = [root / seed.file for root in roots]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        what = f"dbt's `{seed.file}`, which is not there"
        return Declared(name, "csv", path, seed.id, what, description=seed.description)
    delimiter = str(seed.config.get("delimiter") or ",")
    text = file.read_bytes().decode("utf-8-sig")
    head, end, rows = text.partition("\n")
    content = (head if seed.config.get("quote_columns") else head.lower()) + end + rows
    losses = tuple(_losses(seed, text, delimiter))
    return Declared(
        name, "csv", path, seed.id, "", delimiter, seed.description, content.encode(), losses
    )


def _losses(seed: Node, text: str, delimiter: str) -> Iterator[str]:
    types = seed.config.get("column_types") or {}
    names = next(csv.reader(StringIO(text), delimiter=delimiter), [])
    for column in sorted({name.lower() for name in names} & {name.lower() for name in types}):
        yield f"column `{column}` has the type that its values look like, not dbt's"
    rows = csv.reader(StringIO(text), delimiter=delimiter)
    if "null" in text.lower() and any(v.strip().lower() == "null" for row in rows for v in row):
        yield "it has the word `null` in it, which is a text here and no value to dbt"


def external(name: str, source: Node, manifest: Manifest, out: Path) -> Declared | None:
    """Return a source that dbt-duckdb reads from files; None where it is a table, or no file's."""
    location = location_of(source)
    found = _PATH.search(location) if location is not None else None
    if found is None:
        return None
    text = found[1]
    kind = _FORMATS.get(text.removesuffix(".gz").rpartition(".")[2])
    if kind is None:
        return None
    if "://" not in text:
        text = os.path.relpath(manifest.root / text, out.absolute())
    delimiter = "\t" if found[1].endswith(".tsv") else ","
    return Declared(name, kind, text, source.id, "", delimiter, source.description)
