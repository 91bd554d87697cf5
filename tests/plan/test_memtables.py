"""In-memory tables have names that their rows decide."""

import subprocess
import sys

import ibis
import pyarrow as pa

from cpgbuild.plan.memtables import name_memtables

ROWS = pa.table({"a": [1, 2, None], "s": ["x", None, "é"]})


def named(table: object) -> str:
    [name] = name_memtables(ibis.memtable(table))[1]
    return name


def test_equal_rows_have_one_name_however_they_are_held():
    assert named(ROWS) == named(pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)]))
    assert named(ROWS) == named(pa.concat_tables([ROWS, ROWS]).slice(3))
    assert named(ROWS) == named(ROWS.cast(pa.schema([("a", pa.int64()), ("s", pa.large_string())])))


def test_a_name_is_the_same_in_another_process():
    code = "import ibis, pyarrow as pa; from cpgbuild.plan.memtables import name_memtables as n; print(*n(ibis.memtable(pa.table({'a': [1, 2, None], 's': ['x', None, 'é']})))[1])"
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"},
    )
    assert other.stdout.strip() == named(ROWS)


def test_every_difference_gives_another_name():
    tables = [
        ROWS,
        ROWS.slice(0, 2),
        ROWS.take([1, 0, 2]),
        ROWS.rename_columns(["a", "t"]),
        ROWS.select(["s", "a"]),
        ROWS.set_column(0, "a", pa.array([1, 2, None], pa.int32())),
        ROWS.set_column(0, "a", pa.array([1, 2, 0])),
        ROWS.set_column(1, "s", pa.array(["x", "None", "é"])),
        ROWS.set_column(1, "s", pa.array(["x", "", "é"])),
        pa.table({"a": [0.0]}),
        pa.table({"a": [-0.0]}),
        pa.table({"a": [float("nan")]}),
        pa.table({"a": [["1", "2"]]}),
        pa.table({"a": [["1, 2"]]}),
        pa.table({"a": pa.array([[]], pa.list_(pa.string()))}),
        pa.table({"a": pa.array([], pa.string())}),
        pa.table({"a": pa.array([], pa.int8())}),
    ]
    assert len({named(table) for table in tables}) == len(tables)


def test_memtables_are_renamed_wherever_they_stand():
    t = ibis.table({"a": "int64"}, name="t")
    one, two = ibis.memtable(pa.table({"a": [1]})), ibis.memtable(pa.table({"a": [2]}))
    expr = t.filter(t.a.isin(one.a)).join(two, "a").filter(lambda j: j.a > two.a.max())
    expr, tables = name_memtables(expr)
    assert sorted(table["a"].to_pylist() for table in tables.values()) == [[1], [2]]
    found = {node.name for node in expr.op().find(ibis.expr.operations.InMemoryTable)}
    assert tables.keys() <= found
    again, same = name_memtables(expr)
    assert (again.equals(expr), same.keys()) == (True, tables.keys())


def test_an_expression_without_memtables_stays_as_it_is():
    t = ibis.table({"a": "int64"}, name="t").filter(lambda t: t.a > 1)
    expr, tables = name_memtables(t)
    assert expr.equals(t)
    assert tables == {}
