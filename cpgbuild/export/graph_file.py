"""Graph file: two datasets, of nodes and of edges, as one file that graph tools read.

Rows are written as they come, so that memory does not grow with the graph.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.api.datasets import open_project
from cpgbuild.engine.frames import quote
from cpgbuild.errors.project import BadOption, FileUnwritable, UnknownColumn
from cpgbuild.errors.run import NoEnd
from cpgbuild.export.graph_forms import FORMS, Attribute, GraphForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cpgbuild.api.datasets import Datasets
    from cpgbuild.project.config import Overrides


@dataclass(frozen=True, slots=True)
class GraphWanted:
    """Which datasets are the graph: of nodes with their ids, of edges with their two ends.

    `where` is a condition in SQL on nodes: others are left out, and edges from or to them.
    """

    nodes: str = "cpg_nodes_delta"
    edges: str = "cpg_edges_delta"
    node_id: str = "node_id"
    source: str = "src"
    target: str = "dst"
    where: str = ""


@dataclass(frozen=True, slots=True)
class GraphWritten:
    """What was written: in which form, how many nodes and edges."""

    form: str
    nodes: int
    edges: int


def export_graph(
    project: str | Path,
    wanted: GraphWanted,
    out: Path,
    form: str | None = None,
    overrides: Overrides | None = None,
) -> GraphWritten:
    """Write a graph to a file, which is replaced as a whole or left as it is.

    Args:
        project: the project's folder.
        wanted: the datasets.
        out: the file; its ending is the form where none is given.
        form: `graphml` or `json`.
        overrides: of the project's configuration.

    Raises:
        BadOption: the form is none of those.
        UnknownTarget, UnknownColumn: there is no such dataset, or column.
        NotBuilt: a table was not built yet.
        NoEnd: a node has no id, or an edge has no end.
        FileUnwritable: the file cannot be written.
        CpgbuildError: the project or the condition is wrong.
    """
    chosen = form or out.suffix.removeprefix(".")
    if chosen not in FORMS:
        option, text = ("--format", form) if form else ("--out", str(out))
        raise BadOption(option, text, "`graphml` or `json`, as `--out graph.graphml`")
    with open_project(project, overrides) as datasets:
        nodes, edges = _readers(datasets, wanted)
        node_columns = attributes(nodes.schema, (wanted.node_id,))
        edge_columns = attributes(edges.schema, (wanted.source, wanted.target))
        with _beside(out) as file:
            writer = FORMS[chosen](file)
            writer.begin(node_columns, edge_columns)
            n_nodes = _write_nodes(writer, nodes, wanted)
            writer.between()
            n_edges = _write_edges(writer, edges, wanted)
            writer.end()
    return GraphWritten(chosen, n_nodes, n_edges)


def attributes(schema: pa.Schema, ends: Sequence[str]) -> list[Attribute]:
    """Return what is told of each node or edge: its columns, those of a struct one by one."""
    found: list[Attribute] = []
    for field in schema:
        if field.name in ends:
            continue
        if pa.types.is_struct(field.type):
            inner = [field.type.field(i) for i in range(field.type.num_fields)]
            names = [(f"{field.name}_{part.name}", part) for part in inner]
            found += [Attribute(name, (field.name, p.name), _word(p.type)) for name, p in names]
        else:
            found.append(Attribute(field.name, (field.name,), _word(field.type)))
    return found


def _word(kind: pa.DataType) -> str:
    """Return GraphML's word for a type."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "long"
    return "double" if pa.types.is_floating(kind) else "string"


def _readers(
    datasets: Datasets, wanted: GraphWanted
) -> tuple[pa.RecordBatchReader, pa.RecordBatchReader]:
    ends = {wanted.nodes: (wanted.node_id,), wanted.edges: (wanted.source, wanted.target)}
    for dataset, columns in ends.items():
        known = datasets.schema(dataset).names
        for column in columns:
            if column not in known:
                raise UnknownColumn(column, dataset, known)
    nodes = datasets.rows(wanted.nodes, where=wanted.where)
    if not wanted.where:
        return nodes, datasets.rows(wanted.edges)
    chosen = (
        f"SELECT {quote(wanted.node_id)} FROM {quote(wanted.nodes)} "  # noqa: S608 -- the user's
        f"WHERE {wanted.where}"
    )
    both = [f"{quote(end)} IN ({chosen})" for end in (wanted.source, wanted.target)]
    return nodes, datasets.rows(wanted.edges, where=" AND ".join(both))


def _write_nodes(writer: GraphForm, reader: pa.RecordBatchReader, wanted: GraphWanted) -> int:
    count = 0
    for row in _rows(reader, wanted.nodes, (wanted.node_id,)):
        writer.node(str(row[wanted.node_id]), row)
        count += 1
    return count


def _write_edges(writer: GraphForm, reader: pa.RecordBatchReader, wanted: GraphWanted) -> int:
    count = 0
    for row in _rows(reader, wanted.edges, (wanted.source, wanted.target)):
        writer.edge(str(row[wanted.source]), str(row[wanted.target]), row)
        count += 1
    return count


def _rows(
    reader: pa.RecordBatchReader, dataset: str, ends: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for batch in reader:
        for end in ends:
            if batch.column(end).null_count:
                raise NoEnd(dataset, end)
        yield from batch.to_pylist()


@contextmanager
def _beside(path: Path) -> Iterator[IO[str]]:
    """Give a file that takes the place of `path` if all goes well."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise FileUnwritable(str(path), error) from error
    finally:
        beside.unlink(missing_ok=True)
