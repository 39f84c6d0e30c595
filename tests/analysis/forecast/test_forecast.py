"""The forecast: coherent, blind to what came later, true where the truth is known."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.analysis.forecast.engine import foresee
from funnelnb.analysis.forecast.history import NEVER, History, history_of
from funnelnb.analysis.forecast.known import known_at
from funnelnb.analysis.forecast.periods import containing, day_number, fiscal, following, wanted
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.forecast.floors import LAWS, Law, make
from tests.conftest import ROOT


@cache
def sample(as_of=None):
    return fn.sample(as_of=as_of) if as_of else fn.sample()


def history(floor, day):
    """What the package would know of a floor."""
    stage = floor.stage.astype(np.int32)
    won = len(stage) - 1
    on = np.stack([np.minimum(stage[k + 1 :].min(axis=0), floor.win) for k in range(won)]).astype(np.int32)
    return History(
        day=day, won=won, stage_day=stage, on_day=on, win_day=floor.win.astype(np.int32),
        end_day=floor.end.astype(np.int32), begin_day=stage[0], open_amount=floor.amount, won_amount=floor.amount,
        undated=np.zeros(floor.amount.size, bool), observed_day=-1, at_close=False,
    )  # fmt: skip


def test_groups_add_up_to_the_whole_and_parts_to_the_expected():
    result = fn.forecast(sample(), ["2026-Q3", "2026-Q4"], by="region", record=False)
    assert result.periods == ("2026-Q3", "2026-Q4")
    for period in result.periods:
        rows = [row for row in result.rows if row.period == period]
        groups, (whole,) = [row for row in rows if row.group], [row for row in rows if not row.group]
        for name in ("won", "open", "new", "expected"):
            for unit in ("amount", "n"):
                parts = sum(getattr(row, f"{name}_{unit}") for row in groups)
                assert parts == pytest.approx(getattr(whole, f"{name}_{unit}"), rel=1e-9)
        for row in rows:
            assert row.won_amount + row.open_amount + row.new_amount == pytest.approx(
                row.expected_amount, rel=1e-9
            )
            quantiles = [getattr(row, f"q{q:02d}_amount") for q in (5, 10, 25, 50, 75, 90, 95)]
            assert quantiles == sorted(quantiles) and quantiles[0] >= row.won_amount - 1e-9
    assert result.whole.target_amount == sum(
        row.target_amount for row in result.rows if row.period == "2026-Q3" and row.group
    )
    assert result.chance(0) == 1.0 and result.chance(result.whole.q50_amount) == pytest.approx(0.5, abs=0.01)


def test_two_quarters_are_their_half_year():
    """Ends of the same simulation: what comes by the end of the second is what both bring."""
    h, nobody = history_of(sample()), np.zeros(len(sample()), np.int64)
    first, second = (day_number(one) for one in ("2026-09-30", "2026-12-31"))
    found = foresee(h, h.day, [first, second], nobody, 1)
    total = found.landing.open_amount + found.landing.new_amount
    assert (np.diff(total, axis=1) >= -1e-6).all()
    assert (np.diff(found.chance, axis=0) >= -1e-12).all()


def same(one, other):
    for field in fields(one):
        if field.name in ("notes", "n", "record"):
            continue
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second)
        elif field.name == "fan":
            assert [repr(replace(row, came_amount=0.0)) for row in first] == [
                repr(replace(row, came_amount=0.0)) for row in second
            ]
        elif field.name != "came_amount":
            assert repr(first) == repr(second), field.name


def test_a_replay_is_the_forecast_of_the_book_of_that_day_to_the_digit():
    """`fn.load(as_of=…)` cuts the tables; the replay looks at the same deals inside the whole export."""
    day = "2026-03-31"
    now = fn.forecast(sample(), "2026-Q2", by="region", as_of=day, record=False)
    then = fn.forecast(sample(day), "2026-Q2", by="region", record=False)
    same(now, then)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["all", "late", "small"]))
def test_what_is_dated_later_changes_no_digit(seed, law):
    """Later rows are changed at will: other ends, other amounts of what was not yet known, other deals."""
    floor, day = (
        make(replace(LAWS[law], days=600, late=min(LAWS[law].late, 200), per_day=1.0), seed % 50),
        500,
    )
    rng = np.random.default_rng(seed)
    h = history(floor, 900)
    stage = h.stage_day.copy()
    stage[(stage > day) & (stage < NEVER)] += rng.integers(0, 90)
    gone = rng.random(stage.shape) < 0.3
    stage[(stage > day) & gone] = NEVER
    win, end = h.win_day.copy(), h.end_day.copy()
    later = (win > day) & (end > day)
    flip = later & (rng.random(win.size) < 0.5)
    win[flip], end[flip] = end[flip], win[flip]
    won_amount = np.where(h.win_day > day, h.won_amount * rng.uniform(0.1, 9), h.won_amount)
    on = np.stack([np.minimum(stage[k + 1 :].min(axis=0), win) for k in range(h.won)]).astype(np.int32)
    other = replace(h, stage_day=stage, on_day=on, win_day=win, end_day=end, won_amount=won_amount)
    region = floor.region.astype(np.int64)
    found = [foresee(one, day, [day + 90], region, 3, draws=100, classes=[region]) for one in (h, other)]
    for name in ("open_amount", "new_amount", "open_n", "new_n"):
        np.testing.assert_array_equal(*(getattr(one.landing, name) for one in found))
    np.testing.assert_array_equal(found[0].chance, found[1].chance)


def test_the_order_of_rows_changes_nothing():
    book = sample("2026-03-31")
    deals = book.opportunities.sample(frac=1, random_state=3).reset_index(drop=True)
    turned = replace(book, tables={**book.tables, "opportunities": deals})
    first, second = (fn.forecast(one, "2026-Q2", record=False) for one in (book, turned))
    assert first.whole.q10_amount == pytest.approx(second.whole.q10_amount, rel=1e-9)
    assert first.whole.expected_amount == pytest.approx(second.whole.expected_amount, rel=1e-9)


def test_the_fan_ends_where_the_period_lands():
    result = fn.forecast(sample(), "2026-Q2", as_of="2026-05-10", record=False)
    assert [row.known for row in result.fan] == sorted((row.known for row in result.fan), reverse=True)
    assert result.fan[-1].day == np.datetime64("2026-06-30")
    assert result.fan[-1].q50_amount == pytest.approx(result.whole.q50_amount, rel=0.1)
    won = sample().opportunities
    mine = won[
        (won["outcome"] == "won") & (won["closed_at"] >= "2026-04-01") & (won["closed_at"] < "2026-07-01")
    ]
    assert result.came_amount == result.fan[-1].came_amount == mine["amount"].sum()


@pytest.mark.parametrize("law", ["plain", "all"])
def test_ranges_hold_about_what_they_promise(law):
    """A few here; thousands with published seeds in tests/reference/coverage_forecast.py."""
    hits, regions, n = 0, 0, 0
    for seed in range(20):
        spec = replace(LAWS[law], days=800, late=min(LAWS[law].late, 200))
        floor = make(spec, seed)
        h = history(floor, spec.days + 400)
        for end in (620, 800):
            found = foresee(h, end - 90, [end], floor.region.astype(np.int64), 3, draws=400)
            total = (found.landing.open_amount + found.landing.new_amount)[:, -1]
            came = floor.won(end - 90, end)[0]
            hits += np.quantile(total.sum(axis=1), 0.1) <= came <= np.quantile(total.sum(axis=1), 0.9)
            regions += sum(
                np.quantile(total[:, g], 0.1)
                <= floor.won(end - 90, end, g)[0]
                <= np.quantile(total[:, g], 0.9)
                for g in range(3)
            )
            n += 1
    assert 0.62 <= hits / n <= 0.97  # 40 period ends: 3 standard errors
    assert 0.68 <= regions / (3 * n) <= 0.92


def test_a_late_start_of_the_records_is_found():
    law = Law(late=400, days=900)
    h = history(make(law, 1), 1300)
    assert abs(known_at(h, 800).since - 400) <= 3 and known_at(h, 800).late
    assert known_at(history(make(Law(days=900), 1), 1300), 800).since == -1


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("day", "period", "truth", "opened"),
    [("2017-06-30", "2017-Q3", 2_982_255, 1_441_450), ("2017-09-30", "2017-Q4", 2_802_496, 1_251_928)],
)
def test_maven_quarters_lie_in_their_ranges(shared_data, day, period, truth, opened):
    book = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    result = fn.forecast(book, period, as_of=day, by="region")
    whole = result.whole
    assert result.came_amount == truth
    assert whole.q10_amount <= truth <= whole.q90_amount
    assert abs(whole.expected_amount / truth - 1) < 0.15
    assert 0.75 < whole.open_amount / opened < 1.35
    assert 0.75 < whole.new_amount / (truth - opened) < 1.35
    early = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml", as_of=day)
    same(
        fn.forecast(early, period, by="region", record=False),
        fn.forecast(book, period, as_of=day, by="region", record=False),
    )


@pytest.mark.realdata
@pytest.mark.parametrize(("day", "in_30", "in_90"), [("2018-03-31", 78, 121), ("2018-05-31", 57, 124)])
def test_olist_leads_that_are_there_win_about_as_many(shared_data, day, in_30, in_90):
    leads = pd.read_csv(shared_data / "olist_marketing" / "olist_marketing_qualified_leads_dataset.csv")
    closed = pd.read_csv(shared_data / "olist_marketing" / "olist_closed_deals_dataset.csv")
    frame = leads.merge(closed[["mql_id", "won_date"]], how="left", on="mql_id")
    deals = pd.DataFrame({
        "opportunity_id": frame["mql_id"],
        "created_at": frame["first_contact_date"],
        "closed_at": frame["won_date"].str[:10],
        "stage": np.where(frame["won_date"].notna(), "won", "lead"),
    })  # fmt: skip
    deals = deals[~(deals["closed_at"] < deals["created_at"])]
    book = fn.load(deals, playbook=["lead", "won"], name="olist")
    h = history_of(book)
    t = day_number(day)
    found = foresee(h, t, [t + 30, t + 90], np.zeros(len(deals), np.int64), 1)
    for k, came in enumerate((in_30, in_90)):
        n = found.landing.open_n[:, k, 0]
        assert np.quantile(n, 0.02) <= came <= np.quantile(n, 0.98), (n.mean(), came)


def test_without_amounts_wins_are_foreseen_and_that_is_said():
    book = sample()
    bare = replace(book, tables={"opportunities": book.opportunities.drop(columns=["amount"]), **{
        name: frame for name, frame in book.tables.items() if name not in ("opportunities", "targets")}})  # fmt: skip
    result = fn.forecast(bare, "2026-Q3", record=False)
    assert not result.priced and result.whole.expected_n > 50
    assert "forecast_unpriced" in [note.code for note in result.notes]
    for lang in ("en", "zh"):
        assert result.finding(lang) and result.text(lang) and result.chart("fan", lang)


def test_fiscal_years_that_start_in_april():
    assert fiscal("2026-Q1", 4).start == np.datetime64("2026-04-01")
    assert (fiscal("2026", 4).start, fiscal("2026", 4).end) == (
        np.datetime64("2026-04-01"),
        np.datetime64("2027-03-31"),
    )
    assert fiscal("2026-07", 4).start == np.datetime64("2026-07-01")
    assert containing(np.datetime64("2027-02-03"), "quarter", 4).name == "2026-Q4"
    assert following(containing(np.datetime64("2027-02-03"), "year", 4), "year", -1, 4).name == "2025"
    result = fn.forecast(sample(), "2026", fiscal_start=4, record=False)
    assert (result.since, result.until) == (np.datetime64("2026-04-01"), np.datetime64("2027-03-31"))
    assert result.whole.won_amount > 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"period": "2025-Q4"}, ParameterError, "ended on 2025-12-31"),
        ({"period": "soon"}, ParameterError, "period = 'soon'"),
        ({"period": ["2026-Q3", "2026-08"]}, ParameterError, "overlap"),
        ({"period": "2026-Q3", "by": "planet"}, MissingDataError, "planet"),
        ({"period": "2026-Q3", "amount": -1}, ParameterError, "amount = -1"),
        ({"period": "2026-Q3", "as_of": "2027-01-01"}, ParameterError, "later than the data"),
        ({"period": "2026-Q3", "draws": 3}, ParameterError, "draws = 3"),
        ({"period": "2026-Q3", "fiscal_start": 13}, ParameterError, "fiscal_start = 13"),
        ({"period": "2024-Q1", "as_of": "2023-12-31"}, MissingDataError, "won by 2023-12-31"),
    ],
)
def test_bad_input_is_named(changes, error, says):
    with pytest.raises(error, match=says):
        fn.forecast(sample(), record=False, **changes)


def test_the_running_quarter_is_meant_where_none_is_named():
    (now,) = wanted(None, np.datetime64("2026-05-10"))
    (coming,) = wanted(None, np.datetime64("2026-06-30"))
    assert (now.name, coming.name) == ("2026-Q2", "2026-Q3")


def test_the_forecast_shows_its_own_record():
    result = fn.forecast(sample(), "2026-Q3")
    assert result.record.n >= 4 and f"{result.record.inside_80_n} of the last" in result.finding("en")
    assert result.width_factor == result.record.width_factor
    bare = fn.forecast(sample(), "2026-Q3", record=False)
    width = [one.whole.q90_amount - one.whole.q10_amount for one in (result, bare)]
    assert width[0] / width[1] == pytest.approx(result.width_factor, rel=0.02)
