"""Refusals: the planner's words about a query that it does not take, as a fact and a place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpgbuild.errors.report import Place
from cpgbuild.plan.tokens import is_quoted, is_string, tokens_if_whole

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

CAST = "cast one of them to the other's type"
QUERY = 'write the query alone: a task with `kind = "compute"` stores its rows'


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a query is refused: a clause, a hint, and where, as tokens in a row or as a position.

    A position of line 0 is unknown, one of line -1 is the end of the text.
    """

    reason: str
    words: tuple[str, ...] = ()
    hint: str = ""
    line: int = 0
    column: int = 0


_Rule = Callable[[re.Match[str]], Refusal]


def _syntax(found: re.Match[str]) -> Refusal:
    if found["line"] is None:
        return Refusal(found["words"], line=-1 if "found: EOF" in found["words"] else 0)
    return Refusal(found["words"], line=int(found["line"]), column=int(found["column"]))


def _same_name(found: re.Match[str]) -> Refusal:
    name = found["name"]
    return Refusal(f"two columns are named `{name}`", (name,), "give each a name with `AS`")


def _ambiguous(found: re.Match[str]) -> Refusal:
    name = found["name"]
    reason = f"column `{name}` is in several of its tables"
    return Refusal(reason, (name,), f"say which one: `<table>.{name}`")


def _no_function(found: re.Match[str]) -> Refusal:
    near = found["near"]
    hint = f"did you mean `{near}`?" if near else ""
    return Refusal(f"function `{found['name']}` is not known", (found["name"],), hint)


def _wrong_argument(found: re.Match[str]) -> Refusal:
    name, kind = found["name"], found["kind"]
    reason = f"function `{name}` does not take a `{kind}`"
    return Refusal(reason, (name,), "cast what it is given, or use another function")


def _no_comparison(found: re.Match[str]) -> Refusal:
    left, sign, right = found["left"], found["sign"], found["right"]
    return Refusal(f"`{left}` {sign} `{right}` has no meaning", (sign,), CAST)


def _no_query(found: re.Match[str]) -> Refusal:
    return Refusal(f"it is no query but a statement, `{found['kind']}`", hint=QUERY)


def _not_grouped(found: re.Match[str]) -> Refusal:
    name = found["name"]
    reason = f"column `{name}` is neither grouped by nor aggregated"
    return Refusal(reason, (name,), f"add it to GROUP BY, or say which value: `max({name})`")


_RULES: tuple[tuple[str, _Rule], ...] = (
    (
        r'(?:Parser|Tokenizer)Error\("(?P<words>.*?)(?: at Line: (?P<line>\d+), Column: (?P<column>\d+))?"\)',  # noqa: E501
        _syntax,
    ),
    (r'and "(?:[^"]* AS )?(?:\w+\.)?(?P<name>\w+)" at position \d+ have the same', _same_name),
    (r"field name (?:\w+\.)?(?P<name>\w+) and .* which would be ambiguous", _same_name),
    (r"Ambiguous reference to (?:un)?qualified field (?:\w+\.)?(?P<name>\w+)", _ambiguous),
    (r"Invalid function '(?P<name>\w+)'(?:\.\s+Did you mean '(?P<near>\w+)'\?)?", _no_function),
    (r"Function '(?P<name>\w+)' failed to .*? but received (?P<kind>\w+)", _wrong_argument),
    (
        r"type for comparison operation (?P<left>.+?) (?P<sign>[<>=!]+) (?P<right>.+)",
        _no_comparison,
    ),
    (
        r"coerce arithmetic expression (?P<left>.+?) (?P<sign>[-+*/%]) (?P<right>.+) to valid",
        _no_comparison,
    ),
    (r"(?:DDL|DML|Statement) not supported: (?P<kind>\w+)", _no_query),
    (
        r"only supports a single SQL statement",
        lambda _: Refusal("it holds several statements", (";",), "give each a file of its own"),
    ),
    (r"No SQL statements were provided", lambda _: Refusal("it holds no query")),
    (r'column "(?:\w+\.)?(?P<name>\w+)" must appear in the GROUP BY', _not_grouped),
)


def read_refusal(text: str) -> Refusal | None:
    """Return what the planner's words say; None where they are not known."""
    for pattern, rule in _RULES:
        if found := re.search(pattern, text, re.DOTALL):
            return rule(found)
    return None


def place_of(refusal: Refusal, path: str, sql: str) -> Place | None:
    """Return where in a file of SQL text a refusal is about, if that is known."""
    if refusal.line < 0:
        lines = sql.rstrip().splitlines()
        return Place(path, len(lines), len(lines[-1]) + 1, 1) if lines else None
    if refusal.line:
        return Place(path, refusal.line, refusal.column, 1)
    places = places_of_words(path, sql, refusal.words)
    # A sign that is written several times does not say which one is meant.
    sure = len(places) == 1 or (places and refusal.words[-1].isidentifier())
    return places[0] if sure else None


def places_of_words(path: str, sql: str, words: tuple[str, ...]) -> list[Place]:
    """Return where a text has these tokens one after the other; a place is the last one's."""
    if not words:
        return []
    tokens = tokens_if_whole(sql)
    runs = (tokens[i : i + len(words)] for i in range(len(tokens)))
    return [_token_place(path, run[-1]) for run in runs if _matches(run, words)]


def _matches(tokens: list[Token], words: tuple[str, ...]) -> bool:
    return len(tokens) == len(words) and all(
        token.text.lower() == word.lower() and not is_string(token)
        for token, word in zip(tokens, words, strict=True)
    )


def _token_place(path: str, token: Token) -> Place:
    quotes = 2 if is_quoted(token) else 0
    length = len(token.text) + quotes
    # The tokenizer counts to the token's last character.
    return Place(path, token.line, token.col - length + 1, length)
