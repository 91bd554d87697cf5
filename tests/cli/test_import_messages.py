"""What `cpgbuild import` says: whole messages."""

import json

import pytest

from tests.dbt.bakeries import copied, edited
from tests.support.commands import run_here


@pytest.fixture
def bakery(tmp_path):
    return copied(tmp_path)


def test_import_says_what_it_took_and_what_not(bakery, tmp_path, says):
    edited(bakery, lambda m: [m["nodes"].pop(n) for n in list(m["nodes"]) if n.startswith("test.")])
    assert says("import dbt bakery --out shop", tmp_path).code == 0


def test_import_needs_a_manifest(tmp_path, says):
    assert says("import dbt nowhere", tmp_path).code == 2


def test_import_needs_a_manifest_of_dbt(bakery, tmp_path, says):
    (bakery / "target/manifest.json").write_text("[1, 2]")
    assert says("import dbt bakery", tmp_path).code == 2


def test_import_needs_compiled_sql(bakery, tmp_path, says):
    edited(bakery, lambda m: [node.pop("compiled_code", None) for node in m["nodes"].values()])
    assert says("import dbt bakery", tmp_path).code == 2


def test_import_needs_a_known_dialect(bakery, tmp_path, says):
    edited(bakery, lambda m: m["metadata"].update(adapter_type="snowflaky"))
    assert says("import dbt bakery", tmp_path).code == 2
    assert run_here("import", "dbt", "bakery", "--dialect", "duckdb", folder=tmp_path).code == 0


def test_import_overwrites_nothing(bakery, project, tmp_path, says):
    before = {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file()}
    assert says("import dbt bakery --out shop", tmp_path).code == 2
    assert {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file()} == before


def test_import_below_a_file(bakery, tmp_path, says):
    (tmp_path / "file").touch()
    assert says("import dbt bakery --out file/shop", tmp_path).code == 2


def test_import_keeps_an_ignore_file(bakery, tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run_here("import", "dbt", "bakery", folder=tmp_path).code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_import_as_json(bakery, tmp_path):
    records = run_here("import", "dbt", "bakery", "-o", "new", "--json", folder=tmp_path).records
    assert all(record["v"] == 1 for record in records)
    tasks = [r for r in records if r["event"] == "imported" and "task" in r]
    sources = [r for r in records if r["event"] == "imported" and "source" in r]
    left = [r for r in records if r["event"] == "left_out"]
    assert {frozenset(r) for r in tasks} == {frozenset({"v", "event", "task", "path", "origin"})}
    assert [r["source"] for r in sources if "fill_in" in r] == ["days", "forecast"]
    assert {frozenset(r) for r in left} == {
        frozenset({"v", "event", "origin", "reason", "in_part"})
    }
    counts = {key: records[-1][key] for key in ("event", "tasks", "sources", "left_out")}
    assert counts == {"event": "summary", "tasks": 7, "sources": 5, "left_out": len(left)}
    assert json.dumps(records)
