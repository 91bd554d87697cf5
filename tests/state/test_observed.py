"""What was looked at: it holds exactly as long as nothing of it changed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import cpgbuild
from cpgbuild.core.filestamp import GRAIN
from cpgbuild.state import observed
from cpgbuild.state.observed import Observed, TooYoung, below, program_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files, all of them old."""
    made = tmp_path / "tree"
    (made / "inner").mkdir(parents=True)
    (made / "one.sql").write_text("select 1")
    (made / "inner/two.sql").write_text("select 2")
    return made


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is there is old when it is looked at."""
    now = time.time_ns
    monkeypatch.setattr(observed.time, "time_ns", lambda: now() + 2 * GRAIN)


def look(tree: Path) -> Observed:
    """Look, keep what was seen as text, and read it again."""
    seen = Observed.of(below(str(tree)))
    kept = Observed.from_json(json.loads(json.dumps(seen.to_json())))
    assert kept == seen
    assert kept is not None
    assert kept.holds()
    return kept


def rewritten_with_its_old_time(tree: Path) -> None:
    file = tree / "one.sql"
    old = file.stat()
    file.write_text("select 9")
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))


def replaced(tree: Path) -> None:
    (tree / "beside").write_text("select 1")
    (tree / "beside").replace(tree / "one.sql")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda tree: (tree / "inner/two.sql").write_text("select 22"),
    "content of the same size and time": rewritten_with_its_old_time,
    "another file of the same content": replaced,
    "new": lambda tree: (tree / "inner/three.sql").touch(),
    "new folder": lambda tree: (tree / "inner/more").mkdir(),
    "gone": lambda tree: (tree / "one.sql").unlink(),
    "renamed": lambda tree: (tree / "one.sql").rename(tree / "uno.sql"),
    "a folder for a file": lambda tree: ((tree / "one.sql").unlink(), (tree / "one.sql").mkdir()),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.usefixtures("late")
def test_any_change_of_what_is_old_is_noticed(tree: Path, change: str) -> None:
    seen = look(tree)
    assert not any(content for _, content in seen.seen.values())
    CHANGES[change](tree)
    assert not seen.holds()


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_what_is_young_is_noticed(tree: Path, change: str) -> None:
    seen = look(tree)
    CHANGES[change](tree)
    assert not seen.holds()


def test_the_content_of_what_is_young_counts_where_its_stamp_is_the_same(tree: Path) -> None:
    """As on a file system whose clock has not ticked since."""
    seen = look(tree)
    other = Observed.of([str(tree / "inner/two.sql")]).seen
    for name, path in (("file", tree / "one.sql"), ("folder", tree)):
        numbers, _ = seen.seen[str(path)]
        (foreign,) = (content for _, content in other.values())
        assert not Observed({str(path): (numbers, foreign)}, seen.program).holds(), name


def test_what_is_there_must_not_go(tree: Path) -> None:
    seen = Observed.of([str(tree / "one.sql")])
    (tree / "one.sql").unlink()
    assert not seen.holds()


def test_what_is_not_there_must_not_come(tree: Path) -> None:
    missing = [str(tree / "cpgbuild.lock"), str(tree / "one.sql/below")]
    seen = Observed.of(missing)
    assert seen.holds()
    (tree / "cpgbuild.lock").touch()
    assert not seen.holds()


def test_a_large_file_that_is_young_is_not_looked_at(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observed, "_SMALL", 4)
    with pytest.raises(TooYoung):
        look(tree)


def test_what_was_looked_at_first_counts(tree: Path) -> None:
    first = look(tree)
    (tree / "one.sql").write_text("select 3")
    assert not (first | Observed.of(below(str(tree)))).holds()


@pytest.mark.usefixtures("late")
def test_links_may_lead_to_themselves_and_pipes_are_not_opened(tree: Path) -> None:
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "pipe")
    seen = Observed.of(below(str(tree)))
    assert seen.holds()
    (tree / "loop").unlink()
    assert not seen.holds()


def test_links_are_left_alone_where_nobody_looks_behind_them(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away/file").write_text("")
    (tree / "there").symlink_to(tmp_path / "away")
    assert str(tree / "there/file") in set(below(str(tree)))
    found = set(below(str(tree), links=False))
    assert str(tree / "there") in found
    assert str(tree / "there/file") not in found


def test_links_are_followed_and_may_lead_in_circles(tree: Path, tmp_path: Path) -> None:
    (tree / "again").symlink_to(tree)
    (tmp_path / "away").mkdir()
    (tmp_path / "away/three.sql").write_text("select 3")
    (tree / "there").symlink_to(tmp_path / "away")
    seen = look(tree)
    (tmp_path / "away/three.sql").write_text("select 4")
    assert not seen.holds()


def test_some_names_and_one_folder_may_be_passed_over(tree: Path) -> None:
    (tree / ".hidden").touch()
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__/x.pyc").touch()
    (tree / ".cpgbuild").mkdir()
    found = {path.removeprefix(f"{tree}") for path in below(str(tree), ("__pycache__", "."))}
    assert found == {"", "/one.sql", "/inner", "/inner/two.sql"}
    assert str(tree / ".cpgbuild") not in set(below(str(tree), without=str(tree / ".cpgbuild")))
    assert str(tree / ".hidden") in set(below(str(tree)))


def test_the_program_is_every_file_of_this_package_and_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "lib/site-packages"
    installed.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed)])
    files = set(program_files())
    assert set(map(str, Path(cpgbuild.__path__[0]).rglob("*.py"))) <= files
    assert str(installed) in files
    seen = Observed.of([str(installed)])
    (installed / "datafusion-99.dist-info").mkdir()
    assert not seen.holds()


def test_another_python_has_other_answers(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = look(tree)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert not seen.holds()
    monkeypatch.undo()
    assert seen.holds()
    monkeypatch.setattr(observed, "__file__", "/another/copy/of/cpgbuild/state/observed.py")
    assert not seen.holds()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "version", "another")
    assert not seen.holds()


@pytest.mark.parametrize(
    "record",
    [
        [],
        {},
        {"v": 2, "program": [], "seen": {}},
        {"v": 1, "program": 3, "seen": {}},
        {"v": 1, "program": [], "seen": {"a": []}},
        {"v": 1, "program": [], "seen": {"a": None}},
        {"v": 1, "program": [], "seen": []},
    ],
)
def test_what_is_no_record_says_nothing(record: object) -> None:
    assert Observed.from_json(record) is None  # type: ignore[arg-type]
