"""Cell hashes: the hashes of the values of one Arrow array, whatever its type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as pt

from cpgbuild.engine.bytehash import Bytes
from cpgbuild.engine.lanes import (
    CHUNK,
    Key,
    Lanes,
    Positions,
    Words,
    key,
    mix,
    mix_words,
    pieces,
    place_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Numbers: TypeAlias = npt.NDArray[Any]
_Maker: TypeAlias = "Callable[[pa.Array, Key], Cells]"

# Measured: see `_is_repeated`.
_REPEATED_ROWS: Final = 4096
_REPEATED_BYTES: Final = 14
_SAMPLE: Final = 256

_ITEM: Final = key("item of a list")
_ENTRY: Final = key("entry of a map")
_MAP_KEY: Final = key("key of a map")
_MAP_VALUE: Final = key("value of a map")


class Cells(Protocol):
    """The values of an array, ready to be hashed."""

    def write(self, start: int, stop: int, out: Lanes) -> None:
        """Write the hashes of the values `start` to `stop` into `out`, which has as many.

        A null's is nought, which no other value's is but by a chance of one in 2^128. Each hash is
        mixed with the key that the cells were made with, so sums over several columns, fields or
        items tell them apart.
        """
        ...


def cells(array: pa.Array, by: Key) -> Cells:
    """Return the cells of an array, whose hashes depend on the values and on a key.

    Equal values of one logical type have equal hashes, in whatever layout they are. Numbers of
    all integer types are alike, and so are text and bytes: types are compared elsewhere.

    Raises:
        TypeError: there is no hash for the type (a union).
    """
    make = next((make for is_kind, make in _MAKERS if is_kind(array.type)), None)
    if make is None:
        raise TypeError(f"rows with values of type {array.type} have no fingerprint")
    made = make(array, by)
    bits = None if _is_indirect(array.type) else array.buffers()[0]
    if bits is None or not array.null_count:
        return made
    return _Nullable(made, np.frombuffer(bits, np.uint8), array.offset)


@dataclass(frozen=True, slots=True)
class _Nullable:
    """Cells of which some are null: their bits are not set. What lies under a null is ignored."""

    values: Cells
    bits: npt.NDArray[np.uint8]
    offset: int

    def write(self, start: int, stop: int, out: Lanes) -> None:
        self.values.write(start, stop, out)
        valid = _unpacked(self.bits, self.offset + start, self.offset + stop)
        for lane in out:
            np.multiply(lane, valid, out=lane)


@dataclass(frozen=True, slots=True)
class _Nulls:
    """Cells of the type null."""

    def write(self, start: int, stop: int, out: Lanes) -> None:  # noqa: ARG002 -- all are alike
        out.clear()


@dataclass(frozen=True, slots=True)
class _Booleans:
    bits: npt.NDArray[np.uint8]
    offset: int
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        out.a[:] = _unpacked(self.bits, self.offset + start, self.offset + stop)
        mix_words(out, self.by)


@dataclass(frozen=True, slots=True)
class _Integers:
    """Whole numbers, and what is counted by them: dates, times, timestamps, durations."""

    values: Numbers
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        signed = self.values.dtype.kind == "i"
        words = out.a.view(np.int64) if signed else out.a
        words[:] = self.values[start:stop]
        mix_words(out, self.by)


@dataclass(frozen=True, slots=True)
class _Floats:
    """Floating-point numbers by their bits, so that 0.0 and -0.0 differ.

    All NaNs are one: their bits say nothing that a query could see, and differ between machines
    and between engines that compute the same.
    """

    values: Numbers
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        values = self.values[start:stop]
        out.a[:] = values.view(f"<u{values.itemsize}")
        strange = np.isnan(values)
        if strange.any():
            out.a[strange] = np.array(np.nan, values.dtype).view(f"<u{values.itemsize}")
        mix_words(out, self.by)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Values of 128 bits: decimals, calendar intervals. One row of two words for each."""

    values: Words
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        out.a[:] = self.values[start:stop, 0]
        out.b[:] = self.values[start:stop, 1]
        mix(out, self.by)


@dataclass(frozen=True, slots=True)
class _NarrowDecimals:
    """Decimals of fewer than 128 bits, as if they had 128."""

    values: Numbers
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        low = out.a.view(np.int64)
        low[:] = self.values[start:stop]
        np.right_shift(low, 63, out=out.b.view(np.int64))
        mix(out, self.by)


@dataclass(frozen=True, slots=True)
class _Structs:
    """Structs, by the hashes of their fields, each with a key of its own."""

    fields: tuple[Cells, ...]
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        out.clear()
        part = Lanes.empty(stop - start)
        for field in self.fields:
            field.write(start, stop, part)
            out.add(part)
        mix(out, self.by)


@dataclass(frozen=True, slots=True)
class _Lists:
    """Lists: number i has the items bounds[i] to bounds[i + 1], each mixed with its index."""

    bounds: Positions
    items: Cells
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        out.clear()
        bounds = self.bounds[start : stop + 1]
        for piece in pieces(bounds):
            part = Lanes.empty(piece.stop - piece.start)
            self.items.write(piece.start, piece.stop, part)
            mix(part, place_key(piece.places))
            piece.add(part, out)
        np.add(out.a, np.diff(bounds).view(np.uint64), out=out.a)
        mix(out, self.by)


@dataclass(frozen=True, slots=True)
class _Indexed:
    """Values that are kept once and pointed at: dictionaries, runs."""

    hashes: Lanes
    index: Numbers

    def write(self, start: int, stop: int, out: Lanes) -> None:
        index = self.index[start:stop].astype(np.int64)
        for lane, found in zip(out, self.hashes, strict=True):
            np.take(found, index, out=lane, mode="clip")


def _unpacked(bits: npt.NDArray[np.uint8], start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Return the bits `start` to `stop` as noughts and ones."""
    first = start // 8
    some = np.unpackbits(bits[first : (stop + 7) // 8], bitorder="little")
    return some[start - first * 8 : stop - first * 8]


def _numbers(array: pa.Array, kind: str, extra: int = 0, buffer: int = 1) -> Numbers:
    """Return what lies in an array's buffer, not copied; `kind` is numpy's.

    Arrow's buffers are taken to be little-endian, as on every machine that Arrow has wheels for.
    """
    dtype = np.dtype(kind)
    held = array.buffers()[buffer]
    if not len(array) or held is None:
        return np.zeros(extra, dtype)
    return np.frombuffer(held, dtype, len(array) + extra, array.offset * dtype.itemsize)


def _of_nulls(array: pa.Array, by: Key) -> Cells:  # noqa: ARG001 -- all are alike
    return _Nulls()


def _of_booleans(array: pa.Array, by: Key) -> Cells:
    bits = array.buffers()[1] if len(array) else b""
    return _Booleans(np.frombuffer(bits, np.uint8), array.offset, by)


def _of_integers(array: pa.Array, by: Key) -> Cells:
    sign = "u" if pt.is_unsigned_integer(array.type) else "i"
    return _Integers(_numbers(array, f"<{sign}{array.type.bit_width // 8}"), by)


def _of_floats(array: pa.Array, by: Key) -> Cells:
    return _Floats(_numbers(array, f"<f{array.type.bit_width // 8}"), by)


def _of_pairs(array: pa.Array, by: Key) -> Cells:
    return _Pairs(_numbers(array, "<u8,<u8").view("<u8").reshape(-1, 2), by)


def _of_narrow_decimals(array: pa.Array, by: Key) -> Cells:
    return _NarrowDecimals(_numbers(array, f"<i{array.type.bit_width // 8}"), by)


def _of_fixed_bytes(array: pa.Array, by: Key) -> Cells:
    width = array.type.byte_width
    bounds = np.arange(array.offset, array.offset + len(array) + 1) * width
    return Bytes(_bytes(array.buffers()[1]), bounds, by)


def _of_bytes(array: pa.Array, by: Key) -> Cells:
    if _is_repeated(array):
        return cells(array.dictionary_encode(), by)
    return Bytes(_bytes(array.buffers()[2]), _bounds(array), by)


def _is_repeated(array: pa.Array) -> bool:
    """Say by a sample whether an array's strings are worth to be found and hashed once each.

    To find them costs about as much as to hash two words of each. The hashes are the same.
    """
    if len(array) < _REPEATED_ROWS:
        return False
    sample = array.take(pa.array(np.linspace(0, len(array) - 1, _SAMPLE).astype(np.int64)))
    length = pc.sum(pc.binary_length(sample)).as_py() or 0
    return length > _SAMPLE * _REPEATED_BYTES and len(sample.unique()) * 2 < _SAMPLE


def _of_byte_views(array: pa.Array, by: Key) -> Cells:
    return _of_bytes(array.cast(pa.large_binary()), by)


def _bytes(held: pa.Buffer | None) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"" if held is None else held, np.uint8)


def _bounds(array: pa.Array) -> Numbers:
    large = pt.is_large_list, pt.is_large_binary, pt.is_large_string
    return _numbers(array, "<i8" if any(is_kind(array.type) for is_kind in large) else "<i4", 1)


def _of_structs(array: pa.Array, by: Key) -> Cells:
    return _Structs(tuple(_fields(array)), by)


def _fields(array: pa.Array) -> Iterator[Cells]:
    seen: Counter[str] = Counter()
    for number, field in enumerate(array.type):
        # A struct may have two fields of one name.
        yield cells(array.field(number), key("field", field.name, str(seen[field.name])))
        seen[field.name] += 1


def _of_lists(array: pa.Array, by: Key) -> Cells:
    bounds = _bounds(array).astype(np.int64)
    return _lists(bounds, array.values, by)


def _of_fixed_lists(array: pa.Array, by: Key) -> Cells:
    bounds = np.arange(array.offset, array.offset + len(array) + 1) * array.type.list_size
    return _lists(bounds, array.values, by)


def _of_list_views(array: pa.Array, by: Key) -> Cells:
    sizes = _numbers(array, "<i8" if pt.is_large_list_view(array.type) else "<i4", buffer=2)
    if array.null_count:
        sizes = np.where(array.is_valid().to_numpy(zero_copy_only=False), sizes, 0)
    bounds = np.zeros(len(array) + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    # This gives the items list by list, and none of a null's.
    return _lists(bounds, array.flatten(), by)


def _lists(bounds: Positions, items: pa.Array, by: Key) -> Cells:
    length = int(bounds[-1] - bounds[0])
    return _Lists(bounds - bounds[0], cells(items.slice(int(bounds[0]), length), _ITEM), by)


def _of_maps(array: pa.Array, by: Key) -> Cells:
    bounds = _bounds(array).astype(np.int64)
    entries = array.values.slice(int(bounds[0]), int(bounds[-1] - bounds[0]))
    # By position: every engine names the two fields of an entry in its own way.
    parts = cells(entries.field(0), _MAP_KEY), cells(entries.field(1), _MAP_VALUE)
    return _Lists(bounds - bounds[0], _Structs(parts, _ENTRY), by)


def _of_dictionary(array: pa.Array, by: Key) -> Cells:
    values, places = array.dictionary, array.indices
    if not len(values):
        return _Nulls()
    if len(values) > len(places):
        return cells(values.take(places), by)
    # A null's index may be anything.
    return _Indexed(_all(values, by), places.fill_null(0).to_numpy())


def _of_runs(array: pa.Array, by: Key) -> Cells:
    first, count = array.find_physical_offset(), array.find_physical_length()
    ends = array.run_ends.to_numpy()[first : first + count]
    places = np.arange(array.offset, array.offset + len(array))
    hashes = _all(array.values.slice(first, count), by)
    return _Indexed(hashes, np.searchsorted(ends, places, "right"))


def _of_extension(array: pa.Array, by: Key) -> Cells:
    return cells(array.storage, by)


def _all(array: pa.Array, by: Key) -> Lanes:
    found, source = Lanes.empty(len(array)), cells(array, by)
    for start in range(0, len(array), CHUNK):
        stop = min(start + CHUNK, len(array))
        source.write(start, stop, found.rows(start, stop))
    return found


def _is_any(*kinds: Callable[[pa.DataType], bool]) -> Callable[[pa.DataType], bool]:
    return lambda t: any(is_kind(t) for is_kind in kinds)


def _is_extension(t: pa.DataType) -> bool:
    return isinstance(t, pa.BaseExtensionType)


# Their validity is that of what they stand for.
_is_indirect = _is_any(_is_extension, pt.is_run_end_encoded, pt.is_null)

# Extension types come first: one may answer like its storage where it is asked for its kind.
_MAKERS: Final[tuple[tuple[Callable[[pa.DataType], bool], _Maker], ...]] = (
    (_is_extension, _of_extension),
    (pt.is_null, _of_nulls),
    (pt.is_boolean, _of_booleans),
    (pt.is_floating, _of_floats),
    (_is_any(pt.is_integer, pt.is_date, pt.is_time, pt.is_timestamp, pt.is_duration), _of_integers),
    (_is_any(pt.is_decimal32, pt.is_decimal64), _of_narrow_decimals),
    (_is_any(pt.is_decimal128, pt.is_interval), _of_pairs),
    (_is_any(pt.is_decimal256, pt.is_fixed_size_binary), _of_fixed_bytes),
    (_is_any(pt.is_string, pt.is_large_string, pt.is_binary, pt.is_large_binary), _of_bytes),
    (_is_any(pt.is_string_view, pt.is_binary_view), _of_byte_views),
    (pt.is_struct, _of_structs),
    (pt.is_map, _of_maps),
    (_is_any(pt.is_list, pt.is_large_list), _of_lists),
    (pt.is_fixed_size_list, _of_fixed_lists),
    (_is_any(pt.is_list_view, pt.is_large_list_view), _of_list_views),
    (pt.is_dictionary, _of_dictionary),
    (pt.is_run_end_encoded, _of_runs),
)
