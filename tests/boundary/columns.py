"""An operator over the columns of one table, as a table expression."""

from collections.abc import Callable
from functools import partial

import ibis

from tests.boundary.tables import unbound

__all__ = ["Make", "columns"]

Make = Callable[[], ibis.Table]


def columns(table: str, **columns: Callable[[ibis.Table], ibis.Value]) -> dict[str, Make]:
    """One expression per column over `table`, each with the row's id."""

    def make(name: str, of: Callable[[ibis.Table], ibis.Value]) -> ibis.Table:
        t = unbound(table)
        return t.select(t.id, out=of(t))

    return {name: partial(make, name, of) for name, of in columns.items()}
