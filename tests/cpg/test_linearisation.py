"""The method resolution order, beside Python's own."""

import random

import pyarrow as pa
import pytest

from tasks.inheritance.linearisation import CYCLIC, INCONSISTENT, OPEN, method_resolution_orders

BASE = pa.struct({"symbol": pa.string(), "base": pa.string(), "place": pa.int32()})


def orders(bases: dict[str, list[str]]):
    """Return each class's order and note."""
    stated = [
        {"symbol": symbol, "base": base, "place": place}
        for symbol, listed in bases.items()
        for place, base in enumerate(listed)
    ]
    request = {
        "classes": pa.array([sorted(bases)], pa.list_(pa.string())),
        "bases": pa.array([stated[::-1]], pa.list_(BASE)),
    }
    found: dict[str, tuple[list[str], str | None]] = {}
    for row in method_resolution_orders(pa.record_batch(request)).to_pylist():
        order, _ = found.setdefault(row["symbol"], ([], row["note"]))
        assert row["position"] == len(order)
        order.append(row["ancestor"])
    return found


def pythons(bases: dict[str, list[str]]):
    """Return each class's order by Python, nothing for those that it refuses."""
    classes: dict[str, type | None] = {}
    for symbol, listed in bases.items():
        parents = [classes[base] for base in listed]
        try:
            classes[symbol] = None if None in parents else type(symbol, tuple(parents), {})
        except TypeError:
            classes[symbol] = None
    return {
        name: made and [c.__name__ for c in made.__mro__[:-1]] for name, made in classes.items()
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_pythons_for_random_hierarchies(seed):
    chance = random.Random(seed)
    bases: dict[str, list[str]] = {}
    for number in range(60):
        known = list(bases)[-12:]
        bases[f"C{number}"] = chance.sample(known, min(len(known), chance.randint(0, 3)))
    found, expected = orders(bases), pythons(bases)
    assert {n: o for n, (o, note) in found.items() if note is None} == {
        n: o for n, o in expected.items() if o is not None
    }
    assert {note for n, (_, note) in found.items() if expected[n] is None} <= {INCONSISTENT}


def test_a_base_outside_of_the_tree_leaves_the_order_open_below():
    assert orders({"A": ["x.X"], "B": ["A", "y.Y"], "C": []}) == {
        "A": (["A", "x.X"], OPEN),
        "B": (["B", "A", "x.X", "y.Y"], OPEN),
        "C": (["C"], None),
    }


def test_a_class_that_python_refuses_has_its_ancestors_depth_first():
    found = orders({"A": [], "B": ["A"], "C": ["A", "B"]})
    assert found["C"] == (["C", "A", "B"], INCONSISTENT)


def test_classes_that_inherit_from_each_other_stand_alone():
    found = orders({"A": ["B"], "B": ["A"], "C": ["A"], "D": []})
    assert found == {
        "A": (["A"], CYCLIC),
        "B": (["B"], CYCLIC),
        "C": (["C"], CYCLIC),
        "D": (["D"], None),
    }


def test_no_classes_have_no_orders():
    assert orders({}) == {}
