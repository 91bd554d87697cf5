"""The corpus: queries that do not mean the same have no plan fingerprint in common."""

from __future__ import annotations

import pytest

from tests.plan.corpus import DATA, DIFFERENT, EQUAL, Pair, mark, results, told_apart


def names(pairs: list[Pair]) -> list[str]:
    return [pair.name[:120] for pair in pairs]


@pytest.mark.parametrize("pair", DIFFERENT, ids=names(DIFFERENT))
def test_what_does_not_mean_the_same_has_fingerprints_of_its_own(pair: Pair) -> None:
    assert told_apart(pair.one, pair.two), "no data tells them apart"
    assert mark(pair.one) != mark(pair.two)


@pytest.mark.parametrize("pair", EQUAL, ids=names(EQUAL))
def test_what_means_the_same_is_recognised_where_the_corpus_says_so(pair: Pair) -> None:
    for data in DATA:
        assert results(pair.one, data) == results(pair.two, data)
    assert (mark(pair.one) == mark(pair.two)) == pair.recognised


def test_the_corpus_is_not_small() -> None:
    assert len(EQUAL) >= 150
    assert len(DIFFERENT) >= 350
    assert len({(pair.one, pair.two) for pair in DIFFERENT + EQUAL}) == len(DIFFERENT + EQUAL)
