"""Constants that hashes are made with, and the arrays that they are made of."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Words: TypeAlias = npt.NDArray[np.uint64]
Positions: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]
"""Two words for each value: an array of shape (values, 2)."""
Word: TypeAlias = np.uint64

_word = np.uint64

# Of lane `a`, the mixing of SplitMix64 (https://prng.di.unimi.it/splitmix64.c): Stafford's variant
# 13, https://zimbry.blogspot.com/2011/09/better-bit-mixing-improving-on.html
FIRST: Final = _word(0xBF58476D1CE4E5B9)
SECOND: Final = _word(0x94D049BB133111EB)
# The fractional part of the golden ratio, as in Steele, Lea, Flood: "Fast splittable pseudorandom
# number generators" (OOPSLA 2014): its multiples are far from each other.
GOLDEN: Final = _word(0x9E3779B97F4A7C15)
# MurmurHash3_x64_128's and fmix64's:
# https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
C1: Final = _word(0x87C37B91114253D5)
C2: Final = _word(0x4CF5AD432745937F)
N1: Final = _word(0x52DCE729)
N2: Final = _word(0x38495AB5)
THIRD: Final = _word(0xFF51AFD7ED558CCD)
FOURTH: Final = _word(0xC4CEB9FE1A85EC53)

# What is kept of a word of which so many bytes belong to the string.
KEPT: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
