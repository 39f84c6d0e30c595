"""What a result says in words: the answer with n and interval, no more than is known, nobody slandered."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest

from funnelnb.show.text.words import words
from funnelnb.show.views.registry import NAMED, finding_of, finding_text, name_some
from tests.show import golden, made

NAN = math.nan
LANGS = ["en", "zh"]


def similar():
    return made.segments({"A": (100, 50), "B": (120, 61), "C": (90, 44)}, by=("region",))


def few_segments():
    return made.segments({"A": (9, 5), "B": (4, 1)}, by=("region",))


def higher_only():
    return made.segments({"A": (300, 210), "B": (300, 150), "C": (300, 150), "D": (300, 150)}, by=("region",))


def no_mature():
    result = made.cohorts()
    return dataclasses.replace(result, rows=result.rows[-3:])


def all_mature():
    result = made.cohorts()
    return dataclasses.replace(result, rows=result.rows[:3])


def unclear():
    result = made.company()
    point = dataclasses.replace(result.loss_points[0], clear=False, lost_amount=NAN)
    return dataclasses.replace(result, loss_points=(point,))


def no_loss():
    result = made.company()
    none_lost = tuple(dataclasses.replace(row, lost_n=0) for row in result.overall)
    return dataclasses.replace(result, loss_points=(), overall=none_lost)


def apart():
    result = made.regions()
    low = dataclasses.replace(result.overall[1], by_day_rate=0.05, by_day_ci_lower=0.04, by_day_ci_upper=0.07)
    return dataclasses.replace(result, overall=(result.overall[0], low, *result.overall[2:]))


def all_few():
    return made.conversion({("A",): ([(6, 0, 1, 0)] * 1, 1.0), ("B",): ([(4, 1, 1, 0)], 1.0)}, by=("region",))


def tiny():
    return made.conversion(
        {(): ([(7, 1, 2, 0), (4, 0, 1, 0), (3, 0, 0, 0), (3, 0, 1, 0), (2, 0, 0, 0)], 5.0)}
    )


CASES = {
    one.__name__: one
    for one in (
        made.company, made.weekly, made.regions, made.empty, made.segments, made.cohorts, similar, few_segments,
        higher_only, no_mature, all_mature, unclear, no_loss, apart, all_few, tiny,
    )
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGS)
def test_findings_stand_as_stored(lang):
    told = [f"[{name}]\n{finding_text(make(), lang)}\n" for name, make in CASES.items()]
    golden.check(f"findings.{lang}.txt", "\n".join(told))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", CASES)
def test_findings_are_whole_sentences(name, lang):
    found = finding_of(CASES[name](), lang)
    stop = "。" if lang == "zh" else "."
    assert found.headline.endswith(stop)
    assert found.detail == "" or found.detail.endswith(stop)
    assert found.unsaid.endswith(stop)
    text = finding_text(CASES[name](), lang)
    assert not re.search(r"\bnan\b|None(?! of)|\{|\}|  ", text)
    assert text.count("\n") == 1


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", ["company", "segments", "higher_only", "cohorts", "apart", "weekly"])
def test_every_rate_in_the_headline_has_its_interval_and_n(name, lang):
    headline = finding_of(CASES[name](), lang).headline
    rates = re.findall(r"\d\s?%(?=[^–\d])", headline)
    intervals = re.findall(r"[(（]<? ?[\d.]+–[\d.]+[)）]", headline)
    companions = 2 if name == "company" else 0  # lost and open stand beside the one headline rate
    assert len(intervals) == len(rates) - companions >= 1
    assert re.search(r"\d (closed )?deals" if lang == "en" else r"\d 单", headline)


def test_too_few_gives_no_rate():
    assert finding_of(tiny(), "en").headline == "Only 7 deals: too few for a conversion rate."
    assert "%" not in finding_of(tiny(), "en").headline + finding_of(tiny(), "en").detail
    assert "%" not in finding_of(few_segments(), "en").headline


def test_the_loss_point_comes_with_its_money_and_its_doubt():
    assert "worth CNY 76 M" in finding_of(made.company(), "en").detail
    doubtful = finding_of(unclear(), "en").detail
    assert "not clearly more than in another stage" in doubtful
    assert "worth" not in doubtful
    assert finding_of(no_loss(), "en").detail.endswith("No deal is recorded as lost.")


def test_groups_that_overlap_are_not_named():
    text = finding_text(made.regions(), "en")
    assert "overlap" in text
    assert not any(name in text for name in ("East", "North", "South", "West"))
    assert "North 华北" in finding_of(apart(), "en").headline


def test_segments_that_cannot_be_told_apart_are_not_named():
    text = finding_text(made.segments(), "en")
    named = [row for row in made.segments().rows if row.group[0] in text]
    assert {row.verdict for row in named} == {"higher", "lower"}
    assert "A" not in re.findall(r"\b[ABC]\b", finding_text(similar(), "en"))
    assert "or who works better" in text


def test_long_lists_are_counted():
    say = words("en")
    names = [f"g{k}" for k in range(NAMED + 4)]
    assert name_some(names, say) == "g0, g1, g2 and 4 more"
    assert name_some(names[:NAMED], say) == "g0, g1 and g2"


def test_a_name_with_braces_stays_a_name():
    result = made.segments({"{rate}": (300, 240), "B": (300, 150), "C": (300, 150)})
    assert "{rate} with 80.0 %" in finding_of(result, "en").headline
