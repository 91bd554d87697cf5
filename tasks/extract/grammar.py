"""A grammar: how files of one language are parsed, and what is recorded of its nodes."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from tree_sitter import Language, Node, Parser, Tree, TreeCursor

from tasks.extract.file_facts import FileFacts, Here

# Tree-sitter's grammars take it for a blank.
LONE_RETURN = re.compile(rb"\r(?!\n)")

Handler = Callable[[FileFacts, Node, Here], str | None]


class Grammar:
    """A tree-sitter language with its tables of names: looking one up costs no decoding."""

    def __init__(
        self,
        name: str,
        language: Language,
        handlers: Mapping[str, Handler],
        scope_kinds: AbstractSet[str],
    ) -> None:
        """Read the language's names once.

        Args:
            name: of the language.
            language: tree-sitter's own.
            handlers: syntax kind -> what records such a node's facts and returns its name.
            scope_kinds: syntax kinds whose field `body` is a scope: functions, classes, lambdas.
        """
        ids = range(language.node_kind_count)
        self.name = name
        self.parser = Parser(language)
        self.kinds = [language.node_kind_for_id(i) or "" for i in ids]
        self.fields = [language.field_name_for_id(i) for i in range(language.field_count + 1)]
        self.handlers = handlers
        self.scope_kinds = scope_kinds

    def parse(self, source: bytes) -> Tree:
        """Return a file's tree; a lone carriage return ends a line."""
        return self.parser.parse(LONE_RETURN.sub(b"\n", source))

    def kind(self, node: Node) -> str:
        """Return a node's kind; an error node's id lies outside the table."""
        kind_id = node.kind_id
        return self.kinds[kind_id] if kind_id < len(self.kinds) else node.type

    def field(self, cursor: TreeCursor) -> str | None:
        """Return the name of the field that holds the cursor's node, if any does."""
        field_id = cursor.field_id
        return None if field_id is None else self.fields[field_id]
