"""Measure the code property graph of real packages.

    python bench/cpg.py [flask] [requests] [django] [sympy] [--work FOLDER]

Gets the source distributions with pip, makes a SCIP index of each, builds the graph with it, then
appends to one file, twice, and builds again. Prints markdown.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# The second one moves nothing that stands before it, and defines something with a parameter.
EDITS = {
    "One line": "\ntouched = 1\n",
    "A function": "\n\ndef added(one, two=None):\n    return one.filter(pk=two)\n",
}
# name -> (requirement, the package's folder in the sdist, the file that is edited)
PACKAGES = {
    "flask": ("flask", "src/flask", "app.py"),
    "requests": ("requests", "src/requests", "sessions.py"),
    "django": ("Django==5.2.*", "django", "db/models/query.py"),
    "sympy": ("sympy", "sympy", "core/expr.py"),
}
POLL_SECONDS = 0.1
KIB_PER_GIB = 1024**2


@dataclass
class Run:
    """One build: its events, wall and CPU seconds, peak memory of all processes in GiB."""

    events: list[dict[str, Any]]
    seconds: float
    cpu_seconds: float
    peak_gib: float

    def tasks(self) -> list[dict[str, Any]]:
        """Return what ran and stores rows, in order."""
        stored = [e for e in self.events if str(e.get("task", "")).startswith("compute.")]
        return [e for e in stored if e["event"] in {"built", "unchanged"}]


@dataclass
class Memory:
    """The largest sum of the resident memory of a process and its descendants, by polling."""

    pid: int
    peak_kib: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Poll until `done` is set."""
        while not self.done.wait(POLL_SECONDS):
            self.peak_kib = max(self.peak_kib, sum(map(_resident_kib, _tree(self.pid))))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:
        return


def _resident_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def fetch(name: str, work: Path) -> tuple[Path, str]:
    """Return the package's folder and version, from its source distribution."""
    requirement, folder, _ = PACKAGES[name]
    target = work / "sdists" / name
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        pip += ["--no-binary", ":all:", "--dest", str(target), requirement]
        subprocess.run(pip, check=True)
    (archive,) = target.glob("*.tar.gz")
    unpacked = work / "sources" / archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(work / "sources", filter="data")
    return unpacked / folder, unpacked.name.rpartition("-")[2]


def make_index(package: Path, output: Path) -> float:
    """Write the SCIP index of a package and return the seconds that it took."""
    sys.path.insert(0, str(ROOT))
    from tasks.index.indexing import run_indexer  # noqa: PLC0415 -- needs the path
    from tasks.index.ty_scip import TY_SCIP  # noqa: PLC0415

    files = {
        p.relative_to(package.parent).as_posix(): p.read_bytes() for p in package.rglob("*.py")
    }
    taken = {
        path: content for path, content in files.items() if not TY_SCIP.refusal(path, content, 0)
    }
    start = time.perf_counter()
    index, _ = run_indexer(TY_SCIP, "", taken, package.name)
    seconds = time.perf_counter() - start
    output.write_bytes(index)
    return seconds


def build(package: Path, index: Path, warehouse: Path) -> Run:
    """Build all of the project once."""
    command = [sys.executable, "-m", "cpgbuild", "build", "--json", "--project", str(ROOT)]
    command += ["--var", f"repo={package}", "--var", f"scip_index={index}"]
    command += ["--warehouse", str(warehouse)]
    start, cpu = time.perf_counter(), _children_cpu()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        memory = Memory(process.pid)
        watcher = threading.Thread(target=memory.watch)
        watcher.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - start
        memory.done.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"the build failed with exit code {process.returncode}\n{output}")
    events = [json.loads(line) for line in output.splitlines()]
    return Run(events, seconds, _children_cpu() - cpu, memory.peak_kib / KIB_PER_GIB)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def counts(warehouse: Path) -> dict[str, int]:
    """Return the edges of each kind, and the calls that were resolved."""
    from datafusion import SessionContext  # noqa: PLC0415 -- not needed to fetch
    from deltalake import DeltaTable  # noqa: PLC0415

    ctx = SessionContext()
    ctx.register_table("edges", DeltaTable(str(warehouse / "cpg_edges_delta")))
    rows = ctx.sql("SELECT kind, count(*) AS n FROM edges GROUP BY kind ORDER BY n DESC")
    found = {row["kind"]: row["n"] for row in rows.to_pylist()}
    calls = ctx.sql("SELECT count(DISTINCT src) AS n FROM edges WHERE kind = 'CALL'").to_pylist()
    inside = "SELECT count(*) AS n FROM edges WHERE kind = 'CALL' AND dst NOT LIKE 'external:%'"
    more = {"call sites resolved": calls[0]["n"]}
    return found | more | {"CALL inside the tree": ctx.sql(inside).to_pylist()[0]["n"]}


def parsed_files(run: Run) -> str:
    """Return how many files were parsed, in the build's own words."""
    details = [str(e.get("detail", "")) for e in run.tasks() if e["dataset"] == "cst_nested"]
    return details[0] if details and details[0] else "0"


def report(name: str, work: Path) -> None:
    """Measure one package and print what was found."""
    package, version = fetch(name, work)
    n_files = sum(1 for _ in package.rglob("*.py"))
    index, warehouse = work / f"{name}.scip", work / f"{name}-warehouse-{os.getpid()}"
    index_seconds = make_index(package, index)
    first = build(package, index, warehouse)
    again = build(package, index, warehouse)
    edges = counts(warehouse)
    edits = []
    for what, text in EDITS.items():
        with (package / PACKAGES[name][2]).open("a") as file:
            file.write(text)
        edits.append((what, build(package, index, warehouse)))

    print(f"\n### {name} {version}: {n_files} files\n")
    print("| stage | rows | seconds |\n|---|---:|---:|")
    print(f"| ty-scip (outside of the build) | | {index_seconds:.1f} |")
    for event in first.tasks():
        print(f"| `{event['dataset']}` | {event['rows']:,} | {event['seconds']:.1f} |")
    print(f"| **whole build** ({first.cpu_seconds:.1f} CPU s) | | **{first.seconds:.1f}** |")
    print(f"\nPeak memory of all processes {first.peak_gib:.2f} GiB. A second build runs nothing")
    print(f"and takes {again.seconds:.1f} s.", end=" ")
    print("Edges: " + ", ".join(f"{kind} {n:,}" for kind, n in edges.items()) + ".")
    for what, run in edits:
        ran = ", ".join(f"`{event['dataset']}`" for event in run.tasks())
        print(f"\n{what} appended to `{PACKAGES[name][2]}`: {run.seconds:.1f} s; parsed", end=" ")
        print(f"{parsed_files(run)}; ran {ran}.")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", choices=[*PACKAGES, []], help="default: all")
    parser.add_argument("--work", type=Path, help="folder for downloads and tables")
    arguments = parser.parse_args()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    print(f"{platform.machine()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB,", end=" ")
    print(f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory(prefix="cpg-bench-") as scratch:
        work = arguments.work or Path(scratch)
        for name in arguments.packages or PACKAGES:
            report(name, work)


if __name__ == "__main__":
    main()
