"""Planning in several processes: as in one, but for the time that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild import api
from cpgbuild.core.selection import Request
from cpgbuild.plan import helpers
from cpgbuild.plan.helpers import Helpers
from cpgbuild.project.afar import Afar
from cpgbuild.project.watching import Watch
from tests.engine.builds import Site, site
from tests.property.test_plan_cache import World
from tests.support.plans import evaluated, nothing_is_kept, planned

CONFIG = """
[project]
name = "many"
[vars]
word = "x"
[sources.s]
path = "data/s.parquet"
"""
# One of each kind of task that there is.
MODULE = """
import ibis
import pyarrow as pa
from cpgbuild import compute, view
from lib.near import N

SMALL = ibis.memtable(pa.table({"n": [1, 2]}))


@ibis.udf.scalar.python
def twice(x: int) -> int:
    return 2 * x


def same(batch):
    return batch


@view
def a(catalog):
    return catalog.table("s").mutate(m=N)


@view
def b(catalog):
    return catalog.table("a").mutate(k=twice(ibis._.n), w=ibis.literal(catalog.var("word")))


@compute(partition_by=["m"])
def c(catalog):
    return catalog.table("b").join(SMALL, "n")


@compute(map=same, schema={"n": "int64"})
def d(catalog):
    return catalog.table("q").select("n")


@view
def late(catalog):
    from lib.late import M

    return catalog.table("c").mutate(late=M)


@compute(schema={"n": "int64", "x": "int64"})
def promised(catalog):
    names = ["s"]
    return catalog.table(names[0][:1]).mutate(x=ibis.row_number().over(order_by="n"))
"""
SQL = {
    "q": "SELECT n, count(*) AS x FROM b JOIN s USING (n) GROUP BY n",
    "r": "WITH s AS (SELECT n FROM q) SELECT n, x FROM q JOIN s USING (n) -- from c",
    "t": "SELECT a.n, q.x FROM a, q WHERE a.n = q.n",
}


@pytest.fixture
def made(tmp_path: Path) -> Site:
    found = site(tmp_path)
    (tmp_path / "cpgbuild.toml").write_text(CONFIG)
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "data/s.parquet")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/near.py").write_text("import json\nN = 1\nSEEN = []\n")
    (tmp_path / "lib/late.py").write_text("M = 1\n")
    (tmp_path / "tasks").mkdir(exist_ok=True)
    (tmp_path / "tasks/m.py").write_text(MODULE)
    for name, text in SQL.items():
        found.sql(name, text)
    return found


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Helpers]]:
    """Have two helpers begun for every plan; return those that were."""
    begun: list[Helpers] = []
    begin = Helpers.__init__

    def noted(self: Helpers, *args: object) -> None:
        begun.append(self)
        begin(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Helpers, "__init__", noted)
    monkeypatch.setattr(helpers, "worthwhile", lambda definitions: 2 if any(definitions) else 0)
    yield begun
    for one in begun:
        assert all(helper._process.poll() is not None for helper in one._helpers)


def alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, object]:
    """Return what is planned by one process."""
    with monkeypatch.context() as patched, nothing_is_kept():
        patched.setattr(helpers, "worthwhile", lambda _: 0)
        return planned(root, from_nothing=True)


def same_tasks(one: tuple[str, object], other: tuple[str, object]) -> bool:
    """Return whether plans are the same; several processes end in no order."""
    return one[0] == other[0] and sorted(one[1]) == sorted(other[1])  # type: ignore[call-overload]


def test_helpers_plan_every_kind_of_task_as_it_is_planned_here(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluated(made.root) == set()
    assert len(always) == 1
    assert same_tasks(planned(made.root, from_nothing=False), alone(made.root, monkeypatch))
    assert same_tasks(planned(made.root, from_nothing=True), alone(made.root, monkeypatch))
    assert made.built().keys() == {"c", "d", "promised", "q", "r", "t"}
    assert made.built() == {}


def test_what_they_looked_at_is_known_here(made: Site, always: list[Helpers]) -> None:
    read = 'int((Path(__file__).parents[1] / "lib/n.txt").read_text())'
    text = "from pathlib import Path\n" + MODULE.replace("m=N", f"m={read}")
    (made.root / "tasks/m.py").write_text(text)
    for file, now in (("lib/n.txt", "1"), ("lib/n.txt", "2"), ("lib/late.py", "M = 2\n")):
        (made.root / file).write_text(now)
        begun = len(always)
        assert evaluated(made.root) == set()
        assert len(always) > begun
        begun = len(always)
        assert evaluated(made.root) == set()
        # Nothing is planned again.
        assert len(always) == begun


@pytest.mark.parametrize(
    "text",
    [
        "TICKETS = iter(range(9))",
        "import functools\n@functools.cache\ndef names():\n    return []",
    ],
)
def test_what_may_be_used_up_unseen_is_evaluated_here(
    made: Site, always: list[Helpers], text: str
) -> None:
    (made.root / "tasks/m.py").write_text(MODULE.replace("N\n", f"N\n{text}\n", 1))
    assert evaluated(made.root) >= {"a", "b", "c", "d"}
    assert [one.afar for one in always] == [None]


def test_what_changes_what_others_find_is_evaluated_here(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = "from lib.near import SEEN\n    SEEN.append(1)\n    return catalog.table('s')"
    text = MODULE.replace('return catalog.table("s")', deed, 1)
    (made.root / "tasks/m.py").write_text(text)
    assert evaluated(made.root) >= {"a", "b", "c", "d", "q"}
    assert same_tasks(planned(made.root, from_nothing=True), alone(made.root, monkeypatch))


def test_a_module_that_is_another_there_is_not_taken(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = Afar.of

    def meanwhile(root: Path, watch: Watch) -> Afar | None:
        (root / "lib/near.py").write_text("import json\nN = 2\nSEEN = []\n")
        return of(root, watch)

    before = alone(made.root, monkeypatch)
    monkeypatch.setattr(Afar, "of", meanwhile)
    assert same_tasks(planned(made.root, from_nothing=True), before)


@pytest.mark.parametrize("after", [0, 3])
def test_what_helpers_do_not_do_is_done_here(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    known = alone(made.root, monkeypatch)
    plan = Helpers.plan
    count = 0

    def killing(self: Helpers, *args: object) -> bool:
        nonlocal count
        count += 1
        if count > after:
            for helper in self._helpers:
                helper._process.kill()
        return plan(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Helpers, "plan", killing)
    assert same_tasks(planned(made.root, from_nothing=True), known)


def test_one_that_is_killed_leaves_its_part_to_the_others(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = alone(made.root, monkeypatch)
    begin = Helpers.__init__

    def wounded(self: Helpers, *args: object) -> None:
        begin(self, *args)  # type: ignore[arg-type]
        self._helpers[0]._process.kill()
        self._helpers[0]._process.wait()

    monkeypatch.setattr(Helpers, "__init__", wounded)
    with nothing_is_kept():
        assert len(evaluated(made.root)) <= 1
    assert same_tasks(planned(made.root, from_nothing=True), known)


def test_where_none_can_be_begun_all_is_done_here(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(made.root / "nowhere"))
    assert len(evaluated(made.root)) == 9


def test_interrupted_nothing_goes_on(made: Site, always: list[Helpers]) -> None:
    with (
        mock.patch.object(Helpers, "planned", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        api.plan(made.root)
    assert len(always) == 1


@pytest.mark.parametrize(
    "text",
    ["SELECT nothing FROM q", "SELECT FROM", "SELECT n FROM nowhere", "SELECT n FROM r"],
)
def test_what_is_wrong_is_told_as_ever(
    made: Site, always: list[Helpers], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    made.sql("q", text)
    found = planned(made.root, from_nothing=True)
    assert found[0] == "errors"
    assert found == alone(made.root, monkeypatch)


def test_what_nobody_asked_for_is_not_told_of(made: Site, always: list[Helpers]) -> None:
    made.sql("broken", "SELECT nothing FROM q")
    made.sql("r", "SELECT n FROM q -- broken")
    with api.opened(made.root, request=Request(("r",))) as workspace:
        assert workspace.graph.find("broken") is None
    assert len(always) == 1


def test_they_are_begun_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    sql, python = mock.Mock(function=None), mock.Mock()
    cores = 4
    monkeypatch.setattr(helpers, "_cores", lambda: cores)
    assert helpers.worthwhile([sql] * 1000) == 0
    assert helpers.worthwhile([sql] * 10000) == 4
    assert helpers.worthwhile([python] * 100) == 0
    assert helpers.worthwhile([python] * 1000) == 4
    cores = 2
    assert helpers.worthwhile([sql] * 10000) == 0
    assert helpers.worthwhile([python] * 1000) == 0
    assert helpers.worthwhile([python] * 10000) == 2
    cores = 1
    assert helpers.worthwhile([python] * 10000) == 0
    cores = 64
    assert helpers.worthwhile([sql] * 10000) == 8


@pytest.mark.parametrize("seed", range(3))
def test_random_projects_are_planned_as_by_one(
    seed: int, tmp_path: Path, always: list[Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_TEST", "")
    world = World(tmp_path, Random(seed))
    for number in range(20):
        world.add(f"more{number}")
    for _ in range(3):
        world.write()
        with nothing_is_kept():
            found = planned(tmp_path, from_nothing=True)
        assert same_tasks(found, alone(tmp_path, monkeypatch))
        assert same_tasks(planned(tmp_path, from_nothing=False), found)
        world.edit()
