"""Which grammar a file is parsed with; a language is added here, in a file of its own."""

from pathlib import PurePosixPath

from tasks.extract.grammar import Grammar
from tasks.extract.python_syntax import python_grammar

GRAMMARS = {".py": python_grammar, ".pyi": python_grammar}


def grammar_of(path: str) -> Grammar | None:
    """Return the grammar that a file's ending asks for; none for a folder, or another ending."""
    find = GRAMMARS.get(PurePosixPath(path).suffix) if not path.endswith("/") else None
    return None if find is None else find()
