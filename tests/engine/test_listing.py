"""A listing of files has a row for each, also for one that cannot be read: it says why."""

import os
from pathlib import Path

import pytest

from cpgbuild.engine.listing import fingerprints, list_files
from tests.engine.builds import Site, site

PY = ("**/*.py",)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "folder.py").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "o.py").write_text("o")
    (tmp_path / "tree" / "ok.py").write_text("ok")
    (tmp_path / "tree" / "folder.py" / "in a\n'folder\".py").write_text("")
    return tmp_path / "tree"


def listed(tree: Path, *exclude: str) -> dict[str, str | None]:
    rows = list_files(tree, PY, exclude, {}).rows
    assert [row.path for row in rows] == sorted(row.path for row in rows)
    assert all((row.sha256 is None) is (row.problem is not None) for row in rows)
    return {row.path: row.problem for row in rows}


def test_what_can_be_read_has_no_problem_whatever_its_name(tree: Path) -> None:
    (tree / "link.py").symlink_to("ok.py")
    (tree / "far.py").symlink_to("../outside/o.py")
    readable = {"ok.py", "folder.py/in a\n'folder\".py", "link.py", "far.py"}
    assert listed(tree) == dict.fromkeys(readable)


def test_what_cannot_be_read_says_why_and_the_rest_is_listed(tree: Path) -> None:
    before = listed(tree)
    (tree / "loop.py").symlink_to("loop.py")
    (tree / "nowhere.py").symlink_to("gone.py")
    (tree / "failing.py").symlink_to("/proc/self/mem")
    (tree / "device.py").symlink_to("/dev/zero")
    os.mkfifo(tree / "pipe.py")
    Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9.py")).write_text("x")
    assert listed(tree) == before | {
        "caf\\xe9.py": "its name is not UTF-8",
        "device.py": "it is no regular file",
        "failing.py": "input/output error",
        "loop.py": "too many levels of symbolic links",
        "nowhere.py": "it is a link to nothing",
        "pipe.py": "it is no regular file",
    }


def test_a_link_to_a_folder_is_not_followed_and_told_where_its_files_are_not_listed_anyhow(
    tree: Path,
) -> None:
    before = listed(tree)
    (tree / "again").symlink_to(".")
    (tree / "inside").symlink_to("folder.py")
    (tree / "out").symlink_to("../outside")
    assert listed(tree) == before | {"out/": "it is a link that leads out of the tree"}
    assert listed(tree, "out/**") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told(tree: Path) -> None:
    before = listed(tree)
    (tree / "secret").mkdir(mode=0)
    assert listed(tree) == before | {"secret/": "permission denied"}


def test_a_build_reads_a_problem_as_a_row_and_runs_again_when_it_is_gone(tmp_path: Path) -> None:
    made: Site = site(tmp_path, "s files data")
    made.folder.write("data/a.txt", "a")
    (made.root / "data/b.txt").symlink_to("c.txt")
    made.sql("k", "select path, size, content is null as unread, problem from s order by path")
    made.build()
    assert made.rows("k") == [
        ("a.txt", 1, False, None),
        ("b.txt", None, True, "it is a link to nothing"),
    ]
    made.folder.write("data/c.txt", "cc")
    made.build()
    assert [row[:2] for row in made.rows("k")] == [("a.txt", 1), ("b.txt", 2), ("c.txt", 2)]


def fingerprint_of(tree: Path, *columns: str) -> str:
    return fingerprints(list_files(tree, PY, (), {}), [columns])[columns]


def test_fingerprints_differ_by_what_the_columns_hold_and_by_nothing_else(tree: Path) -> None:
    paths, contents = fingerprint_of(tree, "path"), fingerprint_of(tree, "content")
    rows, pairs = fingerprint_of(tree), fingerprint_of(tree, "content", "path")
    assert rows.startswith("2-")

    (tree / "ok.py").write_text("other")
    assert (fingerprint_of(tree), fingerprint_of(tree, "path")) == (rows, paths)
    assert fingerprint_of(tree, "content") != contents

    # Two files change places: each column holds what it held, and not in the same rows.
    (tree / "ok.py").write_text("")
    (tree / "folder.py" / "in a\n'folder\".py").write_text("ok")
    assert fingerprint_of(tree, "content") == contents
    assert fingerprint_of(tree, "content", "path") != pairs

    (tree / "more.py").write_text("")
    assert fingerprint_of(tree) != rows


def test_what_cannot_be_read_is_not_taken_for_an_empty_file(tree: Path) -> None:
    (tree / "ok.py").write_text("")
    empty = fingerprint_of(tree, "content")
    (tree / "ok.py").unlink()
    (tree / "ok.py").symlink_to("nowhere")
    assert fingerprint_of(tree, "content") != empty
