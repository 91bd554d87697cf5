"""What has to hold a null for a key to be one: said of the plan, and seen when queries are run."""

from __future__ import annotations

import datafusion
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.plan.nulls import null_origins
from tests.plan.test_locality import CASES as LOCAL
from tests.plan.test_locality import COLUMNS, NULLS, planned
from tests.property.profiles import laws

# A query, and the inputs of which one has a null in `k` where a result has; `-`: nothing is known.
CASES = {
    "select k, v from a": "a",
    "select k, v from a where v is not null": "a",
    "select k, v from a where k is not null": "",
    "select k, v from a where v > 1 and k is not null": "",
    "select k, v from a where v > 1 or k is not null": "a",
    "select k, sum(v) as v from a group by k having k is not null": "",
    "select k, sum(v) as v from a group by rollup (k, w)": "-",
    "select max(k) as k from a": "-",
    "select k, v from a union all select k, v from b": "ab",
    "select k, v from a union all select k, v from b where k is not null": "a",
    "select k, v from a union all select null as k, v from b": "-",
    "select a.k, b.v from a join b on a.k = b.k": "",
    "select a.k, b.v from a join b on a.v = b.v": "a",
    "select a.k, b.v from a join b on a.k is not distinct from b.k": "a",
    "select a.k, b.v from a left join b on a.k = b.k": "a",
    "select b.k, a.v from a left join b on a.k = b.k": "-",
    "select coalesce(a.k, b.k) as k from a full join b on a.k = b.k": "-",
    "select k, v from a where exists (select 1 from b where b.k = a.k)": "a",
    "select k, v from a where not exists (select 1 from b where b.k = a.k)": "a",
    "select k, v from a where v in (select v from b)": "a",
    "select k, v from (select * from a order by v limit 3)": "-",
    "select case when v > 1 then k end as k from a": "-",
    "select lower(k) as k, v from a": "-",
    "select unnest(l)['x'] as v, k from a": "a",
    "select k, sum(v) over (partition by k) as v from a": "a",
}


def found(*queries: str) -> str:
    origins = null_origins(planned(*queries), f"compute.v{len(queries) - 1}", "k")
    if origins is None:
        return "-"
    assert {column for _, column in origins} <= {"k"}
    return "".join(sorted(name for name, _ in origins))


@pytest.mark.parametrize("query", CASES)
def test_nulls_are_from_where_a_plan_says(query: str) -> None:
    assert found(query) == CASES[query]


def test_they_are_followed_through_views() -> None:
    assert found("select v, k as j from a", "select j as k, v from v0") == "a"
    assert found("select v, k as j from a where k > ''", "select j as k, v from v0") == "a"
    assert found("select v, k as j from a where k is not null", "select j as k from v0") == ""
    assert (
        found("select v, k as j from a", "select j as k from v0 union all select k from b") == "ab"
    )
    assert found("select v, lower(k) as j from a", "select j as k, v from v0") == "-"


NAMES = st.one_of(st.none(), st.sampled_from(["main", "x", "y"]))
NUMBERS = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "k": NAMES,
            "v": NUMBERS,
            "w": NUMBERS,
            "l": st.lists(st.fixed_dictionaries({"x": NUMBERS}), max_size=2),
            "s": st.fixed_dictionaries({"k": NAMES}),
        }
    ),
    max_size=5,
)
SAID = {query: found(query) for query in {*CASES, *LOCAL, *NULLS}}


@pytest.mark.parametrize("query", sorted(query for query, said in SAID.items() if said != "-"))
@laws(30)
@given(tables=st.fixed_dictionaries({"a": ROWS, "b": ROWS, "c": ROWS}))
def test_without_them_no_row_of_the_result_has_one(query, tables):
    session = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    for name, rows in tables.items():
        kept = [row for row in rows if row["k"] is not None or name not in SAID[query]]
        batch = pa.Table.from_pylist(kept, COLUMNS).combine_chunks()
        session.register_record_batches(
            name, [batch.to_batches() or [pa.RecordBatch.from_pylist([], COLUMNS)]]
        )
    keys = session.sql(query).to_arrow_table()["k"]
    assert keys.null_count == 0
