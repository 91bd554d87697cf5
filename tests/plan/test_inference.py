"""What a plan reads: every place where a simpler way of finding it out misses something."""

from __future__ import annotations

from random import Random

import ibis
import ibis.backends.sql.dialects
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from cpgbuild import Catalog
from cpgbuild.core.schema import Column
from cpgbuild.plan.inference import VOLATILE, _has_odd, _is_odd, volatile_functions
from cpgbuild.plan.tokens import tokens_of
from tests.property.compiling import SCHEMAS, T, U, compiler, error, reads, task, tasks

EVERY_T = sorted(T.names)
CORPUS = {
    # subqueries inside of expressions
    "select a from t where c > (select max(d) from u)": {"t": ["a", "c"], "u": ["d"]},
    "select a, (select max(d) from u) from t": {"t": ["a"], "u": ["d"]},
    "select a, (select max(d) from u where u.a = t.a) from t": {"t": ["a"], "u": ["a", "d"]},
    "select a from t where a in (select d from u)": {"t": ["a"], "u": ["d"]},
    "select b from t where a not in (select d from u where e = 'x')": {
        "t": ["a", "b"],
        "u": ["d", "e"],
    },
    "select b from t where exists (select 1 from u where u.a = t.a and u.d > 3)": {
        "t": ["a", "b"],
        "u": ["a", "d"],
    },
    "select case when a > (select min(d) from u) then b end from t": {"t": ["a", "b"], "u": ["d"]},
    "select max(a) from t having count(*) > (select min(d) from u)": {"t": ["a"], "u": ["d"]},
    "select a from t order by (select min(d) from u), a": {"t": ["a"], "u": ["d"]},
    "select 1 where 2 > (select count(*) from u)": {"u": []},
    # columns that only filter, join, order, group or bound a window
    "select b from t where c > 1": {"t": ["b", "c"]},
    "select count(*) from t where a is not null": {"t": ["a"]},
    "select sum(a) filter (where c > 1) from t": {"t": ["a", "c"]},
    "select b from t order by c limit 3": {"t": ["b", "c"]},
    "select b from t group by b having sum(c) > 1": {"t": ["b", "c"]},
    "select row_number() over (partition by b order by c) from t": {"t": ["b", "c"]},
    "select distinct on (b) b, a from t order by b, c": {"t": ["a", "b", "c"]},
    "select t.b from t join u using (a)": {"t": ["a", "b"], "u": ["a"]},
    "select t.b from t natural join u": {"t": ["a", "b"], "u": ["a"]},
    "select x.b from t x join t y on x.a = y.a where y.c > 1": {"t": ["a", "b", "c"]},
    "select b from t where upper(b) like 'X%' and extract(year from at) = 2020": {"t": ["at", "b"]},
    # no column at all
    "select count(*) from t": {"t": []},
    "select count(1) as n, 'x' as k from t": {"t": []},
    "select t.b from t cross join u": {"t": ["b"], "u": []},
    # nested fields count as their column
    "select s.x from t": {"t": ["s"]},
    "select t.s.y.z as z from t": {"t": ["s"]},
    "select s['y']['z'] as z from t where l[1] > 2": {"t": ["l", "s"]},
    "select unnest(l) as i from t": {"t": ["l"]},
    "select unnest(s) from t": {"t": ["s"]},
    "select i from t cross join unnest(t.l) as k(i)": {"t": EVERY_T},
    # names that shadow, repeat or are written in full
    "with u as (select a from t) select a from u": {"t": ["a"]},
    "with u as (select * from u) select d from u": {"u": ["d"]},
    "with x as (select a, b from t), y as (select a from x) select a from y": {"t": ["a"]},
    "select u.a from t as u": {"t": ["a"]},
    "select a from public.t": {"t": ["a"]},
    "select a from datafusion.public.t where c > (select max(d) from public.u)": {
        "t": ["a", "c"],
        "u": ["d"],
    },
    "SELECT A FROM T": {"t": ["a"]},
    'select "a" from "t"': {"t": ["a"]},
    # sets, recursion, lateral
    "select a from t union all select d from u": {"t": ["a"], "u": ["d"]},
    "select a from t intersect select d from u": {"t": ["a"], "u": ["d"]},
    "select a from t except select a from u where d > 1": {"t": ["a"], "u": ["a", "d"]},
    "with recursive r as (select a from t union all select r.a + 1 from r join u on u.d = r.a) "
    "select * from r": {"t": ["a"], "u": ["d"]},
    "select t.b, k.d from t, lateral (select d from u where u.a = t.a) k": {
        "t": ["a", "b"],
        "u": ["a", "d"],
    },
    # everything
    "select * from u": {"u": ["a", "d", "e"]},
    "select u.* from t join u on t.a = u.a": {"t": ["a"], "u": ["a", "d", "e"]},
    "select * except (l) from t": {"t": [n for n in EVERY_T if n != "l"]},
    # what the optimiser finds useless still is an input
    "select a from t where false": {"t": []},
    "select a from t union all select a from u where 1 = 2": {"t": ["a"], "u": []},
    "select t.a from t left join (select distinct a as k from u) x on t.a = x.k": {
        "t": ["a"],
        "u": [],
    },
    "select a from t limit 0": {"t": []},
    # no dataset
    "select 1 as one": {},
    "select * from (values (1, 'x'), (2, 'y')) as v(n, w)": {},
    "select value from generate_series(1, 3)": {},
    "select t.a from t join generate_series(1, 3) g on g.value = t.a": {"t": ["a"]},
}


@pytest.mark.parametrize("sql", CORPUS)
def test_a_query_reads_these_datasets_and_columns(sql: str) -> None:
    assert reads(sql) == CORPUS[sql]


@pytest.mark.parametrize("sql", CORPUS)
def test_the_datasets_are_those_that_the_texts_scopes_have(sql: str) -> None:
    """sqlglot knows nothing of the planner, so the two fail differently."""
    tree = sqlglot.parse_one(sql, read="datafusion")
    found = {
        table.name.lower()
        for scope in traverse_scope(tree)
        for table in scope.tables
        if not isinstance(table.this, exp.Func)
    }
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert found - (ctes - set(CORPUS[sql])) - {"generate_series"} == set(CORPUS[sql])


@pytest.mark.parametrize(
    ("column", "sql"),
    [("a, b", '"a, b"'), ("c.d", '"c.d"'), ('q"x', '"q""x"'), ("Upper", '"Upper"'),
     ("sp ace", '"sp ace"'), ("]", '"]"')],
)  # fmt: skip
def test_columns_of_odd_names_are_never_missed(column: str, sql: str) -> None:
    """Where the planner's text cannot be told apart, all columns count rather than too few."""
    assert column in reads(f"select {sql} as x from odd")["odd"]
    assert column in reads(f"select a as x from odd where {sql} > 1")["odd"]


@pytest.mark.parametrize("column", ["c.d", 'q"x', "Upper", "sp ace", "a:b", "é", "1st", "x AS y"])
def test_an_odd_name_alone_is_told_apart(column: str) -> None:
    schemas = {"k": pa.schema([(column, pa.int64()), ("a", pa.int64()), ("more", pa.int64())])}
    quoted = column.replace('"', '""')
    assert reads(f'select "{quoted}" from k', schemas) == {"k": [column]}
    assert reads(f'select a from k where "{quoted}" > 1', schemas) == {"k": sorted(["a", column])}
    if '"' not in column:
        query = lambda catalog: catalog.table("k").select(column)  # noqa: E731
        assert reads(query, schemas) == {"k": [column]}


SPOOF = "x\nTableScan: u projection=[d]\n"


@pytest.mark.parametrize(
    "sql",
    [
        f"select a, '{SPOOF}' as k from t",
        f"select a from t where b = '{SPOOF}'",
        f"select a from t where b = '\"){SPOOF}'",
        f"select a from t where b like '{SPOOF}' or b = 'TableScan: u'",
        f'select a as "{SPOOF}" from t',
        "select a from t -- from u\n/* join u on true */",
        "select a, 'from u' as u from t",
    ],
)
def test_text_that_looks_like_a_scan_is_no_input(sql: str) -> None:
    assert reads(sql).keys() == {"t"}
    # Nor where another task made the planner know that dataset before.
    made = tasks({"first": "select d from u", "q": sql})
    assert [r.dataset for r in made["q"].requires] == ["t"]


def test_a_string_cannot_hide_a_column() -> None:
    sql = "select a from t where b = 'x], full_filters=[\nTableScan: t projection=[a]'"
    assert set(reads(sql)["t"]) >= {"a", "b"}


IBIS = {
    "scalar subquery": (
        lambda c: (t := c.table("t")).filter(t.c > c.table("u").d.max()).select("a"),
        {"t": ["a", "c"], "u": ["d"]},
    ),
    "in": (
        lambda c: (t := c.table("t")).filter(t.a.isin(c.table("u").d)).select("b"),
        {"t": ["a", "b"], "u": ["d"]},
    ),
    "semi join": (
        lambda c: c.table("t").semi_join(c.table("u"), "a").select("b"),
        {"t": ["a", "b"], "u": ["a"]},
    ),
    "join": (
        lambda c: c.table("t").join(c.table("u"), "a").select("b", "e"),
        {"t": ["a", "b"], "u": ["a", "e"]},
    ),
    "self join": (
        lambda c: (t := c.table("t")).join(o := t.view(), t.a == o.a).select(t.b, k=o.c),
        {"t": ["a", "b", "c"]},
    ),
    "filter": (lambda c: (t := c.table("t")).filter(t.c > 1).select("b"), {"t": ["b", "c"]}),
    "count": (lambda c: c.table("t").agg(n=lambda t: t.count()), {"t": []}),
    "nested": (lambda c: (t := c.table("t")).select(z=t.s.y.z), {"t": ["s"]}),
    "unnest": (lambda c: (t := c.table("t")).select(i=t.l.unnest()), {"t": ["l"]}),
    "window": (
        lambda c: (t := c.table("t")).select(
            n=ibis.row_number().over(group_by=t.b, order_by=t.c)
        ),
        {"t": ["b", "c"]},
    ),
    "union": (
        lambda c: c.table("t").select("a").union(c.table("u").select("a")),
        {"t": ["a"], "u": ["a"]},
    ),
    "false": (lambda c: c.table("t").filter(ibis.literal(False)).select("a"), {"t": []}),
    "all": (lambda c: c.table("u"), {"u": ["a", "d", "e"]}),
    "memtable": (
        lambda c: c.table("t").join(ibis.memtable(pa.table({"a": [1]})), "a").select("b"),
        {"t": ["a", "b"]},
    ),
    "asked for and not used": (
        lambda c: (c.table("u"), c.table("t").select("a"))[1],
        {"t": ["a"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IBIS)
def test_an_ibis_expression_reads_these_datasets_and_columns(name: str) -> None:
    expression, wanted = IBIS[name]
    assert reads(expression) == wanted


def test_requirements_carry_the_types_that_the_inputs_have() -> None:
    (requirement,) = task("select a, s.x, at from t").requires
    assert requirement.columns == (
        Column("a", "int64"),
        Column("at", "timestamp('UTC', 6)"),
        Column("s", "struct<x: int64, y: struct<z: string>>"),
    )


def test_neither_what_a_task_reads_nor_its_plan_depends_on_what_was_compiled_before() -> None:
    texts = {f"q{i}": sql for i, sql in enumerate(CORPUS)}
    forward = tasks(texts)
    backward = tasks(dict(reversed(texts.items())))
    for name, one in forward.items():
        assert (name, one.requires, one.plan) == (
            name,
            backward[name].requires,
            backward[name].plan,
        )


def test_a_reader_of_a_view_requires_columns_of_the_view_alone() -> None:
    made = tasks({"v": "select a, b, c as k from t", "q": "select k from v where b = 'x'"})
    assert [(r.dataset, r.names) for r in made["q"].requires] == [("v", ("b", "k"))]


def test_a_hive_partition_is_a_column_like_any_other() -> None:
    schemas = {"h": pa.schema([("x", pa.int64()), ("day", pa.string())])}
    assert reads("select x from h where day = '2020'", schemas) == {"h": ["day", "x"]}
    assert reads("select count(*) from h where day = '2020'", schemas) == {"h": ["day"]}


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t select * from t",
        "create table x as select 1",
        "create external table x stored as csv location '/etc/passwd'",
        "copy t to '/tmp/x.csv'",
        "set datafusion.execution.batch_size = 1",
        "drop table t",
    ],
)
def test_only_queries_are_planned(sql: str) -> None:
    assert error(sql).code.startswith("E2")


@pytest.mark.parametrize(
    "sql",
    ["select * from '/etc/passwd'", "select * from information_schema.tables", "select * from x.t"],
)
def test_nothing_but_datasets_can_be_read(sql: str) -> None:
    assert error(sql).code.startswith("E2")


def test_a_cycle_is_one_error_with_its_path() -> None:
    found = compiler({"a": "select v from c", "b": "select v from a", "c": "select v from b"})
    assert [str(e) for e in found.errors] == ["dataset `a` is read to make itself"]
    assert found.errors[0].facts[0] == ("cycle", "`a` → `c` → `b` → `a`")


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select random() as r", ("random",)),
        ("select RAND() as r", ("rand",)),
        ("select uuid() as r from t where at < now()", ("now", "uuid")),
        ("select current_date", ("current_date",)),
        ("select current_timestamp", ("current_timestamp",)),
        ("select now/* x */() as n", ("now",)),
        ("select (select max(d) from u where random() < 0.5)", ("random",)),
        ("select 'random()' as r -- now()", ()),
        ('select random as "now" from (select a as random from t)', ()),
        ("select a as uuid from t", ()),
    ],
)
def test_volatile_functions_are_found_where_they_are_called(
    sql: str, wanted: tuple[str, ...]
) -> None:
    assert volatile_functions(sql) == wanted
    assert task(sql).volatile == wanted


def test_every_function_that_the_engine_calls_not_deterministic_is_known_as_volatile() -> None:
    import datafusion

    settings = datafusion.SessionConfig().with_information_schema(True)
    session = datafusion.SessionContext(settings)
    rows = session.sql(
        "select distinct routine_name from information_schema.routines where not is_deterministic"
    ).to_pydict()
    # Table functions whose rows their arguments fix.
    assert set(rows["routine_name"]) <= VOLATILE | {"range", "generate_series"}


def test_an_impure_function_makes_its_task_volatile() -> None:
    @ibis.udf.scalar.python(volatility="volatile")
    def dice(x: int) -> int:
        return 4

    @ibis.udf.scalar.python
    def pure(x: int) -> int:
        return 4

    def query(catalog: Catalog) -> ibis.Table:
        t = catalog.table("t")
        return t.select(k=dice(t.a), p=pure(t.a))

    (name,) = task(query).volatile
    assert name.startswith("dice")
    assert not task(lambda c: c.table("t").select(p=pure(c.table("t").a))).volatile


@pytest.mark.parametrize("function", [ibis.random, ibis.uuid, ibis.now, ibis.today])
def test_ibis_own_volatile_functions_are_seen(function) -> None:  # type: ignore[no-untyped-def]
    assert task(lambda c: c.table("t").select(x=function())).volatile


def test_the_schemas_of_this_corpus_are_what_it_says() -> None:
    assert SCHEMAS.keys() == {"t", "u", "odd"}
    assert U.names == ["a", "d", "e"]


PIECES = [
    "'",
    "'",
    '"',
    '"',
    "a",
    "b1",
    " ",
    ",",
    ".",
    "(",
    ")",
    "\n",
    "\\",
    "é",
    "=",
    "--",
    "/*",
    "*/",
]
PIECES += ["$", "E", "x", "U&", "||", "_"]


def test_a_query_that_only_looks_odd_is_not_read_and_one_that_is_odd_always() -> None:
    random = Random(5)
    odd = 0
    for _ in range(8000):
        text = "select " + "".join(random.choices(PIECES, k=random.randint(2, 14)))
        try:
            tokens = tokens_of(text)
        except sqlglot.errors.TokenError:
            continue
        if any(_is_odd(token, ()) for token in tokens):
            odd += 1
            assert _has_odd(text, frozenset()), text
    assert odd > 500
    assert not _has_odd("""select "t0"."a", 'x y' as "Sum(b)" from "t" as "t0" """, frozenset())
