"""Contract: the schema that a task promises, in any form a user may give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.core.schema import Column, Schema
from cpgbuild.errors.graph import ContractBroken
from cpgbuild.errors.project import BadValue
from cpgbuild.plan import types

if TYPE_CHECKING:
    from cpgbuild.plan.definition import Definition


def schema_of(schema: pa.Schema) -> Schema:
    """Return an Arrow schema in the notation of the core."""
    return Schema(tuple(Column(f.name, types.to_text(f.type), f.nullable) for f in schema))


def arrow_of(schema: Schema) -> pa.Schema:
    """Return a schema of the core as Arrow has it; the notation of types says all of them."""
    fields = (pa.field(c.name, types.from_text(c.type), c.nullable) for c in schema.columns)
    return pa.schema(list(fields))


def declared_schema(definition: Definition) -> pa.Schema:
    """Return the schema that a task declares, under the type policy of datasets.

    Raises:
        BadValue: a type's text cannot be read.
    """
    declared = definition.schema
    if isinstance(declared, pa.Schema):
        return types.normalise_schema(declared)
    fields = []
    assert isinstance(declared, Mapping)  # noqa: S101 -- the decorator checked it
    for name, text in declared.items():
        try:
            kind = text if isinstance(text, pa.DataType) else types.from_text(str(text))
        except Exception as error:
            expected = "a type in the notation of Ibis, as `int64` or `array<string>`"
            raise BadValue(f"schema[{name!r}]", text, expected, definition.place) from error
        fields.append(pa.field(str(name), types.normalise(kind)))
    return pa.schema(fields)


def check_contract(definition: Definition, given: pa.Schema) -> None:
    """Compare what a plan gives with what its task promises, if it promises anything.

    Raises:
        ContractBroken: a column is missing, is too much, or has another type.
    """
    if definition.schema is None:
        return
    differences = schema_of(declared_schema(definition)).differences(schema_of(given))
    if differences:
        raise ContractBroken(definition.name, differences, definition.place)
