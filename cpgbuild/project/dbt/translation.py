"""Translation: a model's compiled SQL as the text of a SQL task.

Relations become datasets, the database's SQL becomes DataFusion's. What is written the same in both
stays as its author wrote it, comments and all.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
import sqlglot.expressions as sge
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import TokenType

from cpgbuild.project.dbt.datasets import EPHEMERAL, key_of
from cpgbuild.project.dbt.dialect import Target, prepared, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cpgbuild.project.dbt.datasets import Datasets

# What is written in several ways that all mean the same to DataFusion.
_SUGAR = {
    TokenType.DCOLON,
    TokenType.ALIAS,
    TokenType.INNER,
    TokenType.OUTER,
    TokenType.NEQ,
    TokenType.SEMICOLON,
    TokenType.TEXT,
    TokenType.VARCHAR,
}


class Untranslatable(Exception):
    """A query that cannot be said in DataFusion's SQL; its text says why, as a clause."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A task's query, the datasets that it reads, and what of it may mean something else."""

    sql: str
    reads: frozenset[str]
    unknown: frozenset[str]
    doubts: tuple[str, ...]


def translate(sql: str, dialect: str, datasets: Datasets) -> Translated:
    """Return a compiled query in DataFusion's SQL.

    The tables that no manifest knows are datasets too, and `unknown` has them.

    Raises:
        Untranslatable: it cannot be parsed, is no query, or would mean something else.
    """
    with _heard() as warnings:
        tree = _parsed(sql, dialect)
    reasons = list(refused(tree, dialect))
    if reasons:
        raise Untranslatable(f"its SQL has {'; '.join(reasons)}")
    _without_ephemerals(tree, datasets)
    found: dict[str, bool] = {}
    tables = []
    for table in _free_tables(tree):
        dataset = datasets.find(table)
        if dataset is None and not isinstance(table.this, sge.Identifier):
            continue
        found[dataset or ""] = dataset is not None
        if dataset is None:
            dataset = datasets.unknown(table)
            found[dataset] = False
        tables.append((table, dataset))
    found.pop("", None)
    _free_names(tree, tables)
    spliced = _spliced(sql, tables)
    _rename_columns(tree, tables)
    for table, dataset in tables:
        table.replace(_renamed(table, dataset))
    generator = Target().generator(pretty=True, unsupported_level=ErrorLevel.IGNORE)
    text = generator.generate(prepared(_folded(tree, dialect)))
    doubts = tuple(dict.fromkeys([*warnings, *generator.unsupported_messages]))
    if spliced is not None and _is_same(spliced, text):
        text = spliced
    unknown = frozenset(name for name, known in found.items() if not known)
    return Translated(text.strip() + "\n", frozenset(found), unknown, doubts)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Give the list of what sqlglot warns of, which it would write to stderr."""
    logger, said = logging.getLogger("sqlglot"), list[str]()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage().splitlines()[0])

    listener, before = Listener(), logger.propagate
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.propagate = before
        logger.removeHandler(listener)


def _parsed(sql: str, dialect: str) -> sge.Query:
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except SqlglotError as error:
        words = str(error).splitlines()[0]
        raise Untranslatable(f"its SQL cannot be parsed: {words}") from error
    if len(trees) != 1 or not isinstance(trees[0], sge.Query):
        raise Untranslatable("its SQL is not one query")
    return trees[0]


def _without_ephemerals(tree: sge.Expr, datasets: Datasets) -> None:
    """Drop the queries of ephemeral models: these are views now."""
    for clause in list(tree.find_all(sge.With)):
        for cte in list(clause.expressions):
            name = sge.to_table(cte.alias, dialect="duckdb") if _is_ephemeral(cte.alias) else None
            if name is not None and datasets.find(name) is not None:
                cte.pop()
        if not clause.expressions:
            clause.pop()


def _is_ephemeral(name: str) -> bool:
    return name.lower().startswith(EPHEMERAL)


def _free_tables(tree: sge.Expr) -> Iterator[sge.Table]:
    """Give the tables that are no query of the text's own `WITH`."""
    for table in list(tree.find_all(sge.Table)):
        if table.db or not _binding(table, table.name):
            yield table


def _binding(table: sge.Expr, name: str) -> sge.CTE | None:
    """Return the query of a `WITH` that a name stands for at a place of the text."""
    node: sge.Expr = table
    parent = table.parent
    while parent is not None:
        clause = parent if isinstance(parent, sge.With) else parent.args.get("with_")
        if clause is not None and clause is not node:
            seen = clause.expressions
            if isinstance(parent, sge.With) and not clause.args.get("recursive"):
                # Of its own clause a query sees those before it.
                seen = seen[: next(i for i, cte in enumerate(seen) if cte is node)]
            for cte in reversed(seen):
                if isinstance(cte, sge.CTE) and cte.alias.lower() == name.lower():
                    return cte
        node, parent = parent, parent.parent
    return None


def _free_names(tree: sge.Expr, tables: list[tuple[sge.Table, str]]) -> None:
    """Give those queries of a `WITH` other names that would be taken for a dataset."""
    taken = {cte.alias.lower() for cte in tree.find_all(sge.CTE)} | {name for _, name in tables}
    clashing = [cte for table, name in tables if (cte := _binding(table, name)) is not None]
    for cte in {id(cte): cte for cte in clashing}.values():
        old = cte.alias
        new = next(n for n in (f"{old}_{i}" for i in range(1, len(taken) + 2)) if n not in taken)
        taken.add(new.lower())
        bound = [t for t in tree.find_all(sge.Table) if not t.db and _binding(t, t.name) is cte]
        for table in bound:
            if not table.alias:
                table.set("alias", sge.TableAlias(this=sge.to_identifier(table.name)))
            table.set("this", sge.to_identifier(new))
        cte.args["alias"].set("this", sge.to_identifier(new))


def _renamed(table: sge.Table, dataset: str) -> sge.Table:
    new = table.copy()
    new.set("db", None)
    new.set("catalog", None)
    new.set("this", _identifier(dataset))
    if not table.alias and _is_qualifier(table, dataset):
        new.set("alias", sge.TableAlias(this=sge.to_identifier(table.name)))
    return new


def _identifier(dataset: str) -> sge.Identifier:
    """Return a dataset's name as SQL has it, in quotes where it is a word of SQL."""
    (token,) = Target().tokenize(dataset)
    return sge.to_identifier(dataset, quoted=token.token_type is not TokenType.VAR)


def _is_qualifier(table: sge.Table, dataset: str) -> bool:
    """Return whether columns are asked of a table by a name that is not the dataset's."""
    root = table.root()
    name = table.name.lower()
    return name != dataset and any(c.table.lower() == name for c in root.find_all(sge.Column))


def _rename_columns(tree: sge.Expr, tables: list[tuple[sge.Table, str]]) -> None:
    """Let columns be asked of a table by its name alone, where a schema is before it."""
    relations = {key_of(table)[-1] for table, _ in tables}
    for column in tree.find_all(sge.Column):
        if column.args.get("db") is not None and column.table.lower() in relations:
            column.set("db", None)
            column.set("catalog", None)


def _folded(tree: sge.Expr, dialect: str) -> sge.Expr:
    """Let a quoted name be the plain one that it is to databases that write names in capitals."""
    if dialect in {"snowflake", "oracle"}:
        for name in tree.find_all(sge.Identifier):
            if name.quoted and name.name == name.name.upper() and name.name.isidentifier():
                name.replace(sge.to_identifier(name.name.lower(), quoted=True))
    return tree


def _spliced(sql: str, tables: list[tuple[sge.Table, str]]) -> str | None:
    """Return the text with only its tables' names replaced; None where they stand elsewhere."""
    cuts = []
    for table, dataset in tables:
        places = [part.meta for part in table.parts]
        if table.alias == "" and _is_qualifier(table, dataset):
            return None
        if not all("start" in place for place in places):
            return None
        name = _identifier(dataset).sql(dialect=Target)
        cuts.append((min(p["start"] for p in places), max(p["end"] for p in places) + 1, name))
    for start, end, name in sorted(cuts, reverse=True):
        sql = sql[:start] + name + sql[end:]
    return sql.strip().rstrip(";").rstrip()


def _is_same(spliced: str, translated: str) -> bool:
    """Return whether a text says in DataFusion's SQL what its translation says.

    It is parsed to the same, and has no word that the translation has not.
    """
    try:
        tree = sqlglot.parse_one(spliced, dialect=Target)
        again = tree.sql(dialect=Target, comments=False)
        plain = sqlglot.parse_one(translated, dialect=Target).sql(dialect=Target, comments=False)
    except SqlglotError:
        return False
    return again == plain and not _words(spliced) - _words(plain)


def _words(sql: str) -> set[tuple[object, str, bool]]:
    """Return a text's words, each with whether it is called."""
    tokens = Target().tokenize(sql)
    called = [token.token_type is TokenType.L_PAREN for token in [*tokens[1:], tokens[-1]]]
    words = zip(tokens, called, strict=True)
    return {(t.token_type, t.text.lower(), c) for t, c in words if t.token_type not in _SUGAR}
