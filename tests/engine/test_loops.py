"""The loops by numpy give what the compiled ones give, and numba is loaded for much work alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.engine import kernels, vectors
from cpgbuild.engine.constants import Hashes
from tests.property.profiles import laws

WORD = st.integers(0, (1 << 64) - 1)
WORDS = st.lists(st.one_of(WORD, st.sampled_from([0, 1, (1 << 64) - 1, 1 << 63])), max_size=20)
SIZES = st.lists(st.integers(0, 70), max_size=8)


def both(loop: Callable[[ModuleType, Hashes], None], begin: Hashes) -> None:
    """See that a loop writes the same in both ways."""
    compiled, other = begin.copy(), begin.copy()
    loop(kernels, compiled)
    with np.errstate(all="raise"):
        loop(vectors, other)
    assert other.tolist() == compiled.tolist()


def pairs_of(words: list[int]) -> Hashes:
    return np.array([*words, *words[::-1]], np.uint64).reshape(-1, 2)


def bounds_of(sizes: list[int], first: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.cumsum([first, *sizes]).astype(np.int64)


@laws(200)
@given(SIZES, st.integers(0, 20), st.integers(0, 20), WORD, WORD, st.randoms(use_true_random=False))
def test_strings(sizes, first, behind, a, b, random):
    bounds = bounds_of(sizes, first)
    data = np.frombuffer(random.randbytes(int(bounds[-1]) + behind), np.uint8)
    begin = np.zeros((len(sizes), 2), np.uint64)
    both(lambda by, out: by.strings(data, bounds, np.uint64(a), np.uint64(b), out), begin)


@laws(200)
@given(WORDS, WORD, WORD)
def test_words_pairs_and_totals(words, a, b):
    key = np.uint64(a), np.uint64(b)
    values, rows = np.array(words, np.uint64), pairs_of(words)
    groups = np.arange(len(rows)) * 7 % 3
    begin = np.array([[a, b]] * 3, np.uint64)
    both(lambda by, out: by.words(values, *key, out), np.zeros((len(values), 2), np.uint64))
    both(lambda by, out: by.pairs(rows, *key, out), np.zeros_like(rows))
    # The hashes may come where the pairs were.
    both(lambda by, out: by.pairs(out, *key, out), rows)
    both(lambda by, out: by.add_total(rows, *key, out), begin[:1])
    both(lambda by, out: by.add_totals(rows, groups, *key, out), begin)


@laws(200)
@given(SIZES, st.integers(0, 3), WORD, WORD, st.randoms(use_true_random=False))
def test_lists(sizes, first, a, b, random):
    bounds = bounds_of(sizes, first)
    items = np.frombuffer(random.randbytes(16 * int(bounds[-1])), np.uint64).reshape(-1, 2)
    begin = np.zeros((len(sizes), 2), np.uint64)
    both(lambda by, out: by.lists(items, bounds, np.uint64(a), np.uint64(b), out), begin)


@laws(200)
@given(st.binary(min_size=1, max_size=20), st.integers(0, 40), WORDS)
def test_blanks(valid, offset, words):
    bits = np.frombuffer(valid, np.uint8)
    rows = pairs_of(words)[: max(0, 8 * len(bits) - offset)]
    both(lambda by, out: by.blank(bits, offset, out), rows)


LITTLE_THEN_MUCH = """
import sys

import pyarrow as pa

from cpgbuild.engine.rowhash import RowHash


def hashed(times):
    made = RowHash([("n", "s")])
    for number in range(times):
        made.update(pa.record_batch({"n": range(1000), "s": [f"text {i}" for i in range(1000)]}))
    return made.fingerprints()


little = hashed(3)
print("numba" in sys.modules)
CHOSEN
much = hashed(9000)
print("numba" in sys.modules, hashed(3) == little)
"""


@pytest.mark.parametrize("long", [False, True])
def test_numba_is_loaded_for_much_work_or_a_long_string_alone(long):
    text = 'RowHash([("s",)]).update(pa.record_batch({"s": ["x" * 1_000_000]}))'
    code = LITTLE_THEN_MUCH.replace(
        "CHOSEN", f"{text}; print('numba' in sys.modules)" if long else ""
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["False", *(["True"] if long else []), "True", "True"]
