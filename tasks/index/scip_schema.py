"""The columns of `scip_nested`: one row a document of the index.

Lines are 1-based here (0-based in SCIP); columns are 0-based and count code units of the row's
`position_encoding`. One row without a path carries the symbols of other packages. A file that
the indexer could not take has a row with empty lists whose `note` says why.
"""

import pyarrow as pa

from tasks.extract.struct_lists import list_type

INT = pa.int32()
TEXT = pa.string()
FLAG = pa.bool_()

OCCURRENCES = {
    "symbol": TEXT,
    "roles": INT,  # bit set: 1 definition, 2 import, 4 write, 8 read
    "start_line": INT,
    "start_column": INT,
    "end_line": INT,
    "end_column": INT,
}
SYMBOLS = {
    "symbol": TEXT,
    "kind": INT,  # SCIP's SymbolInformation.Kind
    "display_name": TEXT,
    "signature": TEXT,
    "documentation": TEXT,
    "enclosing_symbol": TEXT,
}
RELATIONSHIPS = {
    "symbol": TEXT,
    "target": TEXT,
    "is_reference": FLAG,
    "is_implementation": FLAG,
    "is_type_definition": FLAG,
    "is_definition": FLAG,
}

SCIP_NESTED = pa.schema(
    [
        pa.field("path", TEXT),
        pa.field("language", TEXT),
        pa.field("position_encoding", TEXT),  # utf8 | utf16 | utf32
        pa.field("indexer", TEXT),  # name and version
        pa.field("note", TEXT),
        pa.field("occurrences", list_type(OCCURRENCES)),
        pa.field("symbols", list_type(SYMBOLS)),
        pa.field("relationships", list_type(RELATIONSHIPS)),
    ]
)
