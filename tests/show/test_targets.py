"""Targets in words and charts: both languages, the numbers of the result, nothing computed anew."""

from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.show.charts import funnel, render, targets
from funnelnb.show.views.registry import view_of

CASE = {"bands": [10_000, 30_000, 50_000], "counts": [61, 30, 12, 5], "currency": "CNY"}


@cache
def made(name):
    book = fn.sample()
    if name == "given":
        return fn.targets.reverse_funnel(wins=38, rates=[0.25, 0.50, 0.75], stages=["a", "b", "c", "d"])
    if name == "late":
        return fn.targets.reverse_funnel(book, wins=20, until="2026-08-15")
    if name == "case":
        return fn.targets.deal_mix(
            amount=500_000, plan=[28, 7, 2, 1], effort=[8, 20, 45, 90], effort_unit="hours", **CASE
        )
    calls = {
        "mix": lambda: fn.targets.deal_mix(book, amount=5e6),
        "quota": lambda: fn.quota(book, period="2026-Q3", by="region", amount=12e6),
        "integrity": lambda: fn.integrity(book),
        "ideal": lambda: fn.ideal_funnel(book, [0.76, 0.77, 0.79, 0.80, 0.84], horizon_days=180),
        "levers": lambda: fn.levers(book, amount=4e6, period="2026-Q4"),
        "shares": lambda: fn.fair_shares(book, period="2026-Q3", capacity={"华东": 1e6}),
        "target": lambda: fn.target(book, period="2026-Q4", amount=14e6),
    }
    return calls[name]()


NAMES = ["given", "late", "case", "mix", "quota", "integrity", "ideal", "levers", "shares", "target"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_everything_shows_in_both_languages(name, lang):
    result = made(name)
    for text in (result.finding(lang), result.text(lang), result.markdown(lang), result.html(lang)):
        assert "{" not in text.replace("{font", "").partition("</style>")[2] or "<style>" in text
        assert "nan" not in text.lower().replace("finance", "")
        assert " inf" not in text
    assert len(result.to_frame()) > 0
    for kind in view_of(result).charts:
        drawn = render.svg(result.chart(kind, lang))
        assert drawn.startswith("<svg")
        assert render.spec(result.chart(kind, lang)) == render.spec(result.chart(kind, lang))


def test_the_worked_case_in_words():
    said = made("case").finding("en")
    assert "takes 37 deals of typical size" in said
    assert (
        "28 + 7 + 2 + 1 brings CNY 435,000 on average and reaches the target with 0.76 % probability" in said
    )
    assert "28 + 7 + 2 + 1 平均带来 43.5 万元，达成概率 0.76%" in made("case").finding("zh")
    assert "408" in made("given").text("zh")


def test_the_bars_of_the_reverse_funnel_are_its_rows():
    rows = targets.reverse_data(made("given"))
    assert [row["plug_in_n"] for row in rows] == [408, 102, 51, 38]
    assert [row["too_late"] for row in targets.reverse_data(made("late"))] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("name", ["case", "quota", "target"])
def test_the_dark_part_of_the_total_is_the_chance(name):
    rows = targets.total_data(made(name))
    result = made(name)
    for what in {row["what"] for row in rows}:
        dark = sum(row["share"] for row in rows if row["what"] == what and row["reached"])
        assert dark == pytest.approx(targets._chance(result, what), abs=0.01)


def test_the_other_charts_hold_the_numbers_of_their_results():
    case = made("case")
    points = targets.chance_data(case)
    assert [row["deal_n"] for row in points if row["mark"] == "required"] == [case.required_n]
    kinds = {row["kind"] for row in targets.frontier_data(case)}
    assert kinds == {"frontier", "cheapest", "plan"}
    assert case.cheapest.mix in {
        row["mix"] for row in targets.frontier_data(case) if row["kind"] == "frontier"
    }
    bars = targets.tornado_data(made("levers"))
    assert [row["end"] for row in bars if row["side"] == "up"] == [
        row.high_rate for row in made("levers").rows
    ]
    assert np.allclose(
        [row["ideal"] for row in funnel.gap_data(made("ideal"))], [0.76, 0.77, 0.79, 0.80, 0.84]
    )


def test_names_that_look_like_markup_are_escaped():
    result = fn.targets.reverse_funnel(wins=5, rates=[0.5], stages=["<script>alert(1)</script>", "won"])
    assert "<script>" not in result.html("en").partition("</style>")[2]
