"""What is said of checks: of rows that break them, and of those that cannot be made."""

import json

import pytest

from tests.support.commands import run_here
from tests.support.projects import ProjectFolder

SPENT = '''
import ibis
from cpgbuild import Catalog, compute


def too_little(spent):
    """Nobody spends so little."""
    return spent.filter(spent.amount < 5)


def odd(spent, catalog):
    {body}


@compute(
    tags=["money"],
    {options},
)
def spent(catalog: Catalog) -> ibis.Table:
    orders = catalog.table("orders")
    return orders.group_by("customer_id").agg(amount=orders.amount.sum())
'''
WIDE = """
    -- cpgbuild: kind = "compute", {checks}
    SELECT *, 'a text that is far too long to be shown as it is' AS note,
        order_id AS number, region AS country, amount * 2 AS twice, amount * 3 AS thrice
    FROM orders
"""


def spent(project: ProjectFolder, options: str, body: str = "return spent.limit(0)") -> None:
    project.write("tasks/spent.py", SPENT.format(options=options, body=body))


def fails(says, project: ProjectFolder, command: str = "build --target spent") -> None:
    assert says(command, project.root).code in {1, 2}


def test_rows_that_break_a_function(project, says):
    spent(project, "checks=[too_little]")
    fails(says, project)


def test_rows_that_break_several_checks(project, says):
    project.write("tasks/wide.sql", WIDE.format(checks='unique="customer_id", not_null="order_id"'))
    project.parquet(
        "data/orders.parquet",
        {
            "order_id": [None, 2, 3, 4],
            "customer_id": [1, 1, 2, 2],
            "region": ["eu", None, "two\nlines", "us"],
            "amount": [12.5, 7.5, 3.0, 99.0],
        },
    )
    fails(says, project, "build --target wide")


def test_rows_that_break_a_check_of_a_view(project, says):
    header = '-- cpgbuild: accepted_values = {region = ["eu", "asia"]}'
    project.write("tasks/v_regions.sql", f"{header}\nSELECT order_id, region FROM orders\n")
    project.write("tasks/regions.sql", '-- cpgbuild: kind = "compute"\nSELECT * FROM v_regions\n')
    fails(says, project, "build --target regions --keep-going")


def test_rows_without_what_they_relate_to(project, says):
    spent(project, 'relationships={"customer_id": "top.amount"}')
    fails(says, project)


def test_check_that_cannot_be_evaluated(project, says):
    checks = 'checks = {odd = "SELECT * FROM wide WHERE CAST(region AS INT) > 1"}'
    project.write("tasks/wide.sql", WIDE.format(checks=checks))
    fails(says, project, "build --target wide")


def test_check_of_an_unknown_column(project, says):
    spent(project, 'not_null=[\n        "customer_id",\n        "amont",\n    ]')
    fails(says, project)


def test_check_of_an_unknown_column_in_a_header(project, says):
    project.write("tasks/wide.sql", WIDE.format(checks='unique = [["order_id", "regoin"]]'))
    fails(says, project, "build --target wide")


def test_relationship_to_an_unknown_dataset(project, says):
    spent(project, 'relationships={"customer_id": "costumers.customer_id"}')
    fails(says, project)


def test_relationship_to_an_unknown_column(project, says):
    spent(project, 'relationships={"customer_id": "customers.id"}')
    fails(says, project)


def test_relationship_in_a_circle(project, says):
    spent(project, 'relationships={"customer_id": "spenders.customer_id"}')
    project.write("tasks/spenders.sql", "SELECT customer_id FROM spent WHERE amount > 10\n")
    fails(says, project)


def test_relationship_without_a_column(project, says):
    spent(project, 'relationships={"customer_id": "customers"}')
    fails(says, project)


def test_accepted_values_that_are_none(project, says):
    spent(project, 'accepted_values={"customer_id": []}')
    fails(says, project)


def test_unique_that_is_no_list(project, says):
    spent(project, 'unique={"customer_id"}')
    fails(says, project)


def test_option_that_is_almost_one(project, says):
    spent(project, 'not_nul=["customer_id"]')
    fails(says, project)


def test_check_that_returns_no_table(project, says):
    spent(project, "checks=[odd]", "return spent.amount < 0")
    fails(says, project)


def test_check_that_raises(project, says):
    spent(project, "checks=[odd]", "return spent.filter(spent.amout < 0)")
    fails(says, project)


def test_check_without_a_name(project, says):
    spent(project, "checks=[lambda spent: spent]")
    fails(says, project)


def test_query_of_a_check_that_is_none(project, says):
    project.write("tasks/wide.sql", WIDE.format(checks='checks = {odd = "SELECT FROM wide WHERE"}'))
    fails(says, project, "build --target wide")


def test_plan_of_a_check_that_is_new(project, says):
    spent(project, 'unique=["customer_id"]')
    assert run_here("build", folder=project.root).code == 0
    project.edit("tasks/spent.py", 'unique=["customer_id"]', 'not_null=["amount"]')
    assert says("plan", project.root).code == 0


def test_build_of_a_check_that_is_new(project, says):
    spent(project, 'unique=["customer_id"]')
    assert run_here("build", folder=project.root).code == 0
    project.edit("tasks/spent.py", 'unique=["customer_id"]', 'not_null=["amount"]')
    assert says("build", project.root).code == 0


@pytest.mark.parametrize("checks", ["not_null='amount', checks=[too_little]"])
def test_failed_checks_are_records(project, checks):
    spent(project, checks)
    ended = run_here("build", "--target", "spent", "--json", folder=project.root)
    records = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [record["event"] for record in records] == ["failed", "error", "summary"]
    error = records[1]
    assert (error["code"], error["message"]) == (
        "E350",
        "check `too_little` of task `compute.spent` fails for 1 row",
    )
    assert error["facts"]["rows"] == "customer_id  amount\n2            3.0"
    assert error["facts"]["kept in"].endswith(".cpgbuild/failed/spent/too_little.parquet")
