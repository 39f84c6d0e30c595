"""Charts draw the result's own numbers, say the same in both languages, and nothing in them collides."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from altair.utils import core, schemapi

import funnelnb as fn
from funnelnb.show.charts import (
    cohorts,
    funnel,
    groups,
    outcome,
    parts,
    properties,
    render,
    sooner,
    spark,
    theme,
)
from funnelnb.show.charts.funnel import WIDE
from funnelnb.show.views import registry
from tests.show import golden, made

LANGS = ["en", "zh"]


def many_people():
    counts = {f"Person {k:02d} 某某": (20 + 9 * k, 8 + 4 * k + (k % 5) * 2) for k in range(48)}
    return made.segments(counts)


def long_names():
    labels = [
        dataclasses.replace(
            label, en=label.en + " with a rather long explanation", zh=label.zh + "以及一段相当长的说明"
        )
        for label in made.LABELS
    ]
    return dataclasses.replace(made.company(), stage_labels=tuple(labels))


def by_region():
    """Cohorts of three regions."""
    base = made.cohorts()
    rows, cells = [], []
    for name in ("East 华东", "<script>", "a name that goes on and on until nobody reads it any more"):
        rows += [dataclasses.replace(row, group=(name,)) for row in base.rows]
        cells += [dataclasses.replace(cell, group=(name,)) for cell in base.cells]
    return dataclasses.replace(base, by=("region",), rows=tuple(rows), cells=tuple(cells))


CHARTS = {
    "funnel": (made.company, "funnel"),
    "funnel_weekly": (made.weekly, "funnel"),
    "funnel_groups": (made.regions, "funnel"),
    "funnel_long": (long_names, "funnel"),
    "outcome": (made.company, "outcome"),
    "outcome_groups": (made.regions, "outcome"),
    "outcome_none": (made.weekly, "outcome"),
    "rates": (made.company, "rates"),
    "rates_groups": (made.regions, "rates"),
    "forest": (made.segments, "forest"),
    "forest_many": (many_people, "forest"),
    "funnel_plot": (made.segments, "funnel_plot"),
    "funnel_plot_many": (many_people, "funnel_plot"),
    "trend": (made.cohorts, "trend"),
    "trend_groups": (by_region, "trend"),
    "heat": (made.cohorts, "heat"),
    "heat_groups": (by_region, "heat"),
    "nothing": (made.empty, "funnel"),
    "nothing_outcome": (made.empty, "outcome"),
}
DATA = {
    "funnel": lambda: funnel.funnel_data(made.company()),
    "outcome": lambda: outcome.outcome_data(made.company())[::12],
    "rates": lambda: outcome.rates_data(made.company()),
    "forest": lambda: groups.forest_data(made.segments()),
    "funnel_plot": lambda: groups.funnel_plot_data(made.segments()),
    "trend": lambda: cohorts.trend_data(made.cohorts()),
    "cohort_heat": lambda: cohorts.cohort_heat_data(made.cohorts())[::7],
    "spark": lambda: spark.spark_data(made.cohorts()),
    "trapezoid": lambda: properties.trapezoid_data(
        fn.six_properties([100, 80, 40, 20, 10, 5], ideal="trapezoid", before=[90, 60, 30, 15, 9, 4])
    ),
}


@pytest.mark.parametrize("name", DATA)
def test_rows_that_are_drawn_stand_as_stored(name):
    rows = DATA[name]()
    fields = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()}
        )
    golden.check(f"chart_{name}.csv", out.getvalue())


def test_funnel_pieces_add_up_and_open_is_never_lost():
    result = made.company()
    for row in funnel.funnel_data(result)[:-1]:
        assert row["advanced_n"] + row["here_n"] + row["lost_n"] + row["left_n"] == row["reached_n"]
    spec = render.spec(result.chart("funnel", "en"))
    bars = spec["datasets"]["bars"]
    assert sum(bar["n"] for bar in bars if bar["part"] == "lost") == result.overall[0].lost_n
    assert sum(bar["n"] for bar in bars if bar["part"] == "here") == result.overall[0].here_n
    shades = {bar["part"]: bar["colour"] for bar in bars}
    assert len(set(shades.values())) == len(shades) == 4
    for bar in bars:  # drawn to one scale
        assert bar["x2"] - bar["x"] == pytest.approx(max(1.0, WIDE.bars * bar["n"] / 3982))


def test_funnel_marks_the_loss_point_and_only_it():
    rows = funnel.funnel_data(made.company())
    assert [row["stage"] for row in rows if row["loss_point"]] == [made.company().loss_points[0].stage]
    assert [row["won"] for row in rows] == [False] * 5 + [True]


def test_outcome_shares_add_to_one_and_told_days_are_kept():
    result = made.company()
    curve = result.curves[0]
    days = np.linspace(0, 400, 5_001)
    fine = dataclasses.replace(
        curve,
        days=days,
        trusted_days=311.04,
        **{
            name: np.interp(days, curve.days, getattr(curve, name))
            for name in ("won_rate", "won_ci_lower", "won_ci_upper", "lost_rate", "lost_ci_lower", "lost_ci_upper",
                         "open_rate")
        },
        at_risk_n=np.arange(5_001)[::-1],
    )  # fmt: skip
    rows = outcome.outcome_data(dataclasses.replace(result, curves=(fine,)))
    assert len(rows) <= outcome.POINTS_MOST + 2
    assert rows[0]["day"] == 0
    assert rows[-1]["day"] == 400
    assert {180.0, 311.04} <= {row["day"] for row in rows}
    for row in rows:
        assert row["won_rate"] + row["lost_rate"] + row["open_rate"] == pytest.approx(1)
        assert row["won_rate"] == fine.won_rate[np.searchsorted(days, row["day"])]
        assert row["trusted"] == (row["day"] <= 311.04)


def test_too_few_and_young_have_marks_of_their_own():
    kinds = [row["kind"] for row in cohorts.trend_data(made.cohorts())]
    assert kinds == ["mature"] * 4 + ["few"] + ["mature"] * 5 + ["young"] * 6
    cells = cohorts.cohort_heat_data(made.cohorts())
    assert {cell["kind"] for cell in cells if cell["cohort"] == "2025-07"} == {"few"}
    assert {cell["kind"] for cell in cells if cell["cohort"] == "2026-06"} == {"young"}
    assert not any(math.isnan(cell["won_rate"]) for cell in cells)
    zones = {row["group"][0]: row["zone"] for row in groups.funnel_plot_data(made.segments())}
    assert zones["Jia Sun 孙佳"] == "too_few"
    assert (zones["Chen Wei 陈伟"], zones["Ivan Petrov"]) == ("higher", "lower")
    assert zones["Anna Kowalska"] == "not_separable"


def test_limits_fall_back_on_those_of_the_groups():
    result = dataclasses.replace(made.segments(), limits=())
    drawn = groups.limits(result)
    assert [row["decided_n"] for row in drawn] == sorted(n for n, _ in made.PEOPLE.values())


def test_of_very_many_groups_those_outside_the_limits_are_drawn_and_then_the_largest():
    few = {f"G{k:04}": (20 + k % 300, 5) for k in range(1_200)} | {"best": (12, 12), "worst": (31, 0)}
    result = made.segments(few, verdicts=False)
    called = {"best": "higher", "worst": "lower"}
    rows = [dataclasses.replace(one, verdict=called.get(one.group[0], one.verdict)) for one in result.rows]
    result = dataclasses.replace(result, rows=tuple(rows))
    drawn = groups.funnel_plot_data(result)
    assert len(drawn) == groups.POINTS_MOST
    names = {row["group"][0] for row in drawn}
    assert {"best", "worst"} <= names
    least = min(row["decided_n"] for row in drawn if row["zone"] == "not_separable")
    assert least >= max(row.decided_n for row in rows if row.group[0] not in names)
    told = groups.funnel_plot_draw(result, "en").to_dict()["description"]
    assert "Shown: 1,000 of 1,202 groups. The table has all." in told


def test_names_stand_beside_their_points_and_touch_neither_points_nor_names():
    taken = groups._Taken((100, 60))
    taken.add((40.0, 20.0, 52.0, 32.0))
    assert not taken.free((51.5, 20.0, 60.0, 30.0))
    assert taken.free((53.0, 20.0, 90.0, 34.0))
    assert not taken.free((1.0, 20.0, 30.0, 34.0))
    assert not taken.free((70.0, 50.0, 90.0, 61.0))
    taken.add((-20.0, -20.0, 5.0, 5.0))
    assert not taken.free((4.0, 1.0, 20.0, 10.0))
    assert taken.free((6.0, 6.0, 20.0, 12.0))


def test_the_funnel_plot_is_as_high_as_points_and_their_intervals_need():
    near = {"large": (900, 190), "middle": (600, 130), "small": (45, 11)}
    result = made.segments(near, verdicts=False)
    wide = dataclasses.replace(result.limits[0], limit_998_lower=0.0, limit_998_upper=1.0)
    low, high = groups.span(dataclasses.replace(result, limits=(wide, *result.limits[1:])))
    assert (low, high) == groups.span(result)  # the curves of few deals leave the picture
    assert high < 0.45
    for row in result.rows:
        assert low < row.raw_rate < high
        assert low < row.raw_ci_upper < high
    low, high = groups.span(made.segments({"a": (400, 20), "b": (400, 380), "c": (5, 0)}))
    assert (low, high) == (pytest.approx(0.0, abs=0.02), pytest.approx(1.0, abs=0.02))
    result = made.segments(
        {"one": (12, 6), "two": (12, 6)}
    )  # intervals of 0.28–0.72 take no more than the least
    low, high = groups.span(result)
    assert (low, high) == (pytest.approx(0.5 - 0.13), pytest.approx(0.5 + 0.13))


def test_a_point_outside_the_picture_says_its_rate():
    result = made.segments({"large": (900, 190), "middle": (600, 130), "tiny": (5, 4)}, verdicts=False)
    drawn = render.svg(result.chart("funnel_plot", "en"))
    assert "tiny 80.0 %" in drawn.replace("\xa0", " ").replace("\u202f", " ")


def test_of_many_groups_the_largest_are_drawn_and_it_is_said():
    result = many_people()
    rows = groups.forest_data(result)
    assert len(rows) == groups.GROUPS_MOST
    assert min(row["decided_n"] for row in rows) == 20 + 9 * 8
    under = render.spec(result.chart("forest", "en"))["title"]["subtitle"]
    assert any("40 of 48 groups" in line for line in under)


def test_spark_shows_only_what_can_be_trusted():
    assert {row["kind"] for row in spark.spark_data(made.cohorts())} == {"mature"}
    days = [row["day"] for row in spark.spark_data(made.company())]
    assert max(days) <= made.company().curves[0].trusted_days
    assert len(days) <= 42
    for make in (made.company, made.cohorts, made.weekly, made.empty):
        drawing = render.svg(spark.spark_draw(make(), "en"))
        assert len(drawing) < 6_000
        assert "<text" not in drawing


@pytest.mark.parametrize(
    ("longest", "ticks"),
    [(6.0, [0, 1, 2, 3, 4, 5, 6]), (138.0, [0, 30, 60, 90, 120]), (400.0, [0, 60, 120, 180, 240, 300, 360])],
)
def test_days_are_marked_at_weeks_months_or_quarters(longest, ticks):
    assert parts.day_ticks(longest) == ticks


def test_hatching_stays_inside_its_band():
    rows = parts.hatch(100, 160, 40, 7)
    assert len(rows) > 8
    for row in rows:
        assert 100 <= row["x"] < row["x2"] <= 160
        assert 0 <= row["y"] < row["y2"] <= 1
        assert (row["y2"] - row["y"]) * 40 == pytest.approx(row["x2"] - row["x"])


# ---- what is drawn, as drawn ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawings():
    made_so_far = {}

    def draw(name, lang):
        if (name, lang) not in made_so_far:
            make, kind = CHARTS[name]
            made_so_far[name, lang] = render.spec(make().chart(kind, lang))
        return made_so_far[name, lang]

    return draw


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_titled_sourced_and_valid(name, lang, drawings):
    spec = drawings(name, lang)
    title = spec["title"]
    assert title["text"]
    assert re.search("30 June 2026|2026 年 6 月 30 日", title["subtitle"][0])
    assert re.search(r"n = [\d,]+", title["subtitle"][0])
    assert spec["description"].startswith("".join(title["text"])[:10])
    assert spec["$schema"].endswith("/v5.json")
    flat = str(spec)
    assert "nan" not in re.findall(r"\bnan\b", flat)
    assert "http" not in flat.replace(spec["$schema"], "")


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_keeps_the_rules_of_vega_lite(name):
    make, kind = CHARTS[name]
    make().chart(kind, "en").to_dict()  # raises where the specification is not valid


@pytest.mark.parametrize("name", ["funnel", "rates_groups", "trend_groups"])
def test_a_chart_made_sooner_is_the_same_chart(name, monkeypatch):
    make, kind = CHARTS[name]
    result, chart = make(), registry.chart_of(make(), kind)
    made = render.spec(chart.draw(result, "en"))
    monkeypatch.setattr(render, "_specification", lambda chart: chart.to_dict(validate=False))
    plain = render.spec(chart.draw.__wrapped__(result, "en"))
    assert json.dumps(made, sort_keys=True) == json.dumps(plain, sort_keys=True)


def test_altair_is_as_it_was_after_a_chart_that_fails():
    search, checks = core._ChannelCache._wrap_in_channel, schemapi.DEBUG_MODE
    copy = schemapi.SchemaBase.copy
    with pytest.raises(ZeroDivisionError), sooner.sooner():
        assert core._ChannelCache._wrap_in_channel is not search
        assert schemapi.SchemaBase.copy is sooner.near
        assert schemapi.DEBUG_MODE is False
        raise ZeroDivisionError
    assert core._ChannelCache._wrap_in_channel is search
    assert schemapi.SchemaBase.copy is copy
    assert checks is schemapi.DEBUG_MODE


def named_data(node):
    if isinstance(node, dict):
        if isinstance(node.get("data"), dict):
            yield node["data"]["name"]
        for value in node.values():
            yield from named_data(value)
    elif isinstance(node, list):
        for value in node:
            yield from named_data(value)


@pytest.mark.parametrize("name", CHARTS)
def test_every_row_stands_in_a_chart_once(name, drawings):
    spec = drawings(name, "en")
    used = set(named_data({key: value for key, value in spec.items() if key != "datasets"}))
    assert used == set(spec["datasets"])


def boxes(drawing):
    """Where each text of an SVG stands: (left, top, right, bottom, words), widths by the house's own estimate."""
    found = []

    def walk(node, x, y, angle):
        move = re.findall(r"(translate|rotate)\(([-\d.]+)(?:,([-\d.]+))?\)", node.get("transform", ""))
        for kind, one, two in move:
            if kind == "rotate":
                angle += float(one)
            elif angle == 0:
                x, y = x + float(one), y + float(two or 0)
        if node.tag.endswith("}text"):
            lines = list(node) or [node]
            size = float(node.get("font-size", "11").removesuffix("px"))
            for rank, line in enumerate(lines):
                words_ = "".join(line.itertext())
                if words_ and float(node.get("opacity", "1")) > 0:
                    found.append(
                        box(words_, x, y + 1.3 * size * rank, size, node.get("text-anchor", "start"), angle)
                    )
        for child in node:
            if not child.tag.endswith("}tspan"):
                walk(child, x, y, angle)

    root = ET.fromstring(drawing)
    walk(root, 0.0, 0.0, 0.0)
    return found, float(root.get("width")), float(root.get("height"))


def box(words_, x, y, size, anchor, angle):
    wide = 0.9 * theme.text_width(words_, size)
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
    if angle % 180 == 0:
        return left, y - 0.72 * size, left + wide, y + 0.12 * size, words_
    if abs(angle) % 180 == 90:
        up = {"start": (y - wide, y), "middle": (y - wide / 2, y + wide / 2), "end": (y, y + wide)}[anchor]
        return x - 0.7 * size, up[0], x, up[1], words_
    return x - 1, y - 1, x, y, words_  # slanted axis labels: their end


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", CHARTS)
def test_no_words_collide_or_leave_the_picture(name, lang, drawings):
    found, wide, high = boxes(render.svg(drawings(name, lang)))
    assert len(found) >= 2
    for left, top, right, bottom, words_ in found:
        assert left > -2, words_
        assert right < wide + 6, words_
        assert -2 < top < bottom < high + 2, words_
    for one, other in itertools.combinations(found, 2):
        if one[4] == other[4]:
            continue  # a label and its pale outline
        over = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
        assert min(over) < 1.5, (one[4], other[4])


@pytest.mark.parametrize("lang", LANGS)
def test_both_languages_show_the_same_numbers(lang, drawings):
    """Every percentage of the English chart stands in the Chinese one too."""
    for name in ("funnel", "forest", "rates", "trend", "heat"):
        numbers = [
            sorted(re.findall(r"\d+\.\d(?= ?%)", str(drawings(name, each)["datasets"]))) for each in LANGS
        ]
        assert numbers[0] == numbers[1]
        assert numbers[0] or name == "trend"


def test_names_are_text_and_never_markup():
    drawing = render.svg(made.regions().chart("outcome", "en"))
    assert "<script" not in drawing
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in drawing


# ---- colours ----------------------------------------------------------------------------------------------------

SIMULATED = {  # Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour, kind):
    """CIE Lab of a colour as seen with a kind of colour vision."""
    srgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(SIMULATED[kind]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", SIMULATED)
def test_shades_can_be_told_apart_by_everybody(kind):
    shades = (theme.MOVED, theme.OPEN, theme.LOST, theme.LEFT)
    for one, other in itertools.combinations(shades, 2):
        assert np.linalg.norm(lab(one, kind) - lab(other, kind)) > 12, (one, other)
    greys = sorted(lab(shade, "normal")[0] for shade in (theme.MOVED, theme.LOST, theme.OPEN))
    assert min(np.diff(greys)) > 8  # also in a black-and-white print


def contrast(one, other):
    def light(colour):
        srgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    high, low = sorted((light(one), light(other)), reverse=True)
    return high / low


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        (theme.INK, theme.PAPER), (theme.QUIET, theme.PAPER), (theme.LOST_INK, theme.PAPER), (theme.INK, theme.OPEN),
        (theme.INK, theme.LEFT), (theme.PAPER, theme.MOVED), (theme.QUIET, "#EEF1F3"),
    ],
)  # fmt: skip
def test_words_are_readable_on_their_ground(ink, ground):
    assert contrast(ink, ground) >= 4.5


def test_every_chart_is_in_the_guide():
    from pathlib import Path

    from funnelnb.show.views import registry

    guide = (Path(__file__).parents[2] / "docs" / "charts.md").read_text(encoding="utf-8")
    headed = re.findall(r"^##+ .*?`(\w+)`", guide, re.MULTILINE)
    for name in ("Conversion", "Cohorts", "Segments"):
        assert set(registry._view(name).charts) <= set(headed)
    assert "spark" in headed
