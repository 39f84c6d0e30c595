"""The documentation site in a real Chromium with the network off."""

import pytest

from tests.conftest import ROOT, skip_or_fail

pytestmark = pytest.mark.browser
SITE = ROOT / "build" / "site"


@pytest.fixture(scope="module")
def site() -> str:
    """Address of the built site."""
    if not (SITE / "zh" / "search.html").exists():
        skip_or_fail("the site is not built (make site)")
    return SITE.as_uri()


PAGES = [
    "index.html",
    "en/index.html",
    "zh/index.html",
    "en/tutorial.html",
    "zh/glossary.html",
    "en/api/index.html",
    "en/method/incidence.html",
    "zh/notebooks/01_conversion_by_segment.html",
]


@pytest.mark.parametrize("name", PAGES)
def test_pages_ask_for_nothing_from_outside(site, offline_page, name):
    offline_page.goto(f"{site}/{name}")
    assert all(url.startswith("file:") for url in offline_page.asked)
    assert offline_page.complaints == []
    assert offline_page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    broken = "[...document.images].filter(one => one.complete && one.naturalWidth === 0).map(one => one.src)"
    assert offline_page.evaluate(broken) == []


def test_one_language_leads_to_the_other(site, offline_page):
    offline_page.goto(f"{site}/en/tutorial.html")
    offline_page.click(".language-switch a")
    assert offline_page.url.endswith("/zh/tutorial.html")
    offline_page.click(".language-switch a")
    assert offline_page.url.endswith("/en/tutorial.html")
    offline_page.goto(f"{site}/en/method/incidence.html")  # there is no such page in Chinese
    offline_page.click(".language-switch a")
    assert offline_page.url.endswith("/zh/index.html")


@pytest.mark.parametrize(("lang", "words"), [("en", "Kaplan-Meier"), ("zh", "转化率")])
def test_the_search_finds_words_of_its_language(site, offline_page, lang, words):
    offline_page.goto(f"{site}/{lang}/search.html?q={words}")
    offline_page.wait_for_selector("#search-results li a")
    assert offline_page.complaints == []
