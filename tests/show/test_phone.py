"""Charts on a phone and on a dark page: laid out anew, every colour known, legends that match, marks that tell.

Every chart of the registry is walked; in the short tier each in one of the two languages, in the long one in both.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import re
from typing import Any

import pytest

from funnelnb.show.charts import diagnosis, render, theme
from funnelnb.show.pages.brief import outputs
from funnelnb.show.text.words import words_of
from funnelnb.show.views import registry
from tests.show.every_chart import RESULTS
from tests.show.test_charts import boxes

CHARTED = {
    name: tuple(registry._view(name).charts) for name in registry._VIEWS if registry._view(name).charts
}
CASES = [(name, kind) for name, kinds in CHARTED.items() for kind in kinds]
LANGS = ("en", "zh")
DRAWN = [
    (*case, lang)
    for k, case in enumerate(CASES)
    for lang in (LANGS if os.environ.get("FUNNELNB_VERIFY") else LANGS[k % 2 : k % 2 + 1])
]
RAMPS = {"#E9ECEE", *theme.SEQUENCE}
"""Colours of cells, which keep theirs on a dark page with the words in them."""


@functools.cache
def result_of(name: str) -> Any:
    return RESULTS[name]()


def drawn(name: str, kind: str, lang: str = "en") -> Any:
    return registry.chart_of(result_of(name), kind).draw(result_of(name), lang)


@functools.cache
def spec_of(name: str, kind: str, lang: str) -> dict[str, Any]:
    return render.spec(drawn(name, kind, lang))


@functools.cache
def narrow(name: str, kind: str, lang: str) -> str:
    return render.phone_svg(lambda: drawn(name, kind, lang))


def width_of(svg: str) -> float:
    return float(re.search(r'<svg [^>]*?width="([\d.]+)"', svg).group(1))  # type: ignore[union-attr]


def test_every_kind_of_chart_is_walked() -> None:
    assert set(CHARTED) == set(RESULTS)


@pytest.mark.parametrize(("name", "kind", "lang"), DRAWN)
def test_a_chart_for_phones_is_narrow_and_its_words_are_large_and_apart(
    name: str, kind: str, lang: str
) -> None:
    svg = narrow(name, kind, lang)
    assert 'class="has-narrow"' in render.figure("", svg), width_of(svg)
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)', svg)]
    assert min(sizes) >= 9
    found, wide, high = boxes(svg)
    for left, top, right, bottom, words in found:
        assert left > -2, words
        assert right < wide + 6, words
        assert -2 < top < bottom < high + 2, words
    for one, other in itertools.combinations(found, 2):
        if one[4] != other[4]:  # a label and its pale outline
            over = (
                min(one[2], other[2]) - max(one[0], other[0]),
                min(one[3], other[3]) - max(one[1], other[1]),
            )
            assert min(over) < 1.5, (one[4], other[4])


def test_a_layout_for_phones_stays_in_its_place() -> None:
    before = width_of(render.svg(drawn("Conversion", "funnel")))
    assert width_of(narrow("Conversion", "funnel", "en")) <= 0.55 * before
    assert width_of(render.svg(drawn("Conversion", "funnel"))) == before


def test_a_chart_that_knows_no_other_layout_is_not_shown_twice() -> None:
    wide = '<svg width="700" height="10"></svg>'
    assert render.figure(wide, wide) == f'<figure><div class="wide-chart full">{wide}</div></figure>'


@pytest.mark.parametrize(("name", "kind", "lang"), DRAWN)
def test_every_colour_has_a_dark_one(name: str, kind: str, lang: str) -> None:
    """Ramps keep their colours; words in their cells are in inks of their own, which keep theirs as well."""
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', narrow(name, kind, lang)))
    assert used - {theme.ON_LIGHT, theme.ON_DARK} - RAMPS <= set(theme.DARK)
    assert theme.dark_rules("x").count("{") == 2 * len(theme.DARK)


@pytest.mark.parametrize(("name", "kind", "lang"), DRAWN)
def test_the_colours_of_a_legend_are_those_of_marks(name: str, kind: str, lang: str) -> None:
    made = spec_of(name, kind, lang)
    sheets = made["datasets"]
    legend = {row["colour"] for sheet, rows in sheets.items() if sheet.startswith("legend") for row in rows}
    rest = json.dumps({**made, "datasets": {k: v for k, v in sheets.items() if not k.startswith("legend")}})
    assert {colour for colour in legend if colour not in rest} == set()


def tips_of(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [tip for one in part for tip in tips_of(one)]
    if not isinstance(part, dict):
        return []
    mine = part.get("tooltip", [])
    found = [one for one in (mine if isinstance(mine, list) else [mine]) if isinstance(one, dict)]
    return found + [
        tip for key, one in part.items() if key not in ("datasets", "config") for tip in tips_of(one)
    ]


@pytest.mark.parametrize(("name", "kind", "lang"), DRAWN)
def test_every_line_of_a_tooltip_has_a_name_in_words(name: str, kind: str, lang: str) -> None:
    for tip in tips_of(spec_of(name, kind, lang)):
        title = tip.get("title", "")
        assert title.strip(), tip
        assert not re.search("_|{", title), tip
        assert title == "n" or title != tip["field"], tip
        if lang == "zh":
            assert title == "n" or re.search("[\u4e00-\u9fff]", title), tip


def test_the_matrix_of_symptoms_tells_each_state_by_a_sign_and_a_ground_as_light_as_no_other() -> None:
    """Nobody has to tell red from green: the signs differ, and words under the cells say what they mean."""
    states = list(diagnosis.STATES.values())
    assert len({(one["shape"], one["fill"]) for one in states}) == len(states) == 4
    assert len({luminance(one["colour"]) for one in states}) == 4
    for one in states:
        for ground, ink in ((one["colour"], one["ink"]), (theme.DARK[one["colour"]], theme.DARK[one["ink"]])):
            high, low = sorted((luminance(ground), luminance(ink)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 3.4, one
    sheets = render.spec(drawn("Symptoms", "matrix"))["datasets"]
    shown = {(row["shape"], row["fill"]) for row in sheets["cells"]}
    assert shown == {(row["shape"], row["fill"]) for row in sheets["key"]}
    assert len(sheets["key_words"]) == len(shown)


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("kind", ["fan", "strip"])
def test_no_gap_stands_under_a_legend_on_a_phone(kind: str) -> None:
    with theme.for_phone():
        made = render.spec(drawn("Forecast", kind))
    last = max(row["y"] for row in made["datasets"]["legend"])
    assert 8 <= made["vconcat"][1]["height"] - last <= 12


def test_the_legend_of_a_fan_tells_its_ranges_apart() -> None:
    entries = render.spec(drawn("Forecast", "fan"))["datasets"]["legend"]
    colours = {row["label"]: row["colour"] for row in entries if "range" in row["label"]}
    assert len(set(colours.values())) == len(colours) == 3


def test_the_picture_of_a_forecast_says_more_than_its_headline() -> None:
    """From which day on the target is more likely reached than not, read off the fan by hand; or that it is not."""
    result = result_of("Forecast")
    spec = render.spec(drawn("Forecast", "fan"))
    title, headline = " ".join(spec["title"]["text"]), result.finding("en").splitlines()[0]
    assert title not in headline
    assert (
        " ".join(spec["title"]["subtitle"]).count("%") <= 1
    )  # the level, none of the headline's probabilities
    goal = result.whole.target_amount
    days = [row.day for row in result.fan if row.q50_amount >= goal]
    if days:
        assert title.startswith(f"By {words_of(result).numbers.long_date(min(days))}")
    else:
        assert ("more likely missed" in title) == math.isfinite(goal)


def test_a_live_chart_stands_on_dark_ground_where_jupyterlab_is_dark() -> None:
    """Vega writes a white ground into the picture itself: without a rule of its own, pale words stand on white."""
    shown = str(outputs(result_of("Conversion"))[0][0]["text/html"])
    ground = re.search(r"svg\.marks\{background-color:(#\w+)!important\}", shown)
    assert ground is not None
    assert ground.group(1) == theme.DARK[theme.PAPER]


def test_marks_tell_what_they_stand_for() -> None:
    svg = render.svg(drawn("Conversion", "funnel"))
    told = re.findall(r'data-t="([^"]*)"', svg)
    assert "Stage: Secure the shortlist&#10;Now: lost&#10;Deals: 85" in told
    assert not any("x2" in one or "colour" in one for one in told)
    curve = render.svg(drawn("Conversion", "outcome"))
    hovers = re.findall(r'<line class="hover"[^>]*data-t="([^"]*)"', curve)
    assert 10 <= len(hovers) <= 90
    assert all(re.search(r"\d", one) for one in hovers)


def test_a_name_with_a_semicolon_is_told_whole() -> None:
    mark = "x: 3; colour: #0072B2; Deal: A; B &amp; <b>; Amount: 1; 2"
    svg = f'<path aria-label="{mark}" role="graphics-symbol" d="M0,0"/>'
    assert 'data-t="Deal: A; B &amp; &lt;b&gt;&#10;Amount: 1; 2"' in render._with_tooltips(
        svg, {"Deal", "Amount"}
    )
