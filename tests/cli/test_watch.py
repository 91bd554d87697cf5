"""`watch`: a real process that builds whenever something changes that it reads."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time

import pytest

from cpgbuild.project.changes import Watched
from tests.support.commands import COMMAND, environment
from tests.support.projects import ORDERS

SECONDS = 60


class Watching:
    """A process that watches, and what it said so far, as records."""

    def __init__(self, folder, *options):
        self._process = subprocess.Popen(
            [*COMMAND, "watch", "--json", *options],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def next_build(self):
        """Return all that is said until a build has ended, with what changed before it."""
        found = []
        while not found or found[-1]["event"] != "summary":
            found.append(self._lines.get(timeout=SECONDS))
        return found

    def is_silent(self, seconds):
        try:
            return self._lines.get(timeout=seconds) is None
        except queue.Empty:
            return True

    def end(self, number=signal.SIGINT):
        """End it, as a terminal would; return the exit code."""
        os.killpg(self._process.pid, number)
        return self._process.wait(timeout=SECONDS)

    def end_alone(self, number):
        self._process.send_signal(number)
        return self._process.wait(timeout=SECONDS)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()


@pytest.fixture
def watching(request):
    made = []

    def start(folder, *options):
        made.append(Watching(folder, *options))
        return made[-1]

    yield start
    for each in made:
        each.kill()


def events(records, *kinds):
    return {record.get("task") for record in records if record["event"] in kinds}


def changed(records):
    return [record["paths"] for record in records if record["event"] == "changed"]


def test_an_edit_is_built_a_broken_file_says_so_once_and_a_mended_one_is_built(project, watching):
    watch = watching(project.root)
    assert events(watch.next_build(), "built") >= {"compute.sales", "compute.top"}
    assert watch.is_silent(1.5), "its own build is no change"

    project.edit("tasks/top.sql", "> 10", "> 1")
    found = watch.next_build()
    assert changed(found) == [["tasks/top.sql"]]
    assert events(found, "built", "unchanged", "restored") == {"compute.top"}

    project.edit("tasks/top.sql", "amount > 1", "amuont > 1")
    found = watch.next_build()
    assert [record["code"] for record in found if record["event"] == "error"] == ["E204"]
    assert watch.is_silent(1.5), "it is said once"

    project.edit("tasks/top.sql", "amuont > 1", "amount > 2")
    assert events(watch.next_build(), "built", "unchanged") == {"compute.top"}
    assert watch.is_silent(1.5), "the build's process has ended"
    assert watch.end() == 0


def test_rows_of_a_source_a_new_task_a_helper_and_the_configuration_are_watched(project, watching):
    project.write("shared/rates.py", "RATE = 2")
    project.write(
        "tasks/rated.py",
        """
        from cpgbuild import compute
        from shared.rates import RATE

        @compute
        def rated(catalog):
            sales = catalog.table("sales")
            return sales.mutate(rated=sales.amount * RATE)
        """,
    )
    watch = watching(project.root)
    assert "compute.rated" in events(watch.next_build(), "built")

    project.parquet("data/orders.parquet", ORDERS | {"amount": [1.0, 2.0, 3.0, 4.0]})
    found = watch.next_build()
    assert changed(found) == [["data/orders.parquet"]]
    assert "compute.sales" in events(found, "built")

    project.edit("shared/rates.py", "2", "3")
    assert events(watch.next_build(), "built") == {"compute.rated"}

    project.write("tasks/more.sql", '-- cpgbuild: kind = "compute"\nSELECT 1 AS n')
    assert events(watch.next_build(), "built") == {"compute.more"}

    project.edit("cpgbuild.toml", 'region = "eu"', 'region = "us"')
    assert "compute.sales" in events(watch.next_build(), "built", "unchanged")
    assert watch.is_silent(1.5), "the build's process has ended"
    assert watch.end() == 0


def test_what_is_excluded_or_not_asked_for_is_left(project, watching):
    watch = watching(project.root, "--target", "sales")
    assert events(watch.next_build(), "built") == {"compute.sales", "view.v_orders"}
    project.edit("tasks/top.sql", "> 10", "> 1")
    assert events(watch.next_build(), "built") == set()


def test_a_change_during_a_build_is_not_missed(project, watching):
    watch = watching(project.root)
    for _ in range(SECONDS * 100):
        if list(project.root.glob("warehouse/.build-*.pid")):
            break
        time.sleep(0.01)
    project.write("tasks/late.sql", '-- cpgbuild: kind = "compute"\nSELECT 1 AS n')
    records = watch.next_build()
    while "compute.late" not in events(records, "built"):
        records = watch.next_build()


def test_ctrl_c_while_it_waits_ends_it_well(project, watching):
    watch = watching(project.root)
    watch.next_build()
    assert watch.is_silent(1.5), "the build's process has ended"
    assert watch.end() == 0


def test_ctrl_c_in_the_midst_of_a_build_interrupts_that(project, watching):
    project.write(
        "tasks/slow.py",
        """
        import time
        from cpgbuild import compute

        def slowly(batch):
            time.sleep(60)
            return batch

        @compute(map=slowly, schema={"order_id": "int64"})
        def slow(catalog):
            return catalog.table("orders").select("order_id")
        """,
    )
    for end in ("end", "end_alone"):
        watch = watching(project.root, "--target", "slow")
        # Nothing is said until it ends; it is known to run once its table is begun.
        table = project.root / "warehouse/slow/_cpgbuild"
        for _ in range(SECONDS * 10):
            if table.exists() and any(table.glob("staged-*")):
                break
            time.sleep(0.1)
        code = watch.end() if end == "end" else watch.end_alone(signal.SIGTERM)
        assert code == 130
        assert not (project.root / "warehouse/slow/_delta_log").exists()
        shutil.rmtree(project.root / "warehouse/slow")


def test_outside_of_a_project(tmp_path, says):
    assert says("watch", tmp_path).code == 2


def test_a_project_that_is_broken_from_the_beginning_is_watched(project, watching):
    project.append("cpgbuild.toml", "[engine\n")
    watch = watching(project.root)
    assert [r["code"] for r in watch.next_build() if r["event"] == "error"] == ["E102"]
    project.edit("cpgbuild.toml", "[engine\n", "[engine]\n")
    assert events(watch.next_build(), "built") >= {"compute.sales"}


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        ("cpgbuild.toml", True),
        ("tasks/top.sql", True),
        ("tasks/settings.json", True),
        ("shared/rates.py", True),
        ("data/orders.parquet", True),
        ("data/.orders.parquet.swp", False),
        ("cpgbuild.lock", False),
        (".cpgbuild/plans-4.db", False),
        ("warehouse/sales/_delta_log/0.json", False),
        ("tasks/__pycache__/sales.pyc", False),
        (".git/index", False),
        (".venv/lib/x.py", False),
        ("tasks/top.sql~", False),
        ("../elsewhere.py", False),
    ],
)
def test_what_a_build_reads_is_watched_and_what_it_writes_is_not(path, is_read, project):
    watched = Watched.of(project.root)
    assert watched.is_read(os.path.normpath(project.root / path)) == is_read


def test_sources_are_watched_wherever_they_are(project, tmp_path):
    project.append("cpgbuild.toml", '[sources.far]\nformat = "csv"\npath = "../far/*/day=*/x.csv"')
    watched = Watched.of(project.root)
    assert watched.is_read(f"{tmp_path}/far/2026/day=1/x.csv")
    assert not watched.is_read(f"{tmp_path}/farther/x.csv")


def test_a_folder_that_cannot_be_watched(project, tmp_path):
    watched = Watched(tmp_path / "nowhere", (), ())
    with pytest.raises(Exception, match="cannot be watched") as raised:
        next(watched.changes())
    assert raised.value.code == "E330"


def test_a_person_sees_what_changed(project):
    """As text: the build's lines, then what is waited for on stderr."""
    process = subprocess.Popen(
        [*COMMAND, "watch"],
        cwd=project.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr.readline() == "Watching for changes; Ctrl-C ends it\n"
        project.edit("tasks/top.sql", "> 10", "> 1")
        assert process.stderr.readline() == "Watching for changes; Ctrl-C ends it\n"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert "\nchanged  tasks/top.sql\n" in said
        assert (
            said.index("built    compute.sales")
            < said.index("changed")
            < said.rindex("compute.top")
        )
    finally:
        process.kill()
        process.wait()
