"""A chain of views as users write them, each reading the one before through its boundary."""

import datetime as dt
from decimal import Decimal

import datafusion
import ibis
import pyarrow as pa
import pytest
from datafusion import col
from ibis import _

from cpgbuild.plan.dialect import compile_table, render
from cpgbuild.plan.types import normalise_schema, reconcile
from tests.boundary.engines import facts

LINES = pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int32()), ("price", pa.float64())]))
ADDRESS = pa.struct([("city", pa.string()), ("zip", pa.int32())])


def sources() -> dict[str, pa.Table]:
    stamp = dt.datetime(2024, 1, 31, 23, tzinfo=dt.UTC)
    orders = {
        "order_id": pa.array(range(1, 9), pa.int64()),
        "customer_id": pa.array([1, 1, 1, 1, 2, 2, None, 9], pa.int64()),
        "status": ["New", "PAID", "paid", "void", "New", None, "PAID", "new"],
        "ts": pa.array(
            [stamp + dt.timedelta(days=20 * n) for n in range(8)], pa.timestamp("us", "UTC")
        ),
        "amount": pa.array(
            [Decimal(n) / 4 for n in (10, 20, 30, 40, -1, 60, 70, 80)], pa.decimal128(12, 2)
        ),
        "lines": pa.array(
            [
                [{"sku": "a", "qty": 1, "price": 0.5}, {"sku": "b", "qty": 2, "price": 1.5}],
                [],
                None,
                [],
                [{"sku": "a", "qty": 3, "price": 0.25}],
                [None],
                [{"sku": None, "qty": None, "price": None}],
                [{"sku": "b", "qty": 5, "price": 2.0}],
            ],
            LINES,
        ),
    }
    customers = {
        "customer_id": pa.array([1, 2, 3], pa.int64()),
        "country": ["fr", "de", None],
        "address": pa.array(
            [{"city": "Paris", "zip": 75000}, None, {"city": None, "zip": 1}], ADDRESS
        ),
        "tags": pa.array([["vip", "x"], ["x"], None], pa.list_(pa.string())),
    }
    return {"orders": pa.table(orders), "customers": pa.table(customers)}


def views(tables: dict[str, pa.Table]) -> dict[str, ibis.Table]:
    made: dict[str, ibis.Table] = {}
    read = {
        name: ibis.table(ibis.Schema.from_pyarrow(t.schema), name=name)
        for name, t in tables.items()
    }

    def view(name: str, expr: ibis.Table) -> ibis.Table:
        made[name] = expr
        return ibis.table(expr.schema(), name=name)

    o, c = read["orders"], read["customers"]
    clean = view(
        "orders_clean",
        o.filter(o.status != "void", o.amount > 0).mutate(
            status_n=o.status.lower(), n_lines=o.lines.length(), month=o.ts.truncate("M")
        ),
    )
    lines = view(
        "order_lines",
        o.select("order_id", "customer_id", line=o.lines.unnest()).select(
            "order_id", "customer_id", sku=_.line["sku"], qty=_.line["qty"], price=_.line["price"]
        ),
    )
    enriched = view(
        "enriched",
        clean.left_join(c, "customer_id").select(
            "order_id",
            "customer_id",
            "status_n",
            "amount",
            "month",
            "n_lines",
            country=c.country.upper(),
            city=c.address["city"],
            is_vip=c.tags.contains("vip"),
        ),
    )
    view(
        "by_city",
        enriched.group_by("country", "city").agg(
            n=_.count(),
            total=_.amount.sum(),
            custs=_.customer_id.nunique(),
            vips=_.is_vip.sum(),
            avg_lines=_.n_lines.mean(),
        ),
    )
    w = ibis.window(group_by="customer_id", order_by=[ibis.desc("amount"), "order_id"])
    top = clean.mutate(
        rn=ibis.row_number().over(w),
        prev=clean.amount.lag().over(w),
        run=clean.amount.sum().over(
            ibis.window(
                group_by="customer_id",
                order_by=[ibis.desc("amount"), "order_id"],
                preceding=None,
                following=0,
            )
        ),
    )
    view(
        "top3",
        top.filter(top.rn < 3).select("customer_id", "order_id", "rn", "amount", "prev", "run"),
    )
    view(
        "by_sku",
        lines.group_by("sku").agg(
            n=_.count(), q=_.qty.sum(), revenue=(_.qty * _.price).sum(), hi=_.price.max()
        ),
    )
    view(
        "line_join",
        lines.join(clean, "order_id").group_by("status_n", "month").agg(n=_.count(), q=_.qty.sum()),
    )
    t1 = (
        enriched.group_by(k=_.country)
        .agg(n=_.count())
        .select(kind=ibis.literal("country"), k="k", n="n")
    )
    t2 = (
        c.select("customer_id", tag=c.tags.unnest())
        .group_by(k=_.tag)
        .agg(n=_.count())
        .select(kind=ibis.literal("tag"), k="k", n="n")
    )
    view("mixed_union", ibis.union(t1, t2, distinct=False))
    view(
        "nested_out",
        clean.group_by("customer_id")
        .agg(n=_.count(), best=_.amount.max(), sks=_.status_n.collect().unique().sort())
        .mutate(pair=ibis.struct({"n": _.n, "best": _.best}))
        .select("customer_id", "pair", "sks"),
    )
    view(
        "monthly_share",
        enriched.group_by("month", "country")
        .agg(total=_.amount.sum())
        .mutate(
            share=_.total.cast("float64") / _.total.cast("float64").sum().over(group_by="month"),
            rk=ibis.dense_rank().over(group_by="month", order_by=ibis.desc("total")),
        ),
    )
    return made


@pytest.fixture(scope="module")
def ours() -> dict[str, pa.Table]:
    ctx = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    for name, table in sources().items():
        ctx.register_record_batches(name, [table.to_batches()])
    answers = {}
    for name, expr in views(sources()).items():
        frame = ctx.sql(render(compile_table(expr)))
        believed = normalise_schema(expr.schema().to_pyarrow())
        casts = [
            col(f'"{f.name}"').cast(reconcile(f.name, f.type, r.type)).alias(f.name)
            for f, r in zip(believed, frame.schema(), strict=True)
        ]
        frame = frame.select(*casts)
        ctx.register_view(name, frame)
        table = frame.to_arrow_table()
        answers[name] = table.cast(normalise_schema(table.schema))
    return answers


@pytest.fixture(scope="module")
def theirs() -> dict[str, pa.Table]:
    con = ibis.duckdb.connect()
    con.raw_sql("set timezone = 'UTC'")
    for name, table in sources().items():
        con.con.register(name, table)
    answers = {}
    for name, expr in views(sources()).items():
        con.raw_sql(f'create view "{name}" as {con.compile(expr)}')
        table = con.to_pyarrow(expr)
        answers[name] = table.cast(normalise_schema(table.schema))
    con.disconnect()
    return answers


@pytest.mark.parametrize("name", views(sources()))
def test_every_view_of_a_chain_agrees(ours, theirs, name):
    assert facts(ours[name]) == facts(theirs[name])
