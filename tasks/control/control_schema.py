"""The columns of `control_nested`: one row a file, one nested list a kind of fact.

``method`` is the function that a fact is about, ``src`` and ``dst`` are nodes: local ids as in
`tasks.extract.cst_schema`. A function's own node is its entry, ``<function>:return`` its exit.
"""

import pyarrow as pa

from tasks.extract.struct_lists import list_type

TEXT = pa.string()
ENDS = {"src": TEXT, "dst": TEXT}

METHODS = {"method": TEXT, "exit": TEXT, "n_nodes": pa.int32(), "n_unreachable": pa.int32()}
STEPS = {
    "method": TEXT,
    "node": TEXT,
    "number": pa.int32(),  # in the order of the code; the entry is 0, the exit 1
    "line": pa.int32(),
    "text": TEXT,  # the first line of its code, at most 80 characters
}
FLOWS = {"method": TEXT, **ENDS, "how": TEXT}  # how: true | false | exception | return | …
DOMINATORS = {"method": TEXT, **ENDS}  # src is the immediate dominator
DEPENDENCES = {"method": TEXT, **ENDS, "how": TEXT}
REACHES = {**ENDS, "name": TEXT}  # src is the definition

FACTS = {
    "methods": METHODS,
    "steps": STEPS,
    "flows": FLOWS,
    "dominators": DOMINATORS,
    "post_dominators": DOMINATORS,
    "dependences": DEPENDENCES,
    "reaches": REACHES,
}

CONTROL_NESTED = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("sha256", TEXT),
        *(pa.field(name, list_type(fields)) for name, fields in FACTS.items()),
    ]
)
