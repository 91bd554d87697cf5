"""One file of a Python-lane task with keys changes: that key only is mapped again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild.core.events import Action, Built, Failed, Restored, Skipped, Unchanged, UpToDate
from cpgbuild.errors.report import CpgbuildError
from tests.engine.builds import Site, site
from tests.minimal.expect import becomes, nothing

MAPPED = """
    import pyarrow as pa


    def words(rows: pa.RecordBatch) -> pa.RecordBatch:
        found = [
            (row["path"], word)
            for row in rows.to_pylist()
            for word in sorted(set(row["content"].decode().split()))
        ]
        paths, words = [p for p, _ in found], [w for _, w in found]
        return pa.record_batch(
            {"path": pa.array(paths, pa.string()), "word": pa.array(words, pa.string())}
        )
"""
TASKS = """
    from tasks.mapped import words


    @compute(map=words, key="path", content="sha256", schema={"path": "string", "word": "string"})
    def v_words(catalog: Catalog) -> ibis.Table:
        return catalog.table("src").select("path", "sha256", "content")


    @compute
    def known(catalog: Catalog) -> ibis.Table:
        return catalog.table("v_words").select("word").distinct()
"""
WHY = "data_changed src"
BELOW = ["known", "longest"]


@pytest.fixture
def keyed(tmp_path: Path) -> Site:
    """Words of files, with a reader in Ibis and one in SQL."""
    made = site(tmp_path, "src files data/src", engine="threads = 1")
    made.folder.write("tasks/mapped.py", MAPPED)
    made.python("words", TASKS)
    made.sql("longest", "select max(length(word)) as n from v_words")
    for name, text in {"a": "one two", "b": "three", "c": "", "d": "three two"}.items():
        made.folder.write(f"data/src/{name}", text)
    made.built()
    return made


def detail(made: Site) -> str:
    events = made.said(Built) | made.said(Unchanged) | made.said(Restored)
    return str(events["v_words"].detail)


def test_a_file_that_changes_maps_its_key_alone(keyed: Site) -> None:
    keyed.folder.write("data/src/b", "four")
    becomes(
        keyed,
        built={"v_words": WHY, "known": "data_changed v_words"},
        unchanged={"longest": "data_changed v_words"},
        maybe=BELOW,
    )
    assert detail(keyed) == "1 of 4 keys"
    nothing(keyed)


def test_a_key_that_changes_and_gives_the_same_rows_changes_nothing(keyed: Site) -> None:
    keyed.folder.write("data/src/a", "two one two")
    becomes(keyed, unchanged={"v_words": WHY}, maybe=BELOW)
    assert detail(keyed) == "1 of 4 keys"
    nothing(keyed)


def test_a_key_that_is_added_is_mapped_alone(keyed: Site) -> None:
    keyed.folder.write("data/src/e", "one seventeen")
    becomes(
        keyed,
        built={"v_words": WHY, "known": "data_changed v_words", "longest": "data_changed v_words"},
        maybe=BELOW,
    )
    assert detail(keyed) == "1 of 5 keys"


def test_a_key_that_is_gone_loses_its_rows_and_maps_nothing(keyed: Site) -> None:
    (keyed.root / "data/src/b").unlink()
    becomes(
        keyed,
        built={"v_words": WHY},
        unchanged={"known": "data_changed v_words", "longest": "data_changed v_words"},
        maybe=BELOW,
    )
    assert detail(keyed) == "0 of 3 keys"
    assert "b" not in {path for path, _ in keyed.rows("v_words")}


def test_a_file_that_is_renamed_maps_its_new_key(keyed: Site) -> None:
    """What is read of it by others is the words, which are the same."""
    (keyed.root / "data/src/b").rename(keyed.root / "data/src/z")
    becomes(keyed, built={"v_words": WHY}, maybe=BELOW)
    assert detail(keyed) == "1 of 4 keys"


def test_a_file_that_changes_back_maps_nothing(keyed: Site) -> None:
    keyed.folder.write("data/src/b", "four")
    keyed.built()
    keyed.folder.write("data/src/b", "three")
    becomes(
        keyed,
        restored={
            "v_words": WHY,
            "known": "data_changed v_words",
            "longest": "data_changed v_words",
        },
    )
    keyed.folder.write("data/src/a", "one")
    keyed.built()
    assert detail(keyed) == "1 of 4 keys"


def test_other_code_maps_all_keys(keyed: Site) -> None:
    keyed.folder.edit("tasks/mapped.py", ".split()", ".upper().split()")
    becomes(
        keyed,
        built={"v_words": "plan_changed v_words", "known": "data_changed v_words"},
        unchanged={"longest": "data_changed v_words"},
        maybe=BELOW,
    )
    assert detail(keyed) == "4 of 4 keys"


def test_a_key_of_less_columns_is_mapped_by_content_alone(keyed: Site) -> None:
    """A file that is left out of what the task reads is a key that is gone."""
    keyed.folder.edit(
        "tasks/words.py", '.select("path"', '.filter(lambda t: t.path != "z").select("path"'
    )
    becomes(keyed, unchanged={"v_words": "plan_changed v_words"}, maybe=BELOW)
    assert detail(keyed) == "4 of 4 keys"


@pytest.mark.parametrize(
    ("path", "fault"),
    [("'a'", "is `a` in several rows"), ("nullif(path, 'a')", "is null in some row")],
)
def test_a_key_that_names_two_rows_or_none_is_an_error(path: str, fault: str, keyed: Site) -> None:
    keyed.sql("v_src", f"select {path} as path, sha256, content from src", "view")
    keyed.folder.edit("tasks/words.py", 'table("src")', 'table("v_src")')
    before = keyed.version("v_words"), keyed.rows("v_words")
    keyed.build()
    (failed,) = keyed.said(Failed).values()
    assert isinstance(failed.error, CpgbuildError)
    assert failed.error.code == "E305"
    assert fault in str(failed.error)
    assert keyed.said(Skipped).keys() == {"known", "longest"}
    assert (keyed.version("v_words"), keyed.rows("v_words")) == before
    keyed.folder.edit("tasks/words.py", 'table("v_src")', 'table("src")')
    (keyed.root / "tasks/v_src.sql").unlink()
    nothing(keyed)


def test_the_plan_of_a_changed_file_says_run_and_maybe(keyed: Site) -> None:
    from cpgbuild import api

    keyed.folder.write("data/src/b", "four")
    said = {p.task.output: p.action for p in api.plan(keyed.root)}
    assert said == {"v_words": Action.RUN, "known": Action.MAYBE, "longest": Action.MAYBE}
    keyed.folder.write("data/src/b", "three")
    becomes(keyed)
    assert keyed.said(UpToDate).keys() == {"v_words", "known", "longest"}
