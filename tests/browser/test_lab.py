"""The notebook in a real JupyterLab: it opens, runs, and a control redraws the chart."""

import pytest

from tests.browser.driving import open_notebook, run_all
from tests.conftest import wait_until

pytestmark = pytest.mark.browser

EXPLORER = ".jp-OutputArea-output .widget-vbox"


CUT = """() => [...document.querySelectorAll('.vega-embed')].filter((one) => {
  const edge = one.closest('.jp-OutputArea-output').getBoundingClientRect().right + 1;
  const scrolls = getComputedStyle(one).overflowX === 'auto' && one.getBoundingClientRect().right <= edge;
  const svg = one.querySelector('svg.marks');
  return svg && !scrolls && svg.getBoundingClientRect().right > edge;
}).map((one) => one.textContent.slice(0, 60))"""
"""Charts whose right side a narrow window hides without a way to scroll there."""


def explorer_text(page) -> str:
    """Text of the chart and sentence below the controls."""
    return page.locator(EXPLORER).last.inner_text()


def test_open_run_and_move_a_control(chromium, lab) -> None:
    address, folder = lab
    notebook = next(folder.rglob("01_conversion_by_segment.ipynb")).relative_to(folder)
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_notebook(page, address, str(notebook))
    run_all(page, done=f"{EXPLORER} svg.marks, {EXPLORER} .vega-embed svg")
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".vega-embed").count() >= 5  # live charts, not pictures
    page.set_viewport_size({"width": 900, "height": 1000})
    cut = page.evaluate(CUT)
    page.set_viewport_size({"width": 1300, "height": 1000})
    assert cut == []
    before = explorer_text(page)
    handle = page.locator(f"{EXPLORER} .noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wait_until(lambda: explorer_text(page) != before, "the answer of the slider")
    after = explorer_text(page)
    page.close()
    assert after != before
    assert "120" in after  # 180 days, four steps of 15 down
    assert errors == []
