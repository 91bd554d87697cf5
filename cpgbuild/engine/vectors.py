"""Vectors: the loops of `kernels.py` by numpy, number for number: for few values, without numba.

To load numba and what it compiled takes a third of a second, and these a tenth of a microsecond a
value. Overflow is meant, so that single numbers, of which numpy would warn, are in arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cpgbuild.engine import constants as c

if TYPE_CHECKING:
    from cpgbuild.engine.constants import Bytes, Hashes, Positions, Word, Words

_word = np.uint64
_BLOCK: Final = 16


def strings(data: Bytes, bounds: Positions, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash strings, a block of each at once: see `kernels.strings`."""
    first, last = int(bounds[0]), int(bounds[-1])
    padded = np.concatenate([data[first:last], np.zeros(_BLOCK, np.uint8)])
    # The eight bytes from each byte on.
    eight = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    at, left = bounds[:-1] - first, np.diff(bounds)
    length = left.astype(np.uint64)
    a, b = np.full(len(at), key_a), np.full(len(at), key_b)
    whole = np.flatnonzero(left >= _BLOCK)
    while len(whole):
        here = at[whole]
        x, y = a[whole], b[whole]
        x ^= _rotated(eight[here] * c.C1, 31) * c.C2
        x = (_rotated(x, 27) + y) * _word(5) + c.N1
        y ^= _rotated(eight[here + 8] * c.C2, 33) * c.C1
        y = (_rotated(y, 31) + x) * _word(5) + c.N2
        a[whole], b[whole] = x, y
        at[whole] += _BLOCK
        left[whole] -= _BLOCK
        whole = whole[left[whole] >= _BLOCK]
    low = np.minimum(left, 8)
    b ^= _rotated((eight[at + 8] & c.KEPT[left - low]) * c.C2, 33) * c.C1
    a ^= _rotated((eight[at] & c.KEPT[low]) * c.C1, 31) * c.C2
    a ^= length
    b ^= length
    a += b
    b += a
    a, b = _finished(a), _finished(b)
    a += b
    b += a
    out[:, 0], out[:, 1] = a, b


def words(values: Words, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash single words."""
    out[:, 0], out[:, 1] = _mixed(values, np.zeros_like(values), key_a, key_b)


def pairs(values: Hashes, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash pairs of words, which may lie where the hashes shall."""
    out[:, 0], out[:, 1] = _mixed(values[:, 0], values[:, 1], key_a, key_b)


def lists(items: Hashes, bounds: Positions, key_a: Word, key_b: Word, out: Hashes) -> None:
    """Hash lists: number i has the hashed items bounds[i] to bounds[i + 1], in this order."""
    lengths = np.diff(bounds)
    begins = np.repeat(bounds[:-1], lengths)
    listed = items[int(bounds[0]) : int(bounds[-1])]
    number = np.arange(int(bounds[0]), int(bounds[-1])) - begins + 1
    place = number.astype(np.uint64) * c.GOLDEN
    # Of a sum over all so far, the differences are those of the lists, whatever overflows.
    sums = np.zeros((len(listed) + 1, 2), np.uint64)
    np.cumsum(np.stack(_mixed(listed[:, 0], listed[:, 1], place, place), 1), 0, out=sums[1:])
    ends = bounds - bounds[0]
    a, b = (sums[ends[1:]] - sums[ends[:-1]]).T
    out[:, 0], out[:, 1] = _mixed(a + lengths.astype(np.uint64), b, key_a, key_b)


def blank(valid: Bytes, offset: int, out: Hashes) -> None:
    """Make the hashes of nulls nought: value i is one where bit i + offset is not set."""
    begin = offset // 8
    bits = np.unpackbits(valid[begin : (offset + len(out) + 7) // 8], bitorder="little")
    out[bits[offset - 8 * begin :][: len(out)] == 0] = 0


def add_total(rows: Hashes, key_a: Word, key_b: Word, sums: Hashes) -> None:
    """Add the hashes of all pairs to the one pair in `sums`, without carry between its words."""
    both = _mixed(rows[:, 0], rows[:, 1], key_a, key_b)
    sums[0] += np.array([word.sum(dtype=np.uint64) for word in both])


def add_totals(rows: Hashes, groups: Positions, key_a: Word, key_b: Word, sums: Hashes) -> None:
    """Add the hash of pair i to the pair `sums[groups[i]]`, as `add_total` adds all to one."""
    for place, word in enumerate(_mixed(rows[:, 0], rows[:, 1], key_a, key_b)):
        np.add.at(sums[:, place], groups, word)


def _rotated(x: Words, bits: int) -> Words:
    return (x << _word(bits)) | (x >> _word(64 - bits))


def _mixed(a: Words, b: Words, key_a: Word | Words, key_b: Word | Words) -> tuple[Words, Words]:
    a = (a + b * c.GOLDEN) ^ key_a
    a = (a ^ (a >> _word(30))) * c.FIRST
    a = (a ^ (a >> _word(27))) * c.SECOND
    a ^= a >> _word(31)
    return a, _finished((b ^ a) + key_b)


def _finished(x: Words) -> Words:
    x = (x ^ (x >> _word(33))) * c.THIRD
    x = (x ^ (x >> _word(33))) * c.FOURTH
    return x ^ (x >> _word(33))
