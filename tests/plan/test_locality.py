"""Which plans are of one key each: by which columns a task needs of an input only a key's rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cpgbuild.core.task import TaskKind
from cpgbuild.errors.report import Place
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.definition import Definition, Options, define
from cpgbuild.plan.locality import local_inputs

COLUMNS = pa.schema(
    [
        ("k", pa.string()),
        ("v", pa.int64()),
        ("w", pa.int64()),
        ("l", pa.list_(pa.struct([("x", pa.int64())]))),
        ("s", pa.struct([("k", pa.string())])),
    ]
)
# A query, and the inputs of which it needs no rows but those whose `k` is that of the result.
CASES = {
    "select k, v from a": "a",
    "select k as k, v + w as v from a where w > 1": "a",
    "select k, v from a where k = 'main' or v > 1": "a",
    "select k, sum(v) as v from a group by k": "a",
    "select k, sum(v) as v from a group by k, w having count(*) > 1": "a",
    "select max(k) as k, w from a group by w": "",
    "select k, sum(v) as v from a group by rollup (k, w)": "",
    "select max(k) as k from a": "",
    "select distinct k, v from a": "a",
    "select distinct on (k) k, v from a order by k, v": "",
    "select k, sum(v) over (partition by k) as v from a": "a",
    "select k, sum(v) over (partition by w) as v from a": "",
    "select k, sum(v) over () as v from a": "",
    "select k, sum(v) over (partition by w, k) + sum(w) over (partition by k) as v from a": "a",
    "select k, sum(v) over (partition by k) + sum(v) over (partition by w) as v from a": "",
    "select k, v from a limit 3": "",
    "select k, v from (select * from a order by v limit 3)": "",
    "select k, v from a union all select k, v from b": "ab",
    "select k, v from a union select k, v from b": "ab",
    "select k, v from a union all select 'x' as k, v from b": "a",
    "select k, v from a union all select concat(k, 'x') as k, v from b": "a",
    "select k, v from a intersect select k, v from b": "ab",
    "select k, v from a except select k, v from b": "ab",
    "select a.k, b.v from a join b on a.k = b.k": "ab",
    "select b.k, b.v from a join b on a.k = b.k and a.v < b.v": "ab",
    "select a.k, b.v from a, b where a.k = b.k": "ab",
    "select a.k, b.v from a join b on a.v = b.v": "a",
    "select a.k, b.v from a cross join b": "a",
    "select a.k, b.v from a join b on a.k = concat(b.k, 'x')": "a",
    "select a.k, c.v from a join b on a.k = b.k join c on b.k = c.k": "abc",
    "select a.k, c.v from a join b on a.k = b.k join c on b.v = c.v": "ab",
    "select a.k, b.v from a left join b on a.k = b.k": "ab",
    "select b.k, a.v from a right join b on a.k = b.k": "ab",
    "select a.k, b.v from a left join b on a.v = b.v": "a",
    "select a.k, c.v from a join b on a.k = b.k left join c on b.k = c.k": "abc",
    "select a.k, c.v from a join b on a.v = b.v left join c on b.k = c.k": "a",
    "select a.k, c.v from a left join b on a.k = b.k left join c on b.k = c.k": "ab",
    "select a.k from a join b on a.k = b.k where exists (select 1 from c where c.k = b.k)": "abc",
    "select a.k, c.v from c right join (a join b on a.k = b.k) on c.k = b.k": "abc",
    "select b.k, a.v from a left join b on a.k = b.k": "",
    "select coalesce(a.k, b.k) as k from a full join b on a.k = b.k": "",
    "select case when a.v > 1 then a.k else b.k end as k from a join b on a.v = b.v": "",
    "select k, v from a where exists (select 1 from b where b.k = a.k)": "ab",
    "select k, v from a where not exists (select 1 from b where b.k = a.k)": "ab",
    "select k, v from a where not exists (select 1 from b where b.v = a.v)": "a",
    "select k, v from a where v in (select v from b)": "a",
    "select k, v from a where v not in (select v from b)": "a",
    "select k, v from a where v not in (select v from a)": "",
    "select k, (select count(*) from b) as v from a": "a",
    "select k, (select max(v) from a) as v from a": "",
    "select k, (select max(b.v) from b where b.k = a.k) as v from a": "ab",
    "select k, v from a where k = 'main' and (select count(*) from b) > 1": "a",
    "select x.k, y.v from a as x join a as y on x.k = y.k": "a",
    "select x.k, y.v from a as x join a as y on x.v = y.v": "",
    "select k, x.x as v from (select k, unnest(l) as x from a) as x": "a",
    "select unnest(l)['x'] as v, k from a": "a",
    "select s.k as k, v from a": "",
    "with recursive r as (select k, v from a union all select r.k, r.v + 1 as v from r "
    "join a on a.k = r.k where r.v < 3) select k, v from r": "",
    "select lower(k) as k, v from a": "",
    "select cast(v as text) as k from a": "",
    "select k, v from (values ('x', 1)) as t(k, v)": "",
    "with m as (select k, max(v) as v from a group by k) "
    "select m.k, n.v from m join m as n on m.k = n.k": "a",
    # Of null it is said elsewhere.
    "select a.k, b.v from a join b on a.k is not distinct from b.k": "ab",
}
# The same of rows whose key is null.
NULLS = {
    "select k, v from a": "a",
    "select k, sum(v) as v from a group by k": "a",
    "select a.k, b.v from a join b on a.k = b.k": "ab",
    "select a.k, b.v from a left join b on a.k = b.k": "ab",
    "select a.k, b.v from a left join b on a.v = b.v": "a",
    "select b.k, a.v from a left join b on a.k = b.k": "",
    "select a.k, b.v from a join b on a.k is not distinct from b.k": "a",
    "select k, v from a union all select null as k, v from b": "a",
    "select k, v from a where not exists (select 1 from b where b.k = a.k)": "ab",
    "select k, v from a where exists (select 1 from b where b.v = a.v)": "a",
}


def planned(*queries: str) -> Compiler:
    """Plan queries over three tables; all but the last are views."""
    place = Place("query.sql", 1)
    kinds = [TaskKind.VIEW] * (len(queries) - 1) + [TaskKind.COMPUTE]
    tasks: list[Definition] = [
        define(f"v{number}", kind, Options(), place, sql=text)
        for number, (kind, text) in enumerate(zip(kinds, queries, strict=True))
    ]
    sql = [define(n, TaskKind.COMPUTE, Options(), place, sql=f"select * from s{n}") for n in "abc"]
    compiler = Compiler([*tasks, *sql], {f"s{n}": lambda: COLUMNS for n in "abc"}, {}, Path())
    compiler.compile_all()
    assert not compiler.errors
    return compiler


def found(*queries: str, null: bool = False) -> str:
    """Return the inputs of which the last query needs only a key's rows; others are views."""
    local = local_inputs(planned(*queries), f"compute.v{len(queries) - 1}", "k", null=null)
    return "".join(sorted(name for name, columns in local.items() if "k" in columns))


@pytest.mark.parametrize("query", CASES)
def test_a_plan_is_of_one_key_where_that_is_proven(query: str) -> None:
    assert found(query) == CASES[query]


@pytest.mark.parametrize("query", NULLS)
def test_null_is_a_key_that_equals_no_other(query: str) -> None:
    assert found(query, null=True) == NULLS[query]


def test_keys_are_followed_through_views() -> None:
    assert found("select v, k as j from a", "select j as k, v from v0") == "a"
    assert found("select v, lower(k) as j from a", "select j as k, v from v0") == ""
    joined = "select v0.j as k, b.v from v0 join b on b.k = v0.j"
    assert found("select v, k as j from a", joined) == "ab"
    twice = "select x.k, y.v from v0 as x join v0 as y on x.v = y.v"
    assert found("select k, v from a", twice) == ""
