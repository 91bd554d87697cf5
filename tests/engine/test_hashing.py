"""Hashing beside the writing: the same fingerprints as in one go, whatever the blocks."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cpgbuild.engine import hashing
from cpgbuild.engine.hashing import Hashing
from cpgbuild.engine.rowhash import RowHash

SETS = {("a",), ("a", "b"), ()}
TABLE = pa.table({"a": [n % 7 for n in range(5000)], "b": [n / 3 for n in range(5000)]})


def hashed(table: pa.Table, size: int, blurred: tuple[str, ...] | None = None) -> tuple:  # type: ignore[type-arg]
    with Hashing(SETS, blurred) as found:
        for batch in table.to_batches(size):
            found.add(batch)
        return found.fingerprints(), found.blurred()


def in_one_go(table: pa.Table) -> dict:  # type: ignore[type-arg]
    exact = RowHash(SETS)
    for batch in table.combine_chunks().to_batches():
        exact.update(batch)
    return exact.fingerprints()


@pytest.mark.parametrize("rows", [1, 100, 10_000])
@pytest.mark.parametrize("size", [64, 700, 5000])
def test_blocks_add_up_to_the_whole(rows: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "BLOCK_ROWS", rows)
    assert hashed(TABLE, size)[0] == in_one_go(TABLE)


def test_no_rows_have_a_fingerprint_too() -> None:
    assert hashed(TABLE.slice(0, 0), 10)[0] == in_one_go(TABLE.slice(0, 0))


def test_blurred_is_of_the_columns_that_were_asked_for() -> None:
    noisy = TABLE.set_column(1, "b", pa.array([n / 3 * (1 + 1e-15) for n in range(5000)]))
    (exact, blurred), (others, alike) = hashed(TABLE, 99, ("a", "b")), hashed(noisy, 99, ("a", "b"))
    assert exact != others
    assert blurred == alike
    assert blurred is not None
    assert hashed(TABLE, 99)[1] is None


def test_what_goes_wrong_in_a_thread_is_raised_to_who_gives_the_rows() -> None:
    with Hashing({("missing",)}) as found:
        found.add(TABLE.to_batches()[0])
        with pytest.raises(KeyError):
            found.fingerprints()


def test_batches_of_another_layout_are_the_same_rows() -> None:
    text = pa.table({"a": ["x", "y", "x"], "b": [1, 2, 3]})
    viewed = text.set_column(0, "a", text["a"].cast(pa.string_view()))
    with Hashing(SETS) as found:
        for table in (text, viewed):
            found.add(table.to_batches()[0])
        assert found.fingerprints() == in_one_go(pa.concat_tables([text, text]))


def test_only_so_many_blocks_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "BLOCK_ROWS", 1)
    with Hashing(SETS) as found:
        for batch in TABLE.to_batches(10):
            found.add(batch)
            assert len(found._running) <= found._ahead + 1
