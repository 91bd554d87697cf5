"""The page of 2,000 datasets in a headless Chromium: how soon it is there, and how it pans.

    PYTHONPATH=. python bench/page.py [--datasets 2000] [--make]

Opening is until the first frame with the graph. A pan drags the graph a step in each frame; its
figures are of the time between frames, in ms: 16.7 is 60 a second. With `--make` a project of so
many SQL files of eight columns is written, and its page is made: when all was planned just now,
when plans were kept by an earlier run, and each time once more, as that of a served page is. These
figures are seconds of CPU beside what it takes to open the project.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cpgbuild.cli.wording import reasons_text
from cpgbuild.export.column_lineage import KnownDerivations
from cpgbuild.export.page import page
from cpgbuild.export.page_document import Wanted, page_document
from cpgbuild.workspace import opened
from tests.support.page_documents import large_document

SIZE = {"width": 1400, "height": 900}
FRAMES = 120
TWO_FRAMES = """
() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
})
"""
PAN = """
async ([scale, frames]) => {
  const canvas = document.getElementById("canvas");
  const box = canvas.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const fire = (type, dx) => {
    const where = {clientX: x + dx, clientY: y + dx / 2, button: 0, buttons: 1};
    const options = {bubbles: true, cancelable: true, view: window, ...where};
    (type === "mousedown" ? canvas : window).dispatchEvent(new MouseEvent(type, options));
  };
  document.getElementById("fit").click();
  for (let i = 0; i < 40 && scale > 1; i++, scale /= 1.4) document.getElementById("in").click();
  await new Promise((done) => setTimeout(done, 300));
  const gaps = [];
  fire("mousedown", 0);
  let last = performance.now();
  for (let i = 1; i <= frames; i++) {
    fire("mousemove", (i % 60) * 5);
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  fire("mouseup", 0);
  return gaps;
}
"""


def opening(tab: Page, path: Path) -> tuple[float, float]:
    """Return the ms until the page's script has drawn the graph, and until a frame shows it."""
    tab.goto(path.as_uri())
    shown = tab.evaluate(TWO_FRAMES)
    drawn = tab.evaluate("performance.getEntriesByName('drawn')[0].startTime")
    return drawn, shown


CONFIG = """
[project]
name = "large"
tasks = ["tasks"]
warehouse = "warehouse"
[sources.orders]
format = "csv"
path = "orders.csv"
"""
SQL = """-- cpgbuild: kind = "{kind}"
SELECT a.c0, a.c1, a.c2 + b.c2 AS c2, coalesce(a.c3, b.c3) AS c3,
  CASE WHEN a.c4 > 3 THEN b.c4 ELSE a.c4 END AS c4,
  sum(a.c5) AS c5, max(b.c6) AS c6, count(*) AS c7
FROM {left} AS a JOIN {right} AS b ON a.c0 = b.c0
WHERE a.c1 > {number}
GROUP BY a.c0, a.c1, a.c2 + b.c2, coalesce(a.c3, b.c3), CASE WHEN a.c4 > 3 THEN b.c4 ELSE a.c4 END
"""


def write_project(folder: Path, count: int) -> None:
    """Write a project of so many SQL files, each of which joins two of those before it."""
    dice = random.Random(1)
    (folder / "cpgbuild.toml").write_text(CONFIG)
    (folder / "orders.csv").write_text(",".join(f"c{i}" for i in range(8)) + "\n" + "1," * 7 + "1")
    for number in range(count):
        near = range(max(0, number - 150), number - 20)
        names = [f"v_{n:05}" for n in dice.sample(near, 2)] if number > 60 else ["orders"] * 2
        kind = "compute" if number % 7 == 0 else "view"
        path = folder / f"tasks/part{number % 40:02}/v_{number:05}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SQL.format(kind=kind, left=names[0], right=names[1], number=number))


def make_twice(folder: Path) -> None:
    """Make the page as one that is served, and print what each time costs."""
    known = KnownDerivations()
    for _ in range(2):
        with opened(folder) as workspace:
            began = time.process_time()
            document = page_document(workspace, Wanted(reasons_text), known)
            spent = time.process_time() - began
        size = len(page(document).encode()) / 1e6
        print(f"  made in {spent:.1f} s of CPU, {size:.1f} MB", flush=True)


def measure_making(count: int) -> None:
    """Make the page of a project in a process that plans all of it, and in one that need not."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), count)
        # Files that are this young could change without a trace of it, so nothing is kept of them.
        time.sleep(3)
        for title in ("planned now:", "planned before:"):
            print(f"{count} SQL files, {title}", flush=True)
            subprocess.run([sys.executable, __file__, "--of", folder], check=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    count = options.datasets
    if options.of is not None:
        make_twice(options.of)
        return
    if options.make:
        measure_making(count)
        return
    document = large_document(count)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        path.write_text(page(document), encoding="utf-8")
        print(
            f"{count} datasets, {len(document['edges'])} edges, {path.stat().st_size / 1e6:.1f} MB"
        )
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        times = []
        for _ in range(3):
            tab = browser.new_page(viewport=SIZE)
            times.append(opening(tab, path))
            tab.close()
        drawn, shown = min(times, key=lambda pair: pair[1])
        print(f"open: script done after {drawn:.0f} ms, seen after {shown:.0f} ms (best of 3)")
        tab = browser.new_page(viewport=SIZE)
        opening(tab, path)
        for zoom, name in (
            (1, "all in sight"),
            (4, "zoomed in 4 times"),
            (12, "zoomed in 12 times"),
        ):
            gaps = sorted(tab.evaluate(PAN, [zoom, FRAMES]))
            late = sum(gap > 34 for gap in gaps)
            print(
                f"pan, {name}: median {statistics.median(gaps):.1f} ms, "
                f"95 % {gaps[int(len(gaps) * 0.95)]:.1f}, worst {gaps[-1]:.1f}, "
                f"{late} of {len(gaps)} frames late"
            )
        browser.close()


if __name__ == "__main__":
    main()
