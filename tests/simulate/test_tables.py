"""The same seed gives the same tables, and every row in them is one that can be."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.data.load import load
from funnelnb.playbooks import library, load_playbook
from funnelnb.simulate import Effect, Exit, Floor, Level, RunTruth, StageLaw, simulate
from funnelnb.simulate.draw import Draws
from tests.reference.contract import schema
from tests.simulate.floors import DAY, four_sd


def test_same_seed_same_tables_whatever_numpys_global_state() -> None:
    np.random.seed(1)  # noqa: NPY002
    first = simulate(Floor(deals_n=500), seed=9).tables
    np.random.seed(2)  # noqa: NPY002
    second = simulate(Floor(deals_n=500), seed=9).tables
    other = simulate(Floor(deals_n=500), seed=10).tables
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name])
    assert not first["opportunities"]["amount"].equals(other["opportunities"]["amount"])


def test_draws_have_the_distributions_they_are_named_after() -> None:
    n = 200_000
    normal = Draws(1).normal(n)
    assert abs(normal.mean()) < 4 / np.sqrt(n)
    assert abs(normal.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(np.mean(normal < 1.6448536) - 0.95) < four_sd(0.95, n)
    exponential = Draws(2).exponential(n)
    assert abs(np.mean(exponential > np.log(4)) - 0.25) < four_sd(0.25, n)
    shares = np.bincount(Draws(3).pick([1, 0, 3], n), minlength=3) / n
    assert shares[1] == 0
    assert abs(shares[0] - 0.25) < four_sd(0.25, n)
    counts = Draws(4).count(3.0, n)
    assert counts.min() == 1
    assert abs(counts.mean() - 3) < 4 * np.sqrt(6 / n)  # geometric: variance (1 - p) / p² = 6
    assert set(Draws(5).index(np.full(1000, 3)).tolist()) == {0, 1, 2}


def assert_possible(tables: dict[str, pd.DataFrame], floor: Floor) -> None:
    """Every row can be: nothing after the as-of date, no close before creation, histories that fit."""
    ids = floor.playbook.stage_ids
    deals, history = tables["opportunities"], tables["stage_history"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandera tries every engine that is installed, some of which warn
        schema("opportunities", ids, tuple(deals.columns)).validate(deals, lazy=True)
        schema("stage_history", ids).validate(history, lazy=True)
    end = np.datetime64(floor.as_of) + DAY
    for times in (deals["created_at"], deals["closed_at"], history["entered_at"]):
        assert times.dropna().max() < end
    assert (deals["closed_at"].isna() == deals["outcome"].eq("open")).all()
    assert (deals["closed_at"].dropna() >= deals["created_at"][deals["closed_at"].notna()]).all()
    assert deals["lost_reason"].notna().eq(deals["outcome"].str.startswith("lost")).all()
    position = history["stage"].map({stage: k for k, stage in enumerate(ids)})
    same = history["opportunity_id"].eq(history["opportunity_id"].shift())
    gap = history["entered_at"].diff()[same]
    assert (gap >= pd.Timedelta(0)).all()
    assert (gap[position.diff()[same] < 0] > pd.Timedelta(0)).all()  # ties go forward
    assert (position.diff()[same] != 0).all()
    first, last = history[~same].set_index("opportunity_id"), history[~same.shift(-1, fill_value=False)]
    indexed = deals.set_index("opportunity_id")
    assert first["entered_at"].eq(indexed["created_at"]).all()
    assert last.set_index("opportunity_id")["stage"].eq(indexed["stage"]).all()
    signed = history[history["stage"] == ids[floor.playbook.won]].set_index("opportunity_id")["entered_at"]
    assert signed.index.is_unique
    assert signed.sort_index().equals(
        indexed.loc[indexed["outcome"] == "won", "closed_at"].rename("entered_at").sort_index()
    )


@pytest.mark.parametrize("name", library())
def test_every_playbook_can_be_simulated(name: str) -> None:
    floor = Floor(playbook=load_playbook(name), deals_n=1_500, whole_days=name != "aarrr")
    sales = simulate(floor, seed=6)
    assert {"opportunities", "stage_history"} == set(sales.tables)
    deals = sales.tables["opportunities"]
    assert {"open", "won", "lost_competitor", "lost_no_decision", "lost", "left"} == set(deals["outcome"])
    assert {"skip", "back"} <= set(moves(sales.tables["stage_history"], floor))
    assert_possible(sales.tables, floor)


def moves(history: pd.DataFrame, floor: Floor) -> list[str]:
    position = history["stage"].map({stage: k for k, stage in enumerate(floor.playbook.stage_ids)})
    same = history["opportunity_id"].eq(history["opportunity_id"].shift())
    steps = position.diff()[same]
    return ["skip"] * int((steps == 2).sum()) + ["back"] * int((steps == -1).sum())


def test_a_circulating_funnel_recycles_deals_and_winners_bring_new_ones() -> None:
    floor = Floor(playbook=load_playbook("fish_tank"), deals_n=3_000, referral_share=0.5)
    tables = simulate(floor, seed=8).tables
    deals, history = tables["opportunities"], tables["stage_history"]
    assert len(deals) > 3_000
    assert deals["created_at"].is_monotonic_increasing
    again = history[history["stage"] == "fill_tank"].groupby("opportunity_id").size()
    assert (again > 1).mean() > 0.05
    came = deals["source"].eq("referral").mean()
    alone = simulate(replace(floor, referral_share=0.0), seed=8).tables["opportunities"]
    assert len(alone) == 3_000
    assert came > alone["source"].eq("referral").mean() + 0.02


def test_late_history_misses_exactly_the_deals_that_ended_before() -> None:
    floor = Floor(deals_n=2_000)
    full = simulate(floor, seed=5).tables
    late = simulate(replace(floor, observed_from="2025-04-01"), seed=5).tables
    deals = full["opportunities"]
    kept = deals[~(deals["closed_at"] < "2025-04-01")].drop(columns="opportunity_id").reset_index(drop=True)
    columns = ["account_id", "created_at", "closed_at", "amount", "stage"]
    pd.testing.assert_frame_equal(late["opportunities"][columns], kept[columns])
    assert 0 < len(kept) < 2_000
    assert late["stage_history"]["opportunity_id"].nunique() == len(kept)


def test_creation_follows_season_growth_and_working_days() -> None:
    season = (1.0, 0.2, *[1.0] * 10)
    floor = Floor(
        deals_n=40_000, season=season, region_season={"West": (1.0,) * 12}, growth=1.0, weekends=False
    )
    tables = simulate(floor, seed=7).tables
    deals = tables["opportunities"]
    for times in (deals["created_at"], deals["closed_at"].dropna(), tables["stage_history"]["entered_at"]):
        assert times.dt.day_of_week.max() < 5
    february = deals["created_at"].dt.month.eq(2)
    assert february[deals["region"] == "West"].mean() > 3 * february[deals["region"] == "East"].mean()
    second_year = deals["created_at"].ge("2025-07-01").mean()
    assert second_year == pytest.approx(2 / 3, abs=0.02)
    assert_possible(tables, floor)


def test_shares_and_missing_amounts_are_as_asked() -> None:
    floor = Floor(deals_n=20_000, amount_missing_share=0.1, segment_mix={"West": {"Large": 1.0}})
    deals = simulate(floor, seed=1).tables["opportunities"]
    assert deals["amount"].isna().mean() == pytest.approx(0.1, abs=four_sd(0.1, 20_000))
    assert set(deals.loc[deals["region"] == "West", "segment"]) == {"Large"}
    assert deals["region"].eq("East").mean() == pytest.approx(0.35, abs=four_sd(0.35, 20_000))
    per_account = deals.groupby("account_id")
    for name in ("owner", "region"):
        assert deals[name].eq(per_account[name].transform("first")).all()
    assert per_account.size()[deals.loc[deals["customer_type"] == "new", "account_id"]].eq(1).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(ParameterError, match="no owner"):
        Floor(regions={"Nowhere": Level()})
    with pytest.raises(ParameterError, match="did you mean 'shortlist'"):
        Floor(effects=(Effect(attribute="region", value="East", stage="shortlst"),))
    with pytest.raises(ParameterError, match="region = 'Eest'"):
        Floor(effects=(Effect(attribute="region", value="Eest"),))
    with pytest.raises(ParameterError, match=r"add to 0\.9"):
        StageLaw.from_shares(10, advance=0.6, lose=0.3)
    with pytest.raises(ParameterError, match="unknown exit 'loose'"):
        StageLaw.from_shares(10, advance=0.6, loose=0.4)
    with pytest.raises(ParameterError, match="12 positive numbers"):
        Floor(season=(1.0, 2.0))
    with pytest.raises(ParameterError, match="starts"):
        Floor(starts="2027-01-01")
    with pytest.raises(ParameterError, match="days = 0"):
        Exit(days=0)
    with pytest.raises(ParameterError, match="works in 'East'"):
        RunTruth(Floor(), n=10).won_by(1, owner="East A", region="West")
    with pytest.raises(ParameterError, match="'shortlist'"):
        RunTruth(Floor(), n=10).step("shortlst")


@pytest.mark.parametrize("name", ["seven_step", "fish_tank"])
def test_simulated_tables_load_as_they_are(name: str) -> None:
    floor = Floor(playbook=load_playbook(name), deals_n=400, whole_days=name == "seven_step")
    sales = simulate(floor, seed=2)
    book = load(sales.tables, playbook=sales.playbook, as_of=sales.as_of)
    deals = sales.tables["opportunities"]
    assert len(book.tables["opportunities"]) == len(deals)
    assert book.notes == ()
    assert book.currency == "EUR"
    assert int((book.ledger.outcome == 1).sum()) == int(deals["outcome"].eq("won").sum())
