"""What each output column is made of; compared with what happens when an input's values change."""

from __future__ import annotations

import datafusion
import pyarrow as pa
import pytest

from cpgbuild import Catalog, compute
from tests.property.compiling import Text, compiler
from tests.property.mapped import as_it_is

ROWS = None
N = 12
T = pa.table(
    {
        "id": list(range(N)),
        "k": [i % 3 for i in range(N)],
        "x": [i * 7 % 11 for i in range(N)],
        "y": [i * 5 % 13 for i in range(N)],
    }
)
U = pa.table({"k": [0, 1, 1, 2, 5], "d": [3, 1, 4, 1, 5], "e": [2, 7, 1, 8, 2]})
TABLES = {"t": T, "u": U}
SCHEMAS = {name: table.schema for name, table in TABLES.items()}

# Per output column, and for the rows as such, the columns that it is made of.
CORPUS: dict[str, dict[str | None, dict[str, str]]] = {
    "select id, x from t where y > 5": {
        "id": {"t": "id y"},
        "x": {"t": "x y"},
        ROWS: {"t": "y"},
    },
    "select id, x + y as z from t": {"id": {"t": "id"}, "z": {"t": "x y"}, ROWS: {"t": ""}},
    "select id, d from t join u on t.k = u.k": {
        "id": {"t": "id k", "u": "k"},
        "d": {"t": "k", "u": "d k"},
        ROWS: {"t": "k", "u": "k"},
    },
    "select id, m from t left join (select k, max(d) m from u group by k) v on t.k = v.k": {
        "id": {"t": "id"},
        "m": {"t": "k", "u": "d k"},
        ROWS: {"t": ""},
    },
    "select k, sum(x) as s, count(*) as n from t group by k": {
        "k": {"t": "k"},
        "s": {"t": "k x"},
        "n": {"t": "k"},
        ROWS: {"t": "k"},
    },
    "select k, max(x) as m from t group by k having min(y) > 0": {
        "k": {"t": "k y"},
        "m": {"t": "k x y"},
        ROWS: {"t": "k y"},
    },
    "select count(*) as n, sum(y) as s from t": {"n": {"t": ""}, "s": {"t": "y"}, ROWS: {}},
    "select id, row_number() over (partition by k order by x, id) as r from t": {
        "id": {"t": "id"},
        "r": {"t": "id k x"},
        ROWS: {"t": ""},
    },
    "select id, r from (select id, row_number() over (order by x, id) as r from t) where r < 5": {
        "id": {"t": "id x"},
        "r": {"t": "id x"},
        ROWS: {"t": "id x"},
    },
    "select id, x from t union all select d, e from u": {
        "id": {"t": "id", "u": "d"},
        "x": {"t": "x", "u": "e"},
        ROWS: {"t": "", "u": ""},
    },
    "select k, x from t union select d, e from u": {
        "k": {"t": "k x", "u": "d e"},
        "x": {"t": "k x", "u": "d e"},
        ROWS: {"t": "k x", "u": "d e"},
    },
    "select k from t intersect select d from u where e > 1": {
        "k": {"t": "k", "u": "d e"},
        ROWS: {"t": "k", "u": "d e"},
    },
    "select * from u": {"k": {"u": "k"}, "d": {"u": "d"}, "e": {"u": "e"}, ROWS: {"u": ""}},
    "select distinct k, x from t": {
        "k": {"t": "k x"},
        "x": {"t": "k x"},
        ROWS: {"t": "k x"},
    },
    "select id, x from t order by y limit 3": {
        "id": {"t": "id y"},
        "x": {"t": "x y"},
        ROWS: {"t": "y"},
    },
    "select id, (select max(d) from u) as m from t": {
        "id": {"t": "id"},
        "m": {"t": "", "u": "d"},
        ROWS: {"t": ""},
    },
    "select id, x from t where k in (select k from u where d > 1)": {
        "id": {"t": "id k", "u": "d k"},
        "x": {"t": "k x", "u": "d k"},
        ROWS: {"t": "k", "u": "d k"},
    },
    "select id, 1 as one from t": {"id": {"t": "id"}, "one": {"t": ""}, ROWS: {"t": ""}},
    "with v as (select id, x * 2 as w, y from t where k > 0) select id, w from v": {
        "id": {"t": "id k"},
        "w": {"t": "k x"},
        ROWS: {"t": "k"},
    },
    "select id from t where 1 = 2": {"id": {}, ROWS: {}},
}


def lineage(text: Text) -> dict[str | None, dict[str, str]]:
    made = compiler({"q": text}, SCHEMAS)
    assert not made.errors
    (one,) = made.tasks.values()
    return {
        column: {d: " ".join(sorted(c)) for d, c in made.lineage(one.name, column).items()}
        for column in (*one.schema.names, ROWS)
    }


@pytest.mark.parametrize("sql", CORPUS)
def test_a_column_is_made_of_these(sql: str) -> None:
    assert lineage(sql) == CORPUS[sql]


def result(sql: str, tables: dict[str, pa.Table]) -> dict[str | None, list[object]]:
    """Return the values of each column in any order, and those of no column: how many there are."""
    ctx = datafusion.SessionContext()
    for name, table in tables.items():
        ctx.register_record_batches(name, [table.to_batches()])
    found = ctx.sql(sql).to_arrow_table()
    values: dict[str | None, list[object]] = {
        name: sorted(found[name].to_pylist(), key=repr) for name in found.column_names
    }
    return values | {ROWS: [found.num_rows]}


CHANGES = {
    "more": lambda values: [value + 3 for value in values],
    "turned": lambda values: values[::-1],
    "one": lambda values: [values[0] + 100, *values[1:]],
    "same": lambda values: [4 for _ in values],
}


@pytest.mark.parametrize("sql", CORPUS)
def test_nothing_but_what_a_column_is_made_of_changes_it(sql: str) -> None:
    """The engine itself says what a change of an input does; what it does must be foretold."""
    found, before = lineage(sql), result(sql, TABLES)
    for dataset, table in TABLES.items():
        for position, name in enumerate(table.column_names):
            for change in CHANGES.values():
                values = pa.array(change(table[name].to_pylist()), table[name].type)
                changed = table.set_column(position, name, values)
                after = result(sql, TABLES | {dataset: changed})
                touched = {column for column in found if before[column] != after[column]}
                foretold = {c for c, of in found.items() if name in of.get(dataset, "").split()}
                assert touched <= foretold


def test_all_columns_of_a_python_lane_task_are_made_of_all_that_it_reads() -> None:
    @compute(map=as_it_is, schema={"a": "int64", "d": "int64"})
    def q(catalog: Catalog) -> object:
        t = catalog.table("t")
        return t.filter(t.y > 3).select(a=t.id, d=t.x)

    assert lineage(q) == {column: {"t": "id x y"} for column in ("a", "d", ROWS)}


def test_columns_with_odd_names_are_told_apart() -> None:
    sql = 'select x as "a, b", y as "Upper", k as "q""x" from t'
    found = {"a, b": {"t": "x"}, "Upper": {"t": "y"}, 'q"x': {"t": "k"}, ROWS: {"t": ""}}
    assert lineage(sql) == found
