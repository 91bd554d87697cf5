"""Projects to test with: a folder that is written to and edited, and the `shop` in it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIG = """
    [project]
    name = "shop"
    tasks = ["tasks"]
    warehouse = "warehouse"

    [vars]
    region = "eu"

    [sources.orders]
    format = "parquet"
    path = "data/orders.parquet"

    [sources.customers]
    format = "csv"
    path = "data/customers.csv"
"""
SALES = '''
    import ibis
    from cpgbuild import Catalog, compute, view


    @view
    def v_orders(catalog: Catalog) -> ibis.Table:
        """Orders of the region."""
        orders = catalog.table("orders")
        return orders.filter(orders.region == catalog.var("region"))


    @compute
    def sales(catalog: Catalog) -> ibis.Table:
        """What each customer spent."""
        orders = catalog.table("v_orders")
        return orders.group_by("customer_id").agg(amount=orders.amount.sum())
'''
TOP = """
    -- cpgbuild: kind = "compute"
    -- Who spent more than ten.
    SELECT c.name, s.amount
    FROM sales AS s
    JOIN customers AS c ON c.customer_id = s.customer_id
    WHERE s.amount > 10
"""
ORDERS = {
    "order_id": [1, 2, 3, 4],
    "customer_id": [1, 1, 2, 3],
    "region": ["eu", "eu", "eu", "us"],
    "amount": [12.5, 7.5, 3.0, 99.0],
}
CUSTOMERS = """
    customer_id,name
    1,ada
    2,bob
    3,eve
"""


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """A project's folder; texts are dedented, and folders are made as they are needed."""

    root: Path

    def write(self, path: str, text: str) -> Path:
        """Write a text file."""
        file = self._file(path)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place of a text file that says `old`."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} says {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Add lines to the end of a text file, after an empty one."""
        file = self.root / path
        file.write_text(file.read_text("utf-8") + "\n" + textwrap.dedent(text).lstrip("\n"))

    def parquet(
        self, path: str, columns: Mapping[str, Sequence[object]], schema: pa.Schema | None = None
    ) -> Path:
        """Write a Parquet file."""
        file = self._file(path)
        pq.write_table(pa.table(dict(columns), schema=schema), file)
        return file

    def _file(self, path: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def empty_project(root: Path, config: str = "") -> ProjectFolder:
    """Return a project with a configuration, an empty task folder and nothing else."""
    folder = ProjectFolder(root)
    folder.write("cpgbuild.toml", config)
    (root / "tasks").mkdir()
    return folder


def shop(root: Path) -> ProjectFolder:
    """Return the shop: orders and customers, `v_orders` → `sales` → `top` (with customers)."""
    folder = empty_project(root, CONFIG)
    folder.parquet("data/orders.parquet", ORDERS)
    folder.write("data/customers.csv", CUSTOMERS)
    folder.write("tasks/sales.py", SALES)
    folder.write("tasks/top.sql", TOP)
    return folder
