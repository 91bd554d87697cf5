"""Plan text: the tokens of a printed plan, and what stands outside of brackets."""

from __future__ import annotations

import functools
import re

# Strings hold no quote (`inference.unsaid`); an escape character may look like a name.
_STRINGS = r'"[^"]*"|ESCAPE \'.\''
_BRACKETS = r"[()\[\]]|\b(?:CASE|END)\b"
_NESTING = re.compile(rf"{_STRINGS}|{_BRACKETS}", re.DOTALL)
_TOKEN = re.compile(r""""[^"]*"|ESCAPE '.'|[A-Za-z_][A-Za-z0-9_]*|\d[\w.]*|\s+|.""", re.DOTALL)
OPENERS = {"(": ")", "[": "]"}
CLOSERS = frozenset(OPENERS.values())
# A CASE holds conditions of its own.
_OPENING = frozenset({*OPENERS, "CASE"})
_CLOSING = frozenset({*CLOSERS, "END"})


@functools.lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[str, ...]:
    """Return the tokens, white space too, so that they joined are the text."""
    return tuple(_TOKEN.findall(text))


def nest(stack: list[str], token: str) -> None:
    """Note a bracket that opens or closes."""
    if token in _OPENING:
        stack.append(token)
    elif token in _CLOSING and stack:
        stack.pop()


def split(text: str, separator: str) -> list[str]:
    """Split at a separator outside of brackets and strings."""
    if separator not in text:
        return [text]
    if not _NESTING.search(text):
        return text.split(separator)
    parts, start, depth = [], 0, 0
    for found in _marks(separator).finditer(text):
        mark = found[0]
        if mark == separator and not depth:
            parts.append(text[start : found.start()])
            start = found.end()
        elif mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth = max(0, depth - 1)
    return [*parts, text[start:]]


@functools.cache
def _marks(separator: str) -> re.Pattern[str]:
    """Return what finds strings, brackets and separators; what is found first is taken whole."""
    return re.compile(rf"{_STRINGS}|{_BRACKETS}|{re.escape(separator)}", re.DOTALL)
