"""Faults one at a time and exhaustively, so that no luck is needed to meet them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from cpgbuild.core.events import Built, Failed, Restored, Skipped, Unchanged, UpToDate
from cpgbuild.core.evidence import Columns
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.selection import Request
from cpgbuild.errors.run import InputMissing
from tests.property.recipes import Formula, Project, Read, Recipe, Rows, SourceState, Table
from tests.property.world import Crash, World

EVERYTHING = Request()
SALTED = Formula(1)


def task(kind: str, dataset: str, *reads: str, part: str = "", lane: str = "engine") -> Recipe:
    name = f"{kind}.{part or dataset}"
    inputs = tuple(Read(r, v=("v",), x=("x",)) for r in reads)
    return Recipe(name, dataset, kind, inputs, v=SALTED, x=SALTED, part=part, lane=lane)


def chain(*, eager: bool = True) -> Project:
    """s → a → v (a view) → b, with c beside them and d/p, d/q feeding d, which e reads."""
    recipes = [
        task("compute", "a", "s"),
        task("view", "v", "a"),
        task("compute", "b", "v", "t"),
        task("compute", "c", "t"),
        task("compute", "d", "b", part="p", lane="python"),
        task("view", "d", "c", part="q"),
        task("compute", "e", "d"),
    ]
    sources = {"s": SourceState(Rows(1, 1, 1), eager=eager), "t": SourceState(Rows(1, 2, 2))}
    return Project(sources, {r.name: r for r in recipes})


def is_right(project: Project) -> bool:
    stored = [r for r in project.recipes.values() if project.stored(r)]
    return all(project.tables[r.output].rows == project.anew(r) for r in stored)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(chain(), tmp_path / "traces.jsonl")


def actions(world: World) -> dict[str, str]:
    return {p.task.name: str(p.action) for p in world.plan(EVERYTHING) if p.task.stored}


# -- crashes -------------------------------------------------------------------------------


def edited(world: World) -> None:
    world.project.set_source("s", v=7)


def reverted(world: World) -> None:
    edited(world)
    world.build(EVERYTHING)
    world.project.set_source("s", v=1)


def rewritten(world: World) -> None:
    """Another version of the same rows, and one view that is another: `c` must run."""
    world.project.write_source("s")
    world.project.edit("compute.c", x=Formula(2))


CONE = {"compute.a", "compute.b", "compute.p", "compute.e"}


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize(
    ("change", "ran", "restored"),
    [
        (edited, CONE, set()),
        (reverted, set(), CONE),
        (rewritten, {"compute.c", "compute.e"}, set()),
    ],
)
def test_a_crash_at_every_effect_costs_no_more_than_what_it_interrupted(
    tmp_path: Path,
    change: Callable[[World], None],
    ran: set[str],
    restored: set[str],
    eager: bool,
) -> None:
    crashed = 0
    for effects in count():
        world = World(chain(eager=eager), tmp_path / f"{effects}.jsonl")
        world.build(EVERYTHING)
        change(world)
        world.effects_left = effects
        try:
            world.build(EVERYTHING)
        except Crash:
            crashed += 1
        else:
            break
        finally:
            world.effects_left = None
        before = list(world.ran)
        back = world.ended(Restored)
        world.build(EVERYTHING)
        assert is_right(world.project)
        assert not set(before) & set(world.ran), "what was committed ran again"
        assert {*before, *world.ran} == ran
        assert back | world.ended(Restored) <= restored
        world.build(EVERYTHING)
        assert world.ran == [], f"does not settle after a crash at effect {effects}"
        assert not world.ended(Built, Unchanged, Restored)
    assert crashed > 30


def test_a_first_build_that_dies_anywhere_is_gone_on_with(tmp_path: Path) -> None:
    for effects in range(0, 70, 2):
        world = World(chain(), tmp_path / f"{effects}.jsonl", effects_left=effects)
        try:
            world.build(EVERYTHING)
        except Crash:
            pass
        world.effects_left = None
        before = set(world.ran)
        world.build(EVERYTHING)
        assert is_right(world.project)
        assert not before & set(world.ran)


# -- what is kept between builds -----------------------------------------------------------


def test_a_state_file_cut_at_every_byte_reruns_nothing_since_tables_know_their_traces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    few = ("compute.a", "view.v", "compute.b")
    world.project.define({name: world.project.recipes[name] for name in few})
    world.build(EVERYTHING)
    whole = world.path.read_bytes()
    for size in range(len(whole)):
        world.path.write_bytes(whole[:size])
        world.build(EVERYTHING)
        assert world.ran == [], f"cut at byte {size}"
        assert not world.ended(Built), f"cut at byte {size}"


@pytest.mark.parametrize("change", [edited, reverted, rewritten])
def test_tables_alone_lead_to_the_same_decisions(
    world: World, change: Callable[[World], None]
) -> None:
    world.build(EVERYTHING)
    change(world)
    with_state = actions(world)
    world.path.unlink()
    assert actions(world) == with_state


def test_a_state_file_of_a_past_that_did_not_last_is_not_believed(world: World) -> None:
    """Restoring an old `.cpgbuild/` beside newer tables leads to no wrong skip and no rerun."""
    world.build(EVERYTHING)
    old = world.path.read_bytes()
    edited(world)
    world.build(EVERYTHING)
    world.path.write_bytes(old)
    world.build(EVERYTHING)
    assert world.ran == []
    assert is_right(world.project)


def test_what_was_seen_to_be_equal_is_kept_so_that_a_vacuum_takes_nothing(tmp_path: Path) -> None:
    world = World(chain(eager=False), tmp_path / "traces.jsonl")
    world.build(EVERYTHING)
    world.project.write_source("s")
    world.build(EVERYTHING)
    assert world.ran == []
    world.project.past_sources.clear()
    world.project.write_source("s")
    world.build(EVERYTHING)
    assert world.ran == []


def test_what_cannot_be_compared_any_more_runs_and_stops_there_where_it_is_equal(
    tmp_path: Path,
) -> None:
    world = World(chain(eager=False), tmp_path / "traces.jsonl")
    world.build(EVERYTHING)
    world.project.write_source("s")
    world.project.past_sources.clear()
    world.build(EVERYTHING)
    assert world.ran == ["compute.a"]
    assert world.ended(Unchanged) == {"compute.a"}


def test_a_plan_may_hang_on_what_the_table_itself_cannot_tell_any_more(tmp_path: Path) -> None:
    """The store knows that `s` is as it was; what `b` does hangs on `a` alone, and `a` is equal."""
    project = chain(eager=False)
    project.define(
        {
            "compute.a": Recipe(
                "compute.a", "a", "compute", (Read("t", ("v",), ("x",)),), v=Formula(1, "parity")
            ),
            "compute.b": task("compute", "b", "a", "s"),
        }
    )
    world = World(project, tmp_path / "traces.jsonl")
    world.build(EVERYTHING)
    project.write_source("s")
    world.build(EVERYTHING)
    project.past_sources.clear()
    project.set_source("t", v=4)
    assert actions(world) == {"compute.a": "run", "compute.b": "maybe"}
    world.build(EVERYTHING)
    assert world.ended(UpToDate) == {"compute.b"}


def test_a_plan_looks_at_what_will_be_there_once_it_is_restored(tmp_path: Path) -> None:
    """`b` begins to read `v` after `a` is made, so that nobody noted down what its `v` was."""
    project = Project(
        {"s": SourceState(Rows(1, 1, 1))},
        {"compute.a": task("compute", "a", "s"), "compute.b": task("compute", "b", "s")},
    )
    world = World(project, tmp_path / "traces.jsonl")
    world.build(EVERYTHING)
    project.set_source("s", v=2)
    world.build(EVERYTHING)
    project.edit("compute.b", reads=(Read("a", v=("v",)),))
    world.build(EVERYTHING)
    project.sources["s"] = SourceState(Rows(1, 1, 1))
    assert actions(world) == {"compute.a": "restore", "compute.b": "run"}
    world.build(EVERYTHING)
    assert world.ended(Restored) == {"compute.a"}
    assert world.ran == ["compute.b"]
    assert is_right(project)


# -- failures ------------------------------------------------------------------------------


def test_a_failure_takes_exactly_its_descendants_and_the_next_build_resumes_there(
    world: World,
) -> None:
    world.broken = {"compute.b"}
    outcome = world.build(EVERYTHING, keep_going=True)
    skipped = {e.task.name: e.because for e in world.events if isinstance(e, Skipped)}
    assert skipped == {"compute.p": "compute.b", "compute.e": "compute.b"}
    assert sorted(world.ran) == ["compute.a", "compute.c"]
    assert (outcome.failed, outcome.skipped, outcome.built) == (1, 2, 4)
    world.broken = set()
    world.build(EVERYTHING)
    assert sorted(world.ran) == ["compute.b", "compute.e", "compute.p"]


def test_without_keep_going_nothing_new_starts_but_what_runs_may_end(world: World) -> None:
    world.broken = {"compute.a"}
    outcome = world.build(EVERYTHING)
    assert world.ran == []
    assert outcome.failed == 1
    assert outcome.skipped == 6
    failed = [e.task.name for e in world.events if isinstance(e, Failed)]
    assert failed == ["compute.a"]


def test_an_excluded_table_is_read_as_it_is(world: World) -> None:
    world.build(EVERYTHING)
    edited(world)
    world.build(Request(exclude=("a",)))
    assert world.ran == []


def test_an_excluded_table_that_was_never_built_fails_its_readers_alone(world: World) -> None:
    world.build(Request(exclude=("a",)), keep_going=True)
    failed = {e.task.name: e.error for e in world.events if isinstance(e, Failed)}
    assert list(failed) == ["view.v"]
    assert "`a` is not there" in str(failed["view.v"])
    assert world.ran == ["compute.c"]


def test_a_type_that_changed_since_the_plan_fails_the_reader_before_it_runs(world: World) -> None:
    """Edges are checked again when a task becomes ready, against what is really there."""
    world.build(EVERYTHING)
    graph_of_then = world.project.sources["t"]
    world.project.edit("compute.c", reads=(Read("t", ("x",)),))
    original = world.evidence

    def changed(dataset: str):  # type: ignore[no-untyped-def]
        world.project.sources["t"] = SourceState(Rows(1, 2, 2), "string", version=99)
        return original(dataset)

    world.evidence = changed  # type: ignore[method-assign,assignment]
    world.build(Request(targets=("c",)), keep_going=True)
    errors = [str(e.error) for e in world.events if isinstance(e, Failed)]
    assert errors == ["column `x` of dataset `t` has another type than its reader expects"]
    assert graph_of_then.x == "int64"


# -- what is told --------------------------------------------------------------------------


def test_rows_that_cannot_be_read_any_more_fail_their_reader_alone(tmp_path: Path) -> None:
    """Also where that shows only when a trace is renewed."""
    world = World(chain(eager=False), tmp_path / "traces.jsonl")
    world.build(EVERYTHING)
    original = world.data
    for times in (0, 1):
        world.project.write_source("s")
        left = iter(range(times))

        def gone(name: str, columns: Columns, left: Iterator[int] = left) -> Fingerprint:
            if name == "s" and next(left, None) is None:
                raise InputMissing("compute.a", "s", None)
            return original(name, columns)

        world.data = gone  # type: ignore[method-assign]
        outcome = world.build(EVERYTHING, keep_going=True)
        assert world.ended(Failed) == {"compute.a"}
        assert (outcome.failed, outcome.skipped, outcome.up_to_date) == (1, 4, 2)
    world.data = original  # type: ignore[method-assign]
    world.build(EVERYTHING)
    assert world.ran == []


def test_every_reason_reaches_the_event(world: World) -> None:
    world.build(EVERYTHING)
    edited(world)
    world.project.edit("view.v", v=Formula(2))
    del world.project.tables["c"]
    world.build(Request(force=("e",)))
    reasons = {
        e.task.name: [(str(r.cause), r.dataset) for r in e.reasons]
        for e in world.events
        if isinstance(e, Built | Unchanged | Restored)
    }
    assert reasons == {
        "compute.a": [("data_changed", "s")],
        "view.v": [("plan_changed", "v")],
        "compute.b": [("plan_changed", "v"), ("data_changed", "a")],
        "compute.c": [("output_missing", "c")],
        "compute.p": [("data_changed", "b")],
        "compute.e": [("data_changed", "d"), ("forced", "e")],
    }


def test_what_did_not_have_to_run_is_time_saved_and_each_end_is_counted(world: World) -> None:
    assert world.build(EVERYTHING).saved == 0.0
    outcome = world.build(EVERYTHING)
    assert (outcome.up_to_date, outcome.saved) == (7, 5.0)
    edited(world)
    world.build(EVERYTHING)
    world.project.set_source("s", v=1)
    outcome = world.build(EVERYTHING)
    assert (outcome.restored, outcome.up_to_date, outcome.saved) == (4, 3, 5.0)
    outcome = world.build(Request(force=("c",)))
    assert (outcome.unchanged, outcome.built, outcome.tables, outcome.saved) == (1, 0, 0, 4.0)
    edited(world)
    world.project.past.clear()
    outcome = world.build(EVERYTHING)
    assert (outcome.built, outcome.tables, outcome.restored) == (4, 4, 0)


def test_what_somebody_else_wrote_over_a_table_is_undone_by_its_last_good_state(
    world: World,
) -> None:
    world.build(EVERYTHING)
    world.project.commit("a", Table(0, Rows(1, 9, 9), "foreign"))
    outcome = world.build(EVERYTHING)
    assert world.ended(Restored) == {"compute.a"}
    assert (outcome.saved, world.ran) == (5.0, [])
