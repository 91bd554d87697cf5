"""What is said of what runs and why: plan, build, why, and clean."""

import re

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from tests.support.commands import run_here
from tests.support.projects import ORDERS


@pytest.fixture
def built(project):
    assert run_here("build", folder=project.root).code == 0
    return project


def spend(project, amount):
    orders = ORDERS | {"amount": [amount, *ORDERS["amount"][1:]]}
    project.parquet("data/orders.parquet", orders)


def test_plan_says_what_may_run(built, says):
    built.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    assert says("plan", built.root).code == 0


def test_plan_says_what_comes_back(built, says):
    built.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    run_here("build", folder=built.root)
    built.edit("tasks/sales.py", "orders.amount.max()", "orders.amount.sum()")
    assert says("plan", built.root).code == 0


def test_build_says_what_came_out_the_same(built, says):
    spend(built, 12.5)
    built.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.sum() + 0.0")
    assert says("build", built.root).code == 0


def test_rows_in_another_order_are_no_change(built, says):
    turned = {name: values[::-1] for name, values in ORDERS.items()}
    built.parquet("data/orders.parquet", turned)
    assert says("build", built.root).code == 0


def test_why_of_what_is_up_to_date(built, says):
    assert says("why sales", built.root).code == 0


def test_why_of_what_was_never_built(project, says):
    assert says("why sales", project.root).code == 0


def test_why_of_an_edited_view(built, says):
    built.edit("tasks/sales.py", "orders.region ==", "orders.region >=")
    assert says("why sales", built.root).code == 0


def test_why_of_what_hangs_on_others(built, says):
    built.edit("tasks/sales.py", "orders.region ==", "orders.region >=")
    assert says("why top", built.root).code == 0


def test_why_of_a_source_that_was_written_over(built, says):
    spend(built, 1.0)
    assert says("why sales", built.root).code == 0


def test_why_of_the_same_rows_in_another_file(built, says):
    pq.write_table(pq.read_table(built.root / "data/orders.parquet"), built.root / "data/o")
    (built.root / "data/o").rename(built.root / "data/orders.parquet")
    turned = {name: values[::-1] for name, values in ORDERS.items()}
    built.parquet("data/orders.parquet", turned)
    assert says("why sales", built.root).code == 0


def test_why_of_a_table_that_was_edited(built, says):
    DeltaTable(built.root / "warehouse/sales").delete("customer_id = 1")
    assert says("why sales", built.root).code == 0


def test_why_of_a_table_upstream_that_changed(built, says):
    spend(built, 1.0)
    run_here("build", "--target", "sales", folder=built.root)
    assert says("why top", built.root).code == 0


def test_why_of_a_view(built, says):
    assert says("why v_orders", built.root).code == 0


def test_why_as_json(built):
    built.edit("tasks/sales.py", "orders.region ==", "orders.region >=")
    ended = run_here("why", "sales", "--json", folder=built.root)
    explained, summary = ended.records
    assert summary["event"] == "summary"
    assert explained["event"] == "explained"
    assert explained["action"] == "run"
    assert explained["reasons"] == [{"code": "plan_changed", "dataset": "v_orders"}]
    assert explained["last"]["rows"] == 2
    (query,) = explained["queries"]
    assert query["task"] == "view.v_orders"
    assert any(line.startswith("-") for line in query["diff"])
    (state,) = explained["inputs"]
    assert state["dataset"] == "orders"
    assert state["columns"] == ["amount", "customer_id", "region"]
    assert state["changed"] == []


def test_clean_frees_what_no_revert_needs(built, says):
    for amount in (1.0, 2.0, 3.0):
        spend(built, amount)
        run_here("build", folder=built.root)
    would = run_here("clean", "--dry-run", "--keep", "1", "--hours", "0", folder=built.root)
    did = says("clean --keep 1 --hours 0 --yes", built.root)
    assert re.sub(r"would be freed", "freed", would.stdout) == did.stdout
    assert run_here("clean", "--keep", "1", "--hours", "0", "-y", folder=built.root).stdout == (
        "Nothing to clean\n"
    )
    assert run_here("plan", "--exit-code", folder=built.root).code == 0
    spend(built, 12.5)
    assert run_here("build", folder=built.root).code == 0, "what is gone is computed again"


def test_clean_keeps_what_a_revert_needs(built):
    spend(built, 1.0)
    run_here("build", folder=built.root)
    run_here("clean", "--keep", "2", "--hours", "0", "--yes", folder=built.root)
    spend(built, 12.5)
    ended = run_here("build", "--json", folder=built.root)
    assert {r["task"] for r in ended.events("restored")} == {"compute.sales", "compute.top"}
