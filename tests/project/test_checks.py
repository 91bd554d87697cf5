"""Checks are planned again when they may be others, and only then."""

import pytest

from cpgbuild.errors.graph import UnknownDataset
from cpgbuild.plan import helpers
from tests.engine.builds import Site, site
from tests.support.plans import evaluated, planned

MODULE = """
from tasks.rules import bounds


def odd(rows, catalog):
    codes = catalog.table("v_codes")
    return rows.filter(rows.country == catalog.var("never")).semi_join(codes, rows.country == codes.code)


def large(rows):
    return rows.filter(rows.amount > bounds["most"])


@compute(checks=[odd, large], unique=["id"])
def sales(catalog: Catalog):
    return catalog.table("orders").select("id", "country", "amount")


@view(contributes_to="parts", relationships={"id": "sales.id"}, checks=[large])
def ours(catalog: Catalog):
    return catalog.table("v_sales")


@compute(contributes_to="parts", not_null=["id"])
def theirs(catalog: Catalog):
    return catalog.table("sales").limit(0)
"""
BELOW = "SELECT code FROM codes WHERE code <> 'x'"


@pytest.fixture
def shop(tmp_path) -> Site:
    shop = site(
        tmp_path,
        "orders parquet data/orders.parquet\ncodes parquet data/codes.parquet",
        vars='never = "never"',
    )
    shop.folder.parquet(
        "data/orders.parquet", {"id": [1, 2], "country": ["uk", None], "amount": [5.0, 6.0]}
    )
    shop.folder.parquet("data/codes.parquet", {"code": ["uk", "x"], "more": [1, 2]})
    shop.folder.write("tasks/rules.py", 'bounds = {"most": 100}\n')
    shop.python("sales", MODULE)
    shop.sql("v_codes", BELOW, "view", ', unique = ["code"]')
    shop.sql("v_sales", "SELECT * FROM sales", "view", ", accepted_values = {id = [1, 2]}")
    shop.sql("alone", "SELECT 1 AS one")
    return shop


EDITS = {
    "nothing": lambda shop: None,
    "a function's text": lambda shop: shop.folder.edit("tasks/sales.py", "> bounds", ">= bounds"),
    "what a function uses": lambda shop: shop.folder.edit("tasks/rules.py", "100", "90"),
    "a variable": lambda shop: shop.folder.edit("cpgbuild.toml", '= "never"', '= "ever"'),
    "an option": lambda shop: shop.folder.edit("tasks/sales.py", '["id"])\ndef sales', '["amount"])\ndef sales'),
    "no option": lambda shop: shop.folder.edit("tasks/sales.py", ', unique=["id"])', ")"),
    "the header of a view": lambda shop: shop.sql("v_codes", BELOW, "view", ', not_null = "code"'),
    "a view that a check reads": lambda shop: shop.sql("v_codes", BELOW.replace("x", "y"), "view"),
    "the schema of what a check reads": lambda shop: shop.folder.parquet(
        "data/codes.parquet", {"code": ["1", "2"], "more": ["a", "b"]}
    ),
    "the schema of what is checked": lambda shop: shop.folder.parquet(
        "data/orders.parquet", {"id": ["1"], "country": ["uk"], "amount": [5]}
    ),
    "what is checked is gone": lambda shop: (shop.root / "tasks/sales.py").unlink(),
    "what a check reads is gone": lambda shop: (shop.root / "tasks/v_codes.sql").unlink(),
    "what a check reads is a table": lambda shop: shop.sql("v_codes", BELOW),
    "a circle": lambda shop: shop.sql("v_codes", "SELECT country AS code FROM sales", "view"),
    "a column of a check is gone": lambda shop: shop.sql("v_codes", "SELECT 'a' AS cod", "view"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_plans_with_what_was_kept_are_those_from_nothing(shop, edit):
    before = planned(shop.root, from_nothing=False)
    assert planned(shop.root, from_nothing=False) == before
    EDITS[edit](shop)
    after = planned(shop.root, from_nothing=False)
    assert after == planned(shop.root, from_nothing=True)
    assert after == planned(shop.root, from_nothing=False)


def test_checks_of_nothing_that_changed_are_not_planned_again(shop):
    evaluated(shop.root)
    assert evaluated(shop.root) == set()
    shop.sql("v_codes", BELOW, "view", ', not_null = "code"')
    assert "sales?unique(id)" not in evaluated(shop.root)


def test_a_check_of_what_is_not_asked_for_is_no_matter(shop):
    evaluated(shop.root)
    (shop.root / "tasks/v_codes.sql").unlink()
    assert shop.built("alone") == {"alone": ["never_built alone"]}
    with pytest.raises(UnknownDataset):
        shop.build("sales")


def test_checks_planned_with_helpers_are_those_planned_here(shop, monkeypatch):
    alone = planned(shop.root, from_nothing=True)
    monkeypatch.setattr(helpers, "worthwhile", lambda definitions: 2 if list(definitions) else 0)
    assert planned(shop.root, from_nothing=True) == alone


def test_a_lock_knows_what_checks_read_and_not_the_checks(shop):
    from cpgbuild import api

    shop.build()
    assert api.locked(shop.root) == []
    text = (shop.root / "cpgbuild.lock").read_text()
    assert "source.codes" in text
    assert "unique" not in text
