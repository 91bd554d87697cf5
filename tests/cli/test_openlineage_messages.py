"""What is wrong with `[openlineage]`: whole messages."""

import pytest


@pytest.fixture
def configured(project):
    def add(text):
        project.append("cpgbuild.toml", f"[openlineage]\n{text}\n")
        return project.root

    return add


def test_events_go_to_one_place(configured, says):
    folder = configured('file = "events.jsonl"\nurl = "http://localhost:5000"')
    assert says("build", folder).code == 2


def test_events_go_somewhere(configured, says):
    assert says("plan", configured('namespace = "shop"')).code == 2


def test_events_go_to_a_url(configured, says):
    assert says("plan", configured('url = "localhost:5000"')).code == 2


def test_a_key_of_openlineage_is_misspelt(configured, says):
    assert says("plan", configured('fil = "events.jsonl"\nfile = "e.jsonl"')).code == 2


def test_the_client_is_not_installed(configured, says, monkeypatch):
    monkeypatch.setattr("cpgbuild.export.openlineage.find_spec", lambda _: None)
    assert says("build", configured('file = "events.jsonl"')).code == 2
