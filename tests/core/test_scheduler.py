"""The readiness loop: what is handed out, in which order, and what a failure takes with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.core.graph import Graph
from cpgbuild.core.scheduler import Scheduler
from cpgbuild.core.task import Lane
from tests.core.graphs import graph, task
from tests.property.profiles import laws
from tests.property.projects import projects
from tests.property.recipes import Project
from tests.property.world import compiled


def ready(scheduler: Scheduler, full: set[Lane] | None = None) -> list[str]:
    """Take all that is ready, without finishing any of it."""
    found = []
    while (one := scheduler.pop_ready(full or set())) is not None:
        found.append(one.name.partition(".")[2])
    return found


def scheduled(built: Graph, *selected: str) -> Scheduler:
    return Scheduler(built, selected or built.tasks)


def test_ready_tasks_come_by_priority_then_name() -> None:
    built = graph(
        task("b", "s"), task("a", "s"), task("z", "s", priority=5), task("m", priority=-1), s="v"
    )
    assert ready(scheduled(built)) == ["m", "z", "a", "b"]


def test_what_leads_to_the_longest_way_comes_first() -> None:
    """Of a chain that took ten seconds its short first link comes before a task of nine."""
    built = graph(
        task("first", "s"),
        task("between", "first"),
        task("last", "between"),
        task("a_nine", "s"),
        task("quick", "s"),
        task("urgent", "s", priority=1),
        s="v",
    )
    took = {"first": 1.0, "between": 1.0, "last": 8.0, "a_nine": 9.0, "quick": 0.1, "urgent": 0.1}
    seconds = {f"compute.{name}": took[name] for name in took}
    scheduler = Scheduler(built, built.tasks, seconds)
    assert ready(scheduler) == ["urgent", "first", "a_nine", "quick"]
    # What was never run may take as long as the others do, here 3.5 seconds.
    del seconds["compute.last"], seconds["compute.quick"]
    assert ready(Scheduler(built, built.tasks, seconds)) == ["urgent", "a_nine", "first", "quick"]
    # What is not asked for counts nothing.
    without = built.tasks.keys() - {"compute.last"}
    assert ready(Scheduler(built, without, seconds))[1:] == ["a_nine", "quick", "first"]


def test_a_view_takes_no_time_of_its_own() -> None:
    built = graph(task("v", "s", kind="view"), task("b", "v"), task("a", "s"), s="x")
    seconds = {"view.v": 100.0, "compute.b": 1.0, "compute.a": 2.0}
    assert ready(Scheduler(built, built.tasks, seconds)) == ["a", "v"]
    # Nor does it count where the mean of the others is taken for what is new.
    for took in (0.0, 100.0):
        seconds = {"view.v": took, "compute.a": 2.0}
        assert ready(Scheduler(built, built.tasks, seconds)) == ["a", "v"]


def test_there_is_no_barrier_between_generations() -> None:
    built = graph(task("slow", "s"), task("quick", "s"), task("next", "quick"), s="v")
    scheduler = scheduled(built)
    assert ready(scheduler) == ["quick", "slow"]
    scheduler.succeed(built.tasks["compute.quick"])
    assert ready(scheduler) == ["next"], "it waits for `slow`, which it does not read"


def test_a_later_generation_overtakes_by_priority() -> None:
    built = graph(task("a", "s"), task("b", "s"), task("urgent", "a", priority=1), s="v")
    scheduler = scheduled(built)
    first = scheduler.pop_ready()
    assert first is not None
    scheduler.succeed(first)
    assert ready(scheduler) == ["urgent", "b"]


def test_a_task_that_reads_nothing_is_ready_at_once() -> None:
    assert ready(scheduled(graph(task("lone"), task("a", "s"), s="v"))) == ["a", "lone"]


def test_a_dataset_is_ready_when_all_of_its_producers_are() -> None:
    built = graph(
        task("u", "s", part="p"),
        task("u", part="q"),
        task("u", "s", part="r"),
        task("x", "u"),
        s="",
    )
    scheduler = scheduled(built)
    assert ready(scheduler) == ["p", "q", "r"]
    for name in ("r", "p"):
        scheduler.succeed(built.tasks[f"compute.{name}"])
        assert ready(scheduler) == []
    scheduler.succeed(built.tasks["compute.q"])
    assert ready(scheduler) == ["x"]


def test_a_full_lane_holds_back_its_own_tasks_only() -> None:
    built = graph(task("a", priority=1), task("b", lane="python"), task("c"))
    scheduler = scheduled(built)
    assert ready(scheduler, {Lane.ENGINE}) == ["b"]
    assert ready(scheduler, {Lane.PYTHON}) == ["a", "c"]


def test_what_is_not_selected_counts_as_there() -> None:
    built = graph(task("a", "s"), task("b", "a"), task("c", "b"), s="v")
    scheduler = scheduled(built, "compute.c")
    assert ready(scheduler) == ["c"]
    assert [t.name for t in scheduler.remaining()] == ["compute.c"]


def test_a_failure_loses_exactly_its_descendants() -> None:
    built = graph(
        task("a"), task("b", "a", kind="view"), task("c", "b"), task("d"), task("e", "d", "c")
    )
    scheduler = scheduled(built)
    ready(scheduler)
    assert [t.name for t in scheduler.fail(built.tasks["compute.a"])] == [
        "compute.c",
        "compute.e",
        "view.b",
    ]
    scheduler.succeed(built.tasks["compute.d"])
    assert ready(scheduler) == []
    assert scheduler.remaining() == []


def test_a_task_below_two_failures_is_lost_once() -> None:
    built = graph(task("a"), task("b"), task("c", "a", "b"))
    scheduler = scheduled(built)
    ready(scheduler)
    assert [t.name for t in scheduler.fail(built.tasks["compute.a"])] == ["compute.c"]
    assert scheduler.fail(built.tasks["compute.b"]) == []


@laws(100)
@given(project=projects(), order=st.randoms(use_true_random=False))
def test_every_task_comes_once_and_after_all_that_it_needs(project: Project, order) -> None:  # type: ignore[no-untyped-def]
    built = compiled(project)
    scheduler = Scheduler(built, built.tasks)
    running: list[str] = []
    finished: list[str] = []
    while True:
        while order.random() < 0.7 and (one := scheduler.pop_ready()) is not None:
            assert project.above(one.name) <= set(finished)
            running.append(one.name)
        if not running:
            one = scheduler.pop_ready()
            if one is None:
                break
            running.append(one.name)
        done = running.pop(order.randrange(len(running)))
        finished.append(done)
        scheduler.succeed(built.tasks[done])
    assert sorted(finished) == sorted(project.recipes)
    assert scheduler.remaining() == []
