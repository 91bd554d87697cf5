"""The Makefile and the workflow of `docs/ci` do what their page says: both are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.commands import environment, run

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
MAKEFILE = """
include cpgbuild.mk
report.txt: $(DATASETS)/best_country
\techo made >> $@
both: $(DATASETS)/best_country $(DATASETS)/sales_by_country
"""


@pytest.fixture
def shop(tmp_path):
    """A new project, and programs `cpgbuild` and `pip`: the one is this, the other does nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, command in (("cpgbuild", f"exec {sys.executable} -m cpgbuild"), ("pip", ": ")):
        program = programs / name
        program.write_text(f'#!/bin/sh\n{command} "$@"\n')
        program.chmod(0o755)
    assert run("init", "shop", folder=tmp_path).code == 0
    return tmp_path / "shop"


def shell(command, folder, **more):
    path = f"{folder.parent / 'programs'}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, NO_COLOR="1", **more)
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def make(shop, *arguments):
    return shell(["make", *arguments], shop)


@pytest.fixture
def makefile(shop):
    (shop / "cpgbuild.mk").write_text((CI / "cpgbuild.mk").read_text())
    (shop / "Makefile").write_text(MAKEFILE)
    return shop


def append(shop, line):
    with (shop / "data/orders.csv").open("a") as orders:
        orders.write(line)


def reports(shop) -> int:
    return len((shop / "report.txt").read_text().splitlines())


def test_what_needs_a_dataset_is_made_again_where_its_rows_changed(makefile):
    first = make(makefile, "report.txt")
    assert first.returncode == 0, first.stdout + first.stderr
    assert reports(makefile) == 1
    assert make(makefile, "report.txt").stdout == ""
    assert reports(makefile) == 1
    # Less than the smallest order that counts: the table upstream comes out as it was.
    append(makefile, "6,bob,us,0.10\n")
    make(makefile, "report.txt")
    assert reports(makefile) == 1
    append(makefile, "7,bob,us,100.00\n")
    make(makefile, "report.txt")
    assert reports(makefile) == 2


def test_what_fails_stops_make_and_says_why(makefile):
    (makefile / "tasks/best_country.sql").write_text("SELECT nothing FROM sales_by_country\n")
    ended = make(makefile, "report.txt")
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("{")]
    assert "nothing" in json.loads(line)["message"]
    assert not (makefile / "report.txt").exists()


def test_builds_of_a_parallel_make_wait_for_each_other(makefile):
    ended = make(makefile, "-j2", "both")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {"best_country changed", "sales_by_country changed"} <= {*ended.stdout.splitlines()}


def test_a_check_builds_nothing_and_fails_where_there_is_work(makefile):
    assert make(makefile, "datasets-check").returncode == 2
    assert not (makefile / "warehouse").exists()
    assert make(makefile, "datasets").returncode == 0
    assert make(makefile, "datasets-check").returncode == 0


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def request_(shop):
    """A clone of the shop with a branch that changes the table, and the lock with it."""
    run("build", folder=shop)
    git(shop, "init", "-q", "-b", "main")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "the shop")
    clone = shop.parent / "clone"
    git(shop.parent, "clone", "-q", "shop", "clone")
    git(clone, "checkout", "-qb", "topic")
    task = clone / "tasks/best_country.sql"
    task.write_text(task.read_text().replace("LIMIT 1", "LIMIT 2"))
    return clone


def test_make_says_what_a_branch_reaches(request_):
    (request_ / "Makefile").write_text((CI / "cpgbuild.mk").read_text())
    ended = make(request_, "datasets-impact")
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"0 +compute.best_country +query changed", ended.stdout)


def workflow(folder) -> dict[str, str]:
    """Run the steps of all jobs in their order, as GitHub's runner does; return what they said.

    Of the runner it has what the steps use: bash as `shell: bash` starts it, the summary, outputs,
    and conditions upon outputs. Actions of others (`uses`) are not run.
    """
    jobs = yaml.safe_load((CI / "github-actions.yml").read_text())["jobs"]
    summary, said = folder.parent / "summary.md", {}
    for job in jobs.values():
        outputs: dict[str, str] = {}
        for step in job["steps"]:
            if "run" not in step:
                assert set(step) <= {"uses", "with"}
                continue
            assert step["shell"] == "bash"
            if "if" in step:
                name, output, value = re.fullmatch(
                    r"steps\.(\w+)\.outputs\.(\w+) == '(\w+)'", step["if"]
                ).groups()
                if outputs.get(f"{name}.{output}") != value:
                    continue
            file = folder.parent / "output"
            file.write_text("")
            more = {"GITHUB_OUTPUT": str(file), "GITHUB_STEP_SUMMARY": str(summary)}
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            ended = shell(command, folder, GITHUB_BASE_REF="main", **more)
            said[step["name"]] = ended.stdout + ended.stderr
            if ended.returncode:
                return said | {"failed": step["name"]}
            for line in file.read_text().splitlines():
                key, _, value = line.partition("=")
                outputs[f"{step.get('id')}.{key}"] = value
    return said | {"summary": summary.read_text()}


def test_a_pull_request_with_an_old_lock_fails(request_):
    said = workflow(request_)
    assert said["failed"] == "The lock is up to date"
    assert "cpgbuild.lock is out of date: 1 task" in said["The lock is up to date"]


def test_a_pull_request_shows_what_it_reaches_and_builds_it(request_):
    run("build", "--warehouse", str(request_.parent / "elsewhere"), folder=request_)
    said = workflow(request_)
    assert "failed" not in said, said
    assert re.search(r"0 +compute.best_country +query changed", said["summary"])
    built = [json.loads(line) for line in said["Build"].splitlines()]
    assert [r["dataset"] for r in built if r["event"] == "built"][-1] == "best_country"
    assert '"rows": 2' in said["summary"]
    # A second run finds the tables: there is no work.
    assert "Build" not in workflow(request_)


def test_a_pull_request_whose_data_is_gone_fails(request_):
    (request_ / "data/orders.csv").unlink()
    run("build", "--warehouse", str(request_.parent / "elsewhere"), folder=request_)
    git(request_, "checkout", "-q", "tasks")
    said = workflow(request_)
    assert said["failed"] == "Is there work"
    assert "E121" in said["Is there work"]
