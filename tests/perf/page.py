"""Measure the page of a review of ten thousand items in a real Chromium.

    uv run python -m tests.perf.page [--items 10000]

Prints what, measured, target: how long the page takes to open (the best of five), the longest and
the middle frame while it is scrolled to its end in two hundred steps, nodes and bytes. Nothing is
asserted here: measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from etl.pipeline import Request, convert
from etl.review import render_report
from tests.browser.conftest import Browser, begin_driver
from tests.perf.generate import write_items
from tests.perf.rendering import MAPPING

RUNS, STEPS = 5, 200
_SCROLL = """
const done = arguments[0], gaps = [], step = document.documentElement.scrollHeight / STEPS;
let last = performance.now(), y = 0;
const frame = () => {
  const now = performance.now();
  gaps.push(now - last);
  last = now;
  window.scrollTo(0, y += step);
  gaps.length < STEPS ? requestAnimationFrame(frame) : done(gaps);
};
requestAnimationFrame(frame);
""".replace("STEPS", str(STEPS))


def measure(items: int, folder: Path) -> list[tuple[str, str, str]]:
    """Give the figures of the page: what, measured, target."""
    write_items(folder / "items.ndjson", items)
    template = str(MAPPING.parent / "plain")
    request = Request(sources=[str(folder / "items.ndjson")], template=template, mapping=MAPPING)
    page = render_report(convert(request).view)
    driver: Any = begin_driver("--proxy-bypass-list=<-loopback>")
    try:
        browser = Browser(driver, folder)
        opened = []
        for _ in range(RUNS):
            browser.open(page)
            navigation = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
            opened.append(browser.run(navigation))
        nodes = browser.run("return document.getElementsByTagName('*').length")
        gaps = driver.execute_async_script(_SCROLL)
    finally:
        driver.quit()
    return [
        ("open", f"{min(opened) / 1000:.2f} s", "2 s"),
        ("longest frame while scrolling", f"{max(gaps):.0f} ms", "100 ms"),
        ("middle frame while scrolling", f"{statistics.median(gaps):.0f} ms", "17 ms"),
        ("nodes", f"{nodes:,}", ""),
        ("bytes", f"{len(page.encode()):,}", ""),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    count = parser.parse_args().items
    with tempfile.TemporaryDirectory() as folder:
        for what, measured, target in measure(count, Path(folder)):
            print(f"{what:32} {measured:>12}  {target}")


if __name__ == "__main__":
    main()
