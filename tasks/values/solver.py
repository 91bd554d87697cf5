"""The fixpoint: which objects each variable holds, and what is called at each site.

An inclusion-based analysis (L. O. Andersen, 1994) with the call graph built on the way, for the
objects of Python: attributes by object, methods by the order of classes, one set of values for a
parameter whoever calls. A *fact* is a pair of a variable and an object; an *edge* stands at a
variable and says what a fact there implies. Each fact meets each edge of its variable once. Loops
over numbers, compiled by numba.

Objects ``0 .. n`` are those of the files; ``n + f`` is the function `f` bound to an instance,
``2n + c`` an instance of the class `c`, ``3n + c`` what ``super()`` is in it. From ``4n`` on, twice
its number is a thing of another package, and one more an instance of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.values.memory import (
    ANY_NAME,
    ARGUMENTS,
    ARGUMENTS_OF,
    BUILTIN_OF_KIND,
    CALL_NAME,
    CALLED,
    CALLED_BY,
    CALLEE,
    CALLING,
    CALLS,
    CLASS_NAME,
    COMES_BACK,
    DEPTH,
    EDGES,
    FACTS,
    FIRST_EDGE,
    FIRST_FACT,
    FLAGS,
    FROM,
    FULL,
    GIVEN_BACK,
    GIVES_NOTHING,
    HOW,
    INDEX_NAMES,
    INIT_NAME,
    IS_BRACKET,
    IS_BUILTIN,
    IS_CLASS,
    IS_OBJECT,
    IS_OPAQUE,
    IS_TYPING,
    KEY_OF,
    KIND,
    KIND_OF,
    KIND_OF_SITE,
    N_CALLS,
    N_EDGES,
    N_FACTS,
    N_OBJECTS,
    NAMES,
    NEW_NAME,
    NEXT_EDGE,
    NEXT_FACT,
    OBJECT,
    OBJECTS,
    OPAQUE,
    ORDER,
    ORDERS,
    OUTSIDE,
    OUTSIDE_TABLE,
    PARAMETERS,
    PARAMETERS_OF,
    POSITION,
    REST,
    REST_NAMED,
    RESULT,
    RETURNS,
    ROOM,
    SITE,
    SITES,
    STAR_NAME,
    STAR_STAR_NAME,
    STAR_VARIABLES,
    STARS,
    SUBMODULES,
    TO,
    UNKNOWN_NAME,
    VALUE,
    VARIABLE,
    VARIABLES,
    X,
    Y,
    add_edge,
    add_fact,
    at,
    entry,
    field,
    find,
    inner,
    is_defined,
    new_variable,
    once,
    outside,
    pair,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

# Edges by what they do with an object that comes to their variable.
COPY, LOAD, STORE, INSTANCE, BIND, CLASS_GET, CALL, CONSTRUCT, CONTAINERS = range(9)
# How a call came to its target.
PLAIN, BOUND, CONSTRUCTOR, GETTER, CLASS_ITSELF = range(5)
# Kinds of objects and sites; as in `facts`, whose members numba does not take.
MODULE, FUNCTION, STATIC, CLASS_METHOD, PROPERTY, CLASS, LIST = range(7)
DECORATOR_SITE, RAISE_SITE = 1, 5
IMPLICIT = -2
MAX_DEPTH = 6  # names of outside things are followed so far
MAX_INDEX = 16  # positions of containers that are told apart


@inner
def _record(m: Ints, site: int, obj: int, how: int, variable: int) -> None:
    """Record that a site calls an object."""
    if site < 0 or not once(m, 0, site, obj):
        return
    n = m[N_CALLS]
    if n >= m[ROOM + CALLS]:
        m[FULL] = CALLS
        return
    m[at(m, CALLS, n, SITE)] = site
    m[at(m, CALLS, n, CALLED)] = obj
    m[at(m, CALLS, n, HOW)] = how
    m[at(m, CALLS, n, CALLEE)] = variable
    m[N_CALLS] = n + 1


@inner
def _look_up(  # noqa: PLR0913, PLR0917 -- compiled code passes numbers
    m: Ints, cls: int, name: int, to: int, receiver: int, site: int, first: int
) -> None:
    """Give a variable what a class has under a name: of the first class in its order with it.

    `receiver` is the instance that is asked, or -1; `first` skips classes, for `super()`.
    """
    base = 4 * m[N_OBJECTS]
    kind = CLASS_GET if receiver < 0 else BIND
    x = cls if receiver < 0 else receiver
    begin, end = m[at(m, OBJECTS, cls, ORDER)] + first, m[at(m, OBJECTS, cls + 1, ORDER)]
    stranger = -1
    for i in range(begin, end):
        one = m[at(m, ORDERS, i, 0)]
        if one >= base:
            if stranger < 0 and not m[at(m, OUTSIDE, (one - base) >> 1, FLAGS)] & IS_OBJECT:
                stranger = one
        elif is_defined(m, one, name):
            add_edge(m, field(m, one, name), kind, to, x, site)
            return
    for i in range(begin, end):
        one = m[at(m, ORDERS, i, 0)]
        if one < base:
            add_edge(m, field(m, one, name), kind, to, x, site)
    if stranger >= 0 and not m[at(m, NAMES, name, IS_BRACKET)] and site != IMPLICIT:
        add_fact(m, to, base + 2 * outside(m, (stranger - base) >> 1, name))


@inner
def _load(m: Ints, obj: int, to: int, name: int, site: int) -> None:
    """Give a variable an attribute of an object."""
    n = m[N_OBJECTS]
    is_bracket = m[at(m, NAMES, name, IS_BRACKET)]
    if obj >= 4 * n:
        if not is_bracket and site != IMPLICIT:
            _load_outside(m, obj, to, name)
    elif obj >= 2 * n:
        _load_of_instance(m, obj, to, name, site)
    elif obj < n:
        kind = m[at(m, OBJECTS, obj, KIND_OF)]
        if kind == MODULE:
            _load_of_module(m, obj, to, name)
        elif kind == CLASS:
            _load_of_class(m, obj, to, name, site)
        elif is_bracket == (kind >= LIST):
            add_edge(m, field(m, obj, name), COPY, to, 0, 0)
        elif kind >= LIST:
            _load_of_container(m, kind, to, name, site)


@inner
def _load_of_container(m: Ints, kind: int, to: int, name: int, site: int) -> None:
    builtin = m[at(m, BUILTIN_OF_KIND, kind, 0)]
    if site >= 0 and builtin >= 0:
        _load_outside(m, 4 * m[N_OBJECTS] + 2 * builtin, to, name)


@inner
def _load_of_instance(m: Ints, obj: int, to: int, name: int, site: int) -> None:
    n = m[N_OBJECTS]
    is_bracket = m[at(m, NAMES, name, IS_BRACKET)]
    if obj >= 3 * n:  # what `super()` is
        if not is_bracket:
            _look_up(m, obj - 3 * n, name, to, obj, site, 1)
        return
    cls = obj - 2 * n
    if name == m[CLASS_NAME]:
        add_fact(m, to, cls)
    elif site != IMPLICIT:
        begin, end = m[at(m, OBJECTS, cls, ORDER)], m[at(m, OBJECTS, cls + 1, ORDER)]
        for i in range(begin, end):
            one = m[at(m, ORDERS, i, 0)]
            if one < n:
                add_edge(m, field(m, one + 2 * n, name), COPY, to, 0, 0)
    if not is_bracket:
        _look_up(m, cls, name, to, obj, site, 0)


@inner
def _load_of_class(m: Ints, obj: int, to: int, name: int, site: int) -> None:
    """A class with a subscript is the class; the language asks its methods of its own class."""
    if name == m[ANY_NAME]:
        add_fact(m, to, obj)
    elif site != IMPLICIT and not m[at(m, NAMES, name, IS_BRACKET)]:
        _look_up(m, obj, name, to, -1, site, 0)


@inner
def _load_outside(m: Ints, obj: int, to: int, name: int) -> None:
    base = 4 * m[N_OBJECTS]
    here = (obj - base) >> 1
    flags = m[at(m, OUTSIDE, here, FLAGS)]
    if flags & IS_OPAQUE:
        add_fact(m, to, obj)
    elif flags & IS_BUILTIN and not is_defined(m, obj >> 1 << 1, name):
        return
    elif m[at(m, OUTSIDE, here, DEPTH)] < MAX_DEPTH:
        is_value = not (flags & IS_CLASS) and m[CALLING]
        key = pair(here, name)
        if is_value and find(m, OUTSIDE_TABLE, key) < 0:
            # No code names this: a value came here through calls, and whose it is nobody knows.
            add_fact(m, to, base + 2 * m[OPAQUE])
        else:
            add_fact(m, to, base + 2 * outside(m, here, name))


@inner
def _load_of_module(m: Ints, obj: int, to: int, name: int) -> None:
    key = pair(obj, name)
    row = find(m, SUBMODULES, key)
    if row >= 0 and not is_defined(m, obj, name):
        add_fact(m, to, m[at(m, SUBMODULES, row, VALUE)])
    add_edge(m, field(m, obj, name), COPY, to, 0, 0)
    if not is_defined(m, obj, name):
        for i in range(m[at(m, OBJECTS, obj, STARS)], m[at(m, OBJECTS, obj + 1, STARS)]):
            variable = m[at(m, STAR_VARIABLES, i, 0)]
            if once(m, 1, variable, to):
                add_edge(m, variable, LOAD, to, name, -1)


@inner
def _store(m: Ints, obj: int, source: int, name: int) -> None:
    """Let an object's attribute hold what a variable does."""
    n = m[N_OBJECTS]
    if obj >= 3 * n or n <= obj < 2 * n:
        return
    if obj < n and m[at(m, NAMES, name, IS_BRACKET)] and m[at(m, OBJECTS, obj, KIND_OF)] < LIST:
        return
    if (
        obj < n
        and not m[at(m, NAMES, name, IS_BRACKET)]
        and m[at(m, OBJECTS, obj, KIND_OF)] >= LIST
    ):
        return
    add_edge(m, source, COPY, field(m, obj, name), 0, 0)


@inner
def _bind(m: Ints, obj: int, to: int, receiver: int, site: int) -> None:
    """Give a variable what an instance makes of an attribute of its class."""
    n = m[N_OBJECTS]
    kind = m[at(m, OBJECTS, obj, KIND_OF)] if obj < n else LIST
    if kind in (FUNCTION, CLASS_METHOD):
        _receive(m, obj, receiver)
        add_fact(m, to, obj + n)
    elif kind == PROPERTY and receiver >= 2 * n:
        _receive(m, obj, receiver)
        add_edge(m, m[at(m, OBJECTS, obj, RETURNS)], COPY, to, 0, 0)
        _record(m, site, obj, GETTER, -1)
    else:
        add_fact(m, to, obj)


@inner
def _receive(m: Ints, function: int, receiver: int) -> None:
    """Let a function's first parameter hold what it is called on."""
    n = m[N_OBJECTS]
    first = m[at(m, OBJECTS, function, PARAMETERS)]
    if first >= m[at(m, OBJECTS, function + 1, PARAMETERS)]:
        return
    if m[at(m, PARAMETERS_OF, first, POSITION)] != 0:
        return
    variable = m[at(m, PARAMETERS_OF, first, VARIABLE)]
    if receiver >= 3 * n:
        # `super()` is called on whatever the methods of its class are.
        add_edge(m, field(m, receiver, m[ANY_NAME]), COPY, variable, 0, 0)
    elif m[at(m, OBJECTS, function, KIND_OF)] == CLASS_METHOD and receiver >= 2 * n:
        add_fact(m, variable, receiver - 2 * n)
    else:
        add_fact(m, variable, receiver)


@inner
def _pass(m: Ints, site: int, obj: int, shift: int) -> None:
    """Pass a site's arguments to a function's parameters; bound ones have their first already."""
    if not once(m, 2 + shift, site, obj):
        return
    first, end = m[at(m, OBJECTS, obj, PARAMETERS)], m[at(m, OBJECTS, obj + 1, PARAMETERS)]
    n_positions = 0
    for p in range(first, end):
        if m[at(m, PARAMETERS_OF, p, POSITION)] >= 0:
            n_positions += 1
    for a in range(m[at(m, SITES, site, ARGUMENTS)], m[at(m, SITES, site + 1, ARGUMENTS)]):
        variable, name = m[at(m, ARGUMENTS_OF, a, VARIABLE)], m[at(m, ARGUMENTS_OF, a, CALLED_BY)]
        position = m[at(m, ARGUMENTS_OF, a, POSITION)] + shift
        if name == m[STAR_NAME]:
            _spread(m, site, obj, variable, position, n_positions)
        elif name == m[STAR_STAR_NAME]:
            _spread_named(m, site, obj, variable, position)
        elif name >= 0:
            _pass_named(m, site, obj, variable, name)
        elif position < n_positions:
            _fill(m, site, first + position, variable)
        elif m[at(m, OBJECTS, obj, REST)] >= 0:
            _keep(m, m[at(m, OBJECTS, obj, REST)], variable, position - n_positions)


@inner
def _keep(m: Ints, container: int, variable: int, index: int) -> None:
    name = m[at(m, INDEX_NAMES, index, 0)] if 0 <= index < MAX_INDEX else m[UNKNOWN_NAME]
    add_edge(m, variable, COPY, field(m, container, name), 0, 0)
    add_edge(m, variable, COPY, field(m, container, m[ANY_NAME]), 0, 0)


@inner
def _fill(m: Ints, site: int, parameter: int, variable: int) -> None:
    """Let a parameter hold what a site passes, and the site get it back where it comes back."""
    add_edge(m, variable, COPY, m[at(m, PARAMETERS_OF, parameter, VARIABLE)], 0, 0)
    if m[at(m, PARAMETERS_OF, parameter, COMES_BACK)]:
        add_edge(m, variable, COPY, m[at(m, SITES, site, RESULT)], 0, 0)


@inner
def _spread_over(m: Ints, site: int, parameter: int, variable: int, name: int) -> None:
    """Let a parameter hold an element of what a site spreads."""
    to = m[at(m, PARAMETERS_OF, parameter, VARIABLE)]
    add_edge(m, variable, LOAD, to, name, -1)
    add_edge(m, variable, LOAD, to, m[UNKNOWN_NAME], -1)
    if m[at(m, PARAMETERS_OF, parameter, COMES_BACK)]:
        add_edge(m, variable, LOAD, m[at(m, SITES, site, RESULT)], name, -1)


@inner
def _pass_named(m: Ints, site: int, obj: int, variable: int, name: int) -> None:
    for p in range(m[at(m, OBJECTS, obj, PARAMETERS)], m[at(m, OBJECTS, obj + 1, PARAMETERS)]):
        if m[at(m, PARAMETERS_OF, p, CALLED_BY)] == name:
            _fill(m, site, p, variable)
            return
    if m[at(m, OBJECTS, obj, REST_NAMED)] >= 0:
        container = m[at(m, OBJECTS, obj, REST_NAMED)]
        add_edge(m, variable, COPY, field(m, container, m[at(m, NAMES, name, KEY_OF)]), 0, 0)
        add_edge(m, variable, COPY, field(m, container, m[ANY_NAME]), 0, 0)


@inner
def _spread(m: Ints, site: int, obj: int, variable: int, position: int, n_positions: int) -> None:
    """Pass the elements of ``*variable`` from a position on."""
    first, rest = m[at(m, OBJECTS, obj, PARAMETERS)], m[at(m, OBJECTS, obj, REST)]
    for p in range(position, n_positions):
        index = min(p - position, MAX_INDEX - 1)
        _spread_over(m, site, first + p, variable, m[at(m, INDEX_NAMES, index, 0)])
    if rest < 0:
        return
    for index in range(max(n_positions - position, 0), MAX_INDEX):
        kept = position + index - n_positions
        if kept < MAX_INDEX:
            to = field(m, rest, m[at(m, INDEX_NAMES, kept, 0)])
            add_edge(m, variable, LOAD, to, m[at(m, INDEX_NAMES, index, 0)], -1)
    _keep_all(m, rest, variable, m[UNKNOWN_NAME])


@inner
def _keep_all(m: Ints, container: int, variable: int, name: int) -> None:
    """Let a container of further arguments hold elements that have no known place in it."""
    add_edge(m, variable, LOAD, field(m, container, m[UNKNOWN_NAME]), name, -1)
    add_edge(m, variable, LOAD, field(m, container, m[ANY_NAME]), m[ANY_NAME], -1)


@inner
def _spread_named(m: Ints, site: int, obj: int, variable: int, position: int) -> None:
    """Pass the values of ``**variable`` by their keys."""
    for p in range(m[at(m, OBJECTS, obj, PARAMETERS)], m[at(m, OBJECTS, obj + 1, PARAMETERS)]):
        if not 0 <= m[at(m, PARAMETERS_OF, p, POSITION)] < position:
            name = m[at(m, NAMES, m[at(m, PARAMETERS_OF, p, CALLED_BY)], KEY_OF)]
            _spread_over(m, site, p, variable, name)
    if m[at(m, OBJECTS, obj, REST_NAMED)] >= 0:
        _keep_all(m, m[at(m, OBJECTS, obj, REST_NAMED)], variable, m[ANY_NAME])


@inner
def _call(m: Ints, obj: int, site: int, variable: int) -> None:
    """Call an object at a site."""
    n = m[N_OBJECTS]
    kind_of_site = m[at(m, SITES, site, KIND_OF_SITE)]
    result = m[at(m, SITES, site, RESULT)]
    if not m[CALLING]:
        # Before the order of classes is known, decorators count as what they decorate.
        if kind_of_site == DECORATOR_SITE:
            _give_back(m, site, 0)
        return
    if kind_of_site == RAISE_SITE and not (obj < n and m[at(m, OBJECTS, obj, KIND_OF)] == CLASS):
        return
    if obj >= 4 * n:
        _call_outside(m, obj, site, variable)
    elif obj >= 3 * n:
        return
    elif obj >= 2 * n:
        called = new_variable(m)
        add_edge(m, called, CALL, site, variable, 0)
        _look_up(m, obj - 2 * n, m[CALL_NAME], called, obj, IMPLICIT, 0)
    elif obj >= n:
        _record(m, site, obj - n, BOUND, variable)
        _pass(m, site, obj - n, 1)
        add_edge(m, m[at(m, OBJECTS, obj - n, RETURNS)], COPY, result, 0, 0)
    elif m[at(m, OBJECTS, obj, KIND_OF)] == CLASS:
        _construct(m, obj, site, variable)
    elif m[at(m, OBJECTS, obj, KIND_OF)] in (FUNCTION, STATIC, CLASS_METHOD):
        _record(m, site, obj, PLAIN, variable)
        _pass(m, site, obj, 0)
        add_edge(m, m[at(m, OBJECTS, obj, RETURNS)], COPY, result, 0, 0)


@inner
def _construct(m: Ints, obj: int, site: int, variable: int) -> None:
    instance = obj + 2 * m[N_OBJECTS]
    add_fact(m, m[at(m, SITES, site, RESULT)], instance)
    _record(m, site, obj, CLASS_ITSELF, variable)
    made = new_variable(m)
    add_edge(m, made, CONSTRUCT, site, variable, 0)
    _look_up(m, obj, m[INIT_NAME], made, instance, -1, 0)
    made = new_variable(m)
    add_edge(m, made, CONSTRUCT, site, variable, 0)
    _look_up(m, obj, m[NEW_NAME], made, instance, IMPLICIT, 0)


@inner
def _give_back(m: Ints, site: int, index: int) -> None:
    for a in range(m[at(m, SITES, site, ARGUMENTS)], m[at(m, SITES, site + 1, ARGUMENTS)]):
        if (
            m[at(m, ARGUMENTS_OF, a, POSITION)] == index
            and m[at(m, ARGUMENTS_OF, a, CALLED_BY)] < 0
        ):
            add_edge(
                m, m[at(m, ARGUMENTS_OF, a, VARIABLE)], COPY, m[at(m, SITES, site, RESULT)], 0, 0
            )


@inner
def _call_outside(m: Ints, obj: int, site: int, variable: int) -> None:
    n = m[N_OBJECTS]
    here = (obj - 4 * n) >> 1
    flags = m[at(m, OUTSIDE, here, FLAGS)]
    is_instance = (obj - 4 * n) & 1
    if not flags & IS_OPAQUE and not is_instance:
        _record(m, site, obj, PLAIN, variable)
    if m[at(m, SITES, site, KIND_OF_SITE)] == DECORATOR_SITE:
        _give_back(m, site, 0)
        return
    if here < m[ROOM + GIVEN_BACK] and m[at(m, GIVEN_BACK, here, 0)] >= 0:
        _give_back(m, site, m[at(m, GIVEN_BACK, here, 0)])
    elif flags & IS_CLASS and not is_instance:
        if not flags & GIVES_NOTHING:
            add_fact(m, m[at(m, SITES, site, RESULT)], obj + 1)
    else:
        add_fact(m, m[at(m, SITES, site, RESULT)], 4 * n + 2 * m[OPAQUE])


@inner
def _apply(m: Ints, edge: int, obj: int) -> None:
    """Draw the conclusion of a fact at an edge."""
    kind, to = m[at(m, EDGES, edge, KIND)], m[at(m, EDGES, edge, TO)]
    x, y = m[at(m, EDGES, edge, X)], m[at(m, EDGES, edge, Y)]
    if kind == COPY:
        add_fact(m, to, obj)
    elif kind == LOAD:
        _load(m, obj, to, x, y)
    elif kind == STORE:
        _store(m, obj, to, x)
    elif kind == CALL:
        _call(m, obj, to, x)
    elif kind == BIND:
        _bind(m, obj, to, x, y)
    elif kind == CLASS_GET:
        _get_of_class(m, obj, to, x, y)
    else:
        _apply_rare(m, kind, obj, to, x)


@inner
def _get_of_class(m: Ints, obj: int, to: int, cls: int, site: int) -> None:
    is_inside = obj < m[N_OBJECTS]
    if is_inside and m[at(m, OBJECTS, obj, KIND_OF)] == CLASS_METHOD:
        _bind(m, obj, to, cls, site)
    elif not is_inside or m[at(m, OBJECTS, obj, KIND_OF)] != PROPERTY:
        add_fact(m, to, obj)


@inner
def _apply_rare(m: Ints, kind: int, obj: int, to: int, variable: int) -> None:
    n = m[N_OBJECTS]
    if kind == INSTANCE and obj >= 4 * n:
        if not m[at(m, OUTSIDE, (obj - 4 * n) >> 1, FLAGS)] & (IS_TYPING | IS_OPAQUE):
            add_fact(m, to, obj | 1)
    elif kind == INSTANCE:
        if obj < n and m[at(m, OBJECTS, obj, KIND_OF)] == CLASS:
            add_fact(m, to, obj + 2 * n)
    elif kind == CONTAINERS:
        if obj < n and m[at(m, OBJECTS, obj, KIND_OF)] >= LIST:
            add_fact(m, to, obj)
    elif n <= obj < 2 * n:
        _record(m, to, obj - n, CONSTRUCTOR, variable)
        _pass(m, to, obj - n, 1)
    elif obj >= 4 * n and not m[at(m, OUTSIDE, (obj - 4 * n) >> 1, FLAGS)] & IS_OPAQUE:
        _record(m, to, obj, CONSTRUCTOR, variable)


@entry
def solve(m: Ints) -> None:
    """Draw all conclusions; `FULL` is a table that is too small for them, or 0."""
    fact = edge = 1
    while not m[FULL]:
        if edge < m[N_EDGES]:
            row = m[at(m, EDGES, edge, FROM)]
            m[at(m, EDGES, edge, NEXT_EDGE)] = m[at(m, VARIABLES, row, FIRST_EDGE)]
            m[at(m, VARIABLES, row, FIRST_EDGE)] = edge
            known = m[at(m, VARIABLES, row, FIRST_FACT)]
            while known:
                _apply(m, edge, m[at(m, FACTS, known, OBJECT)])
                known = m[at(m, FACTS, known, NEXT_FACT)]
            edge += 1
        elif fact < m[N_FACTS]:
            row = m[at(m, FACTS, fact, VARIABLE)]
            m[at(m, FACTS, fact, NEXT_FACT)] = m[at(m, VARIABLES, row, FIRST_FACT)]
            m[at(m, VARIABLES, row, FIRST_FACT)] = fact
            other = m[at(m, VARIABLES, row, FIRST_EDGE)]
            while other:
                _apply(m, other, m[at(m, FACTS, fact, OBJECT)])
                other = m[at(m, EDGES, other, NEXT_EDGE)]
            fact += 1
        else:
            return


@entry
def add_definitions(m: Ints, objects: Ints, names: Ints, variables: Ints) -> None:
    """Let objects have attributes from the start."""
    for i in range(len(objects)):
        add_edge(m, variables[i], COPY, field(m, objects[i], names[i]), 0, 0)


@entry
def add_selves(m: Ints, variables: Ints, classes: Ints) -> None:
    """Let `super()` of classes know what their methods are called on."""
    for i in range(len(variables)):
        selves = field(m, 3 * m[N_OBJECTS] + classes[i], m[ANY_NAME])
        add_edge(m, variables[i], COPY, selves, 0, 0)
