"""Which files a source is: what its evidence covers is what the engine reads, no more and no less."""

from __future__ import annotations

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import datafusion
import pytest

from cpgbuild import api
from cpgbuild.core.events import Built, Event, Failed
from cpgbuild.engine.links import Links
from cpgbuild.engine.sources import Sources
from cpgbuild.errors.project import SourceMissing, SourceUnreadable
from cpgbuild.plan.source import Source
from tests.engine.builds import Site, site

LAYOUT = {
    "data/a.parquet": 1,
    "data/sub/b.parquet": 2,
    "data/sub/deep/c.parquet": 3,
    "data/_hidden/d.parquet": 4,
    "data/.e.parquet": 5,
    "data/f.other": 6,
    "data/with space, [brackets].parquet": 7,
}


def read(root: Path, path: str) -> list[int]:
    made = site(root, f"s parquet {path}")
    for name, value in LAYOUT.items():
        made.folder.parquet(name, {"a": [value]})
    made.sql("k", "select a from s")
    made.built()
    return [a for (a,) in made.rows("k")]


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("data", [1, 2, 3, 7]),
        ("data/a.parquet", [1]),
        ("data/f.other", [6]),
        ("data/?.parquet", [1]),
        ("data/*.parquet", [1, 5, 7]),
        ("data/*/*.parquet", [2, 4]),
        ("data/**/[bc].parquet", [2, 3]),
        ("dat[a]/sub/**/*.parquet", [2, 3]),
    ],
)
def test_a_path_names_files(tmp_path: Path, path: str, rows: list[int]) -> None:
    assert read(tmp_path, path) == rows


def test_a_file_that_comes_into_a_folder_or_goes_from_it_is_seen(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv data")
    made.folder.write("data/deep/one.csv", "a\n1\n")
    made.sql("k", "select a from s")
    made.built()
    made.folder.write("data/two.csv", "a\n2\n")
    assert made.built() == {"k": ["data_changed s"]}
    assert made.rows("k") == [(1,), (2,)]
    (made.root / "data/deep/one.csv").unlink()
    made.built()
    assert made.rows("k") == [(2,)]


def test_compressed_text_is_read(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv data.csv.gz\nt json logs/*.json.gz")
    (made.root / "data.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    (made.root / "logs").mkdir()
    (made.root / "logs/x.json.gz").write_bytes(gzip.compress(b'{"b": 2}\n'))
    made.sql("k", "select a, b from s, t")
    made.built()
    assert made.rows("k") == [(1, 2)]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_folders_with_names_and_values_are_columns(tmp_path: Path, form: str) -> None:
    made = partitioned(tmp_path, form)
    made.sql("k", "select day, count(*) as n from s group by day")
    made.built()
    assert made.rows("k") == [("1", 1), ("2 é", 1)]


def partitioned(root: Path, form: str) -> Site:
    made = site(root, f"s {form} data")
    for day in ("1", "2 é"):
        name = f"data/day={day}/x.{form}"
        if form == "parquet":
            made.folder.parquet(name, {"a": [1]})
        else:
            made.folder.write(name, "a\n1\n" if form == "csv" else '{"a": 1}\n')
    return made


def test_nothing_of_the_reading_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    read(tmp_path / "project", "data")
    assert list(scratch.iterdir()) == []


def test_a_glob_that_matches_nothing_is_missing(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/*.parquet")
    made.sql("k", "select 1 as a from s")
    with pytest.raises(SourceMissing):
        made.build()


def test_a_source_that_goes_away_while_others_are_read_fails_its_readers_alone(
    tmp_path: Path,
) -> None:
    made = site(tmp_path, "s csv s.csv\nt csv t.csv")
    made.folder.write("s.csv", "a\n1\n")
    made.folder.write("t.csv", "a\n1\n")
    made.sql("first", "select a from s", more=", priority = 1")
    made.sql("second", "select t.a from t, first")
    made.sql("third", "select a from first")

    def remove(event: Event) -> None:
        made.events.append(event)
        (made.root / "t.csv").unlink(missing_ok=True)

    api.build(made.root, report=remove, keep_going=True)
    assert isinstance(made.said(Failed)["second"].error, SourceMissing)
    assert made.said(Built).keys() == {"first", "third"}
    assert made.rows("third") == [(1,)]


def test_folders_of_different_names_are_refused(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv data")
    made.folder.write("data/a.csv", "a\n1\n")
    made.folder.write("data/day=1/b.csv", "a\n2\n")
    made.sql("k", "select a from s")
    with pytest.raises(SourceUnreadable) as caught:
        made.build()
    assert (
        "reason",
        "its files lie in `name=value` folders of different names: none and `day=…`",
    ) in (caught.value.facts)


def test_two_tasks_that_read_their_first_files_at_once_both_find_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one folder of links: of two, the one that is dropped took its links with it."""
    made = site(tmp_path)
    begin = Links.__init__

    def slowly(self: Links) -> None:
        time.sleep(0.2)
        begin(self)

    monkeypatch.setattr(Links, "__init__", slowly)
    names = ("r", "s")
    for name in names:
        made.folder.parquet(f"data/{name}.parquet", {"a": [1]})
    declared = {n: Source(n, "parquet", str(tmp_path / f"data/{n}.parquet")) for n in names}
    sources = Sources(declared, {})
    ctx = datafusion.SessionContext()
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda name: sources.register(ctx, name), names))
    assert [ctx.table(name).count() for name in names] == [1, 1]
    sources.close()
