"""The scorecard: hand counts of rivals, nothing of the future, better than what people use."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.forecast import scorecard as cards
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.conftest import ROOT


@cache
def sample(as_of=None):
    return fn.sample(as_of=as_of) if as_of else fn.sample()


def won(book, start, end):
    deals = book.opportunities
    mine = (deals["outcome"] == "won") & (deals["closed_at"] >= start) & (deals["closed_at"] < end)
    return deals.loc[mine, "amount"].sum()


def test_what_came_and_what_the_past_said_by_hand():
    card = fn.forecasts.scorecard(sample(), "quarter", leads=(0, -30), most=3)
    row = next(row for row in card.rows if row.period == "2026-Q2" and row.lead_days == 0)
    assert str(row.made_on) == "2026-03-31"
    assert row.came_amount == won(sample(), "2026-04-01", "2026-07-01")
    assert row.last_period_amount == won(sample(), "2026-01-01", "2026-04-01")
    assert row.last_year_amount == won(sample(), "2025-04-01", "2025-07-01")
    assert row.run_rate_amount == pytest.approx(won(sample(), "2026-01-01", "2026-04-01") / 90 * 91)
    inside = next(row for row in card.rows if row.period == "2026-Q2" and row.lead_days == -30)
    assert str(inside.made_on) == "2026-04-30"
    so_far = won(sample(), "2026-04-01", "2026-05-01")
    assert inside.run_rate_amount == pytest.approx(
        so_far + won(sample(), "2026-01-31", "2026-05-01") / 90 * 61
    )
    assert inside.q05_amount >= so_far


def test_the_weighted_pipeline_by_hand():
    weights = {stage.id: 0.5 for stage in sample().playbook.stages[: sample().playbook.won]}
    card = fn.forecasts.scorecard(sample(), "quarter", leads=0, most=2, weights=weights)
    then = sample("2026-03-31").opportunities
    still = then[then["outcome"] == "open"]
    row = next(row for row in card.rows if row.period == "2026-Q2")
    known = 0.5 * still["amount"].sum()
    assert known <= row.weighted_amount <= known * 1.05  # deals without an amount count with the usual size


def test_an_earlier_score_does_not_change_when_later_rows_come():
    late, early = (
        fn.forecasts.scorecard(sample(), leads=(0, 30)),
        fn.forecasts.scorecard(sample("2026-03-31"), leads=(0, 30)),
    )
    before = {(row.period, row.lead_days): row for row in late.rows}
    assert len(early.rows) > 4
    for row in early.rows:
        assert repr(before[row.period, row.lead_days]) == repr(row)


def test_widths_come_from_earlier_periods_only():
    card = fn.forecasts.scorecard(sample(), "month", leads=0)
    assert card.rows[0].width_factor == 1.0
    assert any(row.width_factor != 1.0 for row in card.rows[2:])
    (lead,) = card.leads
    assert lead.inside_80_rate == np.mean([row.inside_80 for row in card.rows])
    assert lead.crps_amount == pytest.approx(np.mean([row.crps_amount for row in card.rows]))


def test_few_periods_do_not_separate():
    card = fn.forecasts.scorecard(sample(), "quarter", leads=0, most=2)
    assert {row.verdict for row in card.rivals} <= {"too_few", "not_separable"}


@pytest.mark.realdata
def test_maven_month_ends_are_nearer_than_weighted_pipeline_and_run_rate(shared_data):
    book = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    for kind in ("month", "quarter"):
        card = fn.forecasts.scorecard(
            book, kind, leads=(0, 30, 60) if kind == "month" else 0, weights={"engaging": 0.5}
        )
        rivals = [row for row in card.rivals if row.rival in ("weighted", "run_rate")]
        assert rivals and all(row.crps_amount < row.rival_crps_amount for row in rivals)


def test_snapshots_tell_what_sellers_said(tmp_path):
    store = fn.forecasts.snapshots(tmp_path)
    days = ("2025-09-30", "2025-12-31", "2026-03-31", "2026-06-30")
    for day in days:
        store.append(sample(day))
    card = fn.forecasts.scorecard(store, "quarter", leads=0)
    assert card.source == "snapshots" and [str(row.made_on) for row in card.rows] == list(days[:3])
    row = card.rows[-1]
    then = sample("2026-03-31").opportunities
    still = then[(then["outcome"] == "open") & (then["expected_close_at"] <= "2026-06-30")]
    assert still["amount"].sum() <= row.expected_closes_amount <= still["amount"].sum() * 1.1
    plain = {row.period: row for row in fn.forecasts.scorecard(sample(), "quarter", leads=0).rows}
    assert plain[row.period].came_amount == row.came_amount and np.isnan(
        plain[row.period].expected_closes_amount
    )


@pytest.mark.parametrize(
    ("source", "changes", "error", "says"),
    [
        (None, {"every": "week"}, ParameterError, "every = 'week'"),
        (None, {"leads": ()}, ParameterError, "leads"),
        (None, {"leads": (900,)}, ParameterError, "leads = 900"),
        (None, {"weights": {"nowhere": 0.5}}, ParameterError, "no stage 'nowhere'"),
        (None, {"period": "year"}, MissingDataError, "past year"),
        ("export.csv", {}, ParameterError, "a book, or a store"),
    ],
)
def test_bad_input_is_named(source, changes, error, says):
    with pytest.raises(error, match=says):
        fn.forecasts.scorecard(source or sample(), **changes)


def test_a_store_with_one_day_is_refused(tmp_path):
    with pytest.raises(MissingDataError, match="holds 0 snapshots"):
        fn.forecasts.scorecard(fn.forecasts.snapshots(tmp_path))


def test_both_languages_show_it():
    card = fn.forecasts.scorecard(sample(), "quarter", leads=(0, 30), most=4)
    for lang in ("en", "zh"):
        assert card.finding(lang) and card.text(lang) and card.chart("strip", lang).to_dict()
    assert cards.RIVALS[0] == "weighted"


def test_a_break_shows_in_the_scorecard():
    """From mid-quarter on three of four wins are lost instead: the quarter lies below its 80 % range, and says so."""
    book = sample()
    deals = book.opportunities.copy()
    late = (deals["outcome"] == "won") & (deals["closed_at"] >= "2026-04-15")
    gone = late & (np.arange(len(deals)) % 4 > 0)
    deals.loc[gone, "outcome"] = "lost"
    ids = set(deals.loc[gone, "opportunity_id"])
    history = book.tables["stage_history"]
    won = book.playbook.stage_ids[book.playbook.won :]
    history = history[~(history["opportunity_id"].isin(ids) & history["stage"].isin(won))]
    deals.loc[gone, "stage"] = book.playbook.stage_ids[0]
    broken = replace(book, tables={**book.tables, "opportunities": deals, "stage_history": history})
    sound, card = (fn.forecasts.scorecard(one, "quarter", leads=0, most=6) for one in (book, broken))
    before, after = (next(row for row in one.rows if row.period == "2026-Q2") for one in (sound, card))
    assert before.q50_amount == pytest.approx(after.q50_amount, rel=1e-9)  # nobody could know
    assert before.inside_80 and not after.inside_80 and after.came_amount < after.q10_amount
    assert card.leads[0].inside_80_rate < sound.leads[0].inside_80_rate
    assert card.leads[0].bias_share > sound.leads[0].bias_share
    assert card.leads[0].crps_amount > sound.leads[0].crps_amount


def test_without_amounts_the_number_of_wins_is_scored():
    book = sample()
    deals = book.opportunities.drop(columns=["amount", "expected_amount"], errors="ignore")
    bare = replace(book, tables={**book.tables, "opportunities": deals})
    card = fn.forecasts.scorecard(bare, "month", leads=[0], most=8)
    assert card.unit == "wins" and "score_wins" in {note.code for note in card.notes}
    won = deals[deals["outcome"] == "won"]
    months = won["closed_at"].dt.strftime("%Y-%m").value_counts()
    assert [row.came_amount for row in card.rows] == [months[row.period] for row in card.rows]
    assert all(row.came_n == row.came_amount for row in card.rows)
    assert 0 < np.mean([row.q90_amount - row.q10_amount for row in card.rows]) < 60
    for lang in ("en", "zh"):
        assert "off by –" not in card.finding(lang) and "EUR" not in card.text(lang)
        assert card.chart("strip", lang).to_dict()
    landing = fn.forecast(bare, "2026-Q3")
    assert landing.record.unit == "wins" and landing.width_factor > 0.5
