"""Plants one bug at a time in a copy of the tree; the fast part of the suite must catch each.

`python tests/mutants.py` tries all, `python tests/mutants.py WORD` those whose name has the word.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from planted import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]

SETTINGS = {"CPGBUILD_PROFILE": "fast", "PYTHONDONTWRITEBYTECODE": "1"}
# The tree as it is, which nothing may catch.
SOUND = Mutant("none", "core/rebuilder.py", "class Rebuilder:", "class Rebuilder:")


def planted(mutant: Mutant, folder: Path) -> None:
    """Copy the tree to a folder, with the bug in it."""
    ignored = shutil.ignore_patterns("__pycache__", ".*", "*.pyc")
    shutil.copytree(ROOT / "cpgbuild", folder / "cpgbuild", ignore=ignored)
    shutil.copytree(ROOT / "tasks", folder / "tasks", ignore=ignored)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    file = folder / (mutant.file if mutant.file.startswith("tasks/") else f"cpgbuild/{mutant.file}")
    text = file.read_text(encoding="utf-8")
    times = text.count(mutant.old)
    if times != 1:
        raise SystemExit(f"{mutant.name}: {mutant.file} says it {times} times; mend the mutant")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    # What is young is looked at otherwise; and numba would write into this folder.
    (folder / "cpgbuild/engine/__pycache__").mkdir()
    time.sleep(2.1)


def tried(mutant: Mutant) -> tuple[bool, str]:
    """Return whether the suite catches a mutant, and the words with which it did."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        planted(mutant, Path(name))
        wanted = [t for t in mutant.tests if (Path(name) / t.partition("::")[0]).exists()]
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *wanted],
            cwd=name,
            env={**os.environ, **SETTINGS, "PYTHONPATH": name},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    if ended.returncode > 1:
        raise SystemExit(f"{mutant.name}: the tests did not run\n{ended.stdout}{ended.stderr}")
    words = next((ln for ln in ended.stdout.splitlines() if ln.startswith(("FAILED", "E "))), "")
    return ended.returncode == 1, f"{time.monotonic() - began:5.1f}s  {words[:100]}"


def main() -> int:
    """Try the mutants, two at a time; return the number of those that nothing caught."""
    chosen = [m for m in MUTANTS if all(word in m.name for word in sys.argv[1:])]
    wanted = tuple(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
    caught, words = tried(replace(SOUND, tests=wanted))
    if caught:
        raise SystemExit(f"the tree fails without any mutant, so nothing is shown: {words}")
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        for mutant, (caught, words) in zip(chosen, pool.map(tried, chosen), strict=True):
            missed += not caught
            print("caught" if caught else "MISSED", f"{mutant.name:70}", words, flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} caught")
    return missed


if __name__ == "__main__":
    sys.exit(main())
