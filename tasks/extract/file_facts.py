"""What is known of the file that is being walked."""

from typing import NamedTuple

from tree_sitter import Node

from tasks.extract.cst_schema import FACTS
from tasks.extract.struct_lists import StructLists

MODULE = "module"
EXCERPT = 200  # characters of a literal, a called expression or a docstring that are kept
# Characters of a dotted name. Ten thousand definitions inside each other would have names of
# half a gigabyte; beyond this they are called like what holds them.
LONGEST_NAME = 10_000


class Here(NamedTuple):
    """Where in the tree the walk is: ids are local to the file."""

    node: str
    parent: str | None
    scope: str
    parent_kind: str
    field: str | None
    start: int
    end: int

    @property
    def place(self) -> tuple[str, str, int, int]:
        """The first four values of every fact."""
        return self.node, self.scope, self.start, self.end


class Scope(NamedTuple):
    """A module, function, class or lambda, whose body holds other nodes."""

    kind: str
    qualname: str


class FileFacts:
    """Facts of all files of a batch, with what the handlers ask about the current file."""

    def __init__(self) -> None:
        """Start with no files."""
        self.facts = {name: StructLists(fields) for name, fields in FACTS.items()}
        self.source = b""
        self.scopes: dict[str, Scope] = {}

    def begin(self, source: bytes) -> None:
        """Start a file; its root scope is the module."""
        self.source = source
        self.scopes = {MODULE: Scope(MODULE, "")}

    def end(self) -> None:
        """Close the current file's row in every column."""
        for column in self.facts.values():
            column.end_row()

    def text(self, node: Node) -> str:
        """Return the source of a node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def excerpt(self, node: Node) -> str:
        """Return the source of a node, at most `EXCERPT` characters."""
        start, end = node.start_byte, node.end_byte
        # A character has at most four bytes: nothing longer needs decoding.
        code = self.source[start : min(end, start + 4 * EXCERPT)]
        return code.decode("utf-8", "replace")[:EXCERPT]

    def open_scope(self, here: Here, kind: str, name: str) -> str:
        """Enter a definition into the file's scopes and return its qualified name."""
        outer = self.scopes[here.scope].qualname
        qualname = f"{outer}.{name}" if outer else name
        if outer and len(qualname) > LONGEST_NAME:
            qualname = outer
        self.scopes[here.node] = Scope(kind, qualname)
        return qualname


def local_id(node: Node) -> str:
    """Return ``start-end:kind``, which names a node within its file."""
    return f"{node.start_byte}-{node.end_byte}:{node.type}"


def first_named(node: Node) -> Node | None:
    """Return the first named child, if any."""
    children = node.named_children
    return children[0] if children else None


def name_token(expression: Node | None) -> Node | None:
    """Return the last name of ``a.b.c``, a plain name itself, else nothing."""
    if expression is not None and expression.type == "attribute":
        expression = expression.child_by_field_name("attribute")
    return expression if expression is not None and expression.type == "identifier" else None


def optional_id(node: Node | None) -> str | None:
    """Return the local id of a node that may be missing."""
    return None if node is None else local_id(node)
