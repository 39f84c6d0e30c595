"""The answer on top of a page: a headline, three figures, something to do; customers by name unless left out."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import Any

import pytest

import funnelnb as fn
from funnelnb.core import options
from funnelnb.show.charts import render
from funnelnb.show.text.words import words_of
from funnelnb.show.views.briefing import NAME_MOST, shortened
from funnelnb.show.views.briefs import Brief, brief_of
from funnelnb.show.views.registry import chart_of
from tests.show.books import book, company

STEPS = ["home", "search", "product", "cart", "payment", "purchase"]


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[Any, ...]]:
    part = company()
    found = fn.diagnosis.symptoms(part)
    return {
        "data": (fn.harm(part, horizon_days=180),),
        "forecast": (fn.forecast(part, record=False, draws=200),),
        "diagnosis": (found, fn.diagnosis.change(part), fn.diagnosis.why_lost(part)),
        "behaviour": (fn.funnel(fn.notebook.open_events(""), STEPS, within="7d", value="price"),),
        "report": (fn.weekly_report(part), fn.diagnosis.sales_trend(part)),
    }


def said(brief: Brief) -> str:
    lines = [brief.headline, brief.lead]
    lines += [text for one in brief.figures for text in (one.name, one.value, *one.lines)]
    return " ".join([*lines, *(text for one in brief.actions for text in (one.what, one.why))])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("page", ["data", "forecast", "diagnosis", "behaviour", "report"])
def test_a_page_answers_with_three_figures_and_something_to_do(
    results: dict[str, tuple[Any, ...]], page: str, lang: str
) -> None:
    first, *more = results[page]
    brief = brief_of(first, more, lang)
    assert brief.headline
    assert len(brief.figures) == 3
    assert 1 <= len(brief.actions) <= 3
    assert not re.search(r"\bnan\b|\binf\b|None|[{}]|  |\.\.(?!\.)|。。", said(brief))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_reason_of_losses_is_the_commonest_recorded_in_the_stage_that_is_meant(lang: str) -> None:
    part = company()
    found, losses = fn.conversion(part, horizon_days=180), fn.diagnosis.why_lost(part)
    point = found.loss_points[0]
    behind = found.deals(stage=point.stage, outcome="lost")
    deals = part.opportunities.set_index("opportunity_id").loc[behind["opportunity_id"]]
    name, most = Counter(deals["lost_reason"].dropna()).most_common(1)[0]
    words = words_of(found, lang)
    told = words.say("brief.conversion.reason", reason=words.value(name), reason_n=most, lost_n=point.lost_n)
    assert told in brief_of(found, (losses,), lang).actions[-1].why
    assert words.value(name) not in said(brief_of(found, (), lang))  # nothing is named that nobody asked for
    other = fn.diagnosis.why_lost(part.where(owner=str(deals["owner"].iloc[0])))
    assert told not in said(brief_of(found, (other,), lang))  # counts of other deals


def test_customers_go_by_name_unless_names_are_left_out(
    results: dict[str, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set(company().tables["accounts"]["name"])
    for page in ("forecast", "report"):
        first, *more = results[page]
        assert any(name in said(brief_of(first, more, "en")) for name in names)
    monkeypatch.setenv(options.LISTS, "nameless")
    for page, (first, *more) in results.items():
        assert not any(name in said(brief_of(first, more, "en")) for name in names), page


def test_the_numbers_are_those_of_the_results(results: dict[str, tuple[Any, ...]]) -> None:
    harm = results["data"][0]
    brief = brief_of(harm, (), "en")
    assert brief.figures[0].value == str(len(harm.rows))
    report = results["report"][0]
    entries = next(row for row in report.figures if row.figure == "entries")
    assert brief_of(report, (), "en").figures[1].value == str(round(entries.value))


def test_a_book_without_anything_to_say_still_answers() -> None:
    for name in ("one open deal", "all open"):
        for ask in (fn.diagnosis.symptoms, fn.weekly_report, lambda b: fn.harm(b, horizon_days=90)):
            brief = brief_of(ask(book(name)), (), "zh")
            assert brief.headline
            assert brief.actions


def test_the_picture_of_faults_says_which_moves_the_win_rate_most(
    results: dict[str, tuple[Any, ...]],
) -> None:
    harm = results["data"][0]
    rows = chart_of(harm).data(harm)
    shifts = [abs(row["shift"]) for row in rows]
    assert rows
    assert shifts == sorted(shifts, reverse=True)
    assert "Closed on the day they began" in render.svg(chart_of(harm).draw(harm, "en"))
    none = fn.harm(book("ordinary"), horizon_days=90)
    assert "No fault that moves the win rate" in render.svg(chart_of(none).draw(none, "en"))


def test_an_endless_name_is_cut() -> None:
    assert shortened("Huber GmbH") == "Huber GmbH"
    assert len(shortened("L" * 5000)) == NAME_MOST


def test_an_endless_name_is_cut_in_what_a_call_list_says() -> None:
    """A page keeps that sentence where a section is folded."""
    result = fn.call_list(fn.sample())
    rows = (dataclasses.replace(result.rows[0], customer="a b " * 1250), *result.rows[1:])
    assert len(dataclasses.replace(result, rows=rows).finding("en")) < 800
