"""What is known of sources is a cache: it is kept, and what is not ours is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.state.digests import (
    FILES,
    ROWS,
    KnownFiles,
    KnownRows,
    load_files,
    load_rows,
    save_digests,
)

KNOWN_FILES: KnownFiles = {
    "/a": ((1, 2, 3, 4), "ab"),
    "/ü": ((5,), "cd"),
}
KNOWN_ROWS: KnownRows = {
    "s": ("version 1", {(): Fingerprint("n"), ("a", "b"): Fingerprint("ab")}),
    "t": ("version 2", {("a,b",): Fingerprint("odd")}),
}


def test_digests_are_kept(tmp_path: Path) -> None:
    save_digests(tmp_path, KNOWN_FILES, KNOWN_ROWS)
    assert load_files(tmp_path) == KNOWN_FILES
    assert load_rows(tmp_path) == KNOWN_ROWS
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([FILES, ROWS])


def test_a_file_that_is_cut_anywhere_is_nothing(tmp_path: Path) -> None:
    save_digests(tmp_path, KNOWN_FILES, KNOWN_ROWS)
    for name in (FILES, ROWS):
        whole = (tmp_path / name).read_bytes()
        for size in range(len(whole)):
            (tmp_path / name).write_bytes(whole[:size])
            assert not (load_files(tmp_path) if name == FILES else load_rows(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{}",
        '{"v":1}',
        '{"v":2,"files":{},"sources":{}}',
        '{"v":1,"files":[1],"sources":[1]}',
        '{"v":1,"files":{"/a":1},"sources":{"s":1}}',
        '{"v":1,"files":{"/a":[1,"ab"]},"sources":{"s":["1",[["a"]]]}}',
        '{"v":1,"files":{"/a":[]},"sources":{"s":["1",[[[["a"]],"d"]]]}}',
    ],
)
def test_a_file_that_is_not_ours_is_nothing(tmp_path: Path, text: str) -> None:
    assert not load_files(tmp_path)
    assert not load_rows(tmp_path)
    for name in (FILES, ROWS):
        (tmp_path / name).write_text(text)
    assert not load_files(tmp_path)
    assert not load_rows(tmp_path)


def test_what_is_known_already_is_not_written_again(tmp_path: Path) -> None:
    save_digests(tmp_path, KNOWN_FILES, KNOWN_ROWS)
    before = [(tmp_path / name).stat().st_mtime_ns for name in (FILES, ROWS)]
    save_digests(tmp_path, dict(reversed(KNOWN_FILES.items())), dict(reversed(KNOWN_ROWS.items())))
    assert [(tmp_path / name).stat().st_mtime_ns for name in (FILES, ROWS)] == before


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save_digests(tmp_path / "file", KNOWN_FILES, KNOWN_ROWS)
    assert load_files(tmp_path / "file") == {}
