"""Pairs of which one query at least is an Ibis expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import pyarrow as pa

from cpgbuild import Catalog
from tests.plan.corpus_equal import MISSED

Query = Callable[[Catalog], ibis.Table]
Pairs = list[tuple[Any, ...]]


def on_orders(function: Callable[[ibis.Table], ibis.Table]) -> Query:
    return lambda catalog: function(catalog.table("orders"))


def on_both(function: Callable[[ibis.Table, ibis.Table], ibis.Table]) -> Query:
    return lambda catalog: function(catalog.table("orders"), catalog.table("people"))


def of(function: Callable[[ibis.Table], Any]) -> Query:
    """Return a query of one column."""
    return on_orders(lambda t: t.select(x=function(t)))


def memtable(rows: dict[str, list[Any]], **types: pa.DataType) -> Query:
    table = pa.table(rows, schema=pa.schema(list(types.items())) if types else None)
    return lambda catalog: catalog.table("orders").join(ibis.memtable(table), "k").select("id", "w")


def udf(body: str, name: str = "clean", **known: Any) -> Query:
    """Return a query that calls a function of this body, as an edited module would have it."""
    space: dict[str, Any] = {"ibis": ibis, **known}
    exec(f"def {name}(x: int) -> int:\n    return {body}\n", space)
    clean = ibis.udf.scalar.python(space[name])
    return of(lambda t: clean(t.k))


def text_udf(body: str) -> Query:
    space: dict[str, Any] = {"ibis": ibis}
    exec(f"def clean(x: str) -> str:\n    return {body}\n", space)
    clean = ibis.udf.scalar.python(space["clean"])
    return on_orders(lambda t: t.filter(clean(ibis.literal("a")) == t.s).select("id"))


def window(**options: Any) -> Any:
    return ibis.window(**options)


# fmt: off
EQUAL: dict[str, Pairs] = {
    "Ibis and SQL": [
        (on_orders(lambda t: t.select("id", "amount")), "select id, amount from orders"),
        (on_orders(lambda t: t.filter(t.k > 1).select("id")), "select id from orders where k > 1"),
        (on_orders(lambda t: t.filter(t.k > 1, t.amount < 9).select("id")), "select id from orders where amount < 9 and k > 1"),
        (on_orders(lambda t: t), "select * from orders" ),
        (on_orders(lambda t: t.group_by("k").agg(n=t.count())), "select k, count(*) n from orders group by k"),
        (on_orders(lambda t: t.group_by("k").agg(total=t.amount.sum())), "select k, sum(amount) as total from orders group by k", MISSED),
        (on_both(lambda t, p: t.join(p, "id").select("id", "name")), "select o.id, p.name from orders o join people p on o.id = p.id"),
        (on_both(lambda t, p: t.left_join(p, t.id == p.id).select(t.id, p.name)), "select o.id, p.name from orders o left join people p on o.id = p.id"),
        (on_both(lambda t, p: t.semi_join(p, "id").select("k")), "select k from orders o where exists (select 1 from people p where o.id = p.id)"),
        (on_both(lambda t, p: t.anti_join(p, "id").select("k")), "select k from orders o where not exists (select 1 from people p where o.id = p.id)"),
        (on_both(lambda t, p: t.select("k").union(p.select(k=p.d))), "select k from orders union all select d from people"),
        (on_orders(lambda t: t.select("k").distinct()), "select distinct k from orders"),
        (of(lambda t: t.s.upper()), "select upper(s) as x from orders"),
        (of(lambda t: t.k.fill_null(0)), "select coalesce(k, 0) as x from orders"),
        (on_orders(lambda t: t.order_by("id").limit(2).select("id")), "select id from orders order by id limit 2"),
        (of(lambda t: t.k.cast("float64")), "select cast(k as double) as x from orders"),
        (on_orders(lambda t: t.filter(t.s.isin(["a", "b"])).select("id")), "select id from orders where s in ('a', 'b')"),
        (on_both(lambda t, p: t.filter(t.k.isin(p.d)).select("id")), "select id from orders where k in (select d from people)"),
    ],
    "Ibis, written otherwise": [
        (on_orders(lambda t: t.filter(t.k > 1).filter(t.amount < 9).select("id")), on_orders(lambda t: t.filter(t.amount < 9, t.k > 1).select("id"))),
        (on_orders(lambda t: t.filter(t.k > 1).select("id")), on_orders(lambda t: t.select("id", "k").filter(ibis._.k > 1).drop("k"))),
        (on_orders(lambda t: t.mutate(y=t.k + 1).select("y")), on_orders(lambda t: t.select(y=t.k + 1))),
        (on_orders(lambda t: t.mutate(z=t.k + 1).filter(ibis._.z > 2).select(x="z")), on_orders(lambda t: t.mutate(w=t.k + 1).filter(ibis._.w > 2).select(x="w"))),
        (on_orders(lambda t: t.group_by("k").agg(n=t.count()).filter(ibis._.n > 1).select("k")), on_orders(lambda t: t.group_by("k").agg(how_many=t.count()).filter(ibis._.how_many > 1).select("k"))),
        (on_both(lambda t, p: t.join(p, "id").select("id", "name")), on_both(lambda t, p: t.join(p, t.id == p.id).select(t.id, p.name))),
        (on_both(lambda t, p: t.join(p, "id").filter(t.k > 1).select("id")), on_both(lambda t, p: t.filter(t.k > 1).join(p, "id").select("id"))),
        (on_orders(lambda t: t.select("id", "k")), on_orders(lambda t: t[["id", "k"]])),
        (on_orders(lambda t: t.filter((t.k > 1) & t.b).select("id")), on_orders(lambda t: t.filter(t.b & (t.k > 1)).select("id"))),
        (on_orders(lambda t: t.filter((t.k > 1) | t.b).select("id")), on_orders(lambda t: t.filter(t.b | (t.k > 1)).select("id"))),
        (on_orders(lambda t: t.rename(key="k").filter(ibis._.key > 1).select("id")), on_orders(lambda t: t.filter(t.k > 1).select("id"))),
        (on_orders(lambda t: t.filter(t.k.between(1, 2)).select("id")), on_orders(lambda t: t.filter(t.k >= 1, t.k <= 2).select("id"))),
        (on_orders(lambda t: t.mutate(r=ibis.row_number().over(group_by=t.k, order_by=t.id)).filter(ibis._.r == 0).select("id")), on_orders(lambda t: t.mutate(place=ibis.row_number().over(group_by=t.k, order_by=t.id)).filter(ibis._.place == 0).select("id"))),
        (memtable({"k": [1, 2], "w": ["x", None]}), memtable({"k": [1, 2], "w": ["x", None]}, k=pa.int64(), w=pa.string())),
        (udf("x + 1"), udf("x  +  1  # the next one")),
        (text_udf("x * 2"), text_udf("x *  2")),
    ],
}
DIFFERENT: dict[str, Pairs] = {
    "Ibis": [
        (on_both(lambda t, p: t.left_join(p.mutate(hit=1), "id").select(t.id, "hit")), on_both(lambda t, p: t.left_join(p, "id").select(t.id, hit=ibis.literal(1)))),
        (on_both(lambda t, p: t.left_join(p, "id").select(t.id, p.name)), on_both(lambda t, p: t.join(p, "id").select(t.id, p.name))),
        (on_both(lambda t, p: t.semi_join(p, t.id == p.d).select("id")), on_both(lambda t, p: t.anti_join(p, t.id == p.d).select("id"))),
        (on_both(lambda t, p: t.select("k", "id").union(p.select(k=p.d, id=p.id))), on_both(lambda t, p: t.select("k", "id").union(p.select(k=p.id, id=p.d)))),
        (on_both(lambda t, p: t.select("k").union(p.select(k=p.d))), on_both(lambda t, p: t.select("k").union(p.select(k=p.d), distinct=True))),
        (on_orders(lambda t: t.select("k").distinct()), on_orders(lambda t: t.select("k"))),
        (of(lambda t: ibis.literal(1, "int8")), of(lambda t: ibis.literal(1, "int16"))),
        (of(lambda t: ibis.literal(1, "int64")), of(lambda t: ibis.literal(1, "int32"))),
        (of(lambda t: t.k.cast("float32")), of(lambda t: t.k.cast("float64"))),
        (of(lambda t: t.s.cast("int64")), of(lambda t: t.s.try_cast("int64"))),
        (of(lambda t: t.b ^ t.q), of(lambda t: t.b | t.q)),
        (of(lambda t: t.k ^ t.id), of(lambda t: t.k**t.id)),
        (of(lambda t: t.amount + 0.1 + 0.2), of(lambda t: t.amount + (ibis.literal(0.1) + 0.2))),
        (of(lambda t: t.k - (t.id - t.i16)), of(lambda t: t.k - t.id - t.i16)),
        (of(lambda t: t.k // 2), of(lambda t: t.k / 2)),
        (of(lambda t: t.k / 2), of(lambda t: t.k / 2.5)),
        (of(lambda t: (t.b & t.q).isnull()), of(lambda t: t.b & t.q.isnull())),
        (of(lambda t: t.at.truncate("D")), of(lambda t: t.at.truncate("M"))),
        (of(lambda t: t.at.cast(ibis.expr.datatypes.Timestamp("Europe/Paris"))), of(lambda t: t.at.cast(ibis.expr.datatypes.Timestamp("America/New_York")))),
        (of(lambda t: t.k.sum().over(window(order_by=t.id, preceding=1, following=0))), of(lambda t: t.k.sum().over(window(order_by=t.id, preceding=2, following=0)))),
        (of(lambda t: t.k.count().over(ibis.rows_window(order_by=t.k, preceding=1, following=0))), of(lambda t: t.k.count().over(ibis.range_window(order_by=t.k, preceding=1, following=0)))),
        (of(lambda t: t.k.lag(1).over(order_by=t.id)), of(lambda t: t.k.lead(1).over(order_by=t.id))),
        (of(lambda t: t.k.sum(where=t.b)), of(lambda t: t.k.sum())),
        (of(lambda t: t.k.nunique()), of(lambda t: t.k.count())),
        (of(lambda t: t.count()), of(lambda t: t.k.count())),
        (of(lambda t: t.k.first(order_by=t.id)), of(lambda t: t.k.last(order_by=t.id))),
        (of(lambda t: t.s.like("a%")), of(lambda t: t.s.ilike("a%"))),
        (of(lambda t: t.s.substr(0, 1)), of(lambda t: t.s.substr(1, 1))),
        (of(lambda t: t.st.x), of(lambda t: t.st.y)),
        (of(lambda t: t.l[0]), of(lambda t: t.l[1])),
        (of(lambda t: ibis.struct({"a": t.k, "b": t.id})), of(lambda t: ibis.struct({"b": t.k, "a": t.id}))),
        (of(lambda t: ibis.array(["a, b"])), of(lambda t: ibis.array(["a", "b"]))),
        (of(lambda t: ibis.literal('a") OR (')), of(lambda t: ibis.literal("a\\) OR ("))),
        (of(lambda t: t.k.isin([1, 2])), of(lambda t: t.k.notin([1, 2]))),
        (on_orders(lambda t: t.order_by("id").limit(2).select("id")), on_orders(lambda t: t.order_by(ibis.desc("id")).limit(2).select("id"))),
        (on_orders(lambda t: t.order_by("id").limit(3).filter(ibis._.id > 1).select("id")), on_orders(lambda t: t.filter(t.id > 1).order_by("id").limit(3).select("id"))),
        (on_orders(lambda t: t.join(v := t.view(), t.k == v.id).select(t.id)), on_orders(lambda t: t.join(v := t.view(), t.k == v.id).select(v.id))),
        (on_orders(lambda t: t.select(a="k", b="id")), on_orders(lambda t: t.select(b="k", a="id"))),
        (on_orders(lambda t: t.rename(k="id", id="k").select("id")), on_orders(lambda t: t.select("id"))),
        (on_orders(lambda t: t.group_by("k").agg(n=t.count())), on_orders(lambda t: t.group_by("s").agg(n=t.count()).select(k=ibis.literal(1), n="n"))),
        (on_orders(lambda t: t.mutate(n=t.count().over(ibis.window())).filter(ibis._.k > 1).select("id", "n")), on_orders(lambda t: t.filter(t.k > 1).mutate(n=lambda t: t.count().over(ibis.window())).select("id", "n"))),
        (memtable({"k": [1, 2], "w": ["x", "y"]}), memtable({"k": [1, 2], "w": ["x", "z"]})),
        (memtable({"k": [1, 2], "w": ["x", "y"]}), memtable({"k": [1, 2], "w": ["x", None]})),
        (memtable({"k": [1, 2], "w": ["x", "y"]}), memtable({"k": [1, 2, 2], "w": ["x", "y", "y"]})),
        (memtable({"k": [1], "w": [1]}, k=pa.int64(), w=pa.int8()), memtable({"k": [1], "w": [1]}, k=pa.int64(), w=pa.int16())),
        (udf("x + 1"), udf("x + 2")),
        (udf("x + K", K=1), udf("x + K", K=2)),
        (udf("x + 1"), udf("x * 2", name="clean")),
        (text_udf("x"), text_udf("x * 2")),
        (text_udf("x"), text_udf("x + chr(34) + 'b'")),
        (on_orders(lambda t: t.select("id")), "select k as id from orders"),
        (on_orders(lambda t: t.filter(t.k > 1).select("id")), "select id from orders where k >= 1"),
        (on_both(lambda t, p: t.join(p, "id").select("id")), "select o.id from orders o left join people p on o.id = p.id"),
        (of(lambda t: ibis.literal(1, "int8")), "select 1 as x from orders"),
    ],
}
# fmt: on
