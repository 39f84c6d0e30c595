"""Durations in words and charts: both languages, the numbers of the result."""

import dataclasses
import itertools
import json
import re
from functools import cache

import pytest

import funnelnb as fn
from funnelnb.show.charts import ageing_heat, distribution, duration, render
from funnelnb.show.views.registry import view_of
from tests.show import golden
from tests.show.test_charts import boxes, named_data


@cache
def made(name):
    book = fn.sample()
    calls = {
        "whole": lambda: fn.duration(book),
        "regions": lambda: fn.duration(book, by="region"),
        "advance": lambda: fn.duration(book, to="advance"),
        "lose": lambda: fn.duration(book, stage="negotiation", to="lose", by="region"),
    }
    return calls[name]()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["whole", "regions", "advance", "lose"])
def test_everything_shows_in_both_languages(name, lang):
    result = made(name)
    for text in (result.finding(lang), result.text(lang), result.markdown(lang), result.html(lang)):
        assert "nan" not in text.lower().replace("finance", "")
        assert " inf" not in text
    assert len(result.to_frame()) == len(result.rows)
    for kind in view_of(result).charts:
        assert render.svg(result.chart(kind, lang)).startswith("<svg")


def test_the_finding_names_both_medians():
    said = made("whole").finding("en")
    assert "takes 67 days (median of 4,000 deals). Counted with their age so far: 624 open deals" in said
    assert "624 open deals and 203 closed without a decision." in said
    assert "Finished deals alone would give 53 days, which is too short" in said
    assert "只看已结束的商机会算成 53 天，偏短" in made("whole").finding("zh")


def test_what_is_not_reached_is_an_answer():
    assert "fewer than half of 4,000 deals are won within the 478 days observed" in made("advance").finding(
        "en"
    )
    assert "未达到" in made("advance").text("zh")


def test_charts_hold_the_numbers_of_the_result():
    result = made("regions")
    rows = duration.survival_data(result)
    assert {row["group"] for row in rows} == {row.group for row in result.rows}
    start = [row["not_yet_rate"] for row in rows if row["day"] == 0]
    assert max(start) <= 1
    boxes = duration.duration_box_data(result)
    assert [row["median_days"] for row in boxes] == [row.median_days for row in result.rows]


@cache
def stuck_or_age(name):
    book = fn.sample()
    calls = {
        "stuck": lambda: fn.stuck(book),
        "stuck_by": lambda: fn.stuck(book, by="region", false_alarm_rate=0.3),
        "ageing": lambda: fn.ageing(book),
    }
    return calls[name]()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["stuck", "stuck_by", "ageing"])
def test_stuck_deals_and_ageing_show_in_both_languages(name, lang):
    result = stuck_or_age(name)
    for text in (result.finding(lang), result.text(lang), result.markdown(lang), result.html(lang)):
        assert "nan" not in text.lower().replace("finance", "")
        assert " inf" not in text
    assert len(result.to_frame()) > 0
    for kind in view_of(result).charts:
        assert render.svg(result.chart(kind, lang)).startswith("<svg")


def test_the_heat_map_marks_cells_that_cannot_be_told():
    rows = ageing_heat.ageing_heat_data(stuck_or_age("ageing"))
    assert {row["kind"] for row in rows} == {"known", "few", "unseen"}
    assert all((row["kind"] == "few") == (row["watched_n"] < 10) for row in rows)


@cache
def distributed(name):
    book = fn.sample()
    calls = {
        "whole": lambda: fn.distribution(book, stage="qualify", runs=39),
        "regions": lambda: fn.distribution(book, by="region", runs=19, calendar="business"),
        "few": lambda: fn.distribution(book.where(region="Iberia"), family="generalised_gamma", runs=19),
        "none": lambda: fn.distribution(book.where(region="Iberia", segment="Key account"), stage="qualify"),
    }
    return calls[name]()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["whole", "regions", "few", "none"])
def test_distributions_show_in_both_languages(name, lang):
    result = distributed(name)
    for text in (result.finding(lang), result.text(lang), result.markdown(lang), result.html(lang)):
        assert "nan" not in text.lower().replace("finance", "")
        assert " inf" not in text
        assert "<<" not in text
    assert len(result.to_frame()) == len(result.rows)
    for kind in view_of(result).charts:
        assert render.svg(result.chart(kind, lang)).startswith("<svg")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_distribution_reads_as_stored(lang):
    result = distributed("whole")
    golden.check(f"distribution.{lang}.txt", result.text(lang) + "\n\n" + result.finding(lang))


def test_the_finding_says_what_a_distribution_may_be_used_for():
    result = distributed("whole")
    assert (
        "(Weibull, 8.4 % on the same day) is within 1.9 points of the observed share at every age"
        in result.finding("en")
    )
    assert "up to 183 days" in result.finding("en")
    assert "183 天以内可用于" in result.finding("zh")
    (row,) = result.rows
    for trust, says in (
        ("describes", "a distribution describes the days of 2,811 deals (Weibull, 8.4 % on the same day)"),
        ("unproven", "2,811 deals are too few to tell"),
        ("untested", "could not be tested"),
        ("no", "is 1.9 points away from the observed share at 6 days. Do not use it"),
    ):
        told = dataclasses.replace(result, rows=(dataclasses.replace(row, trust=trust),))
        assert says in told.finding("en")
        assert told.finding("zh")
    dead = dataclasses.replace(row, never=True, never_share=0.2, never_ci_lower=0.18, never_ci_upper=0.22)
    told = dataclasses.replace(result, rows=(dataclasses.replace(dead, plateau_share=0.21),))
    assert (
        "According to the fit, 20.0 % (18.0–22.0) of all deals never end; 21.0 % were not finished"
        in told.finding("en")
    )
    assert "Weibull, 20.0 % never end, 8.4 % on the same day" in told.text("en")


def test_what_is_not_to_be_used_is_drawn_broken_and_its_remaining_times_are_not_told():
    result = distributed("whole")
    (row,) = result.rows
    never = dataclasses.replace(result, rows=(dataclasses.replace(row, trust="no", verdict="too_far"),))
    assert "Half finish" in result.text("en")
    assert "Half finish" not in never.text("en")
    for kind in ("fit", "density"):
        solid, broken = (json.dumps(render.spec(one.chart(kind, "en"))) for one in (result, never))
        assert solid.count("[6, 3]") == 0
        assert broken.count("[6, 3]") == 1


def test_charts_of_a_distribution_hold_its_numbers():
    result = distributed("whole")
    rows = distribution.distribution_fit_data(result)
    (curve,) = result.curves
    assert {row["fitted_rate"] for row in rows} <= set(curve.fitted_rate.tolist())
    parts = distribution.distribution_density_data(result)
    assert [row["share"] for row in parts if row["part"] == "bar"] == [
        one.per_day_share for one in result.bins
    ]
    uprights = [row["day"] for row in parts if row["part"] == "upright"]
    assert uprights == [one.fitted_days for one in result.quantiles]
    pairs = distribution.distribution_quantiles_data(result)
    assert [row["observed"] for row in pairs] == result.pairs[0].observed_days.tolist()
    assert {row["trusted"] for row in pairs} == {True, False}


def test_where_nothing_can_be_fitted_the_charts_say_so():
    result = distributed("none")
    (row,) = result.rows
    assert row.family == ""
    for kind in ("fit", "density", "quantiles"):
        title = " ".join(render.spec(result.chart(kind, "en"))["title"]["text"])
        assert title == result.finding("en").splitlines()[0]


def test_a_share_that_never_ends_stands_beside_the_family():
    result = made("whole")
    first = next(fit for fit in result.fits if fit.overall and fit.rank == 1)
    dead = {"never": True, "never_share": 0.136, "never_ci_lower": 0.128, "never_ci_upper": 0.145}
    fits = tuple(dataclasses.replace(fit, **dead) if fit is first else fit for fit in result.fits)
    told = dataclasses.replace(result, fits=fits)
    assert "13.6 % never end" in told.text("en")
    assert "13.6 % (12.8–14.5)" in told.text("en")
    assert "13.6% 永不结束" in told.text("zh")
    assert "13.6 % never end" in json.dumps(render.spec(told.chart("survival", "en")), ensure_ascii=False)
    assert "Never end" not in result.text("en")


CHARTS = [
    (make, name, kind)
    for make, name, kinds in (
        (made, "whole", ("survival", "box")),
        (made, "regions", ("survival", "box")),
        (made, "advance", ("survival", "box")),
        (made, "lose", ("survival", "box")),
        (stuck_or_age, "ageing", ("ageing",)),
        *(
            (distributed, name, ("fit", "density", "quantiles"))
            for name in ("whole", "regions", "few", "none")
        ),
    )
    for kind in kinds
]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("make", "name", "kind"), CHARTS)
def test_no_words_collide_or_leave_the_picture(make, name, kind, lang):
    spec = render.spec(make(name).chart(kind, lang))
    assert set(named_data({key: one for key, one in spec.items() if key != "datasets"})) == set(
        spec["datasets"]
    )
    assert re.search("30 June 2026|2026 年 6 月 30 日", spec["title"]["subtitle"][0])
    found, wide, high = boxes(render.svg(spec))
    for left, top, right, bottom, words in found:
        assert left > -2, words
        assert right < wide + 6, words
        assert -2 < top < bottom < high + 2, words
    for one, other in itertools.combinations(found, 2):
        over = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
        assert min(over) < 1.5, (one[4], other[4])


def test_a_fall_is_told_with_both_intervals_and_only_when_clear():
    result = stuck_or_age("ageing")
    assert (
        "falls from 84.1 % (81.6–86.4) after 0–14 days to 63.6 % (47.0–80.0) after 60–89 days"
        in result.finding("en")
    )
    assert "The change is clear in 2 of 5 stages" in result.finding("en")
    assert "时为 84.1%（81.6–86.4），60–89 天时为 63.6%（47.0–80.0）" in result.finding("zh")
    unclear = tuple(dataclasses.replace(row, clear=False) for row in result.changes)
    level = dataclasses.replace(result, changes=unclear)
    assert level.finding("en").startswith("In no stage does the chance to win within 90 days change clearly")
    assert "−20.5 points (−36.6 to −4.5)" in level.finding("en")
    assert "都不随停留天数明显变化" in level.finding("zh")
    assert "The data do not reach 90 days ahead" in dataclasses.replace(result, changes=()).finding("en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_heat_map_holds_each_chance_with_its_interval(lang):
    result = stuck_or_age("ageing")
    rows = render.spec(result.chart("ageing", lang))["datasets"]["cells"]
    for row, cell in zip(rows, result.cells, strict=True):
        assert row["won_90_ci_lower"] == (cell.won_90_ci_lower if row["kind"] == "known" else None)
        assert bool(row["range"]) == (row["kind"] == "known")
    assert rows[0]["range"] == "8.0–9.6"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["stuck", "ageing"])
def test_stuck_deals_and_ageing_read_as_stored(name, lang):
    result = stuck_or_age(name)
    golden.check(f"{name}.{lang}.txt", result.text(lang) + "\n\n" + result.finding(lang))


def test_where_none_is_stuck_the_list_says_whom_to_ask_first():
    result = stuck_or_age("stuck")
    assert result.listed_n == 0
    heads = result.text("en").splitlines()[2]
    assert "Stalled" not in heads
    assert "Adjusted chance" not in heads
    said = result.finding("en")
    assert "but 68 are slow (EUR 6.44 M): nine in ten normal deals leave their stage sooner" in said
    assert "90 would be slow. Most unusual: Lindmarken Stål Oy (deal D1542)" in said
    assert said.count("Ask about the slow deals first") == 1
    assert "有 68 单偏慢（644 万欧元）" in result.finding("zh")
    quick = tuple(dataclasses.replace(deal, slow=False) for deal in result.deals)
    nobody = dataclasses.replace(result, deals=quick, slow_n=0, slow_amount=float("nan"))
    assert "none is slow" in nobody.finding("en")
    assert "Most unusual: Lindmarken Stål Oy (deal D1542)" in nobody.finding("en")


def test_where_some_are_stuck_the_list_shows_which():
    result = stuck_or_age("stuck")
    listed = tuple(dataclasses.replace(deal, listed=deal.rank < 4) for deal in result.deals)
    some = dataclasses.replace(result, deals=listed, listed_n=3, listed_amount=334_500.0)
    text = some.text("en")
    assert "Stalled" in text
    assert "Chance of" not in text.splitlines()[1]
    assert "3 of 624 open deals are stalled (EUR 334,500)" in some.finding("en")


@pytest.mark.parametrize(("days", "shown"), [(90.0, False), (70.0, True), (float("nan"), False)])
def test_days_ahead_stand_in_the_table_only_where_they_are_fewer_than_asked(days, shown):
    result = stuck_or_age("stuck")
    deals = tuple(
        dataclasses.replace(deal, win_days=days if deal.rank == 5 else 90.0) for deal in result.deals
    )
    text = dataclasses.replace(result, deals=deals).text("en")
    assert ("Days ahead" in text) == shown
