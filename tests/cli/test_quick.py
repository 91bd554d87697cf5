"""Where nothing changed the answer is the one that is kept, and nothing heavy is loaded for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cpgbuild import api, workspace
from cpgbuild.cli.quick import Request, answered, asked
from cpgbuild.project.config import Overrides
from tests.engine.builds import Site, site

REPOSITORY = Path(__file__).parents[2]
HEAVY = {"ibis", "sqlglot", "datafusion", "deltalake", "pyarrow", "numpy", "pandas", "numba"}
UNCHANGED = "Everything is up to date: 3 tasks\n"


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """Two tables and a view of SQL over a file and a Delta table; all is built, and known."""
    found = site(tmp_path, "s parquet data/s.parquet\nd delta data/d")
    write(found, 1)
    write_deltalake(tmp_path / "data/d", pa.table({"n": [1]}))
    found.sql("v", "select n from s where n > 0", "view")
    found.sql("one", "select n from v union all select n from d")
    found.sql("two", "select sum(n) as n from one")
    assert not quick(found)
    found.built()
    assert quick(found)
    return found


def write(made: Site, value: int) -> None:
    (made.root / "data").mkdir(exist_ok=True)
    pq.write_table(pa.table({"n": [value], "unread": [value]}), made.root / "data/s.parquet")


def quick(made: Site, *words: str) -> bool:
    return answered([*(words or ["plan"]), "-C", str(made.root)])


def rewritten_source(made: Site) -> None:
    file = made.root / "data/s.parquet"
    old = file.stat()
    write(made, 2)
    assert file.stat().st_size == old.st_size
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))


def emptied_table(made: Site) -> None:
    for file in (made.root / "warehouse/one").glob("*.parquet"):
        file.unlink()


CHANGES: dict[str, Callable[[Site], object]] = {
    "a query": lambda made: made.sql("two", "select sum(n) + 1 as n from one"),
    "a comment": lambda made: made.sql("two", "-- sum\nselect sum(n) as n from one"),
    "a new task": lambda made: made.sql("three", "select n from one"),
    "a new task in a new folder": lambda made: made.sql("more/three", "select n from one"),
    "a task that is gone": lambda made: (made.root / "tasks/two.sql").unlink(),
    "a module of tasks": lambda made: made.python("three", "X = 1"),
    "the project": lambda made: made.folder.append("cpgbuild.toml", "[vars]\nx = 1"),
    "the lock": lambda made: (made.root / "cpgbuild.lock").unlink(),
    "a source's rows": rewritten_source,
    "a source that is gone": lambda made: (made.root / "data/s.parquet").unlink(),
    "a Delta source": lambda made: write_deltalake(
        made.root / "data/d", pa.table({"n": [2]}), mode="append"
    ),
    "a table of ours": lambda made: write_deltalake(
        made.root / "warehouse/one", pa.table({"n": [2]}), mode="append"
    ),
    "a table without rows": lambda made: DeltaTable(made.root / "warehouse/one").delete(),
    "a table that is gone": lambda made: shutil.rmtree(made.root / "warehouse/two"),
    "a table whose files are gone": emptied_table,
    "a version that is gone": lambda made: (
        max((made.root / "warehouse/two/_delta_log").glob("*.json")).unlink()
    ),
    "what a dead build left": lambda made: made.folder.write("warehouse/two/_cpgbuild/staged-x", ""),
    "the traces": lambda made: next((made.root / ".cpgbuild").glob("traces-*")).unlink(),
    "the state": lambda made: shutil.rmtree(made.root / ".cpgbuild"),
    "the answer itself": lambda made: [
        file.write_bytes(file.read_bytes()[:-9]) for file in (made.root / ".cpgbuild").rglob("*")
        if file.parent.name == "unchanged"
    ],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_looked_at(change: str, made: Site) -> None:
    CHANGES[change](made)
    assert not quick(made, "plan")
    assert not quick(made, "build")


def test_it_is_known_again_once_all_is_up_to_date(made: Site) -> None:
    write(made, 2)
    made.built()
    assert quick(made)
    made.sql("two", "-- sum\nselect sum(n) as n from one")
    api.plan(made.root)
    assert quick(made)


def test_what_always_runs_or_has_failed_is_never_known(made: Site) -> None:
    made.sql("three", "select now() as at")
    made.built()
    assert not quick(made)
    made.sql("three", "select 1 / (n - n) as q from one")
    assert made.build() == {}
    assert not quick(made)


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--exit-code"],
        ["build", "--keep-going"],
        ["build", "-k"],
    ],
)
def test_an_option_that_changes_nothing_is_no_other_request(words: list[str], made: Site) -> None:
    assert quick(made, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--json"],
        ["plan", "-v"],
        ["plan", "--locked"],
        ["build", "--force", "one"],
        ["build", "--var", "x=1"],
        ["build", "--env", "dev"],
        ["build", "--warehouse", "elsewhere"],
        ["build", "--target", "one"],
        ["build", "--exclude", "two"],
        ["why", "one"],
    ],
)
def test_any_other_request_is_not_answered(words: list[str], made: Site) -> None:
    assert not quick(made, *words)


def test_a_path_that_leads_back_is_not_followed(made: Site) -> None:
    assert answered(["plan", "-C", f"{made.root}/tasks"])
    assert not answered(["plan", "-C", f"{made.root}/tasks/.."])
    assert not answered(["plan", "-C", f"{made.root.parent}"])


def test_each_selection_has_its_own_answer(made: Site) -> None:
    api.plan(made.root, targets=["one"])
    assert quick(made, "build", "--target", "one")
    assert quick(made, "build", "-t", "one")
    assert not quick(made, "build", "-t", "two")
    assert not quick(made, "build", "-t", "one", "-t", "two")
    assert not quick(made, "build", "--exclude", "one")


def test_what_was_asked_with_other_settings_says_nothing(made: Site) -> None:
    shutil.rmtree(made.root / ".cpgbuild/unchanged")
    made.folder.append("cpgbuild.toml", "[vars]\nx = 1\n[env.dev]")
    elsewhere = str(made.root / "elsewhere")
    for more in ({"variables": {"x": "2"}}, {"environment": "dev"}, {"warehouse": elsewhere}):
        overrides = Overrides(**more)  # type: ignore[arg-type]
        api.build(made.root, overrides=overrides)
        api.build(made.root, overrides=overrides)
        assert not quick(made)
    api.build(made.root)
    api.build(made.root)
    assert quick(made)


def test_a_module_of_python_is_known_by_what_it_looks_at(made: Site) -> None:
    made.python("three", "@view\ndef three(catalog: Catalog):\n    return catalog.table('one')")
    for _ in "12":
        api.build(made.root)
    assert quick(made)
    made.python("three", "@view\ndef three(catalog: Catalog):\n    return catalog.table('two')")
    assert not quick(made)


def test_what_is_at_a_url_is_always_looked_at(made: Site) -> None:
    url = (made.root / "warehouse").as_uri()
    made.folder.edit("cpgbuild.toml", 'warehouse = "warehouse"', f'warehouse = "{url}"')
    for _ in "12":
        api.build(made.root)
    assert not quick(made)


def test_what_changes_while_it_is_looked_at_is_not_kept(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(made.root / ".cpgbuild/unchanged")
    check = workspace.check_graph

    def edited(*arguments: object) -> object:
        made.sql("two", "select sum(n) as n, 1 as m from one")
        return check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workspace, "check_graph", edited)
    api.plan(made.root)
    assert not quick(made)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("build", Request("build", [], [], [])),
        ("plan -t a --target=b --exclude c -C x", Request("plan", ["a", "b"], ["c"], ["x"])),
        ("build -k --project=p", Request("build", [], [], ["p"])),
        ("", None),
        ("--version", None),
        ("build --exit-code", None),
        ("plan -t", None),
        ("plan -t --json", None),
        ("plan -t=a", None),
        ("plan one", None),
        ("plan --help", None),
    ],
)
def test_only_the_plainest_command_lines_are_read(words: str, wanted: Request | None) -> None:
    assert asked(words.split()) == wanted


def run(root: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run a command; return how it ended, and which packages were loaded for it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cpgbuild", *words],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    return done, loaded


def test_nothing_heavy_is_loaded_where_nothing_changed(made: Site) -> None:
    done, loaded = run(made.root, "plan")
    assert (done.stdout, "datafusion" in loaded) == (UNCHANGED, True), "it is another PYTHONPATH"
    for command, wanted in (("plan", UNCHANGED), ("build", UNCHANGED[:-1] + ", 0.")):
        done, loaded = run(made.root / "tasks", command)
        assert (done.returncode, done.stdout.startswith(wanted)) == (0, True), done.stdout
        assert not loaded & (HEAVY | {"typer", "rich", "rustworkx"})
    made.sql("two", "select sum(n) + 1 as n from one")
    done, loaded = run(made.root, "plan")
    assert "1 task runs" in done.stdout
    assert "datafusion" in loaded


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_an_answer_that_cannot_be_written_is_an_error_and_no_traceback(made: Site) -> None:
    run(made.root, "plan")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cpgbuild", "plan"],
            cwd=made.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 70
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["build", "--help"]])
def test_nothing_heavy_is_loaded_for_help(words: list[str], tmp_path: Path) -> None:
    done, loaded = run(tmp_path, *words)
    assert done.returncode == 0
    assert not loaded & HEAVY


def test_completion_of_commands_loads_nothing_heavy(tmp_path: Path) -> None:
    before = dict(os.environ)
    try:
        os.environ |= {
            "_CPGBUILD_COMPLETE": "complete_bash",
            "COMP_WORDS": "cpgbuild pl",
            "COMP_CWORD": "1",
        }
        done, loaded = run(tmp_path)
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert not loaded & HEAVY, done.stdout
