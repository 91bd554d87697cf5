"""Source text: what a task's author wrote, with the kinds of its words for colouring."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pygments.lexers import PythonLexer, SqlLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

if TYPE_CHECKING:
    from pygments.lexer import Lexer

    from cpgbuild.core.task import Task

_KINDS = (
    (Comment, "comment"),
    (String, "string"),
    (Number, "number"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Name.Decorator, "decorator"),
    (Name.Function, "function"),
    (Name.Builtin, "function"),
)


class SourceText(TypedDict):
    """A text, its language (`python` or `sql`), and its words.

    `marks` has pairs: so many characters, of that kind; all of them together are the text.
    """

    language: str
    text: str
    marks: list[tuple[int, str]]


class SourceTexts:
    """The source texts of a project's tasks; each file is read once."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._files: dict[str, str] = {}
        self._functions: dict[str, list[tuple[int, int]]] = {}
        self._lexers = {"python": PythonLexer(stripnl=False), "sql": SqlLexer(stripnl=False)}

    def of(self, task: Task) -> SourceText | None:
        """Return a task's SQL file, or its function; None where neither is to be found."""
        place = task.place
        if place is None:
            return None
        text = self._read(place.path)
        if place.path.endswith(".sql"):
            return self.marked(text, "sql") if text.strip() else None
        text = self._function(place.path, place.line)
        return self.marked(text, "python") if text else None

    def marked(self, text: str, language: str) -> SourceText:
        """Return a text with the kinds of its words."""
        text = text.replace("\r\n", "\n").strip("\n")
        return SourceText(language=language, text=text, marks=_marks(text, self._lexers[language]))

    def _read(self, path: str) -> str:
        if path not in self._files:
            try:
                self._files[path] = Path(path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                self._files[path] = ""
        return self._files[path]

    def _function(self, path: str, line: int) -> str:
        """Return the smallest function, with its decorators, around a line of a module."""
        lines = self._read(path).splitlines()
        if path not in self._functions:
            self._functions[path] = _functions("\n".join(lines))
        around = [(b - a, a, b) for a, b in self._functions[path] if a <= line <= b]
        if not around:
            return ""
        _, first, last = min(around)
        return "\n".join(lines[first - 1 : last])


def _functions(text: str) -> list[tuple[int, int]]:
    """Return the first line, with decorators, and the last one of every function."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return [
        (min([n.lineno, *(d.lineno for d in n.decorator_list)]), n.end_lineno or n.lineno)
        for n in found
    ]


def _marks(text: str, lexer: Lexer) -> list[tuple[int, str]]:
    marks: list[tuple[int, str]] = []
    left = len(text)
    for token, word in lexer.get_tokens(text):
        kind = next((name for known, name in _KINDS if token in known), "")
        # The lexer ends every text with a line of its own.
        length = min(len(word), left)
        left -= length
        if marks and marks[-1][1] == kind:
            marks[-1] = (marks[-1][0] + length, kind)
        elif length:
            marks.append((length, kind))
    return marks
