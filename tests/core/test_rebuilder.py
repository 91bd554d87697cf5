"""Whether a task must run: each reason alone, and none where its rows would be the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpgbuild.core.evidence import Evidence, Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.ports import Past
from cpgbuild.core.rebuilder import Cause, Decision, Reason, Rebuilder, reasons_to_run
from cpgbuild.core.selection import Selection
from cpgbuild.core.trace import Trace
from tests.core.graphs import graph, kept, schema, task
from tests.core.warehouses import (
    Warehouse,
    decided,
    evidence,
    rebuilder,
    stamp,
    told,
    trace_of,
)

F = Fingerprint
TASK = task("t", "s(id)", "r", views={"a": "1", "b": "1"})
WROTE = stamp("v", "run 1")
TRACE = trace_of(TASK, "run 1", s=stamp("id", "1"), r=stamp("", "1"))
SAME: dict[str, Cause | None] = {"s": None, "r": None, "u/p": None, "u/q": None}

# -- each reason alone ---------------------------------------------------------------------


def reasons(**changes: object) -> list[tuple[str, str]]:
    facts = {"task": TASK, "trace": TRACE, "inputs": SAME, "output": WROTE} | changes
    return [(str(r.cause), r.dataset) for r in reasons_to_run(**facts)]  # type: ignore[arg-type]


def test_nothing_changed_is_no_reason() -> None:
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"trace": None, "output": None}, [("never_built", "t")]),
        ({"trace": None}, [("output_changed", "t")]),
        ({"task": replace(TASK, plan=F("2"), query=F("2"))}, [("plan_changed", "t")]),
        ({"task": replace(TASK, plan=F("2"))}, [("plan_changed", "t")]),
        ({"output": None}, [("output_missing", "t")]),
        ({"output": stamp("v", "run 2")}, [("output_changed", "t")]),
        ({"output": stamp("other", "run 1")}, [("output_changed", "t")]),
        ({"inputs": SAME | {"s": Cause.SCHEMA_CHANGED}}, [("schema_changed", "s")]),
        ({"inputs": SAME | {"r": Cause.DATA_CHANGED}}, [("data_changed", "r")]),
        ({"inputs": SAME | {"r": Cause.UPSTREAM}}, [("upstream", "r")]),
        ({"task": replace(TASK, volatile=("random",))}, [("volatile", "t")]),
    ],
)
def test_each_reason_alone(changes: dict[str, object], wanted: list[tuple[str, str]]) -> None:
    assert reasons(**changes) == wanted


def test_what_is_known_of_an_outputs_rows_is_no_part_of_its_state() -> None:
    assert reasons(output=replace(WROTE, data=F("something"))) == []


def test_a_plan_that_changed_is_told_from_a_view_that_did() -> None:
    def edited(**more: object) -> list[tuple[str, str]]:
        return reasons(task=replace(TASK, plan=F("2"), **more))  # type: ignore[arg-type]

    changed = (("a", F("view 2")), ("b", F("view 1")))
    assert edited(views=changed) == [("plan_changed", "a")]
    assert edited(views=changed, query=F("2")) == [("plan_changed", "t"), ("plan_changed", "a")]
    # A view that it begins to read, or reads no more, is a change of its own query.
    assert edited(views=(*TASK.views, ("c", F("1")))) == [("plan_changed", "t")]
    assert edited(views=()) == [("plan_changed", "t")]


def test_all_reasons_are_told_not_only_the_first() -> None:
    changed = {"s": Cause.UPSTREAM, "r": Cause.DATA_CHANGED}
    edited = replace(TASK, plan=F("plan 2"), volatile=("now",))
    assert [c for c, _ in reasons(task=edited, inputs=changed, output=None)] == [
        "plan_changed",
        "output_missing",
        "upstream",
        "data_changed",
        "volatile",
    ]


def test_parts_of_one_dataset_are_one_reason_by_its_name() -> None:
    changed = {"u/p": Cause.DATA_CHANGED, "u/q": Cause.DATA_CHANGED}
    assert reasons(inputs=changed) == [("data_changed", "u")]
    changed = {"u/p": Cause.DATA_CHANGED, "u/q": Cause.UPSTREAM}
    assert reasons(inputs=changed) == [("data_changed", "u"), ("upstream", "u")]


def test_forced_is_a_reason_beside_the_others() -> None:
    built = graph(task("t", "s"), s="id")
    found = decided(built, "compute.t", Warehouse(s=evidence("id", "1")), forced="compute.t")
    assert found.reasons == (Reason(Cause.NEVER_BUILT, "t"), Reason(Cause.FORCED, "t"))


# -- what a task reads ---------------------------------------------------------------------

READER = task("t", "s(id)")
BUILT = graph(READER, s="id, unread")


def of_source(now: Evidence, then: Stamp, **contents: str) -> list[tuple[str, str]]:
    """Return the reasons of a reader of the column `id`; `contents` by the source's versions."""
    engine = Warehouse(s=now, t=evidence("v", "run 1"))
    engine.contents = {("s", version, ("id",)): data for version, data in contents.items()}
    return told(decided(BUILT, "compute.t", engine, trace_of(READER, "run 1", s=then)))


CHANGED = [("data_changed", "s")]


@pytest.mark.parametrize(
    ("now", "then", "contents", "wanted"),
    [
        # The same state of the source, whatever is known of its rows.
        (evidence("id, unread", "1"), stamp("id", "1"), {}, []),
        (evidence("id, unread", "1", id="A"), stamp("id", "1"), {}, []),
        # Another state of it, with the same rows or with others.
        (evidence("id, unread", "2", id="A"), stamp("id", "1", "A"), {}, []),
        (evidence("id, unread", "2", id="B"), stamp("id", "1", "A"), {}, CHANGED),
        # What was not noted down then, or is not known now, is asked for.
        (evidence("id, unread", "2"), stamp("id", "1", "A"), {"2": "A"}, []),
        (evidence("id, unread", "2"), stamp("id", "1", "A"), {"2": "B"}, CHANGED),
        (evidence("id, unread", "2", id="A"), stamp("id", "1"), {"1": "A"}, []),
        (evidence("id, unread", "2", id="A"), stamp("id", "1"), {"1": "B"}, CHANGED),
        (evidence("id, unread", "2"), stamp("id", "1"), {"1": "A", "2": "A"}, []),
        (evidence("id, unread", "2"), stamp("id", "1"), {"1": "A", "2": "B"}, CHANGED),
        # Of what is gone nobody knows, so it counts as other rows.
        (evidence("id, unread", "2", id="A"), stamp("id", "1"), {}, CHANGED),
        # Columns that nobody here requires.
        (evidence("id, unread", "2", id="A", id_unread="B"), stamp("id", "1", "A"), {}, []),
        (evidence("id, unread: date", "2", id="A"), stamp("id", "1", "A"), {}, []),
        (evidence("new, id", "2", id="A"), stamp("id", "1", "A"), {}, []),
        # Another type is another column, though its rows may print the same.
        (
            evidence("id: string", "2", id="A"),
            stamp("id", "1", "A"),
            {},
            [("schema_changed", "s")],
        ),
        (evidence("id: string", "1"), stamp("id", "1"), {}, [("schema_changed", "s")]),
    ],
)
def test_a_leaf_is_what_it_was_where_the_required_columns_hold_the_same(
    now: Evidence, then: Stamp, contents: dict[str, str], wanted: list[tuple[str, str]]
) -> None:
    assert of_source(now, then, **contents) == wanted


def test_who_counts_rows_sees_how_many_there_are_and_no_column() -> None:
    counter = task("t", "s")
    engine = Warehouse(s=evidence("id", "2", id="B"), t=evidence("v", "run 1"))
    engine.contents = {("s", "2", ()): "three rows"}
    then = trace_of(counter, "run 1", s=stamp("", "1", "three rows"))
    assert told(decided(graph(counter, s="id"), "compute.t", engine, then)) == []
    engine.contents = {("s", "2", ()): "four rows"}
    assert told(decided(graph(counter, s="id"), "compute.t", engine, then)) == CHANGED


def test_where_the_version_is_the_same_nobody_looks_at_rows() -> None:
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "run 1"))
    decided(BUILT, "compute.t", engine, trace_of(READER, "run 1", s=stamp("id", "1")))
    assert engine.asked == ["s", "t"]


def test_each_dataset_is_looked_at_once() -> None:
    built = graph(task("a", "s"), task("b", "s"), s="id")
    engine = Warehouse(s=evidence("id", "1"))
    decider = rebuilder(built, engine)
    for name in built.tasks:
        decider.decide(built.tasks[name])
    assert engine.asked.count("s") == 1


def test_leaves_are_what_is_stored_behind_views_part_by_part() -> None:
    reader = task("x", "v", leaves=("u/p(v)", "u/q(v)"))
    built = graph(task("u", part="p"), task("u", part="q"), task("v", "u(v)", kind="view"), reader)
    engine = Warehouse(u__p=evidence("v", "1"), u__q=evidence("v", "2"), x=evidence("v", "run 1"))
    then = trace_of(reader, "run 1", u__p=stamp("v", "1"), u__q=stamp("v", "1"))
    found = decided(built, "compute.x", engine, then)
    assert told(found) == [("data_changed", "u")]
    assert found.reads.keys() == {"u/p", "u/q"}


def test_what_is_about_to_be_made_is_a_reason_that_may_turn_out_to_be_none() -> None:
    built = graph(task("a"), task("t", "a(v)"))
    engine = Warehouse(a=evidence("v", "1"), t=evidence("v", "run 1"))
    decider = rebuilder(built, engine, trace_of(built.tasks["compute.t"], "run 1", a=WROTE))
    decider.settle(built.tasks["compute.a"], None)
    found = decider.decide(built.tasks["compute.t"])
    assert told(found) == [("upstream", "a")]
    assert found.hangs_on_upstream
    assert not replace(found, reasons=(*found.reasons, Reason(Cause.FORCED, "t"))).hangs_on_upstream
    assert not replace(found, reasons=()).hangs_on_upstream


def test_a_run_settles_what_its_readers_see() -> None:
    built = graph(task("a"), task("t", "a(v)"))
    reader = built.tasks["compute.t"]
    engine = Warehouse(a=evidence("v", "1", v="A"), t=evidence("v", "run 1"))
    decider = rebuilder(built, engine, trace_of(reader, "run 1", a=stamp("v", "1", "A")))
    for now, wanted in (("A", []), ("B", [("data_changed", "a")])):
        decider.settle(built.tasks["compute.a"], evidence("v", "2", v=now))
        assert told(decider.decide(reader)) == wanted


# -- which trace speaks for an output ------------------------------------------------------


def test_the_stores_trace_is_believed_while_it_names_what_is_there() -> None:
    engine = Warehouse(t=evidence("v", "run 1"), s=evidence("id", "1"))
    found = decided(BUILT, "compute.t", engine, trace_of(READER, "run 1", s=stamp("id", "1")))
    assert (told(found), engine.asked) == ([], ["s", "t"]), "it looked at the table's log"


def test_the_tables_own_trace_wins_over_a_kept_one_that_names_other_rows() -> None:
    engine = Warehouse(t=evidence("v", "run 2"), s=evidence("id", "2"))
    engine.traces["t"] = trace_of(READER, "run 2", s=stamp("id", "2"))
    old = trace_of(READER, "run 1", s=stamp("id", "1"))
    found = decided(BUILT, "compute.t", engine, old)
    assert (told(found), found.previous) == ([], engine.traces["t"])
    edited = replace(engine.traces["t"], plan=F("old"), query=F("old"))
    engine.traces["t"] = edited
    misleading = replace(old, wrote=stamp("other", "run 2"))
    assert told(decided(BUILT, "compute.t", engine, misleading)) == [("plan_changed", "t")]


def test_either_trace_of_the_same_rows_will_do() -> None:
    old = trace_of(READER, "run 1", s=stamp("id", "1"))
    new = trace_of(READER, "run 1", s=stamp("id", "2"))
    engine = Warehouse(t=evidence("v", "run 1"), s=evidence("id", "2"))
    for committed, stored in ((old, new), (new, old)):
        engine.traces["t"] = committed
        found = decided(BUILT, "compute.t", engine, stored)
        assert (told(found), found.previous) == ([], new)


def test_of_two_traces_the_one_counts_that_the_least_speaks_against() -> None:
    reader = task("t", "s(id)", "a(v)")
    built = graph(reader, task("a"), s="id")
    engine = Warehouse(t=evidence("v", "run 1"), s=evidence("id", "2"))
    old = trace_of(reader, "run 1", s=stamp("id", "1"), a=stamp("v", "1"))
    new = trace_of(reader, "run 1", s=stamp("id", "2"), a=stamp("v", "1"))
    for committed, stored in ((old, new), (new, old)):
        engine.traces["t"] = committed
        found = decided(built, "compute.t", engine, stored)
        assert (told(found), found.previous) == ([("upstream", "a")], new)
        assert found.hangs_on_upstream


def test_a_trace_of_another_task_in_the_table_is_not_ours() -> None:
    engine = Warehouse(t=evidence("v", "run 2"), s=evidence("id", "1"))
    ours = trace_of(READER, "run 2", s=stamp("id", "1"))
    engine.traces["t"] = replace(ours, task="compute.renamed")
    assert told(decided(BUILT, "compute.t", engine)) == [("output_changed", "t")]
    old = replace(ours, wrote=stamp("v", "run 1"))
    assert told(decided(BUILT, "compute.t", engine, old)) == [("output_changed", "t")]
    assert told(decided(BUILT, "compute.t", engine, ours)) == []


def test_what_an_earlier_run_wrote_is_up_to_date_whoever_wrote_it_last() -> None:
    """A task that was renamed for a while; its trace in the store may be lost."""
    engine = Warehouse(t=evidence("v", "run 2"), s=evidence("id", "1"))
    ours = trace_of(READER, "run 2", s=stamp("id", "1"))
    renamed = replace(ours, task="compute.renamed")
    engine.traces["t"] = renamed
    engine.before["t"] = [Past(2, renamed), Past(1, ours)]
    found = decided(BUILT, "compute.t", engine)
    assert (told(found), found.previous, found.restore) == ([], ours, None)
    engine.before["t"] = [Past(1, replace(ours, wrote=stamp("v", "run 1")))]
    assert told(decided(BUILT, "compute.t", engine)) == [("output_changed", "t")]


def test_what_nobody_knows_yet_speaks_less_against_a_trace_than_anything_that_is_known() -> None:
    reader = task("t", "a(v)", "b(v)")
    built = graph(reader, task("a"), task("b"))
    ours = trace_of(reader, "run 2", a=stamp("v", "1"), b=stamp("v", "1"))
    engine = Warehouse(t=evidence("v", "run 2"))
    engine.traces["t"] = replace(ours, task="compute.renamed")
    engine.before["t"] = [Past(1, ours)]
    found = decided(built, "compute.t", engine)
    assert (told(found), found.previous) == ([("upstream", "a"), ("upstream", "b")], ours)
    assert found.hangs_on_upstream


def test_other_columns_of_the_same_are_a_change_of_the_plan_alone() -> None:
    edited = replace(READER, plan=F("2"), query=F("2"))
    built = graph(edited, s="id, unread")
    for version, more in (("1", []), ("2", [("schema_changed", "s")])):
        engine = Warehouse(s=evidence("id, unread", version), t=evidence("v", "run 1"))
        trace = replace(trace_of(READER, "run 1", s=stamp("other", "1")))
        assert told(decided(built, "compute.t", engine, trace)) == [("plan_changed", "t"), *more]


def test_rows_without_a_trace_were_written_by_somebody_else() -> None:
    engine = Warehouse(t=evidence("v", "foreign"), s=evidence("id", "1"))
    ours = trace_of(READER, "run 1", s=stamp("id", "1"))
    assert told(decided(BUILT, "compute.t", engine)) == [("output_changed", "t")]
    assert told(decided(BUILT, "compute.t", engine, ours)) == [("output_changed", "t")]


def test_a_table_that_is_gone_is_missing_only_where_it_is_known_to_have_been_there() -> None:
    engine = Warehouse(s=evidence("id", "1"))
    ours = trace_of(READER, "run 1", s=stamp("id", "1"))
    assert told(decided(BUILT, "compute.t", engine, ours)) == [("output_missing", "t")]
    assert told(decided(BUILT, "compute.t", engine)) == [("never_built", "t")]


@pytest.mark.parametrize(
    ("cause", "stays"),
    [
        (Cause.DATA_CHANGED, True),
        (Cause.UPSTREAM, True),
        (Cause.SCHEMA_CHANGED, True),
        (Cause.PLAN_CHANGED, False),
        (Cause.OUTPUT_CHANGED, False),
        (Cause.OUTPUT_MISSING, False),
        (Cause.FORCED, False),
    ],
)
def test_old_rows_are_built_upon_only_where_they_are_what_the_trace_says(
    cause: Cause, stays: bool
) -> None:
    why = (Reason(Cause.DATA_CHANGED, "s"), Reason(cause, "t"))
    assert Decision(TASK, why, {}, TRACE).can_build_upon is stays
    assert not Decision(TASK, why, {}, None).can_build_upon


# -- what an output can be again -----------------------------------------------------------

FIRST = Past(1, trace_of(READER, "run 1", s=stamp("id", "1", "A")))
SECOND = Past(2, trace_of(READER, "run 2", s=stamp("id", "2", "B")))


def restorable(  # type: ignore[no-untyped-def]
    *past: Past, reader=READER, source: Evidence | None = None, forced: str = ""
) -> int | None:
    """Return the version that a reader of `s`, which is back at version 1, would be restored to."""
    engine = Warehouse(s=source or evidence("id", "1", id="A"), t=evidence("v", "run 3"))
    engine.traces["t"] = trace_of(reader, "run 3", s=stamp("id", "3", "C"))
    engine.before["t"] = list(past)
    found = decided(graph(reader, s="id"), "compute.t", engine, forced=forced)
    assert found.reasons
    return found.restore.version if found.restore else None


def test_what_this_plan_made_of_these_inputs_before_is_restored() -> None:
    assert restorable(SECOND, FIRST) == 1


def test_inputs_are_compared_by_what_they_hold_here_too() -> None:
    assert restorable(FIRST, source=evidence("id", "9", id="A")) == 1
    assert restorable(FIRST, source=evidence("id", "9", id="Z")) is None


def test_the_newest_of_several_is_taken() -> None:
    assert restorable(Past(7, FIRST.trace), FIRST) == 7


@pytest.mark.parametrize(
    "past",
    [
        (),
        (SECOND,),
        (Past(1, replace(FIRST.trace, plan=F("another"))),),
        (Past(1, replace(FIRST.trace, task="compute.other")),),
        (Past(1, replace(FIRST.trace, reads={"s": stamp("id: string", "1", "A")})),),
    ],
)
def test_what_another_plan_or_task_made_or_of_other_inputs_is_not_restored(
    past: tuple[Past, ...],
) -> None:
    assert restorable(*past) is None


def test_all_inputs_must_be_what_they_were() -> None:
    reader = task("t", "s(id)", "r(id)")
    engine = Warehouse(s=evidence("id", "1"), r=evidence("id", "1"), t=evidence("v", "run 3"))
    for then, wanted in (("1", True), ("2", False)):
        past = Past(1, trace_of(reader, "run 1", s=stamp("id", "1"), r=stamp("id", then)))
        engine.before["t"] = [past]
        found = decided(graph(reader, s="id", r="id"), "compute.t", engine)
        assert (found.restore == past) is wanted


def test_what_another_major_version_of_the_engine_made_is_not_restored() -> None:
    then = {v: Past(1, replace(FIRST.trace, engine=v)) for v in ("fake 2.0", "fake 1.9", "")}
    assert [restorable(past) for past in then.values()] == [1, None, 1]


def test_what_is_forced_is_made_anew() -> None:
    assert restorable(FIRST, forced="compute.t") is None


@pytest.mark.parametrize("chance", ["volatile", "unstable"])
def test_rows_that_are_left_to_chance_are_made_anew(chance: str) -> None:
    assert restorable(FIRST, reader=replace(READER, **{chance: ("random",)})) is None  # type: ignore[arg-type]


def test_nothing_is_restored_while_an_input_is_not_known() -> None:
    reader = task("t", "s(id)", "a(v)")
    built = graph(reader, task("a"), s="id")
    then = trace_of(reader, "run 1", s=stamp("id", "1"), a=stamp("v", "1"))
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "run 3"))
    engine.before["t"] = [Past(1, then)]
    assert decided(built, "compute.t", engine).restore is None
    engine.found["a"] = evidence("v", "1")
    assert decided(built, "compute.t", engine).restore == Past(1, then)


def test_what_is_up_to_date_has_nothing_to_restore_and_nobody_looks_for_it() -> None:
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "run 1"))
    engine.before["t"] = [FIRST]
    found = decided(BUILT, "compute.t", engine, FIRST.trace)
    assert (found.reasons, found.restore) == ((), None)
    assert "past of t" not in engine.asked


def test_what_will_be_restored_is_compared_as_it_will_be() -> None:
    """Its reader's columns were not noted down, so they are asked for: of then, not of now."""
    maker, reader = task("a"), task("t", "a(v)")
    built = graph(maker, reader)
    engine = Warehouse(a=evidence("v", "2"), t=evidence("v", "run 1"))
    engine.contents = {("a", "1", ("v",)): "A", ("a", "2", ("v",)): "B"}
    for then, wanted in (("A", []), ("B", [("data_changed", "a")])):
        decider = rebuilder(built, engine, trace_of(reader, "run 1", a=stamp("v", "0", then)))
        decider.foresee(maker, Past(5, trace_of(maker, "1")))
        assert told(decider.decide(reader)) == wanted


# -- traces are renewed --------------------------------------------------------------------


def renewed(now: Evidence, then: Stamp, **contents: str) -> Trace | None:
    engine = Warehouse(s=now, t=evidence("v", "run 1"))
    engine.contents = {("s", version, ("id",)): data for version, data in contents.items()}
    decider = rebuilder(BUILT, engine, trace_of(READER, "run 1", s=then))
    return decider.renewed(decider.decide(READER))


@pytest.mark.parametrize(
    ("now", "then", "contents"),
    [
        (evidence("id", "2", id="A"), stamp("id", "1", "A"), {}),
        (evidence("id", "2"), stamp("id", "1", "A"), {"2": "A"}),
        (evidence("id", "2", id="A"), stamp("id", "1"), {"1": "A"}),
        (evidence("id", "2"), stamp("id", "1"), {"1": "A", "2": "A"}),
    ],
)
def test_a_trace_that_still_holds_by_content_is_renewed_to_what_is_there_now(
    now: Evidence, then: Stamp, contents: dict[str, str]
) -> None:
    wanted = trace_of(READER, "run 1", s=stamp("id", "2", "A"))
    assert renewed(now, then, **contents) == wanted


def test_nothing_is_renewed_where_nothing_is_new_or_the_task_must_run() -> None:
    assert renewed(evidence("id", "1", id="A"), stamp("id", "1")) is None
    assert renewed(evidence("id", "2", id="B"), stamp("id", "1", "A")) is None
    decider = rebuilder(BUILT, Warehouse(s=evidence("id", "1")))
    assert decider.renewed(decider.decide(READER)) is None
    view = task("v", "s(id)", kind="view")
    decider = rebuilder(graph(view, s="id"), Warehouse())
    assert decider.renewed(decider.decide(view)) is None


def test_only_what_is_new_is_renewed() -> None:
    reader = task("t", "s(id)", "r(id)")
    engine = Warehouse(s=evidence("id", "2", id="A"), r=evidence("id", "1", id="R"))
    engine.found["t"] = evidence("v", "run 1")
    then = trace_of(reader, "run 1", s=stamp("id", "1", "A"), r=stamp("id", "1"))
    decider = rebuilder(graph(reader, s="id", r="id"), engine, then)
    fresh = decider.renewed(decider.decide(reader))
    assert fresh is not None
    assert fresh.reads == {"s": stamp("id", "2", "A"), "r": stamp("id", "1")}


# -- views ---------------------------------------------------------------------------------


def seen(view, plan: str = "") -> Trace:  # type: ignore[no-untyped-def]
    """Return the store's trace of a view, of its query as it is or of another."""
    return Trace(view.name, view.plan, {}, stamp("v", view.plan), query=F(plan) or view.query)


VIEW = task("v", "s(id)", kind="view")
OVER = task("w", "v(v)", kind="view")
TABLE = task("t", "w(v)", leaves=("s(id)",))
LINE = graph(VIEW, OVER, TABLE, s="id")
MADE = trace_of(TABLE, "run 1", s=stamp("id", "1"))
OLD = replace(MADE, plan=F("before"))


@pytest.mark.parametrize(
    ("traces", "committed", "wanted"),
    [
        # Its readers were made with it as it is; by the store, or by the table.
        ((MADE, seen(VIEW)), None, []),
        ((MADE, seen(VIEW, "edited")), None, []),
        ((MADE,), None, []),
        ((), MADE, []),
        ((OLD, seen(VIEW, "edited")), MADE, []),
        # No reader was, and it is another, or was never seen.
        ((), None, [("never_built", "v")]),
        ((OLD,), OLD, [("never_built", "v")]),
        ((OLD, seen(VIEW, "edited")), OLD, [("plan_changed", "v")]),
        # No reader was, for a reason that is not this view's.
        ((OLD, seen(VIEW)), OLD, []),
    ],
)
def test_a_view_is_redefined_where_it_is_another_than_its_readers_were_made_with(
    traces: tuple[Trace, ...], committed: Trace | None, wanted: list[tuple[str, str]]
) -> None:
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "run 1"))
    if committed is not None:
        engine.traces["t"] = committed
    assert told(decided(LINE, "view.v", engine, *traces)) == wanted


def test_one_reader_that_was_made_with_a_view_is_enough() -> None:
    other = task("x", "v(v)", leaves=("s(id)",), plan="x")
    built = graph(VIEW, OVER, TABLE, other, s="id")
    assert told(decided(built, "view.v", Warehouse(), MADE)) == []
    assert told(decided(built, "view.v", Warehouse(), trace_of(other, "run 1"))) == []
    assert told(decided(built, "view.v", Warehouse(), OLD)) == [("never_built", "v")]


def test_a_view_that_no_table_reads_is_never_redefined() -> None:
    built = graph(VIEW, OVER, s="id")
    for name in built.tasks:
        assert told(decided(built, name, Warehouse())) == []


def test_a_view_that_is_forced_is_told_of_and_nothing_of_it_is_looked_at() -> None:
    engine = Warehouse()
    found = decided(LINE, "view.v", engine, MADE, forced="view.v")
    assert told(found) == [("forced", "v")]
    assert (found.reads, found.restore, engine.asked) == ({}, None, [])


def test_a_view_that_is_kept_is_decided_upon_as_a_table() -> None:
    built = graph(kept(VIEW), task("t", "v(v)"), s="id")
    engine = Warehouse(s=evidence("id", "2"), v=evidence("v", "run 1"))
    view = built.tasks["view.v"]
    assert told(decided(built, "view.v", engine)) == [("output_changed", "v")]
    then = trace_of(view, "run 1", s=stamp("id", "1"))
    assert told(decided(built, "view.v", engine, then)) == [("data_changed", "s")]
    gone = trace_of(view, "run 1", s=stamp("id", "2"))
    assert told(decided(built, "view.v", Warehouse(s=evidence("id", "2")), gone)) == [
        ("output_missing", "v")
    ]


def test_a_leaf_that_a_trace_of_this_plan_lacks_is_not_taken_for_the_same() -> None:
    built = graph(task("t", "s(id)"), s="id")
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "1"))
    trace = trace_of(built.tasks["compute.t"], "1")
    assert told(decided(built, "compute.t", engine, trace)) == [("data_changed", "s")]


# -- schemas that edges are checked against ------------------------------------------------


def test_a_dataset_of_several_parts_is_there_with_all_that_are_stored() -> None:
    parts = task("u", part="p"), task("u", part="q"), task("u", part="r", kind="view")
    built = graph(*parts, task("x", "u"))
    assert rebuilder(built, Warehouse(u__p=evidence("v", "1"))).schema("u") is None
    both = Warehouse(u__p=evidence("v", "1"), u__q=evidence("v", "1"))
    found = rebuilder(built, both).schema("u")
    assert found is not None
    assert found.names == ("v",)


def test_a_table_has_the_columns_that_are_there_and_a_view_those_of_its_plan() -> None:
    built = graph(task("a", gives="planned"), task("v", "a", kind="view", gives="shown"))
    decider = rebuilder(built, Warehouse(a=evidence("real", "1")))
    found = [decider.schema(name) for name in ("a", "v")]
    assert [schema.names for schema in found if schema] == [("real",), ("shown",)]
    assert rebuilder(built, Warehouse()).schema("a") is None


def test_a_view_is_redefined_for_those_who_are_brought_up_to_date() -> None:
    """Of some targets the other readers of a view may not even be known."""
    view = task("v", "s", kind="view")
    built = Graph([view, task("t", "v"), task("u", "v")], {"s": schema("v")})
    cases: list[tuple[set[str], tuple[Reason, ...]]] = [
        ({"view.v"}, ()),
        ({"view.v", "compute.t"}, (Reason(Cause.NEVER_BUILT, "v"),)),
        ({"view.v", "compute.t", "compute.u"}, (Reason(Cause.NEVER_BUILT, "v"),)),
    ]
    for selected, wanted in cases:
        selection = Selection(frozenset(selected), frozenset())
        found = Rebuilder(built, Warehouse(), {}, selection)  # type: ignore[arg-type]
        assert found.decide(view).reasons == wanted
