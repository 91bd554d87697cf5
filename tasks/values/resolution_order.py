"""The order in which classes are asked for an attribute."""

from collections.abc import Mapping, Sequence

from tasks.inheritance.linearisation import bases_first, merge


def linearise(bases: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return the method resolution order of each class, itself first.

    Where Python would refuse a class, its ancestors come depth first; one that inherits from itself
    through others stands alone.

    Args:
        bases: class -> its direct bases in order; what has no entry has no known bases.
    """
    orders: dict[int, list[int]] = {}
    for one in bases_first(bases):
        direct = bases.get(one, ())
        known = [orders[base] for base in direct]
        merged = merge([*known, direct])
        behind = dict.fromkeys(c for order in known for c in order) if merged is None else merged
        orders[one] = [one, *behind]
    return orders | {one: [one] for one in bases.keys() - orders.keys()}
