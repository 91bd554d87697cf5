"""A program as the solver's tables, and as its first facts and edges."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import numpy as np

from tasks.values import memory, solver
from tasks.values.facts import ANY, UNKNOWN_KEY, Kind, Op
from tasks.values.gather import BUILTIN_CLASSES, INDEXES, ROOT, TRANSPARENT, TYPING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from tasks.values.gather import Program

    Ints = npt.NDArray[np.int64]

OPAQUE = "()"  # the outside thing of which nothing is known
BUILTIN_OF_KIND = {
    Kind.LIST: "builtins.list",
    Kind.DICT: "builtins.dict",
    Kind.TUPLE: "builtins.tuple",
    Kind.SET: "builtins.set",
}
_SPECIAL = {
    memory.ANY_NAME: ANY,
    memory.UNKNOWN_NAME: UNKNOWN_KEY,
    memory.INIT_NAME: "__init__",
    memory.NEW_NAME: "__new__",
    memory.CALL_NAME: "__call__",
    memory.CLASS_NAME: "__class__",
    memory.STAR_NAME: "*",
    memory.STAR_STAR_NAME: "**",
}
# Hash tables, with the table whose rows have keys in them.
_TABLE_OF = {
    memory.FACT_TABLE: memory.FACTS,
    memory.FIELDS: memory.VARIABLES,
    memory.OUTSIDE_TABLE: memory.OUTSIDE,
    memory.ONCE: memory.CALLS,
}


class Tables:
    """The tables of a program that no fixpoint changes, and how much room the others need.

    The first guess of the room is what most programs need; `enlarge` doubles what was too little.
    """

    def __init__(self, program: Program) -> None:
        """Make the tables."""
        for dotted in (OPAQUE, *TRANSPARENT, *BUILTIN_OF_KIND.values()):
            program.outside.id(dotted)
        self._program = program
        names, indexes, special = _names(program)
        of_kind, given_back = _kinds_outside(program)
        sites, arguments = _sites(program)
        self._scalars = {
            memory.N_OBJECTS: program.n_objects,
            memory.OPAQUE: program.outside.id(OPAQUE),
            **special,
        }
        self._tables = {
            memory.ARGUMENTS_OF: arguments,
            memory.SITES: sites,
            memory.BUILTIN_OF_KIND: of_kind,
            memory.NAMES: names,
            memory.INDEX_NAMES: indexes,
            memory.GIVEN_BACK: given_back,
        }
        defines = rows_of(program, Op.DEFINES)
        defined = (defines["a"] << 31) | defines["name"]
        self._defined = np.concatenate((defined, _builtin_attributes(program)))
        self._submodules = np.array(program.submodules, np.int64).reshape(-1, 3)
        rooms = {
            memory.VARIABLES: program.n_variables + 1024,
            memory.EDGES: 4 * len(program.ops["op"]) + 1024,
            memory.CALLS: program.n_sites + 1024,
            memory.OUTSIDE: 8 * 1024,
        }
        # Values flow through calls four times as far.
        self._rooms = {
            calling: rooms | {memory.FACTS: (1 + 3 * calling) * program.n_variables + 1024}
            for calling in (False, True)
        }

    def enlarge(self, full: int, *, calling: bool) -> int:
        """Double the room of a table, and return how many bytes all take."""
        self._rooms[calling][_TABLE_OF.get(full, full)] *= 2
        widths = dict(enumerate(memory.WIDTHS, memory.FIRST_TABLE))
        rooms = self._all_rooms(self._rooms[calling])
        return sum(8 * room * widths[table] for table, room in rooms.items())

    def _all_rooms(self, rooms: dict[int, int]) -> dict[int, int]:
        program = self._program
        return rooms | {
            memory.VARIABLES: program.n_variables + rooms[memory.VARIABLES],
            memory.OUTSIDE: len(program.outside.parents) + rooms[memory.OUTSIDE],
            memory.FACT_TABLE: _hashed(rooms[memory.FACTS]),
            memory.FIELDS: _hashed(rooms[memory.VARIABLES]),
            memory.ONCE: _hashed(2 * rooms[memory.CALLS]),
            memory.OUTSIDE_TABLE: _hashed(len(program.outside.parents) + rooms[memory.OUTSIDE]),
            memory.DEFINED: _hashed(len(self._defined)),
            memory.SUBMODULES: _hashed(len(self._submodules)),
        }

    def begun(self, orders: Mapping[int, Sequence[int]], *, calling: bool) -> Ints:
        """Return the memory with the program's facts and edges; `FULL` tells of too little room.

        Args:
            orders: class -> its resolution order, itself first.
            calling: whether values shall flow through calls too.
        """
        program, submodules = self._program, self._submodules
        scalars = {
            memory.N_VARIABLES: program.n_variables,
            memory.N_OUTSIDE: len(program.outside.parents),
        }
        tables = {memory.OUTSIDE: _outside(program), **_objects(program, orders)}
        rooms = self._all_rooms(self._rooms[calling])
        made = memory.begun(self._scalars | scalars, self._tables | tables, rooms)
        memory.insert_keys(made, memory.DEFINED, self._defined, self._defined)
        memory.insert_keys(
            made,
            memory.SUBMODULES,
            (submodules[:, 0] << 31) | submodules[:, 1],
            np.ascontiguousarray(submodules[:, 2]),
        )
        below = [(p << 31 | name, at) for (p, name), at in program.outside.ids.items() if p != ROOT]
        keys, numbers = np.array(below, np.int64).reshape(-1, 2).T.copy()
        memory.insert_keys(made, memory.OUTSIDE_TABLE, keys, numbers)
        return made


def begin_values(program: Program, made: Ints) -> None:
    """Give a memory the facts and edges that the program states."""
    n = program.n_objects
    facts = np.array(program.facts, np.int64).reshape(-1, 2)
    objects = np.where(facts[:, 1] >= 0, facts[:, 1], 4 * n - 1 - facts[:, 1])
    memory.add_facts(made, np.ascontiguousarray(facts[:, 0]), objects)
    loads = np.array(program.loads, np.int64).reshape(-1, 3).T.copy()
    _add_edges(made, loads[1], solver.LOAD, loads[0], loads[2], np.full(len(loads[0]), -1))
    rows = rows_of(program, Op.ALLOC)
    memory.add_facts(made, rows["a"], rows["b"])
    rows = rows_of(program, Op.SUPER)
    memory.add_facts(made, rows["a"], rows["b"] + 3 * n)
    rows = rows_of(program, Op.SELF)
    solver.add_selves(made, rows["b"], rows["c"])
    is_class_method = program.kinds[rows["a"]] == Kind.CLASS_METHOD
    memory.add_facts(made, rows["b"], rows["c"] + np.where(is_class_method, 0, 2 * n))
    rows = rows_of(program, Op.COPY)
    _add_edges(made, rows["b"], solver.COPY, rows["a"])
    rows = rows_of(program, Op.LOAD)
    _add_edges(made, rows["b"], solver.LOAD, rows["a"], rows["name"], rows["c"])
    rows = rows_of(program, Op.STORE)
    _add_edges(made, rows["a"], solver.STORE, rows["b"], rows["name"], rows["c"])
    rows = rows_of(program, Op.INSTANCE)
    _add_edges(made, rows["b"], solver.INSTANCE, rows["a"])
    rows = rows_of(program, Op.JOIN)
    _add_edges(made, rows["b"], solver.CONTAINERS, rows["a"])
    _add_edges(made, rows["c"], solver.CONTAINERS, rows["a"])
    rows = rows_of(program, Op.DEFINES)
    solver.add_definitions(made, rows["a"], rows["name"], rows["b"])
    rows = rows_of(program, Op.CALL)
    _add_edges(made, rows["b"], solver.CALL, rows["a"], rows["b"])


def _add_edges(
    made: Ints, at: Ints, kind: int, to: Ints, x: Ints | None = None, y: Ints | None = None
) -> None:
    nothing = np.zeros(len(at), np.int64)
    memory.add_edges(made, at, kind, to, nothing if x is None else x, nothing if y is None else y)


def rows_of(program: Program, op: Op) -> dict[str, Ints]:
    """Return the columns of all operations that say the same."""
    begin, end = program.op_starts[op : op + 2]
    return {name: column[begin:end] for name, column in program.ops.items()}


def _of(keys: Ints, values: Ints, n: int) -> Ints:
    found = np.full(n, -1, np.int64)
    found[keys] = values
    return found


def _stacked(*columns: Ints) -> Ints:
    """Return columns as the rows of a table."""
    return np.ascontiguousarray(np.stack(columns, axis=1)).astype(np.int64)


def _hashed(n_keys: int) -> int:
    """Return the size of a hash table that has room for so many keys: at most two thirds full."""
    return 1 << max(4, (3 * n_keys // 2).bit_length())


def _names(program: Program) -> tuple[Ints, Ints, dict[int, int]]:
    """Return the tables of names and of positions' names, and the names that rules know."""
    names = program.names
    keys = [names.id(f"['{text}") for text in list(names.texts)]
    indexes = [names.id(f"[{index}") for index in range(INDEXES)]
    special = {number: names.id(text) for number, text in _SPECIAL.items()}
    texts = names.texts
    keys += [-1] * (len(texts) - len(keys))
    uppers = [text.lstrip("_")[:1].isupper() for text in texts]
    brackets = [text.startswith("[") for text in texts]
    table = _stacked(np.array(keys), np.array(uppers), np.array(brackets))
    return table, np.array(indexes, np.int64), special


def _kinds_outside(program: Program) -> tuple[Ints, Ints]:
    """Return the classes of containers' kinds, and what calls of outside things give back."""
    outside = program.outside
    of_kind = np.full(len(Kind), -1, np.int64)
    for kind, dotted in BUILTIN_OF_KIND.items():
        of_kind[kind] = outside.id(dotted)
    given_back = np.full(len(outside.parents), -1, np.int64)
    for dotted, index in TRANSPARENT.items():
        given_back[outside.id(dotted)] = index
    return of_kind, given_back


def _objects(program: Program, orders: Mapping[int, Sequence[int]]) -> dict[int, Ints]:
    """Return the tables of objects and parameters, the orders of classes and the stars."""
    n = program.n_objects
    rows = rows_of(program, Op.PARAMETER)
    places = np.where(rows["c"] < 0, np.iinfo(np.int32).max, rows["c"])
    order = np.lexsort((places, rows["a"]))
    comes_back = np.isin(rows["b"], rows_of(program, Op.GIVES_BACK)["b"])
    columns = (rows["b"], rows["c"], rows["name"], comes_back.astype(np.int64))
    parameters = _stacked(*(column[order] for column in columns))
    classes = np.flatnonzero(program.kinds == Kind.CLASS)
    listed = [list(orders.get(cls, (cls,))) for cls in classes.tolist()]
    lengths = np.zeros(n + 1, np.int64)
    lengths[classes + 1] = [len(order) for order in listed]
    stars = np.array(program.stars, np.int64).reshape(-1, 2)
    stars = stars[np.argsort(stars[:, 0], kind="stable")]
    returns, rest, rest_named = (rows_of(program, op) for op in (Op.RETURN, Op.REST, Op.REST_NAMED))
    following = np.arange(n + 1)
    objects = _stacked(
        np.append(program.kinds, -1),
        _of(returns["a"], returns["b"], n + 1),
        _of(rest["a"], rest["c"], n + 1),
        _of(rest_named["a"], rest_named["c"], n + 1),
        np.searchsorted(rows["a"][order], following),
        np.cumsum(lengths),
        np.searchsorted(stars[:, 0], following),
    )
    return {
        memory.OBJECTS: objects,
        memory.PARAMETERS_OF: parameters,
        memory.ORDERS: np.array([one for order in listed for one in order], np.int64),
        memory.STAR_VARIABLES: np.ascontiguousarray(stars[:, 1]),
    }


def _sites(program: Program) -> tuple[Ints, Ints]:
    """Return the tables of sites and arguments."""
    n = program.n_sites
    calls, rows = rows_of(program, Op.CALL), rows_of(program, Op.ARGUMENT)
    order = np.argsort(rows["a"], kind="stable")
    arguments = _stacked(*(rows[name][order] for name in ("b", "c", "name")))
    sites = _stacked(
        np.searchsorted(rows["a"][order], np.arange(n + 1)),
        np.append(program.site_kinds, -1),
        _of(calls["a"], calls["c"], n + 1),
    )
    return sites, arguments


def _outside(program: Program) -> Ints:
    """Return the table of outside names that are known from the start."""
    outside = program.outside
    texts = outside_texts(outside.parents, outside.last, program.names.texts)
    flags = [_flags(dotted) for dotted in texts]
    depths = [dotted.count(".") + 1 for dotted in texts]
    return _stacked(
        *(np.array(column) for column in (outside.parents, outside.last, flags, depths))
    )


def _builtin_attributes(program: Program) -> Ints:
    """Return which attributes the builtin classes have, as keys of (object, name)."""
    keys = []
    base = 4 * program.n_objects
    for name in sorted(BUILTIN_CLASSES):
        number = base + 2 * program.outside.id(f"builtins.{name}")
        known = (program.names.known.get(one) for one in dir(getattr(builtins, name)))
        keys += [(number << 31) | one for one in known if one is not None]
    return np.array(keys, np.int64)


def _flags(dotted: str) -> int:
    module, _, last = dotted.rpartition(".")
    flags = 0
    if last.lstrip("_")[:1].isupper() or (module == "builtins" and last in BUILTIN_CLASSES):
        flags |= memory.IS_CLASS
    if dotted == OPAQUE:
        flags |= memory.IS_OPAQUE
    if module == "builtins" and last in BUILTIN_CLASSES:
        flags |= memory.IS_BUILTIN
    if dotted == "builtins.super":
        flags |= memory.GIVES_NOTHING
    if dotted in TYPING or module in TYPING:
        flags |= memory.IS_TYPING
    if dotted == "builtins.object" or module in TYPING:
        flags |= memory.IS_OBJECT
    return flags


def outside_texts(
    parents: Sequence[int] | Ints, last: Sequence[int] | Ints, texts: Sequence[str]
) -> list[str]:
    """Return outside names as dotted texts; a parent comes before what is below it."""
    found: list[str] = []
    for parent, name in zip(parents, last, strict=True):
        found.append(texts[name] if parent == ROOT else f"{found[parent]}.{texts[name]}")
    return found
