"""What every model's rows have to be: all queries run from nothing, by DuckDB."""

from pathlib import Path

import duckdb

from peers.dag import Dag
from peers.queries import Spelling, inlined, query
from peers.sources import source_path


def stale_models(dag: Dag, folder: Path, relations: dict[str, str]) -> list[str]:
    """Return the models whose rows or columns are not those of a build from scratch."""
    if not relations:
        return []
    with duckdb.connect() as con:
        con.execute("SET threads = 2")
        if (folder / "db.duckdb").exists():
            con.execute(f"ATTACH '{folder}/db.duckdb' AS db (READ_ONLY)")
        _build(con, dag, folder)
        return [
            name for name, made in relations.items() if _digest(con, name) != _digest(con, made)
        ]


def _build(con: duckdb.DuckDBPyConnection, dag: Dag, folder: Path) -> None:
    spell = Spelling(
        model=str,
        source=lambda i: f"read_parquet('{source_path(folder, i)}')",
        helper=inlined(dag.helpers),
    )
    for model in dag.models.values():
        con.execute(f"CREATE TEMP TABLE {model.name} AS {query(model, spell)}")


def _digest(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[object, ...]:
    """Return what is equal for equal rows, in whatever order rows and columns are.

    Values count as text: an integer's width is a tool's own business.
    """
    try:
        columns = sorted(r[0] for r in con.execute(f"DESCRIBE FROM {relation}").fetchall())
        texts = ", ".join(f'"{c}"::VARCHAR' for c in columns)
        count = f"SELECT count(*), sum(hash({texts})::HUGEINT) FROM {relation}"
        return (*columns, *con.execute(count).fetchall()[0])
    except duckdb.Error as error:
        return (f"cannot be read: {error}",)
