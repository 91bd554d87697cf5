"""`cpgbuild.open`: a project's datasets as Ibis tables, as in a notebook."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest

import cpgbuild
from cpgbuild import CpgbuildError, api
from tests.support.projects import ProjectFolder, shop

# What Ibis does to give pandas a result, is its business.
pytestmark = pytest.mark.filterwarnings("ignore:.*infer_string:DeprecationWarning")


@pytest.fixture
def project(tmp_path) -> ProjectFolder:
    return shop(tmp_path)


@pytest.fixture
def datasets(project):
    assert api.build(project.root).tables == 2
    with cpgbuild.open(project.root) as found:
        yield found


def test_it_knows_every_dataset_and_its_columns(datasets):
    assert datasets.names == ["customers", "orders", "sales", "top", "v_orders"]
    assert datasets.schema("sales").names == ["customer_id", "amount"]
    assert datasets.table("v_orders").columns == ("order_id", "customer_id", "region", "amount")


def test_a_view_a_table_and_a_source_have_rows(datasets):
    assert datasets.table("v_orders").count().execute() == 3
    assert datasets.table("sales").amount.sum().execute() == 23.0
    assert datasets.table("customers").order_by("name").name.to_pandas().tolist() == [
        "ada",
        "bob",
        "eve",
    ]


def test_datasets_can_be_joined_in_an_expression(datasets):
    sales, customers = datasets.table("sales"), datasets.table("customers")
    found = sales.join(customers, "customer_id").select("name", "amount").order_by("name")
    assert found.to_pyarrow().to_pylist() == [
        {"name": "ada", "amount": 20.0},
        {"name": "bob", "amount": 3.0},
    ]
    assert found.limit(1).to_pyarrow().num_rows == 1
    assert found.to_pyarrow(limit=1).num_rows == 1
    assert isinstance(found.to_pyarrow_batches(), pa.RecordBatchReader)


def test_a_function_of_the_user_runs(datasets):
    @ibis.udf.scalar.python
    def shout(text: str) -> str:
        return text.upper()

    customers = datasets.table("customers")
    assert set(shout(customers.name).to_pyarrow().to_pylist()) == {"ADA", "BOB", "EVE"}


def test_sql_gives_batches(datasets):
    reader = datasets.sql("SELECT count(*) AS n FROM orders JOIN sales USING (customer_id)")
    assert reader.schema.names == ["n"]
    assert reader.read_all().to_pylist() == [{"n": 3}]


def test_it_shows_itself(datasets):
    ibis.options.interactive = True
    try:
        assert "ada" in repr(datasets.table("top"))
    finally:
        ibis.options.interactive = False


def test_what_is_unknown_unbuilt_or_wrong_is_an_error_that_says_so(project):
    with cpgbuild.open(project.root) as datasets:
        with pytest.raises(CpgbuildError, match="`sails` is neither a dataset nor a task"):
            datasets.table("sails")
        with pytest.raises(CpgbuildError, match="dataset `sales` is not built yet"):
            datasets.table("sales").execute()
        with pytest.raises(CpgbuildError, match="column `amunt` is not in dataset `orders`"):
            datasets.sql("SELECT amunt FROM orders")
        # What was wrong leaves nothing behind.
        assert datasets.table("orders").count().execute() == 4


def test_it_sees_what_was_built_when_it_was_opened(datasets, project):
    project.edit("tasks/top.sql", "s.amount > 10", "s.amount > 1")
    assert datasets.table("top").count().execute() == 1
    assert api.build(project.root).tables == 1
    with cpgbuild.open(project.root) as again:
        assert again.table("top").count().execute() == 2
