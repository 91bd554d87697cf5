"""UDFs are registered under names that say which code they are."""

from functools import partial

import datafusion
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cpgbuild.plan.dialect import compile_table, render
from cpgbuild.plan.functions import register
from cpgbuild.plan.udfs import functions_of

T = pa.table({"id": [1, 2, 3], "s": [" x", None, "y "], "n": pa.array([1, None, 3], pa.int32())})
t = ibis.table(ibis.Schema.from_pyarrow(T.schema), name="t")


def run(expr: ibis.Table) -> list[object]:
    ctx = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    ctx.register_record_batches("t", [T.to_batches()])
    functions = functions_of(expr)
    register(ctx, functions)
    register(ctx, functions)  # a second time changes nothing
    return ctx.sql(render(compile_table(expr))).to_arrow_table()["out"].to_pylist()


def only(value: ibis.Value):
    [function] = functions_of(t.select(out=value))
    return function


def test_a_python_udf_maps_values_and_leaves_nulls():
    @ibis.udf.scalar.python
    def clean(s: str) -> str:
        return s.strip()

    assert run(t.select(out=clean(t.s))) == ["x", None, "y"]
    function = only(clean(t.s))
    assert function.input_types == (pa.string(),)
    assert function.return_type == pa.string()
    assert function.name == f"clean_{function.written[:12]}"
    assert function.volatility == "immutable"


def test_a_null_in_any_argument_gives_null():
    @ibis.udf.scalar.python
    def join(s: str, n: int) -> str:
        return f"{s}{n}"

    assert run(t.select(out=join(t.s, t.n))) == [" x1", None, "y 3"]


def test_a_pyarrow_udf_maps_arrays():
    @ibis.udf.scalar.pyarrow
    def double(n: int) -> int:
        return pc.multiply(n, 2)

    assert run(t.select(out=double(t.n))) == [2, None, 6]


def test_a_builtin_is_the_engines_own():
    @ibis.udf.scalar.builtin
    def character_length(s: str) -> int: ...

    expr = t.select(out=character_length(t.s))
    assert functions_of(expr) == ()
    assert run(expr) == [2, None, 2]


def test_two_functions_of_one_name_do_not_collide():
    def make(n: int):
        @ibis.udf.scalar.python
        def clean(s: str) -> str:
            return s * n

        return clean

    one, two = make(1), make(2)
    assert run(t.select(out=one(t.s) + two(t.s))) == [" x x x", None, "y y y "]
    assert only(one(t.s)).name != only(two(t.s)).name
    assert only(one(t.s)) == only(one(t.s)) or only(one(t.s)).name == only(make(1)(t.s)).name


def test_types_and_volatility_are_part_of_the_digest():
    def body(x):
        return x

    made = [
        ibis.udf.scalar.python(signature=(("int64",), "int64"))(body)(t.id),
        ibis.udf.scalar.python(signature=(("int32",), "int64"))(body)(t.n),
        ibis.udf.scalar.python(signature=(("int64",), "int32"))(body)(t.id),
        ibis.udf.scalar.pyarrow(signature=(("int64",), "int64"))(body)(t.id),
        ibis.udf.scalar.python(signature=(("int64",), "int64"), volatility="volatile")(body)(t.id),
    ]
    assert len({only(value).digest for value in made}) == len(made)
    assert only(made[-1]).volatility == "volatile"


def test_an_argument_is_cast_to_the_declared_type():
    @ibis.udf.scalar.python
    def kind(x: float) -> str:
        return type(x).__name__

    assert run(t.select(out=kind(t.n))) == ["float", None, "float"]


def test_a_udf_may_have_any_name():
    @ibis.udf.scalar.python(name="Größe 2")
    def size(s: str) -> int:
        return len(s)

    assert run(t.select(out=size(t.s))) == [2, None, 2]
    assert only(size(t.s)).name.isascii()


def test_udfs_are_found_in_filters_subqueries_and_arguments():
    @ibis.udf.scalar.python
    def inner(s: str) -> str:
        return s

    @ibis.udf.scalar.python
    def outer(s: str) -> str:
        return s

    other = t.view()
    expr = t.filter(t.s.isin(other.filter(outer(inner(other.s)) == " x").s)).select(out=t.s)
    assert [f.name.split("_")[0] for f in functions_of(expr)] == ["inner", "outer"]
    assert run(expr) == [" x"]


def test_a_wrong_result_is_an_error():
    @ibis.udf.scalar.pyarrow
    def first(n: int) -> int:
        return n[:1]

    with pytest.raises(Exception, match="one value per row"):
        run(t.select(out=first(t.id)))


def test_what_the_engine_cannot_call_is_refused():
    @ibis.udf.scalar.pandas
    def series(n: int) -> int:
        return n

    @ibis.udf.scalar.python
    def nothing() -> int:
        return 1

    @ibis.udf.scalar.python(volatility="sometimes")
    def odd(n: int) -> int:
        return n

    with pytest.raises(NotImplementedError, match="`series` is a pandas UDF"):
        functions_of(t.select(out=series(t.id)))
    with pytest.raises(NotImplementedError, match="`nothing` takes no arguments"):
        functions_of(t.select(out=nothing()))
    with pytest.raises(ValueError, match="'sometimes' is not one of"):
        functions_of(t.select(out=odd(t.id)))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (lambda: t.s.re_split("x"), "regex_split"),
        (partial(t.s.host), "extract_url_field"),
        (lambda: t.s.query("x"), "extract_query_param"),
        (partial(t.s.query), "extract_query"),
        (partial(t.s.userinfo), "extract_user_info"),
    ],
)
def test_ibis_own_helpers_come_along_and_take_nulls(value, name):
    assert only(value()).name == name
    assert run(t.select(out=value()))[1] is None


def test_plain_expressions_need_no_functions():
    assert functions_of(t.filter(t.n > 1).select(out=t.s.upper())) == ()
