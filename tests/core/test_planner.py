"""What a plan says of a task before anything runs: run, maybe, restore or skip."""

from __future__ import annotations

from dataclasses import replace

from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.planner import plan
from cpgbuild.core.ports import Past
from cpgbuild.core.selection import Selection
from cpgbuild.core.trace import Trace
from tests.core.graphs import graph, kept, task
from tests.core.warehouses import Warehouse, evidence, rebuilder, stamp, trace_of

A, B, C = task("a", "s(id)"), task("b", "a(v)"), task("c", "b(v)")
LINE = graph(A, B, C, s="id")
MADE = (
    trace_of(A, "a1", s=stamp("id", "1", "S")),
    trace_of(B, "b1", a=stamp("v", "a1")),
    trace_of(C, "c1", b=stamp("v", "b1")),
)


def there(source: str = "1", data: str = "S") -> Warehouse:
    engine = Warehouse(s=evidence("id", source, id=data))
    engine.found |= {n: evidence("v", f"{n}1") for n in ("a", "b", "c")}
    return engine


def planned(engine: Warehouse, *traces: Trace, built=LINE, forced: str = "") -> dict[str, str]:  # type: ignore[no-untyped-def]
    selection = Selection(frozenset(built.tasks), frozenset())
    found = plan(built, rebuilder(built, engine, *traces, forced=forced), selection)
    return {p.task.dataset: str(p.action) for p in found}


def test_what_is_up_to_date_is_skipped() -> None:
    assert planned(there(), *MADE) == {"a": "skip", "b": "skip", "c": "skip"}
    assert planned(there("2"), *MADE) == {"a": "skip", "b": "skip", "c": "skip"}


def test_what_hangs_on_a_run_may_turn_out_to_be_up_to_date() -> None:
    assert planned(there("2", "other"), *MADE) == {"a": "run", "b": "maybe", "c": "maybe"}


def test_what_has_a_reason_of_its_own_runs_though_it_hangs_on_a_run_too() -> None:
    edited = replace(MADE[2], plan=Fingerprint("other"))
    assert planned(there("2", "other"), *MADE[:2], edited)["c"] == "run"
    assert planned(there("2", "other"), *MADE, forced="compute.b")["b"] == "run"


def test_what_is_not_there_runs_with_all_that_reads_it() -> None:
    assert planned(Warehouse(s=evidence("id", "1"))) == {"a": "run", "b": "run", "c": "run"}


def test_who_reads_what_is_restored_is_decided_by_what_it_was_then() -> None:
    engine = there("0", "old")
    engine.before["a"] = [Past(4, trace_of(A, "a0", s=stamp("id", "0", "old")))]
    engine.before["b"] = [Past(4, trace_of(B, "b1", a=stamp("v", "a0")))]
    assert planned(engine, *MADE) == {"a": "restore", "b": "restore", "c": "skip"}
    engine.before["b"] = []
    assert planned(engine, *MADE) == {"a": "restore", "b": "run", "c": "maybe"}
    known = replace(engine.before["a"][0].trace, data={("v",): Fingerprint("same")})
    engine.before["a"] = [Past(4, known)]
    engine.contents = {("a", "a1", ("v",)): "same"}
    assert planned(engine, *MADE) == {"a": "restore", "b": "skip", "c": "skip"}


def test_a_view_that_is_redefined_makes_nobody_wait_but_a_kept_one_does() -> None:
    view = task("b", "a(v)", kind="view")
    reader = task("c", "b(v)", leaves=("a(v)",), plan="edited")
    before = replace(trace_of(reader, "c1", a=stamp("v", "a1")), plan=Fingerprint("old"))
    built = graph(A, view, reader, s="id")
    assert planned(there(), MADE[0], before, built=built) == {"a": "skip", "b": "run", "c": "run"}
    same = trace_of(C, "c1", b=stamp("v", "b1"))
    built = graph(A, kept(view), C, s="id")
    assert planned(there(), MADE[0], same, built=built) == {"a": "skip", "b": "run", "c": "maybe"}


def test_a_task_has_the_wave_in_which_it_could_run() -> None:
    selection = Selection(frozenset({"compute.c", "compute.b"}), frozenset())
    found = plan(LINE, rebuilder(LINE, there(), *MADE), selection)
    assert [(p.task.dataset, p.wave) for p in found] == [("b", 2), ("c", 3)]
