"""`plan --locked`: whether `cpgbuild.lock` is what a build would write, without any data."""

from __future__ import annotations

import shutil

import pytest

from tests.support.commands import run, run_here


@pytest.fixture
def locked(project):
    """The shop with its lock and nothing else: no sources, no tables, no state."""
    run_here("build", folder=project.root)
    for folder in ("data", "warehouse", ".cpgbuild"):
        shutil.rmtree(project.root / folder)
    return project


def test_lock_that_is_up_to_date(locked, says):
    assert says("plan --locked", locked.root).code == 0


def test_lock_is_compared_without_writing_anything(locked):
    before = {p: p.read_bytes() for p in locked.root.rglob("*") if p.is_file()}
    assert run("plan", "--locked", folder=locked.root, PYTHONDONTWRITEBYTECODE="1").code == 0
    assert {p: p.read_bytes() for p in locked.root.rglob("*") if p.is_file()} == before


def test_query_that_changed(locked, says):
    locked.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    assert says("plan --locked", locked.root).code == 3


def test_comment_and_docstring_change_nothing(locked):
    locked.edit("tasks/sales.py", "Orders of the region", "The region's orders")
    locked.edit("tasks/sales.py", "    return orders.filter", "    # why\n    return orders.filter")
    locked.edit("tasks/top.sql", "-- Who spent more than ten.", "-- Who spends.")
    assert run_here("plan", "--locked", folder=locked.root).code == 0


def test_view_that_changed_for_its_readers(locked, says):
    locked.edit("tasks/sales.py", "orders.region == ", "orders.region != ")
    assert says("plan --locked", locked.root).code == 3


def test_column_added_to_a_view_changes_only_who_uses_it(locked, says):
    locked.write("tasks/all.sql", "SELECT * FROM v_orders\n")
    locked.write("tasks/some.sql", "SELECT amount FROM v_orders\n")
    relock(locked)
    locked.edit(
        "tasks/sales.py",
        'catalog.var("region"))\n',
        'catalog.var("region")).mutate(twice=orders.amount * 2)\n',
    )
    assert says("plan --locked", locked.root).code == 3


def test_reads_that_changed(locked, says):
    locked.edit("tasks/sales.py", '"customer_id").agg', '"order_id").agg')
    locked.edit("tasks/top.sql", "c.customer_id = s.customer_id", "c.customer_id = s.order_id")
    locked.edit("tasks/top.sql", "SELECT c.name, s.amount", "SELECT s.amount")
    assert says("plan --locked", locked.root).code == 3


def test_task_added_and_task_removed(locked, says):
    (locked.root / "tasks/top.sql").unlink()
    locked.write("tasks/names.sql", "SELECT name FROM customers\n")
    assert says("plan --locked", locked.root).code == 3


def test_kind_that_changed(locked, says):
    locked.edit("tasks/sales.py", "@compute", "@view")
    assert says("plan --locked", locked.root).code == 3


def test_variable_that_changed(locked, says):
    locked.edit("cpgbuild.toml", 'region = "eu"', 'region = "us"')
    assert says("plan --locked", locked.root).code == 3


def test_source_that_is_read_no_more(locked, says):
    locked.edit("tasks/top.sql", "JOIN customers AS c ON c.customer_id = s.customer_id\n", "")
    locked.edit("tasks/top.sql", "c.name", "s.customer_id")
    assert says("plan --locked", locked.root).code == 3


def test_source_that_is_not_in_the_lock(locked, says):
    locked.append("cpgbuild.toml", '[sources.more]\nformat = "csv"\npath = "data/more.csv"\n')
    assert run_here("plan", "--locked", folder=locked.root).code == 0
    locked.write("tasks/more_names.sql", "SELECT * FROM more\n")
    locked.write("tasks/names.sql", "SELECT * FROM more_names JOIN customers USING (customer_id)\n")
    locked.edit("tasks/top.sql", "s.amount > 10", "s.amount > 11")
    assert says("plan --locked", locked.root).code == 3


def test_another_planner_may_be_why_plans_read_otherwise(locked):
    text = (locked.root / "cpgbuild.lock").read_text()
    line = next(line for line in text.splitlines() if line.startswith("planner"))
    locked.edit("cpgbuild.lock", line, 'planner = "datafusion 1, form 1"')
    assert run_here("plan", "--locked", folder=locked.root).code == 0
    locked.edit("tasks/top.sql", "s.amount > 10", "s.amount > 11")
    found = run_here("plan", "--locked", "--json", folder=locked.root).events("locked")
    assert [r["change"] for r in found] == ["planner", "query"]
    assert found[0]["detail"].startswith("datafusion 1, form 1 → datafusion ")


def test_lock_that_was_edited(locked, says):
    locked.append("cpgbuild.lock", "# by hand\n")
    assert says("plan --locked", locked.root).code == 3


def test_no_lock(project, says):
    assert says("plan --locked", project.root).code == 2


def test_lock_with_the_marks_of_a_merge(locked, says):
    locked.edit("cpgbuild.lock", "version = 2\n", "<<<<<<< HEAD\nversion = 2\n=======\n")
    assert says("plan --locked", locked.root).code == 2


def test_lock_of_another_version(locked, says):
    locked.edit("cpgbuild.lock", "version = 2\n", "version = 1\n")
    assert says("plan --locked", locked.root).code == 2


def test_lock_with_a_type_that_is_none(locked, says):
    locked.edit(
        "cpgbuild.lock", '[source.orders]\norder_id = "int64"', '[source.orders]\norder_id = "in64"'
    )
    assert says("plan --locked", locked.root).code == 2


def test_project_that_cannot_be_planned(locked, says):
    locked.edit("tasks/top.sql", "s.amount > 10", "s.total > 10")
    assert says("plan --locked", locked.root).code == 2


def test_options_that_do_not_go_with_it(locked, says):
    assert says("plan --locked --var region=us", locked.root).code == 2


def test_json(locked):
    locked.edit("tasks/sales.py", "orders.region == ", "orders.amount > 3, orders.region == ")
    locked.edit("tasks/sales.py", "amount=orders.amount.sum()", "total=orders.amount.sum()")
    locked.edit("tasks/top.sql", "c.name, s.amount", "c.name, s.total AS amount")
    locked.edit("tasks/top.sql", "s.amount > 10", "s.total > 10")
    ended = run_here("plan", "--locked", "--json", folder=locked.root)
    assert ended.code == 3
    assert ended.stderr == ""
    *found, summary = ended.records
    sales = {"v": 1, "event": "locked", "task": "compute.sales", "dataset": "sales"}
    sales |= {"kind": "compute"}
    assert found[:4] == [
        sales | {"change": "query"},
        sales | {"change": "schema", "detail": "total: float64 added"},
        sales | {"change": "schema", "detail": "amount removed"},
        sales
        | {"change": "view", "detail": "v_orders means something else", "through": "v_orders"},
    ]
    assert {(r["task"], r["change"]) for r in found[4:]} >= {
        ("compute.top", "query"),
        ("compute.top", "inputs"),
        ("view.v_orders", "query"),
    }
    assert summary["event"] == "summary"
    assert summary["changed"] == 3


def test_json_of_a_source(locked):
    locked.append("cpgbuild.toml", '[sources.more]\nformat = "csv"\npath = "data/more.csv"\n')
    locked.write("tasks/names.sql", "SELECT * FROM more\n")
    found = run_here("plan", "--locked", "--json", folder=locked.root).events("locked")
    task = {"task": "view.names", "dataset": "names", "kind": "view"}
    detail = "needs a source that is not in the lock"
    assert found == [
        {"v": 1, "event": "locked", "source": "more", "change": "added"},
        {"v": 1, "event": "locked"} | task | {"change": "unlocked", "detail": detail},
    ]


def test_json_of_a_lock_that_is_up_to_date(locked):
    (summary,) = run_here("plan", "--locked", "--json", folder=locked.root).records
    assert (summary["event"], summary["changed"]) == ("summary", 0)


def test_lock_with_code_is_the_same_under_other_versions(locked, monkeypatch):
    """Versions of Python and of packages decide what runs; they are not in the lock."""
    from cpgbuild.plan import origins

    locked.write(
        "tasks/code.py",
        """
        import ibis
        import pyarrow as pa
        from cpgbuild import compute, view

        def same(rows):
            return pa.record_batch(rows.columns, schema=rows.schema)

        @ibis.udf.scalar.python
        def twice(x: float) -> float:
            return x * len(pa.array([1, 2]))

        @compute(map=same, schema={"name": "string"})
        def copy(catalog):
            return catalog.table("customers").select("name")

        @view
        def v_twice(catalog):
            orders = catalog.table("orders")
            return orders.select("order_id", twice=twice(orders.amount))

        @compute
        def all_twice(catalog):
            return catalog.table("v_twice")
        """,
    )
    relock(locked)
    monkeypatch.setattr(origins, "_PYTHON", "python 9.9")
    monkeypatch.setattr(origins, "_versioned", lambda name: f"{name} 9.9")
    assert run_here("plan", "--locked", folder=locked.root).code == 0
    locked.edit("tasks/code.py", "x * len", "x + len")
    changed = run_here("plan", "--locked", "--json", folder=locked.root).events("locked")
    assert [(r["task"], r["change"]) for r in changed] == [
        ("compute.all_twice", "view"),
        ("view.v_twice", "query"),
    ]


def relock(project):
    """Write the lock as a build would, on the sources' schemas of the lock that is there."""
    from cpgbuild import api
    from cpgbuild.state.lock import read_lock, write_lock

    known = read_lock(project.root / "cpgbuild.lock")
    with api.opened(project.root, known=known) as workspace:
        assert write_lock(project.root, workspace.locked)
