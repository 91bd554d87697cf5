"""`--json`: lines that scripts read, with the fields that are promised."""

import json

import pytest

from tests.support.commands import run, run_here

TASK = {"v", "event", "task", "dataset", "kind"}


def test_plan_says_what_would_run_and_why(project):
    planned = run_here("plan", "--json", folder=project.root).events("planned")
    assert [p["task"] for p in planned] == ["view.v_orders", "compute.sales", "compute.top"]
    assert [p["kind"] for p in planned] == ["view", "compute", "compute"]
    for record in planned:
        assert TASK | {"action", "reasons"} <= record.keys()
        assert record["action"] == "run"
        assert record["reasons"] == [{"code": "never_built", "dataset": record["dataset"]}]


def test_plan_says_what_would_not_run(project):
    run_here("build", folder=project.root)
    ended = run_here("plan", "--json", folder=project.root)
    assert {(p["action"], tuple(p["reasons"])) for p in ended.events("planned")} == {("skip", ())}
    assert ended.records[-1]["up_to_date"] == 3


def test_reasons_name_the_dataset_that_changed(project):
    run_here("build", folder=project.root)
    project.write("data/customers.csv", "customer_id,name\n1,ada\n")
    planned = run_here("plan", "--json", folder=project.root).events("planned")
    reasons = {p["task"]: p["reasons"] for p in planned if p["reasons"]}
    assert reasons == {"compute.top": [{"code": "data_changed", "dataset": "customers"}]}


def test_build_says_how_each_task_ended(project):
    ended = run("build", "--json", folder=project.root)
    built = ended.events("built")
    assert [b["task"] for b in built] == ["view.v_orders", "compute.sales", "compute.top"]
    assert [b["rows"] for b in built] == [None, 2, 1]
    for record in built:
        assert TASK | {"rows", "seconds", "reasons"} <= record.keys()
    again = run("build", "--json", folder=project.root)
    assert [r["event"] for r in again.records] == ["up_to_date"] * 3 + ["summary"]


def test_keyed_task_says_how_many_keys_ran(project):
    project.write(
        "tasks/same.py",
        """
        from cpgbuild import compute

        def same(rows):
            return rows

        SCHEMA = {"customer_id": "int64", "name": "string"}

        @compute(map=same, schema=SCHEMA, key="customer_id", content="name")
        def copy(catalog):
            return catalog.table("customers")
        """,
    )
    command = ("build", "--json", "--target", "copy")
    assert run_here(*command, folder=project.root).events("built")[0]["detail"] == "3 of 3 keys"
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,bo\n3,eve\n")
    assert run_here(*command, folder=project.root).events("built")[0]["detail"] == "1 of 3 keys"


def test_failed_task_is_followed_by_its_error_and_what_it_took_along(project):
    project.edit("tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum() * 99).cast("int8")')
    ended = run_here("build", "--json", folder=project.root)
    assert ended.code == 1
    assert ended.stderr == ""
    assert [r["event"] for r in ended.records] == ["built", "failed", "error", "skipped", "summary"]
    assert ended.events("skipped")[0]["because"] == "compute.sales"
    assert ended.events("failed")[0]["task"] == "compute.sales"


def test_impact_gives_distances_and_columns(project):
    impacted = run_here("impact", "orders", "--json", folder=project.root).events("impacted")
    assert [(i["task"], i["distance"]) for i in impacted] == [
        ("view.v_orders", 1),
        ("compute.sales", 2),
        ("compute.top", 3),
    ]
    assert impacted[0].keys() == TASK | {"distance", "columns"}
    assert impacted[2]["columns"] == ["amount", "customer_id"]


def test_impact_of_a_task(project):
    impacted = run_here("impact", "compute.sales", "--json", folder=project.root).events("impacted")
    assert [(i["task"], i["distance"]) for i in impacted] == [("compute.top", 1)]


def test_error_is_data(project):
    project.edit("tasks/top.sql", "FROM sales", "FROM salse")
    ended = run_here("build", "--json", folder=project.root)
    assert ended.code == 2
    assert ended.stderr == ""
    error, summary = ended.records
    assert error == {
        "v": 1,
        "event": "error",
        "code": "E203",
        "message": "dataset `salse` is not known",
        "place": {"path": str(project.root / "tasks/top.sql"), "line": 4, "column": 6},
        "facts": {
            "read by": "task `compute.top`",
            "known": "`sales`, `customers`, `orders`, `top`, 1 more",
        },
        "hint": "did you mean `sales`?",
    }
    assert summary["event"] == "summary"


def test_all_facts_of_an_error_are_there(project):
    project.write("tasks/more.sql", '-- cpgbuild: output = "sales"\nSELECT 1 AS one\n')
    error = run_here("plan", "--json", folder=project.root).events("error")[0]
    assert "more.sql" in json.dumps(error["facts"])
    assert "sales.py" in json.dumps(error["facts"])


@pytest.mark.parametrize(
    "command", ["plan", "build", "impact orders", "impact nothing", "build -t no", "plan --var x"]
)
def test_every_line_is_versioned_and_the_last_one_sums_up(project, command):
    records = run_here(*command.split(), "--json", folder=project.root).records
    assert all(record["v"] == 1 for record in records)
    assert [r["event"] for r in records].index("summary") == len(records) - 1
    counts = {"built", "unchanged", "up_to_date", "restored", "failed", "skipped", "seconds"}
    assert counts <= records[-1].keys()


def test_text_of_other_languages_is_kept(project):
    project.write("tasks/top.sql", "SELECT größe FROM orders\n")
    error = run_here("plan", "--json", folder=project.root).events("error")[0]
    assert error["message"] == "column `größe` is not in dataset `orders`"
