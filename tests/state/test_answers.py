"""What was known of tasks when there was nothing to do: it comes back whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.state.answers import FOLDER, MARKS, keep_answer, kept_answer, last_answer
from cpgbuild.state.observed import Observed

TASKS = {"compute.a": "1", "compute.b": "2"}


@pytest.fixture
def looked(tmp_path: Path) -> Observed:
    (tmp_path / "a.sql").write_text("select 1")
    return Observed.of([str(tmp_path / "a.sql")])


def files(state: Path) -> list[Path]:
    return sorted((state / FOLDER).iterdir())


def test_an_answer_is_that_to_its_own_request(tmp_path: Path, looked: Observed) -> None:
    keep_answer(tmp_path, ["b", "a"], [], TASKS, looked, 2.5)
    assert last_answer(tmp_path, ["a", "b"], []) == (looked, TASKS)
    assert kept_answer(str(tmp_path), ["a", "b"], []) == (len(TASKS), 2.5)
    assert last_answer(tmp_path, [], []) is None
    assert last_answer(tmp_path, ["a"], []) is None
    assert last_answer(tmp_path, [], ["a", "b"]) is None


def test_what_tasks_were_at_another_moment_is_not_what_they_were_then(
    tmp_path: Path, looked: Observed
) -> None:
    """There are two files, and whoever writes them can die between the two."""
    keep_answer(tmp_path, [], [], TASKS, looked)
    (marks,) = (file for file in files(tmp_path) if file.suffix == MARKS)
    before = marks.read_bytes()
    keep_answer(tmp_path, [], [], TASKS | {"compute.b": "3"}, looked)
    assert last_answer(tmp_path, [], []) == (looked, TASKS | {"compute.b": "3"})
    marks.write_bytes(before)
    assert last_answer(tmp_path, [], []) is None


@pytest.mark.parametrize("number", [0, 1])
def test_what_is_torn_or_gone_is_no_answer(tmp_path: Path, looked: Observed, number: int) -> None:
    keep_answer(tmp_path, [], [], TASKS, looked)
    file = files(tmp_path)[number]
    file.write_bytes(file.read_bytes()[:-3])
    assert last_answer(tmp_path, [], []) is None
    file.unlink()
    assert last_answer(tmp_path, [], []) is None
