"""From a program to its fixpoint: once to know the classes' order, then with all calls."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.values import memory, solver
from tasks.values.compilation import compile_all
from tasks.values.facts import ANY, IMPLICIT, UNKNOWN_KEY, Kind, Op
from tasks.values.gather import BUILTIN_CLASSES, INDEXES, ROOT, TRANSPARENT, TYPING
from tasks.values.resolution_order import linearise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tasks.values.gather import Program

    Ints = npt.NDArray[np.int64]

# Room for so many times what there is at the start, and how many objects a variable may hold:
# where code mixes everything with everything, less is known of it rather than nothing ready.
TRIES = ((4.0, 32), (4.0, 8), (4.0, 4), (4.0, 2))
OPAQUE = "()"  # the outside thing of which nothing is known
BUILTIN_OF_KIND = {
    Kind.LIST: "builtins.list",
    Kind.DICT: "builtins.dict",
    Kind.TUPLE: "builtins.tuple",
    Kind.SET: "builtins.set",
}


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
    for dotted in (OPAQUE, *TRANSPARENT, *BUILTIN_OF_KIND.values()):
        program.outside.id(dotted)
    for room, most_held in TRIES:
        first = _solved(program, {}, (room, most_held), calling=False)
        if first is not None:
            _keep_outside(program, first)
            second = _solved(program, _orders(program, first), (room, most_held), calling=True)
            if second is not None:
                return _calls(program, first, second, most_held)
    nothing, no = np.zeros(0, np.int64), np.zeros(0, bool)
    return Calls(nothing, nothing, nothing, nothing, no, no, program.n_objects, (), 0)


def _rows(program: Program, op: Op) -> dict[str, Ints]:
    chosen = program.ops["op"] == op
    return {name: column[chosen] for name, column in program.ops.items()}


def _of(keys: Ints, values: Ints, n: int) -> Ints:
    found = np.full(n, -1, np.int64)
    found[keys] = values
    return found


def _rows_of(*columns: Ints) -> Ints:
    """Return columns as the rows of a table."""
    return np.ascontiguousarray(np.stack(columns, axis=1)).astype(np.int64)


def _hashed(n_keys: float, columns: int = 2) -> Ints:
    """Return an empty hash table with room for so many keys."""
    return np.full((1 << max(4, int(2 * n_keys).bit_length()), columns), -1, np.int64)


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
    table = _rows_of(np.array(keys), np.array(uppers), np.array(brackets))
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


def _objects(program: Program, orders: dict[int, list[int]]) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the tables of objects and parameters, the orders of classes and the stars."""
    n = program.n_objects
    rows = _rows(program, Op.PARAMETER)
    places = np.where(rows["c"] < 0, np.iinfo(np.int32).max, rows["c"])
    order = np.lexsort((places, rows["a"]))
    comes_back = np.isin(rows["b"], _rows(program, Op.GIVES_BACK)["b"])
    columns = (rows["b"], rows["c"], rows["name"], comes_back)
    parameters = _rows_of(*(column[order] for column in columns))
    classes = [
        orders.get(obj, [obj]) if kind == Kind.CLASS else []
        for obj, kind in enumerate(program.kinds.tolist())
    ]
    lengths = np.array([len(one) for one in classes], np.int64)
    stars = np.array(program.stars, np.int64).reshape(-1, 2)
    stars = stars[np.argsort(stars[:, 0], kind="stable")]
    returns, rest, rest_named = (_rows(program, op) for op in (Op.RETURN, Op.REST, Op.REST_NAMED))
    following = np.arange(n + 1)
    objects = _rows_of(
        np.append(program.kinds, -1),
        _of(returns["a"], returns["b"], n + 1),
        _of(rest["a"], rest["c"], n + 1),
        _of(rest_named["a"], rest_named["c"], n + 1),
        np.searchsorted(rows["a"][order], following),
        np.concatenate(([0], np.cumsum(lengths))),
        np.searchsorted(stars[:, 0], following),
    )
    listed = np.array([one for order in classes for one in order], np.int64)
    return objects, parameters, listed, np.ascontiguousarray(stars[:, 1])


def _sites(program: Program) -> tuple[Ints, Ints]:
    """Return the tables of sites and arguments."""
    n = program.n_sites
    calls, rows = _rows(program, Op.CALL), _rows(program, Op.ARGUMENT)
    order = np.argsort(rows["a"], kind="stable")
    arguments = _rows_of(*(rows[name][order] for name in ("b", "c", "name")))
    sites = _rows_of(
        np.searchsorted(rows["a"][order], np.arange(n + 1)),
        np.append(program.site_kinds, -1),
        _of(calls["a"], calls["c"], n + 1),
    )
    return sites, arguments


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


def _memory(program: Program, orders: dict[int, list[int]], room: float) -> Ints:
    """Return the memory before any fact, with room for so many times what is there."""
    outside, n_variables = program.outside, program.n_variables
    builtin = _builtin_attributes(program)
    defines = _rows(program, Op.DEFINES)
    wanted = np.concatenate(((defines["a"] << 31) | defines["name"], builtin))
    names, indexes, special = _names(program)
    of_kind, given_back = _kinds_outside(program)
    objects, parameters, listed, star_variables = _objects(program, orders)
    sites, arguments = _sites(program)
    known = _outside(program, room)
    n_facts = int(room * (n_variables + 1024))
    n_edges = int(room * (len(program.ops["op"]) + 1024))
    n_calls = int(room * (program.n_sites + 1024))
    variables = np.full((n_variables + int(room * (n_variables + 1024)), 3), -1, np.int64)
    variables[:, memory.COUNT] = 0
    submodules = np.array(program.submodules, np.int64).reshape(-1, 3)
    scalars = {
        memory.N_VARIABLES: n_variables,
        memory.N_OUTSIDE: len(outside.parents),
        memory.N_OBJECTS: program.n_objects,
        memory.OPAQUE: outside.id(OPAQUE),
        **special,
    }
    made = memory.packed(
        scalars,
        {
            memory.FACTS: np.empty((n_facts, 3), np.int64),
            memory.FACT_TABLE: _hashed(n_facts, 1),
            memory.VARIABLES: variables,
            memory.EDGES: np.empty((n_edges, 6), np.int64),
            memory.FIELDS: _hashed(len(variables)),
            memory.DEFINED: _hashed(len(wanted)),
            memory.ONCE: _hashed(2 * n_calls, 1),
            memory.OUTSIDE: known,
            memory.OUTSIDE_TABLE: _hashed(len(known)),
            memory.CALLS: np.empty((n_calls, 4), np.int64),
            memory.OBJECTS: objects,
            memory.PARAMETERS_OF: parameters,
            memory.ARGUMENTS_OF: arguments,
            memory.SITES: sites,
            memory.ORDERS: listed,
            memory.STAR_VARIABLES: star_variables,
            memory.SUBMODULES: _hashed(len(submodules)),
            memory.BUILTIN_OF_KIND: of_kind,
            memory.NAMES: names,
            memory.INDEX_NAMES: indexes,
            memory.GIVEN_BACK: given_back,
        },
    )
    memory.insert_keys(made, memory.DEFINED, wanted, wanted)
    memory.insert_keys(
        made,
        memory.SUBMODULES,
        (submodules[:, 0] << 31) | submodules[:, 1],
        np.ascontiguousarray(submodules[:, 2]),
    )
    below = [(p << 31 | name, at) for (p, name), at in outside.ids.items() if p != ROOT]
    keys, numbers = np.array(below, np.int64).reshape(-1, 2).T.copy()
    memory.insert_keys(made, memory.OUTSIDE_TABLE, keys, numbers)
    return made


def _outside(program: Program, room: float) -> Ints:
    """Return the table of outside names, with room for more."""
    outside, n_texts = program.outside, len(program.names.texts)
    n = len(outside.parents)
    texts = outside_texts(outside.parents, outside.last, program.names.texts)
    known = np.zeros((n + int(room * (n_texts + 1024)), 4), np.int64)
    known[:n, memory.PARENT] = outside.parents
    known[:n, memory.NAME] = outside.last
    known[:n, memory.FLAGS] = [_flags(dotted) for dotted in texts]
    known[:n, memory.DEPTH] = [dotted.count(".") + 1 for dotted in texts]
    return known


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


def _solved(
    program: Program, orders: dict[int, list[int]], limits: tuple[float, int], *, calling: bool
) -> Ints | None:
    """Return the fixpoint's memory, none where there was no room for it."""
    room, most_held = limits
    made = _memory(program, orders, room)
    made[memory.MOST_HELD] = most_held
    made[memory.CALLING] = calling
    base = 4 * program.n_objects
    facts = np.array(program.facts, np.int64).reshape(-1, 2)
    objects = np.where(facts[:, 1] >= 0, facts[:, 1], base - 1 - facts[:, 1])
    memory.add_facts(made, np.ascontiguousarray(facts[:, 0]), objects)
    loads = np.array(program.loads, np.int64).reshape(-1, 3).T.copy()
    _add_edges(made, loads[1], solver.LOAD, loads[0], loads[2], np.full(len(loads[0]), -1))
    _begin_values(program, made)
    rows = _rows(program, Op.CALL)
    _add_edges(made, rows["b"], solver.CALL, rows["a"], rows["b"])
    solver.solve(made)
    return None if made[memory.FULL] else made


def _begin_values(program: Program, made: Ints) -> None:
    n = program.n_objects
    rows = _rows(program, Op.ALLOC)
    memory.add_facts(made, rows["a"], rows["b"])
    rows = _rows(program, Op.SUPER)
    memory.add_facts(made, rows["a"], rows["b"] + 3 * n)
    rows = _rows(program, Op.SELF)
    solver.add_selves(made, rows["b"], rows["c"])
    is_class_method = program.kinds[rows["a"]] == Kind.CLASS_METHOD
    memory.add_facts(made, rows["b"], rows["c"] + np.where(is_class_method, 0, 2 * n))
    rows = _rows(program, Op.COPY)
    _add_edges(made, rows["b"], solver.COPY, rows["a"])
    rows = _rows(program, Op.LOAD)
    _add_edges(made, rows["b"], solver.LOAD, rows["a"], rows["name"], rows["c"])
    rows = _rows(program, Op.STORE)
    _add_edges(made, rows["a"], solver.STORE, rows["b"], rows["name"], rows["c"])
    rows = _rows(program, Op.INSTANCE)
    _add_edges(made, rows["b"], solver.INSTANCE, rows["a"])
    rows = _rows(program, Op.JOIN)
    _add_edges(made, rows["b"], solver.CONTAINERS, rows["a"])
    _add_edges(made, rows["c"], solver.CONTAINERS, rows["a"])
    rows = _rows(program, Op.DEFINES)
    solver.add_definitions(made, rows["a"], rows["name"], rows["b"])


def _add_edges(
    made: Ints, at: Ints, kind: int, to: Ints, x: Ints | None = None, y: Ints | None = None
) -> None:
    nothing = np.zeros(len(at), np.int64)
    memory.add_edges(made, at, kind, to, nothing if x is None else x, nothing if y is None else y)


def _held(made: Ints) -> tuple[Ints, Ints]:
    facts = memory.table_of(made, memory.FACTS, int(made[memory.N_FACTS]))
    return facts[:, memory.VARIABLE], facts[:, memory.OBJECT]


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
    rows = _rows(program, Op.BASE)
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


def _calls(program: Program, first: Ints, second: Ints, most_held: int) -> Calls:
    calls = memory.table_of(second, memory.CALLS, int(second[memory.N_CALLS]))
    site, obj, how, variable = calls.T.copy()
    variables, _ = _held(second)
    counts = np.bincount(variables, minlength=int(second[memory.N_VARIABLES]))
    n_held = np.where(
        variable >= 0, np.maximum(counts[variable], _base_counts(program, counts)[variable]), 1
    )
    plain = {(int(v) << 31) | int(o) for v, o in zip(*_held(first), strict=True)}
    is_plain = [((int(v) << 31) | int(o)) in plain for v, o in zip(variable, obj, strict=True)]
    known = memory.table_of(second, memory.OUTSIDE, int(second[memory.N_OUTSIDE]))
    parents, last = known[:, memory.PARENT].tolist(), known[:, memory.NAME].tolist()
    texts = outside_texts(parents, last, program.names.texts)
    return Calls(
        site, obj, how, n_held, np.array(is_plain, bool), np.isin(variable, _super_loads(program)),
        program.n_objects, texts, most_held,
    )  # fmt: skip


def _base_counts(program: Program, counts: Ints) -> Ints:
    """Return how much that holds whose method the language calls: anything has most of them."""
    loads = _rows(program, Op.LOAD)
    implicit = loads["c"] == IMPLICIT
    found = np.zeros_like(counts)
    found[loads["a"][implicit]] = counts[loads["b"][implicit]]
    return found


def _super_loads(program: Program) -> Ints:
    """Return the variables that hold an attribute of ``super()``."""
    held = _rows(program, Op.SUPER)["a"]
    copies, loads = _rows(program, Op.COPY), _rows(program, Op.LOAD)
    held = np.concatenate((held, copies["a"][np.isin(copies["b"], held)]))
    return loads["a"][np.isin(loads["b"], held)]
