"""Impact: what a column reaches, and what the way from one lock to another does."""

from __future__ import annotations

from collections.abc import Mapping

from cpgbuild.core.graph import Graph
from cpgbuild.core.impact import Impact, column_impact, impact_since, lost
from cpgbuild.core.lock import Aspect, differences, lock_of
from cpgbuild.core.schema import Schema
from tests.core.graphs import graph, schema, task

# Per task and output column (`*`: the rows as such): what it is made of.
Made = Mapping[str, Mapping[str, Mapping[str, set[str]]]]

SHOP = graph(
    task("v", "s(a, b, c)", kind="view", gives="a, b, c"),
    task("w", "v(a, b)", gives="x, y"),
    task("n", "v()", gives="n"),
    task("z", "w(y)", gives="y"),
    s="a, b, c, d",
)
PLAIN: Made = {
    "view.v": {c: {"s": {c}} for c in "abc"} | {"*": {"s": set()}},
    "compute.w": {"x": {"v": {"a"}}, "y": {"v": {"b"}}, "*": {"v": set()}},
    "compute.n": {"n": {"v": set()}, "*": {}},
    "compute.z": {"y": {"w": {"y"}}, "*": {"w": set()}},
}
FILTERED: Made = PLAIN | {
    "view.v": {c: {"s": {c, "c"}} for c in "abc"} | {"*": {"s": {"c"}}},
}


def reached(built: Graph, made: Made, dataset: str, column: str) -> dict[str, Impact]:
    asked: list[str] = []

    def lineage(name: str, output: str | None) -> Mapping[str, set[str]]:
        asked.append(name)
        return made[name]["*" if output is None else output]

    found = column_impact(built, dataset, column, lineage)
    assert [i.distance for i in found] == sorted(i.distance for i in found)
    result = {i.task.name: i for i in found}
    readers = {t.name for t in built.tasks.values() if t.requires}
    assert set(result) <= set(asked) <= readers
    return result


def test_a_column_reaches_what_is_made_of_it() -> None:
    found = reached(SHOP, PLAIN, "s", "a")
    assert {n: (i.distance, i.columns, i.affects) for n, i in found.items()} == {
        "view.v": (1, ("a",), ("a",)),
        "compute.w": (2, ("a",), ("x",)),
    }


def test_a_column_that_decides_which_rows_there_are_reaches_all_that_counts_them() -> None:
    found = reached(SHOP, FILTERED, "s", "c")
    assert {n: (i.distance, i.columns, i.affects) for n, i in found.items()} == {
        "view.v": (1, ("c",), ("a", "b", "c")),
        "compute.w": (2, ("a", "b"), ("x", "y")),
        "compute.n": (2, (), ("n",)),
        "compute.z": (3, ("y",), ("y",)),
    }


def test_a_column_that_nobody_requires_reaches_nobody() -> None:
    assert reached(SHOP, PLAIN, "s", "d") == {}


def test_a_column_of_a_view_and_of_a_table() -> None:
    assert set(reached(SHOP, PLAIN, "v", "b")) == {"compute.w", "compute.z"}
    assert set(reached(SHOP, PLAIN, "w", "y")) == {"compute.z"}
    assert set(reached(SHOP, PLAIN, "w", "x")) == set()


def test_tasks_that_are_not_reached_are_not_looked_into() -> None:
    def lineage(name: str, output: str | None) -> Mapping[str, set[str]]:
        raise AssertionError(name)

    assert column_impact(SHOP, "s", "d", lineage) == []


def test_a_column_of_one_part_is_one_of_the_whole() -> None:
    built = graph(
        task("u", "s(a)", part="p", kind="view", gives="k, m"),
        task("u", "t(b)", part="q", kind="view", gives="k, m"),
        task("r", "u(k)", gives="k"),
        task("o", "u(m)", gives="m"),
        s="a",
        t="b",
    )
    made: Made = {
        "view.p": {"k": {"s": {"a"}}, "m": {"s": set()}, "*": {"s": set()}},
        "compute.r": {"k": {"u": {"k"}}, "*": {"u": set()}},
        "compute.o": {"m": {"u": {"m"}}, "*": {"u": set()}},
    }
    assert set(reached(built, made, "s", "a")) == {"view.p", "compute.r"}


def test_a_query_that_requires_a_column_for_nothing_that_can_be_told_is_affected_as_a_whole() -> (
    None
):
    built = graph(task("r", "s(a)", gives="k, m"), s="a")
    made: Made = {"compute.r": {"k": {}, "m": {}, "*": {}}}
    assert reached(built, made, "s", "a")["compute.r"].affects == ("k", "m")


def test_what_the_optimiser_drops_reaches_nobody() -> None:
    """A left join with unique rows of which no column is used: its rows may come and go."""
    built = graph(
        task("v", "s(a)", kind="view", gives="a"), task("r", "t(x)", "v()", gives="x"), s="a", t="x"
    )
    rows = {"s": {"a"}}
    made: Made = {
        "view.v": {"a": rows, "*": rows},
        "compute.r": {"x": {"t": {"x"}}, "*": {"t": set()}},
    }
    assert set(reached(built, made, "s", "a")) == {"view.v"}


BEFORE = (
    task("v", "s(a, b)", kind="view", gives="a, b"),
    task("w", "v(a)", leaves=("s(a)",), views={"v": "1"}),
    task("x", "w(v)"),
    task("y", "v(b)", leaves=("s(b)",), views={"v": "1"}),
    task("e", "s(a)"),
)


def since(*after: object, **sources: str) -> dict[str, tuple[int, list[str]]]:
    old = graph(*BEFORE, s="a, b")
    new = graph(*after, **(sources or {"s": "a, b"}))  # type: ignore[arg-type]
    found = impact_since(lock_of(old), lock_of(new), new)
    return {
        i.task.name: (i.distance, [f"{c.aspect} {c.dataset}".strip() for c in i.because])
        for i in found
    }


def test_nothing_changed() -> None:
    assert since(*BEFORE) == {}


def test_a_query_that_changed_reaches_what_reads_its_table() -> None:
    changed = task("w", "v(a)", leaves=("s(a)",), views={"v": "1"}, query="2", plan="2")
    assert since(BEFORE[0], changed, *BEFORE[2:]) == {
        "compute.w": (0, ["query"]),
        "compute.x": (1, ["upstream w"]),
    }


def test_a_view_that_changed_reaches_whom_its_change_concerns() -> None:
    v = task("v", "s(a, b)", kind="view", gives="a, b", query="2", plan="2")
    w = task("w", "v(a)", leaves=("s(a)",), views={"v": "2"}, plan="2")
    assert since(v, w, *BEFORE[2:]) == {
        "view.v": (0, ["query"]),
        "compute.w": (1, ["upstream v"]),
        "compute.x": (2, ["upstream w"]),
    }


def test_a_table_reaches_through_views_that_read_it() -> None:
    tables = (
        task("t", "s(a)", gives="a, b"),
        task("v", "t(a, b)", kind="view", gives="a, b", leaves=("t(a, b)",)),
        task("w", "v(a)", leaves=("t(a)",), views={"v": "1"}),
    )
    changed = (task("t", "s(a)", gives="a, b", query="2", plan="2"), *tables[1:])
    old, new = graph(*tables, s="a"), graph(*changed, s="a")
    found = impact_since(lock_of(old), lock_of(new), new)
    assert [(i.task.name, i.distance) for i in found] == [
        ("compute.t", 0),
        ("view.v", 1),
        ("compute.w", 2),
    ]


def test_a_task_that_is_new_and_one_that_is_gone() -> None:
    assert since(*BEFORE, task("new", "w(v)")) == {"compute.new": (0, ["added"])}
    old, new = graph(*BEFORE, s="a, b"), graph(*BEFORE[:4], s="a, b")
    assert impact_since(lock_of(old), lock_of(new), new) == []
    gone = [(d.name, [str(c.aspect) for c in d.changes]) for d in lost(lock_of(old), lock_of(new))]
    assert gone == [("compute.e", ["removed"])]


def test_a_part_that_is_gone_reaches_the_readers_of_the_whole() -> None:
    parts = (task("u", "s(a)", part="p"), task("u", "s(a)", part="q"), task("r", "u(v)"))
    old = graph(*parts, s="a")
    new = graph(parts[0], task("r", "u(v)", plan="2"), s="a")
    found = impact_since(lock_of(old), lock_of(new), new)
    assert [(i.task.name, i.distance) for i in found] == [("compute.r", 1)]


def test_a_source_whose_schema_changed_is_said_to_be_why_a_query_did() -> None:
    changed = task("e", "s(a: string)", query="2", plan="2")
    assert since(*BEFORE[:4], changed, s="a: string, b") == {
        "compute.e": (0, ["query", "upstream s"])
    }
    assert since(*BEFORE, s="a, b, more") == {}


def said(before: object, after: object) -> list[str]:
    (found,) = differences(
        lock_of(graph(before, s="a, b: string", t="x")),  # type: ignore[arg-type]
        lock_of(graph(after, s="a, b: string", t="x")),  # type: ignore[arg-type]
    )
    return [f"{c.aspect}: {c.detail}".rstrip(": ") for c in found.changes]


def test_what_is_different_of_a_task_is_said() -> None:
    one = task("q", "s(a)", gives="v, w: string")
    assert said(one, task("q", "s(a)", gives="v, w: string", query="2")) == ["query"]
    assert said(one, task("q", "s(a, b)", "t(x)", gives="v, w: string")) == [
        "inputs: s.b added",
        "inputs: t(x) added",
    ]
    assert said(task("q", "s(a)", "t(x)"), task("q", "s(b)")) == [
        "inputs: s.b added",
        "inputs: s.a removed",
        "inputs: t removed",
    ]
    assert said(one, task("q", "s(a)", gives="v: string, z")) == [
        "schema: z: int64 added",
        "schema: w removed",
        "schema: v: int64 → string",
    ]
    assert said(one, task("q", "s(a)", gives="w: string, v")) == [
        "schema: columns in another order"
    ]
    assert said(one, task("q", "s(a)", gives="v, w: string", volatile=("random",))) == [
        "volatile: random added"
    ]
    view = task("q", "s(a)", gives="v, w: string", kind="view", name="compute.q")
    assert said(one, view) == ["kind: compute → view"]


def test_what_is_different_of_sources_is_said() -> None:
    old, new = graph(s="a, b", t="x"), graph(s="a: string, c", u="x")
    assert isinstance(schema("a"), Schema)
    found = differences(lock_of(old, "one"), lock_of(new, "two"))
    assert [(d.name, [(c.aspect, c.detail) for c in d.changes]) for d in found] == [
        ("", [(Aspect.PLANNER, "one → two")]),
        (
            "s",
            [
                (Aspect.SCHEMA, "c: int64 added"),
                (Aspect.SCHEMA, "b removed"),
                (Aspect.SCHEMA, "a: int64 → string"),
            ],
        ),
        ("t", [(Aspect.REMOVED, "")]),
        ("u", [(Aspect.ADDED, "")]),
    ]


def test_another_planner_alone_is_no_difference() -> None:
    built = graph(*BEFORE, s="a, b")
    assert differences(lock_of(built, "one"), lock_of(built, "two")) == []
