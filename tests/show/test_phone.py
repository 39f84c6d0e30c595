"""Charts on a phone and on a dark page: laid out anew, every colour known, legends that match, marks that tell."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import funnelnb as fn
from funnelnb.show.charts import render, theme
from funnelnb.show.views.registry import chart_of

FITS = {
    "conversion": ("funnel", "outcome"),
    "cohort": ("trend",),
    "segments": ("funnel_plot",),
    "duration": ("survival", "box"),
    "quadrant": ("quadrant",),
    "forecast": ("fan", "landing", "strip"),
    "change": ("waterfall",),
    "losses": ("reasons",),
    "sales": ("control", "bars"),
    "harm": ("moves",),
}
"""Charts that know a layout for phones; all others keep their size and scroll."""
CASES = [(name, kind) for name, kinds in FITS.items() for kind in kinds]


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    book = fn.sample()
    part = book.where(region="DACH")
    return {
        "conversion": fn.conversion(part, horizon_days=180),
        "cohort": fn.cohort(part, period="quarter", horizon_days=180),
        "segments": fn.segments(book, by="region", measure="by_day", horizon_days=180),
        "duration": fn.duration(part),
        "quadrant": fn.quadrant(part),
        "forecast": fn.forecast(part, draws=400),
        "change": fn.diagnosis.change(part),
        "losses": fn.diagnosis.why_lost(part),
        "sales": fn.diagnosis.sales_trend(part, by="product"),
        "harm": fn.harm(part, horizon_days=180),
    }


def width_of(svg: str) -> float:
    return float(re.search(r'<svg [^>]*?width="([\d.]+)"', svg).group(1))  # type: ignore[union-attr]


def drawn(results: dict[str, Any], name: str, kind: str, lang: str = "en") -> Any:
    return chart_of(results[name], kind).draw(results[name], lang)


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_chart_for_phones_is_narrow_and_its_words_stay_as_large(
    results: dict[str, Any], name: str, kind: str, lang: str
) -> None:
    wide = render.svg(drawn(results, name, kind, lang))
    narrow = render.phone_svg(lambda: drawn(results, name, kind, lang))
    assert width_of(narrow) <= 0.55 * width_of(wide)
    assert 'class="has-narrow"' in render.figure(wide, narrow)
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)', narrow)]
    assert min(sizes) >= 9
    assert width_of(render.svg(drawn(results, name, kind, lang))) == width_of(wide)  # nothing stays behind


def test_a_chart_that_knows_no_other_layout_is_not_shown_twice() -> None:
    wide = '<svg width="700" height="10"></svg>'
    assert render.figure(wide, wide) == f'<figure><div class="wide-chart">{wide}</div></figure>'


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_colour_has_a_dark_one(results: dict[str, Any], name: str, kind: str) -> None:
    """Ramps keep their colours; words in their cells are in inks of their own, which keep theirs as well."""
    svg = render.svg(drawn(results, name, kind))
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg)) - {theme.ON_LIGHT, theme.ON_DARK}
    assert used <= set(theme.DARK)
    assert theme.dark_rules("x").count("{") == 2 * len(theme.DARK)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_colours_of_a_legend_are_those_of_marks(results: dict[str, Any], name: str, kind: str) -> None:
    made = render.spec(drawn(results, name, kind))
    sheets = made["datasets"]
    legend = {row["colour"] for sheet, rows in sheets.items() if sheet.startswith("legend") for row in rows}
    rest = json.dumps({**made, "datasets": {k: v for k, v in sheets.items() if not k.startswith("legend")}})
    assert {colour for colour in legend if colour not in rest} == set()


def test_marks_tell_what_they_stand_for(results: dict[str, Any]) -> None:
    svg = render.svg(drawn(results, "conversion", "funnel"))
    told = re.findall(r'data-t="([^"]*)"', svg)
    assert "Stage: Secure the shortlist&#10;lost&#10;Deals: 85" in told
    assert not any("x2" in one or "colour" in one for one in told)
    curve = render.svg(drawn(results, "conversion", "outcome"))
    hovers = re.findall(r'<line class="hover"[^>]*data-t="([^"]*)"', curve)
    assert 10 <= len(hovers) <= 90
    assert all(re.search(r"\d", one) for one in hovers)


def test_a_name_with_a_semicolon_is_told_whole() -> None:
    mark = "x: 3; colour: #0072B2; Deal: A; B &amp; <b>; Amount: 1; 2"
    svg = f'<path aria-label="{mark}" role="graphics-symbol" d="M0,0"/>'
    assert 'data-t="Deal: A; B &amp; &lt;b&gt;&#10;Amount: 1; 2"' in render._told(svg, {"Deal", "Amount"})
