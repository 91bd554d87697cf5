"""Every operator gives on DataFusion what Ibis gives on DuckDB, or differs as is written down."""

import pytest

from tests.boundary.differences import KNOWN_DIFFERENCES, UNSUPPORTED
from tests.boundary.engines import facts, on_datafusion, on_duckdb
from tests.boundary.operators import OPERATORS

AGREED = [name for name in OPERATORS if name not in KNOWN_DIFFERENCES.keys() | UNSUPPORTED.keys()]


@pytest.mark.parametrize("name", AGREED)
def test_both_engines_agree(name):
    expr = OPERATORS[name]()
    assert facts(on_datafusion(expr)) == facts(on_duckdb(expr))


@pytest.mark.parametrize("name", KNOWN_DIFFERENCES)
def test_a_known_difference_is_still_one(name):
    expr = OPERATORS[name]()
    ours = facts(on_datafusion(expr))
    assert "; ".join(ours) == KNOWN_DIFFERENCES[name].facts
    try:
        theirs = facts(on_duckdb(expr))
    except Exception:
        return  # DuckDB, or Ibis for it, refuses
    assert ours != theirs, "they agree now: take it off the list"


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_unsupported_says_so(name):
    expr = OPERATORS[name]()
    with pytest.raises(Exception) as caught:
        on_datafusion(expr)
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(UNSUPPORTED[name])


def test_the_lists_name_operators():
    assert KNOWN_DIFFERENCES.keys() | UNSUPPORTED.keys() <= OPERATORS.keys()
    assert not KNOWN_DIFFERENCES.keys() & UNSUPPORTED.keys()
    assert len(AGREED) >= 400
