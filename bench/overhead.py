"""What deciding, scheduling and keeping state cost a task, beside an engine that does nothing.

    python bench/overhead.py [--tasks 100,1000,10000]

A real graph, rebuilder, builder and journal; of each task the engine says at once that it ran. Once
no task was built before, and once all are up to date. Prints markdown.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cpgbuild.core.builder import Builder, Outcome, World
from cpgbuild.core.evidence import Columns, Evidence, Stamp
from cpgbuild.core.fingerprint import Fingerprint
from cpgbuild.core.graph import Graph
from cpgbuild.core.ports import Order, Past, Result
from cpgbuild.core.rebuilder import Rebuilder
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.selection import Selection
from cpgbuild.core.task import Requirement, Task, TaskKind
from cpgbuild.core.trace import Trace
from cpgbuild.state.journal import Journal

COLUMNS = (Column("k", "int64"), Column("v", "int64"))
SCHEMA = Schema(COLUMNS)
READS = 3
VIEWS = 5


class Instant:
    """An engine in which each run ends as soon as it is asked for."""

    version = "none 1"

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}
        self._ended: list[Result] = []

    def query(self, task: Task) -> Fingerprint:
        return task.query

    def is_costly(self, view: Task) -> bool:
        return bool(view)

    def evidence(self, name: str) -> Evidence | None:
        if name == "source":
            return Evidence(SCHEMA, Fingerprint("1"))
        trace = self.traces.get(name)
        return trace.evidence(SCHEMA) if trace is not None else None

    def data(self, name: str, columns: Columns) -> Fingerprint:
        return Fingerprint(f"{name} {columns}")

    def data_then(self, name: str, version: Fingerprint, columns: Columns) -> Fingerprint | None:
        return Fingerprint(f"{name} {version} {columns}")

    def trace(self, output: str) -> Trace | None:
        return self.traces.get(output)

    def today(self, output: str, trace: Trace) -> Trace:
        assert output
        return trace

    def past(self, output: str) -> Iterator[Past]:
        assert output
        return iter(())

    def start(self, order: Order) -> None:
        task = order.task
        wrote = Stamp(SCHEMA.fingerprint, Fingerprint(f"rows of {task.name}"))
        trace = Trace(task.name, task.plan, order.reads, wrote, engine=self.version)
        self.traces[task.output] = trace
        self._ended.append(Result(task.name, trace, trace.evidence(SCHEMA)))

    def wait(self) -> Result:
        return self._ended.pop()

    def cancel(self) -> None:
        self._ended.clear()


def graph_of(count: int) -> Graph:
    """Return tasks in layers, of which one in five is a view; each reads some of those before."""
    width = max(1, count // 20)
    tasks = []
    for number in range(count):
        first = max(0, number - width)
        reads = sorted({f"d{(first + 7 * n) % number}" for n in range(READS)}) if number else []
        requires = tuple(Requirement(name, COLUMNS) for name in reads or ["source"])
        is_view = number % VIEWS == 0
        leaves = tuple(r for r in requires if r.dataset == "source" or int(r.dataset[1:]) % VIEWS)
        kind = TaskKind.VIEW if is_view else TaskKind.COMPUTE
        plan = Fingerprint(f"plan {number}")
        name = f"task.d{number}"
        tasks.append(Task(name, f"d{number}", kind, requires, plan, SCHEMA, leaves=leaves))
    return Graph(tasks, {"source": SCHEMA})


def built(graph: Graph, engine: Instant, journal: Journal) -> tuple[float, Outcome]:
    """Build; return the CPU seconds that it took, and how it went."""
    began = time.process_time()
    selection = Selection(frozenset(graph.tasks), frozenset())
    rebuilder = Rebuilder(graph, engine, journal.load(), selection)
    world = World(engine, journal, lambda _: None)
    outcome = Builder(graph, rebuilder, selection, world).build()
    return time.process_time() - began, outcome


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--tasks", default="100,1000,10000")
    given = parser.parse_args()
    print("| tasks | all run: ms a task | all up to date: ms a task |\n|--:|--:|--:|")
    for count in map(int, given.tasks.split(",")):
        with tempfile.TemporaryDirectory(prefix="overhead-") as work:
            engine, journal = Instant(), Journal(Path(work) / "traces.jsonl")
            graph = graph_of(count)
            first, done = built(graph, engine, journal)
            second, again = built(graph, engine, journal)
            assert (done.tables, again.built) == (len(graph.stored), 0), (done, again)
        print(f"| {count:,} | {first / count * 1e3:.2f} | {second / count * 1e3:.2f} |")


if __name__ == "__main__":
    main()
