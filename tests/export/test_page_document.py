"""What the page shows of a project, as data, and the file that it becomes."""

import json
import re
import shutil
from html.parser import HTMLParser

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cpgbuild import api
from cpgbuild.cli.wording import reasons_text
from cpgbuild.export.column_lineage import KnownDerivations
from cpgbuild.export.page import page
from cpgbuild.export.page_document import Wanted, page_document
from cpgbuild.workspace import opened
from tests.support.page_documents import large_document


@pytest.fixture(scope="module")
def document(shop_folder):
    with opened(shop_folder) as workspace:
        return page_document(workspace, Wanted(reasons_text, preview=2))


def part(document, name):
    return next(part for part in document["datasets"] if part["name"] == name)


def test_datasets_are_there_with_kind_group_and_schema(document):
    found = {(p["name"], p["kind"], p["group"], p["state"]) for p in document["datasets"]}
    assert found == {
        ("customers", "source", "sources", ""),
        ("orders", "source", "sources", ""),
        ("v_orders", "view", "tasks", "skip"),
        ("sales", "table", "tasks", "skip"),
        ("top", "table", "tasks", "skip"),
        ("v_odd", "view", "tasks/notes", "skip"),
    }
    assert part(document, "sales")["columns"] == [
        ("customer_id", "int64", True),
        ("amount", "float64", True),
    ]
    assert part(document, "v_odd")["tags"] == ["odd", "texts"]


def test_source_text_is_what_was_written(document):
    [python] = part(document, "sales")["tasks"]
    assert python["source"]["text"].startswith("@compute\ndef sales(catalog")
    assert python["source"]["text"].endswith("agg(amount=orders.amount.sum())")
    assert "SUM(" in python["sql"]["text"]
    assert (python["file"], python["line"]) == ("tasks/sales.py", 13)
    [sql] = part(document, "top")["tasks"]
    assert sql["source"]["text"].startswith('-- cpgbuild: kind = "compute"')
    assert sql["sql"] is None


def test_marks_cover_each_text_and_tell_its_words_apart(document):
    for dataset in document["datasets"]:
        for text in (t for task in dataset["tasks"] for t in (task["source"], task["sql"]) if t):
            assert sum(length for length, _ in text["marks"]) == len(text["text"])
    text = part(document, "top")["tasks"][0]["source"]
    assert text["marks"][0][1] == "comment"
    assert "keyword" in {kind for _, kind in text["marks"]}


def test_last_build_is_there_with_rows_and_seconds(document):
    [run] = part(document, "sales")["runs"]
    assert (run["event"], run["rows"]) == ("built", 2)
    assert run["seconds"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*(Z|\+00:00)", run["when"])
    assert part(document, "v_orders")["runs"] == []


def test_preview_is_of_sources_views_and_tables(document):
    previews = {p["name"]: p["preview"] for p in document["datasets"]}
    assert previews["customers"]["rows"] == [["1", "ada"], ["2", "bob"]]
    assert previews["v_orders"]["columns"] == ["order_id", "customer_id", "region", "amount"]
    assert len(previews["sales"]["rows"]) == 2
    assert previews["v_odd"]["rows"] == [["ada<!--<script>", "20.0", "</style>"]]


def test_preview_of_what_is_not_built_says_so(shop_folder, tmp_path):
    from cpgbuild.project.config import Overrides

    with opened(shop_folder, Overrides(warehouse=str(tmp_path))) as workspace:
        document = page_document(workspace, Wanted(reasons_text, preview=1))
    sales = part(document, "sales")
    assert (sales["state"], sales["tasks"][0]["reasons"]) == ("run", ["never built"])
    assert sales["preview"]["fault"] == "a table that holds these rows is not built yet"
    assert part(document, "v_odd")["preview"]["fault"] == sales["preview"]["fault"]
    assert len(part(document, "v_orders")["preview"]["rows"]) == 1


def test_states_and_reasons_are_those_of_plan(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    planned = {p.task.dataset: p for p in api.plan(project.root)}
    with opened(project.root) as workspace:
        document = page_document(workspace, Wanted(reasons_text))
    for name, one in planned.items():
        [task] = part(document, name)["tasks"]
        assert task["action"] == str(one.action)
        assert task["reasons"] == [reasons_text(one.task, [reason]) for reason in one.reasons]
    assert part(document, "sales")["state"] == "run"
    assert "preview" not in part(document, "sales")


def test_edges_lead_from_what_is_read_and_say_which_others_imply(document):
    names = [p["name"] for p in document["datasets"]]
    edges = {(names[a], names[b], implied) for a, b, implied in document["edges"]}
    assert edges == {
        ("orders", "v_orders", False),
        ("v_orders", "sales", False),
        ("sales", "top", False),
        ("customers", "top", False),
        ("top", "v_odd", False),
    }


def named(document, numbers):
    """Return columns by their names, as the page numbers them."""
    every = [f"{p['name']}.{column[0]}" for p in document["datasets"] for column in p["columns"]]
    return [every[number] for number in numbers]


def uses(document, part):
    return [(kind, named(document, numbers)) for kind, numbers in part]


def made(document, dataset):
    """Return of each column of a dataset its expression, and what is in it."""
    found = part(document, dataset)
    [task] = found["tasks"]
    return {
        column[0]: (expression, named(document, direct))
        for column, (expression, direct, _) in zip(found["columns"], task["made"], strict=True)
    }


def test_a_column_has_its_expression_and_the_columns_whose_values_are_in_it(document):
    assert made(document, "sales") == {
        "customer_id": ("v_orders.customer_id", ["v_orders.customer_id"]),
        "amount": ("sum(v_orders.amount)", ["v_orders.amount"]),
    }
    assert made(document, "top")["name"] == ("customers.name", ["customers.name"])


def test_a_task_has_what_decides_its_rows(document):
    [orders] = part(document, "v_orders")["tasks"]
    [top] = part(document, "top")["tasks"]
    assert uses(document, orders["rows"]) == [("filter", ["orders.region"])]
    assert uses(document, top["rows"]) == [
        ("filter", ["sales.amount"]),
        ("join", ["customers.customer_id", "sales.customer_id"]),
    ]


def test_what_decides_a_value_is_told_from_what_is_in_it(project):
    project.write(
        "tasks/kinds.sql",
        "SELECT CASE WHEN amount > 10 THEN name ELSE '' END AS kind FROM top",
    )
    with opened(project.root) as workspace:
        found = page_document(workspace, Wanted(reasons_text))
    [(_, direct, deciding)] = part(found, "kinds")["tasks"][0]["made"]
    assert named(found, direct) == ["top.name"]
    assert uses(found, deciding) == [("condition", ["top.amount"])]


def test_of_parts_of_a_dataset_each_says_what_it_makes(project):
    for name in ("customers", "top"):
        header = '-- cpgbuild: contributes_to = "names"'
        project.write(f"tasks/names_{name}.sql", f"{header}\nSELECT name FROM {name}")
    with opened(project.root) as workspace:
        found = page_document(workspace, Wanted(reasons_text))
    assert [task["made"][0][0] for task in part(found, "names")["tasks"]] == [
        "customers.name",
        "top.name",
    ]


def test_derivations_that_are_known_are_not_looked_for_unless_the_query_is_another(project):
    known = KnownDerivations()
    with opened(project.root) as workspace:
        page_document(workspace, Wanted(reasons_text), known)
    before = dict(known.found)
    project.edit("tasks/top.sql", "WHERE s.amount > 10", "WHERE s.customer_id > 10 -- not s.amount")
    with opened(project.root) as workspace:
        found = page_document(workspace, Wanted(reasons_text), known)
    assert {n for n, e in known.found.items() if e is not before[n]} == {"compute.top"}
    assert uses(found, part(found, "top")["tasks"][0]["rows"])[0] == (
        "filter",
        ["sales.customer_id"],
    )


def documented(project):
    with opened(project.root) as workspace:
        return page_document(workspace, Wanted(reasons_text))


def runs(project, dataset):
    """Return how the runs of a dataset went, newest first, and why they were."""
    return [(run["event"], run["why"]) for run in part(documented(project), dataset)["runs"]]


def test_runs_are_those_of_all_builds_with_their_reasons(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    api.build(project.root)
    api.build(project.root, force=["sales"])
    assert runs(project, "sales") == [
        ("unchanged", "forced"),
        ("built", "plan changed"),
        ("built", "never built"),
    ]
    assert runs(project, "top") == [("built", "sales changed"), ("built", "never built")]


def test_a_run_that_failed_says_its_error(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum()*99).cast("int8")')
    api.build(project.root)
    [failed, built] = part(documented(project), "sales")["runs"]
    assert (failed["event"], failed["rows"], built["event"]) == ("failed", None, "built")
    assert failed["error"].startswith("task `compute.sales` failed: ")
    assert built["error"] == ""


def test_a_run_in_which_several_checks_failed_says_all_of_them(project):
    project.write("tasks/checked.sql", CHECKED)
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,ada\n3,\n")
    api.build(project.root, targets=["checked"])
    [failed] = part(documented(project), "checked")["runs"]
    each = failed["error"].split("; ")
    assert [one.partition(" of task")[0] for one in each] == [
        "check `not_null(name)`",
        "check `unique(name)`",
    ]


def test_where_the_file_of_builds_is_lost_the_tables_tell_of_their_runs(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.max()")
    api.build(project.root)
    with opened(project.root) as workspace:
        workspace.history.path.unlink()
    assert runs(project, "sales") == [("built", ""), ("built", "")]
    assert [run["rows"] for run in part(documented(project), "sales")["runs"]] == [2, 2]
    api.build(project.root, force=["top"])
    assert runs(project, "top")[0] == ("unchanged", "forced")


def test_a_table_that_somebody_else_wrote_says_so(project):
    api.build(project.root)
    write_deltalake(
        project.root / "warehouse/sales",
        pa.table({"customer_id": [1], "amount": [2.0]}),
        mode="overwrite",
    )
    shutil.rmtree(project.root / ".cpgbuild")
    assert runs(project, "sales") == [("foreign", ""), ("built", "")]


CHECKED = """
    -- cpgbuild: kind = "compute", not_null = ["name"], unique = ["name"]
    SELECT customer_id, name FROM customers
"""


def checks(project):
    [task] = part(documented(project), "checked")["tasks"]
    return {one["title"]: (one["state"], one["bad"], one["kept"]) for one in task["checks"]}


def test_checks_are_open_until_they_are_made_and_then_passed(project):
    project.write("tasks/checked.sql", CHECKED)
    assert checks(project) == {"not_null(name)": ("open", 0, ""), "unique(name)": ("open", 0, "")}
    api.build(project.root, targets=["checked"])
    assert {state for state, _, _ in checks(project).values()} == {"passed"}


def test_a_check_that_failed_says_how_many_rows_and_where_they_are(project):
    project.write("tasks/checked.sql", CHECKED)
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,ada\n3,eve\n")
    api.build(project.root, targets=["checked"])
    assert checks(project) == {
        "not_null(name)": ("open", 0, ""),
        "unique(name)": ("failed", 2, ".cpgbuild/failed/checked/unique.name.parquet"),
    }
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,bob\n3,eve\n")
    api.build(project.root, targets=["checked"])
    assert {state for state, _, _ in checks(project).values()} == {"passed"}


class _Parsed(HTMLParser):
    """Collects the elements of a page, and the text of its scripts."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.scripts = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script":
            self.scripts[-1] += data


def test_page_names_nothing_outside_of_itself(document):
    parsed = _Parsed()
    parsed.feed(page(document))
    for _, attributes in parsed.tags:
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith(("#", "data:"))
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    [policy] = [a["content"] for _, a in parsed.tags if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy


def test_page_has_the_licence_of_what_is_in_it(document):
    assert "Mike Bostock" in page(document)
    assert "Permission to use, copy, modify" in page(document)


def test_texts_of_users_cannot_leave_the_data_of_the_page(document):
    parsed = _Parsed()
    html = page(document)
    parsed.feed(html)
    data, _ = parsed.scripts
    assert "<" not in data
    assert json.loads(data) == json.loads(json.dumps(document))
    assert html.count("<script") == html.count("</script>") == 2
    odd = part(json.loads(data), "v_odd")
    assert odd["description"].endswith("& {{script}}")


def test_page_of_two_thousand_datasets_is_small_enough_to_mail():
    assert len(page(large_document(2000)).encode()) < 5_000_000
