"""From a program to its fixpoint: once to know the classes' order, then with all calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.values import memory, solver
from tasks.values.compilation import compile_all
from tasks.values.facts import IMPLICIT, Kind, Op
from tasks.values.resolution_order import linearise
from tasks.values.tables import Tables, begin_values, outside_texts, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from tasks.values.gather import Program

    Ints = npt.NDArray[np.int64]

# How many objects a variable may hold: where code mixes everything with everything, and that would
# take more bytes than these, less is known of it rather than nothing.
MOST_HELD = (32, 16, 8, 4, 2)
MOST_BYTES = 4 << 30


@dataclass(frozen=True)
class Calls:
    """The calls found: a row each, as numbers of the program.

    `how` is one of the solver's; `variable` is the callee's; `n_held` counts what that holds, and
    `is_plain` says that it holds the object whatever is called anywhere.
    """

    site: Ints
    obj: Ints
    how: Ints
    n_held: Ints
    is_plain: npt.NDArray[np.bool_]
    is_super: npt.NDArray[np.bool_]
    n_objects: int
    outside: Sequence[str]
    most_held: int


def analyse(program: Program) -> Calls:
    """Return what is called at each site of a program."""
    compile_all(memory, solver)
    tables = Tables(program)
    for most_held in MOST_HELD:
        first = _solved(program, tables, {}, most_held, calling=False)
        if first is not None:
            _keep_outside(program, first)
            orders, plain = _orders(program, first), _pairs(first)
            # Its memory is had again at once, where new memory would have to be asked for.
            del first
            second = _solved(program, tables, orders, most_held, calling=True)
            if second is not None:
                return _calls(program, plain, second, most_held)
    nothing, no = np.zeros(0, np.int64), np.zeros(0, bool)
    return Calls(nothing, nothing, nothing, nothing, no, no, program.n_objects, (), 0)


def _solved(
    program: Program,
    tables: Tables,
    orders: Mapping[int, Sequence[int]],
    most_held: int,
    *,
    calling: bool,
) -> Ints | None:
    """Return the fixpoint's memory, none where that would be too large."""
    while True:
        made = tables.begun(orders, calling=calling)
        made[memory.MOST_HELD] = most_held
        made[memory.CALLING] = calling
        begin_values(program, made)
        solver.solve(made)
        full = int(made[memory.FULL])
        if not full:
            return made
        del made
        if tables.enlarge(full, calling=calling) > MOST_BYTES:
            return None


def _held(made: Ints) -> tuple[Ints, Ints]:
    facts = memory.table_of(made, memory.FACTS, int(made[memory.N_FACTS]))[1:]
    return facts[:, memory.VARIABLE], facts[:, memory.OBJECT]


def _pairs(made: Ints) -> Ints:
    """Return a number for each thing that a variable holds."""
    variables, objects = _held(made)
    return (variables << 31) | objects


def _keep_outside(program: Program, made: Ints) -> None:
    """Let outside names that the first fixpoint met have the same numbers in the second."""
    outside = program.outside
    known = memory.table_of(made, memory.OUTSIDE, int(made[memory.N_OUTSIDE]))
    for number in range(len(outside.parents), len(known)):
        parent, last = known[number, : memory.NAME + 1].tolist()
        outside.ids[parent, last] = number
        outside.parents.append(parent)
        outside.last.append(last)


def _orders(program: Program, made: Ints) -> dict[int, list[int]]:
    """Return the resolution order of each class, from what its bases hold."""
    variables, objects = _held(made)
    rows = rows_of(program, Op.BASE)
    by_variable: dict[int, list[int]] = {int(v): [] for v in rows["b"]}
    for row in np.flatnonzero(np.isin(variables, rows["b"])):
        by_variable[int(variables[row])].append(int(objects[row]))
    n, kinds = program.n_objects, program.kinds
    bases: dict[int, list[int]] = {int(c): [] for c in np.flatnonzero(kinds == Kind.CLASS)}
    order = np.lexsort((rows["c"], rows["a"]))
    for cls, variable in zip(rows["a"][order].tolist(), rows["b"][order].tolist(), strict=True):
        for base in sorted(by_variable[variable]):
            is_class = base < n and kinds[base] == Kind.CLASS
            if (is_class or base >= 4 * n) and base != cls and base not in bases[cls]:
                bases[cls].append(base if is_class else base - (base - 4 * n) % 2)
    return linearise(bases)


def _calls(program: Program, plain: Ints, second: Ints, most_held: int) -> Calls:
    calls = memory.table_of(second, memory.CALLS, int(second[memory.N_CALLS]))
    site, obj, how, variable = calls.T.copy()
    variables, _ = _held(second)
    counts = np.bincount(variables, minlength=int(second[memory.N_VARIABLES]))
    n_held = np.where(
        variable >= 0, np.maximum(counts[variable], _base_counts(program, counts)[variable]), 1
    )
    is_plain = (variable >= 0) & np.isin((variable << 31) | obj, plain)
    known = memory.table_of(second, memory.OUTSIDE, int(second[memory.N_OUTSIDE]))
    parents, last = known[:, memory.PARENT].tolist(), known[:, memory.NAME].tolist()
    texts = outside_texts(parents, last, program.names.texts)
    return Calls(
        site, obj, how, n_held, is_plain, np.isin(variable, _super_loads(program)),
        program.n_objects, texts, most_held,
    )  # fmt: skip


def _base_counts(program: Program, counts: Ints) -> Ints:
    """Return how much that holds whose method the language calls: anything has most of them."""
    loads = rows_of(program, Op.LOAD)
    implicit = loads["c"] == IMPLICIT
    found = np.zeros_like(counts)
    found[loads["a"][implicit]] = counts[loads["b"][implicit]]
    return found


def _super_loads(program: Program) -> Ints:
    """Return the variables that hold an attribute of ``super()``."""
    held = rows_of(program, Op.SUPER)["a"]
    copies, loads = rows_of(program, Op.COPY), rows_of(program, Op.LOAD)
    held = np.concatenate((held, copies["a"][np.isin(copies["b"], held)]))
    return loads["a"][np.isin(loads["b"], held)]
