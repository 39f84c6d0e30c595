"""Finished pages in a real Chromium with the network off: three widths, light and dark, printed, by keyboard."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import write_company, write_notebook
from tests.batch.test_index import EVIL, listed, page_of

pytestmark = pytest.mark.browser

FULL = bool(os.environ.get("FUNNELNB_VERIFY"))
WIDTHS = (1280, 800, 400)
HERE = Path(__file__).parent
LOOKING, WORDS = ((HERE / name).read_text(encoding="utf-8") for name in ("looking.js", "words.js"))
NAMES = ("index", "DACH", "DACH@02_stage_durations", "DACH@03_deal_mix_targets", "DACH@04_priorities")
if FULL:
    NAMES = ("index", "DACH", *(f"DACH@{one}" for one in (
        "01_conversion_by_segment", "02_stage_durations", "03_deal_mix_targets", "04_priorities", "05_forecast",
        "06_diagnosis", "08_weekly_report",
    )))  # fmt: skip
WORDS_MOST = 450
"""Words of prose that a page of one region may show before anything is unfolded."""

LEAST, LEAST_PRINTED = 8.4, 7.0
"""Smallest words in CSS pixels."""

LANGUAGES = ("en", "zh")
ALL = [(lang, width, scheme) for lang in LANGUAGES for width in WIDTHS for scheme in ("light", "dark")]
LOOKS = ALL if FULL else [("en", 1280, "light"), ("zh", 400, "dark")]
LANGS = LANGUAGES if FULL else ("en",)
AUDITED = [(name, *look) for k, name in enumerate(NAMES) for look in (LOOKS if FULL else LOOKS[k % 2 :][:1])]
"""Here each page once, in turn in English on a wide light screen and in Chinese on a narrow dark one."""


@pytest.fixture(params=LANGS)
def lang(request: Any) -> str:
    return str(request.param)


@pytest.fixture(params=NAMES)
def name(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def page_file(name: str, lang: str, sample_pages: Any) -> Path:
    return Path(sample_pages(lang)) / f"{name}.html"


def opened(chromium: Any, file: Path, width: int, scheme: str = "light", **more: Any) -> Any:
    """A page with the network off that remembers complaints and requests."""
    context = chromium.new_context(
        offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme, **more
    )
    page = context.new_page()
    page.complaints, page.asked = [], []
    page.on(
        "console",
        lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(file.as_uri())
    return page


def unfolded(page: Any) -> Any:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return page


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_nothing_is_clipped_or_overprinted_and_nothing_is_asked_for(
    chromium: Any, sample_pages: Any, name: str, language: str, width: int, scheme: str
) -> None:
    page_file = Path(sample_pages(language)) / f"{name}.html"
    page = opened(chromium, page_file, width, scheme)
    assert page.complaints == []
    assert [url for url in page.asked if url != page_file.as_uri() and not url.startswith("data:")] == []
    assert page.evaluate(LOOKING, LEAST) == []
    assert unfolded(page).evaluate(LOOKING, LEAST) == []
    page.context.close()


def test_the_answer_takes_one_screen_and_few_words(chromium: Any, page_file: Path, lang: str) -> None:
    page = opened(chromium, page_file, 1280)
    assert page.evaluate(WORDS, lang) <= WORDS_MOST
    assert page.locator("h1").count() == 1
    if page_file.stem != "index":
        assert page.locator(".figs .fig").count() == 3
        seen = page.evaluate(
            "[...document.querySelectorAll('h1, .figs')].every((one) => one.getBoundingClientRect().bottom < 900)"
        )
        assert seen
        picture = page.locator(".picture figure").bounding_box()
        assert picture["y"] < 500
        assert page.locator(".todo li").count() >= 1
        assert page.locator(".picture figure").count() == 1
    page.context.close()


def test_printed_it_is_whole(chromium: Any, page_file: Path, tmp_path: Path) -> None:
    """Every fold is open on paper, nothing overprints, and the text of the PDF has what the folds hold."""
    page = opened(chromium, page_file, 1280)
    page.emulate_media(media="print")
    page.set_viewport_size(
        {"width": 1040 if page_file.stem == "index" else 703, "height": 1000}
    )  # of A4, less margins
    assert page.evaluate(LOOKING, LEAST_PRINTED) == []
    target = tmp_path / "page.pdf"
    page.pdf(path=str(target), prefer_css_page_size=True)
    told = subprocess.run(
        ["pdftotext", "-raw", str(target), "-"], capture_output=True, text=True, check=True
    ).stdout
    bare = re.sub(r"\s+", "", told)
    for title in page.locator("summary h2, .fold caption").all_text_contents():
        assert re.sub(r"\s+", "", title) in bare
    if page_file.stem == "index":
        assert told.count("\f") == 2  # all regions on one sheet, their picture on the next
    if "04_" in page_file.stem:  # a list longer than a sheet: its head again on the next, in words
        head = page.locator(".output table").first.locator("thead th").first.text_content()
        assert (
            len(re.findall(rf"^{re.escape(head.strip())}(?=\W)", told.replace("\f", "\n"), re.MULTILINE)) >= 2
        )
    page.context.close()


@pytest.mark.parametrize(("name", "language", "width", "scheme"), AUDITED)
def test_axe_finds_nothing_serious(
    chromium: Any, sample_pages: Any, name: str, language: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    page = unfolded(opened(chromium, Path(sample_pages(language)) / f"{name}.html", width, scheme))
    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], node["target"], node.get("failureSummary", "")[:160])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
    assert serious == []
    page.context.close()


def test_pictures_say_their_finding_and_tell_numbers_under_the_pointer(
    chromium: Any, page_file: Path
) -> None:
    page = opened(chromium, page_file, 1280)
    labels = page.locator("figure .wide-chart > svg").evaluate_all(
        "all => all.map((one) => one.ariaLabel || '')"
    )
    assert labels
    assert all(len(label) > 20 for label in labels)
    mark = page.locator("figure .wide-chart [data-t]:visible").first
    if mark.count():
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )  # scrolled
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert page.locator("#tip").is_visible()
        assert re.search(r"\d", page.locator("#tip").inner_text())
    page.context.close()


def test_without_a_script_everything_is_still_there(chromium: Any, sample_pages: Any) -> None:
    for name in ("index", "DACH"):
        page = opened(chromium, Path(sample_pages("en")) / f"{name}.html", 400, java_script_enabled=False)
        assert page.complaints == []
        assert page.locator("h1").is_visible()
        assert page.locator(".tools:visible").count() == 0
        page.context.close()


def test_pages_of_a_region_lead_to_each_other_and_to_the_next_question(
    chromium: Any, sample_pages: Any
) -> None:
    page = opened(chromium, Path(sample_pages("en")) / "index.html", 1280)
    page.get_by_role("link", name="DACH").first.click()
    for name in ("Time", "Target", "Calls", "Conversion"):
        page.locator(".tabs").get_by_role("link", name=name).click()
        assert page.locator(".tabs [aria-current]").inner_text() == name
    question = page.locator(".onward a").inner_text()
    page.locator(".onward a").click()
    assert page.locator(".question").inner_text() == question
    assert "What you need" not in page.content()
    page.get_by_role("link", name="All reports").click()
    assert page.locator("table.regions").count() == 1
    page.context.close()


def test_the_keyboard_reaches_everything(chromium: Any, sample_pages: Any) -> None:
    page = opened(chromium, Path(sample_pages("en")) / "DACH@04_priorities.html", 400)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    controls = "[...document.querySelectorAll('a, button, input, select, summary')]"
    wanted = page.evaluate(f"{controls}.filter((one) => one.checkVisibility()).length")
    reached = set()
    for _ in range(wanted + 40):
        reached.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        page.keyboard.press("Tab")
    assert len(reached) >= wanted
    page.locator(".fold > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".fold").first.get_attribute("open") is not None
    page.context.close()


def test_tables_sort_filter_and_are_kept_as_csv(chromium: Any, sample_pages: Any, tmp_path: Path) -> None:
    page = unfolded(opened(chromium, Path(sample_pages("en")) / "DACH@04_priorities.html", 1280))
    table = page.locator(".output table").first
    amounts = "one => [...one.querySelectorAll('tbody tr')].map((row) => +row.cells[4].textContent.replaceAll(',', ''))"
    before = table.evaluate(amounts)
    head = table.locator("thead button").nth(4)
    head.click()
    assert table.evaluate(amounts) == sorted(before, reverse=True)
    head.click()
    assert table.evaluate(amounts) == sorted(before)
    field = page.locator(".grid-tools input").first
    field.fill("Jonas Vogt")
    seen = table.evaluate(
        "one => [...one.querySelectorAll('tbody tr')].filter((row) => !row.hidden).map((row) => row.textContent)"
    )
    assert 0 < len(seen) < len(before)
    assert all("Jonas Vogt" in row for row in seen)
    with page.expect_download() as caught:
        page.locator(".grid-tools").first.get_by_role("button", name="Download CSV").click()
    caught.value.save_as(tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == len(seen) + 1
    assert lines[0].startswith('"Rank","')
    page.context.close()


@pytest.mark.parametrize("way", ["clipboard", "refused", "without"])
def test_a_copied_table_holds_what_is_seen_and_no_formula(chromium: Any, sample_pages: Any, way: str) -> None:
    """Through the clipboard of the browser, where the browser refuses it, and where there is none."""
    file = Path(sample_pages("en")) / "DACH@04_priorities.html"
    page = unfolded(opened(chromium, file, 1280, permissions=["clipboard-read", "clipboard-write"]))
    table = page.locator(".output table").first
    names = ["=1+1", "@SUM(A1)", "\uff1d1", "tab\tand\nline"]
    rows = table.locator("tbody tr")
    for place, name in enumerate(names):
        rows.nth(place).evaluate("(row, name) => { row.cells[2].textContent = name; }", name)
    if way == "refused":
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    elif way == "without":
        page.evaluate("() => { Object.defineProperty(navigator, 'clipboard', { value: undefined }); }")
    button = page.locator(".grid-tools").first.get_by_role("button", name="Copy")
    text = button.inner_text()
    button.click()
    page.wait_for_function("([one, text]) => one.textContent !== text", arg=[button.element_handle(), text])
    assert button.evaluate("one => one === document.activeElement")
    field = page.evaluate_handle("document.body.appendChild(document.createElement('textarea'))").as_element()
    field.focus()
    page.keyboard.press("Control+v")
    lines = [one.split("\t") for one in field.input_value().splitlines()]
    assert len(lines) == rows.count() + 1
    assert {len(one) for one in lines} == {len(lines[0])}
    assert [one[2] for one in lines[1:5]] == ["'=1+1", "'@SUM(A1)", "'\uff1d1", "tab and line"]
    assert lines[0][0] == "Rank"
    assert page.complaints == []
    page.context.close()


def test_a_count_and_a_bar_open_their_deals(chromium: Any, sample_pages: Any) -> None:
    """The list has as many rows as the count says (or says that it is cut); Esc closes it and focus goes back."""
    conversion = "DACH@01_conversion_by_segment" if FULL else "DACH"
    page = unfolded(opened(chromium, Path(sample_pages("en")) / f"{conversion}.html", 1280))
    box = page.locator("#deals")
    assert not box.is_visible()
    counts = page.locator(".output td a[href^='#d']:visible")
    assert counts.count() > 20
    seen = 0
    for place in (0, 1, 5, counts.count() - 1):
        link = counts.nth(place)
        n = int(link.inner_text().replace(",", ""))
        link.focus()
        page.keyboard.press("Enter")
        assert box.is_visible()
        rows = box.locator("tbody tr").count()
        note = box.locator("[data-note]").inner_text().replace(",", "")
        assert rows == min(n, 40)
        assert re.search(rf"\b{n} deals?\b", note)
        assert not re.fullmatch(r"D\d+", box.locator("tbody th").first.inner_text().splitlines()[0])
        seen += rows
        page.keyboard.press("Escape")
        assert not box.is_visible()
        assert link.evaluate("one => one === document.activeElement")
    assert seen
    bar = page.locator(".picture .wide-chart a[*|href^='#d']").first
    told = bar.locator("[data-t]").first.get_attribute("data-t") or ""
    bar.click()
    assert box.is_visible()
    count = re.search(r"Deals: ([\d,]+)", told)
    assert count
    assert count.group(1).replace(",", "") in box.locator("[data-note]").inner_text().replace(",", "")
    page.context.close()


def test_the_index_is_searched_and_sorted(chromium: Any, sample_pages: Any) -> None:
    page = opened(chromium, Path(sample_pages("en")) / "index.html", 1280)
    rows = "[...document.querySelectorAll('.regions tbody tr')].filter((one) => !one.hidden)"
    names = f"{rows}.map((one) => one.cells[0].innerText)"
    assert page.evaluate(names) == ["DACH", "Iberia"]
    page.locator(".regions thead button", has_text="Chance").click()
    assert page.evaluate(names) == ["Iberia", "DACH"]
    page.keyboard.press("/")
    page.keyboard.type("dac")
    assert page.evaluate(names) == ["DACH"]
    assert page.locator(".tools output").inner_text() == "1 of 2"
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_an_index_of_many_regions_with_names_of_every_sort_fits(
    chromium: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    """Names of 5,000 characters, from right to left, with emoji, with mark-up; no customers' names, no currency."""
    names = {f"Region {k:03}": 12 for k in range(300 if FULL else 6)} | dict.fromkeys(EVIL.values(), 12)
    data = write_company(tmp_path / "data", names)
    settings = data / "funnelnb.toml"
    settings.write_text(settings.read_text().replace('currency = "EUR"\n', ""))
    notebook = write_notebook(tmp_path / "quick.ipynb")
    file = tmp_path / "index.html"
    file.write_text(page_of(*listed(data, notebook, tmp_path / "out")), encoding="utf-8")
    page = opened(chromium, file, width, scheme)
    page.on("dialog", lambda box: page.complaints.append(box.message))
    assert page.evaluate(LOOKING, LEAST) == []
    assert unfolded(page).evaluate(LOOKING, LEAST) == []
    assert page.complaints == []
    assert page.asked == [file.as_uri()]
    assert page.locator("bdi").count() >= 1
    page.context.close()
