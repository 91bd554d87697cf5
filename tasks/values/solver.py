"""The fixpoint: which objects each variable holds, and what is called at each site.

An inclusion-based analysis (L. O. Andersen, 1994) with the call graph built on the way, for Python's
objects: attributes by object, methods by the class's resolution order, one set of values for each
parameter whoever calls. A *fact* is a pair of a variable and an object; an *edge* stands at a
variable and says what a fact there implies. Each fact meets each edge of its variable once, so the
result does not depend on an order. Loops over numbers, compiled by numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

# Edges by what they do with an object that comes to their variable.
COPY, LOAD, STORE, INSTANCE, BIND, CLASS_GET, CALL, CONSTRUCT, CONTAINERS = range(9)
# How a call came to its target.
PLAIN, BOUND, CONSTRUCTOR, GETTER, CLASS_ITSELF = range(5)
# Kinds of objects; as in `facts.Kind`, whose members numba does not take.
MODULE, FUNCTION, STATIC, CLASS_METHOD, PROPERTY, CLASS, LIST, DICT, TUPLE, SET, GENERATOR = range(
    11
)
DECORATOR_SITE, RAISE_SITE = 1, 5
IMPLICIT = -2
# Flags of outside names.
IS_CLASS, IS_TYPING, IS_OPAQUE, IS_OBJECT, IS_BUILTIN, GIVES_NOTHING = 1, 2, 4, 8, 16, 32
# Columns: of hash tables; of facts, variables, edges and outside names; of calls found;
KEY, VALUE = range(2)
VARIABLE, OBJECT, NEXT_FACT = range(3)
FIRST_FACT, COUNT, FIRST_EDGE = range(3)
FROM, KIND, TO, X, Y, NEXT_EDGE = range(6)
PARENT, NAME, FLAGS, DEPTH = range(4)
SITE, CALLED, HOW, CALLEE = range(4)
# of objects, of parameters and arguments (whose first is `VARIABLE`), of sites, of names.
KIND_OF, RETURNS, REST, REST_NAMED, PARAMETERS, ORDER, STARS = range(7)
_, POSITION, CALLED_BY = range(3)
ARGUMENTS, KIND_OF_SITE, RESULT = range(3)
KEY_OF, IS_UPPER, IS_BRACKET = range(3)
MAX_DEPTH = 6  # names of outside things are followed so far
MAX_INDEX = 16
# A variable that came to hold so many objects says nothing any more: it takes no further ones.
MAX_HELD = 32

# Counters, and where each is.
N_FACTS, N_EDGES, N_VARIABLES, N_OUTSIDE, N_CALLS, N_ONCE, FULL, CALLING = range(8)


# Called by compiled code alone: a way in from Python for each would be most of the compilation.
inner: Callable[..., Callable[..., int]] = njit(
    cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
)


class State(NamedTuple):
    """What grows: all arrays have room ahead, and `counters` say how much of it is used.

    Columns of a table are the constants above; a hash table has its keys in column `KEY`.
    """

    counters: Ints
    facts: Ints  # linked by variable
    fact_table: Ints  # hash table of (variable, object)
    variables: Ints
    edges: Ints  # linked by variable
    fields: Ints  # hash table: (object, attribute) -> variable
    defined: Ints  # hash table of (object, name): what bodies of classes and modules define
    once: Ints  # hash table of what is done once
    outside: Ints  # names of other packages
    outside_table: Ints  # hash table: (parent, name) -> number
    calls: Ints  # found


class Static(NamedTuple):
    """What stays."""

    n_objects: int
    objects: Ints
    parameters: Ints  # by function; those passed by name alone last
    arguments: Ints  # by site
    sites: Ints
    orders: Ints  # of classes: classes, and outside ones
    star_variables: Ints  # by module: each holds a module that it takes all from
    submodules: Ints  # hash table: (module, name) -> module
    builtin_of_kind: Ints  # the outside class of each kind of container, or -1
    names: Ints
    index_names: Ints  # names of the first positions
    transparent: Ints  # by outside name: the argument that comes back, or -1
    opaque: int  # the outside thing of which nothing is known
    any_name: int
    unknown_name: int
    init_name: int
    new_name: int
    call_name: int
    class_name: int
    star_name: int
    star_star_name: int


@inner
def _slot(keys: Ints, key: int) -> int:
    """Return where a key is in a hash table, or would be; its size is a power of two."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(20)) & mask
    while keys[at, KEY] != -1 and keys[at, KEY] != key:
        at = (at + 1) & mask
    return at


@inner
def _pair(a: int, b: int) -> int:
    return (a << 31) | b


@inner
def _once(s: State, kind: int, a: int, b: int) -> bool:
    """Return whether this is asked for the first time."""
    key = (_pair(a, b) << 2) | kind
    at = _slot(s.once, key)
    if s.once[at, KEY] == key:
        return False
    n = s.counters[N_ONCE]
    if 2 * n >= len(s.once):
        s.counters[FULL] = 1
        return False
    s.once[at, KEY] = key
    s.counters[N_ONCE] = n + 1
    return True


@inner
def add_fact(s: State, variable: int, obj: int) -> None:
    """Let a variable hold an object."""
    key = _pair(variable, obj)
    at = _slot(s.fact_table, key)
    if s.fact_table[at, KEY] == key:
        return
    n = s.counters[N_FACTS]
    if n >= len(s.facts):
        s.counters[FULL] = 1
        return
    if s.variables[variable, COUNT] >= MAX_HELD:
        return
    s.variables[variable, COUNT] += 1
    s.fact_table[at, KEY] = key
    s.facts[n, VARIABLE] = variable
    s.facts[n, OBJECT] = obj
    s.counters[N_FACTS] = n + 1


@inner
def add_edge(s: State, at: int, kind: int, to: int, x: int, y: int) -> None:
    """Let facts of a variable imply more."""
    n = s.counters[N_EDGES]
    if n >= len(s.edges):
        s.counters[FULL] = 1
        return
    s.edges[n, FROM] = at
    s.edges[n, KIND] = kind
    s.edges[n, TO] = to
    s.edges[n, X] = x
    s.edges[n, Y] = y
    s.counters[N_EDGES] = n + 1


@inner
def new_variable(s: State) -> int:
    """Return a variable that nothing holds yet."""
    n = s.counters[N_VARIABLES]
    if n >= len(s.variables):
        s.counters[FULL] = 1
        return 0
    s.counters[N_VARIABLES] = n + 1
    return n


@inner
def field(s: State, obj: int, name: int) -> int:
    """Return the variable of an object's attribute."""
    key = _pair(obj, name)
    at = _slot(s.fields, key)
    if s.fields[at, KEY] != key:
        if 2 * s.counters[N_VARIABLES] > len(s.fields):
            s.counters[FULL] = 1
            return 0
        s.fields[at, KEY] = key
        s.fields[at, VALUE] = new_variable(s)
    return s.fields[at, VALUE]


@inner
def outside(s: State, st: Static, parent: int, name: int) -> int:
    """Return the number of an outside name below another."""
    key = _pair(parent, name)
    at = _slot(s.outside_table, key)
    if s.outside_table[at, KEY] != key:
        n = s.counters[N_OUTSIDE]
        if n >= len(s.outside):
            s.counters[FULL] = 1
            return parent
        flags = s.outside[parent, FLAGS] & IS_TYPING
        if st.names[name, IS_UPPER]:
            flags |= IS_CLASS
        s.outside[n, PARENT] = parent
        s.outside[n, NAME] = name
        s.outside[n, FLAGS] = flags
        s.outside[n, DEPTH] = s.outside[parent, DEPTH] + 1
        s.outside_table[at, KEY] = key
        s.outside_table[at, VALUE] = n
        s.counters[N_OUTSIDE] = n + 1
    return s.outside_table[at, VALUE]


@inner
def _record(s: State, site: int, obj: int, how: int, variable: int) -> None:
    """Record that a site calls an object."""
    if site < 0 or not _once(s, 0, site, obj):
        return
    n = s.counters[N_CALLS]
    if n >= len(s.calls):
        s.counters[FULL] = 1
        return
    s.calls[n, SITE] = site
    s.calls[n, CALLED] = obj
    s.calls[n, HOW] = how
    s.calls[n, CALLEE] = variable
    s.counters[N_CALLS] = n + 1


@inner
def _is_defined(s: State, obj: int, name: int) -> bool:
    """Return whether a body defines a name; a builtin class has its attributes likewise."""
    key = _pair(obj, name)
    return s.defined[_slot(s.defined, key), KEY] == key


@inner
def _look_up(
    s: State, st: Static, cls: int, name: int, to: int, receiver: int, site: int, first: int
) -> None:
    """Give a variable what a class has under a name: of the first class in its order with it.

    `receiver` is the instance that is asked, or -1; `first` skips classes, for `super()`.
    """
    base = 4 * st.n_objects
    kind = CLASS_GET if receiver < 0 else BIND
    x = cls if receiver < 0 else receiver
    begin, end = st.objects[cls, ORDER] + first, st.objects[cls + 1, ORDER]
    stranger = -1
    for i in range(begin, end):
        one = st.orders[i]
        if one >= base:
            if stranger < 0 and not s.outside[(one - base) >> 1, FLAGS] & IS_OBJECT:
                stranger = one
        elif _is_defined(s, one, name):
            add_edge(s, field(s, one, name), kind, to, x, site)
            return
    for i in range(begin, end):
        one = st.orders[i]
        if one < base:
            add_edge(s, field(s, one, name), kind, to, x, site)
    if stranger >= 0 and not st.names[name, IS_BRACKET] and site != IMPLICIT:
        add_fact(s, to, base + 2 * outside(s, st, (stranger - base) >> 1, name))


@inner
def _load(s: State, st: Static, obj: int, to: int, name: int, site: int) -> None:
    """Give a variable an attribute of an object."""
    n = st.n_objects
    is_bracket = st.names[name, IS_BRACKET]
    if obj >= 4 * n:
        if not is_bracket and site != IMPLICIT:
            _load_outside(s, st, obj, to, name)
        return
    if obj >= 3 * n:  # super()
        if not is_bracket:
            _look_up(s, st, obj - 3 * n, name, to, obj - n, site, 1)
        return
    if obj >= 2 * n:  # an instance
        cls = obj - 2 * n
        if name == st.class_name:
            add_fact(s, to, cls)
        elif site != IMPLICIT:
            for i in range(st.objects[cls, ORDER], st.objects[cls + 1, ORDER]):
                if st.orders[i] < n:
                    add_edge(s, field(s, st.orders[i] + 2 * n, name), COPY, to, 0, 0)
        if not is_bracket:
            _look_up(s, st, cls, name, to, obj, site, 0)
        return
    if obj >= n:  # a bound method
        return
    kind = st.objects[obj, KIND_OF]
    if kind == MODULE:
        _load_of_module(s, st, obj, to, name)
    elif kind == CLASS:
        if is_bracket:
            if name == st.any_name:
                add_fact(s, to, obj)
        elif site != IMPLICIT:
            _look_up(s, st, obj, name, to, -1, site, 0)
    elif kind >= LIST:
        if is_bracket:
            add_edge(s, field(s, obj, name), COPY, to, 0, 0)
        elif site >= 0 and st.builtin_of_kind[kind] >= 0:
            _load_outside(s, st, 4 * n + 2 * st.builtin_of_kind[kind], to, name)
    elif not is_bracket and site != IMPLICIT:
        add_edge(s, field(s, obj, name), COPY, to, 0, 0)


@inner
def _load_outside(s: State, st: Static, obj: int, to: int, name: int) -> None:
    base = 4 * st.n_objects
    here = (obj - base) >> 1
    flags = s.outside[here, FLAGS]
    if flags & IS_OPAQUE:
        add_fact(s, to, obj)
    elif flags & IS_BUILTIN and not _is_defined(s, obj >> 1 << 1, name):
        return
    elif s.outside[here, DEPTH] < MAX_DEPTH:
        is_value = not (flags & IS_CLASS) and s.counters[CALLING]
        key = _pair(here, name)
        if is_value and s.outside_table[_slot(s.outside_table, key), KEY] != key:
            # No code names this: a value came here through calls, and whose it is nobody knows.
            add_fact(s, to, base + 2 * st.opaque)
        else:
            add_fact(s, to, base + 2 * outside(s, st, here, name))


@inner
def _load_of_module(s: State, st: Static, obj: int, to: int, name: int) -> None:
    key = _pair(obj, name)
    at = _slot(st.submodules, key)
    if st.submodules[at, KEY] == key and not _is_defined(s, obj, name):
        add_fact(s, to, st.submodules[at, VALUE])
    add_edge(s, field(s, obj, name), COPY, to, 0, 0)
    if not _is_defined(s, obj, name):
        for i in range(st.objects[obj, STARS], st.objects[obj + 1, STARS]):
            variable = st.star_variables[i]
            if _once(s, 1, variable, to):
                add_edge(s, variable, LOAD, to, name, -1)


@inner
def _store(s: State, st: Static, obj: int, source: int, name: int) -> None:
    """Let an object's attribute hold what a variable does."""
    n = st.n_objects
    if obj >= 3 * n or n <= obj < 2 * n:
        return
    if obj < n and st.names[name, IS_BRACKET] and st.objects[obj, KIND_OF] < LIST:
        return
    if obj < n and not st.names[name, IS_BRACKET] and st.objects[obj, KIND_OF] >= LIST:
        return
    add_edge(s, source, COPY, field(s, obj, name), 0, 0)


@inner
def _bind(s: State, st: Static, obj: int, to: int, receiver: int, site: int) -> None:
    """Give a variable what an instance makes of an attribute of its class."""
    n = st.n_objects
    if obj >= n:
        add_fact(s, to, obj)
        return
    kind = st.objects[obj, KIND_OF]
    if kind == FUNCTION or kind == CLASS_METHOD:
        first = st.objects[obj, PARAMETERS]
        has_first = first < st.objects[obj + 1, PARAMETERS] and st.parameters[first, POSITION] == 0
        if has_first:
            held = receiver
            if kind == CLASS_METHOD and 2 * n <= receiver < 3 * n:
                held = receiver - 2 * n
            add_fact(s, st.parameters[first, VARIABLE], held)
        add_fact(s, to, obj + n)
    elif kind == PROPERTY:
        if 2 * n <= receiver < 3 * n:
            first = st.objects[obj, PARAMETERS]
            if first < st.objects[obj + 1, PARAMETERS]:
                add_fact(s, st.parameters[first, VARIABLE], receiver)
            add_edge(s, st.objects[obj, RETURNS], COPY, to, 0, 0)
            _record(s, site, obj, GETTER, -1)
        else:
            add_fact(s, to, obj)
    else:
        add_fact(s, to, obj)


@inner
def _pass(s: State, st: Static, site: int, obj: int, shift: int) -> None:
    """Pass a site's arguments to a function's parameters; bound ones have their first already."""
    if not _once(s, 2 + shift, site, obj):
        return
    first, end = st.objects[obj, PARAMETERS], st.objects[obj + 1, PARAMETERS]
    n_positions = 0
    for p in range(first, end):
        if st.parameters[p, POSITION] >= 0:
            n_positions += 1
    for a in range(st.sites[site, ARGUMENTS], st.sites[site + 1, ARGUMENTS]):
        variable, name = st.arguments[a, VARIABLE], st.arguments[a, CALLED_BY]
        position = st.arguments[a, POSITION] + shift
        if name == st.star_name:
            _spread(s, st, obj, variable, position, n_positions)
        elif name == st.star_star_name:
            _spread_named(s, st, obj, variable, position)
        elif name >= 0:
            _pass_named(s, st, obj, variable, name)
        elif position < n_positions:
            add_edge(s, variable, COPY, st.parameters[first + position, VARIABLE], 0, 0)
        elif st.objects[obj, REST] >= 0:
            _keep(s, st, st.objects[obj, REST], variable, position - n_positions)


@inner
def _keep(s: State, st: Static, container: int, variable: int, index: int) -> None:
    name = st.index_names[index] if 0 <= index < MAX_INDEX else st.unknown_name
    add_edge(s, variable, COPY, field(s, container, name), 0, 0)
    add_edge(s, variable, COPY, field(s, container, st.any_name), 0, 0)


@inner
def _pass_named(s: State, st: Static, obj: int, variable: int, name: int) -> None:
    for p in range(st.objects[obj, PARAMETERS], st.objects[obj + 1, PARAMETERS]):
        if st.parameters[p, CALLED_BY] == name:
            add_edge(s, variable, COPY, st.parameters[p, VARIABLE], 0, 0)
            return
    if st.objects[obj, REST_NAMED] >= 0:
        container = st.objects[obj, REST_NAMED]
        add_edge(s, variable, COPY, field(s, container, st.names[name, KEY_OF]), 0, 0)
        add_edge(s, variable, COPY, field(s, container, st.any_name), 0, 0)


@inner
def _spread(s: State, st: Static, obj: int, variable: int, position: int, n_positions: int) -> None:
    """Pass the elements of ``*variable`` from a position on."""
    first = st.objects[obj, PARAMETERS]
    for p in range(position, n_positions):
        to = st.parameters[first + p, VARIABLE]
        if p - position < MAX_INDEX:
            add_edge(s, variable, LOAD, to, st.index_names[p - position], -1)
        add_edge(s, variable, LOAD, to, st.unknown_name, -1)
    if st.objects[obj, REST] >= 0:
        for index in range(max(n_positions - position, 0), MAX_INDEX):
            kept = position + index - n_positions
            if kept < MAX_INDEX:
                name = st.index_names[kept]
                to = field(s, st.objects[obj, REST], name)
                add_edge(s, variable, LOAD, to, st.index_names[index], -1)
        add_edge(
            s, variable, LOAD, field(s, st.objects[obj, REST], st.unknown_name), st.unknown_name, -1
        )
        add_edge(s, variable, LOAD, field(s, st.objects[obj, REST], st.any_name), st.any_name, -1)


@inner
def _spread_named(s: State, st: Static, obj: int, variable: int, position: int) -> None:
    """Pass the values of ``**variable`` by their keys."""
    for p in range(st.objects[obj, PARAMETERS], st.objects[obj + 1, PARAMETERS]):
        if 0 <= st.parameters[p, POSITION] < position:
            continue
        to = st.parameters[p, VARIABLE]
        add_edge(s, variable, LOAD, to, st.names[st.parameters[p, CALLED_BY], KEY_OF], -1)
        add_edge(s, variable, LOAD, to, st.unknown_name, -1)
    if st.objects[obj, REST_NAMED] >= 0:
        container = st.objects[obj, REST_NAMED]
        add_edge(s, variable, LOAD, field(s, container, st.unknown_name), st.any_name, -1)
        add_edge(s, variable, LOAD, field(s, container, st.any_name), st.any_name, -1)


@inner
def _call(s: State, st: Static, obj: int, site: int, variable: int) -> None:
    """Call an object at a site."""
    n = st.n_objects
    kind_of_site = st.sites[site, KIND_OF_SITE]
    result = st.sites[site, RESULT]
    if not s.counters[CALLING]:
        # Before the order of classes is known, decorators count as what they decorate.
        if kind_of_site == DECORATOR_SITE:
            _give_back(s, st, site, 0)
        return
    if kind_of_site == RAISE_SITE and not (obj < n and st.objects[obj, KIND_OF] == CLASS):
        return
    if obj >= 4 * n:
        _call_outside(s, st, obj, site, variable)
    elif obj >= 3 * n:
        return
    elif obj >= 2 * n:
        called = new_variable(s)
        add_edge(s, called, CALL, site, variable, 0)
        _look_up(s, st, obj - 2 * n, st.call_name, called, obj, IMPLICIT, 0)
    elif obj >= n:
        _record(s, site, obj - n, BOUND, variable)
        _pass(s, st, site, obj - n, 1)
        add_edge(s, st.objects[obj - n, RETURNS], COPY, result, 0, 0)
    elif st.objects[obj, KIND_OF] == CLASS:
        add_fact(s, result, obj + 2 * n)
        _record(s, site, obj, CLASS_ITSELF, variable)
        made = new_variable(s)
        add_edge(s, made, CONSTRUCT, site, variable, 0)
        _look_up(s, st, obj, st.init_name, made, obj + 2 * n, -1, 0)
        made = new_variable(s)
        add_edge(s, made, CONSTRUCT, site, variable, 0)
        _look_up(s, st, obj, st.new_name, made, obj + 2 * n, IMPLICIT, 0)
    elif (
        st.objects[obj, KIND_OF] == FUNCTION
        or st.objects[obj, KIND_OF] == STATIC
        or st.objects[obj, KIND_OF] == CLASS_METHOD
    ):
        _record(s, site, obj, PLAIN, variable)
        _pass(s, st, site, obj, 0)
        add_edge(s, st.objects[obj, RETURNS], COPY, result, 0, 0)


@inner
def _give_back(s: State, st: Static, site: int, index: int) -> None:
    for a in range(st.sites[site, ARGUMENTS], st.sites[site + 1, ARGUMENTS]):
        if st.arguments[a, POSITION] == index and st.arguments[a, CALLED_BY] < 0:
            add_edge(s, st.arguments[a, VARIABLE], COPY, st.sites[site, RESULT], 0, 0)


@inner
def _call_outside(s: State, st: Static, obj: int, site: int, variable: int) -> None:
    n = st.n_objects
    here = (obj - 4 * n) >> 1
    flags = s.outside[here, FLAGS]
    is_instance = (obj - 4 * n) & 1
    if not flags & IS_OPAQUE and not is_instance:
        _record(s, site, obj, PLAIN, variable)
    if st.sites[site, KIND_OF_SITE] == DECORATOR_SITE:
        _give_back(s, st, site, 0)
        return
    if here < len(st.transparent) and st.transparent[here] >= 0:
        _give_back(s, st, site, st.transparent[here])
    elif flags & IS_CLASS and not is_instance:
        if not flags & GIVES_NOTHING:
            add_fact(s, st.sites[site, RESULT], obj + 1)
    else:
        add_fact(s, st.sites[site, RESULT], 4 * n + 2 * st.opaque)


@inner
def _apply(s: State, st: Static, edge: int, obj: int) -> None:
    """Draw the conclusion of a fact at an edge."""
    n = st.n_objects
    kind, to = s.edges[edge, KIND], s.edges[edge, TO]
    x, y = s.edges[edge, X], s.edges[edge, Y]
    if kind == COPY:
        add_fact(s, to, obj)
    elif kind == LOAD:
        _load(s, st, obj, to, x, y)
    elif kind == STORE:
        _store(s, st, obj, to, x)
    elif kind == CALL:
        _call(s, st, obj, to, x)
    elif kind == BIND:
        _bind(s, st, obj, to, x, y)
    elif kind == CLASS_GET:
        if obj < n and st.objects[obj, KIND_OF] == CLASS_METHOD:
            _bind(s, st, obj, to, x, y)
        elif obj >= n or st.objects[obj, KIND_OF] != PROPERTY:
            add_fact(s, to, obj)
    elif kind == INSTANCE:
        if obj >= 4 * n:
            here = (obj - 4 * n) >> 1
            if not s.outside[here, FLAGS] & (IS_TYPING | IS_OPAQUE):
                add_fact(s, to, obj | 1)
        elif obj < n and st.objects[obj, KIND_OF] == CLASS:
            add_fact(s, to, obj + 2 * n)
    elif kind == CONTAINERS:
        if obj < n and st.objects[obj, KIND_OF] >= LIST:
            add_fact(s, to, obj)
    elif kind == CONSTRUCT:
        if n <= obj < 2 * n:
            _record(s, to, obj - n, CONSTRUCTOR, x)
            _pass(s, st, to, obj - n, 1)
        elif obj >= 4 * n and not s.outside[(obj - 4 * n) >> 1, FLAGS] & IS_OPAQUE:
            _record(s, to, obj, CONSTRUCTOR, x)


@njit(cache=True)
def solve(s: State, st: Static) -> None:
    """Draw all conclusions; `counters[FULL]` tells that an array was too small for them."""
    fact = edge = 0
    while not s.counters[FULL]:
        if edge < s.counters[N_EDGES]:
            at = s.edges[edge, FROM]
            s.edges[edge, NEXT_EDGE] = s.variables[at, FIRST_EDGE]
            s.variables[at, FIRST_EDGE] = edge
            known = s.variables[at, FIRST_FACT]
            while known >= 0:
                _apply(s, st, edge, s.facts[known, OBJECT])
                known = s.facts[known, NEXT_FACT]
            edge += 1
        elif fact < s.counters[N_FACTS]:
            at = s.facts[fact, VARIABLE]
            s.facts[fact, NEXT_FACT] = s.variables[at, FIRST_FACT]
            s.variables[at, FIRST_FACT] = fact
            other = s.variables[at, FIRST_EDGE]
            while other >= 0:
                _apply(s, st, other, s.facts[fact, OBJECT])
                other = s.edges[other, NEXT_EDGE]
            fact += 1
        else:
            return


@njit(cache=True)
def insert_keys(table: Ints, wanted: Ints, values: Ints) -> None:
    """Fill a hash table."""
    for i in range(len(wanted)):
        at = _slot(table, wanted[i])
        table[at, KEY] = wanted[i]
        table[at, VALUE] = values[i]


@njit(cache=True)
def add_facts(s: State, variables: Ints, objects: Ints) -> None:
    """Let variables hold objects."""
    for i in range(len(variables)):
        add_fact(s, variables[i], objects[i])


@njit(cache=True)
def add_edges(s: State, at: Ints, kind: int, to: Ints, x: Ints, y: Ints) -> None:
    """Let facts of variables imply more."""
    for i in range(len(at)):
        add_edge(s, at[i], kind, to[i], x[i], y[i])


@njit(cache=True)
def add_definitions(s: State, objects: Ints, names: Ints, variables: Ints) -> None:
    """Let objects have attributes from the start."""
    for i in range(len(objects)):
        add_edge(s, variables[i], COPY, field(s, objects[i], names[i]), 0, 0)
