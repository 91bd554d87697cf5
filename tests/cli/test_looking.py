"""`ls`, `show`, `query`, `history`, `diff`: what is there now, and what was there before."""

from __future__ import annotations

import json
import shutil

import pyarrow.parquet as pq
import pytest

from tests.support.commands import run, run_here


@pytest.fixture
def built(project):
    assert run_here("build", folder=project.root).code == 0
    return project


def rows(project, *arguments: str) -> list[dict[str, object]]:
    return [r["values"] for r in run_here(*arguments, "--json", folder=project.root).events("row")]


# -- ls ----------------------------------------------------------------------------------------


def test_ls_of_a_new_project(project, says):
    assert says("ls orders v_orders sales top", project.root).code == 0


def test_ls_says_what_is_stale_and_why(built):
    built.write("data/customers.csv", "customer_id,name\n1,ada\n")
    found = run_here("ls", "--json", folder=built.root).events("dataset")
    assert {d["dataset"]: d["state"] for d in found} == {
        "customers": "there",
        "orders": "there",
        "v_orders": "up to date",
        "sales": "up to date",
        "top": "stale",
    }
    (top,) = [d for d in found if d["dataset"] == "top"]
    assert top["reasons"] == [{"code": "data_changed", "dataset": "customers"}]
    assert (top["kind"], top["rows"], top["columns"]) == ("table", 1, 2)
    assert top["bytes"] > 100
    assert top["built"].endswith("Z")


def test_ls_of_a_pattern_lists_what_it_means_and_nothing_that_it_needs(built):
    found = run_here("ls", "t*", "--json", folder=built.root).events("dataset")
    assert [d["dataset"] for d in found] == ["top"]


def test_ls_of_a_source_that_is_not_there(built, says):
    shutil.move(built.root / "data", built.root / "elsewhere")
    assert says("ls", built.root).code == 2


def test_ls_of_a_listing_of_nothing(project):
    project.append("cpgbuild.toml", '[sources.extra]\nformat = "files"\npath = ""\n')
    (extra,) = run_here("ls", "extra", "--json", folder=project.root).events("dataset")
    assert (extra["bytes"], extra["description"]) == (0, "files: nothing, its path is empty")


def test_a_listing_of_nothing_has_no_rows(project):
    project.append("cpgbuild.toml", '[sources.extra]\nformat = "files"\npath = ""\n')
    assert rows(project, "query", "SELECT count(*) AS n FROM extra") == [{"n": 0}]


def test_ls_of_what_nobody_knows(project, says):
    assert says("ls sails", project.root).code == 2


# -- show --------------------------------------------------------------------------------------


def test_show_of_a_table(built, says):
    assert says("show top", built.root).code == 0


def test_show_evaluates_a_view(built):
    found = rows(built, "show", "v_orders", "--columns", "order_id,amount", "--where", "amount > 5")
    assert sorted(found, key=str) == [
        {"order_id": 1, "amount": 12.5},
        {"order_id": 2, "amount": 7.5},
    ]


def test_show_of_a_source_before_anything_was_built(project, says):
    assert says("show orders --limit 2", project.root).code == 0


def test_show_of_what_is_not_built(project, says):
    assert says("show top", project.root).code == 2


def test_show_says_that_a_table_is_stale(built, says):
    built.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    assert says("show top", built.root).code == 0


def test_show_of_a_condition_that_is_wrong(built, says):
    assert says("show sales --where 'amunt > 3'", built.root).code == 2


def test_show_of_a_column_that_is_not_there(built, says):
    assert says("show sales --columns amunt", built.root).code == 2


def test_show_as_csv_json_and_parquet(built, tmp_path):
    csv = run_here("show", "sales", "-f", "csv", "-o", "sales.csv", folder=built.root)
    assert csv.stdout.startswith("wrote  sales.csv, 2 rows")
    assert sorted((built.root / "sales.csv").read_text().splitlines()) == [
        '"customer_id","amount"',
        "1,20",
        "2,3",
    ]
    run_here("show", "sales", "--out", "sales.jsonl", folder=built.root)
    lines = (built.root / "sales.jsonl").read_text().splitlines()
    assert sorted(map(json.loads, lines), key=str) == [
        {"customer_id": 1, "amount": 20.0},
        {"customer_id": 2, "amount": 3.0},
    ]
    run_here("show", "sales", "--out", "sales.parquet", folder=built.root)
    assert pq.read_table(built.root / "sales.parquet").num_rows == 2
    assert not list(built.root.glob(".*.part"))


def test_show_as_text_gives_the_values_of_one_column_as_they_are(built):
    ended = run("show", "customers", "-f", "text", "-c", "name", folder=built.root)
    names = [row["name"] for row in rows(built, "show", "customers")]
    assert ended.stdout == "".join(f"{name}\n" for name in names)


def test_show_as_text_of_several_columns(built, says):
    assert says("show sales --format text", built.root).code == 2


def test_show_through_a_pipe_gives_bytes_of_the_form(built):
    ended = run("show", "sales", "-f", "json", folder=built.root)
    assert sorted(json.loads(line)["customer_id"] for line in ended.stdout.splitlines()) == [1, 2]


@pytest.mark.parametrize(
    "options",
    ["--format xml", "--out nowhere/rows.csv", "--out rows.txt"],
    ids=["unknown", "unwritable", "text"],
)
def test_show_of_a_form_that_cannot_be(built, says, options):
    assert says(f"show sales {options}", built.root).code == 2


def test_show_in_two_forms_at_once(built):
    ended = run_here("show", "sales", "--json", "--format", "csv", folder=built.root)
    assert (ended.code, [r["code"] for r in ended.events("error")]) == (2, ["E116"])


def test_show_of_texts_that_would_move_the_cursor(project, says):
    project.write("data/customers.csv", 'customer_id,name\n1,"a\tb\x1b[31m\nc [bold]"\n2,\n')
    assert says("show customers", project.root).code == 0


def test_show_of_nested_values(project, says):
    project.write(
        "tasks/nested.sql",
        "SELECT named_struct('id', order_id, 'of', make_array(region, NULL)) AS pair,"
        " arrow_cast(region, 'Binary') AS raw, amount / 0 AS much FROM orders WHERE order_id = 1",
    )
    assert says("show nested", project.root).code == 0
    (found,) = rows(project, "show", "nested")
    assert found == {"pair": {"id": 1, "of": ["eu", None]}, "raw": "6575", "much": None}


# -- query -------------------------------------------------------------------------------------


def test_query_over_sources_views_and_tables(built):
    sql = (
        "SELECT c.name, s.amount, count(*) AS n FROM sales AS s JOIN customers AS c "
        "ON c.customer_id = s.customer_id JOIN v_orders AS o ON o.customer_id = s.customer_id "
        "GROUP BY c.name, s.amount ORDER BY c.name"
    )
    assert rows(built, "query", sql) == [
        {"name": "ada", "amount": 20.0, "n": 2},
        {"name": "bob", "amount": 3.0, "n": 1},
    ]


def test_query_that_is_recursive_over_a_table(built):
    sql = (
        "WITH RECURSIVE up AS (SELECT customer_id, 1 AS n FROM sales UNION ALL "
        "SELECT s.customer_id, n + 1 FROM sales AS s JOIN up ON up.customer_id = s.customer_id "
        "WHERE n < 3) SELECT count(*) AS rows FROM up"
    )
    assert rows(built, "query", sql) == [{"rows": 6}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM salse",
        "SELECT amunt FROM sales",
        "SELEC 1",
        "DROP TABLE sales",
        "SELECT sum(name) FROM customers",
    ],
    ids=["dataset", "column", "syntax", "statement", "types"],
)
def test_query_that_is_wrong(built, says, sql):
    assert says(f'query "{sql}"', built.root).code == 2


def test_query_that_fails_as_it_runs(built, says):
    assert says('query "SELECT 1 / (order_id - order_id) AS x FROM orders"', built.root).code == 1


def test_query_from_stdin(built, monkeypatch):
    import subprocess

    from tests.support.commands import COMMAND, environment

    ended = subprocess.run(
        [*COMMAND, "query", "-", "-f", "csv"],
        input="SELECT count(*) AS n FROM orders",
        cwd=built.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == ['"n"', "4"]


# -- history and diff --------------------------------------------------------------------------


@pytest.fixture
def changed(built):
    built.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    assert run_here("build", folder=built.root).code == 0
    return built


def test_history_of_builds(changed, says):
    assert says("history", changed.root).code == 0


def test_history_of_a_table(changed, says):
    assert says("history sales", changed.root).code == 0


def test_history_of_a_new_project(project, says):
    assert says("history", project.root).code == 0


def test_history_of_a_view(project, says):
    assert says("history v_orders", project.root).code == 2


def test_history_tells_of_failures_and_of_builds_elsewhere(built):
    built.edit("tasks/sales.py", "orders.amount.sum()", "(1 / (orders.order_id - 1)).sum()")
    built.edit("tasks/top.sql", "s.amount > 10", "1 / (s.customer_id - s.customer_id) > 1")
    assert run_here("build", folder=built.root).code == 1
    (failed, first) = run_here("history", "top", "--json", folder=built.root).events("state")
    assert (failed["version"], failed["run"]["event"]) == (None, "failed")
    assert "Divide by zero" in failed["run"]["error"]
    assert (first["version"], first["run"]["event"]) == (0, "built")
    # The table itself tells of it, where nothing else is left.
    shutil.rmtree(built.root / ".cpgbuild")
    (only,) = run_here("history", "top", "--json", folder=built.root).events("state")
    assert (only["version"], only["rows"], only["run"]) == (0, 1, None)


def test_history_tells_what_somebody_else_wrote(built):
    from deltalake import DeltaTable

    DeltaTable(built.root / "warehouse" / "top").delete()
    (foreign, ours) = run_here("history", "top", "--json", folder=built.root).events("state")
    assert (foreign["version"], foreign["ours"], foreign["rows"]) == (1, False, None)
    assert foreign["when"] >= ours["when"]
    assert (ours["version"], ours["ours"]) == (0, True)


def test_diff_of_the_last_two_versions(changed, says):
    assert says("diff sales", changed.root).code == 0


def test_diff_of_rows_with_one_key(changed, says):
    assert says("diff sales --key customer_id", changed.root).code == 0


def test_diff_of_columns(built, says):
    built.edit("tasks/sales.py", "amount=orders.amount.sum()", "total=orders.amount.sum()")
    built.edit("tasks/top.sql", "s.amount\n", "s.total\n")
    built.edit("tasks/top.sql", "WHERE s.amount", "WHERE s.total")
    assert run_here("build", folder=built.root).code == 0
    assert says("diff sales", built.root).code == 0


def test_diff_of_a_table_with_one_version(built, says):
    assert says("diff sales", built.root).code == 2


def test_diff_of_a_version_that_is_not_there(changed, says):
    assert says("diff sales --from 7", changed.root).code == 2


def test_diff_of_a_source(project, says):
    assert says("diff orders", project.root).code == 2


def test_diff_counts_rows_that_are_there_several_times(project):
    project.write("tasks/regions.sql", '-- cpgbuild: kind = "compute"\nSELECT region FROM orders')
    assert run_here("build", folder=project.root).code == 0
    project.parquet(
        "data/orders.parquet",
        {
            "order_id": [1, 2],
            "customer_id": [1, 1],
            "region": ["eu", "us"],
            "amount": [1.0, 2.0],
        },
    )
    assert run_here("build", folder=project.root).code == 0
    ended = run_here("diff", "regions", "--json", folder=project.root)
    assert ended.events("removed") == [
        {"v": 1, "event": "removed", "values": {"region": "eu"}},
    ]
    summary = ended.records[-1]
    assert (summary["added"], summary["removed"]) == (0, 2)
