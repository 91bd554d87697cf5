"""Shifting: a small project of every kind of task that is edited at random, and what it must hold.

What a table must hold is worked out here in plain Python, from the sources and edits as they are.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from tests.support.projects import ProjectFolder, empty_project

Row = tuple[Any, ...]
Rows = Counter[Row]

CONFIG = """
    [project]
    name = "shifting"
    tasks = ["tasks"]
    warehouse = "warehouse"
    [engine]
    threads = 2
    [lanes]
    engine = 2
    [sources.orders]
    format = "parquet"
    path = "data/orders.parquet"
    [sources.customers]
    format = "delta"
    path = "data/customers"
    [sources.texts]
    format = "files"
    path = "data/texts"
"""
TABLES = """
    import time
    import ibis
    import pyarrow as pa
    from cpgbuild import Catalog, compute


    @compute
    def named(catalog: Catalog) -> ibis.Table:
        totals, customers = catalog.table("totals"), catalog.table("customers")
        joined = totals.join(customers, "customer")
        return joined.select("customer", "name", "total")


    @ibis.udf.scalar.python
    def slowly(n: int) -> int:
        if n % 500 == 0:
            time.sleep(0.06)
        return n * 2


    @compute
    def slow(catalog: Catalog) -> ibis.Table:
        orders = catalog.table("orders")
        return orders.select("id", "amount", twice=slowly(orders.id))


    def words(rows: pa.RecordBatch) -> pa.Table:
        found = []
        for row in rows.to_pylist():
            time.sleep(0.01)
            for word in row["content"].decode().split():
                found.append({"path": row["path"], "word": word.WORDS()})
        return pa.Table.from_pylist(found, pa.schema([("path", pa.string()), ("word", pa.string())]))


    @compute(map=words, key="path", content="sha256", schema={"path": "string", "word": "string"})
    def v_words(catalog: Catalog) -> ibis.Table:
        return catalog.table("texts").select("path", "sha256", "content")
"""
QUERIES = {
    "v_big": ('kind = "view"', "select id, day, customer, amount from orders where amount > LEAST"),
    "totals": ('kind = "compute"', "select customer, SUM as total from v_big group by customer"),
    "days": (
        'kind = "compute", partition_by = "FOLDERS"',
        "select day, customer, id, amount from v_big",
    ),
    "counts": (
        'kind = "compute", key = "word"',
        "select word, count(*) as n from v_words group by word",
    ),
    "lengths": (
        'kind = "compute", key = "path"',
        "select path, count(*) as n from v_words group by path",
    ),
    "low": (
        'kind = "compute", contributes_to = "parts"',
        "select id, 'low' as part from orders where amount <= LEAST",
    ),
    "high": (
        'kind = "compute", contributes_to = "parts"',
        "select id, 'high' as part from orders where amount > LEAST",
    ),
    "part_sizes": ('kind = "compute"', "select part, count(*) as n from parts group by part"),
    "v_rank": (
        'kind = "view"',
        """
        select id, customer, row_number() over (partition by customer order by day) as place
        from orders
        """,
    ),
    "rank_first": ('kind = "compute"', "select id, customer from v_rank where place = 1"),
    "rank_sums": (
        'kind = "compute"',
        "select customer, sum(id * place) as s from v_rank group by 1",
    ),
    "v_run": ('kind = "view"', "select uuid() as run"),
    "run_one": ('kind = "compute"', "select run from v_run"),
    "run_two": ('kind = "compute"', "select run, 1 as n from v_run"),
}
# Of these the rows are made anew in every build.
VOLATILE = frozenset({"v_run", "run_one", "run_two"})
# Different queries, the same rows.
SUMS = ("sum(amount)", "sum(amount) + count(*) - count(*)", "sum(amount * 2) / 2")
WORDS = ("upper", "lower", "title")
LEASTS = (20, 50, 80)
FOLDERS = ("day", "customer")
VERSIONS = 4
ORDERS = 1500
NAMES = ("ada", "bob", "eve")
TEXTS = ("One two", "three Three three", "", "FOUR", "one Five")


@dataclass
class Shifting:
    """The project as it is now: what was chosen of each thing that can be edited."""

    root: Path
    luck: random.Random
    orders: int = 0
    is_shuffled: bool = False
    customers: dict[int, str] = field(default_factory=lambda: dict.fromkeys(range(6), "ada"))
    texts: dict[str, str] = field(default_factory=lambda: {f"{n}.txt": TEXTS[0] for n in range(8)})
    sum: str = SUMS[0]
    words: str = WORDS[0]
    least: int = LEASTS[0]
    folders: str = FOLDERS[0]

    def __post_init__(self) -> None:
        self._folder: ProjectFolder = empty_project(self.root, CONFIG)
        (self.root / "data/texts").mkdir(parents=True)
        for write in (self._write_orders, self._write_customers, self._write_texts):
            write()
        self._write_tasks()

    def edit(self) -> None:
        """Change one to five things at random, often back to what they once were."""
        edits: list[Callable[[], None]] = [
            self._edit_orders,
            self._edit_customers,
            self._edit_texts,
            *[self._edit_tasks] * 3,
        ]
        for _ in range(self.luck.randint(1, 5)):
            self.luck.choice(edits)()
        self.__dict__.pop("wanted", None)

    def _edit_orders(self) -> None:
        self.orders = self.luck.randrange(VERSIONS)
        self.is_shuffled = self.luck.random() < 0.5
        self._write_orders()

    def _edit_customers(self) -> None:
        table = DeltaTable(self.root / "data/customers")
        match self.luck.randrange(5):
            case 0:
                table.optimize.compact()
            case 1 if len(self.customers) < 12:
                number = len(self.customers)
                self.customers[number] = self.luck.choice(NAMES)
                rows = _customers({number: self.customers[number]})
                write_deltalake(table, rows, mode="append")
            case 2 if len(self.customers) > 3:
                number, _ = self.customers.popitem()
                table.delete(f"customer = {number}")
            case _:
                self.customers = dict.fromkeys(self.customers, self.luck.choice(NAMES))
                self._write_customers()

    def _edit_texts(self) -> None:
        for _ in range(self.luck.randint(1, 4)):
            name = f"{self.luck.randrange(10)}.txt"
            if name in self.texts and len(self.texts) > 2 and self.luck.random() < 0.2:
                del self.texts[name]
            else:
                self.texts[name] = self.luck.choice(TEXTS)
        self._write_texts()

    def _edit_tasks(self) -> None:
        match self.luck.randrange(7):
            case 0:
                self.words = self.luck.choice(WORDS)
            case 1 | 2:
                self.sum = self.luck.choice(SUMS)
            case 3 | 4:
                self.least = self.luck.choice(LEASTS)
            case _:
                self.folders = self.luck.choice(FOLDERS)
        self._write_tasks()

    def _write_orders(self) -> None:
        rows = list(self._order_rows)
        if self.is_shuffled:
            random.Random(1).shuffle(rows)
        names = ("id", "day", "customer", "amount")
        columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        # As an editor does it: nobody sees half of a file.
        draft = self._folder.parquet("data/.draft", columns)
        draft.replace(self.root / "data/orders.parquet")

    def _write_customers(self) -> None:
        write_deltalake(self.root / "data/customers", _customers(self.customers), mode="overwrite")

    def _write_texts(self) -> None:
        folder = self.root / "data/texts"
        shutil.rmtree(folder)
        folder.mkdir()
        for name, text in self.texts.items():
            (folder / name).write_text(text)

    def _write_tasks(self) -> None:
        chosen = {"SUM": self.sum, "LEAST": str(self.least), "FOLDERS": self.folders}
        for name, (header, query) in QUERIES.items():
            text = f"-- cpgbuild: {header}\n{query}\n"
            for word, value in chosen.items():
                text = text.replace(word, value)
            self._folder.write(f"tasks/{name}.sql", text)
        self._folder.write("tasks/tables.py", TABLES.replace("WORDS", self.words))

    @property
    def _order_rows(self) -> Iterable[tuple[int, str, int, int]]:
        n = self.orders
        return [(i, f"d{i % 3}", i % 7, (i * 37 + n * 11) % 100) for i in range(ORDERS - n)]

    @cached_property
    def wanted(self) -> dict[str, Rows]:
        """What the tables must hold, but for those whose rows are not told by what they read."""
        orders = list(self._order_rows)
        big = [row for row in orders if row[3] > self.least]
        totals: Counter[int] = Counter()
        for _, _, customer, amount in big:
            totals[customer] += amount
        said = [
            (path, getattr(word, self.words)())
            for path, text in self.texts.items()
            for word in text.split()
        ]
        low, high = len(orders) - len(big), len(big)
        return {
            "totals": Counter(totals.items()),
            "named": Counter(
                (number, self.customers[number], total)
                for number, total in totals.items()
                if number in self.customers
            ),
            "days": Counter((day, customer, i, amount) for i, day, customer, amount in big),
            "slow": Counter((i, amount, 2 * i) for i, _, _, amount in orders),
            "v_words": Counter(said),
            "counts": Counter(Counter(word for _, word in said).items()),
            "lengths": Counter(Counter(path for path, _ in said).items()),
            "parts.low": Counter((row[0], "low") for row in orders if row[3] <= self.least),
            "parts.high": Counter((row[0], "high") for row in big),
            "part_sizes": Counter((part, n) for part, n in (("low", low), ("high", high)) if n),
        }

    def is_ranking(self, rows: Rows) -> bool:
        """Return whether rows are the orders, each customer's numbered in the order of days."""
        days = {row[0]: row[1] for row in self._order_rows}
        if {(i, c) for i, c, _ in rows} != {(row[0], row[2]) for row in self._order_rows}:
            return False
        numbered: dict[int, list[tuple[int, str]]] = {}
        for i, customer, place in rows.elements():
            numbered.setdefault(customer, []).append((place, days[i]))
        return all(
            [place for place, _ in sorted(one)] == list(range(1, len(one) + 1))
            and [day for _, day in sorted(one)] == sorted(day for _, day in one)
            for one in numbered.values()
        )


# What is made of what a kept view holds.
OF_KEPT: dict[str, tuple[str, Callable[[Rows], Rows]]] = {
    "rank_first": ("v_rank", lambda rows: Counter((i, c) for i, c, place in rows if place == 1)),
    "rank_sums": ("v_rank", lambda rows: Counter(_sums(rows).items())),
    "run_one": ("v_run", lambda rows: rows),
    "run_two": ("v_run", lambda rows: Counter((run, 1) for (run,) in rows)),
}


def _sums(rows: Rows) -> Counter[int]:
    sums: Counter[int] = Counter()
    for i, customer, place in rows:
        sums[customer] += i * place
    return sums


def _customers(rows: dict[int, str]) -> pa.Table:
    schema = pa.schema([("customer", pa.int64()), ("name", pa.string())])
    return pa.table([list(rows), list(rows.values())], schema=schema)


def rows_of(table: DeltaTable) -> Rows:
    """Return the rows of a table with how often each is there, read by Arrow and not the engine."""
    folder = Path(table.table_uri.removeprefix("file://"))
    names = [f.name for f in table.schema().fields]
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    rows: Rows = Counter()
    for action in actions:
        given = {n.removeprefix("partition."): v for n, v in action.items() if "partition." in n}
        columns = pq.ParquetFile(folder / action["path"]).read().to_pydict()
        count = action["num_records"]
        rows.update(zip(*(columns.get(n) or [given[n]] * count for n in names), strict=True))
    return rows
