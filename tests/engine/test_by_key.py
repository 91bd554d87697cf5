"""Tables replaced by key: the rows of a build from nothing, by computing those that changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest import mock

import datafusion
import pyarrow as pa
import pytest

from cpgbuild.core.events import Built, Failed, Unchanged
from cpgbuild.engine.context import Context
from cpgbuild.plan.compiled import Compiled
from cpgbuild.plan.session import session_config
from tests.engine.builds import Site, site
from tests.engine.random_queries import KEYED, OTHERS, Queries
from tests.property.profiles import PROFILE

SEEDS = {"fast": 1, "default": 1, "soak": 400}[PROFILE]
QUERIES, ROUNDS = 7, 3
TYPES = pa.schema([("k", pa.string()), ("v", pa.int64()), ("w", pa.int64())])
Rows = list[tuple[str | None, int, int]]
KEY = ', key = "k"'


def sources(made: Site, tables: dict[str, Rows]) -> None:
    for name, rows in tables.items():
        columns = {c: [row[n] for row in rows] for n, c in enumerate(TYPES.names)}
        made.folder.parquet(f"data/{name}.parquet", columns, TYPES)


def keyed_site(root: Path, **tables: Rows) -> Site:
    """Return a project in which each source is kept in a table of its own, by key but for `tc`."""
    lines = (f"s{name} parquet data/{name}.parquet" for name in tables)
    made = site(root, "\n".join(lines), engine="threads = 1")
    for name in tables:
        made.sql(name, f"select k, v, w from s{name}", more=KEY if name in KEYED else "")
    sources(made, tables)
    return made


def from_nothing(query: str, tables: dict[str, Rows]) -> list[tuple[object, ...]]:
    """Return what a query gives over the sources, asked of the engine directly."""
    session = datafusion.SessionContext(session_config())
    for name, rows in tables.items():
        columns = [pa.array([row[n] for row in rows], f.type) for n, f in enumerate(TYPES)]
        batch = pa.RecordBatch.from_arrays(columns, schema=TYPES)
        session.register_record_batches(name, [[batch]])
    found = session.sql(query).to_pylist()
    return ordered([tuple(row.values()) for row in found])


def runnable(queries: Queries, tables: dict[str, Rows]) -> str:
    """Return a random query; not one of those that the engine cannot plan or run."""
    while True:
        text = queries.one(depth=queries.random.choice((1, 2, 2, 3)))
        try:
            from_nothing(text, tables)
        except Exception:
            continue
        return text


def ordered(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=lambda row: [(cell is not None, cell) for cell in row])


def held(made: Site, output: str) -> list[tuple[object, ...]]:
    return ordered([tuple(row.values()) for row in made.table(output).to_pylist()])


def computed(made: Site, output: str) -> str:
    """Return which part of a table's keys the last build computed; nothing where it was whole."""
    event = (made.said(Built) | made.said(Unchanged))[output]
    return str(event.detail)


@contextmanager
def queries() -> Iterator[Counter[str]]:
    """Count how often the query of each task is run."""
    asked: Counter[str] = Counter()
    rows_of = Context.rows_of

    def noted(self: Context, compiled: Compiled) -> datafusion.DataFrame:
        asked[compiled.task.name] += 1
        return rows_of(self, compiled)

    with mock.patch.object(Context, "rows_of", noted):
        yield asked


def drawn(random: Random) -> Rows:
    keys = [*"abcdefgh", None]
    return [
        (random.choice(keys), random.randrange(4), random.randrange(3))
        for _ in range(random.randrange(14))
    ]


def edited(rows: Rows, random: Random) -> Rows:
    """Return rows of which those of a key or two are others, gone or new."""
    for key in random.choices([*"abcdefghi", None], k=random.choice((1, 1, 2))):
        rows = [row for row in rows if row[0] != key]
        rows += [
            (key, random.randrange(4), random.randrange(3)) for _ in range(random.randrange(3))
        ]
    return rows


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_the_queries_tables_are_those_of_a_build_from_nothing(
    seed: int, tmp_path: Path
) -> None:
    random, queries = Random(seed), Queries(seed)
    tables = {name: drawn(random) for name in (*KEYED, *OTHERS)}
    made = keyed_site(tmp_path, **tables)
    texts = {f"q{number}": runnable(queries, tables) for number in range(QUERIES)}
    for name, text in texts.items():
        made.sql(name, text, more=KEY)
    for number in range(ROUNDS):
        if number:
            name = random.choice((*KEYED, *KEYED, *OTHERS))
            tables[name] = edited(tables[name], random)
            sources(made, tables)
        made.built()
        for name, text in texts.items():
            assert held(made, name) == from_nothing(text, tables), f"round {number}: {text}"
        assert made.built() == {}


ROWS: Rows = [(k, v, v % 2) for k in "abcdefgh" for v in range(3)]


@pytest.fixture
def made(tmp_path: Path) -> Site:
    made = keyed_site(tmp_path, ta=ROWS, tb=ROWS)
    made.sql("by_file", "select k, sum(v) as v, w from ta group by k, w", more=KEY)
    made.sql("among_all", "select k, sum(v) over (partition by w) as v, w from ta", more=KEY)
    made.sql("after", "select k, v + 1 as v, w from among_all", more=KEY)
    made.built()
    return made


def change(made: Site, *changed: tuple[str, int, int], gone: str = "") -> None:
    keys = {*(row[0] for row in changed), *gone}
    rows = [row for row in ROWS if row[0] not in keys]
    sources(made, {"ta": [*rows, *changed]})


def test_only_the_keys_that_changed_are_computed_and_written(made: Site) -> None:
    before = {*made.delta("by_file").file_uris()}
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == "1 of 8 keys"
    assert ("c", 7, 1) in made.rows("by_file")
    assert not before & {*made.delta("by_file").file_uris()}, "a small table is one file"
    change(made, gone="c")
    made.built()
    assert computed(made, "by_file") == "1 of 7 keys"
    assert "c" not in {row[0] for row in made.rows("by_file")}


def test_what_is_not_of_one_key_is_computed_whole_and_its_readers_by_what_came_of_it(
    made: Site,
) -> None:
    # As much in all: of the others nothing is changed by it.
    change(made, ("c", 1, 1), ("c", 2, 0))
    made.built()
    assert computed(made, "among_all") == ""
    assert computed(made, "after") == "1 of 8 keys"


def test_a_restored_table_is_gone_on_with_by_key(made: Site) -> None:
    first = made.rows("by_file")
    change(made, ("c", 7, 1))
    made.built()
    sources(made, {"ta": ROWS})
    made.built()
    assert {"by_file", "ta"} <= {*made.restored}
    assert made.rows("by_file") == first
    change(made, ("d", 5, 0))
    made.built()
    assert computed(made, "by_file") == "1 of 8 keys"
    assert [row for row in made.rows("by_file") if row[0] == "d"] == [("d", 5, 0)]


def test_a_table_that_somebody_compacted_is_computed_whole_once(made: Site) -> None:
    made.delta("by_file").optimize.z_order(["v"])
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == ""
    change(made, ("d", 7, 1))
    made.built()
    assert computed(made, "by_file") == "2 of 8 keys"


def test_lost_ledgers_cost_a_whole_run_and_no_more(made: Site) -> None:
    for ledger in made.root.glob("warehouse/*/_cpgbuild/ledger-*"):
        ledger.unlink()
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == ""
    assert ("c", 7, 1) in made.rows("by_file")


def test_a_ledger_of_other_rows_is_not_believed(made: Site) -> None:
    """As one that was copied from another warehouse, or that was written by halves."""
    folder = made.root / "warehouse/ta/_cpgbuild"
    (before,) = folder.glob("ledger-*")
    change(made, ("c", 7, 1))
    made.built("ta")
    (now,) = {*folder.glob("ledger-*")} - {before}
    before.write_bytes(now.read_bytes())
    made.built()
    assert ("c", 7, 1) in made.rows("by_file")


def test_another_plan_or_an_input_without_a_key_is_computed_whole(made: Site) -> None:
    made.sql("by_file", "select k, max(v) as v, w from ta group by k, w", more=KEY)
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == ""
    assert ("a", 2, 0) in made.rows("by_file")


def test_after_another_plan_that_makes_the_same_rows_it_goes_on_by_key(made: Site) -> None:
    files = {*made.delta("by_file").file_uris()}
    made.sql("by_file", "select k, sum(v) + 0 * count(*) as v, w from ta group by k, w", more=KEY)
    made.built()
    assert computed(made, "by_file") == ""
    assert {*made.delta("by_file").file_uris()} == files, "what is there needs not be written"
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == "1 of 8 keys"


def test_rows_in_files_without_a_ledger_are_put_into_others_once(made: Site) -> None:
    for ledger in made.root.glob("warehouse/by_file/_cpgbuild/ledger-*"):
        ledger.unlink()
    made.sql("by_file", "select k, sum(v) + 0 * count(*) as v, w from ta group by k, w", more=KEY)
    made.built()
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "by_file") == "1 of 8 keys"
    assert ("c", 7, 1) in made.rows("by_file")


def test_large_tables_are_kept_in_files_of_some_keys_each(tmp_path: Path) -> None:
    rows: Rows = [(f"{n % 500:03}{'x' * 60}", n, 0) for n in range(60_000)]
    made = keyed_site(tmp_path, ta=rows, tb=rows)
    made.sql("copied", "select k, v, w from ta", more=KEY)
    made.built()
    before = {*made.delta("copied").file_uris()}
    assert len(before) > 2
    sources(made, {"ta": [*rows, (f"007{'x' * 60}", -1, 0)]})
    made.built()
    after = {*made.delta("copied").file_uris()}
    assert len(before - after) == 1
    assert made.rows("copied")[0] == (f"000{'x' * 60}", 0, 0)
    assert len(made.rows("copied")) == 60_001
    assert re.fullmatch("1 of 500 keys", computed(made, "copied"))


def test_a_table_without_rows_gets_some_by_key(tmp_path: Path) -> None:
    made = keyed_site(tmp_path, ta=[])
    made.sql("copied", "select k, v, w from ta", more=KEY)
    made.built()
    sources(made, {"ta": ROWS[:1]})
    made.built()
    assert made.rows("copied") == [("a", 0, 0)]


def test_an_input_that_somebody_compacted_is_read_whole(made: Site) -> None:
    made.delta("ta").optimize.z_order(["v"])
    made.delta("ta").vacuum(0, dry_run=False, enforce_retention_duration=False)
    made.sql("twice", "select k, v * 2 as v, w from ta", more=KEY)
    made.built()
    change(made, ("c", 7, 1))
    made.built()
    assert ("c", 14, 1) in made.rows("twice")
    assert ("c", 7, 1) in made.rows("by_file")


def test_rows_that_vary_are_computed_whole(made: Site) -> None:
    made.sql("drawn", "select k, v, random() as w from ta", more=KEY)
    made.built()
    first = made.rows("drawn")
    assert made.built() == {"drawn": ["volatile drawn"]}
    assert not {row[2] for row in first} & {row[2] for row in made.rows("drawn")}
    before = made.rows("drawn")
    change(made, ("c", 7, 1))
    made.built()
    assert not {row[2] for row in before} & {row[2] for row in made.rows("drawn")}


def test_floats_may_differ_in_their_last_bits_and_are_still_by_key(made: Site) -> None:
    made.sql("means", "select k, avg(v) / 3 as v, 1 as w from ta group by k", more=KEY)
    made.built()
    change(made, ("c", 7, 1))
    made.built()
    assert computed(made, "means") == "1 of 8 keys"
    assert ("c", 7 / 3, 1) in made.rows("means")


def test_rows_without_a_key_are_those_of_null(tmp_path: Path) -> None:
    rows: Rows = [*ROWS, (None, 5, 1)]
    made = keyed_site(tmp_path, ta=rows)
    made.sql("plain", "select k, v, w from ta", more=KEY)
    made.sql("summed", "select null::text as k, sum(v) as v, 0 as w from ta", more=KEY)
    made.built()
    sources(made, {"ta": [*rows, (None, 6, 1)]})
    made.built()
    assert computed(made, "plain") == "0 of 9 keys"
    assert [row[1] for row in held(made, "plain")[:2]] == [5, 6]
    assert made.rows("summed") == [(None, 35, 0)]
    sources(made, {"ta": [*ROWS, (None, 6, 1), ("a", 10, 0)]})
    made.built()
    assert made.rows("summed") == [(None, 40, 0)]


def test_what_breaks_a_check_is_seen_among_the_rows_of_a_few_keys(made: Site) -> None:
    checked = KEY + ', unique = [["k", "v"]]'
    made.sql("by_file", "select k, sum(v) as v, w from ta group by k, w", more=checked)
    made.built()
    before = made.version("by_file")
    change(made, ("c", 7, 1), ("c", 7, 0))
    made.build()
    assert [str(error.error.code) for error in made.said(Failed).values()] == ["E350"]
    assert made.version("by_file") == before


def test_rows_without_a_key_are_looked_for_where_they_can_be_alone(tmp_path: Path) -> None:
    made = keyed_site(tmp_path, ta=ROWS, tb=ROWS)
    # Of null all of `tb` matters, so it does whichever row of it is another.
    query = "select a.k, b.v, a.w from ta a join tb b on a.k is not distinct from b.k"
    made.sql("beside", query, more=KEY)

    def asked(a: Rows, b: Rows) -> int:
        """Return how many queries a build makes of rows that are those of a build from nothing."""
        sources(made, {"ta": a, "tb": b})
        with queries() as counted:
            made.built()
        assert held(made, "beside") == from_nothing(query, {"ta": a, "tb": b})
        return counted["compute.beside"]

    alone: Rows = [(None, 7, 1)]
    asked(ROWS, ROWS)
    assert asked(ROWS, ROWS[1:]) == 1
    # There is no row of `ta` without a key: then one of `tb` makes none.
    assert asked(ROWS, ROWS[2:] + alone) == 1
    assert asked(ROWS + alone, ROWS[2:] + alone) == 1
    assert asked(ROWS + alone, ROWS[3:] + alone) == 2
    # The row that was made without a key goes, though now nothing is without one.
    assert asked(ROWS, ROWS[4:]) == 2
    assert asked(ROWS, ROWS[5:]) == 1
