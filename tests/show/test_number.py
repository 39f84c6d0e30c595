"""Numbers are spelled as the language spells them, and never say more than is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from funnelnb.show.text.words import words

EN, ZH = words("en").numbers, words("zh").numbers


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (0.6315, "63.1 %", "63.1%"),  # 63.15 lies below one half in binary
        (0.0, "0 %", "0%"),
        (1.0, "100 %", "100%"),
        (0.05, "5.0 %", "5.0%"),
        (0.0082, "0.82 %", "0.82%"),
        (0.00001, "under 0.01 %", "不足 0.01%"),
        (0.99996, "over 99.9 %", "超过 99.9%"),
        (math.nan, "–", "–"),
    ],
)
def test_percent(value, en, zh):
    assert EN.percent(value) == en
    assert ZH.percent(value) == zh


def test_interval_keeps_the_decimals_of_its_rate():
    assert EN.interval(0.632, 0.6221, 0.6409) == "63.2 % (62.2–64.1)"
    assert ZH.interval(0.632, 0.6221, 0.6409) == "63.2%（62.2–64.1）"
    assert EN.interval(0.0082, 0.0016, 0.0418) == "0.82 % (0.16–4.18)"
    assert EN.interval(1.0, 0.969, 1.0) == "100 % (96.9–100)"
    assert EN.interval(0.0, 0.0, 0.031) == "0 % (0–3.1)"
    assert EN.interval(1.0, 0.9998, 1.0) == "100 % (99.98–100)"
    assert EN.interval(math.nan, 0.1, 0.2) == "–"
    assert EN.interval(0.5, math.nan, math.nan) == "50.0 %"


@pytest.mark.parametrize(
    ("value", "currency", "en", "zh"),
    [
        (10_005_534, "USD", "USD 10 M", "1,001 万美元"),
        (2_360.91, "USD", "USD 2,361", "2,361 美元"),
        (1_117, "", "1,117", "1,117"),
        (99.5, "CNY", "CNY 99.50", "99.50 元"),
        (230_000_000, "CNY", "CNY 230 M", "2.3 亿元"),
        (1_500_000_000, "SEK", "SEK 1.5 bn", "15 亿 SEK"),
        (-25_000, "CNY", "CNY −25,000", "−2.5 万元"),
        (9_170_900, "EUR", "EUR 9.17 M", "917 万欧元"),
        (1_320_000, "EUR", "EUR 1.32 M", "132 万欧元"),
        (12_370_000, "EUR", "EUR 12.4 M", "1,237 万欧元"),
        (86_000, "CNY", "CNY 86,000", "8.6 万元"),
        (math.nan, "CNY", "–", "–"),
    ],
)
def test_amount(value, currency, en, zh):
    assert EN.amount(value, currency) == en
    assert ZH.amount(value, currency) == zh


def test_a_column_of_amounts_has_one_unit():
    sizes = [3_346_293.0, 90.0, math.nan]
    assert [EN.bare_amount(x, EN.scale(sizes)) for x in sizes] == ["3,346,293", "90", "–"]
    assert ZH.scale(sizes).word == "万"
    assert [ZH.bare_amount(x, ZH.scale(sizes)) for x in sizes] == ["334.6", "0.01", "–"]
    assert ZH.bare_amount(0.0, ZH.scale(sizes)) == "0"
    assert ZH.scale([5_000.0]).word == ""
    assert ZH.scale([2e9]).word == "亿"


def test_days_dates_and_the_rest():
    assert [EN.days(x) for x in (1, 1.0, 180, 47.99, 2.5, math.nan)] == [
        "1 day", "1 day", "180 days", "48 days", "2.5 days", "–",
    ]  # fmt: skip
    assert ZH.days(180) == "180 天"
    assert EN.date(np.datetime64("2026-06-30T23:59:59")) == "2026-06-30"
    assert EN.date(np.datetime64("NaT", "D")) == EN.long_date(np.datetime64("NaT", "D")) == "–"
    assert EN.text(np.datetime64("2026-06-30T23:59:59"), "text") == "30 June 2026"
    assert ZH.text(np.datetime64("2026-06-03"), "date") == "2026 年 6 月 3 日"
    assert [EN.p_value(x) for x in (0.0004, 0.0123, 0.0994, 0.2, 1.0, math.nan)] == [
        "< 0.001", "0.012", "0.099", "0.20", "1.00", "–",
    ]  # fmt: skip
    assert [EN.level(x) for x in (0.9, 0.95, 0.998)] == ["90 %", "95 %", "99.8 %"]
    assert EN.points_interval(-0.0321, -0.05, 0.001) == "−3.2 points (−5.0 to +0.1)"
    assert ZH.points(0.0004) == "0.0 个百分点"
    assert EN.count(8_800) == "8,800"


def test_lists_read_as_the_language_reads():
    assert EN.join(["a"]) == "a"
    assert EN.join("abc") == "a, b and c"
    assert ZH.join("abc") == "a、b、c"
    assert EN.join([]) == ""


def test_values_without_a_unit_go_by_their_kind():
    assert EN.text(np.int64(1200), "text") == "1,200"
    assert EN.text(True, "text") == "yes"
    assert EN.text(("East", 3), "text") == "East and 3"
    assert EN.text(np.float64("nan"), "text") == "–"
    assert EN.text(None, "count") == "–"
