"""Edits: what may happen to a project between two builds. Each takes a world and what to draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from tests.property.projects import SOURCES, formulas, reads
from tests.property.recipes import COLUMNS, Rows, SourceState, Table
from tests.property.world import World

FEW = st.integers(0, 2)


def _one_of(draw: st.DataObject, names: Iterable[str]) -> str | None:
    known = sorted(names)
    return draw.draw(st.sampled_from(known)) if known else None


def a_source_gets_other_rows(world: World, draw: st.DataObject) -> None:
    column = draw.draw(st.sampled_from(("v", "v", "x", "n", "unread")))
    world.project.set_source(draw.draw(st.sampled_from(SOURCES)), **{column: draw.draw(FEW)})


def a_source_is_rewritten_as_it_was(world: World, draw: st.DataObject) -> None:
    world.project.write_source(draw.draw(st.sampled_from(SOURCES)))


def a_source_goes_back_to_an_old_state(world: World, draw: st.DataObject) -> None:
    """As a whole, version and all, where it is files; by a new version where it is a table."""
    name = draw.draw(st.sampled_from(SOURCES))
    then: list[SourceState] = world.old_sources[name]
    state = draw.draw(st.sampled_from(then))
    if state.eager:
        world.project.sources[name] = state
    else:
        world.project.write_source(name, rows=state.rows, x=state.x, unread=state.unread)


def a_source_column_gets_another_type(world: World, draw: st.DataObject) -> None:
    kind = draw.draw(st.sampled_from(("int64", "int32", "string")))
    world.project.write_source(draw.draw(st.sampled_from(SOURCES)), x=kind)


def a_source_column_nobody_reads_gets_another_type(world: World, draw: st.DataObject) -> None:
    kind = draw.draw(st.sampled_from(("int64", "date")))
    world.project.write_source(draw.draw(st.sampled_from(SOURCES)), unread=kind)


def a_formula_is_edited(world: World, draw: st.DataObject) -> None:
    column = draw.draw(st.sampled_from(COLUMNS))
    world.project.edit(world.task(draw.draw(st.integers(0, 99))), **{column: draw.draw(formulas)})


def a_plan_reads_something_else(world: World, draw: st.DataObject) -> None:
    name = world.task(draw.draw(st.integers(0, 99)))
    mine = world.project.recipes[name].dataset
    older = [d for d in world.datasets() if int(d[1:]) < int(mine[1:])]
    world.project.edit(name, reads=draw.draw(reads([*reversed(older), *SOURCES])))


def a_task_is_left_to_chance_or_not(world: World, draw: st.DataObject) -> None:
    name = world.task(draw.draw(st.integers(0, 99)))
    what = draw.draw(st.sampled_from(("volatile", "unstable")))
    world.project.edit(name, **{what: not getattr(world.project.recipes[name], what)})


def a_task_is_renamed(world: World, draw: st.DataObject) -> None:
    name = world.task(draw.draw(st.integers(0, 99)))
    world.project.rename(name, f"{name}.{world.era}")


def edits_are_undone(world: World, draw: st.DataObject) -> None:
    world.project.define(draw.draw(st.sampled_from(world.old_recipes)))


def old_states_are_vacuumed(world: World, draw: st.DataObject) -> None:
    tables, sources = world.project.past, world.project.past_sources
    if (name := _one_of(draw, tables)) is not None:
        del tables[name][: draw.draw(st.integers(1, 4))]
    if (name := _one_of(draw, sources)) is not None:
        del sources[name][: draw.draw(st.integers(1, 4))]


def a_table_is_deleted(world: World, draw: st.DataObject) -> None:
    if (name := _one_of(draw, world.project.tables)) is not None:
        del world.project.tables[name]
        world.project.past.pop(name, None)


def somebody_else_writes_a_table(world: World, draw: st.DataObject) -> None:
    if (name := _one_of(draw, world.project.tables)) is not None:
        was = world.project.tables[name].rows
        rows = draw.draw(st.sampled_from((was, replace(was, x=was.x + 1), Rows(1, draw.draw(FEW)))))
        world.project.commit(name, Table(0, rows, ("foreign", world.project.writes)))


def the_state_file_is_torn(world: World, draw: st.DataObject) -> None:
    if world.path.exists():
        whole = world.path.read_bytes()
        world.path.write_bytes(whole[: draw.draw(st.integers(0, len(whole)))])


def the_state_is_lost(world: World, draw: st.DataObject) -> None:
    world.path.unlink(missing_ok=True)


SOURCE_EDITS = (
    a_source_gets_other_rows,
    a_source_is_rewritten_as_it_was,
    a_source_goes_back_to_an_old_state,
    a_source_column_gets_another_type,
    a_source_column_nobody_reads_gets_another_type,
)
PLAN_EDITS = (
    a_formula_is_edited,
    a_plan_reads_something_else,
    a_task_is_left_to_chance_or_not,
    a_task_is_renamed,
    edits_are_undone,
)
ACCIDENTS = (
    old_states_are_vacuumed,
    a_table_is_deleted,
    somebody_else_writes_a_table,
    the_state_file_is_torn,
    the_state_is_lost,
)
# What happens often comes more than once.
EDITS = (
    *SOURCE_EDITS,
    *PLAN_EDITS,
    *ACCIDENTS,
    a_source_gets_other_rows,
    a_formula_is_edited,
    edits_are_undone,
)
EDIT_BY_NAME = {edit.__name__: edit for edit in EDITS}
NAMES = tuple(edit.__name__ for edit in EDITS)
