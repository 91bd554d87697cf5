"""Which views are evaluated once for all who read them: where that is cheaper, and only there."""

from __future__ import annotations

from collections.abc import Iterable

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.sharing import DEEP, Sharing
from cpgbuild.core.task import Task
from cpgbuild.core.trace import Trace
from tests.core.graphs import schema, task
from tests.core.warehouses import Warehouse

SOURCES = {"s": schema("v")}
V = task("v", "s", kind="view")


class Cheap(Warehouse):
    """An engine in which no view does more than pass rows on."""

    def is_costly(self, view: Task) -> bool:
        return False


def took(of: Task, seconds: float, rows: int = 0, query: str = "") -> Trace:
    """Return the trace of a run that took so long, or of a view that did."""
    wrote = Stamp(of.schema.fingerprint, of.plan if not of.stored else Fingerprint("rows"))
    mark = Fingerprint(query) if query else of.query
    return Trace(of.name, of.plan, {}, wrote, query=mark, rows=rows, seconds=seconds)


def sharing(
    tasks: Iterable[Task],
    *traces: Trace,
    engine: Warehouse | None = None,
    idle: Iterable[Task] = (),
) -> Sharing:
    known = {trace.task: trace for trace in traces}
    names = {task.name for task in idle}
    graph = Graph(tasks, SOURCES)
    return Sharing(graph, engine or Warehouse(), known, lambda task: task.name not in names)


def readers(count: int, dataset: str = "v") -> list[Task]:
    return [task(f"t{number}", dataset) for number in range(count)]


def test_a_view_is_evaluated_once_where_several_tables_that_took_long_are_to_run() -> None:
    tables = readers(3)
    found = sharing([V, *tables], *(took(table, 4.0) for table in tables))
    once = found.once(V)
    assert once is not None
    assert (once.readings, once.saves) == (3, 4.0)
    assert [view.name for view in found.behind(tables[0])] == ["view.v"]


def test_of_what_nobody_knows_what_it_takes_nothing_is_shared() -> None:
    tables = readers(3)
    assert sharing([V, *tables]).once(V) is None


def test_a_view_that_one_table_alone_is_to_evaluate_is_not_shared() -> None:
    tables = readers(3)
    traces = [took(table, 4.0) for table in tables]
    assert sharing([V, *tables], *traces, idle=tables[1:]).once(V) is None
    assert sharing([V, *tables], *traces, idle=tables[2:]).once(V) is not None


def test_what_saves_next_to_nothing_is_not_worth_it() -> None:
    tables = readers(3)
    assert sharing([V, *tables], *(took(table, 0.2) for table in tables)).once(V) is None


def test_the_fastest_table_says_at_most_what_a_view_takes() -> None:
    tables = readers(3)
    traces = [took(tables[0], 0.1), took(tables[1], 50.0), took(tables[2], 50.0)]
    assert sharing([V, *tables], *traces).once(V) is None


def test_a_view_that_only_passes_rows_on_is_not_shared_on_a_guess() -> None:
    tables = readers(3)
    traces = [took(table, 4.0) for table in tables]
    assert sharing([V, *tables], *traces, engine=Cheap()).once(V) is None


def test_what_a_view_took_counts_more_than_a_guess() -> None:
    tables = readers(3)
    slow = [took(table, 4.0) for table in tables]
    fast = [took(table, 0.01) for table in tables]
    assert sharing([V, *tables], *slow, took(V, 0.01)).once(V) is None
    assert sharing([V, *tables], *fast, took(V, 4.0), engine=Cheap()).once(V) is not None


def test_of_a_view_that_was_another_it_is_only_a_guess() -> None:
    tables = readers(3)
    slow = [took(table, 4.0) for table in tables]
    other = took(V, 0.01, query="another")
    assert sharing([V, *tables], *slow, other).once(V) is not None
    assert sharing([V, *tables], *slow, other, engine=Cheap()).once(V) is None


def test_rows_that_have_to_be_put_aside_and_read_again_speak_against_it() -> None:
    tables = readers(2)
    assert sharing([V, *tables], took(V, 4.0, rows=1_000_000)).once(V) is not None
    assert sharing([V, *tables], took(V, 4.0, rows=10_000_000)).once(V) is None


def test_a_view_that_took_no_more_than_putting_its_rows_aside_is_known_to_be_cheap() -> None:
    tables = readers(3)
    slow = [took(table, 4.0) for table in tables]
    assert sharing([V, *tables], *slow, took(V, 1.0, rows=10_000_000)).once(V) is None


def test_a_view_behind_one_that_is_shared_is_read_once_through_it() -> None:
    inner, outer = task("inner", "s", kind="view"), task("outer", "inner", kind="view")
    tables = readers(3, "outer")
    found = sharing([inner, outer, *tables], *(took(table, 4.0) for table in tables))
    assert [view.name for view in found.behind(tables[0])] == ["view.outer"]


def test_what_is_shared_is_evaluated_after_what_it_reads() -> None:
    inner, outer = task("inner", "s", kind="view"), task("outer", "inner", kind="view")
    tables = [*readers(2, "outer"), task("x", "inner"), task("y", "inner")]
    found = sharing([inner, outer, *tables], *(took(table, 4.0) for table in tables))
    assert [view.name for view in found.behind(tables[0])] == ["view.inner", "view.outer"]
    assert [view.name for view in found.behind(tables[2])] == ["view.inner"]


def test_through_views_that_are_not_shared_each_reading_counts() -> None:
    inner = task("inner", "s", kind="view")
    left, right = (task(name, "inner", kind="view") for name in ("left", "right"))
    tables = [task("x", "left"), task("y", "right")]
    found = sharing([inner, left, right, *tables], *(took(table, 4.0) for table in tables))
    assert [view.name for view in found.behind(tables[0])] == ["view.inner"]


def test_a_view_that_passes_rows_on_passes_on_how_often_it_is_read() -> None:
    class Engine(Warehouse):
        def is_costly(self, view: Task) -> bool:
            return view.dataset == "inner"

    inner, outer = task("inner", "s", kind="view"), task("outer", "inner", kind="view")
    tables = readers(2, "outer")
    traces = [took(table, 4.0) for table in tables]
    found = sharing([inner, outer, *tables], *traces, engine=Engine())
    assert [view.name for view in found.behind(tables[0])] == ["view.inner"]


def test_what_is_learnt_on_the_way_counts_for_those_who_are_to_come() -> None:
    tables = readers(4)
    found = sharing([V, *tables])
    assert found.behind(tables[0]) == ()
    found.learn(took(tables[0], 4.0))
    assert [view.name for view in found.behind(tables[1])] == ["view.v"]


def test_what_is_shared_stays_so() -> None:
    tables = readers(3)
    found = sharing([V, *tables], *(took(table, 4.0) for table in tables))
    assert found.once(V) is not None
    found.learn(took(V, 0.01))
    found.learn(took(tables[0], 4.0))
    assert found.once(V) is not None


def test_a_chain_of_many_views_is_no_matter() -> None:
    chain = [task("v0", "s", kind="view")]
    chain += [task(f"v{n}", f"v{n - 1}", kind="view") for n in range(1, 3000)]
    tables = readers(2, "v2999")
    found = sharing([*chain, *tables], *(took(table, 4.0) for table in tables))
    assert found.behind(tables[0])[-1].name == "view.v2999"
    assert found.once(chain[0]) is None


def test_of_views_one_above_the_other_some_are_evaluated_on_the_way() -> None:
    """One query of all of them would take long to plan, and the planner dies of too many."""
    chain = [task("v0", "s", kind="view")]
    chain += [task(f"v{n}", f"v{n - 1}", kind="view") for n in range(1, 3 * DEEP)]
    table = task("t", f"v{3 * DEEP - 1}")
    found = sharing([*chain, table])
    wanted = [f"view.v{n * DEEP - 1}" for n in (1, 2, 3)]
    assert [view.name for view in found.behind(table)] == wanted
    assert found.behind(task("u", f"v{DEEP - 2}")) == ()
