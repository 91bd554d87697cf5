"""Rows: what `show` and `query` answer, as a table, text, CSV, JSON or Parquet."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.cli import records
from cpgbuild.cli.table import cell_of, left_out, show_table
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome
from cpgbuild.errors.project import BadOption, FileUnwritable, OptionsClash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cpgbuild.cli.output import Output
    from cpgbuild.core.task import Task

FORMS = ("table", "text", "csv", "json", "parquet")
# So many rows are read by a person; programs get all.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """In which form rows are wanted, where, and how many; None is all."""

    form: str
    out: Path | None
    limit: int | None

    @property
    def fetched(self) -> int | None:
        """How many rows to ask for: one more tells whether there are more."""
        return self.limit + 1 if self.limit is not None else None


def ask_for(form: str | None, out: Path | None, limit: int | None, output: Output) -> Asked:
    """Return in which form rows are wanted: what the file is called by says it too.

    Raises:
        BadOption: there is no such form.
        OptionsClash: Parquet would go to a terminal, or records to a file.
    """
    known = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}
    wanted = form or (known.get(out.suffix, "table") if out is not None else "table")
    if wanted not in FORMS:
        raise BadOption("--format", wanted, f"one of {', '.join(FORMS)}")
    if output.as_json and (form is not None or out is not None):
        fault = "`--json` goes with neither `--format` nor `--out`"
        raise OptionsClash(fault, "for rows alone: `--format json`")
    if wanted == "parquet" and out is None and sys.stdout.isatty():
        raise OptionsClash("Parquet is nothing to look at", "name a file: `--out rows.parquet`")
    if wanted == "table" and out is not None:
        fault = "a table as text is for the eye, and goes to no file"
        raise OptionsClash(fault, "give `--out` a name that ends in .csv, .json or .parquet")
    if limit is None and wanted == "table" and not output.as_json:
        limit = SHOWN
    return Asked(wanted, out, limit or None)


def warn_of(behind: Sequence[Task], name: str, output: Output) -> None:
    """Say on stderr that what is shown is not what a build would make."""
    if behind and not output.as_json:
        verb = "is" if len(behind) == 1 else "are"
        output.note(
            f"{count_text(len(behind), 'table')} behind `{name}` {verb} out of date: "
            f"`cpgbuild build --target {name}`"
        )


def show_rows(reader: pa.RecordBatchReader, asked: Asked, output: Output) -> None:
    """Write rows in the form that was asked for.

    Raises:
        OptionsClash: values are wanted as they are, and there are several columns.
    """
    names = reader.schema.names
    if asked.form == "text" and len(names) != 1:
        fault = f"`--format text` writes the values of one column, and there are {len(names)}"
        raise OptionsClash(fault, f"choose one of them: `{', '.join(names)}`")
    if output.as_json:
        count = 0
        for row in islice(_rows(reader), asked.limit):
            output.record(records.row(records.jsonable(row)))
            count += 1
        output.summary(Outcome(), rows=count)
    elif asked.form == "table":
        _show_table(reader, asked, output)
    elif asked.out is not None:
        _write_file(reader, asked, output)
    else:
        _write(reader, asked, output.binary())


def _rows(reader: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    for batch in reader:
        yield from batch.to_pylist()


def _show_table(reader: pa.RecordBatchReader, asked: Asked, output: Output) -> None:
    names = reader.schema.names
    limit = asked.limit
    found = list(islice(_rows(reader), limit + 1 if limit is not None else None))
    shown = found[:limit]
    rows = [[cell_of(row[name]) for name in names] for row in shown]
    fitting = show_table(names, rows, output)
    said = [count_text(len(shown), "row")]
    if len(found) > len(shown):
        said = [f"the first {count_text(len(shown), 'row')}; all with `--limit 0`"]
    said += [words for words in [left_out(names, fitting)] if words]
    output.line((f"\n{'; '.join(said)}", "dim"), hang=0)


def _write_file(reader: pa.RecordBatchReader, asked: Asked, output: Output) -> None:
    path = asked.out
    assert path is not None  # noqa: S101 -- who calls has seen to it
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            count = _write(reader, asked, file)
        beside.replace(path)
    except OSError as error:
        raise FileUnwritable(str(path), error) from error
    finally:
        beside.unlink(missing_ok=True)
    output.line(("wrote  ", "green"), (f"{path}, {count_text(count, 'row')}", ""))


def _write(reader: pa.RecordBatchReader, asked: Asked, file: IO[bytes]) -> int:
    """Write rows as they come, and return how many they were."""
    batches = _limited(reader, asked.limit)
    if asked.form == "json":
        return _write_json(batches, file)
    if asked.form == "text":
        return _write_text(batches, file)
    count = 0
    with _writer(asked.form, file, reader.schema) as writer:
        for batch in batches:
            writer.write_batch(_flat(batch) if asked.form == "csv" else batch)
            count += batch.num_rows
    return count


def _writer(form: str, file: IO[bytes], schema: pa.Schema) -> Any:
    if form == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 -- heavy, and asked for by few

        return pq.ParquetWriter(file, schema)
    import pyarrow.csv as pc  # noqa: PLC0415

    return pc.CSVWriter(file, _flat_schema(schema))


def _limited(reader: Iterable[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    left = math.inf if limit is None else limit
    for batch in reader:
        if left <= 0:
            return
        part = batch if batch.num_rows <= left else batch.slice(0, int(left))
        left -= part.num_rows
        yield part


def _write_json(batches: Iterable[pa.RecordBatch], file: IO[bytes]) -> int:
    count = 0
    for batch in batches:
        for row in batch.to_pylist():
            text = json.dumps(records.jsonable(row), ensure_ascii=False)
            file.write(f"{text}\n".encode())
            count += 1
    return count


def _write_text(batches: Iterable[pa.RecordBatch], file: IO[bytes]) -> int:
    """Write values as they are, each with a line end; of none there is nothing."""
    count = 0
    for batch in batches:
        for value in batch.column(0).to_pylist():
            if isinstance(value, bytes):
                file.write(value + b"\n")
            elif value is not None:
                text = value if isinstance(value, str) else json.dumps(records.jsonable(value))
                file.write(f"{text}\n".encode())
            count += 1
    return count


def _is_flat(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind))


def _flat_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([f if _is_flat(f.type) else pa.field(f.name, pa.string()) for f in schema])


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch that CSV can hold: nested values are JSON, bytes are hexadecimal."""
    columns = [
        column
        if _is_flat(column.type)
        else pa.array([_text(value) for value in column.to_pylist()], pa.string())
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_flat_schema(batch.schema))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(records.jsonable(value), ensure_ascii=False)
