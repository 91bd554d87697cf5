"""One project in three forms: tasks in Ibis, in SQL, and one with keys in the Python lane."""

from __future__ import annotations

import atexit
import functools
import itertools
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpgbuild.state.holder import warehouse_key
from tests.engine.builds import Site, site
from tests.support.projects import ProjectFolder

FORMS = ("ibis", "sql", "keyed")


def in_turn(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return each of many cases with one form, in turn, so that all of them take no hour."""
    return list(zip(names, itertools.cycle(FORMS), strict=False))


# orders → v_big → lines → v_doubled → totals → report ← small ← orders → names
# What each needs of orders: lines and small `id` and `amount`, names `id` and `note`; report needs
# only the number of rows of small. Nobody reads `kind`.
SCHEMA = pa.schema(
    [("id", pa.int64()), ("amount", pa.int64()), ("note", pa.string()), ("kind", pa.string())]
)
ROWS: tuple[tuple[Any, ...], ...] = (
    (1, 5, "a", "x"),
    (2, 50, "b", "x"),
    (3, 70, "c", "y"),
    (4, 7, "d", "y"),
    (5, 20, None, "z"),
)
STORED = ("lines", "names", "report", "small", "totals")
VIEWS = ("v_big", "v_doubled")

_IBIS = """
    @view
    def v_big(catalog: Catalog) -> ibis.Table:
        orders = catalog.table("orders")
        return orders.filter(orders.amount > 10).select("id", "amount")


    @compute
    def lines(catalog: Catalog) -> ibis.Table:
        big = catalog.table("v_big")
        return big.select("id", "amount", doubled=big.amount * 2)


    @view
    def v_doubled(catalog: Catalog) -> ibis.Table:
        return catalog.table("lines").select("doubled")


    @compute
    def small(catalog: Catalog) -> ibis.Table:
        orders = catalog.table("orders")
        return orders.filter(orders.amount <= 10).select("id", "amount")


    @compute
    def names(catalog: Catalog) -> ibis.Table:
        return catalog.table("orders").select("id", "note")


    @compute
    def totals(catalog: Catalog) -> ibis.Table:
        return catalog.table("v_doubled").agg(total=lambda t: t.doubled.sum())


    @compute
    def report(catalog: Catalog) -> ibis.Table:
        few = catalog.table("small").agg(few=lambda t: t.count())
        return catalog.table("totals").cross_join(few)
"""
_SQL_VIEWS = {
    "v_big": "select id, amount from orders where amount > 10",
    "v_doubled": "select doubled from lines",
}
_SQL = {
    "lines": "select id, amount, amount * 2 as doubled from v_big",
    "small": "select id, amount from orders where amount <= 10",
    "names": "select id, note from orders",
    "totals": "select sum(doubled) as total from v_doubled",
    "report": "select total, few from totals cross join (select count(*) as few from small) as s",
}
_KEYED = """
    from tasks.mapped import doubled

    SCHEMA = {"id": "int64", "amount": "int64", "doubled": "int64"}


    @compute(map=doubled, key="id", content="amount", schema=SCHEMA)
    def lines(catalog: Catalog) -> ibis.Table:
        return catalog.table("v_big").select("id", "amount")
"""
# Other processes import it, so it imports little.
_MAPPED = '''
    """What the Python lane runs."""

    import pyarrow as pa
    import pyarrow.compute as pc

    FACTOR = 2


    def doubled(rows: pa.RecordBatch) -> pa.RecordBatch:
        """Each amount twice."""
        found = pc.multiply(rows["amount"], FACTOR)
        return pa.record_batch({"id": rows["id"], "amount": rows["amount"], "doubled": found})
'''


def shop(root: Path, form: str, source: str = "parquet data/orders.parquet") -> Site:
    """Return the project in a form, with nothing at its source yet."""
    made = site(root, f"orders {source}", engine="threads = 1")
    if form == "ibis":
        made.python("shop", _IBIS)
        return made
    for name, text in _SQL_VIEWS.items():
        made.sql(name, text, "view")
    for name, text in _SQL.items():
        if (form, name) != ("keyed", "lines"):
            made.sql(name, text)
    if form == "keyed":
        made.folder.write("tasks/mapped.py", _MAPPED)
        made.python("lines", _KEYED)
    return made


def opened(root: Path, form: str) -> Site:
    """Return the project in a form with its source as a Parquet file, built.

    It is a copy of one that was built elsewhere, with the memory of that build.
    """
    built = _built(form)
    shutil.copytree(built, root, dirs_exist_ok=True)
    (journal,) = (root / ".cpgbuild").glob("traces-*")
    journal.rename(journal.with_stem(f"traces-{warehouse_key(str(root / 'warehouse'))}"))
    return Site(ProjectFolder(root))


@functools.cache
def _built(form: str) -> Path:
    root = Path(tempfile.mkdtemp(prefix="minimal-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    made = shop(root / form, form)
    write(made, orders())
    made.built()
    return made.root


def edit(made: Site, form: str, task: str, old: str, new: str) -> None:
    """Replace some text of a task's definition, wherever that is in this form."""
    path = "tasks/shop.py" if form == "ibis" else f"tasks/{task}.sql"
    made.folder.edit(path, old, new)


def write(made: Site, table: pa.Table, path: str = "data/orders.parquet", **options: Any) -> None:
    """Write the source's Parquet file."""
    file = made.root / path
    file.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(table, file, **options)


def orders(rows: Sequence[tuple[Any, ...]] = ROWS, schema: pa.Schema = SCHEMA) -> pa.Table:
    """Return the source's rows as a table."""
    columns = [pa.array([row[n] for row in rows], f.type) for n, f in enumerate(schema)]
    return pa.table(columns, schema=schema)


def changed(changes: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    """Return the source's rows with other values: by id, by column."""
    rows = [dict(zip(SCHEMA.names, row, strict=True)) for row in ROWS]
    return pa.Table.from_pylist([{**row, **changes.get(row["id"], {})} for row in rows], SCHEMA)
