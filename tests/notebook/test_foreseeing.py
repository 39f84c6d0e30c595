"""The controls over a forecast: a past quarter is replayed week by week, with what came."""

import funnelnb as fn
from tests.test_extremes import BOOKS, deals, made


def test_a_quarter_is_replayed_week_by_week():
    shown = fn.widgets.explore_forecast(fn.sample())
    assert shown.parameters() == {"period": "2026-Q3", "by": None, "amount": None, "as_of": None}
    shown.period.value = "2026-Q1"
    assert shown.day.options[:2] == ("2025-12-31", "2026-01-07")
    shown.day.value = shown.day.options[6]
    assert shown.parameters()["as_of"] == "2026-02-11"
    assert str(shown.result.as_of)[:10] == "2026-02-11" and shown.result.came_amount > 0
    early = shown.result.whole
    shown.day.value = shown.day.options[-1]
    late = shown.result.whole
    assert late.q90_amount - late.q10_amount < early.q90_amount - early.q10_amount
    shown.group.value = "region"
    assert {row.group for row in shown.result.rows} > {("DACH",)}
    shown.target.value = 9e6
    assert shown.result.whole.target_amount == 9e6
    assert "svg" in shown._still() or "img" in shown._still()


def test_words_are_chinese_where_asked():
    shown = fn.widgets.explore_forecast(fn.sample(), lang="zh")
    assert shown.day.description == "预测日" and "预计" in shown._finding()


def test_a_state_that_cannot_be_shown_says_why_and_names_are_no_markup():
    shown = fn.widgets.explore_forecast(made("one open deal", BOOKS["one open deal"]()))
    page = shown._repr_mimebundle_()
    assert "the chance of open deals is not known" in page["text/plain"]
    assert "the chance of open deals is not known" in page["text/html"]
    shown = fn.widgets.explore_forecast(made("odd", deals(48, region=["<b>", "South"] * 24)), by="region")
    shown.group.options = [("<b>x", "region"), ("", "")]
    shown.group.value = "region"
    page = shown._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;x" in page and "<b>x" not in page
