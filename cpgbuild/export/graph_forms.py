"""Graph forms: how a node and an edge are written.

GraphML is that of http://graphml.graphdrawing.org; JSON is the node-link form of networkx.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What XML 1.0 cannot hold, not even as a reference to the character.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        # Parsers turn these into blanks or line feeds where they stand as they are.
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that is told of nodes or edges: its name, where it is in a row, GraphML's type."""

    name: str
    path: tuple[str, ...]
    type: str

    def value(self, row: Mapping[str, Any]) -> Any:
        """Return the value in a row, nothing where there is none."""
        found: Any = row
        for name in self.path:
            found = None if found is None else found[name]
        return found


class GraphForm(Protocol):
    """Writes a graph: first `begin`, nodes, `between`, edges, then `end`."""

    def __init__(self, file: IO[str]) -> None:
        """Take an open file."""

    def begin(self, nodes: Sequence[Attribute], edges: Sequence[Attribute]) -> None:
        """Write what stands before the first node."""

    def node(self, name: str, row: Mapping[str, Any]) -> None:
        """Write a node."""

    def between(self) -> None:
        """Write what stands between nodes and edges."""

    def edge(self, source: str, target: str, row: Mapping[str, Any]) -> None:
        """Write an edge."""

    def end(self) -> None:
        """Write what stands after the last edge."""


class GraphML:
    r"""XML; what XML cannot hold is written as Python writes it in a text, as `\x00`."""

    def __init__(self, file: IO[str]) -> None:
        """Take an open file."""
        self._write = file.write
        self._nodes: Sequence[Attribute] = ()
        self._edges: Sequence[Attribute] = ()
        self._count = 0

    def begin(self, nodes: Sequence[Attribute], edges: Sequence[Attribute]) -> None:
        """Write the header with the attributes' types."""
        self._nodes, self._edges = nodes, edges
        self._write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._write('<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for of, listed in (("node", nodes), ("edge", edges)):
            for index, attribute in enumerate(listed):
                name = xml_text(attribute.name)
                self._write(f'<key id="{of[0]}{index}" for="{of}" attr.name="{name}" ')
                self._write(f'attr.type="{attribute.type}"/>\n')
        self._write('<graph edgedefault="directed">\n')

    def node(self, name: str, row: Mapping[str, Any]) -> None:
        """Write a node."""
        self._write(f'<node id="{xml_text(name)}">{self._data("n", self._nodes, row)}</node>\n')

    def between(self) -> None:
        """Nothing stands between nodes and edges."""

    def edge(self, source: str, target: str, row: Mapping[str, Any]) -> None:
        """Write an edge; it has an id, since there may be several between two nodes."""
        ends = f'source="{xml_text(source)}" target="{xml_text(target)}"'
        data = self._data("e", self._edges, row)
        self._write(f'<edge id="{self._count}" {ends}>{data}</edge>\n')
        self._count += 1

    def end(self) -> None:
        """Close the graph."""
        self._write("</graph>\n</graphml>\n")

    def _data(self, letter: str, listed: Sequence[Attribute], row: Mapping[str, Any]) -> str:
        values = ((index, attribute.value(row)) for index, attribute in enumerate(listed))
        return "".join(
            f'<data key="{letter}{index}">{xml_text(_text(value))}</data>'
            for index, value in values
            if value is not None
        )


class NodeLink:
    """JSON with the lists `nodes` and `edges`, an entry a line."""

    def __init__(self, file: IO[str]) -> None:
        """Take an open file."""
        self._write = file.write
        self._nodes: Sequence[Attribute] = ()
        self._edges: Sequence[Attribute] = ()
        self._comma = ""

    def begin(self, nodes: Sequence[Attribute], edges: Sequence[Attribute]) -> None:
        """Open the list of nodes."""
        self._nodes, self._edges = nodes, edges
        self._write('{"directed": true, "multigraph": true, "graph": {}, "nodes": [')

    def node(self, name: str, row: Mapping[str, Any]) -> None:
        """Write a node; `id` is its name, whatever a column is called."""
        self._entry({**dict(_values(self._nodes, row)), "id": name})

    def between(self) -> None:
        """Close the list of nodes and open that of edges."""
        self._write('\n], "edges": [')
        self._comma = ""

    def edge(self, source: str, target: str, row: Mapping[str, Any]) -> None:
        """Write an edge."""
        self._entry({**dict(_values(self._edges, row)), "source": source, "target": target})

    def end(self) -> None:
        """Close the graph."""
        self._write("\n]}\n")

    def _entry(self, entry: Mapping[str, Any]) -> None:
        self._write(f"{self._comma}\n{json.dumps(entry, default=str)}")
        self._comma = ","


FORMS: dict[str, type[GraphForm]] = {"graphml": GraphML, "json": NodeLink}


def xml_text(text: str) -> str:
    """Return text as XML holds it, in an attribute or between tags."""
    return _NO_XML.sub(_written_out, text).translate(_ESCAPES)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 -- a byte


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _values(listed: Sequence[Attribute], row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for attribute in listed:
        value = attribute.value(row)
        if value is not None:
            yield attribute.name, value
