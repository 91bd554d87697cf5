"""A compiled dbt project becomes one that builds what dbt built."""

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal

import pytest
from deltalake import DeltaTable

from cpgbuild import api
from cpgbuild.project.dbt.importing import converted
from cpgbuild.project.dbt.manifest import read_manifest
from cpgbuild.project.sqlfile import options
from tests.dbt.bakeries import BAKERY, copied, edited
from tests.support.commands import run_here
from tests.support.projects import ProjectFolder

EXPECTATIONS = {"not_null", "unique", "accepted_values", "relationships", "checks"}


@pytest.fixture
def imported(tmp_path):
    """The bakery's import, with its two tables of the database filled in."""
    bakery = copied(tmp_path)
    out = tmp_path / "out"
    assert run_here("import", "dbt", str(bakery), "--out", str(out), folder=tmp_path).code == 0
    folder = ProjectFolder(out)
    folder.parquet("data/days.parquet", {"month": ["2024-02"], "rain": [12]})
    folder.parquet("data/forecast.parquet", {"month": ["2024-02"], "euros": [27.0]})
    return folder


def convert(bakery, known=frozenset()):
    return converted(read_manifest(bakery), "duckdb", bakery.parent / "out", known)


def reasons(imported) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for left in imported.left_out:
        found.setdefault(left.origin, []).append(left.reason)
    return found


def model(manifest, name):
    return manifest["nodes"][f"model.bakery.{name}"]


def plain(value):
    if isinstance(value, Decimal | dt.datetime | dt.date):
        return str(value)
    return value


def test_the_tables_are_those_that_dbt_built(imported):
    outcome = api.build(imported.root)
    assert (outcome.failed, outcome.tables) == (0, 4)
    theirs = json.loads((BAKERY / "built.json").read_text())
    for name in ("monthly", "shop_sales", "shops"):
        rows = DeltaTable(imported.root / "warehouse" / name).to_pyarrow_table().to_pylist()
        ours = [{key: plain(value) for key, value in row.items()} for row in rows]
        wanted = [{key.lower(): value for key, value in row.items()} for row in theirs[name]]
        assert sorted(ours, key=str) == sorted(wanted, key=str), name


def test_what_dbt_materializes_is_a_table_and_the_rest_a_view():
    tasks = {task.name: task.path for task in convert(BAKERY).tasks}
    assert tasks == {
        "compute.monthly": "tasks/marts/monthly.sql",
        "compute.outlook": "tasks/marts/outlook.sql",
        "compute.shop_sales": "tasks/marts/shop_sales.sql",
        "compute.shops": "tasks/marts/shops.sql",
        "view.int_known": "tasks/staging/int_known.sql",
        "view.stg_sales": "tasks/staging/stg_sales.sql",
        "view.stg_shops": "tasks/staging/stg_shops.sql",
    }


def test_tags_and_description_are_the_tasks():
    text = convert(BAKERY).files["tasks/staging/stg_sales.sql"].decode()
    assert text.splitlines()[:3] == [
        '-- cpgbuild: tags = ["staging"]',
        "-- Sales, in euros.",
        "-- One row each.",
    ]


def test_a_description_is_no_header(tmp_path):
    bakery = copied(tmp_path)
    edited(bakery, lambda m: model(m, "shops").update(description='cpgbuild: kind = "view"\nx'))
    text = convert(bakery).files["tasks/marts/shops.sql"].decode()
    assert text.startswith('-- cpgbuild: kind = "compute"\n-- · cpgbuild: kind = "view"\n-- x\n')


def test_an_ephemeral_model_is_a_view_that_its_readers_read():
    text = convert(BAKERY).files["tasks/marts/shop_sales.sql"].decode()
    assert "__dbt__cte__" not in text
    assert "FROM int_known" in text


def test_seeds_are_copied_with_their_columns_in_lower_case():
    files = convert(BAKERY).files
    seed = (BAKERY / "seeds/raw_shops.csv").read_bytes()
    assert seed.startswith(b"Id,Name,zip,opened\n")
    assert files["data/raw_shops.csv"] == b"id,name,zip,opened\n" + seed.partition(b"\n")[2]


@pytest.mark.parametrize(
    ("config", "text", "lossy"),
    [
        ({}, "A,B\n1,x\n", []),
        ({"quote_columns": True}, "A,B\n1,x\n", []),
        ({"delimiter": ";"}, "A;B\n1;x\n", []),
        ({}, "A,B\n1, NULL\n", ["it has the word `null` in it, which is a text here and no value"]),
        ({}, "\ufeffA,B\n1,nullable\n", []),
    ],
)
def test_a_seed_is_read_as_dbt_reads_it(tmp_path, config, text, lossy):
    bakery = copied(tmp_path)
    (bakery / "seeds/raw_sales.csv").write_text(text)
    seed = "seed.bakery.raw_sales"
    edited(bakery, lambda m: m["nodes"][seed]["config"].update(config))
    made = convert(bakery)
    head = "A,B" if config.get("quote_columns") else text.splitlines()[0].lower().lstrip("\ufeff")
    assert made.files["data/raw_sales.csv"].decode().splitlines()[0] == head
    assert ('delimiter = ";"' in made.files["cpgbuild.toml"].decode()) == ("delimiter" in config)
    assert [why[:60] for why in reasons(made).get(seed, [])] == [why[:60] for why in lossy]


def test_a_seed_that_is_not_there_is_to_be_filled_in(tmp_path):
    bakery = copied(tmp_path)
    (bakery / "seeds/raw_sales.csv").unlink()
    (absent,) = [s.absent for s in convert(bakery).sources if s.name == "raw_sales"]
    assert absent == "dbt's `seeds/raw_sales.csv`, which is not there"


def test_a_package_has_a_folder_of_its_own(tmp_path):
    bakery = copied(tmp_path)
    edited(bakery, lambda m: model(m, "shops").update(package_name="flour"))
    assert "tasks/flour/marts/shops.sql" in convert(bakery).files


def test_a_seed_that_is_a_source_too_is_one_dataset(tmp_path):
    bakery = copied(tmp_path)
    seed = json.loads((bakery / "target/manifest.json").read_text())["nodes"][
        "seed.bakery.raw_sales"
    ]
    source = {"resource_type": "source", "source_name": "pos", "name": "raw_sales"}
    source |= {"relation_name": seed["relation_name"], "package_name": "bakery"}
    edited(bakery, lambda m: m["sources"].update({"source.bakery.pos.raw_sales": source}))
    names = [declared.name for declared in convert(bakery).sources]
    assert names.count("raw_sales") == 1
    assert "pos_raw_sales" not in names


def test_files_that_dbt_duckdb_reads_are_read_where_they_are(tmp_path):
    sources = {source.name: source for source in convert(copied(tmp_path)).sources}
    assert (sources["prices"].format, sources["prices"].path) == (
        "csv",
        "../bakery/data/prices.csv",
    )
    assert sources["prices"].absent == ""


def test_what_only_the_database_has_is_to_be_filled_in():
    absent = {source.name: source.absent for source in convert(BAKERY).sources if source.absent}
    assert absent == {
        "days": "the table of dbt's `source.bakery.weather.days`",
        "forecast": "the table of dbt's `model.bakery.forecast`",
    }


def test_a_table_that_the_manifest_does_not_know_is_to_be_filled_in(tmp_path):
    bakery = copied(tmp_path)
    query = 'select * from "lake"."main"."Visits", generate_series(1, 3) as s(i)'
    edited(bakery, lambda m: model(m, "shops").update(compiled_code=query))
    absent = {source.name: source.absent for source in convert(bakery).sources if source.absent}
    assert absent["visits"] == "the table `lake.main.visits` of the database"
    assert len(absent) == 3


def test_two_tables_of_one_name_are_two_datasets(tmp_path):
    bakery = copied(tmp_path)
    source = {"resource_type": "source", "source_name": "pos", "name": "shops", "schema": "raw"}
    source |= {"relation_name": '"bakery"."raw"."shops"', "package_name": "bakery"}
    query = 'select shops.a from "bakery"."raw"."shops"'

    def change(manifest):
        manifest["sources"]["source.bakery.pos.shops"] = source
        model(manifest, "outlook")["compiled_code"] = query

    edited(bakery, change)
    made = convert(bakery)
    assert "pos_shops" in {declared.name for declared in made.sources}
    assert "FROM pos_shops AS shops" in made.files["tasks/marts/outlook.sql"].decode()


def test_what_is_not_taken_is_said_with_its_reason():
    made = convert(BAKERY)
    partly = {left.origin for left in made.left_out if left.in_part}
    assert partly == {"model.bakery.monthly", "model.bakery.sales_by_shop", "seed.bakery.raw_shops"}
    found = reasons(made)
    tests = {name for name in found if name.startswith("test.")}
    assert len(tests) == 8
    assert {name: why for name, why in found.items() if name not in tests} == {
        "analysis.bakery.how_many": ["an analysis, of which dbt builds nothing"],
        "exposure.bakery.board": ["an exposure: nothing is built of it"],
        "model.bakery.forecast": ["a Python model: write it as a task in Python"],
        "model.bakery.monthly": [
            "made whole when an input changes, not added to: older rows are not kept"
        ],
        "model.bakery.sales_by_shop": [
            "its post-hook does not run: `comment on table {{ this }} is 'by shop'`"
        ],
        "operation.bakery.bakery-on-run-end-0": [
            "a hook of the project, which would run before or after all"
        ],
        "seed.bakery.raw_shops": ["column `zip` has the type that its values look like, not dbt's"],
        "snapshot.bakery.shops_then": [
            "a snapshot: what a table held in the past does not follow from what it holds"
        ],
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"compiled_code": None}, "dbt did not compile it"),
        ({"compiled_code": "select from where"}, "its SQL cannot be parsed"),
        ({"compiled_code": "select 1; select 2"}, "its SQL is not one query"),
        ({"compiled_code": "drop table x"}, "its SQL is not one query"),
        (
            {"compiled_code": 'select * from "bakery"."main"."shops"'},
            "it reads its own table: compile it with `dbt compile --full-refresh`",
        ),
        ({"compiled_code": "select 'a' similar to 'x%'"}, "its SQL has `SIMILAR TO`"),
    ],
)
def test_a_model_that_cannot_be_a_task_is_left_out(tmp_path, change, reason):
    bakery = copied(tmp_path)
    edited(bakery, lambda m: model(m, "shops").update(change))
    made = convert(bakery)
    assert "tasks/marts/shops.sql" not in made.files
    assert reasons(made)["model.bakery.shops"][0].startswith(reason)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            {"materialized": "external"},
            "materialized as `external`: it is a table of the warehouse",
        ),
        ({"pre-hook": ["set  x = 1"]}, "its pre-hook does not run: `set x = 1`"),
        ({"contract": {"enforced": True}}, "its contract is not checked: say it with `schema`"),
        ({"grants": {"select": ["ann"]}}, "its grants are those of the warehouse's files"),
    ],
)
def test_what_a_task_does_not_do_is_said(tmp_path, config, reason):
    bakery = copied(tmp_path)
    edited(bakery, lambda m: model(m, "shops")["config"].update(config))
    made = convert(bakery)
    assert made.files["tasks/marts/shops.sql"].startswith(b'-- cpgbuild: kind = "compute"')
    assert reasons(made)["model.bakery.shops"] == [reason]


def test_tests_of_columns_are_options_of_headers_that_have_them():
    made = convert(BAKERY, EXPECTATIONS)
    sales = made.files["tasks/staging/stg_sales.sql"].decode().splitlines()
    assert [line for line in sales if "cpgbuild:" in line and "checks" not in line][1:] == [
        '-- cpgbuild: accepted_values = {bread = ["rye", "spelt", "white"]}',
        '-- cpgbuild: not_null = ["sale_id"]',
        '-- cpgbuild: relationships = {shop_id = "stg_shops.shop_id"}',
        '-- cpgbuild: unique = ["sale_id"]',
    ]
    shops = made.files["tasks/staging/stg_shops.sql"].decode()
    assert '-- cpgbuild: unique = ["shop_id"]' in shops
    left = [why for name, (why,) in reasons(made).items() if name.startswith("test.")]
    assert left == [
        "a test: its severity is `warn`, and what a task expects has to hold",
    ]


def test_a_test_that_is_a_query_is_a_check_of_the_last_model_that_it_reads():
    made = convert(BAKERY, EXPECTATIONS)
    marts = made.files["tasks/marts/shops.sql"].decode()
    assert 'checks = {no_negative_sales = "SELECT * FROM shops WHERE sales < 0"}' in marts


def test_a_test_of_some_rows_is_a_check_by_its_query():
    sales = convert(BAKERY, EXPECTATIONS).files["tasks/staging/stg_sales.sql"].decode()
    (line,) = [line for line in sales.splitlines() if line.startswith("-- cpgbuild: checks = ")]
    assert "WHERE pieces IS NULL" in line
    assert "WHERE sale_id <> 4" in line


def test_a_relationship_to_what_is_made_of_the_model_is_a_check_of_that(tmp_path):
    bakery = copied(tmp_path)

    def turned(manifest):
        (name,) = [n for n in manifest["nodes"] if n.startswith("test.bakery.relationships_")]
        test = manifest["nodes"][name]
        test["depends_on"]["nodes"] = ["model.bakery.shops", "model.bakery.stg_sales"]
        test["compiled_code"] = 'select * from "bakery"."main"."shops" where shop_id is null'

    edited(bakery, turned)
    made = convert(bakery, EXPECTATIONS)
    assert b"relationships = " not in made.files["tasks/staging/stg_sales.sql"]
    assert b"WHERE shop_id IS NULL" in made.files["tasks/marts/shops.sql"]


def test_a_test_that_reads_no_task_is_left_out(tmp_path):
    bakery = copied(tmp_path)

    def sourced(manifest):
        node = manifest["nodes"]["test.bakery.no_negative_sales"]
        node["depends_on"]["nodes"] = ["seed.bakery.raw_shops"]

    edited(bakery, sourced)
    why = reasons(convert(bakery, EXPECTATIONS))["test.bakery.no_negative_sales"]
    assert why == ["a test: it reads no model that is a task"]


def test_an_option_is_written_where_headers_have_it():
    made = convert(BAKERY, options())
    known = EXPECTATIONS & options()
    text = made.files["tasks/staging/stg_sales.sql"].decode()
    assert {name for name in EXPECTATIONS if f"-- cpgbuild: {name} = " in text} == known
    unsaid = [why for (why,) in reasons(made).values() if why.startswith("a test: tasks have no")]
    assert bool(unsaid) == (known != EXPECTATIONS)


def test_an_import_is_the_same_every_time(tmp_path):
    first, second = convert(BAKERY), convert(BAKERY)
    assert first == second
    assert first.files == second.files


def test_the_target_folder_and_the_manifest_are_the_project_too(tmp_path):
    bakery = copied(tmp_path)
    for place in (bakery / "target", bakery / "target/manifest.json"):
        assert read_manifest(place) == read_manifest(bakery)


def test_compiled_files_beside_the_manifest_do_too(tmp_path):
    bakery = copied(tmp_path)
    edited(bakery, lambda m: model(m, "shops").pop("compiled_code"))
    file = bakery / "target/compiled/bakery/models/marts/shops.sql"
    file.parent.mkdir(parents=True)
    file.write_text("select 1 as one")
    assert convert(bakery).files["tasks/marts/shops.sql"].endswith(b"select 1 as one\n")


def test_the_script_compares_with_what_dbt_built(tmp_path):
    """The script of the docs, on a database as dbt leaves it, with one row that is another."""
    import duckdb

    bakery = copied(tmp_path)

    def only(manifest):
        for name in ("forecast", "outlook", "monthly", "sales_by_shop"):
            del manifest["nodes"][f"model.bakery.{name}"]
        del manifest["nodes"]["test.bakery.no_negative_sales"]
        model(manifest, "shops")["compiled_code"] = 'select 1.0 as one union all select 2 -- "x"'

    edited(bakery, only)
    with duckdb.connect(str(bakery / "bakery.duckdb")) as database:
        database.execute("CREATE TABLE shops AS SELECT 2 AS one UNION ALL SELECT 1")
        database.execute("CREATE VIEW stg_shops AS SELECT 1 AS shop_id")
        database.execute("CREATE VIEW stg_sales AS SELECT 1 AS sale_id")
    command = [sys.executable, "bench/dbt_import.py", str(bakery)]
    ended = subprocess.run(
        command, capture_output=True, text=True, cwd=BAKERY.parents[2], check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert "| shops | 2 | 1 | same |" in ended.stdout
    assert "| int_known | | | is a view |" in ended.stdout
    assert "| stg_shops | 3 | 4 | columns shop_id, name, zip, opened in place of" in ended.stdout
