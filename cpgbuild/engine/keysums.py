"""Key sums: the sums that data fingerprints are made of, for the rows of each key by themselves.

Over all keys they add up to the fingerprint of the table, since a fingerprint is a sum over rows.
So that of a table in which some keys are replaced follows from the sums of these alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpgbuild.engine.keysets import KEY, ROWS, Sets, total
from cpgbuild.engine.rounding import rounded
from cpgbuild.engine.rowhash import RowHash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.evidence import Columns
    from cpgbuild.core.fingerprint import Fingerprint
    from cpgbuild.engine.constants import Hashes


def sums_of(batch: pa.RecordBatch, key: str, sets: Sets) -> pa.Table:
    """Return the sums over a batch, a row for each of its keys; null is one like another."""
    encoded = _encoded(batch.column(key))
    groups = encoded.indices.cast(pa.int64()).to_numpy(zero_copy_only=False)
    count = len(encoded.dictionary)
    exact = RowHash(sets.exact, count)
    exact.update(batch, groups)
    found = [exact.sums(names) for names in sets.exact]
    if sets.blurred is not None:
        blurred = RowHash([sets.blurred], count)
        blurred.update(rounded(batch), groups)
        found.append(blurred.sums(sets.blurred))
    rows = np.bincount(groups, minlength=count)
    return _table(encoded.dictionary, rows, found, sets)


def added(parts: Iterable[pa.Table], kind: pa.DataType, sets: Sets) -> pa.Table:
    """Return the sums of several parts together, a row a key; `kind` is the type of keys."""
    schema = sets.schema(kind)
    every = pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])
    encoded = _encoded(every[KEY].combine_chunks())
    groups = encoded.indices.cast(pa.int64()).to_numpy(zero_copy_only=False)
    count = len(encoded.dictionary)
    rows = np.zeros(count, np.int64)
    np.add.at(rows, groups, every[ROWS].to_numpy())
    found: list[Hashes] = []
    for words in zip(*[iter(sets.names)] * 2, strict=True):
        sums = np.zeros((count, 2), np.uint64)
        for place, word in enumerate(words):
            np.add.at(sums[:, place], groups, every[word].to_numpy())
        found.append(sums)
    return _table(encoded.dictionary, rows, found, sets)


def fingerprints(sums: pa.Table, sets: Sets) -> dict[Columns, Fingerprint]:
    """Return the fingerprint of each set over the rows of all keys."""
    return {names: _total(sums, number) for number, names in enumerate(sets.exact)}


def blurred(sums: pa.Table, sets: Sets) -> Fingerprint | None:
    """Return the fingerprint without the last bits of floats; None where it was not asked for."""
    return _total(sums, len(sets.exact)) if sets.blurred is not None else None


def without(sums: pa.Table, keys: pa.Array) -> pa.Table:
    """Return the sums of all keys but these."""
    return sums.filter(pc.invert(pc.is_in(sums[KEY], keys)))


def changed(before: pa.Table, now: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    """Return the keys whose rows, or sums in any of these columns, differ; new and gone ones too.

    Of a key without rows it is all one whether it is listed.
    """
    names = [KEY, ROWS, *columns]
    then, current = (
        {_row(row): row[KEY] for row in _listed(part, names)} for part in (before, now)
    )
    keys = {then[row] for row in then.keys() - current.keys()}
    keys |= {current[row] for row in current.keys() - then.keys()}
    return pa.array(
        sorted(keys, key=lambda key: (key is not None, key)), now.schema.field(KEY).type
    )


def _listed(sums: pa.Table, names: list[str]) -> list[dict[str, object]]:
    return list(sums.filter(pc.greater(sums[ROWS], 0)).select(names).to_pylist())


def _row(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row.values())


def _encoded(values: pa.Array) -> pa.DictionaryArray:
    return values.dictionary_encode(null_encoding="encode")


def _table(keys: pa.Array, rows: object, found: list[Hashes], sets: Sets) -> pa.Table:
    words = [pa.array(sums[:, place]) for sums in found for place in (0, 1)]
    columns = [keys, pa.array(rows, pa.int64()), *words]
    return pa.table(columns, schema=sets.schema(keys.type))


def _total(sums: pa.Table, number: int) -> Fingerprint:
    words = [sums[f"{word}{number}"].to_numpy() for word in "ab"]
    return total(int(sums[ROWS].to_numpy().sum()), np.stack(words, axis=1))
