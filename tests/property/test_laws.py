"""The laws of a build, over random projects, edits, failures, crashes and orders of completion.

Equals from scratch; exactly what had to run ran, once; settles; `plan` says what `build` does;
a failure loses exactly its cone; a crash anywhere costs no more than what it interrupted.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cpgbuild.core.events import Built, Failed, Skipped, UpToDate
from cpgbuild.core.selection import Request
from cpgbuild.core.task import Lane, TaskKind
from tests.property.profiles import laws
from tests.property.projects import SOURCES, projects, reads
from tests.property.recipes import Project, Table
from tests.property.world import Crash, World

PICK = st.integers(0, 99)
ORDER = st.randoms(use_true_random=False)


EDITS = (
    "a_source_gets_other_rows",
    "a_source_column_gets_another_type",
    "a_source_column_nobody_reads_changes",
    "a_plan_is_edited",
    "a_plan_reads_something_else",
    "a_task_becomes_volatile_or_not",
    "a_task_is_renamed",
    "a_table_is_deleted",
    "somebody_else_writes_a_table",
    "the_state_file_is_torn",
    "the_state_is_lost",
)


class Life(RuleBasedStateMachine):
    """The life of one project."""

    @initialize(project=projects(), engine=st.integers(1, 3), python=st.integers(1, 2))
    def begin(self, project: Project, engine: int, python: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(project, Path(self.folder.name) / "traces.jsonl")
        self.foreign = 0
        self.world.lanes = {Lane.ENGINE: engine, Lane.PYTHON: python}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # -- edits -----------------------------------------------------------------------------
    # One rule for all of them, so that builds are not rare among so many.

    @rule(edit=st.sampled_from(EDITS), data=st.data())
    def edit(self, edit: str, data: st.DataObject) -> None:
        getattr(self, f"_{edit}")(data)

    def _a_source_gets_other_rows(self, data: st.DataObject) -> None:
        self._edit_source(data, value=data.draw(st.integers(0, 3)))

    def _a_source_column_gets_another_type(self, data: st.DataObject) -> None:
        self._edit_source(data, x=data.draw(st.sampled_from(("int64", "int32", "string"))))

    def _a_source_column_nobody_reads_changes(self, data: st.DataObject) -> None:
        self._edit_source(data, unread=data.draw(st.sampled_from(("int64", "date"))))

    def _edit_source(self, data: st.DataObject, **changes: object) -> None:
        sources = self.world.project.sources
        name = data.draw(st.sampled_from(SOURCES))
        sources[name] = replace(sources[name], **changes)  # type: ignore[arg-type]

    def _a_plan_is_edited(self, data: st.DataObject) -> None:
        self.world.project.edit(self._task(data.draw(PICK)), salt=data.draw(st.integers(0, 3)))

    def _a_plan_reads_something_else(self, data: st.DataObject) -> None:
        name = self._task(data.draw(PICK))
        mine = self.world.project.recipes[name].dataset
        older = [d for d in self._datasets() if int(d[1:]) < int(mine[1:])]
        self.world.project.edit(name, reads=data.draw(reads([*reversed(older), *SOURCES])))

    def _a_task_becomes_volatile_or_not(self, data: st.DataObject) -> None:
        self.world.project.edit(self._task(data.draw(PICK)), volatile=data.draw(st.booleans()))

    def _a_task_is_renamed(self, data: st.DataObject) -> None:
        name = self._task(data.draw(PICK))
        self.world.project.rename(name, f"{name}.{self.world.era}")

    def _a_table_is_deleted(self, data: st.DataObject) -> None:
        if tables := sorted(self.world.project.tables):
            del self.world.project.tables[data.draw(st.sampled_from(tables))]

    def _somebody_else_writes_a_table(self, data: st.DataObject) -> None:
        if tables := sorted(self.world.project.tables):
            name = data.draw(st.sampled_from(tables))
            self.foreign += 1
            table = Table(data.draw(st.integers(0, 3)), f"foreign {self.foreign}", None)
            self.world.project.tables[name] = table

    def _the_state_file_is_torn(self, data: st.DataObject) -> None:
        if self.world.path.exists():
            whole = self.world.path.read_bytes()
            cut = data.draw(st.integers(0, len(whole)))
            self.world.path.write_bytes(whole[:cut])

    def _the_state_is_lost(self, data: st.DataObject) -> None:
        self.world.path.unlink(missing_ok=True)

    # -- builds ----------------------------------------------------------------------------

    @rule(order=ORDER, wants=st.lists(PICK, max_size=1), force=st.lists(PICK, max_size=1))
    def build(self, order: Random, wants: list[int], force: list[int]) -> None:
        request = self._request(wants, force)
        wanted = self.world.wanted(request.targets)
        must = self.world.project.must_run(wanted, set(request.force), self.world.era + 1)
        planned = {p.task.name: p for p in self.world.plan(request)}
        assert planned.keys() == wanted
        self._built(request, order)
        assert sorted(self.world.ran) == sorted(must), "not exactly what had to run ran, once"
        does = {e.task.name for e in self.world.events if isinstance(e, Built)}
        assert {n for n, p in planned.items() if p.action == "run"} == does, "plan said otherwise"
        self._says_why()
        self._is_right(wanted)
        self._settles(request)

    @rule(order=ORDER, pick=PICK, keep_going=st.booleans())
    def a_task_fails(self, order: Random, pick: int, keep_going: bool) -> None:
        project, bad = self.world.project, self._task(pick)
        must = project.must_run(set(project.recipes), set(), self.world.era + 1)
        before = project.tables.get(project.recipes[bad].output)
        self.world.broken = {bad}
        self._built(Request(), order, keep_going=keep_going)
        self.world.broken = set()
        lost = {bad, *project.below(bad)} if bad in must else set()
        failed = {e.task.name for e in self.world.events if isinstance(e, Failed)}
        assert failed <= lost & {bad}
        assert project.tables.get(project.recipes[bad].output) is before or bad not in must
        assert len(self.world.ran) == len(set(self.world.ran))
        if keep_going:
            assert failed == lost & {bad}
            assert set(self.world.ran) == must - lost, "a failure took more or less than its cone"
            because = {e.task.name for e in self.world.events if isinstance(e, Skipped)}
            assert because == lost - {bad}
        else:
            assert set(self.world.ran) <= must - lost
        told = [
            e.task.name
            for e in self.world.events
            if isinstance(e, Built | UpToDate | Failed | Skipped)
        ]
        assert sorted(told) == sorted(project.recipes), "each task is told of once"
        self._is_right({e.task.name for e in self.world.events if isinstance(e, Built | UpToDate)})

    @rule(order=ORDER, effects=st.integers(0, 60))
    def the_process_dies(self, order: Random, effects: int) -> None:
        self.world.effects_left = effects
        try:
            self._built(Request(), order)
        except Crash:
            pass
        self.world.effects_left = None

    @rule(order=ORDER, asks=st.integers(0, 12))
    def a_user_interrupts(self, order: Random, asks: int) -> None:
        left = iter(range(asks))
        self.world.pick = order.randrange
        outcome = self.world.build(Request(), interrupted=lambda: next(left, None) is None)
        assert outcome.interrupted or outcome.skipped == outcome.failed == 0
        self._is_right({e.task.name for e in self.world.events if isinstance(e, Built | UpToDate)})

    # -- what is asked of them -------------------------------------------------------------

    def _datasets(self) -> list[str]:
        return sorted({r.dataset for r in self.world.project.recipes.values()})

    def _task(self, pick: int) -> str:
        names = list(self.world.project.recipes)
        return names[pick % len(names)]

    def _request(self, targets: list[int], force: list[int]) -> Request:
        datasets = self._datasets()
        return Request(
            targets=tuple(datasets[p % len(datasets)] for p in targets),
            force=tuple(self._task(p) for p in force),
        )

    def _built(self, request: Request, order: Random, *, keep_going: bool = False) -> None:
        self.world.pick = order.randrange
        self.world.build(request, keep_going=keep_going)

    def _is_right(self, tasks: set[str]) -> None:
        """What these tasks made is what they would make from scratch."""
        project = self.world.project
        for recipe in (project.recipes[name] for name in tasks):
            if recipe.kind == "compute":
                wanted = project.apply(recipe, project.from_scratch)
                assert project.tables[recipe.output].value == wanted, f"{recipe.name} is wrong"

    def _says_why(self) -> None:
        for event in self.world.events:
            if isinstance(event, Built):
                assert event.reasons, "a task ran for no reason"
                assert (event.rows is None) == (event.task.kind is TaskKind.VIEW)

    def _settles(self, request: Request) -> None:
        """A second build runs only what nothing can be known of."""
        wanted = self.world.wanted(request.targets)
        volatile = {n for n in wanted if self.world.project.recipes[n].volatile}
        again = Request(targets=request.targets)
        self.world.build(again)
        above = self.world.project.above
        assert set(self.world.ran) == {
            n
            for n in wanted
            if self.world.project.recipes[n].kind == "compute"
            and (n in volatile or above(n) & volatile)
        }, "a second build ran something"


Life.TestCase.settings = laws(examples=120, steps=30)
TestLife = Life.TestCase
