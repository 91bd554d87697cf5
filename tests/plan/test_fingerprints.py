"""Plan fingerprints: equal in every process and order, different where the meaning is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from cpgbuild import Catalog, compute
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.definition import MARK
from tests.property.compiling import ROOT, SCHEMAS, T, task, tasks
from tests.property.mapped import as_it_is, other_way

FACTOR = 3


@ibis.udf.scalar.python
def tripled(x: int) -> int:
    return x * FACTOR


def with_memtable(catalog: Catalog) -> ibis.Table:
    rows = ibis.memtable(pa.table({"a": [1, 2], "k": ["x", None]}))
    return catalog.table("t").join(rows, "a").select("a", "k")


def with_function(catalog: Catalog) -> ibis.Table:
    t = catalog.table("t")
    return t.select(k=tripled(t.a))


def with_union(catalog: Catalog) -> ibis.Table:
    return catalog.table("t").select("a").union(catalog.table("u").select("a"), distinct=True)


def with_subquery(catalog: Catalog) -> ibis.Table:
    t, u = catalog.table("t"), catalog.table("u")
    return t.filter(t.a.isin(u.d), t.c > u.d.mean()).select("a", "b")


def with_variable(catalog: Catalog) -> ibis.Table:
    t = catalog.table("t")
    return t.filter(t.b == catalog.var("region")).select("a")


PROJECT: dict[str, Any] = {
    "memtable": with_memtable,
    "function": with_function,
    "many": with_union,
    "subquery": with_subquery,
    "variable": with_variable,
    "q1": "select a, count(*) as n from t group by a",
    "q2": "with k as (select b, max(c) as m from t group by b) select * from k join u on k.b = u.e",
    "q3": "select * from q1 join function on q1.a = function.k",
}


def fingerprints() -> dict[str, str]:
    return {name: str(one.plan) for name, one in tasks(PROJECT, region="eu").items()}


def test_fingerprints_are_equal_in_processes_that_hash_differently() -> None:
    code = (
        "import json; from tests.plan.test_fingerprints import fingerprints;"
        "print(json.dumps(fingerprints(), sort_keys=True))"
    )
    seen = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        seen.add(ended.stdout)
    assert len(seen) == 1


def test_fingerprints_do_not_depend_on_the_order_of_compiling() -> None:
    backward = tasks(dict(reversed(PROJECT.items())), region="eu")
    assert {n: t.plan for n, t in backward.items()} == fingerprints()


def test_fingerprints_do_not_depend_on_the_tasks_around() -> None:
    for name in ("memtable", "function", "many", "subquery", "q1"):
        alone = tasks({name: PROJECT[name]})
        assert alone[name].plan == fingerprints()[name]


def plan(text: Any, schemas: dict[str, pa.Schema] = SCHEMAS, **variables: str) -> str:
    return str(task(text, schemas, **variables).plan)


SAME = [
    ("select a from t", "select  a\nfrom t -- a comment"),
    ("select a from t", "SELECT A FROM T;"),
    ("select a from t", "/* x */ select t.a from t"),
    ("select a from t where c > 1", "select a from (select * from t) where c > 1"),
    ("select a, b from t where c > 1 + 1", "select a, b from t where c > 2"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_another_way_to_write_it_is_no_other_plan(one: str, two: str) -> None:
    assert plan(one) == plan(two)


DIFFERENT = [
    ("select a from t where c > 1", "select a from t where c > 2"),
    ("select a from t where b = 'x'", "select a from t where b = 'X'"),
    ("select a from t", "select a as k from t"),
    ("select a from t", "select cast(a as int) as a from t"),
    ("select a, c from t", "select c, a from t"),
    ("select a from t", "select distinct a from t"),
    ("select a from t", "select d as a from u"),
    ("select a from t union all select a from u", "select a from t union select a from u"),
    ("select sum(a) as k from t", "select sum(distinct a) as k from t"),
    ("select sum(a) as k from t", "select sum(a) filter (where c > 1) as k from t"),
    ("select a from t order by a limit 5", "select a from t order by a desc limit 5"),
    ("select a from t limit 5", "select a from t limit 5 offset 1"),
    ("select cast(b as int) as k from t", "select try_cast(b as int) as k from t"),
    ("select t.a from t join u on t.a = u.a", "select t.a from t left join u on t.a = u.a"),
    ("select t.a from t join u on t.a = u.a", "select t.a from t join u on t.a = u.d"),
    ("select a from t where a in (select d from u)", "select a from t where a not in (select d from u)"),
    ("select first_value(a) over (order by c) k from t", "select first_value(a) ignore nulls over (order by c) k from t"),
    ("select at at time zone 'Europe/Paris' k from t", "select at at time zone 'America/New_York' k from t"),
    ("select b like 'x!_%' escape '!' k from t", "select b like 'x!_%' k from t"),
    ("select 0.0::double k from t", "select -0.0::double k from t"),
    ("select now() as k from t", "select now() + interval '1 day' as k from t"),
    ("select random() as k from t", "select random() as k from u"),
    # where the planner's text says less than the plan, or says it ambiguously
    ("select * from (values (1),(2),(3),(4),(5),(6)) v(n)", "select * from (values (1),(2),(3),(4),(5),(7)) v(n)"),
    ("select value from generate_series(1, 3)", "select value from generate_series(1, 4)"),
    ("select value from range(1, 9)", "select value from range(1, 9, 2)"),
    ("select make_array('a, b') as k from t", "select make_array('a', 'b') as k from t"),
    ("select make_array('', null) as k from t", "select make_array(null, '') as k from t"),
    ("select named_struct('a', '1,b:2') as k from t", "select named_struct('a', '1', 'b', '2') as k from t"),
    ("select map(['a'], ['1']) as k from t", "select map(['a'], ['2']) as k from t"),
    ("select a from t where b in ('a', 'b')", "select a from t where b in ('a\") OR t.b = Utf8(\"b')"),
    ("select x'000102030405060708090a0b0c' as k from t", "select x'000102030405060708090a0b0d' as k from t"),
    ("select a from t where b in ('a', 'b')", "select a from t where b in (E'a\\x22) OR t.b = Utf8(\\x22b')"),
    ("select a from t where a in (1,2,3,4,5,6,7,8,9,10,11,12)", "select a from t where a in (1,2,3,4,5,6,7,8,9,10,11,13)"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_another_meaning_is_another_plan(one: str, two: str) -> None:
    assert plan(one) != plan(two)


def changed_type(**types: pa.DataType) -> dict[str, pa.Schema]:
    fields = [pa.field(f.name, types.get(f.name, f.type)) for f in T]
    return SCHEMAS | {"t": pa.schema(fields)}


def test_the_type_of_an_input_column_counts_and_that_of_an_unread_one_does_not() -> None:
    assert plan("select a from t") != plan("select a from t", changed_type(a=pa.int32()))
    assert plan("select a from t") == plan("select a from t", changed_type(c=pa.int32()))
    added = SCHEMAS | {"t": T.append(pa.field("more", pa.string()))}
    for text in ("select a from t where c > 1", "select count(*) as n from t", with_function):
        assert plan(text) == plan(text, added)
    assert plan("select * from t") != plan("select * from t", added)


def memtable(rows: dict[str, list[Any]], **types: pa.DataType) -> Any:
    table = pa.table(rows, schema=pa.schema(list(types.items())) if types else None)
    return lambda catalog: catalog.table("t").join(ibis.memtable(table), "a").select("a", "k")


def test_a_row_of_a_memtable_counts_its_name_does_not() -> None:
    base = plan(memtable({"a": [1, 2], "k": ["x", "y"]}))
    assert base == plan(memtable({"a": [1, 2], "k": ["x", "y"]}))
    others: list[dict[str, list[Any]]] = [
        {"a": [1, 2], "k": ["x", "z"]},
        {"a": [1, 2], "k": ["x", None]},
        {"a": [1, 2, 2], "k": ["x", "y", "y"]},
        {"a": [1], "k": ["x"]},
    ]
    assert len({base, *(plan(memtable(rows)) for rows in others)}) == len(others) + 1


def function(body: str, **known: Any) -> Any:
    """Return a task whose UDF has this body, as an edited module would."""
    space: dict[str, Any] = {"ibis": ibis, **known}
    exec(f"def clean(x: int) -> int:\n    return {body}\n", space)
    clean = ibis.udf.scalar.python(space["clean"])
    return lambda catalog: catalog.table("t").select(k=clean(catalog.table("t").a))


def test_the_body_of_a_udf_counts_and_what_it_closes_over_too() -> None:
    assert plan(function("x + 1")) == plan(function("x + 1"))
    assert plan(function("x + 1")) != plan(function("x + 2"))
    assert plan(function("x + K", K=1)) == plan(function("x + K", K=1))
    assert plan(function("x + K", K=1)) != plan(function("x + K", K=2))


def test_how_many_plans_came_before_does_not_count() -> None:
    """The planner numbers the names that it makes up from plan to plan."""
    text = (
        "select case when u.x is null then null else u.x + 1 end y, u.x * 2 z, s.x sx, s.y.z deep "
        "from (select unnest(l) + a as x, s from t) u where u.x + 1 > 2 and exists "
        "(select 1 from u as o where o.a = u.x) and u.x < (select max(d) from u as m)"
    )
    alone = tasks({"q": text})["q"]
    behind = {f"n{number}": text.replace("> 2", f"> {number}") for number in range(3, 9)}
    assert tasks({**behind, "q": text})["q"].query == alone.query


def test_a_udf_counts_for_those_who_require_what_it_makes() -> None:
    def reader(body: str, column: str) -> str:
        space: dict[str, Any] = {}
        exec(f"def clean(x: int) -> int:\n    return {body}", space)
        clean = ibis.udf.scalar.python(space["clean"])

        def v(catalog: Catalog) -> ibis.Table:
            t = catalog.table("t")
            return t.select("b", cleaned=clean(t.a))

        made = tasks({"v": v, "q": f"select {column} from v"})
        return made["q"].plan

    assert reader("x + 1", "b") == reader("x + 2", "b")
    assert reader("x + 1", "cleaned") != reader("x + 2", "cleaned")


def test_two_udfs_of_one_name_are_two() -> None:
    made = tasks({"one": function("x + 1"), "two": function("x + 2")})
    assert made["one"].plan != made["two"].plan


def test_a_constant_of_the_module_that_a_udf_uses_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan(with_function)
    monkeypatch.setitem(globals(), "FACTOR", 4)
    assert plan(with_function) != before


def test_a_variables_value_counts_where_it_is_read() -> None:
    assert plan(with_variable, region="eu") != plan(with_variable, region="us")
    assert plan(with_union, region="eu") == plan(with_union, region="us")
    assert task(with_variable, region="eu").variables == ("region",)


def decorated(**options: Any) -> str:
    @compute(**options)
    def out(catalog: Catalog) -> ibis.Table:
        return catalog.table("u").select("a", "d", "e")

    made = Compiler([getattr(out, MARK)], {"u": lambda: SCHEMAS["u"]}, {}, ROOT)
    made.compile_all()
    if made.errors:
        raise made.errors[0]
    return str(made.tasks["compute.out"].plan)


MAP = {"schema": {"a": "int64", "d": "int64"}, "map": as_it_is}


def test_options_that_change_the_table_count_and_others_do_not() -> None:
    assert decorated(partition_by="a") != decorated()
    assert decorated(partition_by=["a", "d"]) != decorated(partition_by=["d", "a"])
    assert decorated(priority=1, tags=["x"], description="y") == decorated()
    # A contract that holds changes nothing.
    assert decorated(schema={"a": "int64", "d": "int64", "e": "string"}) == decorated()


def test_a_mapping_counts_by_its_code_its_key_its_content_and_its_schema() -> None:
    keyed = MAP | {"key": "a", "content": "e"}
    plans = [
        decorated(),
        decorated(**MAP),
        decorated(**MAP | {"map": other_way}),
        decorated(**MAP | {"schema": {"a": "int64", "d": "int32"}}),
        decorated(**MAP | {"schema": {"d": "int64", "a": "int64"}}),
        decorated(**keyed),
        decorated(**keyed | {"content": "d"}),
        decorated(**keyed | {"key": "d", "content": "e"}),
    ]
    assert len(set(plans)) == len(plans)
    assert decorated(**keyed) == decorated(**keyed)


def test_the_project_of_this_file_has_no_path_in_its_fingerprints(tmp_path: Path) -> None:
    """A checkout elsewhere has the same plans."""
    source = "import ibis\nFACTOR = 3\n@ibis.udf.scalar.python\ndef tripled(x: int) -> int:\n    return x * FACTOR\n"
    seen = set()
    for folder in ("one", "two"):
        copied = tmp_path / folder / "elsewhere.py"
        copied.parent.mkdir()
        copied.write_text(source)
        space: dict[str, Any] = {"__name__": "elsewhere", "__file__": str(copied)}
        exec(compile(source, str(copied), "exec"), space)
        clean = space["tripled"]
        seen.add(plan(lambda c, clean=clean: c.table("t").select(k=clean(c.table("t").a))))
    assert len(seen) == 1
