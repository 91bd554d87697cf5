# ruff: noqa: DTZ001 - timestamps without a zone are what is tested
"""Aggregates, windows, relations and literals."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import ibis
import pyarrow as pa
from ibis import _

from tests.boundary.columns import Make
from tests.boundary.tables import unbound


def _aggregates(**metrics: Callable[[ibis.Table], ibis.Value]) -> dict[str, Make]:
    """Each metric over all rows, and per group."""

    def whole(of: Callable[[ibis.Table], ibis.Value]) -> ibis.Table:
        t = unbound("numbers")
        return t.aggregate(out=of(t))

    def grouped(of: Callable[[ibis.Table], ibis.Value]) -> ibis.Table:
        t = unbound("numbers")
        return t.group_by("g").aggregate(out=of(t))

    return {
        **{f"agg_{name}": partial(whole, of) for name, of in metrics.items()},
        **{f"agg_{name}_by_group": partial(grouped, of) for name, of in metrics.items()},
    }


def _tables(**of: Make) -> dict[str, Make]:
    return of


def _literal(value: object, dtype: str | None = None) -> Make:
    return lambda: unbound("lhs").select("x", out=ibis.literal(value, type=dtype))


AGGREGATES = _aggregates(
    count=lambda t: t.count(),
    count_column=lambda t: t.i64.count(),
    count_where=lambda t: t.count(where=t.i64 > 0),
    nunique=lambda t: t.g.nunique(),
    nunique_where=lambda t: t.i64.nunique(where=t.i64 > 0),
    sum=lambda t: t.i64.sum(),
    sum_overflow=lambda t: (t.i64 * 1000000).sum() + 0 * t.i64.sum(),
    sum_int64_overflow=lambda t: (t.u8.cast("int64") * (2**56)).sum(),
    sum_small=lambda t: t.i8.sum(),
    sum_unsigned=lambda t: t.u8.sum(),
    sum_int32=lambda t: t.i32.sum(),
    sum_float32=lambda t: t.f32.sum(),
    sum_float=lambda t: t.f64.sum(),
    sum_decimal=lambda t: t.d.sum(),
    sum_bool=lambda t: t.b.sum(),
    sum_where=lambda t: t.i64.sum(where=t.b),
    sum_expression=lambda t: (t.i32 * t.f64).sum(),
    mean=lambda t: t.i32.mean(),
    mean_float=lambda t: t.f64.mean(),
    mean_decimal=lambda t: t.d.mean(),
    mean_bool=lambda t: t.b.mean(),
    min=lambda t: t.i64.min(),
    max=lambda t: t.i64.max(),
    min_string=lambda t: t.g.min(),
    max_decimal=lambda t: t.d.max(),
    min_bool=lambda t: t.b.min(),
    max_float_nan=lambda t: t.nan.max(),
    std=lambda t: t.i32.std(),
    variance=lambda t: t.f32.var(),
    var_pop=lambda t: t.f32.var(how="pop"),
    cov=lambda t: t.f32.cov(t.i16),
    corr=lambda t: t.f32.corr(t.i16),
    median=lambda t: t.f32.median(),
    quantile=lambda t: t.f32.quantile(0.25),
    approx_median=lambda t: t.f32.approx_median(),
    approx_nunique=lambda t: t.i64.approx_nunique(),
    any=lambda t: t.b.any(),
    all=lambda t: t.b.all(),
    not_any=lambda t: t.b.notany(),
    arbitrary=lambda t: t.g.arbitrary().isnull(),
    first_ordered=lambda t: t.g.first(order_by=t.id),
    last_ordered=lambda t: t.g.last(order_by=t.id),
    first_null=lambda t: t.i64.first(order_by=t.id.desc(), include_null=True),
    collect=lambda t: t.g.collect(order_by=t.id),
    collect_where=lambda t: t.i64.collect(where=t.i64 > 0, order_by=t.id),
    collect_distinct=lambda t: t.g.collect(distinct=True).sort(),
    group_concat=lambda t: t.g.group_concat("-").length(),
    group_concat_ordered=lambda t: t.g.group_concat("-", order_by=t.id),
    argmin=lambda t: t.g.argmin(t.i64),
    argmax=lambda t: t.g.argmax(t.i64),
    mode=lambda t: t.b.mode(),
    bit_and=lambda t: t.i64.bit_and(),
    bit_or=lambda t: t.i64.bit_or(),
    bit_xor=lambda t: t.i64.bit_xor(),
    kurtosis=lambda t: t.f32.kurtosis(),
)


def _windowed(**of: Callable[[ibis.Table, object], ibis.Value]) -> dict[str, Make]:
    def make(of: Callable[[ibis.Table, object], ibis.Value]) -> ibis.Table:
        t = unbound("numbers")
        return t.select(t.id, out=of(t, ibis.window(group_by=t.g, order_by=t.id)))

    return {f"window_{name}": partial(make, one) for name, one in of.items()}


WINDOWS = _windowed(
    row_number=lambda t, w: ibis.row_number().over(w),
    row_number_minus=lambda t, w: ibis.row_number().over(w) - 1,
    rank=lambda t, w: ibis.rank().over(w),
    dense_rank=lambda t, w: ibis.dense_rank().over(w),
    percent_rank=lambda t, w: ibis.percent_rank().over(w),
    cume_dist=lambda t, w: ibis.cume_dist().over(w),
    ntile=lambda t, w: ibis.ntile(2).over(w),
    lag=lambda t, w: t.i64.lag().over(w),
    lag_default=lambda t, w: t.i64.lag(2, -1).over(w),
    lead=lambda t, w: t.d.lead().over(w),
    first=lambda t, w: t.i64.first().over(w),
    last=lambda t, w: t.i64.last().over(w),
    first_with_null=lambda t, w: t.i64.first(include_null=True).over(w),
    nth=lambda t, w: t.i64.nth(1).over(w),
    sum_running=lambda t, w: t.d.sum().over(w),
    sum_group=lambda t, w: t.i64.sum().over(group_by=t.g),
    mean_rows=lambda t, w: t.f32.mean().over(ibis.window(order_by=t.id, preceding=1, following=1)),
    cumsum=lambda t, w: t.i64.cumsum(order_by=t.id),
    cummax=lambda t, w: t.i64.cummax(order_by=t.id),
    count_running=lambda t, w: t.count().over(w),
    share=lambda t, w: t.f32 / t.f32.sum().over(group_by=t.g),
    rank_descending=lambda t, w: ibis.rank().over(order_by=ibis.desc(t.i64)),
    rank_nulls_first=lambda t, w: ibis.rank().over(order_by=t.i64.asc(nulls_first=True)),
    range_frame=lambda t, w: t.id.sum().over(ibis.window(order_by=t.id, range=(-2, 0))),
    sum_where=lambda t, w: t.i64.sum(where=t.b).over(group_by=t.g),
)


def _joined(how: str) -> Make:
    return lambda: unbound("lhs").join(unbound("rhs"), "k", how=how)


def _qualified() -> ibis.Table:
    t = unbound("numbers")
    return t.filter(ibis.row_number().over(group_by=t.g, order_by=t.id) == 0).select("id", "g")


def _self_join() -> ibis.Table:
    t = unbound("lhs")
    other = t.view()
    return t.join(other, t.k == other.k).select(t.x, z=other.x)


RELATIONS = _tables(
    filter=lambda: unbound("numbers").filter(_.i64 > 0).select("id"),
    filter_many=lambda: unbound("numbers").filter(_.i64 > 0, _.b).select("id"),
    filter_null_predicate=lambda: unbound("numbers").filter(_.b).select("id"),
    filter_by_window=_qualified,
    mutate=lambda: unbound("lhs").mutate(z=_.k + 1, x=_.x.upper()),
    drop=lambda: unbound("lhs").drop("at"),
    rename=lambda: unbound("lhs").rename(key="k"),
    distinct=lambda: unbound("lhs").select("k").distinct(),
    distinct_on=lambda: unbound("lhs").filter(_.x != "r").distinct(on="k", keep="first"),
    order_by_limit=lambda: unbound("lhs").order_by("x").limit(2),
    order_by_desc_limit=lambda: unbound("lhs").order_by(ibis.desc("x")).limit(2, offset=1),
    order_by_nulls=lambda: unbound("lhs").order_by("k", "x").limit(3),
    order_by_nulls_desc=lambda: unbound("lhs").order_by(ibis.desc("k"), "x").limit(3),
    limit_zero=lambda: unbound("lhs").limit(0),
    inner_join=_joined("inner"),
    left_join=_joined("left"),
    right_join=_joined("right"),
    outer_join=_joined("outer"),
    semi_join=_joined("semi"),
    anti_join=_joined("anti"),
    cross_join=lambda: unbound("lhs").cross_join(unbound("rhs")),
    any_inner_join=_joined("any_inner"),
    asof_join=lambda: unbound("lhs").asof_join(unbound("rhs"), on=("at", "from")),
    inequality_join=lambda: unbound("lhs").join(unbound("rhs"), [_.at > unbound("rhs")["from"]]),
    join_computed=lambda: (lambda a, b: a.join(b, a.x.lower() == b.y.lower()))(
        unbound("lhs"), unbound("rhs")
    ),
    self_join=_self_join,
    union_all=lambda: unbound("lhs").select("k").union(unbound("rhs").select("k")),
    union_distinct=lambda: (
        unbound("lhs").select("k").union(unbound("rhs").select("k"), distinct=True)
    ),
    union_of_limits=lambda: (
        unbound("lhs")
        .order_by("x")
        .limit(1)
        .select("k")
        .union(unbound("rhs").order_by("y").limit(1).select("k"))
    ),
    union_types=lambda: (
        unbound("numbers").select(v=_.i8.cast("int64")).union(unbound("numbers").select(v="i64"))
    ),
    intersect=lambda: unbound("lhs").select("k").intersect(unbound("rhs").select("k")),
    difference=lambda: unbound("lhs").select("k").difference(unbound("rhs").select("k")),
    difference_all=lambda: (
        unbound("lhs").select("k").difference(unbound("rhs").select("k"), distinct=False)
    ),
    having=lambda: unbound("numbers").group_by("g").having(_.count() > 1).aggregate(n=_.count()),
    group_by_expression=lambda: (
        unbound("numbers").group_by(big=_.i64 > 5).aggregate(n=_.count(), s=_.d.sum())
    ),
    group_by_many=lambda: unbound("numbers").group_by("g", "b").aggregate(n=_.count()),
    value_counts=lambda: unbound("numbers").g.value_counts(),  # noqa: PLW0108
    scalar_subquery=lambda: (lambda t: t.filter(t.i32 < t.i32.mean()).select("id"))(
        unbound("numbers")
    ),
    in_subquery=lambda: (lambda a, b: a.filter(a.k.isin(b.k)))(unbound("lhs"), unbound("rhs")),
    not_in_subquery=lambda: (lambda a, b: a.filter(a.k.notin(b.k)))(
        unbound("lhs"), unbound("rhs").filter(_.k.notnull())
    ),
    exists=lambda: (lambda a, b: a.filter((a.k == b.k).any()))(unbound("lhs"), unbound("rhs")),
    not_exists=lambda: (lambda a, b: a.filter(~(a.k == b.k).any()))(unbound("lhs"), unbound("rhs")),
    unnest=lambda: unbound("nested").select("id", e=_.a.unnest()),
    unnest_table=lambda: unbound("nested").unnest("a").select("id", "a"),
    unnest_offset=lambda: unbound("nested").unnest("a", offset="at").select("id", "a", "at"),
    unnest_keep_empty=lambda: unbound("nested").unnest("a", keep_empty=True).select("id", "a"),
    unnest_structs=lambda: (
        unbound("nested").select("id", e=_.ls.unnest()).select("id", k=_.e["k"], v=_.e["v"])
    ),
    unpack_struct=lambda: unbound("nested").select("id", "st").unpack("st"),
    pivot_longer=lambda: unbound("numbers").select("id", "i8", "i16").pivot_longer(["i8", "i16"]),
    pivot_wider=lambda: (
        unbound("numbers")
        .select("id", "b", "i64")
        .filter(_.b.notnull())
        .mutate(b=_.b.ifelse("t", "f"))
        .pivot_wider(names_from="b", values_from="i64", names=["t", "f"], values_agg="sum")
    ),
    drop_null=lambda: unbound("lhs").drop_null("k"),
    fill_null_table=lambda: unbound("lhs").fill_null({"k": 0}),
    relocate=lambda: unbound("lhs").relocate("x"),
    memtable=lambda: ibis.memtable(pa.table({"p": ["a", "b"], "q": [1, 2]})),
    memtable_join=lambda: unbound("lhs").join(
        ibis.memtable(pa.table({"x": ["p", "q"], "w": [1, 2]})), "x"
    ),
    sample_free_topk=lambda: unbound("numbers").g.topk(1),
    null_column=lambda: unbound("lhs").select("x", out=ibis.null()),
    sql_keywords=lambda: unbound("rhs").select(_["from"].name("select"), _.y.name("Order")),
)

LITERALS = {
    "literal_int8": _literal(1, "int8"),
    "literal_int16": _literal(1, "int16"),
    "literal_int32": _literal(-1, "int32"),
    "literal_int64": _literal(1, "int64"),
    "literal_uint8": _literal(200, "uint8"),
    "literal_uint16": _literal(1, "uint16"),
    "literal_uint32": _literal(1, "uint32"),
    "literal_uint64": _literal(2**64 - 1, "uint64"),
    "literal_int64_min": _literal(-(2**63), "int64"),
    "literal_float32": _literal(0.1, "float32"),
    "literal_float64": _literal(0.1, "float64"),
    "literal_float_whole": _literal(3.0),
    "literal_float_tiny": _literal(5e-324),
    "literal_float_huge": _literal(1.7976931348623157e308),
    "literal_inf": _literal(float("inf")),
    "literal_negative_inf": _literal(float("-inf")),
    "literal_nan": _literal(float("nan")),
    "literal_decimal": _literal(Decimal("1.10")),
    "literal_decimal_typed": _literal(Decimal("1.1"), "decimal(10, 3)"),
    "literal_string": _literal('it\'s \\ "q" \n\t ü $1 {x} -- ;'),
    "literal_empty_string": _literal(""),
    "literal_bool": _literal(True),
    "literal_binary": _literal(b"\x00\xffab"),
    "literal_date": _literal(dt.date(2024, 2, 29)),
    "literal_date_early": _literal(dt.date(1, 1, 1)),
    "literal_timestamp": _literal(dt.datetime(2024, 2, 29, 1, 2, 3, 456789)),
    "literal_timestamp_typed": _literal(dt.datetime(2024, 2, 29, 1, 2, 3), "timestamp(6)"),
    "literal_timestamp_zoned": _literal(dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC)),
    "literal_time": _literal(dt.time(1, 2, 3, 456789)),
    "literal_null_int": _literal(None, "int16"),
    "literal_null_string": _literal(None, "string"),
    "literal_null_decimal": _literal(None, "decimal(10, 2)"),
    "literal_null_timestamp": _literal(None, "timestamp('UTC', 6)"),
    "literal_null_array": _literal(None, "array<int64>"),
    "literal_array": _literal([1, 2], "array<int32>"),
    "literal_array_empty": _literal([], "array<string>"),
    "literal_array_strings": _literal(["a", None]),
    "literal_struct": _literal({"a": 1, "b": "x"}, "struct<a: int64, b: string>"),
    "literal_map": _literal({"a": 1}, "map<string, int64>"),
    "literal_uuid": _literal("12345678-1234-5678-1234-567812345678", "uuid"),
}
