"""`[openlineage]`: a build's runs as events, in a file or to a server, and never in its way."""

import inspect
import json
import pkgutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from types import SimpleNamespace

import pytest
from openlineage.client import event_v2, generated
from openlineage.client.generated import column_lineage_dataset, data_quality_assertions_dataset

from cpgbuild.core.events import Started
from cpgbuild.core.lineage import Use
from cpgbuild.export.openlineage import observed as observed_by
from cpgbuild.export.run_events import _SUBTYPES
from cpgbuild.state.repository import _browsed
from cpgbuild.workspace import opened
from tests.support.commands import environment, run, run_here
from tests.support.projects import shop


def configured(project, **keys):
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    project.append("cpgbuild.toml", "\n".join(["[openlineage]", *lines]) + "\n")


def events(project) -> list[dict]:
    path = project.root / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def told(found) -> list[tuple[str, str]]:
    return [(event["eventType"], event["job"]["name"]) for event in found]


def one(found, state, job) -> dict:
    (event,) = [e for e in found if (e["eventType"], e["job"]["name"]) == (state, job)]
    return event


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    return shop(root)


@pytest.fixture
def observed(project):
    configured(project, file="events.jsonl")
    return project


@pytest.fixture
def server():
    """A lineage server: what it was sent, how long it thinks, and what it answers."""
    state = SimpleNamespace(bodies=[], headers=[], paths=[], thinks=0.0, answers=201)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(state.thinks)
            state.bodies.append(json.loads(body))
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            self.send_response(state.answers)
            self.end_headers()

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{listening.server_port}"
    yield state
    listening.shutdown()
    listening.server_close()


def test_every_run_begins_and_ends_and_so_does_the_build(observed):
    run_here("build", folder=observed.root)
    assert told(events(observed)) == [
        ("START", "shop"),
        ("START", "shop.view.v_orders"),
        ("COMPLETE", "shop.view.v_orders"),
        ("START", "shop.compute.sales"),
        ("COMPLETE", "shop.compute.sales"),
        ("START", "shop.compute.top"),
        ("COMPLETE", "shop.compute.top"),
        ("COMPLETE", "shop"),
    ]


def test_the_two_events_of_a_run_are_of_one_run_whose_parent_is_the_build(observed):
    run_here("build", folder=observed.root)
    found = events(observed)
    build = one(found, "START", "shop")["run"]["runId"]
    assert one(found, "COMPLETE", "shop")["run"]["runId"] == build
    runs = {}
    for event in found[1:-1]:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == build
        assert (parent["job"]["namespace"], parent["job"]["name"]) == ("cpgbuild", "shop")
        runs.setdefault(event["job"]["name"], set()).add(event["run"]["runId"])
    assert {len(ids) for ids in runs.values()} == {1}
    assert len({*runs}) == 3
    times = [event["eventTime"] for event in found]
    assert times == sorted(times)


def transformations(field) -> list[tuple]:
    return [(t["type"], t["subtype"], t.get("description")) for t in field["transformations"]]


def test_an_output_says_its_columns_its_rows_and_where_they_come_from(observed):
    run_here("build", folder=observed.root)
    event = one(events(observed), "COMPLETE", "shop.compute.sales")
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == ("file", str(observed.root / "warehouse/sales"))
    columns = {f["name"]: f["type"] for f in output["facets"]["schema"]["fields"]}
    assert columns == {"customer_id": "int64", "amount": "float64"}
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    lineage = output["facets"]["columnLineage"]
    view = ("cpgbuild", "shop.v_orders")

    def of(inputs):
        assert {(i["namespace"], i["name"]) for i in inputs} == {view}
        return {i["field"]: transformations(i) for i in inputs}

    assert of(lineage["fields"]["customer_id"]["inputFields"]) == {
        "customer_id": [("DIRECT", "IDENTITY", "v_orders.customer_id")]
    }
    assert of(lineage["fields"]["amount"]["inputFields"]) == {
        "amount": [("DIRECT", "AGGREGATION", "sum(v_orders.amount)")]
    }
    assert of(lineage["dataset"]) == {"customer_id": [("INDIRECT", "GROUP_BY", None)]}
    (link,) = output["facets"]["symlinks"]["identifiers"]
    assert (link["namespace"], link["name"], link["type"]) == ("cpgbuild", "shop.sales", "TABLE")


def test_every_way_in_which_a_column_is_used_has_its_word(observed):
    observed.write(
        "tasks/ways.sql",
        """
        -- cpgbuild: kind = "compute"
        SELECT
          s.customer_id AS same,
          upper(c.name) AS made,
          CASE WHEN s.amount > 5 THEN c.name ELSE '' END AS chosen,
          row_number() OVER (ORDER BY s.amount) AS placed
        FROM sales AS s
        JOIN customers AS c ON c.customer_id = s.customer_id
        WHERE c.name <> 'bob'
        ORDER BY s.amount
        LIMIT 10
        """,
    )
    ended = run_here("build", folder=observed.root)
    assert ended.code == 0, ended.stderr
    event = one(events(observed), "COMPLETE", "shop.compute.ways")
    lineage = event["outputs"][0]["facets"]["columnLineage"]

    def of(inputs):
        return {
            (i["name"].rpartition("/")[2], i["field"], kind, subtype)
            for i in inputs
            for kind, subtype, _ in transformations(i)
        }

    fields = {name: of(field["inputFields"]) for name, field in lineage["fields"].items()}
    assert fields == {
        "same": {("sales", "customer_id", "DIRECT", "IDENTITY")},
        "made": {("customers.csv", "name", "DIRECT", "TRANSFORMATION")},
        "chosen": {
            ("customers.csv", "name", "DIRECT", "TRANSFORMATION"),
            ("sales", "amount", "INDIRECT", "CONDITIONAL"),
        },
        "placed": {("sales", "amount", "INDIRECT", "WINDOW")},
    }
    assert of(lineage["dataset"]) == {
        ("customers.csv", "customer_id", "INDIRECT", "JOIN"),
        ("sales", "customer_id", "INDIRECT", "JOIN"),
        ("customers.csv", "name", "INDIRECT", "FILTER"),
        ("sales", "amount", "INDIRECT", "SORT"),
    }


def test_every_kind_of_use_is_known():
    assert set(_SUBTYPES) == set(Use)


CHECKED = """
    -- cpgbuild: kind = "compute", not_null = ["name"], unique = [["name", "customer_id"]]
    -- cpgbuild: checks = {known = "SELECT * FROM checked WHERE name = 'eve'"}
    SELECT customer_id, name FROM customers
"""


def assertions(event) -> set[tuple]:
    (rows,) = event["inputs"]
    told = rows["inputFacets"]["dataQualityAssertions"]["assertions"]
    return {(a["assertion"], a.get("column"), a["name"], a["success"]) for a in told}


def test_checks_that_pass_are_told_as_a_test_of_the_table(observed):
    observed.write("tasks/checked.sql", CHECKED.replace("'eve'", "'nobody'"))
    run_here("build", "-t", "checked", folder=observed.root)
    found = events(observed)
    assert told(found)[1:-1] == [
        ("START", "shop.compute.checked"),
        ("COMPLETE", "shop.compute.checked"),
        ("START", "shop.compute.checked.checks"),
        ("COMPLETE", "shop.compute.checked.checks"),
    ]
    event = one(found, "COMPLETE", "shop.compute.checked.checks")
    assert assertions(event) == {
        ("not_null", "name", "not_null(name)", True),
        ("unique", None, "unique(name, customer_id)", True),
        ("known", None, "known", True),
    }
    assert event["inputs"][0]["name"] == str(observed.root / "warehouse/checked")
    assert event["job"]["facets"]["jobType"]["jobType"] == "TEST"
    assert event["run"]["facets"]["parent"]["job"]["name"] == "shop"


def test_a_check_that_fails_is_told_beside_those_that_passed(observed):
    observed.write("tasks/checked.sql", CHECKED)
    assert run_here("build", "-t", "checked", folder=observed.root).code == 1
    found = events(observed)
    assert told(found)[2:] == [
        ("FAIL", "shop.compute.checked"),
        ("START", "shop.compute.checked.checks"),
        ("FAIL", "shop.compute.checked.checks"),
        ("FAIL", "shop"),
    ]
    event = one(found, "FAIL", "shop.compute.checked.checks")
    assert {name: success for *_, name, success in assertions(event)} == {
        "known": False,
        "not_null(name)": True,
        "unique(name, customer_id)": True,
    }


def test_nothing_is_told_of_checks_where_a_run_failed_of_something_else(observed):
    observed.write("tasks/checked.sql", CHECKED.replace("name FROM", "name, 1 / 0 AS x FROM"))
    assert run_here("build", "-t", "checked", folder=observed.root).code == 1
    assert told(events(observed))[-2:] == [("FAIL", "shop.compute.checked"), ("FAIL", "shop")]


def test_inputs_are_sources_views_and_tables(observed):
    run_here("build", folder=observed.root)
    found = events(observed)
    inputs = {
        name: {(i["namespace"], i["name"]) for i in one(found, "START", name)["inputs"]}
        for name in ("shop.view.v_orders", "shop.compute.sales", "shop.compute.top")
    }
    root = observed.root
    assert inputs == {
        "shop.view.v_orders": {("file", f"{root}/data/orders.parquet")},
        "shop.compute.sales": {("cpgbuild", "shop.v_orders")},
        "shop.compute.top": {
            ("file", f"{root}/warehouse/sales"),
            ("file", f"{root}/data/customers.csv"),
        },
    }


def test_a_job_says_its_query_its_code_and_what_it_is(observed):
    run_here("build", folder=observed.root)
    facets = one(events(observed), "START", "shop.compute.top")["job"]["facets"]
    assert "WHERE s.amount > 10" in facets["sql"]["query"]
    assert facets["documentation"]["description"] == "Who spent more than ten."
    assert facets["jobType"]["jobType"] == "TABLE"
    location = facets["sourceCodeLocation"]
    assert location["url"] == f"{(observed.root / 'tasks/top.sql').as_uri()}#L3"
    engine = one(events(observed), "START", "shop.compute.top")["run"]["facets"]
    assert engine["processing_engine"]["name"] == "datafusion"
    assert engine["processing_engine"]["version"][0].isdigit()


def test_code_in_a_repository_is_where_its_commit_is_browsed(observed):
    git = ["git", "-C", str(observed.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    origin = "git@code.example:shop/tables.git"
    subprocess.run([*git, "remote", "add", "origin", origin], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    run_here("build", folder=observed.root)
    location = one(events(observed), "START", "shop.compute.top")["job"]["facets"][
        "sourceCodeLocation"
    ]
    commit = head.stdout.strip()
    assert location["url"] == f"https://code.example/shop/tables/blob/{commit}/tasks/top.sql#L3"
    assert (location["type"], location["path"], location["version"]) == (
        "git",
        "tasks/top.sql",
        commit,
    )


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@code.example:a/b.git", "https://code.example/a/b"),
        ("https://ann:secret@code.example/a/b.git", "https://code.example/a/b"),
        ("ssh://git@code.example:2222/a/b", "https://code.example/a/b"),
        ("/srv/git/b.git", ""),
        ("", ""),
    ],
)
def test_a_remote_is_browsed_without_its_password(remote, url):
    assert _browsed(remote) == url


def test_a_run_that_fails_says_why(observed):
    observed.edit(
        "tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum() * 99).cast("int8")'
    )
    assert run_here("build", folder=observed.root).code == 1
    found = events(observed)
    assert told(found)[-2:] == [("FAIL", "shop.compute.sales"), ("FAIL", "shop")]
    error = one(found, "FAIL", "shop.compute.sales")["run"]["facets"]["errorMessage"]
    assert "compute.sales" in error["message"]
    assert error["programmingLanguage"] == "SQL"


def test_a_run_that_came_out_the_same_wrote_no_rows(observed):
    run_here("build", folder=observed.root)
    (observed.root / "events.jsonl").unlink()
    run_here("build", "--force", "sales", folder=observed.root)
    found = events(observed)
    # The view was not redefined, but the table that ran evaluated it.
    assert told(found) == [
        ("START", "shop"),
        ("START", "shop.view.v_orders"),
        ("COMPLETE", "shop.view.v_orders"),
        ("START", "shop.compute.sales"),
        ("COMPLETE", "shop.compute.sales"),
        ("COMPLETE", "shop"),
    ]
    assert one(found, "COMPLETE", "shop.compute.sales")["outputs"][0]["outputFacets"] == {}


def test_a_run_that_is_interrupted_is_aborted(observed):
    with opened(observed.root) as workspace, observed_by(workspace, pytest.fail) as report:
        report(Started(workspace.graph.tasks["compute.sales"], ()))
    assert told(events(observed))[-3:] == [
        ("START", "shop.compute.sales"),
        ("ABORT", "shop.compute.sales"),
        ("ABORT", "shop"),
    ]


def test_where_nothing_runs_nothing_is_told(observed):
    run_here("build", folder=observed.root)
    (observed.root / "events.jsonl").unlink()
    run_here("build", folder=observed.root)
    run("build", folder=observed.root)
    run_here("plan", "--force", "sales", folder=observed.root)
    assert events(observed) == []


def test_parts_of_a_dataset_are_outputs_and_inputs_of_their_own(observed):
    observed.write(
        "tasks/parts.py",
        """
        from cpgbuild import Catalog, compute

        @compute(contributes_to="names")
        def one(catalog: Catalog):
            return catalog.table("customers").select("name")

        @compute(contributes_to="names")
        def two(catalog: Catalog):
            return catalog.table("customers").select("name")

        @compute
        def all_names(catalog: Catalog):
            return catalog.table("names")
        """,
    )
    run_here("build", "-t", "all_names", folder=observed.root)
    event = one(events(observed), "COMPLETE", "shop.compute.all_names")
    warehouse = observed.root / "warehouse"
    assert [i["name"] for i in event["inputs"]] == [
        f"{warehouse}/names.one",
        f"{warehouse}/names.two",
    ]


def test_events_are_what_the_official_classes_take(observed):
    """Every object with a schema has only what the client's class of that schema has."""
    observed.write("tasks/checked.sql", CHECKED.replace("'eve'", "'nobody'"))
    run_here("build", folder=observed.root)
    classes = {
        name: kind
        for found in pkgutil.iter_modules(generated.__path__)
        for name, kind in inspect.getmembers(
            import_module(f"openlineage.client.generated.{found.name}"), inspect.isclass
        )
    }
    checked = set()

    def check(value):
        if isinstance(value, list):
            for item in value:
                check(item)
        if not isinstance(value, dict):
            return
        url = value.get("_schemaURL") or value.get("schemaURL")
        if url:
            name = url.rpartition("/")[2]
            kept = {k: v for k, v in value.items() if k not in {"_schemaURL", "schemaURL"}}
            kept["producer"] = kept.pop("_producer", None) or kept.pop("producer")
            if name == "RunEvent":
                kept["eventType"] = event_v2.RunState(kept["eventType"])
                kept["run"] = event_v2.Run(**kept["run"])
                kept["job"] = event_v2.Job(**kept["job"])
                kept["inputs"] = [event_v2.InputDataset(**i) for i in kept["inputs"]]
                kept["outputs"] = [event_v2.OutputDataset(**o) for o in kept["outputs"]]
            if name == "ColumnLineageDatasetFacet":
                fields = [*kept["dataset"]]
                for each in kept["fields"].values():
                    fields += column_lineage_dataset.Fields(**each).inputFields
                for each in fields:
                    for made in column_lineage_dataset.InputField(**each).transformations:
                        column_lineage_dataset.Transformation(**made)
            for assertion in kept.get("assertions", ()):
                data_quality_assertions_dataset.Assertion(**assertion)
            classes[name](**kept)
            checked.add(name)
        for item in value.values():
            check(item)

    check(events(observed))
    assert checked >= {
        "RunEvent",
        "SchemaDatasetFacet",
        "ColumnLineageDatasetFacet",
        "DataQualityAssertionsDatasetFacet",
        "OutputStatisticsOutputDatasetFacet",
        "SQLJobFacet",
        "SourceCodeLocationJobFacet",
        "ParentRunFacet",
        "ProcessingEngineRunFacet",
        "SymlinksDatasetFacet",
    }


def test_a_namespace_is_that_of_jobs_and_views(project):
    configured(project, file="events.jsonl", namespace="bakery")
    run_here("build", folder=project.root)
    found = events(project)
    assert {event["job"]["namespace"] for event in found} == {"bakery"}
    (view,) = one(found, "COMPLETE", "shop.view.v_orders")["outputs"]
    assert (view["namespace"], view["name"]) == ("bakery", "shop.v_orders")


def test_a_server_gets_all_events_in_their_order(project, server, monkeypatch):
    configured(project, url=server.url)
    ended = run("build", folder=project.root, OPENLINEAGE_API_KEY="k-123")
    assert (ended.code, ended.stderr) == (0, "")
    assert len(server.bodies) == 8
    assert (server.bodies[0]["eventType"], server.bodies[-1]["eventType"]) == ("START", "COMPLETE")
    assert set(server.paths) == {"/api/v1/lineage"}
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer k-123"}


def test_a_server_that_is_not_there_is_told_of_once(project):
    configured(project, url="http://127.0.0.1:9")
    ended = run("build", folder=project.root)
    assert ended.code == 0
    (line,) = ended.stderr.splitlines()
    said = "warning: no more OpenLineage events go to http://127.0.0.1:9: nobody answers there"
    assert line == said


def test_a_server_that_refuses_is_told_of_once_and_asked_no_more(project, server):
    server.answers = 500
    configured(project, url=server.url)
    ended = run("build", "--json", folder=project.root)
    assert ended.code == 0
    assert ended.records[-1]["built"] == 3
    (line,) = ended.stderr.splitlines()
    assert line.endswith(": it answers 500")
    assert len(server.bodies) == 1


def test_a_server_that_does_not_answer_holds_a_build_up_for_seconds_at_most(project, server):
    server.thinks = 30.0
    configured(project, url=server.url)
    began = time.monotonic()
    ended = run_here("build", folder=project.root)
    assert time.monotonic() - began < 15
    assert ended.code == 0
    assert ended.stderr.endswith(": no answer in 2 s\n")


def test_a_slow_server_does_not_get_what_is_late(project, server, monkeypatch):
    monkeypatch.setattr("cpgbuild.export.delivery.REST", 0.5)
    server.thinks = 0.4
    configured(project, url=server.url)
    ended = run_here("build", folder=project.root)
    assert ended.code == 0
    assert "too slow: 0.5 s after the build, some are left" in ended.stderr
    assert 0 < len(server.bodies) < 8


def test_a_file_that_cannot_be_written_fails_no_build(project):
    configured(project, file="no/such/folder/events.jsonl")
    ended = run_here("build", folder=project.root)
    assert ended.code == 0
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("warning: no more OpenLineage events go to ")


def test_without_the_table_nothing_of_it_is_imported(project):
    command = [sys.executable, "-X", "importtime", "-m", "cpgbuild", "build"]
    ended = subprocess.run(
        command, cwd=project.root, env=environment(), capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "datafusion" in imported
    assert not [name for name in imported if name.startswith(("openlineage", "cpgbuild.export"))]
