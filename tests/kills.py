"""Kills builds at random moments, very often: no table is wrong, none is lost, none needs a hand.

`python tests/kills.py --times 1000 --seed 1`; whatever must not be ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.killing import Killer, Tally, Violation

SHOWN = 25


def killed(folder: Path, seed: str, times: int) -> tuple[Tally, str]:
    """Kill so many builds; return what came of it, and what was wrong, if something was."""
    killer, wrong, told = Killer(folder, seed), "", 0
    try:
        while killer.tally.kills < times:
            killer.once()
            if killer.tally.kills >= told + SHOWN:
                told = killer.tally.kills
                print(f"{time.strftime('%H:%M:%S')} {seed}: {told} kills", flush=True)
        killer.settles()
    except Violation as violation:
        wrong = f"seed {seed}, after {killer.tally.kills} kills, in {folder}: {violation}"
        print(wrong, flush=True)
    finally:
        killer.close()
    return killer.tally, wrong


def together(tallies: list[Tally]) -> Tally:
    """Return the sum of what several came to; of durations the longest."""
    whole = Tally()
    for tally in tallies:
        for one in fields(Tally):
            mine, more = getattr(whole, one.name), getattr(tally, one.name)
            setattr(whole, one.name, max(mine, more) if isinstance(mine, float) else mine + more)
    return whole


def summary(tally: Tally, wrongs: list[str], seconds: float) -> str:
    """Return what is told at the end."""
    lines = [f"{tally.kills} kills in {seconds / 60:.0f} min"]
    for word, counts in (
        ("died", tally.phases),
        ("killed", tally.ways),
        ("left by kills", tally.left),
        ("events of builds that ended", tally.events),
        ("remains", tally.remains),
    ):
        told = (f"{name} {count}" for name, count in counts.most_common())
        lines.append(f"{word}: {', '.join(told)}")
    lines += [
        f"builds that ended: {tally.finished}; tables looked at: {tally.checked}",
        f"longest until all processes were gone: {tally.slowest_end:.2f} s",
        f"longest until the warehouse was free: {tally.slowest_lock:.3f} s",
    ]
    for word in ("wrong", "lost", "needs a hand"):
        lines.append(f"{word}: {sum(f': {word}: ' in wrong for wrong in wrongs)}")
    return "\n".join([*lines, *(wrong.splitlines()[0][:300] for wrong in wrongs)])


def main() -> int:
    """Kill in several loops at once; return 1 where something was wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=1000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--loops", type=int, default=2)
    chosen = options.parse_args()
    folder, began = Path(tempfile.mkdtemp(prefix="kills-")), time.monotonic()
    print(f"seed {chosen.seed}, in {folder}", flush=True)
    with ProcessPoolExecutor(chosen.loops, mp_context=get_context("spawn")) as pool:
        loops = [
            pool.submit(
                killed, folder / str(n), f"{chosen.seed}-{n}", -(-chosen.times // chosen.loops)
            )
            for n in range(chosen.loops)
        ]
        ends = [loop.result() for loop in loops]
    wrongs = [wrong for _, wrong in ends if wrong]
    tallies = [tally for tally, _ in ends]
    print(summary(together(tallies), wrongs, time.monotonic() - began))
    if wrongs:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
