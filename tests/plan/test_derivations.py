"""What each output column is made of, with its expression: checked by hand, and by changing data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import datafusion
import pyarrow as pa
import pytest

from cpgbuild import Catalog, compute
from cpgbuild.core.lineage import Cell, Derivations, Uses
from cpgbuild.plan.expressions import pretty
from cpgbuild.plan.session import session_config
from tests.property.compiling import Text, compiler
from tests.property.mapped import as_it_is

DAYS = [date(2026, 1, n) for n in (3, 1, 2, 5, 4, 9)]
TABLES = {
    "orders": pa.table(
        {
            "id": [1, 2, 3, 4, 5, 6],
            "customer": ["ada", "bob", "ada", "", "eve", "12"],
            "amount": [12.5, 7.0, 3.0, 99.0, 6.0, 6.5],
            "day": pa.array(DAYS, pa.date32()),
            "tags": [["a", "b"], [], ["b"], ["c"], ["a"], ["d", "e"]],
            "place": [
                {"city": city, "at": {"lat": float(n), "lon": -float(n)}}
                for n, city in enumerate("abcdef")
            ],
        }
    ),
    "rates": pa.table({"customer": ["ada", "bob", "eve", "zoe"], "rate": [2.0, 3.0, 0.5, 4.0]}),
    "people": pa.table(
        {"id": [1, 2, 3, 4], "boss": [None, 1, 1, 2], "name": ["ann", "ben", "cid", "dan"]}
    ),
}
SCHEMAS = {name: table.schema for name, table in TABLES.items()}


@dataclass(frozen=True)
class Case:
    """A query; of each column the expression and what it is made of; what decides its rows."""

    sql: str
    columns: dict[str, str]
    rows: str = ""

    @property
    def runs(self) -> bool:
        """Whether the engine can run what it can plan."""
        return "unnest(o.tags)" not in self.sql


CASES = [
    Case(
        "SELECT id, amount AS total FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "total": "orders.amount <- orders.amount identity",
        },
        rows="",
    ),
    Case(
        "SELECT * FROM rates",
        {
            "customer": "rates.customer <- rates.customer identity",
            "rate": "rates.rate <- rates.rate identity",
        },
        rows="",
    ),
    Case(
        "SELECT o.*, r.rate FROM orders AS o JOIN rates AS r ON o.customer = r.customer",
        {
            "id": "orders.id <- orders.id identity",
            "customer": "orders.customer <- orders.customer identity",
            "amount": "orders.amount <- orders.amount identity",
            "day": "orders.day <- orders.day identity",
            "tags": "orders.tags <- orders.tags identity",
            "place": "orders.place <- orders.place identity",
            "rate": "rates.rate <- rates.rate identity",
        },
        rows="orders.customer join, rates.customer join",
    ),
    Case(
        "SELECT amount * 2 + 1 AS more, upper(customer) AS who, amount > 3 AS big, -amount AS less FROM orders",
        {
            "more": "orders.amount * 2 + 1 <- orders.amount transformation",
            "who": "upper(orders.customer) <- orders.customer transformation",
            "big": "orders.amount > 3 <- orders.amount transformation",
            "less": "-orders.amount <- orders.amount transformation",
        },
        rows="",
    ),
    Case(
        "SELECT CAST(id AS VARCHAR) AS text, TRY_CAST(customer AS BIGINT) AS number FROM orders",
        {
            "text": "CAST(orders.id AS string) <- orders.id transformation",
            "number": "TRY_CAST(orders.customer AS int64) <- orders.customer transformation",
        },
        rows="",
    ),
    Case(
        "SELECT CASE WHEN amount > 10 THEN customer ELSE 'few' END AS kind FROM orders",
        {
            "kind": "CASE WHEN orders.amount > 10 THEN orders.customer ELSE 'few' END <- orders.amount condition, orders.customer transformation",
        },
        rows="",
    ),
    Case(
        "SELECT CASE customer WHEN 'ada' THEN amount WHEN 'bob' THEN -amount END AS signed FROM orders",
        {
            "signed": "CASE orders.customer WHEN 'ada' THEN orders.amount WHEN 'bob' THEN -orders.amount END <- orders.amount transformation, orders.customer condition",
        },
        rows="",
    ),
    Case(
        "SELECT coalesce(rate, 1.0) AS rate, nullif(customer, '') AS customer FROM rates",
        {
            "rate": "coalesce(rates.rate, 1) <- rates.rate transformation",
            "customer": "nullif(rates.customer, '') <- rates.customer transformation",
        },
        rows="",
    ),
    Case(
        "SELECT customer, sum(amount) AS total, count(*) AS n, avg(amount) AS mean, count(DISTINCT id) AS ids FROM orders GROUP BY customer",
        {
            "customer": "orders.customer <- orders.customer identity",
            "total": "sum(orders.amount) <- orders.amount aggregation",
            "n": "count(*) <-",
            "mean": "avg(orders.amount) <- orders.amount aggregation",
            "ids": "count(DISTINCT orders.id) <- orders.id aggregation",
        },
        rows="orders.customer group",
    ),
    Case(
        "SELECT customer, sum(amount) FILTER (WHERE id > 2) AS late FROM orders GROUP BY customer HAVING max(day) > DATE '2026-01-01'",
        {
            "customer": "orders.customer <- orders.customer identity",
            "late": "sum(orders.amount) FILTER (WHERE orders.id > 2) <- orders.amount aggregation, orders.id condition",
        },
        rows="orders.customer group, orders.day filter",
    ),
    Case(
        "SELECT sum(amount) / count(id) AS mean FROM orders",
        {
            "mean": "sum(orders.amount) / count(orders.id) <- orders.amount aggregation, orders.id aggregation",
        },
        rows="",
    ),
    Case(
        "SELECT date_trunc('month', day) AS month, max(amount) AS top FROM orders GROUP BY date_trunc('month', day)",
        {
            "month": "date_trunc('month', orders.day) <- orders.day transformation",
            "top": "max(orders.amount) <- orders.amount aggregation",
        },
        rows="orders.day group",
    ),
    Case(
        "SELECT array_agg(id ORDER BY day) AS ids, first_value(customer ORDER BY amount DESC) AS best FROM orders",
        {
            "ids": "array_agg(orders.id) ORDER BY [orders.day] <- orders.day condition, orders.id aggregation",
            "best": "first_value(orders.customer) ORDER BY [orders.amount DESC] <- orders.amount condition, orders.customer aggregation",
        },
        rows="",
    ),
    Case(
        "SELECT id, row_number() OVER (PARTITION BY customer ORDER BY amount DESC) AS place FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "place": "row_number() OVER (PARTITION BY orders.customer ORDER BY orders.amount DESC) <- orders.amount window, orders.customer window",
        },
        rows="",
    ),
    Case(
        "SELECT id, lag(amount) OVER (ORDER BY day) AS before, sum(amount) OVER (PARTITION BY customer) AS total FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "before": "lag(orders.amount) OVER (ORDER BY orders.day) <- orders.amount transformation, orders.day window",
            "total": "sum(orders.amount) OVER (PARTITION BY orders.customer) <- orders.amount aggregation, orders.customer window",
        },
        rows="",
    ),
    Case(
        "SELECT id, amount - avg(amount) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS off FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "off": "orders.amount - (avg(orders.amount) OVER (ORDER BY orders.id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)) <- orders.amount aggregation/transformation, orders.id window",
        },
        rows="",
    ),
    Case(
        "SELECT id, customer FROM orders UNION ALL SELECT id, name FROM people",
        {
            "id": "orders.id | people.id <- orders.id identity, people.id identity",
            "customer": "orders.customer | people.name <- orders.customer identity, people.name identity",
        },
        rows="",
    ),
    Case(
        "SELECT customer AS name FROM orders UNION SELECT name FROM people",
        {
            "name": "orders.customer | people.name <- orders.customer identity, people.name identity",
        },
        rows="orders.customer group, people.name group",
    ),
    Case(
        "SELECT customer FROM orders INTERSECT SELECT customer FROM rates",
        {
            "customer": "orders.customer <- orders.customer identity",
        },
        rows="orders.customer group/join, rates.customer join",
    ),
    Case(
        "SELECT customer FROM orders EXCEPT SELECT customer FROM rates WHERE rate > 1",
        {
            "customer": "orders.customer <- orders.customer identity",
        },
        rows="orders.customer group/join, rates.customer join, rates.rate filter",
    ),
    Case(
        "SELECT id, unnest(tags) AS tag FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "tag": "unnest(orders.tags) <- orders.tags transformation",
        },
        rows="orders.tags unnest",
    ),
    Case(
        "SELECT o.id, t.tag FROM orders AS o CROSS JOIN unnest(o.tags) AS t(tag)",
        {
            "id": "orders.id <- orders.id identity",
            "tag": "unnest(orders.tags) <- orders.tags transformation",
        },
        rows="orders.tags unnest",
    ),
    Case(
        "SELECT id, place.city AS city, place['at']['lat'] AS lat FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "city": "orders.place.city <- orders.place transformation",
            "lat": "orders.place.at.lat <- orders.place transformation",
        },
        rows="",
    ),
    Case(
        "SELECT named_struct('who', customer, 'much', amount) AS pair, make_array(id, 1) AS ids FROM orders",
        {
            "pair": "named_struct('who', orders.customer, 'much', orders.amount) <- orders.amount transformation, orders.customer transformation",
            "ids": "make_array(orders.id, 1) <- orders.id transformation",
        },
        rows="",
    ),
    Case(
        "SELECT tags[1] AS first, array_length(tags) AS many FROM orders",
        {
            "first": "array_element(orders.tags, 1) <- orders.tags transformation",
            "many": "array_length(orders.tags) <- orders.tags transformation",
        },
        rows="",
    ),
    Case(
        "WITH big AS (SELECT id, amount * 2 AS twice FROM orders WHERE amount > 5), sums AS (SELECT sum(twice) AS s FROM big) SELECT big.id, big.twice / sums.s AS share FROM big CROSS JOIN sums",
        {
            "id": "orders.id <- orders.id identity",
            "share": "(orders.amount * 2) / sum(orders.amount * 2) <- orders.amount aggregation/transformation",
        },
        rows="orders.amount filter",
    ),
    Case(
        "SELECT p.name, b.name AS boss FROM people AS p LEFT JOIN people AS b ON p.boss = b.id",
        {
            "name": "people.name <- people.name identity",
            "boss": "people.name <- people.name identity",
        },
        rows="people.boss join, people.id join",
    ),
    Case(
        "SELECT customer, rate, amount FROM orders JOIN rates USING (customer)",
        {
            "customer": "orders.customer <- orders.customer identity",
            "rate": "rates.rate <- rates.rate identity",
            "amount": "orders.amount <- orders.amount identity",
        },
        rows="orders.customer join, rates.customer join",
    ),
    Case(
        "SELECT o.id FROM orders AS o WHERE o.customer IN (SELECT customer FROM rates WHERE rate > 2)",
        {
            "id": "orders.id <- orders.id identity",
        },
        rows="orders.customer join, rates.customer join, rates.rate filter",
    ),
    Case(
        "SELECT o.id FROM orders AS o WHERE NOT EXISTS (SELECT 1 FROM rates AS r WHERE r.customer = o.customer)",
        {
            "id": "orders.id <- orders.id identity",
        },
        rows="orders.customer join, rates.customer join",
    ),
    Case(
        "SELECT id, (SELECT max(rate) FROM rates) AS best FROM orders",
        {
            "id": "orders.id <- orders.id identity",
            "best": "max(rates.rate) <- rates.rate aggregation",
        },
        rows="",
    ),
    Case(
        "SELECT o.id, (SELECT max(r.rate) FROM rates AS r WHERE r.customer = o.customer) AS mine FROM orders AS o",
        {
            "id": "orders.id <- orders.id identity",
            "mine": "max(rates.rate) <- rates.rate aggregation",
        },
        rows="orders.customer join, rates.customer group/join",
    ),
    Case(
        "SELECT o.id, x.best FROM orders AS o, LATERAL (SELECT max(rate) AS best FROM rates AS r WHERE r.customer = o.customer) AS x",
        {
            "id": "orders.id <- orders.id identity",
            "best": "max(rates.rate) <- rates.rate aggregation",
        },
        rows="orders.customer filter, rates.customer filter",
    ),
    Case(
        "SELECT DISTINCT customer FROM orders",
        {
            "customer": "orders.customer <- orders.customer identity",
        },
        rows="orders.customer group",
    ),
    Case(
        "SELECT DISTINCT ON (customer) customer, amount FROM orders ORDER BY customer, day DESC",
        {
            "customer": "orders.customer <- orders.customer identity",
            "amount": "orders.amount <- orders.amount identity",
        },
        rows="orders.customer group/sort, orders.day sort",
    ),
    Case(
        "SELECT id, amount FROM orders ORDER BY amount DESC LIMIT 3",
        {
            "id": "orders.id <- orders.id identity",
            "amount": "orders.amount <- orders.amount identity",
        },
        rows="orders.amount sort",
    ),
    Case(
        "WITH RECURSIVE chain AS (SELECT id, boss, 0 AS depth FROM people WHERE boss IS NULL UNION ALL SELECT p.id, p.boss, c.depth + 1 FROM people AS p JOIN chain AS c ON p.boss = c.id WHERE c.depth < 4) SELECT id, depth FROM chain",
        {
            "id": "people.id <- people.id identity",
            "depth": "0 | chain.depth + 1 <-",
        },
        rows="people.boss filter/join, people.id join",
    ),
    Case(
        "SELECT customer, day, sum(amount) AS total FROM orders GROUP BY ROLLUP (customer, day)",
        {
            "customer": "orders.customer <- orders.customer identity",
            "day": "orders.day <- orders.day identity",
            "total": "sum(orders.amount) <- orders.amount aggregation",
        },
        rows="orders.customer group, orders.day group",
    ),
    Case(
        "SELECT a.total, b.total AS other FROM (SELECT customer, sum(amount) AS total FROM orders GROUP BY customer) AS a JOIN (SELECT customer, sum(rate) AS total FROM rates GROUP BY customer) AS b ON a.customer = b.customer",
        {
            "total": "sum(orders.amount) <- orders.amount aggregation",
            "other": "sum(rates.rate) <- rates.rate aggregation",
        },
        rows="orders.customer group/join, rates.customer group/join",
    ),
    Case(
        "SELECT 1 AS one, 'x' AS word, DATE '2026-01-01' AS day, INTERVAL '2 days' AS span FROM orders",
        {
            "one": "1 <-",
            "word": "'x' <-",
            "day": "DATE '2026-01-01' <-",
            "span": "INTERVAL '2 days' <-",
        },
        rows="",
    ),
    Case(
        "SELECT k, v FROM (VALUES (1, 'a'), (2, 'b')) AS t(k, v)",
        {
            "k": "VALUES <-",
            "v": "VALUES <-",
        },
        rows="",
    ),
    Case(
        "SELECT customer || '-' || CAST(id AS VARCHAR) AS \"key\", customer LIKE 'a%' AS a, id BETWEEN 1 AND 5 AS few, id IN (1, 2) AS some, amount IS NULL AS gone FROM orders",
        {
            "key": "orders.customer || '-' || CAST(orders.id AS string) <- orders.customer transformation, orders.id transformation",
            "a": "orders.customer LIKE 'a%' <- orders.customer transformation",
            "few": "orders.id BETWEEN 1 AND 5 <- orders.id transformation",
            "some": "orders.id IN (1, 2) <- orders.id transformation",
            "gone": "orders.amount IS NULL <- orders.amount transformation",
        },
        rows="",
    ),
    Case(
        "SELECT t.id, t.total FROM (SELECT id, sum(amount) OVER (PARTITION BY customer) AS total, row_number() OVER (PARTITION BY customer ORDER BY day) AS n FROM orders) AS t WHERE t.n = 1",
        {
            "id": "orders.id <- orders.id identity",
            "total": "sum(orders.amount) OVER (PARTITION BY orders.customer) <- orders.amount aggregation, orders.customer window",
        },
        rows="orders.customer filter, orders.day filter",
    ),
    Case(
        "SELECT id FROM orders AS o WHERE amount > (SELECT avg(amount) FROM orders)",
        {
            "id": "orders.id <- orders.id identity",
        },
        rows="orders.amount join",
    ),
    Case(
        'SELECT id AS "Odd, name", amount AS "select" FROM orders',
        {
            "Odd, name": "orders.id <- orders.id identity",
            "select": "orders.amount <- orders.amount identity",
        },
        rows="",
    ),
]


def derived(text: Text) -> Derivations:
    made = compiler({"q": text}, SCHEMAS)
    assert not made.errors
    (name,) = made.tasks
    return made.derivations(name)


def said(uses: Uses) -> str:
    return ", ".join(f"{cell} {'/'.join(sorted(kinds))}" for cell, kinds in sorted(uses.items()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql)
def test_a_column_is_made_of_these(case: Case) -> None:
    found = derived(case.sql)
    columns = {
        name: f"{made.expression} <- {said(made.uses)}".strip()
        for name, made in found.columns.items()
    }
    assert (columns, said(found.rows)) == (case.columns, case.rows)


def test_more_than_sixty_columns_were_checked_by_hand() -> None:
    assert sum(len(case.columns) for case in CASES) > 60


def result(sql: str, tables: dict[str, pa.Table]) -> dict[str | None, object]:
    """Return the values of each column in any order, and those of no column: how many there are."""
    ctx = datafusion.SessionContext(session_config())
    for name, table in tables.items():
        ctx.register_record_batches(name, [table.to_batches()])
    found = ctx.sql(sql).to_arrow_table()
    values = {name: sorted(found[name].to_pylist(), key=repr) for name in found.column_names}
    return {**values, None: found.num_rows}


CHANGES = {
    "turned": lambda values: values[::-1],
    "one": lambda values: [values[-1], *values[1:]],
    "same": lambda values: [values[1] for _ in values],
}


@pytest.mark.parametrize("case", [case for case in CASES if case.runs], ids=lambda case: case.sql)
def test_nothing_but_what_a_column_is_made_of_changes_it(case: Case) -> None:
    """The engine itself says what a change of an input does; what it does must be foretold."""
    found, before = derived(case.sql), result(case.sql, TABLES)
    foretold = {name: {*made.uses, *found.rows} for name, made in found.columns.items()}
    for dataset, table in TABLES.items():
        for position, name in enumerate(table.column_names):
            for change in CHANGES.values():
                values = pa.array(change(table[name].to_pylist()), table[name].type)
                after = result(
                    case.sql, {**TABLES, dataset: table.set_column(position, name, values)}
                )
                touched = {column for column in before if before[column] != after[column]}
                if None in touched:
                    assert Cell(dataset, name) in found.rows
                    touched.discard(None)
                assert all(Cell(dataset, name) in foretold[str(column)] for column in touched)


def test_each_column_of_a_python_lane_task_may_be_made_of_all_that_it_reads() -> None:
    @compute(map=as_it_is, schema={"a": "int64", "d": "float64"})
    def q(catalog: Catalog) -> object:
        orders = catalog.table("orders")
        return orders.filter(orders.customer != "").select(a=orders.id, d=orders.amount)

    made = "tests.property.mapped.as_it_is(rows) <- orders.amount transformation, orders.id"
    found = derived(q)
    columns = {name: f"{m.expression} <- {said(m.uses)}" for name, m in found.columns.items()}
    assert columns == dict.fromkeys(("a", "d"), f"{made} transformation")
    assert said(found.rows) == "orders.customer filter"


def test_a_column_of_ibis_asks_for_a_field_of_a_struct() -> None:
    @compute
    def q(catalog: Catalog) -> object:
        orders = catalog.table("orders")
        return orders.select(lat=orders.place["at"]["lat"], tag=orders.tags.unnest())

    found = derived(q)
    assert found.columns["lat"].direct == [Cell("orders", "place")]
    assert found.columns["tag"].expression == "unnest(orders.tags)"


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ('Utf8("it\'s")', "'it''s'"),
        ("Decimal128(Some(125),3,2) + Int64(1)", "1.25 + 1"),
        ("Decimal128(Some(-5),3,2)", "-0.05"),
        ("Int64(NULL)", "NULL"),
        ('get_field(get_field(t.s, Utf8("a")), Utf8("b"))', "t.s.a.b"),
        ("CASE WHEN t.s IS NULL THEN NULL ELSE t.s.a END", "t.s.a"),
        ("tidy_0123456789abcdef(t.a)", "tidy(t.a)"),
    ],
)
def test_the_planners_words_are_written_as_people_do(printed: str, written: str) -> None:
    assert pretty(printed) == written
