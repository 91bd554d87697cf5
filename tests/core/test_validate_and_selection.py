"""Each edge is validated on its own, and names in a request are resolved or explained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpgbuild.core.selection import Request, select
from cpgbuild.core.validate import check_edge, check_graph
from cpgbuild.errors.project import UnknownTarget
from cpgbuild.errors.report import Problems
from tests.core.graphs import graph, schema, task


def messages(errors: list[Exception]) -> list[str]:
    return [str(error) for error in errors]


def test_a_graph_whose_edges_fit_has_no_errors() -> None:
    fits = graph(task("a", "s(id)", gives="v, w: string"), task("b", "a(w: string)"), s="id, x")
    assert check_graph(fits) == []


def test_every_edge_that_does_not_fit_is_one_error_even_of_one_task() -> None:
    wrong = graph(task("a", "s(id, nam: string, x)", "t(y)"), s="id, name: string, x: date", t="z")
    errors = check_graph(wrong)
    assert messages(errors) == [
        "column `nam` is not in dataset `s`",
        "column `x` of dataset `s` has another type than its reader expects",
        "column `y` is not in dataset `t`",
    ]
    missing, wrong_type, _ = (error.report() for error in errors)
    assert missing.hint == "did you mean `name`?"
    assert str(missing.place) == "tasks/a.py:3"
    assert dict(wrong_type.facts)["expected"] == "`int64`"
    assert dict(wrong_type.facts)["found"] == "`date`"


def test_counting_rows_requires_no_column() -> None:
    assert check_graph(graph(task("a", "s"), s="")) == []


def test_an_edge_is_checked_against_evidence_too() -> None:
    reader = task("a", "s(id)")
    assert check_edge(reader, reader.requires[0], schema("id, more")) == []
    assert len(check_edge(reader, reader.requires[0], schema("id: string"))) == 1


def test_tasks_that_feed_one_dataset_must_agree_by_name_whatever_the_order() -> None:
    agree = graph(task("u", part="p", gives="a, b"), task("u", part="q", gives="b, a"))
    assert check_graph(agree) == []
    differ = graph(task("u", part="p", gives="a, b"), task("u", part="q", gives="a, b: string"))
    (error,) = check_graph(differ)
    assert "`b` is `string`, expected `int64`" in str(error.report().facts)


LINE = (
    task("a", "s"),
    task("b", "a", kind="view"),
    task("c", "b"),
    task("d", "a"),
    task("u", "s", part="p"),
    task("u", "d", part="q"),
)


def chosen(**request: tuple[str, ...]) -> set[str]:
    return {n.partition(".")[2] for n in select(graph(*LINE, s="v"), Request(**request)).tasks}


def test_no_target_is_everything() -> None:
    assert chosen() == {"a", "b", "c", "d", "p", "q"}


def test_a_target_brings_what_it_needs_and_nothing_else() -> None:
    assert chosen(targets=("c",)) == {"a", "b", "c"}
    assert chosen(targets=("compute.d", "b")) == {"a", "b", "d"}
    assert chosen(targets=("s",)) == set()


def test_a_dataset_that_several_feed_brings_all_of_them() -> None:
    assert chosen(targets=("u",)) == {"a", "d", "p", "q"}
    assert chosen(targets=("compute.p",)) == {"p"}


def test_an_excluded_table_also_excludes_what_only_it_needs() -> None:
    assert chosen(targets=("compute.q",), exclude=("d",)) == {"q"}
    assert chosen(exclude=("a",)) == {"b", "c", "d", "p", "q"}


def test_an_excluded_view_is_still_there_for_those_who_read_it() -> None:
    assert chosen(targets=("c",), exclude=("b",)) == {"a", "b", "c"}
    assert chosen(exclude=("b", "c")) == {"a", "d", "p", "q"}


def test_force_says_which_tasks_need_no_reason() -> None:
    selection = select(graph(*LINE, s="v"), Request(force=("u", "compute.a")))
    assert selection.forced == {"compute.p", "compute.q", "compute.a"}


@pytest.mark.parametrize("where", ["targets", "exclude", "force"])
def test_an_unknown_name_is_an_error_with_a_near_match(where: str) -> None:
    with pytest.raises(UnknownTarget) as caught:
        select(graph(task("sales", "s"), s="v"), Request(**{where: ("sale",)}))
    assert "`sale`" in str(caught.value)
    assert caught.value.report().hint == "did you mean `sales`?"


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(Problems) as caught:
        select(graph(*LINE, s="v"), Request(targets=("x1",), exclude=("x2",), force=("x1",)))
    assert len(caught.value.errors) == 2


def test_a_plus_takes_in_what_is_upstream_or_downstream() -> None:
    assert chosen(targets=("b+",)) == chosen(targets=("c",)) | chosen(targets=("b",))
    assert chosen(force=()) == chosen()
    assert forced("+c") == {"a", "b", "c"}
    assert forced("a+") == {"a", "b", "c", "d", "q"}
    assert forced("+d+") == {"a", "d", "q"}
    assert forced("s+") == {"a", "b", "c", "d", "p", "q"}
    assert forced("+s") == set()


def test_a_pattern_means_the_datasets_and_the_tasks_of_such_names() -> None:
    assert forced("compute.[cd]") == {"c", "d"}
    assert forced("?") == {"a", "b", "c", "d", "p", "q"}
    assert forced("u*") == {"p", "q"}
    assert forced("+[c]") == {"a", "b", "c"}


def test_a_tag_means_the_tasks_that_carry_it() -> None:
    tagged = [replace(t, tags=("nightly",)) if t.dataset in "bd" else t for t in LINE]
    made = graph(*tagged, s="v")
    for text, wanted in (("tag:nightly", "bd"), ("+tag:nightly", "abd"), ("tag:nightly+", "bcdq")):
        found = select(made, Request(force=(text,))).forced
        assert {name.partition(".")[2] for name in found} == set(wanted), text


@pytest.mark.parametrize("text", ["tag:nightl", "x*", "+sale", "sale+", "+", ""])
def test_a_selector_that_means_nothing_is_an_error(text: str) -> None:
    tagged = replace(task("sales", "s"), tags=("nightly",))
    with pytest.raises(UnknownTarget) as caught:
        select(graph(tagged, s="v"), Request(targets=(text,)))
    near = {"tag:nightl": "tag:nightly", "+sale": "sales", "sale+": "sales"}
    assert caught.value.report().hint.startswith("did you mean") == (text in near)
    assert near.get(text, "") in caught.value.report().hint


def forced(*texts: str) -> set[str]:
    found = select(graph(*LINE, s="v"), Request(force=texts)).forced
    return {name.partition(".")[2] for name in found}
