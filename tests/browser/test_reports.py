"""The reports in a real Chromium with the network off."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.browser

REGIONS = {"en": "DACH", "zh": "华东"}


@pytest.fixture(scope="module", params=["en", "zh"])
def reports(request, tmp_path_factory) -> tuple[str, Path]:
    """A run of two regions in one language: the language and the output folder."""
    out = tmp_path_factory.mktemp("reports")
    command = [
        sys.executable,
        "-m",
        "funnelnb",
        "report",
        "data/sample",
        "--by",
        "region",
        "--lang",
        request.param,
    ]
    command += ["--only", *REGIONS.values(), "--out", str(out)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return request.param, out


def test_a_report_needs_no_network(reports, offline_page) -> None:
    lang, out = reports
    offline_page.goto((out / "index.html").as_uri())
    offline_page.get_by_role("link", name=REGIONS[lang]).first.click()
    offline_page.wait_for_load_state()
    assert offline_page.complaints == []
    assert [url for url in offline_page.asked if not url.startswith(("file:", "data:"))] == []
    assert offline_page.locator("svg").count() >= 6
    assert offline_page.locator("html").get_attribute("lang").startswith(lang)
    assert REGIONS[lang] in offline_page.title()


def test_nothing_overflows_the_page(reports, offline_page) -> None:
    """No chart or table makes the page scroll sideways, and no picture is empty."""
    lang, out = reports
    offline_page.goto((out / "index.html").as_uri())
    offline_page.get_by_role("link", name=REGIONS[lang]).first.click()
    width = offline_page.evaluate("document.documentElement.scrollWidth")
    assert width <= offline_page.viewport_size["width"]
    boxes = offline_page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect().height)"
    )
    assert boxes
    assert min(boxes) > 20
