"""The laws of a build on DataFusion over Delta: the random projects of tests/property as SQL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from random import Random
from unittest import mock

from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from cpgbuild import api
from cpgbuild.core import sharing
from cpgbuild.core.task import Lane
from tests.engine.random_sql import FAILS, Plans, RealProject, compiled
from tests.engine.random_world import RealWorld
from tests.property.edits import EDIT_BY_NAME, NAMES, PLAN_EDITS
from tests.property.profiles import laws
from tests.property.projects import projects
from tests.property.recipes import Formula, Project
from tests.property.test_laws import ORDER, RARELY, Life
from tests.property.world import World


def old_states_are_vacuumed(world: RealWorld, draw: st.DataObject) -> None:
    """By Delta itself, of a table or a source, or by `clean`, which keeps some."""
    world.sync()
    folder = draw.draw(st.sampled_from([None, *_folders(world)]))
    if folder is None:
        keep = draw.draw(st.integers(1, 4))
        kept = {output: _ours(world, output)[:keep] for output in _outputs(world)}
        api.clean(world.root, keep=keep, hours=0)
        # The table of what has become a view since may be nobody's, and then it goes as a whole.
        for output in world.commits.keys() - _outputs(world):
            if not world.folder(output).exists():
                del world.project.tables[output], world.commits[output]
                world.project.past.pop(output, None)
        world.lose()
        for output, numbers in kept.items():
            assert set(numbers) <= set(_ours(world, output)), f"{output} lost what was to be kept"
    else:
        DeltaTable(folder).vacuum(0, dry_run=False, enforce_retention_duration=False)
        world.lose()


def _folders(world: RealWorld) -> list[Path]:
    """Return the folders of all Delta tables: of outputs, and of sources."""
    sources = [world.root / "data" / name for name in sorted(world.source_commits)]
    return [*(world.folder(output) for output in sorted(world.commits)), *sources]


def _outputs(world: RealWorld) -> set[str]:
    recipes = world.project.recipes.values()
    return {r.output for r in recipes if world.project.stored(r)} & world.commits.keys()


def _ours(world: RealWorld, output: str) -> list[int]:
    """Return the numbers of the states that runs made of a table, newest first."""
    states = [*world.project.past.get(output, ()), world.project.tables[output]]
    return [table.number for table in reversed(states) if table.made is not None]


def a_table_is_rewritten_in_other_files(world: RealWorld, draw: st.DataObject) -> None:
    world.sync()
    if folders := _folders(world):
        DeltaTable(draw.draw(st.sampled_from(folders))).optimize.z_order(["v"])


# What is drawn must not depend on what only the disk knows, or nothing could be repeated.
def the_state_file_is_torn(world: RealWorld, draw: st.DataObject) -> None:
    part = draw.draw(st.integers(0, 100))
    if world.path.exists():
        whole = world.path.read_bytes()
        world.path.write_bytes(whole[: len(whole) * part // 100])


def the_state_is_lost(world: RealWorld, draw: st.DataObject) -> None:
    if draw.draw(st.booleans()):
        world.path.unlink(missing_ok=True)
    else:
        shutil.rmtree(world.path.parent, ignore_errors=True)


# Another type is another plan here, since it is part of the query's meaning.
OMITTED = {"a_source_column_gets_another_type"}
REAL = (
    a_table_is_rewritten_in_other_files,
    old_states_are_vacuumed,
    the_state_file_is_torn,
    the_state_is_lost,
)
EDITS = {**EDIT_BY_NAME, **{edit.__name__: edit for edit in REAL}}
OFTEN = [name for name in (*NAMES, REAL[0].__name__) if name not in OMITTED]
EDITED = st.lists(st.sampled_from(OFTEN), min_size=1, max_size=3)
TROUBLES = ("_a_task_fails", "_a_user_interrupts")


class RealLife(Life):
    """The life of one project on disk."""

    world: RealWorld

    @initialize(project=projects(max_datasets=5), shares=st.booleans())
    def begin(self, project: Project, shares: bool) -> None:
        # Whatever it costs: each view that several tables are to read, or none.
        least = mock.patch.object(sharing, "LEAST", -1.0 if shares else 1e9)
        least.start()
        self.undo = least.stop
        self.folder = tempfile.TemporaryDirectory()
        self.world = RealWorld.begun(project, Path(self.folder.name))
        self._sound: dict[str, Formula] = {}

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "undo"):
            self.undo()

    @rule(edits=EDITED, data=st.data(), order=ORDER, wants=RARELY, force=RARELY)
    def build(
        self,
        edits: list[str],
        data: st.DataObject,
        order: Random,
        wants: int | None,
        force: int | None,
    ) -> None:
        self.world.lanes[Lane.ENGINE] = 2
        super().build(edits=edits, data=data, order=order, wants=wants, force=force)

    @rule(edits=EDITED, data=st.data(), order=ORDER, trouble=st.sampled_from(TROUBLES))
    def trouble(self, edits: list[str], data: st.DataObject, order: Random, trouble: str) -> None:
        # One at a time, so that it is known what had ended by then.
        self.world.lanes[Lane.ENGINE] = 1
        super().trouble(edits=edits, data=data, order=order, trouble=trouble)

    def _edited(self, edits: list[str], data: st.DataObject) -> None:
        for edit in edits:
            EDITS[edit](self.world, data)
            self.world.sync()

    def _break(self, tasks: set[str]) -> None:
        """Edit these tasks so that their queries fail at the first row, and back again."""
        project = self.world.project
        for name, sound in self._sound.items():
            project.edit(name, v=sound)
        self._sound = {name: project.recipes[name].v for name in tasks}
        for name in tasks:
            project.edit(name, v=FAILS)
        super()._break(tasks)


RealLife.TestCase.settings = laws(examples=5, steps=8)
TestRealLife = RealLife.TestCase


@laws(20)
@given(project=projects(), data=st.data())
def test_plans_are_equal_where_recipes_mean_the_same(project: Project, data: st.DataObject) -> None:
    world = World(RealProject(project.sources, project.recipes), Path("nowhere"))
    plans = Plans()
    for edits in data.draw(st.lists(st.lists(st.sampled_from(PLAN_EDITS)), max_size=3)):
        for edit in edits:
            edit(world, data)
        world._remember()
        for task in compiled(world.project):
            plans.check(world.project, task)
