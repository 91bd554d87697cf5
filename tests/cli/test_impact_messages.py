"""`impact` of a column, and of what changed since a commit."""

from __future__ import annotations

import shutil

import pytest

from tests.support.commands import run_here
from tests.support.commits import commit


def reached(project, *arguments: str) -> dict[str, tuple[int, str, str]]:
    found = run_here("impact", *arguments, "--json", folder=project.root).events("impacted")
    return {
        i["task"]: (i["distance"], " ".join(i["columns"]), " ".join(i.get("affects", ())))
        for i in found
    }


def test_column_of_a_source(project, says):
    assert says("impact orders.amount", project.root).code == 0


def test_column_that_decides_which_rows_there_are(project, says):
    assert says("impact orders.region", project.root).code == 0


def test_column_that_nobody_requires(project, says):
    project.edit(
        "tasks/sales.py",
        'orders = catalog.table("orders")\n    return',
        'orders = catalog.table("orders").drop("order_id")\n    return',
    )
    assert says("impact orders.order_id", project.root).code == 0


def test_column_of_a_view_of_a_table_and_of_a_task(project):
    assert reached(project, "v_orders.amount") == {
        "compute.sales": (1, "amount", "amount"),
        "compute.top": (2, "amount", "name amount"),
    }
    assert reached(project, "sales.customer_id") == {
        "compute.top": (1, "customer_id", "name amount")
    }
    assert reached(project, "compute.sales.amount") == {"compute.top": (1, "amount", "name amount")}
    assert reached(project, "top.name") == {}


def test_dataset_as_a_whole(project):
    found = run_here("impact", "customers", "--json", folder=project.root).events("impacted")
    assert [(i["task"], "affects" in i) for i in found] == [("compute.top", False)]


def test_unknown_column(project, says):
    assert says("impact orders.amuont", project.root).code == 2


def test_column_of_an_unknown_dataset(project, says):
    assert says("impact order.amount", project.root).code == 2


def test_column_of_a_source_that_nobody_reads(project):
    project.append("cpgbuild.toml", '[sources.idle]\nformat = "csv"\npath = "data/customers.csv"\n')
    assert reached(project, "idle.name") == {}
    assert run_here("impact", "idle.nam", folder=project.root).code == 2


def test_neither_a_name_nor_a_commit(project, says):
    assert says("impact", project.root).code == 2


QUERIES = {
    "joined": "SELECT o.order_id, c.name FROM orders o JOIN customers c USING (customer_id)",
    "counted": "SELECT count(*) AS n FROM orders",
    "counted_joined": "SELECT count(*) AS n FROM joined",
    "everything": "SELECT * FROM orders",
    "summed": "SELECT region, sum(amount) AS total FROM orders GROUP BY region",
    "ranked": "SELECT order_id, row_number() OVER (ORDER BY amount, order_id) AS r FROM orders",
    "from_ranked": "SELECT r FROM ranked",
    "not_ranked": "SELECT order_id FROM ranked",
    "both": "SELECT order_id AS id FROM orders UNION ALL SELECT customer_id FROM customers",
}
PARTS = """
    from cpgbuild import compute, view

    SCHEMA = {"order_id": "int64", "n": "int64"}

    def same(rows):
        return rows

    @view(contributes_to="parts")
    def of_orders(catalog):
        return catalog.table("orders").select(k="order_id", v="amount")

    @view(contributes_to="parts")
    def of_customers(catalog):
        customers = catalog.table("customers")
        return customers.select(k="customer_id", v=customers.customer_id.cast("float64"))

    @view
    def part_values(catalog):
        return catalog.table("parts").select("v")

    @compute(map=same, schema=SCHEMA)
    def mapped(catalog):
        orders = catalog.table("orders")
        return orders.select("order_id", n=orders.amount.cast("int64"))

    @view
    def from_mapped(catalog):
        return catalog.table("mapped").select("order_id")
"""


@pytest.fixture
def wide(project):
    (project.root / "tasks/sales.py").unlink()
    (project.root / "tasks/top.sql").unlink()
    for name, query in QUERIES.items():
        project.write(f"tasks/{name}.sql", query + "\n")
    project.write("tasks/parts.py", PARTS)
    return project


def test_each_column_reaches_what_is_made_of_it(wide):
    assert reached(wide, "orders.amount") == {
        "view.everything": (1, "amount", "amount"),
        "view.summed": (1, "amount", "total"),
        "view.ranked": (1, "amount", "r"),
        "view.from_ranked": (2, "r", "r"),
        "view.of_orders": (1, "amount", "v"),
        "view.part_values": (2, "v", "v"),
        "compute.mapped": (1, "amount", "order_id n"),
        "view.from_mapped": (2, "order_id", "order_id"),
    }
    assert reached(wide, "orders.customer_id") == {
        "view.everything": (1, "customer_id", "customer_id"),
        "view.joined": (1, "customer_id", "order_id name"),
        "view.counted_joined": (2, "", "n"),
    }
    assert reached(wide, "customers.name") == {"view.joined": (1, "name", "name")}
    assert set(reached(wide, "orders.region")) == {"view.everything", "view.summed"}
    assert set(reached(wide, "parts.k")) == set()


@pytest.fixture
def committed(project):
    """The shop, built and committed; then there is no data any more."""
    run_here("build", folder=project.root)
    project.write(".gitignore", ".cpgbuild/\nwarehouse/\ndata/\n__pycache__/\n")
    commit(project.root)
    shutil.rmtree(project.root / "data")
    return project


def test_nothing_changed(committed, says):
    committed.edit("tasks/sales.py", "Orders of the region", "The region's orders")
    assert says("impact --since start", committed.root).code == 0


def test_what_changed_reaches_its_readers(committed, says):
    committed.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    assert says("impact --since start", committed.root).code == 0


def test_view_that_changed(committed, says):
    committed.edit("tasks/sales.py", "orders.region == ", "orders.region != ")
    assert says("impact --since start", committed.root).code == 0


def test_column_added_to_a_view_reaches_only_who_uses_it(committed):
    committed.edit(
        "tasks/sales.py",
        'catalog.var("region"))\n',
        'catalog.var("region")).mutate(twice=orders.amount * 2)\n',
    )
    assert set(reached(committed, "--since", "start")) == {"view.v_orders"}


def test_tasks_added_and_removed(committed, says):
    (committed.root / "tasks/top.sql").unlink()
    committed.write("tasks/names.sql", "SELECT name FROM customers\n")
    committed.write("tasks/some.sql", "SELECT amount FROM sales\n")
    assert says("impact --since start", committed.root).code == 0


def test_source_whose_schema_changed(committed, says):
    columns = {"order_id": [1], "customer_id": [1], "region": ["eu"], "amount": [2], "more": [1]}
    committed.parquet("data/orders.parquet", columns)
    assert says("impact --since start", committed.root).code == 0


def test_only_what_lies_behind_a_name(committed, says):
    committed.edit("tasks/sales.py", "orders.region == ", "orders.region != ")
    assert says("impact sales --since start", committed.root).code == 0
    assert set(reached(committed, "v_orders.customer_id", "--since", "start")) == {
        "compute.sales",
        "compute.top",
    }


def test_project_below_the_repository(tmp_path, project):
    run_here("build", folder=project.root)
    commit(project.root, top=tmp_path)
    project.edit("tasks/top.sql", "s.amount > 10", "s.amount > 11")
    assert set(reached(project, "--since", "HEAD")) == {"compute.top"}


def test_variable_of_the_command_line(committed):
    found = reached(committed, "--since", "start", "--var", "region=us")
    assert set(found) == {"view.v_orders", "compute.sales", "compute.top"}


def test_json(committed):
    committed.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    (committed.root / "tasks/top.sql").unlink()
    committed.write(
        "tasks/names.sql", "SELECT name FROM customers JOIN sales USING (customer_id)\n"
    )
    ended = run_here("impact", "--since", "start", "--json", folder=committed.root)
    *found, summary = ended.records
    start = {"v": 1, "event": "impacted"}
    top = {"task": "compute.top", "dataset": "top", "kind": "compute"}
    names = {"task": "view.names", "dataset": "names", "kind": "view"}
    sales = {"task": "compute.sales", "dataset": "sales", "kind": "compute"}
    through = {"change": "upstream", "detail": "through sales", "through": "sales"}
    assert found == [
        start | top | {"distance": 0, "columns": [], "because": [{"change": "removed"}]},
        start | sales | {"distance": 0, "columns": [], "because": [{"change": "query"}]},
        start
        | names
        | {"distance": 0, "columns": ["customer_id"], "because": [{"change": "added"}, through]},
    ]
    assert summary["event"] == "summary"


def test_json_of_a_source(committed):
    committed.parquet(
        "data/orders.parquet", {c: ["1"] for c in ("customer_id", "region", "amount")}
    )
    committed.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    ended = run_here("impact", "--since", "start", "--json", folder=committed.root)
    change = {"change": "schema", "detail": "order_id removed"}
    assert {"v": 1, "event": "source_changed", "source": "orders"} | change in ended.records


def test_no_repository(project, says):
    assert says("impact --since main", project.root).code == 2


def test_unknown_commit(committed, says):
    assert says("impact --since mian", committed.root).code == 2


def test_commit_that_looks_like_an_option(committed):
    ended = run_here("impact", "--since", "--output=x", folder=committed.root)
    assert ended.code == 2
    assert "E407" in ended.stderr


def test_commit_without_a_lock(project, says):
    commit(project.root)
    assert says("impact --since start", project.root).code == 2


def test_commit_with_a_lock_of_another_version(committed, says):
    committed.edit("cpgbuild.lock", "version = 2\n", "version = 1\n")
    commit(committed.root, tag="old")
    assert says("impact --since old", committed.root).code == 2
