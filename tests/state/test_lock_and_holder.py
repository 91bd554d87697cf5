"""The lock file says what the plans are; the holder lets one build in at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cpgbuild.errors.state import BuildInProgress, StateUnwritable
from cpgbuild.state.holder import held, warehouse_key
from cpgbuild.state.lock import FILE, VERSION, lock_text, planner, write_lock
from tests.core.graphs import graph, task

TASKS = (
    task("a", "s(id, name: string)", kind="view", gives="id, n: string"),
    task("b", "a(id)", "t", volatile=("random",)),
)
ROOT = Path(__file__).parents[2]


def test_the_lock_holds_signature_sources_plans_inputs_and_schemas() -> None:
    built = graph(*TASKS, s="id, name: string", t="x: date")
    assert tomllib.loads(lock_text(built)) == {
        "version": VERSION,
        "planner": planner(),
        "signature": built.signature,
        "source": {"s": {"id": "int64", "name": "string"}, "t": {"x": "date"}},
        "task": {
            "compute.b": {
                "dataset": "b",
                "kind": "compute",
                "query": "query 1",
                "plan": "plan 1",
                "volatile": ["random"],
                "inputs": {"a": ["id"], "t": []},
                "schema": {"v": "int64"},
            },
            "view.a": {
                "dataset": "a",
                "kind": "view",
                "query": "query 1",
                "plan": "plan 1",
                "inputs": {"s": ["id", "name"]},
                "schema": {"id": "int64", "n": "string"},
            },
        },
    }


def test_the_lock_is_the_same_text_whatever_the_order_of_tasks() -> None:
    one = lock_text(graph(*TASKS, s="id, name: string", t="x"))
    two = lock_text(graph(*reversed(TASKS), t="x", s="id, name: string"))
    assert one == two
    assert one.startswith("# ")


def test_the_lock_is_written_only_where_it_changes(tmp_path: Path) -> None:
    built = graph(*TASKS, s="id, name: string", t="x")
    assert write_lock(tmp_path, built) is True
    before = (tmp_path / FILE).stat()
    assert write_lock(tmp_path, built) is False
    assert (tmp_path / FILE).stat().st_mtime_ns == before.st_mtime_ns
    assert write_lock(tmp_path, graph(TASKS[0], s="id, name: string")) is True
    (tmp_path / FILE).write_text("torn")
    assert write_lock(tmp_path, built) is True
    assert [p.name for p in tmp_path.iterdir()] == [FILE]


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(StateUnwritable, match=r"cpgbuild\.lock"):
        write_lock(tmp_path, graph(*TASKS, s="id, name: string", t="x"))


HOLD = "import sys, time; from pathlib import Path; from cpgbuild.state.holder import held\n"
HOLD += "with held(Path(sys.argv[1]), sys.argv[2]): print('held', flush=True); time.sleep(60)"


def test_a_warehouse_is_held_by_one_process_until_it_dies(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "w"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BuildInProgress) as caught, held(tmp_path, "w"):
            pass
        assert caught.value.exit_code == 75
        assert caught.value.report().facts == (("holder", f"process {other.pid}"),)
        with held(tmp_path, "another warehouse"):
            pass
        other.send_signal(signal.SIGKILL)
    with held(tmp_path, "w"):
        pass


def test_a_warehouse_is_let_go_of_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path, "w"):
        raise ZeroDivisionError
    with held(tmp_path, "w"):
        pass


def test_warehouses_have_keys_of_their_own() -> None:
    assert warehouse_key("a") != warehouse_key("b")
    assert warehouse_key("a") == warehouse_key("a")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnwritable), held(tmp_path / "file", "w"):
        pass
