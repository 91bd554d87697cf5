"""The types of a dataset: one policy, one notation, one form in storage.

Three forms of a type are told apart:

* what a library hands over (Arrow has several layouts for one set of values);
* the *logical* type of a dataset's column, which `normalise` gives: what evidence, locks,
  contracts and messages speak of;
* the *storage* type, which Delta can hold without losing a value
  (https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types). Where it differs
  from the logical type, the column's metadata says what it stands for.

Whatever changes a value's type here either keeps the value or raises.
"""

import functools
from collections.abc import Callable
from typing import Final

import pyarrow as pa
from pyarrow import types as pt

from cpgbuild.plan.notation import from_text, to_text

__all__ = [
    "TYPE_KEY",
    "LossyCast",
    "Unstorable",
    "from_text",
    "logical_schema",
    "normalise",
    "normalise_schema",
    "reading_casts",
    "reconcile",
    "storage",
    "storage_schema",
    "to_storage",
    "to_text",
]

TYPE_KEY: Final = b"cpgbuild.type"
"""Metadata key of a stored top-level field: its logical type, in the notation of `to_text`."""

_DECIMAL128_DIGITS: Final = 38
_UNSIGNED_STORAGE: Final = (
    (pa.uint8(), pa.int16()),
    (pa.uint16(), pa.int32()),
    (pa.uint32(), pa.int64()),
    (pa.uint64(), pa.decimal128(20, 0)),
)

_PLAIN_LEAVES: Final = (
    (pt.is_large_string, pa.string()),
    (pt.is_string_view, pa.string()),
    (pt.is_large_binary, pa.binary()),
    (pt.is_binary_view, pa.binary()),
    (pt.is_fixed_size_binary, pa.binary()),
    (pt.is_date, pa.date32()),
    (pt.is_time, pa.time64("ns")),
    (pt.is_duration, pa.duration("us")),
)


class LossyCast(ValueError):
    """The engine gives a column a type whose values the expression's type cannot all hold."""

    def __init__(self, name: str, ibis_type: pa.DataType, engine_type: pa.DataType) -> None:
        """Keep the column's name, the type Ibis believes and the one the engine's plan has."""
        super().__init__(
            f"column `{name}` is {to_text(ibis_type)} in the expression and "
            f"{to_text(engine_type)} in the engine"
        )
        self.name = name
        self.ibis_type = ibis_type
        self.engine_type = engine_type


class Unstorable(ValueError):
    """Delta has no type that could hold the values of this one (calendar intervals, unions)."""

    def __init__(self, t: pa.DataType) -> None:
        """Keep the type."""
        super().__init__(f"Delta tables cannot hold {t}")
        self.type = t


@functools.lru_cache(maxsize=4096)
def normalise(t: pa.DataType) -> pa.DataType:
    """The logical type of a dataset's column of Arrow type `t`; idempotent.

    Layouts of one set of values become one type (views, large offsets, fixed sizes,
    dictionaries, run ends, extension types); list children are named "item", which is what
    Arrow, DataFusion and Ibis say (Delta says "element"); every level is nullable.
    Timestamps and durations are in microseconds, the finest that Delta keeps. Times of day are
    in nanoseconds: what DataFusion and Ibis both mean by `time`, and no unit loses by it.
    """
    if isinstance(t, pa.BaseExtensionType):
        return normalise(t.storage_type)
    if pt.is_dictionary(t) or pt.is_run_end_encoded(t):
        return normalise(t.value_type)
    nested = _rebuilt(t, normalise, "item")
    return _normalised_leaf(t) if nested is None else nested


def _normalised_leaf(t: pa.DataType) -> pa.DataType:
    if pt.is_timestamp(t):
        return pa.timestamp("us", t.tz)
    if pt.is_decimal(t) and t.precision <= _DECIMAL128_DIGITS:
        return pa.decimal128(t.precision, t.scale)
    return next((plain for is_kind, plain in _PLAIN_LEAVES if is_kind(t)), t)


def _rebuilt(
    t: pa.DataType, of: Callable[[pa.DataType], pa.DataType], item: str
) -> pa.DataType | None:
    """The list, struct or map `t` with `of` applied to its parts; None for any other type."""
    if (
        pt.is_list(t)
        or pt.is_large_list(t)
        or pt.is_fixed_size_list(t)
        or pt.is_list_view(t)
        or pt.is_large_list_view(t)
    ):
        return pa.list_(pa.field(item, of(t.value_type)))
    if pt.is_struct(t):
        return pa.struct([pa.field(field.name, of(field.type)) for field in t])
    if pt.is_map(t):
        return pa.map_(of(t.key_type), of(t.item_type))
    return None


def normalise_schema(s: pa.Schema) -> pa.Schema:
    """`s` with logical types, every column nullable, without metadata."""
    return pa.schema([pa.field(field.name, normalise(field.type)) for field in s])


def storage(t: pa.DataType) -> pa.DataType:
    """The type in which Delta holds every value of `t` (any layout); list children "element".

    Unsigned integers take the next wider signed one, uint64 a decimal(20, 0); float16 a
    float32; times (nanoseconds since midnight) and durations (microseconds) an int64; decimals
    of more than 38 digits a string, which DataFusion casts back exactly; a zoned timestamp the
    same instants in UTC.

    Raises:
        Unstorable: a calendar interval, a union, or a type holding one.
    """
    t = normalise(t)
    nested = _rebuilt(t, storage, "element")
    return _stored_leaf(t) if nested is None else nested


def _stored_leaf(t: pa.DataType) -> pa.DataType:
    for unsigned, signed in _UNSIGNED_STORAGE:
        if t == unsigned:
            return signed
    if t == pa.float16():
        return pa.float32()
    if pt.is_time(t) or pt.is_duration(t):
        return pa.int64()
    if pt.is_decimal256(t):
        return pa.string()
    if pt.is_timestamp(t) and t.tz is not None:
        return pa.timestamp("us", "UTC")
    if pt.is_interval(t) or pt.is_union(t):
        raise Unstorable(t)
    return t


def storage_schema(s: pa.Schema) -> pa.Schema:
    """The schema of the Delta table that holds rows of `s`, saying what its columns stand for.

    Raises:
        Unstorable: see `storage`.
    """
    return pa.schema([_stored_field(field) for field in logical_schema(s)])


def _stored_field(field: pa.Field) -> pa.Field:
    stored = storage(field.type)
    if normalise(stored) == field.type:
        return pa.field(field.name, stored)
    return pa.field(field.name, stored, metadata={TYPE_KEY: to_text(field.type).encode()})


def logical_schema(s: pa.Schema) -> pa.Schema:
    """The logical schema of a stored one (or of any other: then `normalise_schema`).

    A note that does not fit its column's type (a foreign writer's change) is not believed.
    """
    return pa.schema([pa.field(field.name, _logical_type(field)) for field in s])


def _logical_type(field: pa.Field) -> pa.DataType:
    plain = normalise(field.type)
    note = (field.metadata or {}).get(TYPE_KEY)
    if note is None:
        return plain
    try:
        noted = normalise(from_text(note.decode()))
    except ValueError:  # also a UnicodeDecodeError
        return plain
    return noted if normalise(storage(noted)) == plain else plain


def reading_casts(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Per column that must be cast after reading: its logical type.

    `schema` is the stored schema with its metadata, or the logical one. DataFusion's
    `col(name).cast(type)` does every such cast exactly, nested ones included; tested.
    """
    return {
        field.name: field.type
        for field in logical_schema(schema)
        if normalise(storage(field.type)) != field.type
    }


def to_storage(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch`, in whatever layout the engine gave it, as a batch of `storage_schema(schema)`.

    Columns are taken by name. `schema` is the dataset's, logical or stored.

    Raises:
        KeyError: a column of `schema` is not in `batch`.
        pyarrow.ArrowInvalid: a value would be lost (nanoseconds, overflow, decimal digits).
        Unstorable: see `storage`.
    """
    logical = logical_schema(schema)
    stored = storage_schema(logical)
    # In two steps, since a number in storage counts units of the *logical* type.
    columns = [
        batch.column(field.name).cast(field.type).cast(stored.field(field.name).type)
        for field in logical
    ]
    return pa.RecordBatch.from_arrays(columns, schema=stored)


def reconcile(name: str, ibis_type: pa.DataType, engine_type: pa.DataType) -> pa.DataType:
    """The type of a task's column `name`, from what Ibis believes and what the engine's plan has.

    The engine knows better what it computes (zones, decimal scales, wider floats); Ibis knows
    better what was meant (integer widths, floats from division). Its integers are taken over
    wider ones of the engine, since that cast is checked for overflow when it runs.

    Raises:
        LossyCast: neither type holds what the other means.
    """
    believed, real = normalise(ibis_type), normalise(engine_type)
    found = _reconciled(believed, real)
    if found is None:
        raise LossyCast(name, believed, real)
    return found


def _reconciled(believed: pa.DataType, real: pa.DataType) -> pa.DataType | None:
    """The boundary type of two normalised types, or None where a cast could lose something."""
    if believed == real or pt.is_null(real):
        return believed
    if pt.is_null(believed):
        return real
    if pt.is_nested(believed) or pt.is_nested(real):
        return _reconciled_nested(believed, real)
    if _is_number(believed) and _is_number(real):
        return _reconciled_number(believed, real)
    if _takes_engines(believed, real):
        return real
    return believed if _widens(real, believed) else None


def _takes_engines(believed: pa.DataType, real: pa.DataType) -> bool:
    if pt.is_timestamp(believed) and pt.is_timestamp(real):
        return True
    spans = [pt.is_duration(t) or pt.is_interval(t) for t in (believed, real)]
    return all(spans)


def _widens(real: pa.DataType, believed: pa.DataType) -> bool:
    """Whether every value of `real` is one of `believed`, numbers aside."""
    if pt.is_boolean(real):
        return _is_number(believed)
    if pt.is_date(real):
        return bool(pt.is_timestamp(believed) and believed.tz is None)
    return bool(pt.is_string(real) and pt.is_binary(believed))


def _is_number(t: pa.DataType) -> bool:
    return bool(pt.is_integer(t) or pt.is_floating(t) or pt.is_decimal(t))


def _reconciled_number(believed: pa.DataType, real: pa.DataType) -> pa.DataType | None:
    if pt.is_floating(believed):
        if pt.is_float64(believed):
            return believed
        if pt.is_floating(real):
            return max(believed, real, key=lambda t: t.bit_width)
        exact_bits = 8 if pt.is_float16(believed) else 16
        return believed if pt.is_integer(real) and real.bit_width <= exact_bits else None
    if pt.is_floating(real):
        return None
    if pt.is_integer(believed):
        whole = pt.is_integer(real) or real.scale <= 0
        return believed if whole else None
    return real if pt.is_decimal(real) else believed


def _reconciled_nested(believed: pa.DataType, real: pa.DataType) -> pa.DataType | None:
    if believed.id != real.id or believed.num_fields != real.num_fields:
        return None
    if pt.is_list(believed):
        item = _reconciled(believed.value_type, real.value_type)
        return None if item is None else pa.list_(pa.field("item", item))
    if pt.is_map(believed):
        key = _reconciled(believed.key_type, real.key_type)
        item = _reconciled(believed.item_type, real.item_type)
        return None if key is None or item is None else pa.map_(key, item)
    if not pt.is_struct(believed) or [f.name for f in believed] != [f.name for f in real]:
        return None
    fields = []
    for field in believed:
        part = _reconciled(field.type, real.field(field.name).type)
        if part is None:
            return None
        fields.append(pa.field(field.name, part))
    return pa.struct(fields)
