"""Starter: the files of a new project, which builds at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cpgbuild.errors.project import ProjectExists
from cpgbuild.errors.run import WarehouseUnwritable

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """\
[project]
name = "{name}"
tasks = ["tasks"]
warehouse = "warehouse"

[vars]
smallest = "1.00"

[sources.orders]
format = "csv"
path = "data/orders.csv"
"""
_ORDERS = """\
order_id,customer,country,amount
1,ada,uk,20.00
2,bob,us,5.50
3,ada,uk,0.40
4,eve,fr,12.25
5,bob,us,31.00
"""
_TASKS = '''\
"""Views and tables of orders. Nothing is declared: what each needs follows from its expression."""

import ibis
from cpgbuild import Catalog, compute, view


@view
def v_orders(catalog: Catalog) -> ibis.Table:
    """Orders that are worth counting."""
    orders = catalog.table("orders")
    return orders.filter(orders.amount >= float(catalog.var("smallest")))


@compute
def sales_by_country(catalog: Catalog) -> ibis.Table:
    """Orders and their amount by country, as a Delta table."""
    orders = catalog.table("v_orders")
    return orders.group_by("country").agg(orders=orders.count(), amount=orders.amount.sum())
'''
_SQL = """\
-- cpgbuild: kind = "compute"
-- The country that sells most.
SELECT country, amount
FROM sales_by_country
ORDER BY amount DESC
LIMIT 1
"""
_IGNORE = ".cpgbuild/\nwarehouse/\ncpgbuild-docs.html\n__pycache__/\n"


def start_project(folder: Path) -> list[Path]:
    """Write a new project into a folder and return its files.

    Raises:
        ProjectExists: one of the files is already there; nothing was written.
        WarehouseUnwritable: the folder cannot be written.
    """
    name = re.sub(r"[^a-z0-9_]+", "_", folder.absolute().name.lower()).strip("_") or "project"
    files = {
        "cpgbuild.toml": _CONFIG.format(name=name),
        "data/orders.csv": _ORDERS,
        "tasks/sales.py": _TASKS,
        "tasks/best_country.sql": _SQL,
        ".gitignore": _IGNORE,
    }
    for relative in files:
        if (folder / relative).exists() and relative != ".gitignore":
            raise ProjectExists(str(folder / relative))
    written = []
    for relative, text in files.items():
        path = folder / relative
        if path.exists():
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise WarehouseUnwritable(str(folder), error) from error
        written.append(path)
    return written
