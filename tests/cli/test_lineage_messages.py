"""`lineage`: where columns come from and where they go, through views."""

from __future__ import annotations

from tests.support.commands import run_here


def test_lineage_of_a_column_up_and_down(project, says):
    assert says("lineage sales.amount", project.root).code == 0


def test_lineage_of_a_column_with_all_that_decides_it(project, says):
    assert says("lineage top.name -v --up", project.root).code == 0


def test_lineage_of_a_dataset(project, says):
    assert says("lineage sales", project.root).code == 0


def test_lineage_of_a_source(project, says):
    assert says("lineage orders --down", project.root).code == 0


def test_lineage_of_a_column_of_a_source(project, says):
    assert says("lineage orders.amount", project.root).code == 0


def test_lineage_of_what_several_tasks_make(project, says):
    for name, source in (("old", "orders"), ("new", "v_orders")):
        project.write(
            f"tasks/{name}.sql",
            f"""
            -- cpgbuild: contributes_to = "all_orders"
            SELECT order_id, amount FROM {source}
            """,
        )
    assert says("lineage all_orders.amount", project.root).code == 0


def test_lineage_of_a_column_that_is_not_there(project, says):
    assert says("lineage sales.amunt", project.root).code == 2


def test_lineage_of_what_nobody_knows(project, says):
    assert says("lineage salse.amount", project.root).code == 2


def test_lineage_as_records(project):
    found = run_here("lineage", "top.amount", "--json", folder=project.root).events("lineage")
    up = [(r["distance"], f"{r['dataset']}.{r['column']}", r["task"]) for r in found]
    assert up == [
        (0, "top.amount", "compute.top"),
        (1, "sales.amount", "compute.sales"),
        (2, "v_orders.amount", "view.v_orders"),
        (3, "orders.amount", None),
    ]
    assert found[1]["expression"] == "sum(v_orders.amount)"
    assert found[1]["uses"] == [{"dataset": "v_orders", "column": "amount", "use": "aggregation"}]
    assert found[1]["rows"] == [{"dataset": "v_orders", "column": "customer_id", "use": "group"}]
    assert {r["direction"] for r in found} == {"up"}
