"""Runs the laws of the build for an hour: random projects and edits, each time with a new seed.

`python tests/soak.py [--minutes 60] [--seed 1]` goes on until the time is over or a law is broken; then it
prints the seed with which pytest breaks it again.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAWS = ("tests/property/test_laws.py", "tests/engine/test_random_projects.py")


def kept(law: str, seed: int) -> tuple[int, str, str]:
    """Run a law with a seed; return pytest's exit code, its command line, and what it said."""
    command = [
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        f"--hypothesis-seed={seed}",
        law,
    ]
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CPGBUILD_PROFILE": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, f"python {' '.join(command)}", ended.stdout + ended.stderr


def main() -> None:
    """Run until the time is over; exit with 1 where a law is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    runs = 0
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        jobs = ((law, seed) for seed in itertools.count(given.seed) for law in LAWS)
        while time.monotonic() < until:
            some = [pool.submit(kept, *next(jobs)) for _ in range(workers)]
            for done in as_completed(some):
                code, command, said = done.result()
                runs += 1
                if code:
                    raise SystemExit(f"{said}\nbroken by: {command}")
            left = max(0.0, until - time.monotonic()) / 60
            print(f"{runs} runs, no law broken; {left:.0f} minutes left", flush=True)


if __name__ == "__main__":
    main()
