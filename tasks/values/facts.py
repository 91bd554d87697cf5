"""The columns of `values_nested`: per file, which values flow where.

A *variable* holds values: a version of a name, an expression's result, a parameter. An *object* is
such a value: a function, a class, a container that an expression makes. Both are numbers inside
their file, from 0; object 0 is the module. Operations say how values get from one to another; a
solver brings all files' operations to their fixpoint.

A container's elements are attributes of it: ``[k]`` under the key ``k`` (``['a`` for a text),
``[*]`` under keys that are not known, ``[any]`` all of them.
"""

from enum import IntEnum

import pyarrow as pa

from tasks.extract.struct_lists import list_type

INT = pa.int32()
TEXT = pa.string()


class Op(IntEnum):
    """What an operation says, of its numbers a, b, c and its name."""

    ALLOC = 0  # variable a holds object b
    COPY = 1  # a holds what b holds
    LOAD = 2  # a holds the attribute of what b holds; c is the site of the access, -1 or IMPLICIT
    STORE = 3  # the attribute of what a holds gets what b holds
    INSTANCE = 4  # a holds instances of the classes that b holds
    IMPORT = 5  # a holds the module; b leading dots
    FROM = 6  # a holds an attribute of a module, `module:attribute`; b leading dots
    STAR = 7  # the file's module has what another one has; b leading dots
    CALL = 8  # site a calls what b holds; c holds the result
    ARGUMENT = 9  # site a passes b at the position c (-1: by name); `*`, `**` are spread
    BUILTIN = 10  # a holds the builtin
    LITERAL = 11  # a holds an instance of the builtin class
    BASE = 12  # class a has the base that b holds, in the position c
    PARAMETER = 13  # of function a, variable b, position c (-1: only by name)
    REST = 14  # function a keeps further positional arguments in container c
    REST_NAMED = 15  # function a keeps further named arguments in container c
    RETURN = 16  # function a returns what b holds
    SELF = 17  # the first parameter b of function a, which class c defines
    DEFINES = 18  # the body of class or module a leaves b under the name
    SUPER = 19  # a holds what `super()` is in a method of class b
    JOIN = 20  # a holds the containers of b and c, with the elements of both
    GIVES_BACK = 21  # function a returns its parameter b itself


class Kind(IntEnum):
    """What an object is."""

    MODULE = 0
    FUNCTION = 1
    STATIC = 2
    CLASS_METHOD = 3
    PROPERTY = 4
    CLASS = 5
    LIST = 6
    DICT = 7
    TUPLE = 8
    SET = 9
    GENERATOR = 10


class Site(IntEnum):
    """Why something is called at a site."""

    CALL = 0
    DECORATOR = 1
    OPERATOR = 2
    ITERATION = 3
    CONTEXT = 4
    RAISE = 5
    ATTRIBUTE = 6
    CALLBACK = 7


ANY, UNKNOWN_KEY = "[any]", "[*]"
# Of a LOAD: the language itself asks for a method, which it seeks in the class alone.
IMPLICIT = -2

OPS = {"op": INT, "a": INT, "b": INT, "c": INT, "name": TEXT}
SITES = {"node": TEXT, "scope": TEXT, "kind": INT}
OBJECTS = {"kind": INT, "node": TEXT}
FACTS = {"ops": OPS, "sites": SITES, "objects": OBJECTS}

VALUES_NESTED = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("n_variables", INT),
        pa.field("note", TEXT),
        *(pa.field(name, list_type(fields)) for name, fields in FACTS.items()),
    ]
)

VALUE_CALLS = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("call_id", TEXT),
        pa.field("caller_id", TEXT),
        pa.field("callee_id", TEXT),  # null outside of the tree
        pa.field("callee_name", TEXT),  # dotted, of what is outside
        pa.field("how", TEXT),
        pa.field("confidence", TEXT),
    ]
)
