"""The columns of `cst_nested`: one row a file, one nested list a kind of fact.

Offsets are int32, 0-based, half-open and count UTF-8 bytes from the start of the file; lines are
1-based. ``node``, ``scope`` and other references are *local ids*, ``start-end:kind`` with the
syntax tree's own kind (a file's root is ``module``): together with the path they name a node.
"""

import pyarrow as pa

from tasks.extract.struct_lists import list_type

INT = pa.int32()
TEXT = pa.string()
FLAG = pa.bool_()

SPAN = {"start": INT, "end": INT}
# Where a fact was stated: its node, the scope whose body holds it, and the node's span.
PLACE = {"node": TEXT, "scope": TEXT, **SPAN}

NODES = {
    "node": TEXT,
    "parent": TEXT,
    "kind": TEXT,
    "field": TEXT,
    "name": TEXT,
    **SPAN,
    "line": INT,
    "parent_kind": TEXT,
    "sibling": INT,  # 1-based, among the named children of its parent; null for a comment
}
DEFS = {
    **PLACE,
    "kind": TEXT,  # function | class | lambda
    "scope_kind": TEXT,  # what holds it: module | function | class | lambda
    "name": TEXT,
    "qualname": TEXT,  # dotted, inside the file
    "name_node": TEXT,  # null for a lambda
    "is_async": FLAG,
    "docstring": TEXT,
    "is_stub": FLAG,  # the body does nothing: a docstring, `pass`, `...` or `raise`
}
CALLS = {
    **PLACE,
    "kind": TEXT,  # call | decorator
    "text": TEXT,  # of the called expression, at most 200 characters
    "name": TEXT,  # the last name of it
    "name_node": TEXT,  # its token; null where a call's or a subscript's result is called
    "receiver": TEXT,  # what stands before the last dot, at most 200 characters
    "n_args": INT,
}
# What a call is made with: `node` is the expression, without the name of a keyword.
ARGS = {
    "call": TEXT,
    "node": TEXT,
    "index": INT,  # 1-based, as written; 0: the object that a method is called on
    "keyword": TEXT,  # ** where a mapping is spread
    "is_splat": FLAG,
    "name_node": TEXT,  # the last name of a plain or dotted name
}
IMPORTS = {
    **PLACE,
    "module": TEXT,  # without the leading dots
    "level": INT,  # number of leading dots
    "name": TEXT,  # null for `import module`, * for a wildcard
    "alias": TEXT,
}
NAMES = {**PLACE, "text": TEXT, "parent_kind": TEXT, "field": TEXT}
ANNOTATIONS = {
    **PLACE,
    "role": TEXT,  # parameter | return | variable
    "target": TEXT,  # the parameter, function or assignment that is annotated
    "text": TEXT,
    "head_start": INT,  # the last name of the outermost type, also inside quotes;
    "head_end": INT,  # null where there is none (a union, a literal)
}
ASSIGNS = {**PLACE, "target": TEXT, "target_kind": TEXT, "value": TEXT, "value_kind": TEXT}
PARAMS = {
    **PLACE,
    "function": TEXT,
    "index": INT,  # 0-based, `self` counted
    "name": TEXT,
    "name_node": TEXT,
    "kind": TEXT,  # positional_only | positional | keyword_only | args | kwargs
    "has_default": FLAG,
}
RETURNS = {**PLACE, "kind": TEXT, "value": TEXT}  # kind: return | yield
BASES = {**PLACE, "class": TEXT, "index": INT, "text": TEXT, "name_node": TEXT}

LINES = {"line": INT, "start": INT}  # every line of the file
# Every character outside ASCII: its column in its line by each encoding, and how many bytes
# more than code units it has. Byte offsets follow from code units by adding these up.
WIDE = {"line": INT, "utf16": INT, "utf32": INT, "extra16": INT, "extra32": INT}

FACTS = {
    "nodes": NODES,
    "defs": DEFS,
    "calls": CALLS,
    "args": ARGS,
    "imports": IMPORTS,
    "names": NAMES,
    "annotations": ANNOTATIONS,
    "assigns": ASSIGNS,
    "params": PARAMS,
    "returns": RETURNS,
    "bases": BASES,
}
LAYOUT = {"lines": LINES, "wide": WIDE}

CST_NESTED = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("language", TEXT),  # python | typescript; null for a folder that was left out
        pa.field("sha256", TEXT),
        pa.field("size", pa.int64()),
        pa.field("n_lines", INT),
        pa.field("depth", INT),  # of named nodes
        pa.field("has_error", FLAG),
        pa.field("note", TEXT),
        *(pa.field(name, list_type(fields)) for name, fields in (LAYOUT | FACTS).items()),
    ]
)
