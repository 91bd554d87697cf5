"""What data fingerprints cost on this repository's own tables, beside writing them as Parquet.

`python bench/fingerprints.py [WAREHOUSE]` builds the code property graph there, if it is not, and
prints a markdown table: for each output the seconds to hash it for all of its readers in one pass,
to write it with pyarrow, and the ratio; the mean at the end. One run, side by side, the best of
five each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq

from cpgbuild import api
from cpgbuild.engine.frames import quote
from cpgbuild.engine.hashing import Hashing
from cpgbuild.plan.session import session_config
from cpgbuild.project.config import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
TIMES = 5
# Of smaller tables only the overhead of a call would be measured.
ROWS = 1000
BATCH = 32_768


def best(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def hashed(table: pa.Table, sets: set[tuple[str, ...]]) -> None:
    with Hashing(sets) as hashing:
        for batch in table.to_batches(BATCH):
            hashing.add(batch)
        hashing.fingerprints()


def main() -> None:
    """Print the table."""
    warehouse = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "warehouse")
    overrides = Overrides(warehouse=warehouse)
    api.build(ROOT, overrides=overrides)
    print("| output | rows | sets | hash s | Parquet s | ratio |\n|---|--:|--:|--:|--:|--:|")
    ratios = []
    with api.opened(ROOT, overrides) as workspace, tempfile.TemporaryDirectory() as folder:
        tasks = workspace.graph.tasks.values()
        for task in sorted((t for t in tasks if t.stored), key=lambda t: t.output):
            ctx = datafusion.SessionContext(session_config())
            workspace.warehouse.register(ctx, task.output, task.output)
            table = pa.table(ctx.table(quote(task.output)).to_arrow_table()).combine_chunks()
            if table.num_rows < ROWS:
                continue
            leaves = [leaf for t in tasks for leaf in t.leaves if leaf.dataset == task.output]
            sets = {tuple(sorted(leaf.names)) for leaf in leaves}
            sets.add(tuple(sorted(table.schema.names)))
            mine = best(lambda t=table, s=sets: hashed(t, s))  # type: ignore[misc]
            theirs = best(lambda t=table: pq.write_table(t, f"{folder}/t.parquet"))  # type: ignore[misc]
            ratios.append(mine / theirs)
            cells = (task.output, f"{table.num_rows:,}", len(sets), f"{mine:.4f}", f"{theirs:.4f}")
            print("|", " | ".join(map(str, cells)), f"| {ratios[-1]:.2f} |")
    print(f"\nMean ratio: {sum(ratios) / len(ratios):.2f}")


if __name__ == "__main__":
    main()
