"""Lanes: hashes of 128 bits, for many values at a time."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Words: TypeAlias = npt.NDArray[np.uint64]
Positions: TypeAlias = npt.NDArray[np.int64]

# So many values at a time are in the second-level cache with all that is computed of them;
# measured with bench/rowhash.py. It changes the time only, never a hash.
CHUNK: Final = 32_768

# Sums of more parts than this are faster taken one by one than from running sums; measured.
_LONG: Final = 24


def constant(value: int) -> Words:
    """Return a number as an array without axes: numpy takes it in half the time of a scalar."""
    return np.array(value, np.uint64)


# The fractional part of the golden ratio, as in Steele, Lea, Flood: "Fast splittable pseudorandom
# number generators" (OOPSLA 2014): its multiples are far from each other.
GOLDEN: Final = constant(0x9E3779B97F4A7C15)
# Lane `a` is mixed as in SplitMix64 (https://prng.di.unimi.it/splitmix64.c): Stafford's variant 13,
# https://zimbry.blogspot.com/2011/09/better-bit-mixing-improving-on.html
_FIRST: Final = constant(0xBF58476D1CE4E5B9)
_SECOND: Final = constant(0x94D049BB133111EB)
# Lane `b` with what MurmurHash3 ends with, fmix64:
# https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
_THIRD: Final = constant(0xFF51AFD7ED558CCD)
_FOURTH: Final = constant(0xC4CEB9FE1A85EC53)
_SHIFTS: Final = [constant(bits) for bits in range(64)]


class Lanes(NamedTuple):
    """Two arrays of 64 bits, `a` and `b`, one element each for every value."""

    a: Words
    b: Words

    @classmethod
    def empty(cls, length: int) -> Lanes:
        """Return lanes that hold anything."""
        return cls(np.empty(length, np.uint64), np.empty(length, np.uint64))

    def rows(self, start: int, stop: int) -> Lanes:
        """Return the values `start` to `stop`, not copied."""
        return Lanes(self.a[start:stop], self.b[start:stop])

    def clear(self) -> None:
        """Make all of them nought."""
        self.a.fill(0)
        self.b.fill(0)

    def add(self, other: Lanes) -> None:
        """Add others, value by value, without carry between the lanes."""
        np.add(self.a, other.a, out=self.a)
        np.add(self.b, other.b, out=self.b)

    def add_to(self, some: Positions, others: Lanes) -> None:
        """Add others to the values at some positions, each of which is there once."""
        for lane, more in zip(self, others, strict=True):
            lane[some] += more

    def add_sums(self, parts: Lanes, begins: Positions, ends: Positions) -> None:
        """Add to each value the sum of the parts from its begin to its end; at most CHUNK parts."""
        if len(begins) * _LONG < len(parts.a):
            self._add_long_sums(parts, begins, ends)
            return
        sums = _SCRATCH.sums[: len(parts.a) + 1]
        for lane, part in zip(self, parts, strict=True):
            np.cumsum(part, out=sums[1:])
            np.add(lane, sums.take(ends), out=lane)
            np.subtract(lane, sums.take(begins), out=lane)

    def _add_long_sums(self, parts: Lanes, begins: Positions, ends: Positions) -> None:
        held = np.flatnonzero(ends > begins)
        edges = np.stack((begins[held], ends[held]), axis=1).ravel()
        # The last end is no position of a part where nothing follows.
        edges = edges[: np.searchsorted(edges, len(parts.a), "left")]
        for lane, part in zip(self, parts, strict=True):
            # Every second sum is of what lies between two of the sums wanted.
            lane[held] += np.add.reduceat(part, edges)[::2]


class Key(NamedTuple):
    """What hashes depend on beside the value: one for all values, or one for each."""

    a: Words
    b: Words


def key(*label: str) -> Key:
    """Return the key that stands for a list of texts, the same in every process."""
    digest = hashlib.blake2b(digest_size=16, person=b"cpgbuild rows")
    for part in label:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    a, b = np.frombuffer(digest.digest(), "<u8").tolist()
    return Key(constant(a), constant(b))


def place_key(place: Words) -> Key:
    """Return the keys of what is at these places of a list, counted from one.

    Both lanes get the same: values that cancel their places out in the one do not in the other.
    """
    keys = np.multiply(place, GOLDEN)
    return Key(keys, keys)


class _Scratch(threading.local):
    """Memory that is used again and again: to get it anew would cost more than to mix."""

    def __init__(self) -> None:
        self.words = np.empty(CHUNK, np.uint64)
        self.sums = np.zeros(CHUNK + 1, np.uint64)


_SCRATCH: Final = _Scratch()


def mix_words(lanes: Lanes, by: Key) -> None:
    """Replace the words in `a` by their hashes; what `b` held is not looked at.

    There are at most CHUNK of them.
    """
    a, b = lanes
    np.bitwise_xor(a, by.a, out=a)
    spare = _SCRATCH.words[: len(a)]
    _fold(a, 30, spare)
    np.multiply(a, _FIRST, out=a)
    _fold(a, 27, spare)
    np.multiply(a, _SECOND, out=a)
    # From here the lanes go apart: neither is linear in the other, so sums of the one that are
    # equal by chance say nothing of the other's.
    np.bitwise_xor(a, by.b, out=b)
    np.multiply(b, _THIRD, out=b)
    _fold(b, 32, spare)
    _fold(a, 31, spare)


def mix(lanes: Lanes, by: Key) -> None:
    """Replace the lanes' values by their hashes; for one key no two of them get the same.

    There are at most CHUNK of them.
    """
    a, b = lanes
    spare = _SCRATCH.words[: len(a)]
    # Each lane of the result depends on both.
    np.multiply(b, GOLDEN, out=spare)
    np.add(a, spare, out=a)
    np.bitwise_xor(a, by.a, out=a)
    _fold(a, 30, spare)
    np.multiply(a, _FIRST, out=a)
    _fold(a, 27, spare)
    np.multiply(a, _SECOND, out=a)
    _fold(a, 31, spare)
    np.bitwise_xor(b, a, out=b)
    np.add(b, by.b, out=b)
    _fold(b, 33, spare)
    np.multiply(b, _THIRD, out=b)
    _fold(b, 33, spare)
    np.multiply(b, _FOURTH, out=b)
    _fold(b, 33, spare)


def _fold(x: Words, bits: int, spare: Words) -> None:
    np.right_shift(x, _SHIFTS[bits], out=spare)
    np.bitwise_xor(x, spare, out=x)


@dataclass(frozen=True, slots=True)
class Piece:
    """The elements `start` to `stop` of lists that follow each other.

    They belong to the lists from `first` on, `counts` elements to each; `places` says which of
    its list's elements each one is, counted from one.
    """

    start: int
    stop: int
    first: int
    counts: Positions
    places: Words

    def add(self, elements: Lanes, lists: Lanes) -> None:
        """Add each element's hash to its list's."""
        ends = np.cumsum(self.counts)
        last = self.first + len(self.counts)
        lists.rows(self.first, last).add_sums(elements, ends - self.counts, ends)


def pieces(bounds: Positions) -> Iterator[Piece]:
    """Cut the elements of lists into pieces of at most CHUNK; list i has bounds[i]..bounds[i+1].

    A list may be longer than a piece.
    """
    for start in range(int(bounds[0]), int(bounds[-1]), CHUNK):
        stop = min(start + CHUNK, int(bounds[-1]))
        first = int(np.searchsorted(bounds, start, "right")) - 1
        last = int(np.searchsorted(bounds, stop, "left"))
        cut = np.clip(bounds[first : last + 1], start, stop)
        counts = cut[1:] - cut[:-1]
        places = np.arange(start + 1, stop + 1)
        places -= np.repeat(bounds[first:last], counts)
        yield Piece(start, stop, first, counts, places.view(np.uint64))
