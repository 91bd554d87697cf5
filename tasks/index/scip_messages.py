"""The part of SCIP's protobuf messages that is read, by the format's public field numbers."""

from functools import cache

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

PACKAGE = "scip"
TEXT, INT, FLAG, MESSAGE = Field.TYPE_STRING, Field.TYPE_INT32, Field.TYPE_BOOL, Field.TYPE_MESSAGE

# message -> (field, number, scalar type or message, repeated); enums are read as int32
MESSAGES: dict[str, tuple[tuple[str, int, int | str, bool], ...]] = {
    "ToolInfo": (("name", 1, TEXT, False), ("version", 2, TEXT, False)),
    "Metadata": (("tool_info", 2, "ToolInfo", False), ("project_root", 3, TEXT, False)),
    "Relationship": (
        ("symbol", 1, TEXT, False),
        ("is_reference", 2, FLAG, False),
        ("is_implementation", 3, FLAG, False),
        ("is_type_definition", 4, FLAG, False),
        ("is_definition", 5, FLAG, False),
    ),
    "Signature": (("text", 5, TEXT, False),),
    "SymbolInformation": (
        ("symbol", 1, TEXT, False),
        ("documentation", 3, TEXT, True),
        ("relationships", 4, "Relationship", True),
        ("kind", 5, INT, False),
        ("display_name", 6, TEXT, False),
        ("signature_documentation", 7, "Signature", False),
        ("enclosing_symbol", 8, TEXT, False),
    ),
    "Occurrence": (
        ("range", 1, INT, True),
        ("symbol", 2, TEXT, False),
        ("symbol_roles", 3, INT, False),
    ),
    "Document": (
        ("relative_path", 1, TEXT, False),
        ("occurrences", 2, "Occurrence", True),
        ("symbols", 3, "SymbolInformation", True),
        ("language", 4, TEXT, False),
        ("position_encoding", 6, INT, False),
    ),
}

# The fields of `Index` itself, which is never parsed whole.
METADATA, DOCUMENTS, EXTERNAL_SYMBOLS = 1, 2, 3


@cache
def scip_file() -> FileDescriptor:
    """Return the descriptor of `MESSAGES`, in a pool of its own."""
    file = FileDescriptorProto(name="scip.proto", package=PACKAGE, syntax="proto3")
    for message, fields in MESSAGES.items():
        added = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
            field = added.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = MESSAGE, f".{PACKAGE}.{kind}"
            else:
                field.type = kind
    pool = DescriptorPool()
    pool.Add(file)
    return pool.FindFileByName(file.name)
