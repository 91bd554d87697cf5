"""The graph: bipartite, the same in every process, and what is asked of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from cpgbuild.core.dataset import Dataset, DatasetKind
from cpgbuild.core.graph import Produces
from cpgbuild.core.picture import dot, mermaid, reduced
from cpgbuild.core.schema import Column
from cpgbuild.core.task import Requirement, Task
from cpgbuild.errors.graph import Cycle, UnknownDataset
from tests.core.graphs import graph, task

DIAMOND = (
    task("a", "s(id, name: string)", kind="view"),
    task("b", "a(v)", gives="v, w"),
    task("c", "a(v)", "t"),
    task("d", "b(w)", "c(v)", "a(v)"),
)


def names(tasks: list[Task]) -> list[str]:
    return [one.name for one in tasks]


def test_every_edge_joins_a_dataset_and_a_task() -> None:
    dag = graph(*DIAMOND, s="id, name: string", t="x").dag
    for source, target, edge in dag.edge_index_map().values():
        if isinstance(edge, Produces):
            assert isinstance(dag[source], Task)
            assert isinstance(dag[target], Dataset)
        else:
            assert isinstance(edge, Requirement)
            assert isinstance(dag[source], Dataset)
            assert isinstance(dag[target], Task)


def test_an_edge_carries_the_required_columns_with_their_types() -> None:
    built = graph(*DIAMOND, s="id, name: string, other", t="x")
    source, target = built.find("s"), built.find("view.a")
    assert source is not None
    assert target is not None
    edge = built.dag.get_edge_data(built.index(source), built.index(target))
    assert edge == Requirement("s", (Column("id", "int64"), Column("name", "string")))


def test_datasets_are_sources_views_and_tables_and_a_union_is_a_view() -> None:
    built = graph(
        *DIAMOND, task("u", "s", part="p"), task("u", "s", part="q"), s="id, name: string", t="x"
    )
    assert {d.name: d.kind for d in built.datasets} == {
        "s": DatasetKind.SOURCE,
        "t": DatasetKind.SOURCE,
        "a": DatasetKind.VIEW,
        "b": DatasetKind.TABLE,
        "c": DatasetKind.TABLE,
        "d": DatasetKind.TABLE,
        "u": DatasetKind.VIEW,
    }


def test_the_signature_does_not_depend_on_the_order_of_tasks() -> None:
    shuffled = list(DIAMOND)
    random.Random(3).shuffle(shuffled)
    one = graph(*DIAMOND, s="id, name: string", t="x")
    two = graph(*shuffled, t="x", s="id, name: string")
    assert one.signature == two.signature


@pytest.mark.parametrize(
    "changed",
    [
        graph(*DIAMOND[:3], task("d", "b(w)", "c(v)", "a(v)", plan="2"), s="id", t="x"),
        graph(*DIAMOND[:3], task("d", "b(w)", "c(v)", "a(v)", gives="v, z"), s="id", t="x"),
        graph(*DIAMOND[:3], task("d", "b(w)", "c(v)"), s="id", t="x"),
        graph(*DIAMOND[:3], task("d", "b", "c(v)", "a(v)"), s="id", t="x"),
        graph(*DIAMOND[:3], task("d", "b(w)", "c(v)", "a(v)", name="other"), s="id", t="x"),
        graph(*DIAMOND, s="id, more", t="x"),
        graph(*DIAMOND, s="id: string", t="x"),
        graph(*DIAMOND, s="id", t="x", unread="y"),
        graph(*DIAMOND[:3], s="id", t="x"),
    ],
)
def test_the_signature_sees_plans_schemas_edges_and_names(changed: object) -> None:
    assert changed.signature != graph(*DIAMOND, s="id", t="x").signature  # type: ignore[attr-defined]


def test_the_signature_is_equal_in_processes_that_hash_differently() -> None:
    code = (
        "from tests.core.test_graph import DIAMOND, graph;"
        "print(graph(*DIAMOND, s='id', t='x').signature)"
    )
    root = Path(__file__).parents[2]
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {graph(*DIAMOND, s="id", t="x").signature + "\n"}


def test_impact_of_a_dataset_has_distances_in_tasks_and_the_columns_that_lead_on() -> None:
    built = graph(*DIAMOND, s="id, name: string", t="x")
    assert [(i.task.name, i.distance, i.columns) for i in built.impact("s")] == [
        ("view.a", 1, ("id", "name")),
        ("compute.b", 2, ("v",)),
        ("compute.c", 2, ("v",)),
        ("compute.d", 2, ("v", "w")),
    ]


def test_impact_of_a_task_is_what_reads_its_dataset_and_not_the_task() -> None:
    built = graph(*DIAMOND, s="id, name: string", t="x")
    assert [(i.task.name, i.distance) for i in built.impact("compute.b")] == [("compute.d", 1)]
    assert built.impact("compute.d") == []
    assert built.impact("nobody") == []


def test_impact_of_one_producer_goes_through_the_dataset_that_several_feed() -> None:
    built = graph(
        task("u", "s", part="p"), task("u", "t", part="q"), task("r", "u(v)"), s="x", t="x"
    )
    assert [i.task.name for i in built.impact("compute.p")] == ["compute.r"]
    assert [i.task.name for i in built.impact("s")] == ["compute.p", "compute.r"]


def test_generations_are_ordered_by_priority_then_name() -> None:
    tasks = (*DIAMOND, task("z", "s", priority=1), task("y", "s", priority=1), task("lone"))
    waves = graph(*tasks, s="id, name: string", t="x").generations()
    assert [names(wave) for wave in waves] == [
        ["compute.lone"],
        ["compute.y", "compute.z", "view.a"],
        ["compute.b", "compute.c"],
        ["compute.d"],
    ]


def test_the_order_is_topological_and_then_by_priority_and_name() -> None:
    tasks = (*DIAMOND, task("z", "s", priority=1), task("after", "d", priority=-5))
    built = graph(*tasks, s="id, name: string", t="x")
    assert names(built.in_order()) == [
        "compute.z",
        "view.a",
        "compute.b",
        "compute.c",
        "compute.d",
        "compute.after",
    ]


def test_priorities_are_ordered_as_numbers_negative_ones_first() -> None:
    tasks = [task(f"t{i}", priority=p) for i, p in enumerate((10, 9, -1, -20, 100))]
    ordered = graph(*tasks).in_order()
    assert [t.priority for t in ordered] == [-20, -1, 9, 10, 100]


def test_the_critical_path_is_the_longest_in_seconds_not_in_tasks() -> None:
    built = graph(*DIAMOND, task("slow", "s"), s="id, name: string", t="x")
    assert names(built.critical_path({})) == ["view.a", "compute.b", "compute.d"]
    assert names(built.critical_path({"compute.c": 5.0}))[1] == "compute.c"
    assert names(built.critical_path({"compute.slow": 60.0})) == ["compute.slow"]


def test_a_cycle_is_an_error_that_shows_its_path() -> None:
    with pytest.raises(Cycle) as caught:
        graph(task("a", "c"), task("b", "a"), task("c", "b"), task("d", "c"))
    path = caught.value.path
    assert sorted(path) == ["a", "b", "c"]
    following = {"a": "b", "b": "c", "c": "a"}
    turns = list(zip(path, (*path[1:], path[0]), strict=True))
    assert all(following[x] == y for x, y in turns) or all(following[y] == x for x, y in turns)
    assert caught.value.report().facts[0][1].count("→") == 3


def test_a_task_that_reads_itself_is_a_cycle_of_one() -> None:
    with pytest.raises(Cycle) as caught:
        graph(task("a", "a"))
    assert caught.value.path == ("a",)


def test_an_unknown_input_names_the_reader_its_place_and_a_near_match() -> None:
    with pytest.raises(UnknownDataset) as caught:
        graph(task("a", "order"), orders="id")
    report = caught.value.report()
    assert report.message == "dataset `order` is not known"
    assert str(report.place) == "tasks/a.py:3"
    assert report.hint == "did you mean `orders`?"


def test_a_picture_leaves_out_the_edges_that_others_imply() -> None:
    built = graph(*DIAMOND, s="id, name: string", t="x")
    assert reduced(built) == [
        ("a", "b"),
        ("a", "c"),
        ("b", "d"),
        ("c", "d"),
        ("s", "a"),
        ("t", "c"),
    ]


def test_dot_and_mermaid_show_kinds_by_shape() -> None:
    built = graph(task("v", "s", kind="view"), task("t", "v"), s="x")
    assert dot(built) == (
        'digraph cpgbuild {\n  rankdir=LR\n  node [fontname="sans-serif"]\n'
        '  "s" [shape=cylinder]\n  "t" [shape=box3d]\n  "v" [shape=box]\n'
        '  "s" -> "v"\n  "v" -> "t"\n}\n'
    )
    assert mermaid(built) == "graph LR\n  s[(s)]\n  t[[t]]\n  v[v]\n  s --> v\n  v --> t\n"
