"""What nothing came near since it was up to date is not decided again, and that changes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cpgbuild import api
from cpgbuild.cli.quick import answered
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.settled import settled
from cpgbuild.core.task import Task
from tests.core.graphs import graph, task
from tests.engine.builds import Site, site

SOURCES = "s parquet data/s.parquet\nd delta data/d\nlist files data"
SEEDS = int(os.environ.get("SEEDS", "4"))
CHAINS = 3
LAYERS = 4


class World:
    """A project of SQL with chains of views and tables, and what may come to pass with it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)
        self.site = site(folder, SOURCES)
        self.source(1)
        self.delta(1)
        for chain in range(CHAINS):
            for layer in range(LAYERS):
                self.task(chain, layer)

    def task(self, chain: int, layer: int, number: int = 1) -> None:
        below = f"t{chain}_{layer - 1}" if layer else self.random.choice("sd")
        other = f"t{self.random.randrange(CHAINS)}_{layer - 1}" if layer else below
        queries = [
            f"select n + {number} as n, more from {below}",
            f"select n, more from {below} union all select n, more from {other}",
            f"select sum(n) as n, max(more) as more from {below} where n > {number % 5}",
        ]
        kind = self.random.choice(["view", "view", "compute"])
        self.site.sql(f"t{chain}_{layer}", self.random.choice(queries), kind)

    def source(self, number: int) -> None:
        (self.site.root / "data").mkdir(exist_ok=True)
        rows = {"n": list(range(number)), "more": [number // 3] * number}
        pq.write_table(pa.table(rows), self.site.root / "data/s.parquet")

    def delta(self, number: int) -> None:
        rows = pa.table({"n": [number], "more": [1]})
        write_deltalake(self.site.root / "data/d", rows, mode="overwrite")

    def happens(self) -> str:
        random, root = self.random, self.site.root
        tables = sorted(path.name for path in (root / "warehouse").glob("t*"))
        what = random.choice(
            ["edit"] * 4
            + ["build"] * 3
            + ["target", "source", "delta", "gone", "foreign", "traces"]
        )
        if what == "edit":
            self.task(random.randrange(CHAINS), random.randrange(LAYERS), random.randrange(9))
        elif what == "build":
            api.build(root)
        elif what == "target":
            api.build(root, targets=[f"t{random.randrange(CHAINS)}_{random.randrange(LAYERS)}"])
        elif what == "source":
            self.source(random.randrange(1, 9))
        elif what == "delta":
            self.delta(random.randrange(3))
        elif what == "gone" and tables:
            shutil.rmtree(root / "warehouse" / random.choice(tables))
        elif what == "foreign" and tables:
            table = DeltaTable(root / "warehouse" / random.choice(tables))
            write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")
        elif what == "traces":
            for file in (root / ".cpgbuild").glob("traces-*"):
                file.unlink()
        return what


@pytest.mark.parametrize("seed", range(SEEDS))
def test_plans_and_builds_are_those_without_what_is_settled(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, seed)
    done = ["build"]
    api.build(tmp_path)
    for _ in range(12):
        done.append(world.happens())
        nothing = mock.patch("cpgbuild.api.building._settled", return_value=frozenset())
        with nothing, mock.patch("cpgbuild.api.building.keep_answer"):
            wanted = api.plan(tmp_path)
        assert api.plan(tmp_path) == wanted, done


def decided(root: Path) -> set[str]:
    """Return the tasks that a plan looks at."""
    names: set[str] = set()
    decide = Rebuilder.decide

    def noted(self: Rebuilder, task: Task) -> object:
        if not self.is_settled(task):
            names.add(task.dataset)
        return decide(self, task)

    with mock.patch.object(Rebuilder, "decide", noted):
        api.plan(root)
    return names


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """Two chains: s → a → b (a view) → c, and d → x → y."""
    found = site(tmp_path, SOURCES)
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "data/s.parquet")
    write_deltalake(tmp_path / "data/d", pa.table({"n": [1]}))
    found.sql("a", "select n from s")
    found.sql("b", "select n + 1 as n from a", "view")
    found.sql("c", "select n from b")
    found.sql("x", "select n from d")
    found.sql("y", "select n from x")
    found.built()
    assert decided(tmp_path) == set()
    return found


def test_after_an_edit_only_what_hangs_on_it_is_looked_at(made: Site) -> None:
    made.sql("x", "select n + 1 as n from d")
    assert decided(made.root) == {"x", "y"}


def test_a_view_upstream_of_an_edit_is_looked_at_too(made: Site) -> None:
    made.sql("c", "select n + 1 as n from b")
    assert decided(made.root) == {"b", "c"}


def test_all_views_upstream_of_an_edit_are_looked_at_up_to_the_next_tables(made: Site) -> None:
    made.sql("v", "select n + 1 as n from b", "view")
    made.sql("w", "select n from v")
    made.built()
    assert decided(made.root) == set()
    made.sql("w", "select n + 1 as n from v")
    assert decided(made.root) == {"b", "v", "w"}


def test_after_new_data_only_its_readers_are_looked_at(made: Site) -> None:
    write_deltalake(made.root / "data/d", pa.table({"n": [2]}), mode="overwrite")
    assert decided(made.root) == {"x", "y"}


def test_what_holds_other_rows_is_looked_at_with_its_readers(made: Site) -> None:
    shutil.rmtree(made.root / "warehouse/a")
    assert decided(made.root) == {"a", "b", "c"}


def test_a_source_below_a_folder_of_tasks_is_looked_at(made: Site) -> None:
    made.folder.append("cpgbuild.toml", '[sources.near]\nformat = "csv"\npath = "tasks/near.csv"')
    made.folder.write("tasks/near.csv", "n\n1\n")
    made.sql("z", "select n from near")
    made.built()
    assert decided(made.root) == set()
    made.folder.write("tasks/near.csv", "n\n2\n")
    assert decided(made.root) == {"z"}


def test_without_the_traces_all_tables_are_looked_at(made: Site) -> None:
    """What a build found out without a run is written down nowhere else."""
    for file in (made.root / ".cpgbuild").glob("traces-*"):
        file.unlink()
    assert decided(made.root) >= {"a", "c", "x", "y"}


def test_after_a_build_of_some_tasks_the_others_are_known(made: Site) -> None:
    made.sql("x", "select n + 1 as n from d")
    assert made.built() == {"x": ["plan_changed x"], "y": ["data_changed x"]}
    assert decided(made.root) == set()


def test_another_configuration_is_looked_at_whole(made: Site) -> None:
    made.folder.edit("cpgbuild.toml", 'warehouse = "warehouse"', 'warehouse = "warehouse/"')
    assert decided(made.root) == {"a", "b", "c", "x", "y"}


def test_a_plan_leaves_to_a_build_what_that_writes_down(made: Site) -> None:
    """Once the old version of a source is gone, nobody could say that its rows are the same."""
    write_deltalake(made.root / "data/d", pa.table({"n": [1]}), mode="overwrite")
    assert [one.action for one in api.plan(made.root)] == ["skip"] * 5
    assert not answered(["build", "-C", str(made.root)])
    assert made.built() == {}
    assert answered(["build", "-C", str(made.root)])


def test_only_what_was_up_to_date_is_still() -> None:
    tasks = [task("a", "s"), task("b", "a", kind="view"), task("c", "b"), task("d", "c")]
    found = graph(*tasks, s="id")
    assert settled(found, [], []) == frozenset()
    assert settled(found, ["compute.a", "compute.d"], []) == {"compute.a", "compute.d"}
    assert settled(found, [one.name for one in tasks], ["compute.c"]) == {"compute.a"}
