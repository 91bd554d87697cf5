"""Checks: what a task says of its rows is seen to before anybody can read them."""

import shutil
from datetime import date, time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.core.events import Action, Built, Failed, Skipped, Unchanged, UpToDate
from cpgbuild.errors.graph import Cycle
from cpgbuild.errors.report import Problems
from tests.engine.builds import Site, site

SALES = "SELECT id, country, amount FROM orders"
GOOD = {"id": [1, 2, 3], "country": ["uk", "uk", None], "amount": [5.0, 6.0, None]}


@pytest.fixture
def shop(tmp_path) -> Site:
    """Orders, and the countries that there are; no task yet."""
    shop = site(tmp_path, "orders parquet data/orders.parquet\nplaces parquet data/places.parquet")
    shop.folder.parquet("data/orders.parquet", GOOD)
    shop.folder.parquet("data/places.parquet", {"code": ["uk", "us"], "name": ["here", "there"]})
    return shop


def orders(shop: Site, **columns: list) -> None:
    """Write other orders: those of before, with these columns."""
    shop.folder.parquet("data/orders.parquet", GOOD | columns)


def failures(shop: Site) -> dict[str, list[str]]:
    """Return the messages of the last build's failures by output."""
    found = {}
    for output, event in shop.said(Failed).items():
        error = event.error
        each = error.errors if isinstance(error, Problems) else [error]
        found[output] = [str(one) for one in each]
    return found


def bad_rows(shop: Site, output: str, check: str) -> list[dict]:
    path = shop.root / ".cpgbuild" / "failed" / output / f"{check}.parquet"
    return pq.read_table(path).to_pylist()


def python(shop: Site, options: str, more: str = "") -> None:
    """Write `sales` as a function with these options."""
    shop.python(
        "sales",
        f"""
{more}

@compute({options})
def sales(catalog: Catalog):
    return catalog.table("orders").select("id", "country", "amount")
""",
    )


# -- each kind ----------------------------------------------------------------------------------

KINDS = {
    "not_null": ('not_null=["id"]', {"id": [1, None, 3]}, "not_null(id)", 1),
    "unique": ('unique="id"', {"id": [1, 3, 3]}, "unique(id)", 2),
    "unique_together": (
        'unique=[("id", "country")]',
        {"id": [1, 1, 3], "country": ["uk", "uk", "us"]},
        "unique(id, country)",
        2,
    ),
    "accepted_values": (
        'accepted_values={"country": ["uk", "us", "it\'s"]}',
        {"country": ["uk", "fr", "it's"]},
        "accepted_values(country)",
        1,
    ),
    "accepted_numbers": (
        'accepted_values={"id": [1, 2, 3]}',
        {"id": [1, 2, 9]},
        "accepted_values(id)",
        1,
    ),
    "relationships": (
        'relationships={"country": "places.code"}',
        {"country": ["uk", "fr", None]},
        "relationships(country)",
        1,
    ),
    "relationship_to_itself": (
        'relationships={"id": "sales.amount"}',
        {"id": [5, 6, 7], "amount": [5.0, 6.0, 5.0]},
        "relationships(id)",
        1,
    ),
    "function": ("checks=[negative]", {"amount": [-1.0, 2.0, None]}, "negative", 1),
    "function_of_the_catalog": (
        "checks=[abroad]",
        {"country": ["uk", "fr", None]},
        "abroad",
        1,
    ),
    "query": (
        'checks={"large": "SELECT id FROM sales WHERE amount > 100"}',
        {"amount": [1.0, 2.0, 300.0]},
        "large",
        1,
    ),
}
PASSES = {"relationship_to_itself": {"id": [5, 5, 6], "amount": [5.0, 6.0, None]}}
FUNCTIONS = """
def negative(rows):
    return rows.filter(rows.amount < 0)


def abroad(rows, catalog):
    places = catalog.table("places")
    return rows.filter(rows.country.notnull()).anti_join(places, rows.country == places.code)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_bad_rows_are_found_and_never_replace_good_ones(shop, kind):
    options, bad, title, count = KINDS[kind]
    python(shop, options, FUNCTIONS)
    orders(shop, **PASSES.get(kind, {}))
    shop.built()
    version = shop.version("sales")
    before = shop.table("sales").to_pylist()

    orders(shop, **bad)
    shop.build()
    rows = f"{count} row{'' if count == 1 else 's'}"
    assert failures(shop) == {
        "sales": [f"check `{title}` of task `compute.sales` fails for {rows}"]
    }
    assert shop.table("sales").to_pylist() == before
    assert shop.version("sales") == version


def test_a_null_breaks_no_check_but_not_null(shop):
    python(
        shop,
        'unique=["country"], accepted_values={"country": ["uk"]}, '
        'relationships={"country": "places.code"}',
    )
    orders(shop, country=[None, None, "uk"])
    assert shop.built() == {"sales": ["never_built sales"]}


def test_a_first_build_of_bad_rows_makes_no_table(shop):
    python(shop, 'not_null=["amount"]')
    shop.build()
    assert failures(shop)["sales"]
    assert not (shop.root / "warehouse/sales/_delta_log").exists()
    # Nothing is left over of the rows either.
    assert not list((shop.root / "warehouse").rglob("*.parquet"))


def test_values_are_written_as_their_types_are(shop):
    days = [date(2024, 1, 1), date(2024, 1, 2), None]
    shop.folder.parquet("data/orders.parquet", {"day": days})
    sql = "SELECT day FROM orders"
    shop.sql("days", sql, more=", accepted_values = {day = [2024-01-01, 2024-01-02]}")
    shop.built()
    shop.sql("days", sql, more=", accepted_values = {day = [2024-01-01]}")
    shop.build()
    assert "fails for 1 row" in failures(shop)["days"][0]


def test_every_check_that_fails_is_told(shop):
    python(shop, 'not_null=["id", "amount"], unique=["country"]')
    shop.build()
    assert len(failures(shop)["sales"]) == 2


def test_rows_of_partitions_are_checked_with_the_columns_that_no_file_has(shop):
    python(
        shop, 'partition_by="country", not_null=["country"], accepted_values={"country": ["uk"]}'
    )
    orders(shop, country=["uk", "us", None])
    shop.build()
    assert len(failures(shop)["sales"]) == 2
    assert bad_rows(shop, "sales", "accepted_values.country") == [
        {"id": 2, "country": "us", "amount": 6.0}
    ]
    orders(shop, country=["uk", "uk", "uk"])
    shop.built()


def test_a_table_without_rows_passes(shop):
    shop.sql("sales", f"{SALES} WHERE id > 10", more=', not_null=["amount"], unique=["id"]')
    assert shop.built() == {"sales": ["never_built sales"]}


def test_a_check_that_cannot_be_evaluated_fails_the_task(shop):
    bad = "SELECT * FROM sales WHERE CAST(country AS INT) > 1"
    shop.sql("sales", SALES, more=f', checks={{odd="{bad}"}}')
    shop.build()
    assert failures(shop)["sales"][0].startswith(
        "check `odd` of task `compute.sales` cannot be evaluated: Cast error: "
    )


# -- what is kept of bad rows -------------------------------------------------------------------


def test_all_failing_rows_are_kept_until_the_next_success(shop):
    python(shop, 'unique=["id"]')
    orders(shop, id=[1, 1, 2])
    shop.build()
    assert [row["id"] for row in bad_rows(shop, "sales", "unique.id")] == [1, 1]
    orders(shop, id=[7, 7, 7])
    shop.build()
    assert [row["id"] for row in bad_rows(shop, "sales", "unique.id")] == [7, 7, 7]
    orders(shop, id=[1, 2, 3])
    shop.built()
    assert not (shop.root / ".cpgbuild/failed/sales").exists()


def test_only_the_rows_of_the_last_failure_are_kept(shop):
    python(shop, 'unique=["id"], not_null=["country"]')
    orders(shop, id=[1, 1, 2])
    shop.build()
    assert len(list((shop.root / ".cpgbuild/failed/sales").iterdir())) == 2
    orders(shop)
    shop.build()
    kept = (shop.root / ".cpgbuild/failed/sales").iterdir()
    assert [path.name for path in kept] == ["not_null.country.parquet"]


def test_failing_rows_are_gone_with_the_check(shop):
    python(shop, 'unique=["id"]')
    orders(shop, id=[1, 1, 2])
    shop.build()
    python(shop, "")
    assert shop.built() == {"sales": ["never_built sales"]}
    assert not (shop.root / ".cpgbuild/failed/sales").exists()


def test_failing_rows_are_gone_when_a_revert_makes_the_table_right(shop):
    python(shop, 'unique=["id"]')
    shop.built()
    orders(shop, id=[1, 1, 2])
    shop.build()
    orders(shop)
    shop.built()
    assert list(shop.said(UpToDate)) == ["sales"]
    assert not (shop.root / ".cpgbuild/failed/sales").exists()


# -- minimality ---------------------------------------------------------------------------------


def checked_by(shop: Site, header: str) -> None:
    shop.sql("sales", SALES, more=header)
    shop.sql("top", "SELECT max(amount) AS most FROM sales")


def test_nothing_is_checked_again_where_nothing_changed(shop):
    checked_by(shop, ', unique=["id"], relationships={country="places.code"}')
    shop.built()
    assert shop.built() == {}
    assert {plan.action for plan in api.plan(shop.root)} == {Action.SKIP}


def test_a_new_check_is_made_of_the_table_that_is_there(shop):
    checked_by(shop, "")
    shop.built()
    files = shop.delta("sales").file_uris()
    checked_by(shop, ', unique=["id"]')
    assert [str(r.cause) for r in api.plan(shop.root)[0].reasons] == ["checks_changed"]
    assert shop.built() == {"sales": ["checks_changed sales"]}
    assert shop.unchanged == ["sales"]
    assert shop.delta("sales").file_uris() == files
    assert shop.built() == {}


def test_a_new_check_that_fails_leaves_the_table_and_fails_again(shop):
    checked_by(shop, "")
    shop.built()
    version = shop.version("sales")
    checked_by(shop, ', not_null=["amount"]')
    for _ in range(2):
        shop.build()
        assert list(shop.said(Failed)) == ["sales"]
        assert list(shop.said(Skipped)) == ["top"]
        assert shop.version("sales") == version
    checked_by(shop, "")
    assert shop.built() == {}


def test_a_check_written_otherwise_is_the_same_check(shop):
    checked_by(shop, ', checks={low="SELECT id, amount FROM sales WHERE amount < 0"}')
    shop.built()
    checked_by(
        shop, ', checks={low="SELECT country FROM (SELECT * FROM sales) WHERE 0 > amount -- bad"}'
    )
    assert shop.built() == {}


def test_a_check_that_is_gone_runs_nothing(shop):
    checked_by(shop, ', unique=["id"], not_null=["id"]')
    shop.built()
    checked_by(shop, ', not_null=["id"]')
    assert shop.built() == {}


def test_only_the_columns_that_decide_make_a_relationship_checked_again(shop):
    checked_by(shop, ', relationships={country="places.code"}')
    shop.built()
    shop.folder.parquet("data/places.parquet", {"code": ["uk", "us"], "name": ["x", "y"]})
    assert shop.built() == {}
    shop.folder.parquet("data/places.parquet", {"code": ["uk", "fr"], "name": ["x", "y"]})
    assert shop.built() == {"sales": ["data_changed places"]}
    assert shop.unchanged == ["sales"]
    shop.folder.parquet("data/places.parquet", {"code": ["fr", "fr"], "name": ["x", "y"]})
    shop.build()
    assert "relationships(country)" in failures(shop)["sales"][0]


def test_a_lost_state_folder_makes_no_table_checked_again(shop):
    checked_by(shop, ', unique=["id"]')
    shop.built()
    shutil.rmtree(shop.root / ".cpgbuild")
    assert shop.built() == {}


def test_an_older_state_is_restored_if_it_passed_and_made_anew_if_nobody_knows(shop):
    checked_by(shop, ', unique=["id"]')
    shop.built()
    orders(shop, id=[4, 5, 6])
    shop.built()
    orders(shop)
    assert shop.built() == {}
    assert shop.restored == ["sales"]
    checked_by(shop, ', unique=["id"], not_null=["id"]')
    shop.built()
    orders(shop, id=[4, 5, 6])
    assert shop.built() == {"sales": ["data_changed orders"]}
    assert shop.restored == []


def test_a_volatile_check_is_made_in_every_build(shop):
    checked_by(shop, ', checks={some="SELECT * FROM sales WHERE random() < 0"}')
    shop.built()
    assert shop.built() == {"sales": ["volatile sales"]}
    assert shop.unchanged == ["sales"]


# -- order --------------------------------------------------------------------------------------


def test_what_a_relationship_names_is_built_first(shop):
    shop.sql("a_sales", SALES, more=', relationships={country="z_places.code"}')
    shop.sql("z_places", "SELECT code FROM places")
    shop.built("a_sales")
    assert [e.task.output for e in shop.events if isinstance(e, Built)] == ["z_places", "a_sales"]
    shop.folder.parquet("data/places.parquet", {"code": ["fr"], "name": ["x"]})
    shop.build()
    assert [e.task.output for e in shop.events if isinstance(e, Built)] == ["z_places"]
    assert "relationships(country)" in failures(shop)["a_sales"][0]


def test_what_a_relationship_names_is_checked_itself(shop):
    shop.sql("a_sales", SALES, more=', relationships={country="z_places.code"}')
    shop.sql("z_places", "SELECT code FROM places", "view", ', accepted_values={code=["uk"]}')
    shop.build("a_sales")
    assert list(shop.said(Failed)) == ["z_places"]
    assert list(shop.said(Skipped)) == ["a_sales"]


def test_a_plan_says_maybe_where_a_relationship_is_about_to_change(shop):
    shop.sql("sales", SALES, more=', relationships={country="kinds.code"}')
    shop.sql("kinds", "SELECT code FROM places")
    shop.sql("top", "SELECT max(amount) AS most FROM sales")
    shop.built()
    shop.folder.parquet("data/places.parquet", {"code": ["uk", "fr"], "name": ["x", "y"]})
    actions = {plan.task.dataset: plan.action for plan in api.plan(shop.root)}
    assert actions == {"kinds": Action.RUN, "sales": Action.MAYBE, "top": Action.SKIP}


def test_a_relationship_to_what_is_made_of_the_dataset_is_a_circle(shop):
    shop.sql("sales", SALES, more=', relationships={country="kinds.code"}')
    shop.sql("kinds", "SELECT country AS code FROM sales")
    with pytest.raises(Cycle):
        shop.build()


def test_a_relationship_is_a_way_that_impact_knows(shop):
    checked_by(shop, ', relationships={country="places.code"}')
    shop.built()
    found = api.impact("places", shop.root)
    assert (found[0].task.dataset, found[0].columns) == ("sales", ("code",))


# -- views --------------------------------------------------------------------------------------


def viewed(shop: Site, header: str) -> None:
    shop.sql("v_sales", SALES, "view", header)
    shop.sql("top", "SELECT max(amount) AS most FROM v_sales")


def test_what_reads_a_view_is_not_built_of_bad_rows(shop):
    viewed(shop, ', unique=["id"]')
    shop.built()
    before = shop.rows("top")
    orders(shop, id=[1, 1, 2], amount=[50.0, 60.0, 70.0])
    shop.build()
    assert "unique(id)` of task `view.v_sales" in failures(shop)["v_sales"][0]
    assert list(shop.said(Skipped)) == ["top"]
    assert shop.rows("top") == before
    assert [row["id"] for row in bad_rows(shop, "v_sales", "unique.id")] == [1, 1]


def test_a_view_is_checked_again_when_what_decides_changed_and_only_then(shop):
    viewed(shop, ', unique=["id"]')
    shop.built()
    assert shop.built() == {}
    orders(shop, amount=[1.0, 2.0, 3.0])
    assert shop.built() == {"top": ["data_changed orders"]}
    assert "v_sales" in shop.said(UpToDate)
    orders(shop, id=[4, 5, 6], amount=[1.0, 2.0, 3.0])
    assert shop.built() == {}
    assert "v_sales" in shop.said(Unchanged)


def test_a_check_of_a_view_changes_nothing_for_its_readers(shop):
    viewed(shop, "")
    shop.built()
    viewed(shop, ', unique=["id"]')
    assert shop.built() == {}
    assert [str(r.cause) for r in shop.said(Unchanged)["v_sales"].reasons] == ["checks_changed"]
    assert shop.built() == {}
    assert "v_sales" in shop.said(UpToDate)


def test_a_view_that_nobody_reads_is_checked_too(shop):
    shop.sql("v_sales", SALES, "view", ', not_null=["amount"]')
    shop.build()
    assert list(shop.said(Failed)) == ["v_sales"]


def test_a_check_of_a_view_reads_through_views(shop):
    shop.sql("v_raw", SALES, "view")
    shop.sql("v_sales", "SELECT id, amount FROM v_raw", "view", ', unique=["id"]')
    shop.built()
    shop.sql("v_raw", SALES.replace("id,", "1 AS id,"), "view")
    shop.build()
    assert list(shop.said(Failed)) == ["v_sales"]


def test_rows_that_vary_are_those_that_were_checked(shop):
    """Such a view is kept as a table, so that checks and readers see the same rows."""
    shop.sql("v_sales", "SELECT id, random() AS r FROM orders", "view", ', not_null=["r"]')
    shop.sql("top", "SELECT max(r) AS most FROM v_sales")
    assert set(shop.built()) == {"v_sales", "top"}


# -- other tasks --------------------------------------------------------------------------------

WORDS = """
def words(batch):
    return pa.record_batch({"id": batch["id"], "size": pa.array([len(c or "") for c in batch["country"].to_pylist()])})


@compute(map=words, schema={"id": "int64", "size": "int64"}, accepted_values={"size": [0, 2]}%s)
def sizes(catalog):
    return catalog.table("orders").select("id", "country")
"""


@pytest.mark.parametrize("keys", ["", ', key="id", content="country"'])
def test_rows_that_a_function_made_are_checked(shop, keys):
    shop.python("sizes", WORDS % keys)
    shop.built()
    orders(shop, country=["uk", "long", None])
    shop.build()
    assert "accepted_values(size)" in failures(shop)["sizes"][0]
    assert shop.rows("sizes") == [(1, 2), (2, 2), (3, 0)]
    orders(shop, country=["uk", "uk", "fr"])
    shop.built()
    assert shop.rows("sizes") == [(1, 2), (2, 2), (3, 2)]


@pytest.mark.parametrize("kind", ["compute", "view"])
def test_a_part_of_a_dataset_is_checked_by_its_own_rows(shop, kind):
    part = ', contributes_to="all_sales"'
    checks = ', unique=["id"], checks={few="SELECT * FROM all_sales WHERE id > 10"}'
    shop.sql("ours", "SELECT id FROM orders", kind, part + checks)
    shop.sql("theirs", "SELECT id + 100 AS id FROM orders", kind, part)
    shop.sql("top", "SELECT max(id) AS most FROM all_sales")
    shop.built()
    assert shop.built() == {}
    orders(shop, id=[1, 1, 20])
    shop.build()
    assert [name.split("`")[1] for name in failures(shop)["all_sales/ours"]] == [
        "few",
        "unique(id)",
    ]
    assert bad_rows(shop, "all_sales.ours", "few") == [{"id": 20}]


def test_types_that_delta_does_not_know_are_checked_as_they_are(shop):
    """Rows are read where they are staged, in the types that the task gives them."""
    at = [time(1, 2), time(3, 4), None]
    table = pa.table({"at": pa.array(at, pa.time64("us")), "ok": pa.array([1, 2, 3], pa.uint8())})
    pq.write_table(table, shop.root / "data/orders.parquet")
    shop.sql(
        "times",
        'SELECT "at", ok FROM orders',
        more=', unique=["at"], accepted_values={ok=[1, 2, 3]}',
    )
    shop.built()
