"""Another version of the engine: plans in other words are the same plans."""

from __future__ import annotations

from dataclasses import replace

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.ports import Past
from cpgbuild.core.rebuilder import is_another_major
from cpgbuild.core.trace import Trace
from tests.core.graphs import graph, kept, task
from tests.core.warehouses import Warehouse, decided, evidence, rebuilder, stamp, told, trace_of

BUILT = graph(task("t", "s(id)"), s="id")
TASK = BUILT.tasks["compute.t"]


def made_by(engine: str, plan: str = "old words", output: str = "1") -> Trace:
    """Return a trace of `t` by another version of the engine."""
    made = trace_of(TASK, output, s=stamp("id", "1"))
    return replace(made, plan=Fingerprint(plan), query=Fingerprint(plan), engine=engine)


def warehouse(trace: Trace, **translations: str) -> Warehouse:
    found = Warehouse(s=evidence("id", "1"), t=evidence("v", "1"))
    found.traces["t"] = trace
    found.translations = {"old words": TASK.plan, **translations}
    return found


def test_a_plan_in_the_words_of_an_earlier_version_is_the_same_plan() -> None:
    engine = warehouse(made_by("fake 2.0"))
    decision = decided(BUILT, "compute.t", engine)
    assert decision.reasons == ()
    assert "today of t" in engine.asked


def test_its_trace_is_renewed_so_that_it_is_read_once() -> None:
    decider = rebuilder(BUILT, warehouse(made_by("fake 2.0")))
    renewed = decider.renewed(decider.decide(TASK))
    assert renewed is not None
    assert (renewed.plan, renewed.engine) == (TASK.plan, "fake 2.1")
    engine = Warehouse(s=evidence("id", "1"), t=evidence("v", "1"))
    again = rebuilder(BUILT, engine, renewed)
    decision = again.decide(TASK)
    assert decision.reasons == ()
    assert again.renewed(decision) is None
    assert "today of t" not in engine.asked


def test_a_plan_that_changed_is_one_whatever_the_words() -> None:
    engine = warehouse(made_by("fake 2.0", "old words of another plan"))
    assert told(decided(BUILT, "compute.t", engine)) == [("plan_changed", "t")]


def test_where_the_version_is_the_same_nothing_is_planned_again() -> None:
    engine = warehouse(made_by("fake 2.1"))
    assert told(decided(BUILT, "compute.t", engine)) == [("plan_changed", "t")]
    assert "today of t" not in engine.asked


def test_another_major_version_runs_all_and_says_so() -> None:
    for plan in ("old words", TASK.plan):
        engine = warehouse(made_by("fake 1.9", plan))
        reasons = decided(BUILT, "compute.t", engine).reasons
        assert "fake 1.9, now fake 2.1" in {reason.detail for reason in reasons}
        assert {str(reason.cause) for reason in reasons} == {"plan_changed"}


def test_what_an_earlier_version_made_is_restored_but_not_of_another_major() -> None:
    for engine_then, restored in (("fake 2.0", True), ("fake 1.9", False)):
        engine = warehouse(made_by("fake 2.0", "other"), other="other")
        engine.before["t"] = [Past(3, made_by(engine_then, output="then"))]
        decision = decided(BUILT, "compute.t", engine)
        assert told(decision) == [("plan_changed", "t")]
        assert (decision.restore is not None) == restored


def test_a_view_is_known_where_its_reader_was_made_with_it_in_other_words() -> None:
    view = replace(task("v", "s(id)", kind="view"), query=Fingerprint("new"))
    built = graph(view, kept(task("t", "v(id)")), s="id")
    engine = Warehouse(t=evidence("v", "1"))
    reader = built.tasks["compute.t"]
    engine.traces["t"] = replace(
        trace_of(reader, "1"), plan=Fingerprint("old words"), engine="fake 2.0"
    )
    engine.translations = {"old words": reader.plan}
    assert decided(built, "view.v", engine).reasons == ()


def test_a_major_version_is_what_comes_before_the_first_dot_with_the_name() -> None:
    assert not is_another_major("datafusion 55.0.0 form 1", "datafusion 55.2.1 form 2")
    assert is_another_major("datafusion 55.0.0", "datafusion 56.0.0")
    assert is_another_major("datafusion 55.0.0", "sail 55.0.0")
    assert not is_another_major("", "datafusion 55.0.0")
