"""Tokens: a query's words, as sqlglot reads them; it is loaded where a query has to be read."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

# Ibis' dialect of DataFusion takes its tokens and its grammar from this one, and needs all of Ibis.
DIALECT = "postgres"


@functools.lru_cache(maxsize=16)
def tokens_of(sql: str) -> list[Token]:
    """Return a query's tokens: several ask for them, one after the other.

    Raises:
        sqlglot.errors.TokenError: the text ends in the middle of one.
    """
    import sqlglot  # noqa: PLC0415 -- most queries are planned without a look at their tokens

    return sqlglot.tokenize(sql, read=DIALECT)


def tokens_if_whole(sql: str) -> list[Token]:
    """Return a query's tokens; none of a text that ends in the middle of one."""
    import sqlglot  # noqa: PLC0415

    try:
        return tokens_of(sql)
    except sqlglot.errors.TokenError:
        return []


def is_string(token: Token) -> bool:
    """Return whether a token is a string in single quotes."""
    return token.token_type.name == "STRING"


def is_quoted(token: Token) -> bool:
    """Return whether a token is a name in quotes."""
    return token.token_type.name == "IDENTIFIER"
