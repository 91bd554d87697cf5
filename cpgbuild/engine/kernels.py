"""Kernels: the loops over values that data fingerprints are made of, compiled once by numba.

All of them write hashes of 128 bits, two words each, and let go of Python's lock. A key is two
words too: what is hashed with different keys has nothing in common. Every constant and every word
is a `uint64`; numba would make a float of one that meets a signed number.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import numpy as np
from numba import njit, types

from cpgbuild.engine.constants import (
    C1,
    C2,
    FIRST,
    FOURTH,
    GOLDEN,
    KEPT,
    N1,
    N2,
    SECOND,
    THIRD,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cpgbuild.engine.constants import Bytes, Hashes, Positions, Word, Words

P = ParamSpec("P")
R = TypeVar("R")

_word = np.uint64

_U8: Final = types.Array(types.uint8, 1, "C", readonly=True)
_U64: Final = types.Array(types.uint64, 1, "C", readonly=True)
_I64: Final = types.Array(types.int64, 1, "C", readonly=True)
_READ: Final = types.Array(types.uint64, 2, "C", readonly=True)
_OUT: Final = types.Array(types.uint64, 2, "C")
_KEY: Final = (types.uint64, types.uint64)

_inline: Final = njit(inline="always")


def _compiled(signature: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for these types, or load it as it was compiled before."""

    def compiled(function: Callable[P, R]) -> Callable[P, R]:
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except (OSError, RuntimeError, EOFError, pickle.PickleError):
            # No place to keep it, or what is kept is torn: a second each time.
            return njit(signature, nogil=True)(function)

    return compiled


@_inline
def _rotated(x: Word, bits: int) -> Word:
    return (x << _word(bits)) | (x >> _word(64 - bits))


@_inline
def _mixed(a: Word, b: Word, key_a: Word, key_b: Word) -> tuple[Word, Word]:
    """Mix two words; for one key no two pairs become the same."""
    a = (a + b * GOLDEN) ^ key_a
    a = (a ^ (a >> _word(30))) * FIRST
    a = (a ^ (a >> _word(27))) * SECOND
    a ^= a >> _word(31)
    # Each word of the result depends on both.
    return a, _finished((b ^ a) + key_b)


@_inline
def _finished(x: Word) -> Word:
    """MurmurHash3's fmix64."""
    x = (x ^ (x >> _word(33))) * THIRD
    x = (x ^ (x >> _word(33))) * FOURTH
    return x ^ (x >> _word(33))


@_inline
def _eight(data: Bytes, at: Word) -> Word:
    """Return eight bytes as a little-endian word; the compiler makes one load of it."""
    return (
        _word(data[at])
        | _word(data[at + _word(1)]) << _word(8)
        | _word(data[at + _word(2)]) << _word(16)
        | _word(data[at + _word(3)]) << _word(24)
        | _word(data[at + _word(4)]) << _word(32)
        | _word(data[at + _word(5)]) << _word(40)
        | _word(data[at + _word(6)]) << _word(48)
        | _word(data[at + _word(7)]) << _word(56)
    )


@_inline
def _last(data: Bytes, at: Word, left: Word) -> tuple[Word, Word]:
    """Return fewer than 16 bytes as two words, filled up with noughts."""
    if at + _word(16) <= _word(len(data)):
        # No branches, since nobody could foresee them.
        first = min(left, _word(8))
        return (
            _eight(data, at) & KEPT[first],
            _eight(data, at + _word(8)) & KEPT[left - first],
        )
    low, high = _word(0), _word(0)
    for i in range(left):
        byte = _word(data[at + _word(i)]) << ((_word(i) & _word(7)) * _word(8))
        if i < _word(8):
            low |= byte
        else:
            high |= byte
    return low, high


@_compiled(types.void(_U8, _I64, *_KEY, _OUT))
def strings(data: Bytes, bounds: Positions, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash strings: number i is data[bounds[i]:bounds[i + 1]].

    MurmurHash3_x64_128, whose state is the key at first (its own two seeds are equal).
    """
    for i in range(len(out)):
        at = _word(bounds[i])
        length = _word(bounds[i + 1]) - at
        a, b, left = key_a, key_b, length
        while left >= _word(16):
            a ^= _rotated(_eight(data, at) * C1, 31) * C2
            a = (_rotated(a, 27) + b) * _word(5) + N1
            b ^= _rotated(_eight(data, at + _word(8)) * C2, 33) * C1
            b = (_rotated(b, 31) + a) * _word(5) + N2
            at += _word(16)
            left -= _word(16)
        low, high = _last(data, at, left)
        b ^= _rotated(high * C2, 33) * C1
        a ^= _rotated(low * C1, 31) * C2
        a ^= length
        b ^= length
        a += b
        b += a
        a = _finished(a)
        b = _finished(b)
        a += b
        b += a
        out[i, 0] = a
        out[i, 1] = b


@_compiled(types.void(_U64, *_KEY, _OUT))
def words(values: Words, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash single words."""
    for i in range(len(out)):
        out[i, 0], out[i, 1] = _mixed(values[i], _word(0), key_a, key_b)


@_compiled(types.void(_READ, *_KEY, _OUT))
def pairs(values: Hashes, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash pairs of words, which may lie where the hashes shall."""
    for i in range(len(out)):
        out[i, 0], out[i, 1] = _mixed(values[i, 0], values[i, 1], key_a, key_b)


@_compiled(types.void(_READ, _I64, *_KEY, _OUT))
def lists(items: Hashes, bounds: Positions, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash lists: number i has the hashed items bounds[i] to bounds[i + 1], in this order."""
    for i in range(len(out)):
        a = _word(bounds[i + 1] - bounds[i])
        b = _word(0)
        place = _word(0)
        for j in range(bounds[i], bounds[i + 1]):
            # Items that cancel their places out in the one word do not in the other.
            place += GOLDEN
            item_a, item_b = _mixed(items[j, 0], items[j, 1], place, place)
            a += item_a
            b += item_b
        out[i, 0], out[i, 1] = _mixed(a, b, key_a, key_b)


@_compiled(types.void(_U8, types.int64, _OUT))
def blank(valid: Bytes, offset: int, out: Hashes) -> None:
    """Make the hashes of nulls nought: value i is one where bit i + offset is not set."""
    for i in range(len(out)):
        at = _word(i + offset)
        if not (valid[at >> _word(3)] >> (at & _word(7))) & _word(1):
            out[i, 0] = _word(0)
            out[i, 1] = _word(0)


@_compiled(types.void(_READ, *_KEY, _OUT))
def add_total(rows: Hashes, key_a: Word, key_b: Word, sums: Hashes) -> None:
    """Add the hashes of all pairs to the one pair in `sums`, without carry between its words."""
    for i in range(len(rows)):
        a, b = _mixed(rows[i, 0], rows[i, 1], key_a, key_b)
        sums[0, 0] += a
        sums[0, 1] += b


@_compiled(types.void(_READ, _I64, *_KEY, _OUT))
def add_totals(rows: Hashes, groups: Positions, key_a: Word, key_b: Word, sums: Hashes) -> None:
    """Add the hash of pair i to the pair `sums[groups[i]]`, as `add_total` adds all to one."""
    for i in range(len(rows)):
        a, b = _mixed(rows[i, 0], rows[i, 1], key_a, key_b)
        sums[groups[i], 0] += a
        sums[groups[i], 1] += b
