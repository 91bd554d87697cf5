"""Comment, white space, alias or intermediate-column rename, CTE or subquery, an equivalent spelling: nothing runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.builds import Site, site
from tests.minimal.expect import nothing
from tests.minimal.forms import opened, orders, write

SQL = {
    "a comment": (
        "select id, amount from orders",
        "-- all of them\nselect id, /* in cents */ amount from orders",
    ),
    "white space and case": (
        "select id, sum(amount) as s from orders group by id",
        "SELECT  id,\n\n        SUM( amount )  AS  s\nFROM orders\nGROUP BY\n    id;",
    ),
    "a table alias": (
        "select id from orders where amount > 10",
        "select o.id from orders as o where o.amount > 10",
    ),
    "another table alias": (
        "select o.id from orders as o where o.amount > 10",
        "select x.id from orders as x where x.amount > 10",
    ),
    "aliases of a join": (
        "select o.id, p.name from orders as o join people as p on o.id = p.id",
        "select a.id, b.name from orders as a join people as b on a.id = b.id",
    ),
    "aliases of a join of a table with itself": (
        "select a.id, b.id as other from orders as a join orders as b on a.amount < b.amount",
        "select x.id, y.id as other from orders as x join orders as y on x.amount < y.amount",
    ),
    "a CTE's name": (
        "with big as (select * from orders where amount > 10) select count(*) as n from big",
        "with large as (select * from orders where amount > 10) select count(*) as n from large",
    ),
    "a CTE's name that is joined twice": (
        (
            "with s as (select kind, sum(amount) as t from orders group by kind) "
            "select a.kind, b.t from s as a join s as b on a.kind = b.kind"
        ),
        (
            "with z as (select kind, sum(amount) as t from orders group by kind) "
            "select q.kind, r.t from z as q join z as r on q.kind = r.kind"
        ),
    ),
    "an intermediate column": (
        (
            "with s as (select kind, sum(amount) as t from orders group by kind) "
            "select kind, t + 1 as u from s"
        ),
        (
            "with s as (select kind, sum(amount) as amounts from orders group by kind) "
            "select kind, amounts + 1 as u from s"
        ),
    ),
    "an intermediate column of a subquery": (
        "select a + b as c from (select id as a, amount * 2 as b from orders) as s where b > 3",
        "select k + m as c from (select id as k, amount * 2 as m from orders) as s where m > 3",
    ),
    "a CTE into a subquery": (
        (
            "with s as (select kind, sum(amount) as t from orders group by kind) "
            "select kind, t + 1 as u from s"
        ),
        (
            "select kind, t + 1 as u from "
            "(select kind, sum(amount) as t from orders group by kind) as sums"
        ),
    ),
    "a subquery that only passes on": (
        "select id from orders where amount > 10",
        "select id from (select id, amount, note from orders) as s where amount > 10",
    ),
    "one CTE into two": (
        "with s as (select id, amount from orders where amount > 10) select id from s",
        (
            "with r as (select * from orders), s as (select id, amount from r where amount > 10) "
            "select id from s"
        ),
    ),
    "the order of conjuncts": (
        "select id from orders where amount > 10 and kind = 'x' and note is not null",
        "select id from orders where note is not null and amount > 10 and kind = 'x'",
    ),
    "the order of disjuncts": (
        "select id from orders where amount > 60 or kind = 'x'",
        "select id from orders where kind = 'x' or amount > 60",
    ),
    "the order of a join's conditions": (
        "select o.id from orders o join people p on o.id = p.id and o.note = p.name",
        "select o.id from orders o join people p on o.note = p.name and o.id = p.id",
    ),
    "the sides of a join's condition": (
        "select o.id from orders o join people p on o.id = p.id",
        "select o.id from orders o join people p on p.id = o.id",
    ),
    "the order of a list": (
        "select id from orders where kind in ('x', 'y', 'z', 'w')",
        "select id from orders where kind in ('w', 'z', 'y', 'x')",
    ),
    "between": (
        "select id from orders where amount between 10 and 60",
        "select id from orders where amount >= 10 and amount <= 60",
    ),
    "two filters into one": (
        "select id from (select * from orders where amount > 10) as s where kind = 'x'",
        "select id from orders where amount > 10 and kind = 'x'",
    ),
    "a comma into a join": (
        "select o.id, p.name from orders o, people p where o.id = p.id",
        "select o.id, p.name from orders o inner join people p on o.id = p.id",
    ),
    "using": (
        "select orders.id, name from orders join people using (id)",
        "select orders.id, name from orders join people on orders.id = people.id",
    ),
    "a constant that is computed": (
        "select id from orders where amount > 60 * 60",
        "select id from orders where amount > 3600",
    ),
    "turned around": (
        "select id from orders where 10 < amount",
        "select id from orders where amount > 10",
    ),
    "not": (
        "select id from orders where not (amount > 10)",
        "select id from orders where amount <= 10",
    ),
    "unequal": (
        "select id from orders where kind <> 'x'",
        "select id from orders where kind != 'x'",
    ),
    "a cast": (
        "select cast(amount as double) as a from orders",
        "select amount::double as a from orders",
    ),
    "a list of one": (
        "select id from orders where kind in ('x')",
        "select id from orders where kind = 'x'",
    ),
    "all columns": (
        "select * from people",
        "select id, name from people",
    ),
    "a group by its number": (
        "select kind, count(*) as n from orders group by 1",
        "select kind, count(*) as n from orders group by kind",
    ),
    "counting ones": (
        "select kind, count(*) as n from orders group by kind",
        "select kind, count(1) as n from orders group by kind",
    ),
    "a distinct into a group": (
        "select distinct kind from orders",
        "select kind from orders group by kind",
    ),
    "a window's name": (
        "select id, sum(amount) over (partition by kind) as s from orders",
        "select id, sum(amount) over w as s from orders window w as (partition by kind)",
    ),
}


def small(root: Path) -> Site:
    """Return a project with orders and people, and no task yet."""
    made = site(root, "orders parquet data/orders.parquet\npeople parquet data/people.parquet")
    write(made, orders())
    made.folder.parquet("data/people.parquet", {"id": [1, 2, 9], "name": ["a", "c", "e"]})
    return made


@pytest.mark.parametrize("kind", ["table", "view"])
@pytest.mark.parametrize("spelling", SQL)
def test_another_spelling_in_sql_runs_nothing(spelling: str, kind: str, tmp_path: Path) -> None:
    """Of a table that another reads, or of a view that a table reads."""
    one, other = SQL[spelling]
    made = small(tmp_path)
    made.sql("k", one, "compute" if kind == "table" else "view")
    made.sql("below", "select * from k")
    made.built()
    made.sql("k", other, "compute" if kind == "table" else "view")
    nothing(made)


IBIS = {
    "a comment": (
        "return o.filter(o.amount > 10)",
        "# big ones\n    return o.filter(o.amount > 10)",
    ),
    "a docstring": (
        'return o.select("id")',
        '"""All orders."""\n    return o.select("id")',
    ),
    "a variable": (
        "big = o.filter(o.amount > 10)\n    return big.select(k=big.id)",
        "large = o.filter(o.amount > 10)\n    return large.select(k=large.id)",
    ),
    "an intermediate column": (
        "t = o.mutate(d=o.amount * 2)\n    return t.filter(t.d > 30).select(k=t.d + 1)",
        "t = o.mutate(twice=o.amount * 2)\n    return t.filter(t.twice > 30).select(k=t.twice + 1)",
    ),
    "an intermediate aggregate": (
        'g = o.group_by("kind").agg(s=o.amount.sum())\n    return g.filter(g.s > 30).select(k=g.s)',
        'g = o.group_by("kind").agg(u=o.amount.sum())\n    return g.filter(g.u > 30).select(k=g.u)',
    ),
    "two filters into one": (
        'return o.filter(o.amount > 10).filter(o.kind == "x").select("id")',
        'return o.filter((o.amount > 10) & (o.kind == "x")).select("id")',
    ),
    "the order of conjuncts": (
        'return o.filter(o.amount > 10, o.kind == "x").select("id")',
        'return o.filter(o.kind == "x", o.amount > 10).select("id")',
    ),
    "between": (
        'return o.filter(o.amount.between(10, 60)).select("id")',
        'return o.filter(o.amount >= 10, o.amount <= 60).select("id")',
    ),
    "the underscore": (
        "return o.filter(o.amount > 10).select(k=o.amount + o.id)",
        "return o.filter(ibis._.amount > 10).select(k=ibis._.amount + ibis._.id)",
    ),
    "a lambda": (
        'return o.group_by("kind").agg(n=o.count())',
        'return o.group_by("kind").agg(n=lambda t: t.count())',
    ),
    "an alias": (
        "x = o.view()\n    return o.join(x, o.id == x.amount).select(k=o.id)",
        "other = o.view()\n    return o.join(other, o.id == other.amount).select(k=o.id)",
    ),
    "a select that only passes on": (
        'return o.filter(o.amount > 10).select("id")',
        'return o.select("id", "amount", "note").filter(ibis._.amount > 10).select("id")',
    ),
    "a loop": (
        "return o.select(a=o.amount + 1, b=o.id + 1)",
        (
            'more = {n: o[c] + 1 for n, c in {"a": "amount", "b": "id"}.items()}\n'
            "    return o.select(**more)"
        ),
    ),
}


def ibis_task(body: str, kind: str) -> str:
    return (
        f'\n@{kind}\ndef k(catalog: Catalog) -> ibis.Table:\n    o = catalog.table("orders")\n'
        f"    {body}\n"
    )


@pytest.mark.parametrize("kind", ["compute", "view"])
@pytest.mark.parametrize("spelling", IBIS)
def test_another_spelling_in_ibis_runs_nothing(spelling: str, kind: str, tmp_path: Path) -> None:
    one, other = IBIS[spelling]
    made = small(tmp_path)
    made.python("k", ibis_task(one, kind))
    made.sql("below", "select * from k")
    made.built()
    made.python("k", ibis_task(other, kind))
    nothing(made)


KEYED = {
    "a comment": ("    found =", "    # twice\n    found ="),
    "a docstring": ('"""Each amount twice."""', '"""Twice each amount."""'),
    "white space": ("pc.multiply(rows[", "pc.multiply(\n        rows["),
    "lines between": ("FACTOR = 2\n", "\n\n\nFACTOR = 2\n"),
    "a module's docstring": ("What the Python lane runs.", "Runs in the Python lane."),
    "a constant that is computed": ("FACTOR = 2", "FACTOR = 4 // 2"),
    "a function beside it": ("FACTOR = 2\n", "FACTOR = 2\n\n\ndef other() -> int:\n    return 1\n"),
}


@pytest.mark.parametrize("spelling", KEYED)
def test_another_spelling_of_a_keyed_function_maps_nothing(spelling: str, tmp_path: Path) -> None:
    made = opened(tmp_path, "keyed")
    made.folder.edit("tasks/mapped.py", *KEYED[spelling])
    nothing(made)


def test_a_keyed_tasks_plan_in_another_spelling_maps_nothing(tmp_path: Path) -> None:
    made = opened(tmp_path, "keyed")
    made.folder.edit(
        "tasks/lines.py",
        'return catalog.table("v_big").select("id", "amount")',
        'big = catalog.table("v_big")  # them all\n    return big.select(big.id, big.amount)',
    )
    nothing(made)


def test_tasks_in_another_file_or_under_another_place_in_it_run_nothing(tmp_path: Path) -> None:
    made = opened(tmp_path, "ibis")
    (made.root / "tasks/deep").mkdir()
    shutil.move(made.root / "tasks/shop.py", made.root / "tasks/deep/other.py")
    nothing(made)


def test_a_view_that_is_taken_apart_into_two_runs_nothing(tmp_path: Path) -> None:
    made = opened(tmp_path, "sql")
    made.sql("v_big", "select id, amount from orders where 10 < amount", "view")
    nothing(made)
    made.sql("v_doubled", "with l as (select * from lines) select doubled from l", "view")
    nothing(made)
