"""Whether a task must run: each reason alone, and none where nothing changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpgbuild.core.evidence import Evidence, Stamp, union
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.rebuilder import Cause, Decision, Reason, Rebuilder, reasons_to_run
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.selection import Selection
from cpgbuild.core.trace import Trace
from tests.core.graphs import graph, schema, task

F = Fingerprint
TASK = task("t", "s(id)", "r")
READS = {"s": Stamp(F("schema s"), F("data s")), "r": Stamp(F("schema r"), F("data r"))}
WROTE = Stamp(F("schema t"), F("run 1"))
TRACE = Trace("compute.t", TASK.plan, READS, WROTE)


def reasons(**changes: object) -> list[tuple[str, str]]:
    facts = {"task": TASK, "trace": TRACE, "reads": READS, "output": WROTE} | changes
    return [(str(r.cause), r.dataset) for r in reasons_to_run(**facts)]  # type: ignore[arg-type]


def test_nothing_changed_is_no_reason() -> None:
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"trace": None, "output": None}, [("never_built", "t")]),
        ({"trace": None}, [("output_changed", "t")]),
        ({"task": replace(TASK, plan=F("plan 2"))}, [("plan_changed", "t")]),
        ({"output": None}, [("output_missing", "t")]),
        ({"output": Stamp(WROTE.schema, F("run 2"))}, [("output_changed", "t")]),
        ({"output": Stamp(F("other"), WROTE.data)}, [("output_changed", "t")]),
        ({"reads": READS | {"s": Stamp(F("other"), F("data s"))}}, [("schema_changed", "s")]),
        ({"reads": READS | {"r": Stamp(F("schema r"), F("other"))}}, [("data_changed", "r")]),
        ({"reads": READS | {"r": None}}, [("upstream", "r")]),
        ({"task": replace(TASK, volatile=("random",))}, [("volatile", "t")]),
        ({"reads": READS | {"new": READS["s"]}}, [("schema_changed", "new")]),
        ({"reads": {"s": READS["s"]}}, [("plan_changed", "t")]),
    ],
)
def test_each_reason_alone(changes: dict[str, object], wanted: list[tuple[str, str]]) -> None:
    assert reasons(**changes) == wanted


def test_all_reasons_are_told_not_only_the_first() -> None:
    changed = {"s": None, "r": Stamp(F("schema r"), F("other"))}
    edited = replace(TASK, plan=F("plan 2"), volatile=("now",))
    assert [c for c, _ in reasons(task=edited, reads=changed, output=None)] == [
        "plan_changed",
        "output_missing",
        "upstream",
        "data_changed",
        "volatile",
    ]


def test_a_view_is_not_asked_for_an_output_of_its_own() -> None:
    view = task("t", "s(id)", "r", kind="view")
    assert reasons(task=view, output=None) == []
    assert reasons(task=view, trace=None, output=None) == [("never_built", "t")]


class Warehouse:
    """An engine that only looks."""

    def __init__(self, **found: Evidence) -> None:
        self.found = {name.replace("__", "/"): evidence for name, evidence in found.items()}
        self.asked: list[str] = []
        self.traces: dict[str, Trace] = {}

    def evidence(self, dataset: str) -> Evidence | None:
        self.asked.append(dataset)
        return self.found.get(dataset)

    def trace(self, output: str) -> Trace | None:
        return self.traces.get(output)


def rebuilder(
    built: Graph, engine: Warehouse, *traces: Trace, forced: str = "", run: str = "now"
) -> Rebuilder:
    known = {trace.task: trace for trace in traces}
    selection = Selection(frozenset(built.tasks), frozenset([forced] if forced else []))
    return Rebuilder(built, engine, known, selection, run)  # type: ignore[arg-type]


def evidence(text: str, data: str) -> Evidence:
    return Evidence(schema(text), F(data))


def test_a_reader_sees_only_the_columns_that_it_requires() -> None:
    built = graph(task("t", "s(id)"), s="id, unread: string")
    then = rebuilder(built, Warehouse(s=evidence("id, unread: string", "1")))
    now = rebuilder(built, Warehouse(s=evidence("added, id, unread: date", "1")))
    read = built.tasks["compute.t"]
    assert then.decide(read).reads == now.decide(read).reads
    other = rebuilder(built, Warehouse(s=evidence("id: string, unread: string", "1")))
    assert then.decide(read).reads != other.decide(read).reads


def test_each_dataset_is_looked_at_once() -> None:
    built = graph(task("a", "s"), task("b", "s"), s="id")
    engine = Warehouse(s=evidence("id", "1"))
    decider = rebuilder(built, engine)
    for name in built.tasks:
        decider.decide(built.tasks[name])
    assert engine.asked.count("s") == 1


def test_forced_is_a_reason_beside_the_others() -> None:
    built = graph(task("t", "s"), s="id")
    decision = rebuilder(built, Warehouse(s=evidence("id", "1")), forced="compute.t").decide(
        built.tasks["compute.t"]
    )
    assert decision.reasons == (Reason(Cause.NEVER_BUILT, "t"), Reason(Cause.FORCED, "t"))


def committed(task_name: str, data: str) -> Trace:
    return Trace(task_name, F("plan 1"), {}, Stamp(schema("v").fingerprint, F(data)))


def test_the_tables_own_trace_wins_over_a_kept_one_that_says_something_else() -> None:
    built = graph(task("t"))
    engine = Warehouse(t=evidence("v", "run 2"))
    engine.traces["t"] = committed("compute.t", "run 2")
    decision = rebuilder(built, engine, committed("compute.t", "run 1")).decide(
        built.tasks["compute.t"]
    )
    assert decision.reasons == ()
    assert decision.previous == engine.traces["t"]


def test_a_trace_of_another_task_in_the_table_is_not_ours() -> None:
    built = graph(task("t"))
    engine = Warehouse(t=evidence("v", "run 2"))
    engine.traces["t"] = committed("compute.renamed", "run 2")
    decision = rebuilder(built, engine).decide(built.tasks["compute.t"])
    assert decision.reasons == (Reason(Cause.OUTPUT_CHANGED, "t"),)


def test_a_views_evidence_is_a_function_of_its_plan_and_of_what_it_reads() -> None:
    def seen(plan: str, data: str, source: str = "id", **more: object) -> Evidence | None:
        view = replace(task("v", "s(id)", kind="view", plan=plan), **more)  # type: ignore[arg-type]
        decider = rebuilder(graph(view, s="id"), Warehouse(s=evidence(source, data)))
        return decider.view(decider.decide(view))

    assert seen("1", "1") == seen("1", "1")
    assert seen("1", "1") != seen("2", "1")
    assert seen("1", "1") != seen("1", "2")
    assert seen("1", "1") != seen("1", "1", source="id: string")
    assert seen("1", "1") == seen("1", "1", source="id, unread")
    assert seen("1", "1") != seen("1", "1", schema=schema("other"))


def test_a_volatile_views_evidence_is_that_of_one_build_alone() -> None:
    view = task("v", "s(id)", kind="view", volatile=("random",))
    built = graph(view, s="id")
    one, two = (rebuilder(built, Warehouse(s=evidence("id", "1")), run=run) for run in "ab")
    assert one.view(one.decide(view)) == one.view(one.decide(view))
    assert one.view(one.decide(view)) != two.view(two.decide(view))


def test_a_view_over_what_is_about_to_be_built_is_not_known_yet() -> None:
    built = graph(task("t"), task("v", "t", kind="view"))
    decider = rebuilder(built, Warehouse(t=evidence("v", "1")))
    decider.settle(built.tasks["compute.t"], None)
    assert decider.view(decider.decide(built.tasks["view.v"])) is None


def test_a_dataset_of_several_parts_changes_with_each_and_is_there_with_all() -> None:
    parts = {"u/p": evidence("v", "1"), "u/q": evidence("v", "2")}
    assert union(parts) == union(dict(reversed(parts.items())))
    assert union(parts) != union(parts | {"u/q": evidence("v", "3")})
    assert union(parts) != union({"u/p": parts["u/q"], "u/q": parts["u/p"]})
    built = graph(task("u", part="p"), task("u", part="q"), task("x", "u"))
    assert rebuilder(built, Warehouse(u__p=evidence("v", "1"))).evidence("u") is None


@pytest.mark.parametrize(
    ("cause", "kept"),
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
    cause: Cause, kept: bool
) -> None:
    reasons = (Reason(Cause.DATA_CHANGED, "s"), Reason(cause, "t"))
    assert Decision(TASK, reasons, {}, TRACE).can_build_upon is kept
    assert not Decision(TASK, reasons, {}, None).can_build_upon


def test_a_trace_survives_json() -> None:
    full = Trace("täsk\n", F("p"), READS, WROTE, 7, 1.25, "2026-01-01T00:00:00Z", {"k": 'v"\n'})
    text = full.to_json()
    assert "\n" not in text
    assert Trace.from_json(text) == full


@pytest.mark.parametrize(
    "text",
    ["", "x", "null", "[]", "{}", '{"v":2}', TRACE.to_json().replace('"v":1', '"v":2'),
     TRACE.to_json().replace('"plan"', '"plam"'), TRACE.to_json()[:-1],
     TRACE.to_json().replace('"wrote":[', '"wrote":["more",')],
)  # fmt: skip
def test_what_is_no_trace_of_a_known_format_is_none(text: str) -> None:
    assert Trace.from_json(text) is None


def test_fingerprints_tell_lists_apart() -> None:
    lists = [(), ("",), ("", ""), ("a", "b"), ("ab",), ("a", "", "b"), ("b", "a"), ("ab", "")]
    assert len({fingerprint(*parts) for parts in lists}) == len(lists)
    assert fingerprint("a") == fingerprint(b"a")


def test_a_schema_fingerprint_sees_names_types_nullability_and_order() -> None:
    a, b = Column("a", "int64"), Column("b", "int64")
    schemas = [
        Schema((a, b)),
        Schema((b, a)),
        Schema((a,)),
        Schema((a, Column("b", "int32"))),
        Schema((a, Column("b", "int64", nullable=False))),
        Schema((Column("a: int64", "b"),)),
    ]
    assert len({s.fingerprint for s in schemas}) == len(schemas)
    assert Schema((a, b)).restricted(["b", "a"]) == Schema((b, a)).restricted(["a", "b"])
