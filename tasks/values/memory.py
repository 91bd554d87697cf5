"""The memory of the analysis: all tables in one array of numbers, as compiled loops take it.

One array, since each argument of a compiled function costs compilation, and there are many of
both. A header holds counters, scalars, and where each table begins; `at` finds a cell. All begins
as zeros, which the system gives only where they are touched, so that much room costs little: row 0
of facts and edges is none, and a hash table, whose size is a power of two, has in column `KEY` one
more than a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

# The header: counters, then scalars,
N_FACTS, N_EDGES, N_VARIABLES, N_OUTSIDE, N_CALLS, N_ONCE, FULL, CALLING = range(8)
N_OBJECTS, OPAQUE, ANY_NAME, UNKNOWN_NAME, INIT_NAME, NEW_NAME = range(8, 14)
CALL_NAME, CLASS_NAME, STAR_NAME, STAR_STAR_NAME = range(14, 18)
MOST_HELD = 18
# (a variable that came to hold `MOST_HELD` objects says nothing any more: it takes no others)
# then where each table begins, and at `ROOM` further on how many rows it has room for.
FIRST_TABLE = 20
FACTS, FACT_TABLE, VARIABLES, EDGES, FIELDS, DEFINED, ONCE = range(20, 27)
OUTSIDE, OUTSIDE_TABLE, CALLS, OBJECTS, PARAMETERS_OF, ARGUMENTS_OF, SITES = range(27, 34)
ORDERS, STAR_VARIABLES, SUBMODULES, BUILTIN_OF_KIND, NAMES, INDEX_NAMES, GIVEN_BACK = range(34, 41)
ROOM = 21
HEADER = FIRST_TABLE + 2 * ROOM
WIDTHS = (3, 1, 3, 6, 2, 2, 1, 4, 2, 4, 7, 4, 3, 3, 1, 1, 2, 1, 3, 1, 1)

# Columns: of hash tables; of facts, variables and edges; of outside names; of calls found;
KEY, VALUE = range(2)
VARIABLE, OBJECT, NEXT_FACT = range(3)
FIRST_FACT, COUNT, FIRST_EDGE = range(3)
FROM, KIND, TO, X, Y, NEXT_EDGE = range(6)
PARENT, NAME, FLAGS, DEPTH = range(4)
SITE, CALLED, HOW, CALLEE = range(4)
# of objects; of parameters and arguments, whose first is `VARIABLE`; of sites; of names.
KIND_OF, RETURNS, REST, REST_NAMED, PARAMETERS, ORDER, STARS = range(7)
_, POSITION, CALLED_BY, COMES_BACK = range(4)
ARGUMENTS, KIND_OF_SITE, RESULT = range(3)
KEY_OF, IS_UPPER, IS_BRACKET = range(3)

# Flags of outside names.
IS_CLASS, IS_TYPING, IS_OPAQUE, IS_OBJECT, IS_BUILTIN, GIVES_NOTHING = 1, 2, 4, 8, 16, 32

Function = TypeVar("Function", bound="Callable[..., object]")


def inner(function: Function) -> Function:
    """Mark what is to be compiled, and is called by compiled code alone."""
    function.__dict__["compiled"] = "inner"
    return function


def entry(function: Function) -> Function:
    """Mark what is to be compiled, and is called from Python."""
    function.__dict__["compiled"] = "entry"
    return function


def begun(scalars: Mapping[int, int], tables: Mapping[int, Ints], rooms: Mapping[int, int]) -> Ints:
    """Return a memory, by numbers in the header.

    Args:
        scalars: their values.
        tables: what stands in tables from the start.
        rooms: how many rows tables have room for, where that is more than they start with.
    """
    rows = {number: rooms.get(number, 0) for number in range(FIRST_TABLE, FIRST_TABLE + ROOM)}
    rows |= {number: max(len(table), rows[number]) for number, table in tables.items()}
    widths = dict(zip(rows, WIDTHS, strict=True))
    memory = np.zeros(HEADER + sum(rows[number] * widths[number] for number in rows), np.int64)
    begin = HEADER
    for number, room in rows.items():
        memory[number], memory[number + ROOM] = begin, room
        begin += room * widths[number]
    for number, value in scalars.items():
        memory[number] = value
    for number, table in tables.items():
        memory[memory[number] :][: table.size] = table.reshape(-1)
    memory[N_FACTS] = memory[N_EDGES] = 1
    return memory


def table_of(memory: Ints, number: int, rows: int) -> Ints:
    """Return the first rows of a table."""
    width = WIDTHS[number - FIRST_TABLE]
    begin = memory[number]
    return memory[begin : begin + rows * width].reshape(rows, width)


@inner
def at(m: Ints, table: int, row: int, column: int) -> int:
    """Return where a cell is."""
    return m[table] + row * WIDTHS[table - FIRST_TABLE] + column


@inner
def place(m: Ints, table: int, key: int) -> int:
    """Return the row of a key in a hash table, or the row where it would be."""
    mask = m[ROOM + table] - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    row = np.int64(mixed >> np.uint64(20)) & mask
    while m[at(m, table, row, KEY)] != 0 and m[at(m, table, row, KEY)] != key + 1:
        row = (row + 1) & mask
    return row


@inner
def find(m: Ints, table: int, key: int) -> int:
    """Return the row of a key in a hash table, -1 where it is not there."""
    row = place(m, table, key)
    return row if m[at(m, table, row, KEY)] else -1


@inner
def put(m: Ints, table: int, key: int) -> int:
    """Return the row of a key in a hash table, which has it now."""
    row = place(m, table, key)
    m[at(m, table, row, KEY)] = key + 1
    return row


@inner
def pair(a: int, b: int) -> int:
    """Return a key of two numbers."""
    return (a << 31) | b


@inner
def once(m: Ints, kind: int, a: int, b: int) -> bool:
    """Return whether this is asked for the first time."""
    key = (pair(a, b) << 2) | kind
    if find(m, ONCE, key) >= 0:
        return False
    n = m[N_ONCE]
    if 2 * n >= m[ROOM + ONCE]:
        m[FULL] = ONCE
        return False
    put(m, ONCE, key)
    m[N_ONCE] = n + 1
    return True


@inner
def add_fact(m: Ints, variable: int, obj: int) -> None:
    """Let a variable hold an object."""
    key = pair(variable, obj)
    if find(m, FACT_TABLE, key) >= 0:
        return
    n = m[N_FACTS]
    if n >= m[ROOM + FACTS]:
        m[FULL] = FACTS
        return
    if m[at(m, VARIABLES, variable, COUNT)] >= m[MOST_HELD]:
        return
    m[at(m, VARIABLES, variable, COUNT)] += 1
    put(m, FACT_TABLE, key)
    m[at(m, FACTS, n, VARIABLE)] = variable
    m[at(m, FACTS, n, OBJECT)] = obj
    m[N_FACTS] = n + 1


@inner
def add_edge(m: Ints, variable: int, kind: int, to: int, x: int, y: int) -> None:
    """Let facts of a variable imply more."""
    n = m[N_EDGES]
    if n >= m[ROOM + EDGES]:
        m[FULL] = EDGES
        return
    m[at(m, EDGES, n, FROM)] = variable
    m[at(m, EDGES, n, KIND)] = kind
    m[at(m, EDGES, n, TO)] = to
    m[at(m, EDGES, n, X)] = x
    m[at(m, EDGES, n, Y)] = y
    m[N_EDGES] = n + 1


@inner
def new_variable(m: Ints) -> int:
    """Return a variable that nothing holds yet."""
    n = m[N_VARIABLES]
    if n >= m[ROOM + VARIABLES]:
        m[FULL] = VARIABLES
        return 0
    m[N_VARIABLES] = n + 1
    return n


@inner
def field(m: Ints, obj: int, name: int) -> int:
    """Return the variable of an object's attribute."""
    key = pair(obj, name)
    row = find(m, FIELDS, key)
    if row < 0:
        made = new_variable(m)
        if m[FULL]:
            return 0
        row = put(m, FIELDS, key)
        m[at(m, FIELDS, row, VALUE)] = made
    return m[at(m, FIELDS, row, VALUE)]


@inner
def outside(m: Ints, parent: int, name: int) -> int:
    """Return the number of an outside name below another."""
    key = pair(parent, name)
    row = find(m, OUTSIDE_TABLE, key)
    if row < 0:
        n = m[N_OUTSIDE]
        if n >= m[ROOM + OUTSIDE]:
            m[FULL] = OUTSIDE
            return parent
        flags = m[at(m, OUTSIDE, parent, FLAGS)] & IS_TYPING
        if m[at(m, NAMES, name, IS_UPPER)]:
            flags |= IS_CLASS
        m[at(m, OUTSIDE, n, PARENT)] = parent
        m[at(m, OUTSIDE, n, NAME)] = name
        m[at(m, OUTSIDE, n, FLAGS)] = flags
        m[at(m, OUTSIDE, n, DEPTH)] = m[at(m, OUTSIDE, parent, DEPTH)] + 1
        row = put(m, OUTSIDE_TABLE, key)
        m[at(m, OUTSIDE_TABLE, row, VALUE)] = n
        m[N_OUTSIDE] = n + 1
    return m[at(m, OUTSIDE_TABLE, row, VALUE)]


@inner
def is_defined(m: Ints, obj: int, name: int) -> bool:
    """Return whether a body defines a name; a builtin class has its attributes likewise."""
    return find(m, DEFINED, pair(obj, name)) >= 0


@entry
def add_facts(m: Ints, variables: Ints, objects: Ints) -> None:
    """Let variables hold objects."""
    for i in range(len(variables)):
        add_fact(m, variables[i], objects[i])


@entry
def add_edges(m: Ints, at: Ints, kind: int, to: Ints, x: Ints, y: Ints) -> None:
    """Let facts of variables imply more."""
    for i in range(len(at)):
        add_edge(m, at[i], kind, to[i], x[i], y[i])


@entry
def insert_keys(m: Ints, table: int, wanted: Ints, values: Ints) -> None:
    """Fill a hash table."""
    for i in range(len(wanted)):
        row = put(m, table, wanted[i])
        if WIDTHS[table - FIRST_TABLE] > 1:
            m[at(m, table, row, VALUE)] = values[i]
