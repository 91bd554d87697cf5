"""A helper function that several tasks call is edited: exactly the tasks whose plan changed run."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpgbuild import api
from cpgbuild.core.events import Built
from cpgbuild.project.config import Overrides
from tests.engine.builds import Site, site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import orders, write

HELPERS = '''
    """What tasks have in common."""

    import ibis

    LEAST = 10
    SHOWN = ["id", "amount"]


    def big(table: ibis.Table) -> ibis.Table:
        return table.filter(table.amount > LEAST)


    def shown(table: ibis.Table) -> ibis.Table:
        return table.select(*SHOWN)


    @ibis.udf.scalar.python
    def doubled(x: int) -> int:
        return x * 2
'''
CALLERS = """
    from tasks.helpers import big, doubled, shown


    @compute
    def both(catalog: Catalog) -> ibis.Table:
        return shown(big(catalog.table("orders")))


    @compute
    def one(catalog: Catalog) -> ibis.Table:
        return big(catalog.table("orders")).select("id")


    @compute
    def other(catalog: Catalog) -> ibis.Table:
        return shown(catalog.table("orders"))


    @compute
    def udf(catalog: Catalog) -> ibis.Table:
        orders = catalog.table("orders")
        return orders.select("id", d=doubled(orders.amount))


    @compute
    def neither(catalog: Catalog) -> ibis.Table:
        return catalog.table("orders").select("id", "note")
"""


@pytest.fixture
def helped(tmp_path: Path) -> Site:
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.folder.write("tasks/helpers.py", HELPERS)
    made.python("callers", CALLERS)
    made.built()
    return made


def plans(*tasks: str) -> dict[str, str]:
    return {task: f"plan_changed {task}" for task in tasks}


EDITED = {
    "a function": ("table.amount > LEAST", "table.amount >= LEAST + 20", ("both", "one")),
    "a constant": ("LEAST = 10", "LEAST = 30", ("both", "one")),
    "a list": ('"id", "amount"]', '"id", "note"]', ("both", "other")),
    "a function of values": ("x * 2", "x * 3", ("udf",)),
}


@pytest.mark.parametrize("edited", EDITED)
def test_an_edited_helper_runs_who_calls_it(edited: str, helped: Site) -> None:
    old, new, tasks = EDITED[edited]
    helped.folder.edit("tasks/helpers.py", old, new)
    becomes(helped, built=plans(*tasks))
    helped.folder.edit("tasks/helpers.py", new, old)
    becomes(helped, restored=plans(*tasks))


REFACTORED = {
    "a comment": ("LEAST = 10", "# cents\n    LEAST = 10"),
    "a docstring": ("-> ibis.Table:\n    return table.filter", '-> ibis.Table:\n    """Big."""\n    return table.filter'),
    "another way": ("table.amount > LEAST", "LEAST < table.amount"),
    "an intermediate variable": (
        "return table.select(*SHOWN)",
        "columns = [table[name] for name in SHOWN]\n    return table.select(columns)",
    ),
    "an unused helper": ("LEAST = 10", "LEAST = 10\nMOST = 99"),
    "a comment in a function of values": ("return x * 2", "# twice\n    return x * 2"),
}  # fmt: skip


@pytest.mark.parametrize("refactored", REFACTORED)
def test_a_refactored_helper_runs_nothing(refactored: str, helped: Site) -> None:
    old, new = REFACTORED[refactored]
    helped.folder.edit("tasks/helpers.py", old, new.replace("\n    LEAST", "\nLEAST"))
    nothing(helped)


def test_a_helper_that_moved_to_another_module_runs_nothing(helped: Site) -> None:
    (helped.root / "tasks/helpers.py").rename(helped.root / "tasks/common.py")
    helped.folder.edit("tasks/callers.py", "tasks.helpers", "tasks.common")
    helped.folder.edit("tasks/common.py", "x * 2", "x * 2  # the same")
    nothing(helped)


def test_in_sql_the_helper_is_a_view_and_its_readers_run_by_columns(tmp_path: Path) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet")
    write(made, orders())
    made.sql("v", "select id, amount * 2 as a, concat(note, '!') as n from orders", "view")
    made.sql("one", "select id, a from v")
    made.sql("two", "select sum(a) as s from v")
    made.sql("three", "select id, n from v")
    made.sql("four", "select count(*) as k from v")
    made.built()
    made.sql("v", "select id, amount * 3 as a, concat(note, '!') as n from orders", "view")
    becomes(made, built={"one": "plan_changed v", "two": "plan_changed v"})
    made.sql("v", "select id, amount * 3 as a, concat(note, '?') as n from orders", "view")
    becomes(made, built={"three": "plan_changed v"})


MAPS = """
    import pyarrow as pa

    from tasks.sizes import half, twice


    def by_two(rows: pa.RecordBatch) -> pa.RecordBatch:
        return pa.record_batch({"id": rows["id"], "n": twice(rows["amount"])})


    def by_half(rows: pa.RecordBatch) -> pa.RecordBatch:
        return pa.record_batch({"id": rows["id"], "n": half(rows["amount"])})


    def as_is(rows: pa.RecordBatch) -> pa.RecordBatch:
        return pa.record_batch({"id": rows["id"], "n": rows["amount"]})
"""
SIZES = """
    import pyarrow as pa
    import pyarrow.compute as pc

    FACTOR = 2


    def times(values: pa.Array, factor: int) -> pa.Array:
        return pc.multiply(values, factor)


    def twice(values: pa.Array) -> pa.Array:
        return times(values, FACTOR)


    def half(values: pa.Array) -> pa.Array:
        return pc.divide(values, 2)
"""
MAPPED = """
    from tasks.maps import as_is, by_half, by_two

    SCHEMA = {"id": "int64", "n": "int64"}
"""


@pytest.fixture
def mapped(tmp_path: Path) -> Site:
    made = site(tmp_path, "orders parquet data/orders.parquet", engine="threads = 1")
    write(made, orders())
    made.folder.write("tasks/sizes.py", SIZES)
    made.folder.write("tasks/maps.py", MAPS)
    text = MAPPED
    for name in ("by_two", "by_half", "as_is"):
        text += f"""
    @compute(map={name}, key="id", content="amount", schema=SCHEMA)
    def k_{name}(catalog: Catalog) -> ibis.Table:
        return catalog.table("orders").select("id", "amount")
"""
    made.python("mapped", text)
    made.built()
    return made


CLOSED_OVER = {
    "a function two calls away": ("pc.multiply(values, factor)", "pc.multiply(values, factor + 1)", "k_by_two"),
    "a constant": ("FACTOR = 2", "FACTOR = 3", "k_by_two"),
    "a function": ("pc.divide(values, 2)", "pc.divide(values, 3)", "k_by_half"),
}  # fmt: skip


@pytest.mark.parametrize("edited", CLOSED_OVER)
def test_what_a_keyed_function_closes_over_maps_all_keys_of_who_calls_it(
    edited: str, mapped: Site
) -> None:
    old, new, task = CLOSED_OVER[edited]
    mapped.folder.edit("tasks/sizes.py", old, new)
    becomes(mapped, built=plans(task))
    assert mapped.said(Built)[task].detail == "5 of 5 keys"


def test_a_refactored_module_of_keyed_functions_maps_nothing(mapped: Site) -> None:
    mapped.folder.edit("tasks/sizes.py", "FACTOR = 2", "UNUSED = 1\nFACTOR = 1 + 1  # twice")
    nothing(mapped)


def test_a_variable_runs_who_asks_for_it(tmp_path: Path) -> None:
    made = site(tmp_path, "orders parquet data/orders.parquet", vars='kind = "x"\nmore = "1"')
    write(made, orders())
    made.python(
        "k",
        """
        @compute
        def asks(catalog: Catalog) -> ibis.Table:
            orders = catalog.table("orders")
            return orders.filter(orders.kind == catalog.var("kind")).select("id")

        @compute
        def asks_not(catalog: Catalog) -> ibis.Table:
            return catalog.table("orders").select("id")
        """,
    )
    made.built()
    made.folder.edit("cpgbuild.toml", 'more = "1"', 'more = "2"')
    nothing(made)
    planned = api.plan(made.root, overrides=Overrides(variables={"kind": "y"}))
    assert {p.task.output: str(p.action) for p in planned} == {"asks": "run", "asks_not": "skip"}
    made.folder.edit("cpgbuild.toml", 'kind = "x"', 'kind = "y"')
    becomes(made, built=plans("asks"))
