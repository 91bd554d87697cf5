"""Python-lane tasks: what is mapped again, and what the rest of a build does meanwhile."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild.core.events import Built, Failed, Unchanged
from tests.engine.builds import Site, site

TASKS = '''
    from pathlib import Path

    CALLS = Path(__file__).parents[1] / "calls"


    def words(rows: pa.RecordBatch) -> pa.Table:
        """A row for each word of each text; notes which keys it was given."""
        found = []
        for row in rows.to_pylist():
            with CALLS.open("a") as log:
                log.write(f"{row['path']}\\n")
            found += [{"path": row["path"], "word": w} for w in row["text"].split()]
        return pa.Table.from_pylist(found, pa.schema([("path", pa.string()), ("word", pa.string())]))


    @compute(map=words, key="path", content="sha", schema={"path": "string", "word": "string"})
    def v_words(catalog: Catalog) -> ibis.Table:
        return catalog.table("texts")
'''


def calls(made: Site) -> list[str]:
    """Return the keys that were mapped since this was last asked."""
    log = made.root / "calls"
    found = sorted(log.read_text().split()) if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def texts(made: Site, **contents: str) -> None:
    rows = {
        "path": list(contents),
        "text": list(contents.values()),
        "sha": [f"sha of {text}" for text in contents.values()],
    }
    types = pa.schema([("path", pa.string()), ("text", pa.string()), ("sha", pa.string())])
    made.folder.parquet("data/texts.parquet", rows, types)


@pytest.fixture
def keyed(tmp_path: Path) -> Site:
    made = site(tmp_path, "texts parquet data/texts.parquet", engine="threads = 1")
    made.python("words", TASKS)
    texts(made, a="one two", b="three", c="", d="five")
    made.built()
    assert calls(made) == ["a", "b", "c", "d"]
    return made


def test_only_keys_whose_content_changed_are_mapped_again(keyed: Site) -> None:
    assert keyed.built() == {}
    texts(keyed, a="one two", b="changed", c="", e="new words")
    assert keyed.built() == {"v_words": ["data_changed texts"]}
    assert calls(keyed) == ["b", "e"]
    (event,) = keyed.said(Built).values()
    assert event.detail == "2 of 4 keys"
    kept = keyed.rows("v_words")
    assert kept == [("a", "one"), ("a", "two"), ("b", "changed"), ("e", "new"), ("e", "words")]
    # Equal to what a build from nothing gives.
    keyed.build(force=["v_words"])
    assert calls(keyed) == ["a", "b", "c", "e"]
    assert keyed.rows("v_words") == kept
    assert keyed.built() == {}


def test_a_table_in_folders_keeps_the_rows_of_all_other_keys(tmp_path: Path) -> None:
    made = site(tmp_path, "texts parquet data/texts.parquet", engine="threads = 1")
    made.python("words", TASKS.replace('key="path"', 'key="path", partition_by=["path"]'))
    texts(made, a="one two", b="three", d="five")
    made.built()
    calls(made)
    texts(made, a="one two", b="changed")
    made.built()
    assert calls(made) == ["b"]
    assert made.rows("v_words") == [("a", "one"), ("a", "two"), ("b", "changed")]


def test_a_key_that_is_gone_loses_its_rows_and_maps_nothing(keyed: Site) -> None:
    texts(keyed, a="one two", c="", d="five")
    keyed.built()
    assert calls(keyed) == []
    assert keyed.rows("v_words") == [("a", "one"), ("a", "two"), ("d", "five")]
    texts(keyed)
    keyed.built()
    assert keyed.rows("v_words") == []
    assert keyed.built() == {}
    assert calls(keyed) == []


def test_compaction_and_vacuum_keep_what_is_known_of_keys(keyed: Site) -> None:
    keyed.delta("v_words").optimize.compact()
    keyed.delta("v_words").vacuum(0, dry_run=False, enforce_retention_duration=False)
    texts(keyed, a="other", b="three", c="", d="five")
    keyed.built()
    assert calls(keyed) == ["a"]
    assert keyed.rows("v_words") == [("a", "other"), ("b", "three"), ("d", "five")]


def test_another_function_maps_all_keys_again(keyed: Site) -> None:
    keyed.folder.edit("tasks/words.py", 'row["text"].split()', 'row["text"].upper().split()')
    assert keyed.built() == {"v_words": ["plan_changed v_words"]}
    assert calls(keyed) == ["a", "b", "c", "d"]
    assert keyed.rows("v_words")[0] == ("a", "ONE")
    keyed.folder.edit("tasks/words.py", "notes which", "writes down which")
    assert keyed.built() == {}, "a docstring is no code"


def test_another_plan_upstream_maps_all_keys_again(tmp_path: Path) -> None:
    """The same content may come with other columns: of a view, and of a table behind it."""
    made = site(tmp_path, "texts parquet data/texts.parquet", engine="threads = 1")
    made.python("words", TASKS.replace('catalog.table("texts")', 'catalog.table("v_texts")'))
    made.sql("stored", "select path, text, sha from texts")
    made.sql("v_texts", "select path, text, sha from stored", "view")
    texts(made, a="one", b="two")
    made.built()
    assert calls(made) == ["a", "b"]
    texts(made, a="one", b="other")
    made.built()
    assert calls(made) == ["b"]
    made.sql("v_texts", "select path, upper(text) as text, sha from stored", "view")
    assert made.built() == {"v_words": ["plan_changed v_texts"]}
    assert made.rows("v_words") == [("a", "ONE"), ("b", "OTHER")]
    made.sql("stored", "select path, concat(text, 's') as text, sha from texts")
    made.built()
    assert made.rows("v_words") == [("a", "ONES"), ("b", "OTHERS")]
    assert calls(made) == ["a", "a", "b", "b"]
    texts(made, a="one", b="last")
    made.built()
    assert calls(made) == ["b"]


def test_rows_that_somebody_else_wrote_are_not_built_upon(keyed: Site) -> None:
    keyed.delta("v_words").delete("path = 'a'")
    keyed.delta("v_words").vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert keyed.built() == {"v_words": ["output_changed v_words"]}
    assert calls(keyed) == ["a", "b", "c", "d"]
    assert ("a", "one") in keyed.rows("v_words")


def test_a_failure_keeps_all_and_the_next_build_maps_what_is_still_due(keyed: Site) -> None:
    texts(keyed, a="changed", b="three", c="", d="five")
    keyed.folder.edit("tasks/words.py", "found = []", "found = 1 / 0")
    keyed.build()
    (failed,) = keyed.said(Failed).values()
    assert "ZeroDivisionError" in str(failed.error)
    assert failed.error.place.path.endswith("tasks/words.py")
    assert ("a", "one") in keyed.rows("v_words")
    keyed.folder.edit("tasks/words.py", "found = 1 / 0", "found = []")
    assert keyed.built() == {"v_words": ["data_changed texts"]}
    assert calls(keyed) == ["a"]
    assert ("a", "changed") in keyed.rows("v_words")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [(["a", "a"], "is `a` in several rows"), (["a", None], "is null in some row")],
)
def test_a_key_that_names_no_row_or_two_is_an_error(
    keyed: Site, keys: list[str | None], fault: str
) -> None:
    keyed.folder.parquet(
        "data/texts.parquet", {"path": keys, "text": ["x", "y"], "sha": ["1", "2"]}
    )
    keyed.build()
    (failed,) = keyed.said(Failed).values()
    assert fault in str(failed.error)
    assert keyed.version("v_words") == 0


def test_content_may_be_of_any_type(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet", engine="threads = 1")
    contents = {
        "bytes": (pa.binary(), b"\xff\x00", b"\xff\x01"),
        "numbers": (pa.list_(pa.int64()), [1, None], [1]),
        "record": (pa.struct([("x", pa.float64())]), {"x": 0.0}, {"x": -0.0}),
        "number": (pa.float64(), 0.0, -0.0),
        "moment": (pa.timestamp("us", "UTC"), 1, 2),
    }
    tasks = "def same(rows: pa.RecordBatch) -> pa.RecordBatch:\n    return rows.select(['k'])\n"
    for name in contents:
        tasks += (
            f"\n@compute(map=same, key='k', content='{name}', schema={{'k': 'string'}})\n"
            f"def by_{name}(catalog: Catalog) -> ibis.Table:\n"
            f"    return catalog.table('s').select('k', '{name}')\n"
        )
    made.python("k", tasks)
    for which in (1, 2):
        columns = {"k": pa.array(["a", "b", "c"])}
        for name, values in contents.items():
            columns[name] = pa.array([values[1], values[which], values[1]], values[0])
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / "data/s.parquet")
        made.built()
    details = {output: event.detail for output, event in made.said(Unchanged).items()}
    assert details == {f"by_{name}": "1 of 3 keys" for name in contents}


def test_a_map_without_keys_maps_all_rows_and_feeds_others(tmp_path: Path) -> None:
    made = site(tmp_path, "s parquet data/s.parquet", engine="threads = 2")
    made.folder.parquet("data/s.parquet", {"a": list(range(1000))})
    made.python(
        "k",
        """
        import pyarrow.compute as pc

        def doubled(rows: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch({"b": pc.multiply(rows["a"], 2)})

        @compute(map=doubled, schema={"b": "int64"}, contributes_to="both")
        def left(catalog: Catalog) -> ibis.Table:
            return catalog.table("s").filter(lambda s: s.a < 500)

        @compute(contributes_to="both")
        def right(catalog: Catalog) -> ibis.Table:
            return catalog.table("s").filter(lambda s: s.a >= 500).select(b=lambda s: s.a * 2)

        @view(contributes_to="both")
        def third(catalog: Catalog) -> ibis.Table:
            return catalog.table("s").filter(lambda s: s.a == 3).select(b=lambda s: s.a)
        """,
    )
    made.sql("total", "select sum(b) as t, count(*) as n from both")
    assert made.built().keys() == {"both/left", "both/right", "total"}
    assert made.rows("total") == [(2 * sum(range(1000)) + 3, 1001)]
    assert made.built() == {}
    made.folder.edit("tasks/k.py", "s.a >= 500", "s.a >= 501")
    assert made.built() == {
        "both/right": ["plan_changed both"],
        "total": ["data_changed both"],
    }
    assert made.rows("total") == [(2 * sum(range(1000)) + 3 - 1000, 1000)]


def test_lanes_run_beside_each_other(tmp_path: Path) -> None:
    """Each task waits until the other has begun, so one after the other would never end."""
    made = site(
        tmp_path, "s parquet data/s.parquet", engine="threads = 1", lanes="engine = 1\npython = 1"
    )
    made.folder.parquet("data/s.parquet", {"a": [1]})
    made.python(
        "k",
        f"""
        import time
        from pathlib import Path

        FOLDER = Path("{tmp_path}")

        def met(mine: str, other: str) -> int:
            (FOLDER / mine).touch()
            for _ in range(300):
                if (FOLDER / other).exists():
                    return 1
                time.sleep(0.1)
            return 0

        def mapped(rows: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch({{"n": [met("python", "engine")]}})

        @compute(map=mapped, schema={{"n": "int64"}})
        def in_python(catalog: Catalog) -> ibis.Table:
            return catalog.table("s")

        @ibis.udf.scalar.python
        def asked(a: int) -> int:
            return met("engine", "python")

        @compute
        def in_engine(catalog: Catalog) -> ibis.Table:
            s = catalog.table("s")
            return s.select(n=asked(s.a))
        """,
    )
    made.built()
    assert made.rows("in_python") == made.rows("in_engine") == [(1,)]


def test_a_small_memory_limit_makes_big_work_spill_and_not_fail(tmp_path: Path) -> None:
    rows = 2_000_000
    made = site(
        tmp_path,
        "s parquet data/s.parquet",
        engine='threads = 2\nmemory_limit = "96MB"',
    )
    (tmp_path / "data").mkdir()
    numbers = pa.array(range(rows), pa.int64())
    pq.write_table(pa.table({"a": numbers}), tmp_path / "data/s.parquet")
    made.sql(
        "k",
        "select concat(repeat('x', 40), a * 7919 % 1999993) as key, count(*) as n "
        "from s group by 1 order by 1 desc",
    )
    made.built()
    assert made.outcome.built == 1
    assert made.delta("k").get_add_actions().num_rows >= 1
    made.sql("n", "select count(*) as c, sum(n) as s, max(n) as m from k")
    made.built()
    assert made.rows("n")[0][1] == rows


SLOW = """
import time

def wait(batch):
    time.sleep(2)
    return batch

@compute(map=wait, schema={"a": "int64"})
def slow_one(catalog):
    return catalog.table("s")

@compute(map=wait, schema={"a": "int64"})
def slow_two(catalog):
    return catalog.table("s")
"""


def test_a_query_is_committed_while_python_tasks_take_their_time(tmp_path: Path) -> None:
    made = site(tmp_path, "s csv s.csv")
    made.folder.write("s.csv", "a\n1\n")
    made.python("slow", SLOW)
    made.sql("quick", "select a from s", more=", priority = 200")
    made.built()
    done = [e.task.output for e in made.events if type(e).__name__ == "Built"]
    assert done[0] == "quick"


def test_byte_code_of_another_text_is_not_run(keyed: Site) -> None:
    """Python takes it for that of a text of the same size and second."""
    helper = keyed.folder.write("lib/sizes.py", "SIZE = 1\n")
    text = TASKS.replace("    CALLS =", "    from lib.sizes import SIZE\n\n    CALLS =")
    keyed.python("words", text.replace(".split()]", ".split()[:SIZE]]"))
    keyed.built()
    assert len(keyed.rows("v_words")) == 3
    py_compile.compile(str(helper))
    old = helper.stat()
    helper.write_text("SIZE = 9\n")
    os.utime(helper, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert keyed.built() == {"v_words": ["plan_changed v_words"]}
    assert len(keyed.rows("v_words")) == 4
