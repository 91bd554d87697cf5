"""`clean`: what it would delete, that it asks, and what it never touches."""

import os
import pty
import shutil
import sys

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.support.commands import environment, run_here

ALL = ("clean", "--keep", "1", "--hours", "0")


@pytest.fixture
def built(project):
    """The shop, built; then a task was renamed, and built again."""
    assert run_here("build", folder=project.root).code == 0
    (project.root / "tasks/top.sql").rename(project.root / "tasks/best.sql")
    assert run_here("build", folder=project.root).code == 0
    return project


def tables(project):
    return sorted(path.name for path in (project.root / "warehouse").iterdir() if path.is_dir())


def test_a_table_that_no_task_makes_any_more_goes(built, says):
    assert says("clean --hours 0 --yes", built.root).code == 0
    assert tables(built) == ["best", "sales"]
    assert (
        run_here("clean", "--hours", "0", "--yes", folder=built.root).stdout == "Nothing to clean\n"
    )
    assert run_here("build", folder=built.root).stdout.startswith("Everything is up to date")


def test_dry_run_says_what_would_go_and_deletes_nothing(built, says):
    assert says("clean --hours 0 --dry-run", built.root).code == 0
    assert tables(built) == ["best", "sales", "top"]


def test_a_table_that_was_written_lately_stays(built, says):
    assert says("clean", built.root).code == 0
    assert tables(built) == ["best", "sales", "top"]
    for path in (built.root / "warehouse/top").rglob("*"):
        os.utime(path, (1, 1))
    assert run_here("clean", "--yes", folder=built.root).code == 0
    assert tables(built) == ["best", "sales"]


def test_a_table_of_another_project_in_the_same_warehouse_stays(built, tmp_path, says):
    other = tmp_path / "other"
    other.mkdir()
    (other / "tasks").mkdir()
    (other / "cpgbuild.toml").write_text(f'[project]\nwarehouse = "{built.root}/warehouse"\n')
    (other / "tasks/theirs.sql").write_text('-- cpgbuild: kind = "compute"\nSELECT 1 AS n')
    assert run_here("build", folder=other).code == 0
    assert says("clean --hours 0 --yes", built.root).code == 0
    assert tables(built) == ["best", "sales", "theirs"]


def test_nothing_is_known_of_a_table_once_the_state_is_gone(built):
    shutil.rmtree(built.root / ".cpgbuild")
    assert run_here(*ALL, "--yes", folder=built.root).code == 0
    assert tables(built) == ["best", "sales", "top"]


def test_tables_and_folders_that_are_not_ours_are_never_touched(built):
    warehouse = built.root / "warehouse"
    write_deltalake(warehouse / "foreign", pa.table({"n": [1]}))
    (warehouse / "notes").mkdir()
    (warehouse / "notes/readme.txt").write_text("mine")
    (warehouse / "loose.parquet").write_text("mine")
    # Somebody else wrote the rows that a table of ours now has.
    write_deltalake(
        warehouse / "top", DeltaTable(warehouse / "top").to_pyarrow_table(), mode="overwrite"
    )
    before = sorted(warehouse.rglob("*"))
    assert run_here(*ALL, "--yes", folder=built.root).code == 0
    left = set(warehouse.rglob("*"))
    assert [p for p in before if p not in left and "sales" not in p.parts] == []


def test_files_of_others_in_the_folder_of_a_table_stay(built):
    (built.root / "warehouse/top/notes.txt").write_text("mine")
    assert run_here(*ALL, "--yes", folder=built.root).code == 0
    left = [path.name for path in (built.root / "warehouse/top").rglob("*")]
    assert left == ["notes.txt"]


def test_a_clean_that_was_cut_short_is_gone_on_with(built):
    table = built.root / "warehouse/top"
    for path in table.glob("*.parquet"):
        path.unlink()
    assert run_here(*ALL, "--yes", folder=built.root).code == 0
    assert not table.exists()


def test_answers_that_hold_no_more_go(built):
    state = built.root / ".cpgbuild"
    (state / "plans-1.db").write_text("of another version")
    unchanged = state / "unchanged"
    held = sorted(path.name for path in unchanged.iterdir())
    assert len(held) == 2
    assert run_here("plan", "-t", "best", folder=built.root).code == 0
    # What was asked of all tasks is asked no more; what was asked of one holds.
    built.edit("tasks/best.sql", "> 10", "> 9")
    assert run_here("plan", "-t", "sales", folder=built.root).code == 0
    assert len(list(unchanged.iterdir())) == 6
    assert state_files(built) == 1
    for path in unchanged.iterdir():
        os.utime(path, (1, 1))
    assert state_files(built) == 4
    assert len(list(unchanged.iterdir())) == 2
    assert not (state / "plans-1.db").exists()
    assert list(state.glob("plans-*.db"))


def state_files(project):
    """Clean; return how many files of the state folder went."""
    found = run_here("clean", "--yes", "--json", folder=project.root).events("cleaned")
    return sum(record["files"] for record in found if record["litter"] == "state")


def test_without_a_terminal_it_asks_for_yes(built, says):
    assert says("clean --hours 0", built.root).code == 2
    assert says("clean --hours 0", built.root).stdout == ""
    assert tables(built) == ["best", "sales", "top"]


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_on_a_terminal_it_asks(answer, built):
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(built.root)
        command = [sys.executable, "-m", "cpgbuild", "clean", "--hours", "0"]
        os.execve(sys.executable, command, environment())
    shown = ""
    while "[y/N]" not in shown:
        shown += os.read(terminal, 4096).decode()
    assert "no task makes it any more" in shown
    os.write(terminal, f"{answer}\n".encode())
    try:
        while more := os.read(terminal, 4096).decode():
            shown += more
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert ("top" in tables(built)) == (answer != "y")
    assert (" freed" in shown, "Nothing was deleted" in shown) == (answer == "y", answer != "y")
    assert shown.count("no task makes it any more") == 1


def test_clean_as_json(built):
    ended = run_here("clean", "--hours", "0", "--yes", "--json", folder=built.root)
    found = {record["output"]: record["litter"] for record in ended.events("cleaned")}
    assert found["top"] == "table"
    assert ended.records[-1]["event"] == "summary"
    assert run_here("clean", "--json", folder=built.root).code == 0, "there is nothing to ask for"


def test_bad_rows_of_tasks_that_are_gone_go(project):
    header = '-- cpgbuild: kind = "compute", accepted_values = {region = ["us"]}'
    for name in ("regions", "gone"):
        project.write(f"tasks/{name}.sql", f"{header}\nSELECT region FROM orders")
    assert run_here("build", "--keep-going", folder=project.root).code == 1
    (project.root / "tasks/gone.sql").unlink()
    assert run_here("clean", "--yes", folder=project.root).code == 0
    kept = (project.root / ".cpgbuild/failed").iterdir()
    assert [folder.name for folder in kept] == ["regions"]
