"""Faults one at a time and exhaustively, so that no luck is needed to meet them."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from cpgbuild.core.events import Built, Failed, Skipped
from cpgbuild.core.selection import Request
from tests.property.recipes import Project, Read, Recipe, SourceState
from tests.property.world import Crash, World

EVERYTHING = Request()


def chain() -> Project:
    """s → a → v (a view) → b, with c beside them and d/p, d/q feeding d, which e reads."""

    def task(kind: str, dataset: str, *reads: str, part: str = "", lane: str = "engine") -> Recipe:
        name = f"{kind}.{part or dataset}"
        inputs = tuple(Read(r, ("v",)) for r in reads)
        return Recipe(name, dataset, kind, inputs, salt=1, part=part, lane=lane)

    recipes = [
        task("compute", "a", "s"),
        task("view", "v", "a"),
        task("compute", "b", "v", "t"),
        task("compute", "c", "t"),
        task("compute", "d", "b", part="p", lane="python"),
        task("view", "d", "c", part="q"),
        task("compute", "e", "d"),
    ]
    sources = {"s": SourceState(1), "t": SourceState(2)}
    return Project(sources, {r.name: r for r in recipes})


def is_right(project: Project) -> bool:
    return all(
        project.tables[r.output].value == project.apply(r, project.from_scratch)
        for r in project.recipes.values()
        if r.kind == "compute"
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(chain(), tmp_path / "traces.jsonl")


def test_a_crash_at_every_effect_costs_no_more_than_what_it_interrupted(tmp_path: Path) -> None:
    crashed = 0
    for effects in count():
        world = World(chain(), tmp_path / f"{effects}.jsonl")
        world.build(EVERYTHING)
        world.project.sources["s"] = SourceState(7)
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
        world.build(EVERYTHING)
        assert is_right(world.project)
        assert not set(before) & set(world.ran), "what was committed ran again"
        assert {*before, *world.ran} == {"compute.a", "compute.b", "compute.p", "compute.e"}
        world.build(EVERYTHING)
        assert world.ran == [], f"does not settle after a crash at effect {effects}"
    assert crashed > 40


def test_a_first_build_that_dies_anywhere_is_gone_on_with(tmp_path: Path) -> None:
    for effects in range(0, 60, 2):
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


def test_a_state_file_cut_at_every_byte_reruns_nothing_since_tables_know_their_traces(
    world: World,
) -> None:
    world.build(EVERYTHING)
    whole = world.path.read_bytes()
    for size in range(len(whole)):
        world.path.write_bytes(whole[:size])
        world.build(EVERYTHING)
        assert world.ran == [], f"cut at byte {size}"


def test_tables_alone_lead_to_the_same_decisions(world: World) -> None:
    world.build(EVERYTHING)
    world.project.sources["t"] = SourceState(9)
    kept = world.path.read_bytes()
    with_state = {(p.task.name, p.action) for p in world.plan(EVERYTHING) if p.task.kind != "view"}
    world.path.unlink()
    without = {(p.task.name, p.action) for p in world.plan(EVERYTHING) if p.task.kind != "view"}
    assert with_state == without
    assert kept


def test_a_state_file_of_a_past_that_did_not_last_is_not_believed(world: World) -> None:
    """Restoring an old `.cpgbuild/` beside newer tables leads to no wrong skip and no rerun."""
    world.build(EVERYTHING)
    old = world.path.read_bytes()
    world.project.sources["s"] = SourceState(5)
    world.build(EVERYTHING)
    world.path.write_bytes(old)
    world.build(EVERYTHING)
    assert world.ran == []
    assert is_right(world.project)


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
    world.project.sources["s"] = SourceState(5)
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
        world.project.sources["t"] = SourceState(2, "string")
        return original(dataset)

    world.evidence = changed  # type: ignore[method-assign]
    world.build(EVERYTHING, keep_going=True)
    errors = [str(e.error) for e in world.events if isinstance(e, Failed)]
    assert errors == ["column `x` of dataset `t` has another type than its reader expects"]
    assert graph_of_then.x == "int64"


def test_every_reason_reaches_the_event(world: World) -> None:
    world.build(EVERYTHING)
    world.project.sources["s"] = SourceState(5)
    del world.project.tables["c"]
    world.build(Request(force=("e",)))
    reasons = {
        e.task.name: [(str(r.cause), r.dataset) for r in e.reasons]
        for e in world.events
        if isinstance(e, Built)
    }
    assert reasons == {
        "compute.a": [("data_changed", "s")],
        "view.v": [("data_changed", "a")],
        "compute.b": [("data_changed", "v")],
        "compute.c": [("output_missing", "c")],
        "view.q": [("data_changed", "c")],
        "compute.p": [("data_changed", "b")],
        "compute.e": [("data_changed", "d"), ("forced", "e")],
    }
