"""What is kept may be torn, of another version, or no file at all: it is dropped, never believed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpgbuild import api
from cpgbuild.core.events import Failed
from cpgbuild.engine.datafusion_engine import DataFusionEngine
from cpgbuild.errors.run import TableUnreadable
from cpgbuild.errors.state import StateUnwritable
from tests.engine.builds import Site, site

STATE = ("traces-*.jsonl", "digests.json", "data.json")
TASKS = """
    def same(rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows

    @compute(map=same, key="key", content="n", schema={"key": "string", "n": "int64"})
    def mapped(catalog: Catalog) -> ibis.Table:
        return catalog.table("s")
"""
KEYS = 30


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """s → v → total → more, and a keyed map of s; built twice, so that there is a past."""
    made = site(tmp_path, "s parquet data/s.parquet", engine="threads = 1")
    made.sql("v", "select n from s where n >= 0", "view")
    made.sql("total", "select sum(n) as n from v")
    made.sql("more", "select n + 1 as n from total")
    made.python("mapped", TASKS)
    for number in (0, 1):
        numbers(made, number)
        made.built()
    return made


def numbers(made: Site, number: int) -> None:
    rows = {"key": [str(n) for n in range(KEYS)], "n": [number + n // 10 for n in range(KEYS)]}
    made.folder.parquet("data/s.parquet", rows)


def is_right(made: Site, number: int) -> None:
    """See that the tables are those of a number, and that nothing is left to do."""
    total = sum(number + n // 10 for n in range(KEYS))
    assert made.rows("total") == [(total,)]
    assert made.rows("more") == [(total + 1,)]
    assert made.rows("mapped") == sorted((str(n), number + n // 10) for n in range(KEYS))
    assert made.built() == {}


def state(made: Site, pattern: str) -> Path:
    (found,) = (made.root / ".cpgbuild").glob(pattern)
    return found


def damages(content: bytes, luck: random.Random) -> list[bytes]:
    """Return a content as it may be after a fault."""
    at = [luck.randrange(len(content)) for _ in range(3)]
    torn, hole = content[: at[0]], content[: at[1]] + bytes(50) + content[at[1] + 50 :]
    flip = content[: at[2]] + bytes([content[at[2]] ^ 4]) + content[at[2] + 1 :]
    return [b"", b"\xff\xfe", b"null", content + b"{", torn, hole, flip]


# The state folder.


@pytest.mark.parametrize("pattern", STATE)
def test_a_state_file_that_is_damaged_costs_time_only(made: Site, pattern: str) -> None:
    path = state(made, pattern)
    for which, damaged in enumerate(damages(path.read_bytes(), random.Random(pattern))):
        path.write_bytes(damaged)
        assert made.built() == {}, damaged
        path.write_bytes(damaged)
        numbers(made, 2 + which)
        made.built()
    is_right(made, 2 + which)


@pytest.mark.parametrize("pattern", STATE)
def test_a_state_file_of_a_later_version_is_started_over(made: Site, pattern: str) -> None:
    path = state(made, pattern)
    text = path.read_text()
    for old, new in (('"cpgbuild-traces":1', '"cpgbuild-traces":99'), ('{"v":1', '{"v":99')):
        text = text.replace(old, new)
    path.write_text(text)
    assert made.built() == {}
    numbers(made, 2)
    made.built()
    is_right(made, 2)


def test_state_files_that_cannot_be_read_or_written(made: Site) -> None:
    """Folders are in their places; what is only remembered is done without."""
    for pattern in STATE[1:]:
        path = state(made, pattern)
        path.unlink()
        path.mkdir()
    numbers(made, 2)
    made.built()
    is_right(made, 2)


def test_a_journal_that_cannot_be_written_is_said(made: Site) -> None:
    path = state(made, STATE[0])
    path.unlink()
    path.mkdir()
    assert made.built() == {}
    numbers(made, 2)
    with pytest.raises(StateUnwritable):
        made.build()
    path.rmdir()
    made.built()
    is_right(made, 2)


def test_a_file_in_place_of_the_state_folder(made: Site) -> None:
    folder = made.root / ".cpgbuild"
    shutil.rmtree(folder)
    folder.write_text("")
    assert made.built() == {}
    numbers(made, 2)
    with pytest.raises(StateUnwritable):
        made.build()
    folder.unlink()
    made.built()
    is_right(made, 2)


# Beside the tables.


@pytest.mark.parametrize("kind", ["plan", "trace", "keys"])
def test_a_file_beside_a_table_that_is_damaged(
    made: Site, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With a trace of another version, plans that were kept are planned again.
    version = DataFusionEngine.version.replace("form", "and later, form")
    luck = random.Random(kind)
    paths = sorted((made.root / "warehouse").glob(f"*/_cpgbuild/{kind}-*"))
    assert paths
    whole = [path.read_bytes() for path in paths]
    for which, _ in enumerate(damages(whole[0], luck)):
        for path, content in zip(paths, whole, strict=True):
            path.write_bytes(damages(content, luck)[which])
        shutil.rmtree(made.root / ".cpgbuild", ignore_errors=True)
        for output in ("total", "mapped"):
            api.why(output, made.root)
        with monkeypatch.context() as patch:
            patch.setattr(DataFusionEngine, "version", version)
            api.plan(made.root)
        numbers(made, 2 + which % 3)
        made.built()
    is_right(made, 2 + which % 3)


# In the tables' log.

Change = Callable[[dict[str, Any]], str]


def torn(trace: dict[str, Any]) -> str:
    text = json.dumps(trace)
    return text[: len(text) // 2]


def of_a_later_version(trace: dict[str, Any]) -> str:
    return json.dumps(trace | {"v": 99})


def nothing(_: dict[str, Any]) -> str:
    return "null"


def rewritten(made: Site, output: str, change: Change) -> None:
    """Let all traces in the log of a table be others."""
    for log in (made.root / "warehouse" / output / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            if "commitInfo" in line:
                info = line["commitInfo"]
                info["cpgbuild.trace"] = change(json.loads(info["cpgbuild.trace"]))
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("change", [torn, of_a_later_version, nothing])
def test_a_trace_in_the_log_that_is_damaged_is_no_trace(
    made: Site, change: Change, is_kept: bool
) -> None:
    for output in ("total", "mapped"):
        rewritten(made, output, change)
    if not is_kept:
        shutil.rmtree(made.root / ".cpgbuild")
    made.built()
    is_right(made, 1)
    for number in (2, 1):
        numbers(made, number)
        made.built()
        is_right(made, number)


def test_a_log_entry_that_is_torn_is_said_and_one_table_is_made_again(made: Site) -> None:
    log = made.root / "warehouse/total/_delta_log/00000000000000000001.json"
    log.write_bytes(log.read_bytes()[:100])
    numbers(made, 2)
    made.build(keep_going=True)
    (failed,) = made.said(Failed).values()
    assert isinstance(failed.error, TableUnreadable)
    assert failed.task.output == "total"
    assert made.rows("mapped")[0] == ("0", 2)
    shutil.rmtree(log.parents[1])
    made.built()
    is_right(made, 2)
