"""`cpgbuild export`: what it says, and what it does not overwrite."""

from pathlib import Path

import pytest

from tests.support.commands import run_here


def test_it_writes_a_module_for_hamilton(project, says):
    assert says("export hamilton", project.root).code == 0
    assert (project.root / "generated_pipeline.py").exists()


def test_the_module_for_hamilton(project, tmp_path):
    from tests.support.golden import check_golden

    run_here("export", "hamilton", folder=project.root)
    text = (project.root / "generated_pipeline.py").read_text()
    check_golden(text, Path(__file__).parent / "golden/export_messages/generated_pipeline.txt")


def test_a_module_that_is_there_already(project, says):
    run_here("export", "hamilton", folder=project.root)
    before = (project.root / "generated_pipeline.py").stat()
    assert says("export hamilton", project.root).code == 0
    after = (project.root / "generated_pipeline.py").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_module_in_a_folder_below(project, says):
    (project.root / "flows").mkdir()
    assert says("export hamilton --out flows/shop.py", project.root).code == 0


def test_json_says_what_was_written(project):
    records = run_here("export", "hamilton", "--json", folder=project.root).records
    assert records[0] == {
        "v": 1,
        "event": "exported",
        "form": "hamilton",
        "path": "generated_pipeline.py",
        "functions": 3,
        "changed": True,
    }
    assert records[-1]["event"] == "summary"
    again = run_here("export", "hamilton", "--json", folder=project.root).records
    assert again[0] == records[0] | {"changed": False}


def test_a_file_of_somebody_else_is_not_overwritten(project, says):
    project.write("mine.py", "x = 1\n")
    assert says("export hamilton --out mine.py", project.root).code == 2
    assert (project.root / "mine.py").read_text() == "x = 1\n"


def test_a_file_that_is_no_text_is_not_overwritten(project, says):
    (project.root / "mine.py").write_bytes(b"\xff\xfe")
    assert says("export hamilton --out mine.py", project.root).code == 2
    assert (project.root / "mine.py").read_bytes() == b"\xff\xfe"


@pytest.mark.parametrize("out", ["flow.txt", "my-flow.py"])
def test_what_is_no_module(project, out):
    ended = run_here("export", "hamilton", "--out", out, folder=project.root)
    assert (ended.code, "E112" in ended.stderr) == (2, True)
    assert not (project.root / out).exists()


def test_what_python_could_not_import(project, says):
    assert says("export hamilton --out my-flow.py", project.root).code == 2


def test_a_folder_that_is_not_there(project, says):
    assert says("export hamilton --out no/flow.py", project.root).code == 2


def test_a_project_that_is_wrong_writes_nothing(project, says):
    project.write("tasks/bad.sql", "select nothing from nowhere")
    assert says("export hamilton", project.root).code == 2
    assert not (project.root / "generated_pipeline.py").exists()


EDGES = "SELECT region AS src, NULLIF(region, region) AS dst FROM orders\n"
GRAPH = "export graph --nodes nodes --edges edges"


@pytest.fixture
def graph(project):
    project.write("tasks/edges.sql", EDGES)
    project.write("tasks/nodes.sql", "SELECT DISTINCT region AS node_id FROM orders\n")
    return project


def test_a_graph_of_two_datasets(graph, says):
    assert says(f"{GRAPH} --target src --out graph.json", graph.root).code == 0


def test_an_edge_without_an_end(graph, says):
    assert says(f"{GRAPH} --out graph.json", graph.root).code == 2


def test_a_form_that_is_not_known(graph, says):
    assert says(f"{GRAPH} --out graph.gif", graph.root).code == 2
