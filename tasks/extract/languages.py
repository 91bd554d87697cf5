"""Which grammar a file is parsed with; a language is added here, in a file of its own."""

from pathlib import PurePosixPath

from tasks.extract.grammar import Grammar
from tasks.extract.python_syntax import python_grammar
from tasks.extract.typescript_syntax import tsx_grammar, typescript_grammar

GRAMMARS = dict.fromkeys((".py", ".pyi"), python_grammar)
GRAMMARS |= dict.fromkeys((".ts", ".mts", ".cts"), typescript_grammar) | {".tsx": tsx_grammar}


def grammar_of(path: str) -> Grammar | None:
    """Return the grammar that a file's ending asks for; none for a folder, or another ending."""
    find = GRAMMARS.get(PurePosixPath(path).suffix) if not path.endswith("/") else None
    return None if find is None else find()
