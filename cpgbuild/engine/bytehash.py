"""Byte hashes: the hashes of the strings that lie one after the other in a buffer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from cpgbuild.engine.lanes import (
    CHUNK,
    GOLDEN,
    Key,
    Lanes,
    Positions,
    Words,
    constant,
    mix,
    mix_words,
    place_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD: Final = 8
_BITS: Final = constant(56)
_ONE: Final = constant(1)
_THREE: Final = constant(3)
_TOP: Final = constant(63)

# Most strings are short: so many words are taken from all of them at a time. The words beyond are
# taken string by string. It is part of the definition: a word of noughts counts nothing before.
_FIRST_WORDS: Final = 4
_FIRST_BYTES: Final = _FIRST_WORDS * _WORD
# Where fewer of the strings have a word, those are picked first. Measured; the hash is the same.
_MANY: Final = 0.35
# So many bytes are copied at a time: an aligned copy with a margin is faster to read from.
_COPIED: Final = 1 << 22

# What is kept of a word of which so many bytes belong to the string.
_KEPT: Final = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], np.uint64)
_RAMP: Final = np.arange(CHUNK, dtype=np.uint64) * GOLDEN
_PLACES: Final = [place_key(np.array(n + 1, np.uint64)) for n in range(_FIRST_WORDS)]


def _of_noughts(place: Key) -> Lanes:
    lanes = Lanes(np.zeros(1, np.uint64), np.zeros(1, np.uint64))
    mix_words(lanes, place)
    return lanes


_NOUGHTS: Final = [_of_noughts(place) for place in _PLACES]


class _Scratch(threading.local):
    """Memory that is used again and again: to get it anew would cost more than to use it."""

    def __init__(self) -> None:
        self.copy = np.empty(_COPIED // _WORD + 2, np.uint64)
        self.above, self.shift = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
        self.index, self.begins = np.empty(CHUNK, np.int64), np.empty(CHUNK, np.int64)
        self.lengths = np.empty(CHUNK, np.int64)
        self.part = Lanes.empty(CHUNK)


_SCRATCH: Final = _Scratch()


@dataclass(frozen=True, slots=True)
class Bytes:
    """Strings of bytes: number i is data[bounds[i]:bounds[i + 1]].

    The hash is made of the string's words of 8 bytes (little-endian, the last one filled up with
    noughts): the first one as it is and the length, to which the hashes of the others, mixed with
    their places, are added, are mixed. So strings of at most 8 bytes never collide.
    """

    data: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int32] | Positions
    by: Key

    def write(self, start: int, stop: int, out: Lanes) -> None:
        """Hash the strings `start` to `stop`, at most CHUNK."""
        for begin, end in self._runs(start, stop):
            bounds = self.bounds[begin : end + 1].astype(np.int64)
            words = _words(self.data[bounds[0] : bounds[-1]])
            bounds -= bounds[0]
            _Strings(words, bounds[:-1], np.diff(bounds)).write(
                out.rows(begin - start, end - start)
            )
        mix(out, self.by)

    def _runs(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut strings into runs of few bytes, or of one string."""
        while start < stop:
            bounds = self.bounds[start : stop + 1]
            limit = min(int(bounds[0]) + _COPIED, int(bounds[-1]))
            # In the bounds' own type; else all of them would be converted.
            far = int(np.searchsorted(bounds, bounds.dtype.type(limit), "right")) - 1
            end = start + max(far, 1)
            yield start, end
            start = end


def _words(data: npt.NDArray[np.uint8]) -> Words:
    """Return a copy of the bytes as words, with at least one word of margin."""
    size = len(data) // _WORD + 2
    words = _SCRATCH.copy[:size] if size <= len(_SCRATCH.copy) else np.empty(size, np.uint64)
    words[-2:] = 0
    words.view(np.uint8)[: len(data)] = data
    return words


@dataclass(frozen=True, slots=True)
class _Strings:
    """Strings that follow each other in words: where they begin and how many bytes they have."""

    words: Words
    begins: Positions
    lengths: Positions

    def write(self, out: Lanes) -> None:
        """Write what stands for the strings, not mixed yet."""
        self._gather(self.begins, self.lengths, out.a)
        np.copyto(out.b, self.lengths.view(np.uint64))
        for number in range(1, _FIRST_WORDS):
            some = np.flatnonzero(self.lengths > number * _WORD)
            if not len(some):
                return
            if len(some) > _MANY * len(self.lengths):
                out.add(self.word(number))
            else:
                out.add_to(some, self._picked(some).word(number))
        some = np.flatnonzero(self.lengths > _FIRST_BYTES)
        if len(some):
            out.add_to(some, self._picked(some).other_words())

    def _picked(self, some: Positions) -> _Strings:
        return _Strings(self.words, self.begins[some], self.lengths[some])

    def word(self, number: int) -> Lanes:
        """Return the hashes of the words of this number; nought where a string has none."""
        count = len(self.lengths)
        part = _SCRATCH.part.rows(0, count)
        place, left = _SCRATCH.begins[:count], _SCRATCH.lengths[:count]
        np.add(self.begins, number * _WORD, out=place)
        np.subtract(self.lengths, number * _WORD, out=left)
        self._gather(place, left, part.a)
        mix_words(part, _PLACES[number])
        for lane, nought in zip(part, _NOUGHTS[number], strict=True):
            np.subtract(lane, nought, out=lane)
        return part

    def _gather(self, place: Positions, left: Positions, out: Words) -> None:
        """Write the 8 bytes at each place, less those beyond the `left` bytes of the string."""
        count = len(out)
        index, above, shift = _SCRATCH.index[:count], _SCRATCH.above[:count], _SCRATCH.shift[:count]
        np.right_shift(place, 3, out=index)
        # What lies beyond the words is not kept; the other modes check and are slow.
        np.take(self.words, index, out=out, mode="clip")
        np.add(index, 1, out=index)
        np.take(self.words, index, out=above, mode="clip")
        np.left_shift(place.view(np.uint64), _THREE, out=shift)
        np.bitwise_and(shift, _BITS, out=shift)
        _join(out, above, shift)
        np.take(_KEPT, left, out=above, mode="clip")
        np.bitwise_and(out, above, out=out)

    def other_words(self) -> Lanes:
        """Return the sums of the hashes of all words after the first ones, which all have.

        Memory is read in its order. No two strings share a place in it, since the first words lie
        between them.
        """
        begins, lengths = self.begins + _FIRST_BYTES, self.lengths - _FIRST_BYTES
        rests = _Rests(
            self.words,
            begins >> 3,
            (begins >> 3) + ((lengths + _WORD - 1) >> 3),
            ((begins & 7) << 3).view(np.uint64),
            _KEPT[((lengths - 1) & 7) + 1],
        )
        sums = Lanes.empty(len(begins))
        sums.clear()
        for start in range(int(rests.firsts[0]), int(rests.ends[-1]), CHUNK):
            rests.add(start, min(start + CHUNK, int(rests.ends[-1])), sums)
        return sums


@dataclass(frozen=True, slots=True)
class _Rests:
    """What comes after the first words of strings, each in the places `firsts` to `ends` of words.

    It begins `shifts` bits after the first place does; of its last word as much is `kept`.
    """

    words: Words
    firsts: Positions
    ends: Positions
    shifts: Words
    kept: Words

    def add(self, start: int, stop: int, sums: Lanes) -> None:
        """Add the hashes of what begins in the places `start` to `stop`."""
        some = slice(
            int(np.searchsorted(self.ends, start, "right")),
            int(np.searchsorted(self.firsts, stop, "left")),
        )
        if some.start >= some.stop:
            return
        size = stop - start
        firsts, ends = self.firsts[some] - start, self.ends[some] - start
        # Places between two strings are taken for the former's, and not summed.
        counts = np.diff(np.maximum(firsts, 0), append=size)
        counts[0] += max(int(firsts[0]), 0)
        part, above = _SCRATCH.part.rows(0, size), _SCRATCH.above[:size]
        np.copyto(part.a, self.words[start:stop])
        np.copyto(above, self.words[start + 1 : stop + 1])
        _join(part.a, above, np.repeat(self.shifts[some], counts))
        whole = ends <= size
        part.a[ends[whole] - 1] &= self.kept[some][whole]
        before = (firsts - _FIRST_WORDS - 1).view(np.uint64) * GOLDEN
        places = np.subtract(_RAMP[:size], np.repeat(before, counts), out=above)
        mix_words(part, Key(places, places))
        sums.rows(some.start, some.stop).add_sums(
            part, np.maximum(firsts, 0), np.minimum(ends, size)
        )


def _join(low: Words, high: Words, shift: Words) -> None:
    """Make of two neighbouring words the one that begins `shift` bits after the first's begin."""
    np.right_shift(low, shift, out=low)
    # In two steps, since a shift by 64 bits is not defined; 63 - shift is 63 ^ shift here.
    np.left_shift(high, _ONE, out=high)
    np.bitwise_xor(shift, _TOP, out=shift)
    np.left_shift(high, shift, out=high)
    np.bitwise_or(low, high, out=low)
