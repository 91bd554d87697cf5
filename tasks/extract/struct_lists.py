"""A column of lists of structs, gathered row by row."""

from collections.abc import Mapping

import pyarrow as pa

Value = str | int | bool | None


class StructLists:
    """Gathers facts as tuples and hands them over as one ``list<struct<...>>`` column.

    ``facts`` is public: the tree walk binds its ``append`` once and calls it a million times.
    A fact is a tuple with one value for each field, in the order of the fields.
    """

    def __init__(self, fields: Mapping[str, pa.DataType]) -> None:
        """Start with no rows; `fields` are the struct's names and types."""
        self.fields = fields
        self.facts: list[tuple[Value, ...]] = []
        self._offsets = [0]

    def end_row(self) -> None:
        """Close the list of the current row: later facts belong to the next row."""
        self._offsets.append(len(self.facts))

    def to_array(self) -> pa.ListArray:
        """Return all closed rows, one list each."""
        by_field = zip(*self.facts, strict=True) if self.facts else ([] for _ in self.fields)
        values = [
            pa.array(column, kind)
            for column, kind in zip(by_field, self.fields.values(), strict=True)
        ]
        structs = pa.StructArray.from_arrays(values, fields=struct_fields(self.fields))
        offsets = pa.array(self._offsets, pa.int32())
        return pa.ListArray.from_arrays(offsets, structs, type=list_type(self.fields))


def struct_fields(fields: Mapping[str, pa.DataType]) -> list[pa.Field]:
    """Return nullable Arrow fields for names and types."""
    return [pa.field(name, kind) for name, kind in fields.items()]


def list_type(fields: Mapping[str, pa.DataType]) -> pa.ListType:
    """Return the type of a column of lists of structs with these fields."""
    return pa.list_(pa.field("item", pa.struct(struct_fields(fields))))
