"""Plan text: the tokens of a printed plan, and what stands outside of brackets."""

from __future__ import annotations

import functools
import re

# Strings hold no quote (`inference.unsaid`); an escape character may look like a name.
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
    parts, start, position = [], 0, 0
    stack: list[str] = []
    for token in tokens_of(text):
        if not stack and position >= start and text.startswith(separator, position):
            parts.append(text[start:position])
            start = position + len(separator)
        nest(stack, token)
        position += len(token)
    return [*parts, text[start:]]
