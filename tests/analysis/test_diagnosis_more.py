"""Losses, wandering, descriptive statistics, trends, unit costs, verdicts: by hand, planted, and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.test_symptoms import tiny


@pytest.fixture(scope="module")
def sample():
    return fn.sample()


# ---- why lost -----------------------------------------------------------------------------------------------


def test_reasons_are_counted_as_pandas_counts_them(sample):
    found = fn.diagnosis.why_lost(sample, by="segment")
    deals = sample.opportunities
    lost = deals[deals["outcome"].str.startswith("lost")]
    assert found.n == len(lost)
    assert {row.name: row.lost_n for row in found.reasons} == lost["lost_reason"].value_counts().to_dict()
    assert {row.ending: row.lost_n for row in found.endings} == lost["outcome"].value_counts().to_dict()
    price = next(row for row in found.reasons if row.name == "price")
    assert price.lost_amount == lost[lost["lost_reason"] == "price"]["amount"].sum()
    assert sum(row.lost_share for row in found.reasons) == pytest.approx(1.0)
    for cut in ("stage", "quarter", "segment"):
        assert sum(cell.lost_n for cell in found.cells if cell.cut == cut) == found.n
    assert found.open_n == (deals["outcome"] == "open").sum()


def test_unknown_reasons_are_a_share_of_their_own_and_competitors_are_named():
    n = 60
    frame = pd.DataFrame(
        {
            "opportunity_id": [f"D{k}" for k in range(n)],
            "created_at": pd.Timestamp("2026-01-01"),
            "closed_at": pd.Timestamp("2026-02-01"),
            "outcome": ["lost_competitor"] * 40 + ["lost_no_decision"] * 20,
            "stage": "qualify",
            "amount": 10.0,
            "lost_reason": ["price"] * 30 + [None] * 30,
            "competitor": ["Rival"] * 25 + ["Other"] * 15 + [None] * 20,
            "segment": ["A"] * 30 + ["B"] * 30,
        }
    )
    book = fn.load(frame, playbook="seven_step", as_of="2026-06-30",
                   mapping={"tables": {"opportunities": {"attributes": {"competitor": "competitor"}}}})  # fmt: skip
    found = fn.diagnosis.why_lost(book)
    assert found.unknown_n == 30
    assert found.reasons[-1].name == ""
    assert found.reasons[-1].lost_share == 0.5
    assert [(row.name, row.lost_n) for row in found.competitors] == [("Rival", 25), ("Other", 15)]
    sign = next(one for one in found.signs if one.value == "A")
    assert (sign.name, sign.cell_share, sign.rest_share) == ("price", 1.0, 0.0)
    assert "30" in found.finding("en")


def test_alike_groups_show_no_difference_between_reasons():
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(30):
        n = 300
        frame = pd.DataFrame(
            {
                "opportunity_id": [f"D{k}" for k in range(n)], "created_at": pd.Timestamp("2026-01-01"),
                "closed_at": pd.Timestamp("2026-02-01"), "outcome": "lost", "stage": "qualify",
                "lost_reason": rng.choice(["a", "b", "c"], n), "segment": rng.choice(["x", "y", "z"], n),
            }
        )  # fmt: skip
        book = fn.Book(
            tables={"opportunities": frame.astype({"lost_reason": "str", "segment": "str"})},
            playbook=fn.playbooks.load_playbook("seven_step"), as_of=np.datetime64("2026-06-30", "s"),
        )  # fmt: skip
        found += bool(fn.diagnosis.why_lost(book).signs)
    assert found <= 7  # 10 % asked for


def test_no_loss_at_all_is_answered(sample):
    won = sample.opportunities[sample.opportunities["outcome"] == "won"]
    book = fn.load(won, playbook="seven_step", as_of="2026-06-30")
    with pytest.raises(MissingDataError, match="no deal is lost"):
        fn.diagnosis.why_lost(book)


# ---- how deals wander ---------------------------------------------------------------------------------------


def test_every_stage_balances_in_number_and_money(sample):
    found = fn.diagnosis.wander(sample)
    for row in found.balance:
        for unit in ("n", "amount"):
            out = sum(
                getattr(row, f"{name}_{unit}")
                for name in ("advanced", "skipped", "back", "lost", "left", "still")
            )
            assert out == pytest.approx(getattr(row, f"entered_{unit}"), abs=1e-6)
    into = {}
    for row in found.moves:
        into[row.target] = into.get(row.target, 0) + row.move_n
    for row in found.balance:
        assert into[row.stage] == row.entered_n
    assert into["lost"] == (sample.opportunities["outcome"].str.startswith("lost")).sum()
    assert into["left"] == (sample.opportunities["outcome"] == "left").sum()


def test_paths_are_those_of_plain_loops(sample):
    found = fn.diagnosis.wander(sample)
    ledger, paths = sample.ledger, {}
    for deal in range(len(ledger.outcome)):
        if ledger.outcome[deal] not in (1, 2):
            continue
        stays = ledger.stage[ledger.start[deal] : ledger.start[deal + 1]]
        name = " > ".join(ledger.stage_ids[k] for k in stays if k < ledger.won)
        paths.setdefault(name, []).append(ledger.outcome[deal] == 1)
    for row in found.paths:
        assert row.closed_n == len(paths[row.path])
        assert row.won_n == sum(paths[row.path])
    assert [row.closed_n for row in found.paths] == sorted(map(len, paths.values()), reverse=True)[:10]


def test_rounds_and_recommendations():
    made = fn.simulate.simulate(
        fn.simulate.Floor(playbook=fn.playbooks.load_playbook("fish_tank"), deals_n=500), seed=3
    )
    book = fn.Book(tables=made.tables, playbook=made.playbook, as_of=np.datetime64(made.as_of, "s"))
    found = fn.diagnosis.wander(book)
    assert found.circulates
    assert sum(row.deal_n for row in found.rounds) == found.n
    assert found.returning_n == sum(row.deal_n for row in found.rounds if row.again_n)
    assert found.returning_n > 0
    assert found.referral_n == (book.opportunities["source"] == "referral").sum()


def test_without_a_history_moves_are_not_known():
    with pytest.raises(MissingDataError, match="stage_history"):
        fn.diagnosis.wander(tiny())


# ---- descriptive statistics ---------------------------------------------------------------------------------


def test_the_median_tells_the_truth_about_a_team_with_one_star():
    """DOMAIN D7: nine around 100 thousand and one at a million."""
    row = fn.diagnosis.describe([100_000] * 9 + [1_000_000]).rows[0]
    assert (row.median_amount, row.mean_amount) == (100_000, 190_000)
    assert (row.mode_amount, row.mode_n, row.range_amount, row.outlier_n) == (100_000, 9, 900_000, 1)
    assert row.misleads
    assert row.without_amount == 100_000
    assert "misleads" in fn.diagnosis.describe([100_000] * 9 + [1_000_000]).finding("en")
    assert "误导" in fn.diagnosis.describe([100_000] * 9 + [1_000_000]).finding("zh")


def test_figures_agree_with_pandas(sample):
    row = fn.diagnosis.describe(sample, by="region").rows[0]
    won = sample.opportunities.query("outcome == 'won'")["amount"].dropna()
    assert (row.mean_amount, row.sd_amount, row.median_amount) == pytest.approx(
        (won.mean(), won.std(), won.median())
    )
    assert (row.first_quartile_amount, row.third_quartile_amount) == pytest.approx(
        tuple(won.quantile([0.25, 0.75]))
    )
    assert row.value_n == len(won)
    groups = {one.group[0]: one.value_n for one in fn.diagnosis.describe(sample, by="region").rows[1:]}
    assert sum(groups.values()) == row.value_n


@pytest.mark.parametrize("bad", ["abc", [], [1, float("nan")], [[1, 2]], 3])
def test_what_are_no_numbers_is_refused(bad):
    with pytest.raises(ParameterError):
        fn.diagnosis.describe(bad)


# ---- trends -------------------------------------------------------------------------------------------------


def test_sales_add_up_by_month_and_product(sample):
    found = fn.diagnosis.sales_trend(sample, by="product")
    won = sample.opportunities.query("outcome == 'won'")
    whole = [row for row in found.rows if not row.group]
    assert sum(row.sales_n for row in whole) == len(won) == found.n
    assert sum(row.sales_amount for row in whole) == pytest.approx(won["amount"].sum())
    june = next(row for row in whole if row.period == "2026-06")
    assert june.sales_amount == won[won["closed_at"] >= "2026-06-01"]["amount"].sum()
    assert sum(row.sales_amount for row in found.rows if row.group) == pytest.approx(won["amount"].sum())
    assert not whole[0].judged


def test_an_empty_month_counts_as_zero_and_the_running_one_is_not_judged(sample):
    found = fn.diagnosis.sales_trend(sample.where(region="Iberia"), measure="orders")
    assert any(row.sales_n == 0 for row in found.rows)
    book = fn.load(dict(sample.tables), playbook="seven_step", as_of="2026-06-15")
    assert not fn.diagnosis.sales_trend(book).rows[-1].judged


def test_breaks_of_counts_and_rates():
    found = fn.diagnosis.breaks([10, 12, 9, 11, 25, 22, 27, 24], labels=list("abcdefgh"))
    assert [one.period for one in found.breaks] == ["e"]
    rates = fn.diagnosis.breaks([8, 7, 9, 8, 2, 1, 2, 3], of=[10] * 8)
    assert rates.breaks[0].before_value == pytest.approx(0.8)
    assert fn.diagnosis.breaks([5] * 8).breaks == ()
    assert "no change" in fn.diagnosis.breaks([5] * 8).finding("en")
    with pytest.raises(ParameterError):
        fn.diagnosis.breaks([1, 2])
    with pytest.raises(ParameterError):
        fn.diagnosis.breaks([1, 2, 3, 4], of=[1])


# ---- unit costs ---------------------------------------------------------------------------------------------


def test_costs_are_sums_by_hand(sample):
    found = fn.diagnosis.costs(sample)
    costs, deals = sample.table("costs"), sample.opportunities
    assert found.rows[0].spent_amount == costs["amount"].sum()
    assert sum(row.spent_amount for row in found.rows[1:]) + found.unassigned_amount == costs["amount"].sum()
    fair = next(row for row in found.rows if row.group == ("fair",))
    won = deals[(deals["source"] == "fair") & (deals["outcome"] == "won")]
    assert fair.per_order_amount == pytest.approx(costs[costs["source"] == "fair"]["amount"].sum() / len(won))
    assert fair.lead_n == (deals["source"] == "fair").sum()
    assert fair.per_order_ci_lower < fair.per_order_amount < fair.per_order_ci_upper
    periods = fn.diagnosis.costs(sample, by="period").rows
    assert sum(row.spent_amount for row in periods[1:]) == pytest.approx(periods[0].spent_amount)
    assert sum(row.order_n for row in periods[1:]) == periods[0].order_n


def test_costs_in_another_currency_are_left_out_and_told(sample):
    costs = sample.table("costs").copy()
    costs["currency"] = pd.array(["CNY"] * 100 + ["EUR"] * (len(costs) - 100), dtype="str")
    book = fn.Book(
        tables={**sample.tables, "costs": costs}, playbook=sample.playbook, as_of=sample.as_of, currency="EUR"
    )
    found = fn.diagnosis.costs(book)
    assert found.rows[0].spent_amount == costs["amount"].iloc[100:].sum()
    assert any(note.code == "costs_other_currency" for note in found.notes)
    costs["currency"] = pd.array(["CNY"] * len(costs), dtype="str")
    other = fn.Book(
        tables={**sample.tables, "costs": costs}, playbook=sample.playbook, as_of=sample.as_of, currency="EUR"
    )
    with pytest.raises(MissingDataError, match="CNY"):
        fn.diagnosis.costs(other)


def test_without_costs_it_says_what_it_needs():
    with pytest.raises(MissingDataError, match="costs"):
        fn.diagnosis.costs(tiny())


# ---- did it work? -------------------------------------------------------------------------------------------


def series(rates, seed, start="2023-07-01"):
    """A book whose deals enter at these rates per 30 days, all still open."""
    rng = np.random.default_rng(seed)
    days = [
        30 * k + d for k, rate in enumerate(rates) for d in np.sort(rng.integers(0, 30, rng.poisson(rate)))
    ]
    at = pd.Timestamp(start) + pd.to_timedelta(days, unit="D")
    frame = pd.DataFrame(
        {
            "opportunity_id": [f"D{k}" for k in range(len(days))],
            "created_at": at,
            "outcome": "open",
            "stage": "qualify",
        }
    )
    end = pd.Timestamp(start) + pd.Timedelta(days=30 * len(rates) - 1)
    book = fn.Book(
        tables={"opportunities": frame.astype({"opportunity_id": "str", "outcome": "str", "stage": "str"})},
        playbook=fn.playbooks.load_playbook("seven_step"), as_of=np.datetime64(end, "s"),
    )  # fmt: skip
    return book, (pd.Timestamp(start) + pd.Timedelta(days=30 * (len(rates) - 3))).date()


def test_a_planted_rise_is_up_and_a_steady_series_is_not():
    book, at = series([60] * 33 + [150] * 3, 1)
    assert fn.diagnosis.verdict(book, at, measure="entries").verdict == "up"
    quiet = [fn.diagnosis.verdict(*series([60] * 36, seed), measure="entries").verdict for seed in range(20)]
    assert sum(one in ("up", "down") for one in quiet) <= 3


def test_a_low_chosen_because_it_was_low_is_no_success():
    """The stretch before is the lowest of twelve by chance: what follows is a return to the usual."""
    wrong = 0
    for seed in range(15):
        book, at = series([40] * 36, 100 + seed)
        found = fn.diagnosis.verdict(book, at, measure="entries")
        assert np.sign(np.log(found.return_ratio)) in (-1, 0, 1)
        usual = np.mean([one.value for one in found.windows if one.side == "past"])
        assert (found.return_ratio > 1) == (found.before_value < usual)
        wrong += found.verdict in ("up", "down")
    assert wrong <= 3


def test_a_season_that_comes_every_year_is_not_a_success():
    year = [40, 40, 40, 40, 40, 40, 40, 40, 40, 120, 120, 120]
    book, at = series((year * 4)[:48], 7, "2022-07-01")
    found = fn.diagnosis.verdict(book, at, measure="entries")
    assert found.season_ratio > 2
    assert found.verdict in ("explained", "not_separable")


def test_too_short_is_refused_and_the_ratio_is_by_hand(sample):
    with pytest.raises(ParameterError, match="21 days"):
        fn.diagnosis.verdict(sample, "2026-06-25")
    found = fn.diagnosis.verdict(sample, "2026-04-01", measure="bookings")
    assert found.change_ratio == pytest.approx(found.after_value / found.before_value)
    assert found.ratio_ci_lower < found.change_ratio < found.ratio_ci_upper


# ---- shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_are_shown_in_both_languages(sample, lang):
    for result in (
        fn.diagnosis.why_lost(sample), fn.diagnosis.wander(sample), fn.diagnosis.describe(sample, by="region"),
        fn.diagnosis.describe(sample, of="owner_won"), fn.diagnosis.sales_trend(sample, by="product"),
        fn.diagnosis.costs(sample), fn.diagnosis.verdict(sample, "2026-04-01"), fn.diagnosis.breaks([5, 6, 5, 6]),
    ):  # fmt: skip
        text = result.finding(lang) + result.text(lang) + result.html(lang)
        assert "nan" not in text.replace("Nan", "").lower().split()
        assert "{" not in result.finding(lang)


# ---- what has no amounts says so ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpriced(sample):
    """The sample without its amounts."""
    deals = sample.opportunities.drop(columns=["amount", "expected_amount"], errors="ignore")
    return fn.Book(
        tables={**sample.tables, "opportunities": deals},
        playbook=sample.playbook,
        as_of=sample.as_of,
        currency=sample.currency,
    )


def test_money_is_not_known_rather_than_nothing(unpriced):
    found = fn.diagnosis.why_lost(unpriced, by="segment")
    assert all(np.isnan(row.lost_amount) for row in found.reasons) and "EUR" not in found.text("en")
    trend = fn.diagnosis.sales_trend(unpriced)
    assert trend.measure == "orders" and np.isnan(trend.rows[-1].sales_amount)
    assert "EUR" not in trend.text("en")
    with pytest.raises(MissingDataError, match="no won deal has an amount"):
        fn.diagnosis.sales_trend(unpriced, measure="amount")
    with pytest.raises(MissingDataError, match="no won deal has an amount"):
        fn.diagnosis.change(unpriced, before="2026-Q1", after="2026-Q2")
    cost = fn.diagnosis.costs(unpriced)
    assert np.isnan(cost.rows[0].of_orders_share)
    assert "of its amount" not in cost.finding("en") and "–" not in cost.finding("en")


def test_a_report_without_amounts_promises_none(unpriced):
    report = fn.weekly_report(unpriced, period="month", rules={"stalled": {"window_days": 7}})
    assert all(np.isnan(row.here_amount) for row in report.stages[:-1])
    assert np.isnan(report.outlook.due_amount) and np.isnan(report.outlook.chance_rate)
    for lang in ("en", "zh"):
        assert "EUR 0" not in report.text(lang) and "0 欧元" not in report.text(lang).replace("万欧元", "")
    assert next(row for row in report.rules if row.rule == "stalled").window_days == 7


def test_costs_from_before_the_first_deal_are_left_out(sample):
    early = pd.DataFrame({"period": ["2020-01", "2020-02"], "amount": [1e6, 2e6]})
    book = fn.Book(
        tables={**sample.tables, "costs": pd.concat([sample.table("costs"), early])},
        playbook=sample.playbook, as_of=sample.as_of, currency=sample.currency,
    )  # fmt: skip
    found = fn.diagnosis.costs(book)
    assert found.rows[0].spent_amount == fn.diagnosis.costs(sample).rows[0].spent_amount
    assert next(note for note in found.notes if note.code == "costs_before").values["rows_n"] == 2


def test_few_orders_a_week_are_counts_and_no_percentages():
    found = fn.diagnosis.breaks([0, 1, 0, 0, 1, 0, 0, 0, 1, 0] * 3 + [9, 8, 7, 9, 8])
    assert found.breaks and "%" not in found.finding("en").split("Please note")[0]
