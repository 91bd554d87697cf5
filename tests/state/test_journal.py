"""What is kept between builds: it may be lost, it never lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.trace import Trace
from cpgbuild.errors.state import StateUnwritable
from cpgbuild.state.journal import HEADER, Journal, replace


def trace(task: str, run: int = 1) -> Trace:
    stamp = Stamp(Fingerprint("s" * 64), Fingerprint(f"{run}"))
    known = Stamp(stamp.schema, stamp.version, Fingerprint("d" * 8))
    data = {(): Fingerprint("n"), ("v",): Fingerprint("d" * 8)}
    reads = {"a": stamp, "b": known, "c": stamp}
    return Trace(task, Fingerprint("p"), reads, stamp, data, rows=run)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "traces.jsonl"


def test_no_file_is_no_trace_and_looking_makes_none(path: Path) -> None:
    assert Journal(path).load() == {}
    assert not path.parent.exists()


def test_the_last_trace_of_each_task_counts(path: Path) -> None:
    for run in (1, 2, 3):
        Journal(path).record(trace("a", run))
    Journal(path).record(trace("b"))
    assert Journal(path).load() == {"a": trace("a", 3), "b": trace("b")}


def test_a_file_cut_at_any_byte_gives_traces_that_were_written_and_can_be_gone_on_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    written = [trace("a", 1), trace("b", 1), trace("a", 2)]
    for one in written:
        Journal(path).record(one)
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        kept = whole[:size].count(b"\n") - 1
        wanted = {one.task: one for one in written[: max(0, kept)]}
        assert Journal(path).load() == wanted
        Journal(path).record(trace("c"))
        assert Journal(path).load() == wanted | {"c": trace("c")}


def test_a_torn_tail_that_nobody_loaded_spoils_no_more_than_its_own_line(path: Path) -> None:
    for one in (trace("a"), trace("b")):
        Journal(path).record(one)
    path.write_bytes(path.read_bytes()[:-5])
    Journal(path).record(trace("c"))
    Journal(path).record(trace("d"))
    found = Journal(path).load()
    assert found["a"] == trace("a")
    assert found["d"] == trace("d")
    assert found.keys() <= {"a", "c", "d"}


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"garbage\n", b'{"cpgbuild-traces":2}\n', HEADER[:-1], b"\n", b"\xff\xfe\n"],
)
def test_a_file_of_another_kind_is_started_over(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content + trace("old").to_json().encode() + b"\n")
    assert Journal(path).load() == {}
    Journal(path).record(trace("a"))
    assert Journal(path).load() == {"a": trace("a")}


def test_lines_that_are_no_traces_are_passed_over(path: Path) -> None:
    Journal(path).record(trace("a"))
    with path.open("ab") as file:
        file.write(b"\n\xff\xff\n{}\nnull\n" + b"x" * 10_000 + b"\n")
    Journal(path).record(trace("b"))
    assert Journal(path).load() == {"a": trace("a"), "b": trace("b")}


def test_traces_of_the_first_format_are_passed_over_and_new_ones_go_beside_them(path: Path) -> None:
    path.parent.mkdir()
    old = (
        b'{"v":1,"task":"a","plan":"p","reads":{},"wrote":["s","1"],'
        b'"rows":1,"seconds":0.1,"finished":"","facts":{}}\n'
    )
    path.write_bytes(HEADER + old * 3)
    assert Journal(path).load() == {}
    Journal(path).record(trace("a", 2))
    assert Journal(path).load() == {"a": trace("a", 2)}


def test_a_long_journal_is_made_short_and_says_the_same(path: Path) -> None:
    for run in range(300):
        Journal(path).record(trace("a", run))
    Journal(path).record(trace("b"))
    before = path.stat().st_size
    assert Journal(path).load() == {"a": trace("a", 299), "b": trace("b")}
    assert path.stat().st_size < before / 50
    assert Journal(path).load() == {"a": trace("a", 299), "b": trace("b")}
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_in_the_way_is_an_error_that_names_it(path: Path) -> None:
    path.mkdir(parents=True)
    assert Journal(path).load() == {}
    with pytest.raises(StateUnwritable, match=r"traces\.jsonl"):
        Journal(path).record(trace("a"))


def test_a_replacement_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "f"
    replace(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace(file, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f", b"old")]
