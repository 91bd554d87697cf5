"""Sums that were kept are read, added up and compared without what computed them."""

from __future__ import annotations

import subprocess
import sys

READ_WHAT_WAS_KEPT = """
import sys

import pyarrow as pa

from cpgbuild.engine.buckets import Buckets
from cpgbuild.engine.keysets import Sets
from cpgbuild.engine.ledger import Ledger

sets = Sets((("v",),))
schema = sets.schema(pa.string())


def ledger(**sums):
    columns = {"key": list(sums), "rows": [1] * len(sums)}
    words = {"a0": list(sums.values()), "b0": [0] * len(sums)}
    return Ledger(Buckets("k", 1), sets, pa.table(columns | words, schema=schema))


before, now = ledger(x=1, y=2), ledger(x=1, y=3)
again = Ledger.from_table(now.to_table())
assert again.fingerprints() == now.fingerprints() != before.fingerprints()
assert again.blurred() is None
changed = again.changed(before, ("v",))
print(changed.to_pylist())
replaced = before.replaced(changed, now.sums.filter(pa.array([False, True])))
assert replaced.fingerprints() == now.fingerprints()
print("numba" in sys.modules)
"""


def test_a_ledger_is_read_and_compared_without_numba() -> None:
    command = [sys.executable, "-c", READ_WHAT_WAS_KEPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split("\n")[:2] == ["['y']", "False"]
