"""The chance to win: floors with known chances, floors without any difference, leaks, no look-ahead, real leads."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb import simulate
from funnelnb.analysis.priority.entry import Design, entry
from funnelnb.analysis.priority.propensity import cases_of, fit, validate
from funnelnb.core.errors import ParameterError
from tests.analysis.desk import shuffled
from tests.analysis.floors import EPOCH, book_of, playbook

MODEL = playbook("lead")
SOURCES = {"referral": 1.2, "fair": 0.1, "web": -0.9, "call": 0.0}
REGIONS = {"East": 0.5, "West": -0.4, "North": 0.0}
DAYS, HORIZON = 700, 120


def floor(n: int, seed: int, *, effect: float = 1.0, **columns):
    """Deals with known chances, and their true chance to be won within the horizon."""
    draw = np.random.default_rng(seed)
    source, region = draw.choice(list(SOURCES), n), draw.choice(list(REGIONS), n)
    amount = np.round(np.exp(draw.normal(9, 1, n)), 0)
    odds = np.array([SOURCES[s] + REGIONS[r] for s, r in zip(source, region, strict=True)])
    odds = effect * (odds - 0.3 * (np.log(amount) - 9)) - 0.6
    share = 1 / (1 + np.exp(-odds))
    won = draw.random(n) < share
    median = np.where(won, 40.0, 70.0)
    took = np.ceil(median * np.exp(0.5 * draw.normal(size=n)))
    created = np.floor(draw.uniform(0, DAYS, n))
    closed = created + took
    leaves = draw.random(n) < 0.05
    outcome = np.where(leaves, "left", np.where(won, "won", "lost"))
    closed = np.where(leaves, created + np.ceil(draw.uniform(1, 60, n)), closed)
    seen = closed <= DAYS
    days = pd.Timestamp(EPOCH) + pd.to_timedelta(np.where(seen, closed, 0), unit="D")
    frame = pd.DataFrame(
        {
            "opportunity_id": [f"d{k:05d}" for k in range(n)],
            "created_at": pd.Timestamp(EPOCH) + pd.to_timedelta(created, unit="D"),
            "closed_at": pd.Series(days).where(pd.Series(seen)),
            "outcome": np.where(seen, outcome, "open"),
            "stage": np.where(seen & (outcome == "won"), "won", "lead"),
            "amount": amount,
            "source": source,
            "region": region,
        }
    )
    for name, make in columns.items():
        frame[name] = make(frame, draw)
    from scipy.stats import norm

    truth = share * norm.cdf(np.log(HORIZON / 40) / 0.5)
    return book_of(frame, None, MODEL, EPOCH + np.timedelta64(DAYS * 86_400, "s")), truth


def test_known_chances_are_found_and_calibrated() -> None:
    errors, truth_errors = [], []
    for seed in (1, 2, 3):
        made, truth = floor(6000, seed)
        result = fn.propensity(made, horizon_days=HORIZON)
        assert result.verdict == "better"
        ranks = {row.forecaster: row.auc for row in result.forecasters}
        assert ranks["model"] > max(ranks["amount"], ranks["recency"], 1 - ranks["amount"]) + 0.03
        scores = {row.forecaster: row for row in result.forecasters}
        assert scores["model"].brier < scores["base_rate"].brier
        errors.append(result.calibration_error)
        facts = entry(made)
        cases = cases_of(made.ledger, made.ledger.reached_s[:, 0], made.ledger.as_of_s, HORIZON)
        model = fit(Design.learn(facts, cases.rows), cases)
        order = np.argsort(np.argsort(made.ledger.deal_ids.astype(str)))
        chance = model.rate(np.arange(6000))
        truth_errors.append(np.abs(chance - truth[order]).mean())
        assert abs(chance.mean() - truth.mean()) < 0.02
    assert np.mean(errors) < 0.03
    assert max(truth_errors) < 0.03, "every deal's own chance, not the bins' mean alone"


def test_censored_deals_are_neither_lost_nor_dropped() -> None:
    made, truth = floor(6000, 4)
    result = fn.propensity(made, horizon_days=HORIZON)
    assert result.base_rate == pytest.approx(truth.mean(), abs=0.02)
    overall = fn.conversion(made, horizon_days=HORIZON).overall[0]
    assert result.base_rate == pytest.approx(overall.by_day_rate, abs=1e-9), "one number, two ways"
    decided = (made.opportunities["outcome"] == "won").sum() / made.opportunities["outcome"].isin(
        ["won", "lost"]
    ).sum()
    assert abs(decided - truth.mean()) > 0.03, "dropping the open deals would be off"


def test_without_any_effect_it_says_so() -> None:
    verdicts = [
        fn.propensity(floor(1500, seed, effect=0.0)[0], horizon_days=HORIZON).verdict for seed in range(8)
    ]
    assert verdicts.count("better") <= 1
    assert "no_better" in verdicts
    plain = next(
        one
        for one in (
            fn.propensity(floor(1500, seed, effect=0.0)[0], horizon_days=HORIZON) for seed in range(8)
        )
        if one.verdict == "no_better"
    )
    assert "wins no better than the average" in plain.finding("en")


def test_leaks_are_found_and_left_out() -> None:
    made, _ = floor(
        2000,
        5,
        contract=lambda frame, _: np.where(frame["outcome"] == "won", "C-1", None),
        mood=lambda frame, draw: frame["outcome"].map({"won": "glad", "lost": "sad"}).fillna("calm"),
        serial=lambda frame, _: frame["opportunity_id"],
        constant=lambda frame, _: "x",
    )
    audit = {row.column: row.reason for row in fn.propensity(made, horizon_days=HORIZON).audit}
    assert audit["contract"] == "filled_by_outcome"
    assert audit["mood"] == "tells_outcome"
    assert audit["serial"] == "too_many_values"
    assert audit["constant"] == "one_value"
    assert (audit["source"], audit["region"], audit["amount"]) == ("used", "used", "used")
    assert audit["stage"] == audit["closed_at"] == "known_later"


def test_an_amount_written_at_the_close_is_not_used() -> None:
    made, _ = floor(2000, 6)
    deals = made.opportunities.assign(
        amount=made.opportunities["amount"].where(made.opportunities["outcome"] == "won")
    )
    later = replace(made, tables={**made.tables, "opportunities": deals})
    audit = {row.column: row.reason for row in fn.propensity(later, horizon_days=HORIZON).audit}
    assert audit["amount"] == "filled_by_outcome"


def test_the_tested_model_sees_nothing_after_its_day() -> None:
    made, _ = floor(3000, 7)
    first = fn.propensity(made, horizon_days=HORIZON)
    split = first.split_at.astype("datetime64[s]")
    deals = made.opportunities
    later = (deals["created_at"] <= split) & (deals["closed_at"] > split)
    turned = {"won": "lost", "lost": "won"}
    other_way = deals["outcome"].map(turned).fillna(deals["outcome"])
    changed = deals.assign(outcome=deals["outcome"].where(~later, other_way).astype("str"))
    other = replace(made, tables={**made.tables, "opportunities": changed})
    again = fn.propensity(other, horizon_days=HORIZON)
    assert later.sum() > 50
    assert [row.forecast_rate for row in again.bins] == pytest.approx(
        [row.forecast_rate for row in first.bins]
    )
    assert again.gain == pytest.approx(first.gain)


def test_what_comes_after_the_as_of_date_changes_nothing() -> None:
    first = fn.propensity(fn.sample(as_of="2026-03-31"), horizon_days=120)
    sample = fn.sample()
    early = sample.opportunities[sample.opportunities["created_at"] <= "2026-03-31"]
    history = sample.table("stage_history")
    tables = {
        "opportunities": early,
        "stage_history": history[history["opportunity_id"].isin(early["opportunity_id"])],
    }
    again = fn.propensity(fn.load(tables, playbook="seven_step", as_of="2026-03-31"), horizon_days=120)
    assert [row.odds_factor for row in again.effects] == pytest.approx(
        [row.odds_factor for row in first.effects]
    )


def test_row_order_does_not_matter_and_reasons_are_words() -> None:
    made, _ = floor(2000, 8)
    first, again = (fn.propensity(one, horizon_days=HORIZON) for one in (made, shuffled(made)))
    assert [row.opportunity_id for row in again.deals] == [row.opportunity_id for row in first.deals]
    assert [row.entry_rate for row in again.deals] == pytest.approx([row.entry_rate for row in first.deals])
    best = first.deals[0]
    assert "source=referral" in best.raises
    assert "source=web" in first.deals[-1].lowers
    assert first.effects[0].attribute == "source"


def test_small_groups_are_pulled_to_the_average() -> None:
    made, _ = floor(2000, 9, team=lambda frame, _: np.where(np.arange(len(frame)) < 6, "tiny", "big"))
    rows = {(row.attribute, row.value): row for row in fn.propensity(made, horizon_days=HORIZON).effects}
    tiny = rows["team", "tiny"]
    base = fn.propensity(made, horizon_days=HORIZON).base_rate
    assert abs(tiny.model_rate - base) < abs(tiny.raw_rate - base)
    assert not tiny.enough


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"attributes": ["stage"]}, "written after a deal is entered"),
        ({"attributes": ["sorce"]}, "did you mean 'source'"),
        ({"horizon_days": 0}, "horizon_days = 0"),
    ],
)
def test_bad_input(given, message) -> None:
    with pytest.raises(ParameterError, match=message):
        fn.propensity(floor(200, 1)[0], **given)


def test_too_short_a_record_is_not_tested() -> None:
    made, _ = floor(300, 2)
    assert validate(made.ledger, made.ledger.reached_s[:, 0], entry(made), 650.0, 0.9).verdict == "untested"
    short = fn.propensity(made, horizon_days=650)
    assert short.verdict == "untested"
    for lang in ("en", "zh"):
        assert short.finding(lang)
        assert short.chart("calibration", lang).to_dict()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words_and_draws(lang) -> None:
    result = fn.propensity(floor(1500, 3)[0], horizon_days=HORIZON)
    assert result.finding(lang)
    assert "{" not in result.text(lang)
    assert result.chart("calibration", lang).to_dict()


def test_real_leads_by_origin(shared_data) -> None:
    folder = shared_data / "olist_marketing"
    leads = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv", dtype=str)
    closed = pd.read_csv(folder / "olist_closed_deals_dataset.csv", dtype=str)
    leads = leads.merge(closed[["mql_id", "won_date"]], on="mql_id", how="left")
    won = leads["won_date"].str[:10]
    deals = pd.DataFrame(
        {
            "opportunity_id": leads["mql_id"],
            "created_at": leads["first_contact_date"],
            "closed_at": won.mask(won < leads["first_contact_date"], leads["first_contact_date"]),
            "stage": won.notna().map({True: "won", False: "lead"}),
            "source": leads["origin"],
        }
    )
    made = fn.load(deals, playbook=["lead", "won"])
    compared = fn.segments(made, by="source", measure="by_day", horizon_days=90)
    pooled = compared.shrunk_to_rate
    for row in compared.rows:
        low, high = sorted((row.raw_rate, pooled))
        assert low - 1e-9 <= row.shrunken_rate <= high + 1e-9, row.group
    verdict = {row.group[0]: row.verdict for row in compared.rows}
    assert {verdict["other_publicities"], verdict["display"]} == {"not_separable"}
    assert verdict["other"] == "lower", "4 of 150 against 1 in 10 is more than chance"
    small = made.where(source=["other", "other_publicities", "display"])
    among = fn.segments(small, by="source", measure="by_day", horizon_days=90)
    assert {row.verdict for row in among.rows} <= {"too_few", "not_separable"}, "from each other"
    result = fn.propensity(made, attributes=["source"], horizon_days=90)
    rows = {row.value: row for row in result.effects}
    for row in rows.values():
        low, high = sorted((row.raw_rate, result.base_rate))
        assert low - 0.02 <= row.model_rate <= high + 0.02, row.value
    assert rows["email"].model_rate < result.base_rate < rows["paid_search"].model_rate


def test_a_simulated_floor_with_known_truth() -> None:
    """A whole stage model: forecasts are calibrated, rank best, and each source's chance is the law's."""
    law = simulate.Floor(
        deals_n=8000,
        effects=(
            simulate.Effect(attribute="source", value="referral", advance=1.6, lose=0.6),
            simulate.Effect(attribute="source", value="web", advance=0.7, lose=1.3),
            simulate.Effect(attribute="region", value="East", advance=1.3),
        ),
        size_effects={},
    )
    sales = simulate.simulate(law, seed=11)
    made = fn.load(sales.tables, playbook=sales.playbook, as_of=sales.as_of)
    result = fn.propensity(made, horizon_days=180)
    assert result.verdict == "better"
    assert result.calibration_error < 0.03
    ranks = {row.forecaster: row.auc for row in result.forecasters}
    assert ranks["model"] > max(ranks["amount"], ranks["recency"]) + 0.05
    truth = simulate.RunTruth(law, n=30_000).without_withdrawals()
    rows = {(row.attribute, row.value): row for row in result.effects}
    for source in ("referral", "web", "fair"):
        real = truth.won_by(180, source=source)
        assert rows["source", source].raw_rate == pytest.approx(real, abs=0.03), source
        assert rows["source", source].model_rate == pytest.approx(real, abs=0.05), source
    lost = [row.odds_factor for row in result.effects if row.attribute == "product"]
    assert all(0.8 < one < 1.25 for one in lost), "the product has no effect"
