"""The order in which classes are asked for an attribute."""

from collections.abc import Mapping, Sequence


def linearise(bases: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return the method resolution order of each class, itself first.

    C3 (Barrett et al., "A monotonic superclass linearization for Dylan", 1996), as Python has it.
    Where it does not exist (inconsistent bases, a circle), classes come depth first, each once.

    Args:
        bases: class -> its direct bases in order; what has no entry has no known bases.
    """
    orders: dict[int, list[int]] = {}
    for start in bases:
        stack, open_classes = [start], set()
        while stack:
            one = stack[-1]
            if one in orders:
                stack.pop()
                continue
            waiting = [b for b in bases.get(one, ()) if b not in orders and b not in open_classes]
            if waiting and one not in open_classes:
                open_classes.add(one)
                stack.extend(reversed(waiting))
                continue
            known = [b for b in bases.get(one, ()) if b in orders]
            orders[one] = _merged(one, known, orders)
            open_classes.discard(one)
            stack.pop()
    return orders


def _merged(one: int, bases: Sequence[int], orders: Mapping[int, Sequence[int]]) -> list[int]:
    rows = [list(orders[base]) for base in bases] + [list(bases)]
    order = [one]
    while any(rows):
        rows = [row for row in rows if row]
        for row in rows:
            if not any(row[0] in other[1:] for other in rows):
                head = row[0]
                break
        else:
            return [one, *dict.fromkeys(c for base in bases for c in orders[base] if c != one)]
        order.append(head)
        rows = [[c for c in row if c != head] for row in rows]
    return order
