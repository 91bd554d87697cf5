"""The method resolution order of classes, by the C3 linearisation.

The rule is that of Python's reference, "The Python 2.3 Method Resolution Order": a class comes
before its bases, bases keep the order of the class statement, and what every base says of the
order of its own ancestors holds.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from operator import itemgetter
from typing import TypeVar

import pyarrow as pa

CLASS_MRO = pa.schema(
    {
        "symbol": pa.string(),
        "ancestor": pa.string(),
        "position": pa.int32(),
        "note": pa.string(),
    }
)
OPEN, INCONSISTENT, CYCLIC = "open", "inconsistent", "cyclic"

# What is outside of the tree and has no ancestors and no methods that a subclass would call.
PLAIN = ("builtins/object#", "abc/ABC#", "typing/Generic#", "typing/Protocol#")

Class = TypeVar("Class", bound=Hashable)
Order = tuple[str, ...]
Row = tuple[str, str, int, str | None]


def method_resolution_orders(request: pa.RecordBatch) -> pa.Table:
    """Linearise all classes.

    Args:
        request: one row with the columns ``classes`` (list of symbols) and ``bases`` (list of
            structs of symbol, base and place), the latter in any order.

    Returns:
        By `CLASS_MRO` a row for each class and ancestor; the class itself is at position 0. The
        note is the same for all rows of a class: null where the order is Python's, `open`
        where an ancestor is not among the classes, so that what is behind it is not known,
        `inconsistent` where Python would refuse the class and the order is depth first, `cyclic`
        where classes inherit from each other and the class stands alone.
    """
    (row,) = request.to_pylist()
    stated = sorted(row["bases"] or (), key=lambda b: (b["place"] is None, b["place"], b["base"]))
    bases: dict[str, list[str]] = {symbol: [] for symbol in row["classes"] or ()}
    for base in stated:
        if base["symbol"] in bases:
            bases[base["symbol"]].append(base["base"])
    rows = sorted(_rows(bases), key=itemgetter(0, 2))
    columns = zip(*rows, strict=True) if rows else ([] for _ in CLASS_MRO)
    return pa.table([pa.array(c) for c in columns], names=CLASS_MRO.names).cast(CLASS_MRO)


def _rows(bases: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    orders: dict[str, Order] = {}
    notes: dict[str, str | None] = {}
    for symbol in bases_first(bases):
        if symbol in bases:
            orders[symbol], notes[symbol] = _order(symbol, bases[symbol], orders, notes)
    for symbol in bases.keys() - orders.keys():
        orders[symbol], notes[symbol] = (symbol,), CYCLIC
    for symbol, order in orders.items():
        for position, ancestor in enumerate(order):
            yield symbol, ancestor, position, notes[symbol]


def bases_first(bases: Mapping[Class, Sequence[Class]]) -> Iterator[Class]:
    """Yield all classes, bases before what inherits from them; none of and behind a cycle."""
    sorter = TopologicalSorter(bases)
    with suppress(CycleError):  # what is in no cycle is still given
        sorter.prepare()
    while ready := sorter.get_ready():
        yield from ready
        sorter.done(*ready)


def _order(
    symbol: str,
    bases: Sequence[str],
    orders: Mapping[str, Order],
    notes: Mapping[str, str | None],
) -> tuple[Order, str | None]:
    """Return a class's order with its note, from those of its bases."""
    known = [orders.get(base, (base,)) for base in bases]
    behind = {notes.get(base, _note_outside(base)) for base in bases}
    merged = merge([*known, tuple(bases)])
    if merged is None:
        flat = dict.fromkeys(ancestor for order in known for ancestor in order)
        return (symbol, *flat), INCONSISTENT
    worst = next((note for note in (CYCLIC, INCONSISTENT, OPEN) if note in behind), None)
    return (symbol, *merged), worst


def _note_outside(base: str) -> str | None:
    return None if base.endswith(PLAIN) else OPEN


def merge(orders: Sequence[Sequence[Class]]) -> tuple[Class, ...] | None:
    """Return C3's merge of orders, nothing where they contradict each other."""
    waiting = [list(reversed(order)) for order in orders if order]
    merged: list[Class] = []
    while waiting:
        if len(waiting) == 1:
            # What is left of one order stands as it is; chains of thousands of classes are merged.
            return (*merged, *reversed(waiting[0]))
        tails = {name for order in waiting for name in order[:-1]}
        head = next((order[-1] for order in waiting if order[-1] not in tails), None)
        if head is None:
            return None
        merged.append(head)
        for order in waiting:
            if order[-1] == head:
                order.pop()
        waiting = [order for order in waiting if order]
    return tuple(merged)
