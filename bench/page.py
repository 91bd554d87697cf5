"""The page of 2,000 datasets in a headless Chromium: how soon it is there, and how it pans.

    python bench/page.py [--datasets 2000]

Opening is until the first frame with the graph. A pan drags the graph a step in each frame; its
figures are of the time between frames, in ms: 16.7 is 60 a second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cpgbuild.export.page import page
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


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=2000)
    count = parser.parse_args().datasets
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
