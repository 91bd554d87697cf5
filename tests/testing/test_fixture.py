"""The fixture `cpgbuild_task`, in a pytest of its own on a project that `cpgbuild init` wrote."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cpgbuild.project.starter import start_project

REPOSITORY = Path(__file__).parents[2]
MAPPED = """
import ibis
import pyarrow as pa
from cpgbuild import Catalog, compute, view


def shout(batch):
    names = [name.upper() for name in batch["customer"].to_pylist()]
    return pa.record_batch({"customer": batch["customer"], "loud": names})


@compute(map=shout, schema={"customer": "string", "loud": "string"})
def loud(catalog: Catalog) -> ibis.Table:
    return catalog.table("v_orders").select("customer")


@view(contributes_to="all_names")
def ours(catalog: Catalog) -> ibis.Table:
    return catalog.table("v_orders").select("customer")


@view(contributes_to="all_names")
def theirs(catalog: Catalog) -> ibis.Table:
    return catalog.table("loud").select(customer="loud")


@view
def v_drawn(catalog: Catalog) -> ibis.Table:
    return catalog.table("orders").mutate(drawn=ibis.random())


@compute
def drawn(catalog: Catalog) -> ibis.Table:
    draws = catalog.table("v_drawn")
    both = draws.union(draws)
    return both.agg(least=both.drawn.min())
"""


@pytest.fixture
def shop(tmp_path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    start_project(root)
    (root / "tasks/more.py").write_text(MAPPED)
    (root / "tests").mkdir()
    return root


def run(shop: Path, body: str, *options: str) -> subprocess.CompletedProcess:
    """Run a test of this body, as a user does."""
    text = f"import pyarrow as pa\n\n\ndef test_it(cpgbuild_task):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    (shop / "tests/test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cpgbuild.testing", *options, "tests"]
    # Named, and not found: the tree itself is what is tested, whatever is installed.
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(
        command, cwd=shop, env=environment, capture_output=True, text=True, check=False
    )


def passes(shop: Path, body: str) -> None:
    ended = run(shop, body)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def told(shop: Path, body: str) -> str:
    """Return what a test fails with."""
    ended = run(shop, body)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    lines = re.findall(r"^E {7}(.*)$", ended.stdout, re.MULTILINE)
    return "\n".join(lines)


def test_inputs_take_the_place_of_sources_and_views_between_are_evaluated(shop):
    passes(
        shop,
        """
        orders = [
            {"country": "uk", "amount": 2.0},
            {"country": "uk", "amount": 0.5},
            {"country": "us", "amount": 7},
        ]
        sales = cpgbuild_task("sales_by_country", orders=orders)
        assert isinstance(sales, pa.Table)
        assert sorted(sales.to_pylist(), key=lambda row: row["country"]) == [
            {"country": "uk", "orders": 1, "amount": 2.0},
            {"country": "us", "orders": 1, "amount": 7.0},
        ]
        """,
    )


def test_views_and_tables_may_be_given_themselves(shop):
    passes(
        shop,
        """
        view = pa.table({"country": ["uk", "uk"], "amount": [0.1, 0.2]})
        assert cpgbuild_task("sales_by_country", v_orders=view)["orders"].to_pylist() == [2]
        table = [{"country": "uk", "amount": 1.0}, {"country": "us", "amount": 2.0}]
        assert cpgbuild_task("compute.best_country", sales_by_country=table).to_pylist() == [
            {"country": "us", "amount": 2.0}
        ]
        assert cpgbuild_task("best_country", sales_by_country=[]).num_rows == 0
        """,
    )


def test_variables_and_views_can_be_asked_for(shop):
    passes(
        shop,
        """
        orders = [{"amount": 0.5}, {"amount": 0.1}]
        assert cpgbuild_task("v_orders", {"smallest": "0.3"}, orders=orders)["amount"].to_pylist() == [0.5]
        assert cpgbuild_task("v_orders", orders=orders).num_rows == 0
        """,
    )


def test_the_function_of_a_python_lane_task_is_called(shop):
    passes(
        shop,
        """
        orders = [{"customer": "ada", "amount": 5.0}]
        assert cpgbuild_task("loud", orders=orders).to_pylist() == [{"customer": "ada", "loud": "ADA"}]
        assert cpgbuild_task("loud", orders=[]).column_names == ["customer", "loud"]
        """,
    )


def test_a_dataset_of_several_parts_has_the_rows_of_all(shop):
    passes(
        shop,
        """
        orders = [{"customer": "ada", "amount": 5.0}]
        names = cpgbuild_task("all_names", orders=orders, loud=[{"loud": "EVE"}])
        assert sorted(names["customer"].to_pylist()) == ["EVE", "ada"]
        """,
    )


def test_a_view_that_builds_keep_as_a_table_need_not_be_given(shop):
    passes(shop, 'assert cpgbuild_task("drawn", orders=[{"amount": 1.0}]).num_rows == 1')


def test_nothing_is_read_of_sources_and_nothing_is_written_to_the_warehouse(shop):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "cpgbuild", "build"]
    subprocess.run(command, cwd=shop, env=environment, check=True, capture_output=True)
    before = {path: path.stat().st_mtime_ns for path in (shop / "warehouse").rglob("*")}
    # With the lock the source need not be there at all, as in a CI job.
    (shop / "data/orders.csv").unlink()
    passes(shop, 'assert cpgbuild_task("v_orders", orders=[{"amount": 5}]).num_rows == 1')
    assert before == {path: path.stat().st_mtime_ns for path in (shop / "warehouse").rglob("*")}


def test_dates_may_be_written_as_texts(shop):
    (shop / "data/orders.csv").write_text("order_id,day\n1,2024-01-01\n")
    (shop / "tasks/sales.py").unlink()
    (shop / "tasks/more.py").unlink()
    (shop / "tasks/best_country.sql").unlink()
    (shop / "tasks/v_days.sql").write_text("SELECT day FROM orders WHERE day > '2024-01-01'")
    passes(
        shop,
        """
        days = cpgbuild_task("v_days", orders=[{"day": "2024-01-01"}, {"day": "2024-01-02"}])
        assert str(days["day"][0].as_py()) == "2024-01-02"
        """,
    )


def test_what_is_not_given_is_named(shop):
    assert told(shop, 'cpgbuild_task("best_country")').splitlines()[0] == (
        "Failed: error[E150]: task `compute.best_country` cannot be evaluated without the rows of "
        "what it reads"
    )
    said = told(shop, 'cpgbuild_task("all_names", loud=[])')
    assert "missing  `orders`" in said
    assert "give them: `orders=[…]`" in said


def test_what_nobody_reads_is_refused(shop):
    said = told(shop, 'cpgbuild_task("best_country", sales_by_contry=[])')
    assert "error[E151]: task `compute.best_country` does not read `sales_by_contry`" in said
    assert "did you mean `sales_by_country`?" in said


def test_a_column_that_is_not_there_is_refused(shop):
    said = told(shop, 'cpgbuild_task("v_orders", orders=[{"contry": "uk"}])')
    assert "error[E152]: the rows given for `orders` do not fit: it has no column `contry`" in said
    assert "did you mean `country`?" in said


def test_a_value_of_another_type_is_refused_with_its_column(shop):
    said = told(shop, 'cpgbuild_task("v_orders", orders=[{"amount": "much"}])')
    assert "do not fit: column `amount`: " in said
    assert "amount: float64" in said
    said = told(shop, 'cpgbuild_task("v_orders", orders={"amount": 1.0})')
    assert "`dict` is neither an Arrow table nor a list of dictionaries" in said


def test_a_task_that_is_not_there_is_refused(shop):
    said = told(shop, 'cpgbuild_task("best_contry")')
    assert "`best_contry` is neither a dataset nor a task of this project" in said
    assert "error[E111]" in told(shop, 'cpgbuild_task("orders")')


def test_an_error_in_the_project_is_shown_as_the_command_line_does(shop):
    (shop / "tasks/best_country.sql").write_text("SELECT contry FROM sales_by_country")
    said = told(shop, 'cpgbuild_task("best_country", sales_by_country=[])')
    assert "error[E204]: column `contry` is not in dataset `sales_by_country`" in said
    assert "--> tasks/best_country.sql:1:8" in said


def test_the_plugin_loads_nothing_that_takes_time():
    code = "import cpgbuild.testing, sys; print([m for m in ('pyarrow', 'ibis', 'datafusion', 'rich', 'typer') if m in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip() == "[]", ended.stderr
