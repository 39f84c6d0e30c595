"""What is said of data that cannot tell: the reason, never a rate, a verdict or "no deals"; in both languages."""

from __future__ import annotations

import re

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError
from funnelnb.show.text.words import words
from tests.truth import worlds

LANGS = ("en", "zh")
NOBODY = {"en": "There are no deals", "zh": "没有商机，"}
FULL = worlds.export(worlds.draw(worlds.World(), 600, np.random.default_rng(11)), 500)

KINDS = {
    "closed_only": worlds.closed_only(FULL),
    "only_wins": FULL.only(FULL.outcome != "lost"),
    "wins_alone": FULL.only(FULL.outcome == "won"),
    "nobody_decided": FULL.only(FULL.outcome == "open"),
}
BOOKS = {kind: worlds.quick_book(given) for kind, given in KINDS.items()}
UNDATED = worlds.quick_book(worlds.undated_losses(FULL, 0.5, np.random.default_rng(1)))
ASKED = {
    "conversion": lambda book: fn.conversion(book, horizon_days=90),
    "conversion by": lambda book: fn.conversion(book, by="region", horizon_days=90),
    "segments": lambda book: fn.segments(book, by="region", measure="by_day", horizon_days=90),
    "cohort": lambda book: fn.cohort(book, period="quarter", horizon_days=90),
    "reverse": lambda book: fn.targets.reverse_funnel(book, wins=5, horizon_days=90),
    "ageing": fn.ageing,
    "propensity": lambda book: fn.propensity(book, horizon_days=90),
    "properties": fn.six_properties,
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("kind", KINDS)
def test_the_reason_is_said_instead_of_a_rate(kind, asked):
    """No "0 %", no "100 %", no "there are no deals" and no other reason than the true one."""
    result = ASKED[asked](BOOKS[kind])
    assert kind in {note.code for note in result.notes}
    for lang in LANGS:
        said = result.finding(lang)
        headline = said.split("\n")[0]
        assert NOBODY[lang] not in headline
        assert not re.search(r"(?<![\d.])(?:0|100) ?%", headline), headline
        assert "– are won" not in headline
        assert "no dates" not in headline
        assert "none of its" not in headline


def test_times_are_given_where_only_lost_deals_are_missing_and_not_where_open_ones_are():
    """An export of wins alone lacks the slow ones: no median. With the open deals there the wins can be timed."""
    assert np.isnan(fn.duration(BOOKS["wins_alone"]).rows[-1].median_days)
    assert np.isfinite(fn.duration(BOOKS["only_wins"]).rows[-1].median_days)
    whole = fn.conversion(BOOKS["only_wins"], horizon_days=90).overall[0]
    assert np.isnan([whole.so_far_rate, whole.decided_rate, whole.by_day_rate]).all()


def test_losses_that_were_never_marked_do_not_look_stalled():
    book = worlds.quick_book(worlds.losses_never_set(FULL))
    for lang, word in (("en", "won or lost"), ("zh", "输单")):
        assert word not in fn.duration(book).finding(lang)
    assert "not known" in fn.duration(book, to="lose").finding("en").lower()


def test_undated_losses_are_never_fitted_as_ends():
    """Half of the losses without a date: no family is fitted, of the whole or of groups, and the reason is said."""
    for by in (None, "region"):
        result = fn.distribution(UNDATED, by=by, runs=19)
        assert not result.fits
        assert {row.verdict for row in result.rows} == {"losses_undated"}
        assert "no date" in result.finding("en")
        assert "没有日期" in result.finding("zh")
    assert not fn.duration(UNDATED).fits


def test_undated_losses_give_bounds_for_the_cycle():
    """The complete floor's median lies between the bounds that are said."""
    row = fn.duration(UNDATED).rows[-1]
    true = fn.duration(worlds.quick_book(FULL)).rows[-1].median_days
    assert row.undated_n > 50
    assert row.median_ci_lower <= true <= row.median_ci_upper
    assert "between" in fn.duration(UNDATED).finding("en")
    grouped = fn.duration(UNDATED, by="region")
    assert not grouped.gaps
    assert np.isnan(grouped.tests[-1].p_value)
    onward = fn.duration(UNDATED, by="region", to="advance")
    complete = fn.duration(worlds.quick_book(FULL), by="region", to="advance")
    assert onward.tests[-1].p_value == pytest.approx(complete.tests[-1].p_value, abs=0.08)


def test_no_age_is_unusual_that_depends_on_when_losses_fell():
    full, half = fn.stuck(worlds.quick_book(FULL)), fn.stuck(UNDATED)
    assert half.slow_n <= full.slow_n
    assert "stuck_losses_undated" in {note.code for note in half.notes}
    assert not fn.ageing(UNDATED).changes
    exact = {(row.stage, row.from_days): row for row in fn.ageing(worlds.quick_book(FULL)).cells}
    for cell in fn.ageing(UNDATED).cells:
        one = exact[cell.stage, cell.from_days]
        if cell.enough and one.enough and not np.isnan(cell.won_90_rate):
            assert cell.won_90_ci_lower <= one.won_90_rate + 0.02
            assert cell.won_90_ci_upper >= one.won_90_rate - 0.02
            assert cell.watched_n <= one.watched_n
            assert np.isnan(cell.lost_90_rate)


def test_steps_count_no_deal_that_entered_unseen():
    """Records begin on day 200: a step holds those that came into it from then on, counted from the truth."""
    late = worlds.late_history(FULL, 200.0)
    result = fn.conversion(worlds.quick_book(late), horizon_days=90)
    entered, closed = late.deals.entered, late.outcome
    for k, row in enumerate(result.steps):
        mine = (entered[:, k] > 200) & (
            entered[:, k] <= 500
        )  # a row of the first day does not say since when
        first = (entered[:, k] == 200).sum()
        onward = mine & (entered[:, k + 1] <= 500)
        assert mine.sum() <= row.reached_n <= mine.sum() + first
        assert onward.sum() <= row.advanced_n <= onward.sum() + first
        lost = mine & ~(entered[:, k + 1] <= 500) & (closed == "lost")
        assert lost.sum() <= row.lost_n <= lost.sum() + first
        assert row.reached_n == row.advanced_n + row.here_n + row.lost_n + row.left_n
    assert result.overall[0].reached_n == late.n
    assert sum(row.lost_n for row in result.steps) < result.overall[0].lost_n
    assert "whose stage is known" in result.finding("en")


def test_an_earlier_day_bounds_the_share_of_closed_deals():
    """Losses without a date may have been open then: between all lost and none lost."""
    tables = worlds.frames(worlds.undated_losses(FULL, 1.0, np.random.default_rng(1)))
    book = fn.load(tables, playbook=list(worlds.STAGES), as_of="2024-12-01", currency="EUR")
    result = fn.conversion(book, horizon_days=60)
    assert "state_then_unknown" in {note.code for note in result.notes}
    row, day = result.overall[0], 335.0
    won = (FULL.deals.won & (FULL.deals.closed <= day)).sum()
    lost = (~FULL.deals.won & (FULL.deals.closed <= day)).sum()
    assert row.decided_least_rate <= won / (won + lost) <= row.decided_most_rate == 1.0
    assert "to 100 %" in result.text("en")


def test_amounts_of_deals_whose_stage_is_not_known_are_known():
    given = worlds.missing_history(FULL, {"lost": 0.5}, np.random.default_rng(2))
    result = fn.conversion(worlds.quick_book(given), horizon_days=90)
    assert "amount_unknown" not in {note.code for note in result.notes}
    row = result.steps[0]
    parts = row.advanced_amount + row.here_amount + row.lost_amount + row.unplaced_amount
    assert row.reached_amount == pytest.approx(parts)
    assert result.overall[0].amount_n == given.n
    for lang, word in (("en", "Ended, stage"), ("zh", "结束阶段未知")):
        assert word in result.text(lang)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_quick_book_is_the_same_book(seed):
    given = worlds.export(worlds.draw(worlds.World(), 200, np.random.default_rng(seed)), 500)
    for one in (given, worlds.late_history(given, 200.0), worlds.overwritten(given)):
        read, made = worlds.book(one), worlds.quick_book(one)
        first, second = (fn.conversion(book, horizon_days=90).steps for book in (read, made))
        assert [(row.reached_n, row.by_day_rate) for row in first] == [
            (row.reached_n, row.by_day_rate) for row in second
        ]


def then(share):
    """The floor as it was on an earlier day, of which losses without a date hide who was open."""
    tables = worlds.frames(worlds.undated_losses(FULL, share, np.random.default_rng(1)))
    return fn.load(tables, playbook=list(worlds.STAGES), as_of="2024-12-01", currency="EUR")


def test_who_was_open_on_an_earlier_day_is_not_guessed():
    """Every result that rests on it gives the reason instead of a number; those about winning go on."""
    book = then(1.0)
    until = {"until": "2025-03-01"}
    refused = {
        "quota": lambda: fn.quota(book, amount=50_000, **until),
        "target": lambda: fn.target(book, amount=50_000, **until),
        "forecast": lambda: fn.forecast(book, period="2025-Q1"),
        "scorecard": lambda: fn.scorecard(book, every="month"),
        "velocity": lambda: fn.forecasts.velocity(book),
        "stuck": lambda: fn.stuck(book),
        "call list": lambda: fn.call_list(book),
        "wander": lambda: fn.diagnosis.wander(book),
        "symptoms": lambda: fn.symptoms(book),
        "weekly": lambda: fn.weekly_report(book),
    }
    for name, ask in refused.items():
        with pytest.raises(fn.core.errors.MissingDataError, match=r"is not known: (273 of )?273 losses"):
            ask()
            pytest.fail(name)
    day = FULL.deals
    won = (day.won & (day.closed <= 335)).sum()
    for lang, word in (("en", f"{won} won, 273 lost or still open"), ("zh", "输单或当时仍在途 273 单")):
        assert word in fn.overview(book).finding(lang)
    for row in fn.segments(book, by="region").rows:
        assert np.isnan(row.raw_rate)
        assert row.verdict not in ("higher", "lower")
    row = fn.duration(book).rows[-1]
    assert np.isnan(row.median_days)
    assert row.median_ci_upper == np.inf
    assert "at least" in fn.duration(book).finding("en")
    assert fn.cohort(book, every="quarter", horizon_days=60).rows[2].won_rate > 0.05


def test_a_few_unknown_states_are_told_and_not_refused():
    """One loss of fifty without a date moves no figure by much: the number stands, with the note."""
    result = fn.quota(then(0.02), amount=50_000, until="2025-03-01")
    assert "state_then_unknown" in {note.code for note in result.notes}
    assert result.chance_rate > 0.9


def test_forecasts_are_not_replayed_over_losses_without_a_date():
    with pytest.raises(fn.core.errors.MissingDataError, match="open on past days is not known"):
        fn.scorecard(UNDATED, every="month")
    result = fn.forecast(UNDATED, period="2025-Q3")
    assert result.record is None
    assert "forecast_not_replayed" in {note.code for note in result.notes}


def test_times_of_groups_that_are_known_afterwards_name_nobody():
    """A customer's kind that is written only when a deal closes: the open ones are no slow group."""
    kind = np.where(FULL.outcome == "open", "", np.where(np.arange(FULL.n) % 2, "A", "B"))
    book = worlds.quick_book(worlds.replace(FULL, extra={"segment": kind}))
    times = fn.duration(book, by="segment")
    assert not times.gaps
    assert np.isnan([one.p_value for one in times.tests]).all()
    for result in (
        times,
        fn.conversion(book, by="segment", horizon_days=90),
        fn.segments(book, by="segment"),
    ):
        assert "known_afterwards" in {note.code for note in result.notes}
        assert "no group is named" in result.finding("en")
        assert "不点名" in result.finding("zh")


# ---- Periods: what came, what was lost and what was in hand, where deals were left out or have no dates ---------


LEFT_OUT = ("closed_only", "only_wins", "wins_alone")
FIGURES = {
    "closed_only": {"entries", "in_hand", "in_hand_amount"},
    "only_wins": {"entries", "losses", "win_rate"},
    "wins_alone": {"entries", "in_hand", "in_hand_amount", "losses", "win_rate"},
}


def weekly(book):
    return fn.weekly_report(book, period="month")


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_a_report_of_a_period_tells_only_what_the_data_know(kind):
    result = weekly(BOOKS[kind])
    hidden = {row.figure for row in result.figures if np.isnan(row.value)}
    assert hidden == FIGURES[kind]
    assert not any(row.change for row in result.figures if row.figure in hidden)
    parts = {"entered_n": "entries", "here_n": "in_hand", "loss_n": "losses"}
    for row in result.parts:
        for name, figure in parts.items():
            assert np.isnan(getattr(row, name)) == (figure in hidden)
    assert all(np.isnan(row.reached_n) for row in result.stages[:-1])
    assert np.isfinite(result.stages[-1].reached_n)
    for lang in LANGS:
        assert not re.search("nan|新增|new deal", result.finding(lang).split("\n")[0])
        assert "nan" not in result.text(lang)


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_no_trend_no_change_and_no_symptom_of_deals_that_were_left_out(kind):
    """The last months of an export without open deals look as if nobody came any more."""
    book = BOOKS[kind]
    for asked in (
        lambda: fn.diagnosis.change(book),
        lambda: fn.diagnosis.change(book, measure="win_rate"),
        lambda: fn.diagnosis.sales_trend(book, measure="entries"),
        lambda: fn.diagnosis.verdict(book, str(book.as_of - np.timedelta64(60, "D"))[:10], measure="entries"),
    ):
        with pytest.raises(MissingDataError, match="is not known"):
            asked()
    needs = {row.rule: row.needs for row in fn.symptoms(book).rules}
    assert needs["thin_top"] == needs["leaking_step"] == "all_deals"
    days = [str(book.as_of - np.timedelta64(back, "D"))[:10] for back in (100, 99)]
    moved = fn.targets.before_after(book, at=days[1])
    assert {row.verdict for row in moved.changes if row.property == "number"} == {"unknown"}
    assert "nan" not in moved.text()


def test_losses_without_dates_are_in_no_period():
    result = weekly(UNDATED)
    known = {row.figure: (row.value, row.before_value) for row in result.figures}
    assert np.isnan([*known["losses"], *known["win_rate"], *known["in_hand"]]).all()
    last = fn.weekly_report(UNDATED, period="week")
    assert str(last.ends) < str(UNDATED.as_of)[:10], "what was in hand then is not known either"
    assert all(np.isnan(row.here_n) for row in (*last.parts, *last.stages[:-1]))
    assert known["orders"][0] > 0
    assert "period_losses_undated" in {note.code for note in result.notes}
    for measure in ("bookings", "cycle"):
        with pytest.raises(MissingDataError, match="losses have no date"):
            fn.diagnosis.change(UNDATED, measure=measure)
    full = fn.diagnosis.change(worlds.quick_book(FULL), measure="win_rate")
    same = fn.diagnosis.change(UNDATED, measure="win_rate")  # by the horizon an undated loss is never won
    assert same.after_total == pytest.approx(full.after_total)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", ["closed_only", "wins_alone"])
def test_open_deals_that_were_left_out_are_not_absent(kind, lang):
    """No "there are no open deals, so there is nobody to call" where the export left them out."""
    reason = words(lang).get(f"unjudged.{kind}")
    for asked in (fn.stuck, fn.call_list, fn.six_properties):
        assert asked(BOOKS[kind]).finding(lang).startswith(reason)
    assert words(lang).get(f"unjudged.short.{kind}") in fn.diagnosis.harm(BOOKS[kind]).finding(lang)


def test_no_share_won_of_data_without_losses():
    marked = {**BOOKS, "never_set": worlds.quick_book(worlds.losses_never_set(FULL))}
    for kind in ("only_wins", "wins_alone", "never_set"):
        found = fn.diagnosis.wander(marked[kind])
        assert np.isnan([row.win_rate for row in (*found.paths, *found.rounds)]).all()
        assert "nan" not in found.text()
        with pytest.raises(MissingDataError):
            fn.forecasts.calibration(marked[kind])
    assert "never marked" in fn.distribution(marked["never_set"]).finding("en")
    assert "never marked" in fn.stuck(marked["never_set"]).finding("en")


def test_a_date_that_is_missing_moves_no_win_rate():
    """How a deal ended is known without its date."""
    for book in (UNDATED, worlds.quick_book(worlds.undated_losses(FULL, 1.0, np.random.default_rng(2)))):
        (row,) = [row for row in fn.diagnosis.harm(book).rows if row.finding == "undated_losses"]
        assert row.deal_n > 100
        effects = {one.measure: one for one in row.effects}  # nor is a date made up for them: bounds only
        assert all(np.isnan(one.mended) and not one.clear for one in row.effects)
        assert effects["win_rate"].least == effects["win_rate"].as_is == effects["win_rate"].most
