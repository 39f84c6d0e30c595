"""What a person waits for in JupyterLab: the first picture after `funnelnb new`, and the next one after a moved slider.

    python benchmarks/bench_lab.py                # both, in headless Chromium; the lines of benchmarks/README.md

First picture: `funnelnb new`, `funnelnb lab`, the notebook it opens, all cells run, until a chart is in the page. Slider: the
horizon of the explorer on 8,800 deals moved by a key, until the new picture is in the page (seen by the page itself). The
clock also counts what other programs take; processor time of the kernel, the server and the browser is given beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

from tests.browser.conftest import FLAGS, browser_path, serving  # noqa: E402
from tests.browser.driving import open_notebook, run_all  # noqa: E402

FIRST_S, MOVE_MS = 60, 150
MOVES = 12
EXPLORER = ".jp-OutputArea-output .widget-vbox"
BOOK = """import funnelnb as fn
sales = fn.simulate.simulate(fn.simulate.Floor(deals_n=8_800), seed=7)
book = fn.load(dict(sales.tables), playbook=sales.playbook, as_of=sales.as_of)
fn.explore(book, by="segment", horizon_days=180)
"""
WATCH = """() => {
  const box = [...document.querySelectorAll('.jp-OutputArea-output .widget-vbox')].pop();
  window.seen = [];
  let start = 0, timer = 0;
  box.addEventListener('keydown', () => { start = performance.now(); }, true);
  new MutationObserver((changes) => {
    const drawn = changes.some((one) => [...one.addedNodes].some((node) =>
      node.nodeName === 'svg' || (node.querySelector && node.querySelector('svg'))));
    if (drawn && start) { window.seen.push(performance.now() - start); start = 0; }
  }).observe(box, {childList: true, subtree: true});
}"""


def processor_s(*names: str) -> dict[str, float]:
    """Return the processor seconds of this program's children so far, by kind."""
    used = dict.fromkeys(names, 0.0)
    for one in psutil.Process().children(recursive=True):
        try:
            line, times = " ".join(one.cmdline()), one.cpu_times()
        except psutil.Error:
            continue
        kind = next((name for name in names if name in line), None)
        if kind:
            used[kind] += times.user + times.system
    return used


KINDS = ("ipykernel", "jupyterlab", "chromium")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE.parents[1])}


def page_s(meter: Any) -> float:
    """Return the processor seconds that the page's own thread has used: scripts, layout, drawing."""
    told = {one["name"]: one["value"] for one in meter.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


def first_picture(browser: Any, folder: Path) -> dict[str, float]:
    """Return seconds from typing `funnelnb new` to the first chart of the notebook that `funnelnb lab` opens."""
    before, began = processor_s(*KINDS), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "funnelnb", "new", str(folder)],
        check=True,
        env=environment(),
        capture_output=True,
    )
    made = time.monotonic()
    home = folder.parent / "home"
    home.mkdir()
    with serving(folder, home) as address:
        notebook = next(folder.rglob("01_conversion_by_segment.ipynb")).relative_to(folder)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        open_notebook(page, address, str(notebook))
        opened = time.monotonic()
        run_all(page, done=".vega-embed svg")
        ended, used = time.monotonic(), processor_s(*KINDS)
        page.close()
    spent = sum(used[one] - before[one] for one in KINDS)
    return {
        "new": made - began,
        "open": opened - made,
        "run": ended - opened,
        "all": ended - began,
        "processor": spent,
    }


def moves(browser: Any, folder: Path) -> list[dict[str, float]]:
    """Return for each moved slider the milliseconds to the new picture, and of whose processor time."""
    folder.mkdir()
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a",
        "metadata": {},
        "outputs": [],
        "source": BOOK,
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    text = json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    (folder / "slider.ipynb").write_text(text, encoding="utf-8")
    home = folder.parent / "home2"
    home.mkdir()
    found = []
    with serving(folder, home) as address:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        open_notebook(page, address, "slider.ipynb")
        run_all(page, done=f"{EXPLORER} svg")
        page.wait_for_timeout(2000)
        page.evaluate(WATCH)
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})
        handle = page.locator(f"{EXPLORER} .noUi-handle").first
        handle.scroll_into_view_if_needed()
        handle.focus()
        for k in range(MOVES):
            before, page_before = processor_s(*KINDS), page_s(meter)
            page.keyboard.press("ArrowLeft" if k % 4 < 2 else "ArrowRight")
            page.wait_for_function(f"() => window.seen.length > {k}", timeout=60_000)
            in_page, used = page_s(meter) - page_before, processor_s(*KINDS)
            took = page.evaluate("() => window.seen.at(-1)")
            spent = {one: 1000 * (used[one] - before[one]) for one in KINDS}
            found.append({"clock": took, "page": 1000 * in_page, **spent})
            page.wait_for_timeout(700)
        page.close()
    return found[2:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slider", action="store_true", help="the slider only")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path(), args=FLAGS)
        took = moves(browser, Path(place) / "slider")
        first = None if given.slider else first_picture(browser, Path(place) / "work")
        browser.close()
    load = os.getloadavg()[0]
    middle = {name: statistics.median(one[name] for one in took) for name in ("clock", "page", *KINDS)}
    least = min(one["clock"] for one in took)
    print(f"load {load:.1f}; a moved slider, {len(took)} moves: {middle['clock']:.0f} ms to the new picture (least {least:.0f}), "
          f"processor: kernel {middle['ipykernel']:.0f}, page {middle['page']:.0f}, server {middle['jupyterlab']:.0f}, "
          f"all of the browser {middle['chromium']:.0f} ms "
          f"(aim {MOVE_MS})")  # fmt: skip
    if first is None:
        return 0
    print(f"first picture after {first['all']:.1f} s: new {first['new']:.1f}, opened {first['open']:.1f}, run {first['run']:.1f}; "
          f"processor {first['processor']:.1f} s (aim {FIRST_S})")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
