"""The local ids of syntax nodes, made many at a time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.control.syntax_table import ROOT, SyntaxTable, occurrences


class NodeIds:
    """Hands out numbers for the nodes of several files, and turns numbers into local ids.

    The ids are those of `tasks.extract.tree_walk`: ``start-end:kind``, with a count where an
    earlier node of the file has the same span and kind.
    """

    def __init__(self) -> None:
        """Start with no files."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._kinds: list[str] = []
        self._counts: list[npt.NDArray[np.int32]] = []
        self._roots: list[int] = []
        self._functions: list[int] = []

    def add_file(self, table: SyntaxTable) -> int:
        """Take a file's nodes; return the number of the first, from which the others follow."""
        first = len(self._starts)
        self._roots.append(first)
        self._starts += table.starts
        self._ends += table.ends
        self._kinds += table.kinds
        self._counts.append(occurrences(table))
        return first

    def exit_of(self, function: int) -> int:
        """Return the number of a function's METHOD_RETURN; it is negative."""
        self._functions.append(function)
        return -len(self._functions)

    def texts(self) -> "Texts":
        """Return the ids of all numbers handed out."""
        kinds = pa.array(self._kinds, pa.string())
        starts, ends = (pa.array(n, pa.int32()) for n in (self._starts, self._ends))
        spans = pc.binary_join_element_wise(starts.cast("string"), ends.cast("string"), "-")
        ids = pc.binary_join_element_wise(spans, kinds, ":")
        counts = np.concatenate([np.ones(0, np.int32), *self._counts])
        repeated = pc.binary_join_element_wise(ids, pa.array(counts).cast("string"), "~")
        ids = pc.if_else(pa.array(counts > 1), repeated, ids)
        is_root = np.zeros(len(counts), bool)
        is_root[self._roots] = True
        ids = pc.if_else(pa.array(is_root), ROOT, ids)
        returns = ids.take(pa.array(self._functions, pa.int64()))
        return Texts(ids, pc.binary_join_element_wise(returns, "return", ":"))


class Texts:
    """Local ids by number."""

    def __init__(self, ids: pa.StringArray, exits: pa.StringArray) -> None:
        """Take the ids of nodes, and those of exits in the order in which they were asked for."""
        self._count = len(ids)
        self._ids = pa.concat_arrays([ids, exits])

    def of(self, numbers: list[int]) -> pa.StringArray:
        """Return the ids of numbers."""
        wanted = np.array(numbers, np.int64)
        wanted = np.where(wanted < 0, self._count - wanted - 1, wanted)
        return self._ids.take(pa.array(wanted))
