"""The laws of a build, over random projects, edits, failures, crashes and orders of completion.

Equals from scratch; exactly what had to run ran, once, and for the reasons that there were; what
turned out equal stopped there; what was built before came back; settles; `plan` says what `build`
does; a failure loses exactly its cone; a crash anywhere costs no more than what it interrupted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cpgbuild.core.events import (
    Action,
    Built,
    Event,
    Failed,
    Planned,
    Restored,
    Skipped,
    Unchanged,
    UpToDate,
)
from cpgbuild.core.rebuilder import Reason
from cpgbuild.core.selection import Request
from cpgbuild.core.task import Lane
from tests.property.edits import EDIT_BY_NAME, NAMES, PLAN_EDITS, SOURCE_EDITS
from tests.property.oracle import Oracle, Why
from tests.property.profiles import laws
from tests.property.projects import projects
from tests.property.recipes import Project
from tests.property.world import Crash, World

PICK = st.integers(0, 99)
ORDER = st.randoms(use_true_random=False)
# One of the tasks or datasets, now and then.
RARELY = st.integers(0, 399).map(lambda n: n - 300 if n >= 300 else None)
EDITED = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)
TROUBLES = ("_a_task_fails", "_the_process_dies", "_a_user_interrupts")
WORDS: dict[type[Event], str] = {
    Built: "built",
    Unchanged: "unchanged",
    Restored: "restored",
    UpToDate: "up_to_date",
    Failed: "failed",
    Skipped: "skipped",
}
GOOD = (Built, Unchanged, Restored, UpToDate)
# What may become of a task where nothing of it was in the balance.
KEPT = {
    Action.RUN: {"built", "unchanged"},
    Action.RESTORE: {"restored"},
    Action.SKIP: {"up_to_date"},
    Action.MAYBE: {"built", "unchanged", "restored", "up_to_date"},
}


def why(reasons: tuple[Reason, ...]) -> Why:
    assert len(set(reasons)) == len(reasons)
    return frozenset((str(r.cause), r.dataset) for r in reasons)


def becomes(world: World) -> dict[str, str]:
    """Return what became of each task in the last build; of each but one thing."""
    ended = [(e.task.name, WORDS[type(e)]) for e in world.events if type(e) in WORDS]  # type: ignore[union-attr]
    assert len(dict(ended)) == len(ended), "a task is told of twice"
    return dict(ended)


def is_kept(planned: Planned, done: str, plan: Mapping[str, Planned]) -> bool:
    """Whether a plan was right of a task. What waits for its inputs may also be restored then."""
    made = {p.task.output for p in plan.values() if p.action in {Action.RUN, Action.MAYBE}}
    hangs = bool(made & {leaf.dataset for leaf in planned.task.leaves})
    return done in KEPT[planned.action] | ({"restored"} if hangs else set())


def oracle(world: World, request: Request, *, planning: bool = False) -> Oracle:
    """Return what the next build must do, by the oracle."""
    wanted, forced = world.wanted(request.targets), set(request.force)
    store, era = world.remembered(), world.era + 1
    return Oracle(world.project, store, wanted, forced, world.broken, era, planning)


class Life(RuleBasedStateMachine):
    """The life of one project."""

    @initialize(project=projects(), engine=st.integers(1, 3), python=st.integers(1, 2))
    def begin(self, project: Project, engine: int, python: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(project, Path(self.folder.name) / "traces.jsonl")
        self.world.lanes = {Lane.ENGINE: engine, Lane.PYTHON: python}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # Each step edits and then builds, so that neither is rare.
    @rule(edits=EDITED, data=st.data(), order=ORDER, wants=RARELY, force=RARELY)
    def build(
        self,
        edits: list[str],
        data: st.DataObject,
        order: Random,
        wants: int | None,
        force: int | None,
    ) -> None:
        self._edited(edits, data)
        request = self._request(wants, force)
        plan = self._planned(request)
        must = oracle(self.world, request)
        self._built(request, order)
        self._did(must)
        for name, word in must.does.items():
            assert is_kept(plan[name], word, plan), f"{name} was planned {plan[name]} and {word}"
        self._is_right(set(must.does))
        self._settles(request)

    @rule(edits=EDITED, data=st.data(), order=ORDER, trouble=st.sampled_from(TROUBLES))
    def trouble(self, edits: list[str], data: st.DataObject, order: Random, trouble: str) -> None:
        self._edited(edits, data)
        self.world.pick = order.randrange
        getattr(self, trouble)(data)

    def _a_task_fails(self, data: st.DataObject) -> None:
        project, bad = self.world.project, self.world.task(data.draw(PICK))
        keep_going = data.draw(st.booleans())
        self._break({bad} if project.stored(project.recipes[bad]) else set())
        must = oracle(self.world, Request())
        before = project.tables.get(project.recipes[bad].output)
        self.world.build(Request(), keep_going=keep_going)
        self._break(set())
        if keep_going or "failed" not in must.does.values():
            self._did(must)
        else:
            told = becomes(self.world)
            assert told.keys() == must.does.keys()
            others = {n: word for n, word in told.items() if word != "skipped"}
            assert others.items() <= must.does.items(), "a failure changed what others do"
        if must.does[bad] == "failed":
            assert project.tables.get(project.recipes[bad].output) is before
        self._is_right(self.world.ended(*GOOD))

    def _the_process_dies(self, data: st.DataObject) -> None:
        self.world.effects_left = data.draw(st.integers(0, 120))
        try:
            self.world.build(Request())
        except Crash:
            pass
        self.world.effects_left = None

    def _a_user_interrupts(self, data: st.DataObject) -> None:
        left = iter(range(data.draw(st.integers(0, 12))))
        must = oracle(self.world, Request())
        outcome = self.world.build(Request(), interrupted=lambda: next(left, None) is None)
        assert outcome.interrupted or outcome.skipped == outcome.failed == 0
        others = {n: word for n, word in becomes(self.world).items() if word != "skipped"}
        assert others.items() <= must.does.items(), "an interruption changed what others do"
        self._is_right(self.world.ended(*GOOD))

    # -- what is asked of them -------------------------------------------------------------

    def _break(self, tasks: set[str]) -> None:
        """Let these tasks fail, and no others."""
        self.world.broken = tasks

    def _edited(self, edits: list[str], data: st.DataObject) -> None:
        for edit in edits:
            EDIT_BY_NAME[edit](self.world, data)

    def _request(self, target: int | None, force: int | None) -> Request:
        datasets = self.world.datasets()
        return Request(
            targets=() if target is None else (datasets[target % len(datasets)],),
            force=() if force is None else (self.world.task(force),),
        )

    def _planned(self, request: Request) -> dict[str, Planned]:
        """Plan, and compare with the oracle: the actions, the reasons, and that nothing happens."""
        must = oracle(self.world, request, planning=True)
        tables, file = dict(self.world.project.tables), self.world.remembered()
        plan = {p.task.name: p for p in self.world.plan(request)}
        assert {n: str(p.action) for n, p in plan.items()} == must.does
        assert {n: why(p.reasons) for n, p in plan.items()} == must.why
        assert (self.world.project.tables, self.world.remembered()) == (tables, file)
        return plan

    def _built(self, request: Request, order: Random) -> None:
        self.world.pick = order.randrange
        self.world.build(request)

    def _did(self, must: Oracle) -> None:
        """What happened, and why, is what the oracle says; and so is what is there now."""
        world = self.world
        assert becomes(world) == must.does
        assert sorted(world.ran) == sorted(must.those("built", "unchanged")), "it ran and did not"
        for event in world.events:
            if isinstance(event, Built | Unchanged | Restored):
                assert why(event.reasons) == must.why[event.task.name]
                assert event.reasons, "something happened for no reason"
                assert (event.rows is None) == (not event.task.stored)
        there = {n: (t.rows, t.version) for n, t in world.project.tables.items()}
        wanted = {n: (t.rows, t.version) for n, t in must.project.tables.items()}
        assert there == wanted

    def _is_right(self, tasks: set[str]) -> None:
        """What these tasks made is what they would make from scratch."""
        project = self.world.project
        for recipe in (project.recipes[name] for name in tasks):
            if project.stored(recipe):
                rows = project.tables[recipe.output].rows
                assert rows == project.anew(recipe), f"{recipe.name} is wrong"

    def _settles(self, request: Request) -> None:
        """A second build runs only what nothing can be known of, and what reads that."""
        again = Request(targets=request.targets)
        must = oracle(self.world, again)
        self.world.build(again)
        self._did(must)
        project = self.world.project
        volatile = {n for n in must.does if project.meaning(project.recipes[n]).volatile}
        for name in self.world.ran:
            assert ({name} | project.above(name)) & volatile, "a second build ran something"
        assert self.world.ended(Built, Unchanged, Restored) <= {
            n for n in must.does if ({n} | project.above(n)) & volatile
        }


Life.TestCase.settings = laws(examples=70, steps=20)
TestLife = Life.TestCase


# Without these no table and no old state is lost, so that all can still be compared.
HARMLESS = st.sampled_from([*SOURCE_EDITS, *PLAN_EDITS])


@laws(40)
@given(project=projects(), data=st.data())
def test_without_the_state_the_same_is_decided_of_every_table(
    project: Project, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(project, Path(folder) / "traces.jsonl")
        for _ in range(data.draw(st.integers(1, 3))):
            world.build(Request())
            for edit in data.draw(st.lists(HARMLESS, max_size=4)):
                edit(world, data)
        actions = {p.task.name: p.action for p in world.plan(Request()) if p.task.stored}
        world.path.unlink(missing_ok=True)
        assert {p.task.name: p.action for p in world.plan(Request()) if p.task.stored} == actions


@laws(40)
@given(project=projects(), data=st.data(), order=ORDER)
def test_the_order_of_completion_changes_nothing(
    project: Project, data: st.DataObject, order: Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = World(project, Path(folder) / "one.jsonl")
        one.build(Request())
        for edit in data.draw(st.lists(HARMLESS, max_size=4)):
            edit(one, data)
        two = World(one.project.copied(), Path(folder) / "two.jsonl", era=one.era)
        if one.path.exists():
            two.path.write_bytes(one.path.read_bytes())
        two.memories = dict(one.memories)
        two.pick, two.lanes = order.randrange, {Lane.ENGINE: 3, Lane.PYTHON: 3}
        for world in (one, two):
            world.build(Request())
        assert becomes(one) == becomes(two)
        assert sorted(one.ran) == sorted(two.ran)
        rows = [{n: t.rows for n, t in w.project.tables.items()} for w in (one, two)]
        assert rows[0] == rows[1]
