"""Ctrl-C: nothing is lost that was finished, nothing half-written is visible."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from cpgbuild.api import build, plan
from tests.support.commands import start
from tests.support.projects import ProjectFolder

SLOW_MAP = """
import time
from pathlib import Path

from cpgbuild import compute


def wait(rows):
    Path("running").touch()
    while Path("slow").exists():
        time.sleep(0.05)
    return rows


@compute(priority=1)
def before(catalog):
    return catalog.table("customers")


@compute(map=wait, schema={"customer_id": "int64", "name": "string"}, priority=2)
def slow(catalog):
    return catalog.table("before")


@compute(priority=3)
def after(catalog):
    return catalog.table("slow")
"""
# Many seconds of work that gives no row before its end.
SLOW_QUERY = """
-- cpgbuild: kind = "compute", priority = 2
SELECT SUM(a.n % 7 + b.n % 5 + c.n % 3) AS total
FROM many AS a, many AS b, many AS c
"""


@pytest.fixture
def slow(project) -> ProjectFolder:
    """A project whose build makes `before` and then hangs in `slow` while a file exists."""
    project.write("tasks/slow.py", SLOW_MAP)
    (project.root / "slow").touch()
    return project


def until(condition, seconds=30.0):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Send what a terminal sends on Ctrl-C: the signal to the whole group."""
    os.killpg(process.pid, signal.SIGINT)


def built(project: ProjectFolder) -> set[str]:
    """The tables that are there, read as anybody would read them."""
    found = set()
    for folder in (project.root / "warehouse").iterdir():
        if (folder / "_delta_log").exists():
            DeltaTable(folder).to_pyarrow_table()
            found.add(folder.name)
    return found


def test_first_interrupt_keeps_what_is_finished_and_commits_nothing_else(slow):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    interrupt(process)
    began = time.monotonic()
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 10
    assert "Traceback" not in stdout + stderr
    assert built(slow) == {"before"}
    assert [line.split()[0] for line in stdout.splitlines()[:3]] == ["built", "skipped", "skipped"]
    assert stdout.splitlines()[-1].startswith("Interrupted: 1 table built")


def test_next_build_resumes_and_the_one_after_runs_nothing(slow):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    interrupt(process)
    process.communicate(timeout=20)
    (slow.root / "slow").unlink()
    ran = [p.task.name for p in plan(slow.root, targets=["after"]) if p.reasons]
    assert ran == ["compute.slow", "compute.after"]
    process = start("build", "--target", "after", folder=slow.root)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert built(slow) == {"before", "slow", "after"}
    assert DeltaTable(slow.root / "warehouse/after").to_pyarrow_table().num_rows == 3
    again = build(slow.root, targets=["after"])
    assert (again.built, again.up_to_date) == (0, 3)


def test_second_interrupt_ends_at_once(slow):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    interrupt(process)
    time.sleep(0.05)
    interrupt(process)
    began = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 2
    assert built(slow) == {"before"}


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.6])
def test_interrupt_while_workers_begin_shows_no_traceback(slow, moment):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "warehouse/before/_delta_log/00000000000000000000.json").exists)
    time.sleep(moment)
    interrupt(process)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr == ""
    assert "Interrupted: 1 table built, 2 skipped" in stdout


def test_interrupted_build_sums_up_for_scripts_too(slow):
    process = start("build", "--target", "after", "--json", folder=slow.root)
    until((slow.root / "running").exists)
    interrupt(process)
    stdout, stderr = process.communicate(timeout=20)
    records = [json.loads(line) for line in stdout.splitlines()]
    assert stderr == ""
    assert [(r["event"], r.get("because")) for r in records] == [
        ("built", None),
        ("skipped", "interrupted"),
        ("skipped", "compute.slow"),
        ("summary", None),
    ]


def test_long_query_is_interrupted(project):
    project.parquet("data/many.parquet", {"n": list(range(20_000))})
    project.append(
        "cpgbuild.toml", '[sources.many]\nformat = "parquet"\npath = "data/many.parquet"\n'
    )
    project.write("tasks/heavy.sql", SLOW_QUERY)
    project.write("tasks/first.sql", '-- cpgbuild: kind = "compute"\nSELECT * FROM customers\n')
    project.edit("tasks/first.sql", '"compute"', '"compute", priority = 1')
    process = start("build", "-t", "first", "-t", "heavy", folder=project.root)
    until((project.root / "warehouse/first/_delta_log/00000000000000000000.json").exists)
    time.sleep(0.5)
    interrupt(process)
    began = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - began < 10
    assert built(project) == {"first"}


def test_interrupt_before_anything_runs(project):
    project.write("tasks/hang.py", "import time\nopen('running', 'w').close()\ntime.sleep(60)\n")
    process = start("build", folder=project.root)
    until((project.root / "running").exists)
    interrupt(process)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in stdout + stderr
    assert not (project.root / "warehouse").exists()


def test_no_worker_outlives_the_build(slow):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    interrupt(process)
    process.communicate(timeout=20)
    until(lambda: not members(process.pid), seconds=10)


def test_build_that_is_killed_leaves_the_warehouse_to_the_next(slow):
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert built(slow) == {"before"}
    (slow.root / "slow").unlink()
    process = start("build", "--target", "after", folder=slow.root)
    process.communicate(timeout=60)
    assert process.returncode == 0


def members(group: int) -> list[str]:
    """The processes of a group that still run."""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(folder.name)
    return found


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL])
def test_what_a_function_started_ends_with_the_build(slow, ended_by):
    slow.edit(
        "tasks/slow.py",
        '    Path("running").touch()\n',
        "    import subprocess\n"
        '    child = subprocess.Popen(["sleep", "60"])\n'
        '    Path("child").write_text(str(child.pid))\n'
        '    Path("running").touch()\n',
    )
    process = start("build", "--target", "after", folder=slow.root)
    until((slow.root / "running").exists)
    child = Path("/proc") / (slow.root / "child").read_text() / "stat"
    assert child.exists()
    process.send_signal(ended_by)
    process.communicate(timeout=20)
    until(lambda: not child.exists() or " Z " in child.read_text(), seconds=5)
