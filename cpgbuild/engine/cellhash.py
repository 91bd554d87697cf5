"""Cell hashes: the hashes of the values of one Arrow array, whatever its type."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import types as pt

from cpgbuild.engine import loops

if TYPE_CHECKING:
    from collections.abc import Callable

    from cpgbuild.engine.constants import Bytes, Hashes, Positions, Word

Numbers: TypeAlias = npt.NDArray[Any]


class Key(NamedTuple):
    """What hashes depend on beside the value."""

    a: Word
    b: Word


_Maker: TypeAlias = "Callable[[pa.Array, Key], Hashes]"


def key(*label: str) -> Key:
    """Return the key that stands for a list of texts, the same in every process."""
    digest = hashlib.blake2b(digest_size=16, person=b"cpgbuild rows")
    for part in label:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return Key(*np.frombuffer(digest.digest(), "<u8"))


_ITEM: Final = key("item of a list")
_ENTRY: Final = key("entry of a map")
_MAP_KEY: Final = key("key of a map")
_MAP_VALUE: Final = key("value of a map")


def hashes(array: pa.Array, by: Key) -> Hashes:
    """Return the hashes of an array's values, which depend on the values and on a key.

    Equal values of one logical type have equal hashes, in whatever layout they are. Numbers of
    all integer types are alike, and so are text and bytes: types are compared elsewhere. A null's
    is nought, which no other value's is but by a chance of one in 2^128. Hashes by several keys
    can be added up: those of columns, fields or items are told apart.

    Raises:
        TypeError: there is no hash for the type (a union).
    """
    make = next((make for is_kind, make in _MAKERS if is_kind(array.type)), None)
    if make is None:
        raise TypeError(f"rows with values of type {array.type} have no fingerprint")
    if len(array) and array.null_count == len(array):
        return _noughts(array)
    found = make(array, by)
    bits = None if _is_indirect(array.type) else array.buffers()[0]
    if bits is not None and array.null_count:
        # What lies under a null is ignored.
        loops.for_values(len(array)).blank(np.frombuffer(bits, np.uint8), array.offset, found)
    return found


def _noughts(array: pa.Array) -> Hashes:
    return np.zeros((len(array), 2), np.uint64)


def _empty(array: pa.Array) -> Hashes:
    return np.empty((len(array), 2), np.uint64)


def _numbers(array: pa.Array, kind: str, extra: int = 0, buffer: int = 1) -> Numbers:
    """Return what lies in an array's buffer, not copied; `kind` is numpy's.

    Arrow's buffers are taken to be little-endian, as on every machine that Arrow has wheels for.
    """
    dtype = np.dtype(kind)
    held = array.buffers()[buffer]
    if not len(array) or held is None:
        return np.zeros(extra, dtype)
    found = np.frombuffer(held, dtype, len(array) + extra, array.offset * dtype.itemsize)
    # What comes from elsewhere may begin at any byte.
    return np.require(found, requirements="A")


def _of_words(array: pa.Array, words: Numbers, by: Key) -> Hashes:
    out = _empty(array)
    loops.for_values(len(array)).words(words, *by, out)
    return out


def _of_nulls(array: pa.Array, by: Key) -> Hashes:  # noqa: ARG001 -- all are alike
    return _noughts(array)


def _of_booleans(array: pa.Array, by: Key) -> Hashes:
    if not len(array):
        return _empty(array)
    first = array.offset // 8
    end = (array.offset + len(array) + 7) // 8
    bits = np.unpackbits(_bytes(array.buffers()[1])[first:end], bitorder="little")
    bits = bits[array.offset - first * 8 :][: len(array)]
    return _of_words(array, bits.astype(np.uint64), by)


def _of_integers(array: pa.Array, by: Key) -> Hashes:
    """Hash whole numbers, and what is counted by them: dates, times, timestamps, durations."""
    sign = "u" if pt.is_unsigned_integer(array.type) else "i"
    values = _numbers(array, f"<{sign}{array.type.bit_width // 8}")
    return _of_words(array, values.astype(f"{sign}8", copy=False).view(np.uint64), by)


def _of_floats(array: pa.Array, by: Key) -> Hashes:
    """Hash floating-point numbers by their bits, so that 0.0 and -0.0 differ.

    All NaNs are one: their bits say nothing that a query could see, and differ between machines
    and between engines that compute the same.
    """
    values = _numbers(array, f"<f{array.type.bit_width // 8}")
    strange = np.isnan(values)
    if strange.any():
        values = np.where(strange, np.array(np.nan, values.dtype), values)
    bits = values.view(f"<u{values.itemsize}")
    return _of_words(array, bits.astype(np.uint64, copy=False), by)


def _of_pairs(array: pa.Array, by: Key) -> Hashes:
    """Hash values of 128 bits: decimals, calendar intervals."""
    out = _empty(array)
    loops.for_values(len(array)).pairs(
        _numbers(array, "<u8,<u8").view("<u8").reshape(-1, 2), *by, out
    )
    return out


def _of_narrow_decimals(array: pa.Array, by: Key) -> Hashes:
    """Hash decimals of fewer than 128 bits as if they had them."""
    out = _empty(array)
    low = _numbers(array, f"<i{array.type.bit_width // 8}").astype(np.int64)
    out[:, 0] = low.view(np.uint64)
    out[:, 1] = (low >> 63).view(np.uint64)
    loops.for_values(len(array)).pairs(out, *by, out)
    return out


def _of_fixed_bytes(array: pa.Array, by: Key) -> Hashes:
    bounds = np.arange(array.offset, array.offset + len(array) + 1) * array.type.byte_width
    return _strings(_bytes(array.buffers()[1]), bounds, by)


def _of_bytes(array: pa.Array, by: Key) -> Hashes:
    return _strings(_bytes(array.buffers()[2]), _bounds(array), by)


def _of_byte_views(array: pa.Array, by: Key) -> Hashes:
    return _of_bytes(array.cast(pa.large_binary()), by)


def _strings(data: Bytes, bounds: Positions, by: Key) -> Hashes:
    out = np.empty((len(bounds) - 1, 2), np.uint64)
    loops.for_strings(bounds).strings(data, bounds, *by, out)
    return out


def _bytes(held: pa.Buffer | None) -> Bytes:
    return np.frombuffer(b"" if held is None else held, np.uint8)


def _bounds(array: pa.Array) -> Positions:
    large = pt.is_large_list, pt.is_large_binary, pt.is_large_string
    wide = any(is_kind(array.type) for is_kind in large)
    return _numbers(array, "<i8" if wide else "<i4", 1).astype(np.int64, copy=False)


def _of_structs(array: pa.Array, by: Key) -> Hashes:
    """Hash structs by the hashes of their fields, each with a key of its own."""
    out = _noughts(array)
    seen: Counter[str] = Counter()
    for number, field in enumerate(array.type):
        # A struct may have two fields of one name.
        out += hashes(array.field(number), key("field", field.name, str(seen[field.name])))
        seen[field.name] += 1
    loops.for_values(len(array)).pairs(out, *by, out)
    return out


def _of_lists(array: pa.Array, by: Key) -> Hashes:
    return _lists(_bounds(array), array.values, by)


def _of_fixed_lists(array: pa.Array, by: Key) -> Hashes:
    bounds = np.arange(array.offset, array.offset + len(array) + 1) * array.type.list_size
    return _lists(bounds, array.values, by)


def _of_list_views(array: pa.Array, by: Key) -> Hashes:
    sizes = _numbers(array, "<i8" if pt.is_large_list_view(array.type) else "<i4", buffer=2)
    if array.null_count:
        sizes = np.where(array.is_valid().to_numpy(zero_copy_only=False), sizes, 0)
    bounds = np.zeros(len(array) + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    # This gives the items list by list, and none of a null's.
    return _lists(bounds, array.flatten(), by)


def _lists(bounds: Positions, items: pa.Array, by: Key) -> Hashes:
    return _joined(hashes(_between(bounds, items), _ITEM), bounds, by)


def _of_maps(array: pa.Array, by: Key) -> Hashes:
    bounds = _bounds(array)
    entries = _between(bounds, array.values)
    # By position: every engine names the two fields of an entry in its own way.
    both = hashes(entries.field(0), _MAP_KEY)
    both += hashes(entries.field(1), _MAP_VALUE)
    loops.for_values(len(both)).pairs(both, *_ENTRY, both)
    return _joined(both, bounds, by)


def _between(bounds: Positions, items: pa.Array) -> pa.Array:
    return items.slice(int(bounds[0]), int(bounds[-1] - bounds[0]))


def _joined(items: Hashes, bounds: Positions, by: Key) -> Hashes:
    out = np.empty((len(bounds) - 1, 2), np.uint64)
    loops.for_values(len(items) + len(bounds)).lists(items, bounds - bounds[0], *by, out)
    return out


def _of_dictionary(array: pa.Array, by: Key) -> Hashes:
    values, places = array.dictionary, array.indices
    if not len(values):
        return _noughts(array)
    if len(values) > len(places):
        return hashes(values.take(places), by)
    # A null's index may be anything.
    index: Positions = places.fill_null(0).to_numpy()
    return hashes(values, by).take(index, axis=0)


def _of_runs(array: pa.Array, by: Key) -> Hashes:
    first, count = array.find_physical_offset(), array.find_physical_length()
    ends = array.run_ends.to_numpy()[first : first + count]
    places = np.arange(array.offset, array.offset + len(array))
    found = hashes(array.values.slice(first, count), by)
    index: Positions = np.searchsorted(ends, places, "right")
    return found.take(index, axis=0)


def _of_extension(array: pa.Array, by: Key) -> Hashes:
    return hashes(array.storage, by)


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
