"""A translated query means in DataFusion what it meant in its database."""

import datetime as dt
import math
from decimal import Decimal

import datafusion
import duckdb
import pytest

from cpgbuild.plan.session import session_config
from cpgbuild.project.dbt.datasets import Datasets
from cpgbuild.project.dbt.manifest import Node
from cpgbuild.project.dbt.translation import Untranslatable, translate

ROWS = """
    select * from (values
        (1, 'a', 10, timestamp '2024-02-03 04:05:06', date '2024-02-03', 'x,y,z', 2.5::double, true),
        (2, 'B', 7, timestamp '2023-12-31 23:00:00', date '2023-12-31', 'q', -1.25::double, false),
        (3, null, null, null, null, null, null, null)
    ) as t(id, s, n, ts, d, csv, f, b)
"""
# What DuckDB and DataFusion have to agree upon.
EXPRESSIONS = """
n / 4
n // 4
n % 4
(n / 100)::numeric(16, 2)
s || '-' || id
concat(s, 'x', id)
strftime(ts, '%Y-%m-%d %H:%M')
strptime('2024-01-02', '%Y-%m-%d')
strptime('2024-01-02 03:04:05', '%Y-%m-%d %H:%M:%S')
date_trunc('month', ts)
date_trunc('week', ts)
date_diff('day', d, date '2024-03-01')
date_diff('day', ts, timestamp '2024-03-01 00:00:00')
date_diff('month', ts, timestamp '2024-03-01 00:00:00')
date_diff('quarter', ts, timestamp '2024-07-01 00:00:00')
date_diff('year', ts, timestamp '2024-07-01 00:00:00')
date_diff('hour', ts, timestamp '2024-03-01 00:30:00')
date_diff('minute', ts, timestamp '2024-03-01 00:30:30')
date_add(d, interval 3 day)
date_add(ts, interval (n) hour)
d + interval 1 month
ts + id * interval 2 hour
ts - (interval '1 day') * (id + 1)
ts + interval '2 hours'
d + 1
year(d)
quarter(d)
extract(dow from d)
make_date(2024, 1, id)
cast(ts as date)
d::timestamp
md5(cast(coalesce(cast(id as varchar), '_n') || '-' || coalesce(s, '_n') as varchar))
length(s)
substring(csv, 1, 3)
split_part(csv, ',', 2)
string_split(csv, ',')
regexp_matches(s, '^[a-z]')
regexp_replace(csv, '[xy]', '_', 'g')
contains(csv, 'y')
s ilike 'b'
s is not null
nullif(n, 7)
ifnull(n, 0)
case when b then 1 else 0 end
b::int
if(b, 1, 2)
sign(f)
greatest(n, 8)
n ** 2
n ^ 2
try_cast(s as int)
last_day(d)
row_number() over (order by n desc)
lag(n) over (order by id)
sum(n) over (partition by b order by id)
lpad(s, 3, '0')
position('y' in csv)
n is distinct from 7
list_contains([1, 2], id)
""".strip().splitlines()
AGGREGATES = """
sum(n)
avg(n)
count(distinct s)
count(*) filter (where b)
string_agg(s, ',' order by s)
median(n)
bool_or(b)
array_agg(id order by id)
count_if(b)
sum(n) / count(*)
percentile_cont(0.5) within group (order by n)
""".strip().splitlines()


def node(identifier, relation, kind="model", **facts) -> Node:
    return Node(
        f"{kind}.p.{identifier}", kind, identifier, identifier, "p", "", relation, None, facts
    )


def datasets(dialect="duckdb", *nodes) -> Datasets:
    known = Datasets(dialect)
    for each in nodes or (node("t", '"db"."main"."t"'), node("u", '"db"."main"."u"')):
        known.add(each)
    return known


@pytest.fixture(scope="module")
def engines():
    duck = duckdb.connect()
    duck.execute("attach ':memory:' as db")
    duck.execute(f"create table db.main.t as {ROWS}")
    duck.execute("create table db.main.u as select 1 as id, 'one' as name")
    here = datafusion.SessionContext(session_config())
    for name in ("t", "u"):
        rows = duck.sql(f"from db.main.{name}").to_arrow_table()
        here.register_record_batches(name, [rows.to_batches()])
    return duck, here


def answers(engines, query):
    duck, here = engines
    translated = translate(query, "duckdb", datasets())
    ours = here.sql(translated.sql).to_arrow_table().to_pylist()
    theirs = duck.sql(query).to_arrow_table().to_pylist()
    return [tuple(map(plain, row.values())) for row in ours], [
        tuple(map(plain, row.values())) for row in theirs
    ]


def plain(value):
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    if isinstance(value, float | Decimal):
        return None if math.isnan(value) else round(float(value), 9)
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_same_values(engines, expression):
    ours, theirs = answers(engines, f"select id, {expression} as x from db.main.t order by id")
    assert ours == theirs


@pytest.mark.parametrize("expression", AGGREGATES)
def test_an_aggregate_has_the_same_value(engines, expression):
    ours, theirs = answers(engines, f"select {expression} as x from db.main.t")
    assert ours == theirs


@pytest.mark.parametrize(
    "query",
    [
        # A WITH of a dataset's name is seen by what comes after it, and not by itself.
        "with t as (select id from db.main.t) select * from t order by id",
        "with t as (select 7 as id), a as (select t.id from db.main.t) select id from a order by id",
        "with t as (select 7 as id), a as (select t.id from t) select * from a",
        "with u as (select 7 as id) select t.id, u.id from db.main.t as t, u order by 1",
        "with u as (select 7 as id) select x.id, u.id from db.main.u as x, u",
        "with a as (with u as (select 7 as id) select * from u) select a.id, u.name from a, db.main.u",
        "with U as (select 7 as id) select u.name from db.main.u",
        "with recursive r as (select 1 as i union all select i + 1 from r where i < 3) select i from r",
        "select (select max(u.id) from db.main.u) as m, t.id from db.main.t order by t.id",
        "select db.main.t.id from db.main.t where t.id in (select u.id from db.main.u)",
        "select id from db.main.t qualify row_number() over (order by n desc) = 1",
        "select * exclude (s, csv, ts, d) from db.main.t order by n",
        "select n, id from db.main.t order by n desc",
        "select id from db.main.t union all select id from db.main.u order by id",
        "select t.id, i from db.main.t, unnest([1, 2]) as x(i) order by 1, 2",
    ],
)
def test_names_are_bound_as_they_were(engines, query):
    ours, theirs = answers(engines, query)
    assert ours == theirs


@pytest.mark.parametrize(
    ("dialect", "expression", "expected"),
    [
        ("snowflake", "to_char(ts, 'YYYY-MM')", "2024-02"),
        ("snowflake", "iff(n > 1, 'a', 'b')", "a"),
        ("snowflake", "datediff(week, d, '2024-03-01'::date)", 4),
        ("snowflake", "dateadd(day, n, d)", dt.date(2024, 2, 10)),
        ("snowflake", "div0(n, 2)", 3.5),
        ("snowflake", "zeroifnull(null)", 0),
        ("bigquery", "safe_divide(n, 0)", None),
        ("bigquery", "format_date('%Y-%m', d)", "2024-02"),
        ("bigquery", "parse_date('%Y-%m-%d', '2024-01-02')", dt.date(2024, 1, 2)),
        ("bigquery", "date_sub(d, interval n day)", dt.date(2024, 1, 27)),
        ("bigquery", "date_diff(date '2024-03-01', d, month)", 1),
        ("bigquery", "split(s, ',')[offset(0)]", "x"),
        ("bigquery", "date_diff(date '2024-03-01', d, isoweek)", 4),
        ("bigquery", "generate_uuid() is not null", True),
        ("postgres", "n / 2", 3),
        ("postgres", "to_char(ts, 'YYYY-MM-DD')", "2024-02-03"),
        ("postgres", "to_date('2024-01-02', 'YYYY-MM-DD')", dt.date(2024, 1, 2)),
        ("postgres", "d + ((interval '1 day') * (-1 * n))", dt.date(2024, 1, 27)),
        ("redshift", "datediff(day, ts, timestamp '2024-02-04 01:00:00')", 1),
        ("databricks", "date_format(ts, 'yyyy-MM-dd')", "2024-02-03"),
        ("databricks", "n div 2", 3),
    ],
)
def test_other_databases_sql_has_their_value(dialect, expression, expected):
    rows = (
        "select 7 as n, 'x,y' as s, timestamp '2024-02-03 04:05:06' as ts, date '2024-02-03' as d"
    )
    query = f"select {expression} as x from t"
    translated = translate(query, dialect, datasets(dialect, node("t", "t")))
    here = datafusion.SessionContext(session_config())
    here.register_view("t", here.sql(rows))
    assert here.sql(translated.sql).to_pylist() == [{"x": expected}]


@pytest.mark.parametrize(
    ("dialect", "relation"),
    [
        ("bigquery", "`proj-1`.`data`.`Orders`"),
        ("bigquery", "`proj-1.data.Orders`"),
        ("snowflake", "DB.DATA.ORDERS"),
        ("snowflake", '"DB"."DATA"."ORDERS"'),
        ("databricks", "`hive`.`data`.`orders`"),
        ("tsql", "[db].[data].[orders]"),
        ("postgres", '"data"."orders"'),
    ],
)
def test_a_relation_is_found_however_it_is_quoted(dialect, relation):
    known = datasets(dialect, node("Orders", relation))
    translated = translate(f"select 1 as one from {relation}", dialect, known)
    assert (translated.reads, translated.unknown) == ({"orders"}, frozenset())


def test_names_in_capitals_are_plain_names_to_snowflake():
    known = datasets("snowflake", node("T", "DB.S.T"))
    translated = translate('select "ID", "Name", n as "AS" from DB.S.T', "snowflake", known)
    assert translated.sql == 'SELECT\n  "id",\n  "Name",\n  n AS "as"\nFROM t\n'


@pytest.mark.parametrize("word", ["order", "user", "group", "values", "plain"])
def test_a_dataset_may_be_named_as_a_word_of_sql_is(word):
    known = datasets("duckdb", node(word, f'"db"."main"."{word}"'))
    query = f'select x.a, 1 / 2 as half from "db"."main"."{word}" as x'
    for text in (query, query.replace(", 1 / 2 as half", "")):
        here = datafusion.SessionContext(session_config())
        here.from_pydict({"a": [1]}, name=f'"{word}"')
        translated = translate(text, "duckdb", known)
        assert here.sql(translated.sql).to_pylist()[0]["a"] == 1


def test_what_means_the_same_stays_as_it_was_written():
    query = (
        "-- why\nwith a as (\n    select id, n::int as n  -- whole\n"
        "    from db.main.t x\n    where s != 'a' and n is not null\n)\nselect * from a;\n"
    )
    translated = translate(query, "duckdb", datasets())
    assert translated.sql == query.replace("db.main.t", "t").replace(";\n", "\n")


@pytest.mark.parametrize(
    "expression",
    ["n / 4", "n ^ 2", "n // 2", "strftime(ts, '%Y')", "len(s)", "sum(n) over (order by id desc)"],
)
def test_what_would_mean_something_else_is_written_anew(expression):
    query = f"select {expression} as x from t"
    assert expression not in translate(query, "duckdb", datasets()).sql


def test_a_format_of_another_database_is_written_anew():
    sql = translate("select to_char(ts, 'YYYY') as y from t", "postgres", datasets()).sql
    assert "'%Y'" in sql


@pytest.mark.parametrize(
    ("dialect", "query", "reason"),
    [
        ("postgres", "select 'a' similar to '%a' from t", "its SQL has `SIMILAR TO`"),
        ("bigquery", "select date_diff(d, e, week) from t", "its SQL has a difference of dates in"),
        ("duckdb", "select (", "its SQL cannot be parsed"),
        ("duckdb", "create table x as select 1", "its SQL is not one query"),
    ],
)
def test_what_cannot_be_said_is_refused(dialect, query, reason):
    with pytest.raises(Untranslatable, match=reason):
        translate(query, dialect, datasets(dialect, node("t", "t")))


def test_a_query_that_may_not_be_right_says_why():
    known = datasets("snowflake", node("t", "t"))
    assert translate("select any_value(s) as s from t", "duckdb", datasets()).doubts
    assert translate("select to_number(s) as n from t", "snowflake", known).doubts
    assert translate("select upper(s) as s from t", "snowflake", known).doubts == ()
