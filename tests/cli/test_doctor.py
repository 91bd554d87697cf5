"""`doctor`: how all is that a build needs, also where the project is broken."""

import fcntl
import os
import subprocess
import sys

import pytest

from tests.support.commands import environment, run, run_here


@pytest.fixture
def built(project):
    assert run_here("build", folder=project.root).code == 0
    return project


def found(folder, *more, code=None):
    """Return what is not ok, by what it is about, and see that all else is."""
    ended = run_here("doctor", "--json", *more, folder=folder)
    records = ended.events("found")
    wrong = [record for record in records if record["health"] != "ok"]
    assert all(record["hint"] for record in wrong)
    assert not any(record["hint"] for record in records if record["health"] == "ok")
    problems = sum(record["health"] == "problem" for record in wrong)
    assert (ended.code, ended.records[-1]["problems"]) == (2 if problems else 0, problems)
    return {record["about"]: (record["health"], record["fact"]) for record in wrong}


def test_all_is_well_in_a_new_project_and_in_one_that_was_built(project):
    assert found(project.root) == {}
    assert run_here("build", folder=project.root).code == 0
    assert found(project.root) == {}
    text = run_here("doctor", folder=project.root).stdout
    assert "source orders: parquet, 1 file, 4 columns" in text
    assert "warehouse`, 2 tables" in text
    assert text.endswith("\nAll is well\n")


def test_it_changes_nothing(project):
    before = sorted(path for path in project.root.rglob("*") if "__pycache__" not in path.parts)
    assert found(project.root) == {}
    after = sorted(path for path in project.root.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


def test_outside_of_a_project(tmp_path):
    assert found(tmp_path) == {"configuration": ("problem", "no `cpgbuild.toml` found")}


def test_a_configuration_that_cannot_be_read(built):
    built.append("cpgbuild.toml", "[engine\n")
    health, fact = found(built.root)["configuration"]
    assert health == "problem"
    assert f"{built.root}/cpgbuild.toml:" in fact


def test_tasks_that_cannot_be_planned(built):
    built.write("tasks/wrong.py", "import pandsa")
    health, fact = found(built.root)["tasks"]
    assert (health, fact.startswith("1 problem, the first: task module")) == ("problem", True)


def test_a_source_that_is_gone_is_a_problem_where_a_task_reads_it(project):
    project.append("cpgbuild.toml", '[sources.unread]\npath = "data/unread.parquet"')
    assert found(project.root)["source unread"][0] == "warning"
    project.write("tasks/reads.sql", "SELECT * FROM unread")
    assert found(project.root)["source unread"][0] == "problem"


def test_a_source_that_cannot_be_read(project):
    (project.root / "data/orders.parquet").write_text("no parquet")
    assert found(project.root)["source orders"][0] == "problem"


def test_a_warehouse_that_is_a_file(project):
    project.write("warehouse", "")
    assert found(project.root)["warehouse"][0] == "problem"


def test_a_warehouse_that_somebody_builds_into(built):
    (pid,) = (built.root / "warehouse").glob(".build-*.pid")
    with pid.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        health, fact = found(built.root)["warehouse"]
    assert (health, fact) == ("warning", f"process {os.getpid()} is building into it")
    assert found(built.root) == {}


def test_what_a_dead_build_left(built):
    built.write("warehouse/top/_cpgbuild/staged-x", "1")
    assert found(built.root)["warehouse"] == ("warning", "a build that died left files in `top`")


def test_a_table_that_no_task_makes(built):
    (built.root / "tasks/top.sql").unlink()
    assert found(built.root)["warehouse"] == ("warning", "no task makes `top`")


@pytest.mark.parametrize("name", ["traces-*.jsonl", "digests.json", "data.json", "plans-*.db"])
def test_a_cache_that_cannot_be_read(name, built):
    (path,) = (built.root / ".cpgbuild").glob(name)
    path.write_bytes(b"\0 torn")
    health, fact = found(built.root)["state"]
    assert (health, fact.startswith(f"`{path.name}` cannot be read: ")) == ("warning", True)


def test_a_lock_with_the_marks_of_a_merge(built):
    built.write("cpgbuild.lock", "<<<<<<< HEAD\n")
    assert found(built.root)["lock"][0] == "problem"


def test_what_git_should_know_and_should_not(built):
    subprocess.run(["git", "init", "-q"], cwd=built.root, check=True)
    assert found(built.root)["git"] == ("warning", "`.cpgbuild` is not ignored")
    built.write(".gitignore", ".cpgbuild/\n")
    assert found(built.root)["git"] == ("warning", "`cpgbuild.lock` is not tracked")
    subprocess.run(["git", "add", "cpgbuild.lock"], cwd=built.root, check=True)
    assert found(built.root) == {}


def test_packages_in_other_versions_than_are_known_to_work(project, tmp_path):
    """A package of another version before the installed one, and one that breaks others."""
    for name, version in (("sqlglot", "99.0"), ("sqlglotc", "1.0"), ("ptars", "9.0")):
        about = tmp_path / f"other/{name}-{version}.dist-info/METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    path = f"{tmp_path}/other:{environment()['PYTHONPATH']}"
    ended = run("doctor", folder=project.root, PYTHONPATH=path)
    assert ended.code == 2
    assert "problem   packages: `sqlglot` 99.0 is not in <31,>=30.30" in ended.stdout
    assert "`sqlglotc` is installed, which breaks Ibis" in ended.stdout
    assert "warning   extras: `cpg`: `ptars` 9.0 is not in <0.1,>=0.0.25" in ended.stdout


def test_a_package_that_cannot_be_loaded(project, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/deltalake.py").write_text("raise ImportError('no such symbol')")
    path = f"{tmp_path}/broken:{environment()['PYTHONPATH']}"
    command = [sys.executable, "-m", "cpgbuild", "doctor"]
    env = environment(PYTHONPATH=path)
    ended = subprocess.run(
        command, cwd=project.root, env=env, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, "")
    assert "problem   packages: no such symbol" in ended.stdout


def test_checks_of_tasks_are_no_tasks(project):
    project.edit("tasks/top.sql", '"compute"', '"compute", unique = ["name"]')
    assert "3 tasks, all can be planned" in run_here("doctor", folder=project.root).stdout
