"""What `cpgbuild docs` says."""

import contextlib
import socket

from tests.support.commands import run_here

PORT = 58765


def test_page_is_written_into_the_project(project, says):
    assert says("docs", project.root).code == 0
    assert (project.root / "cpgbuild-docs.html").read_text().startswith("<!doctype html>")


def test_page_is_written_where_it_is_wanted(project, says):
    assert says("docs --out site/index.html --preview 3", project.root).code == 0
    assert (project.root / "site/index.html").is_file()


def test_page_that_cannot_be_written(project, says):
    assert says("docs --out cpgbuild.toml/page.html", project.root).code == 2


def test_port_that_is_taken(project, says):
    with socket.socket() as taken:
        # Where somebody else has it, it is taken too.
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", PORT))
            taken.listen()
        assert says(f"docs --serve --port {PORT}", project.root).code == 2


def test_served_page_is_no_file(project, says):
    assert says("docs --serve --out page.html", project.root).code == 2


def test_page_of_a_project_that_is_wrong(project, says):
    project.edit("tasks/top.sql", "FROM sales", "FROM sale")
    assert says("docs", project.root).code == 2
    assert not (project.root / "cpgbuild-docs.html").exists()


def test_page_as_json(project):
    ended = run_here("docs", "--json", folder=project.root)
    [page] = ended.events("page")
    assert page["place"] == str(project.root / "cpgbuild-docs.html")
    assert page["datasets"] == 5
    assert ended.records[-1]["event"] == "summary"
