"""What the simulator calls true is true: against closed forms, numerical solutions and uncensored tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelnb.playbooks import load_playbook
from funnelnb.simulate import Effect, Exit, Floor, RunTruth, StageLaw, default_laws, setting_a, simulate
from funnelnb.simulate.make import two_stages
from tests.simulate.floors import DAY, four_sd, plain_floor


def test_truth_is_that_of_the_markov_chain_when_hazards_are_constant() -> None:
    """Shape 1 makes the floor a Markov chain, whose transition probabilities are a matrix exponential."""
    from scipy.linalg import expm

    playbook = load_playbook("seven_step")
    rng = np.random.default_rng(5)
    won = playbook.won
    laws, generator = {}, np.zeros((won + 3, won + 3))
    for k, stage in enumerate(playbook.stage_ids[:won]):
        rates = dict(
            zip(("advance", "lose", "leave", "skip", "back"), rng.uniform(0.004, 0.05, 5), strict=True)
        )
        rates |= {"skip": 0.0} if k + 2 > won else {}
        rates |= {"back": 0.0} if k == 0 else {}
        laws[stage] = StageLaw(**{cause: Exit(days=1 / rate) for cause, rate in rates.items() if rate})
        to = {"advance": k + 1, "skip": k + 2, "back": k - 1, "lose": won + 1, "leave": won + 2}
        for cause, rate in rates.items():
            generator[k, to[cause]] += rate
        generator[k, k] = -sum(rates.values())
    truth = RunTruth(plain_floor(laws=laws), n=100_000)
    for days in (20.0, 60.0, 150.0, 2_000.0):
        exact = expm(generator * days)[0]
        assert truth.won_by(days) == pytest.approx(exact[won], abs=four_sd(exact[won], truth.n))
        assert truth.lost_by(days) == pytest.approx(exact[won + 1], abs=four_sd(exact[won + 1], truth.n))


def renewal(floor: Floor, days: float, step: float) -> float:
    """P(won by `days`) of a floor of one law, by the Markov renewal equation on a grid.

    W_k(t) = sum over exits j of the integral of q_kj(u) W_j(t - u) du, where q_kj is the sub-density of
    leaving k for j at u: h_kj(u) S_k(u). Shares only the definition of a Weibull hazard with the simulator.
    """
    won, ids = floor.playbook.won, floor.playbook.stage_ids
    grid = np.arange(0, days + step / 2, step)
    kernels = []
    for k in range(won):
        law = floor.law(ids[k])
        exits = {
            k + 1: law.advance,
            k + 2: law.skip if k + 2 <= won else None,
            k - 1: law.back if k else None,
        }
        all_exits = [*exits.values(), law.lose, law.leave]
        total = sum((grid / one.days) ** one.shape for one in all_exits if one)
        middle = (grid[1:] + grid[:-1]) / 2
        hazards = {
            j: one.shape / one.days * (middle / one.days) ** (one.shape - 1)
            for j, one in exits.items()
            if one
        }
        every = sum(one.shape / one.days * (middle / one.days) ** (one.shape - 1) for one in all_exits if one)
        leaving = np.exp(-total[:-1]) - np.exp(-total[1:])
        kernels.append({j: leaving * hazard / every for j, hazard in hazards.items()})
    value = np.zeros((won + 1, len(grid)))
    value[won] = 1.0
    for t in range(1, len(grid)):
        # stages lean on one another within a cell, which three sweeps settle; a stay ends in the middle of a
        # cell, so the next stage has the mean of the two neighbouring times left
        for k in [*range(won - 1, -1, -1)] * 3:
            value[k, t] = sum(
                q[:t] @ ((value[j, t - 1 :: -1] + value[j, t:0:-1]) / 2 if j != won else np.ones(t))
                for j, q in kernels[k].items()
            )
    return float(value[0, -1])


def test_truth_is_that_of_the_renewal_equation_when_hazards_change_with_time_in_stage() -> None:
    floor = plain_floor(
        laws={
            "qualify": StageLaw(
                advance=Exit(days=30, shape=1.8),
                lose=Exit(days=60, shape=0.7),
                back=Exit(days=150, shape=1.2),
            ),
            "shortlist": StageLaw(
                advance=Exit(days=25, shape=1.3), lose=Exit(days=40, shape=2.0), skip=Exit(days=200)
            ),
        }
    )
    truth = RunTruth(floor, n=100_000)
    for days in (60.0, 180.0):
        coarse, fine = renewal(floor, days, 1.0), renewal(floor, days, 0.5)
        assert abs(coarse - fine) < 5e-4  # the grid's own error
        assert truth.won_by(days) == pytest.approx(fine, abs=four_sd(fine, truth.n) + 5e-4)


def test_shares_of_exits_are_the_shares_asked_for() -> None:
    """With one shape in a stage, where a deal goes is a Markov chain: absorption by a linear system."""
    floor = plain_floor(laws=default_laws(load_playbook("seven_step")))
    won, ids = floor.playbook.won, floor.playbook.stage_ids
    step = np.zeros((won, won + 1))
    for k, stage in enumerate(ids[:won]):
        law = floor.law(stage)
        weight = {
            c: getattr(law, c).days ** -1.2
            for c in ("advance", "skip", "back", "lose", "leave")
            if getattr(law, c)
        }
        for cause, to in (("advance", k + 1), ("skip", k + 2), ("back", k - 1)):
            if cause in weight:
                step[k, to] += weight[cause] / sum(weight.values())
    ever = np.linalg.solve(np.eye(won) - step[:, :won], step[:, won])[0]
    truth = RunTruth(floor, n=100_000)
    assert truth.won_by(1e6) == pytest.approx(ever, abs=four_sd(ever, truth.n))
    assert truth.stay_median_days(ids[0]) == pytest.approx(12.0, abs=0.3)


def test_step_truths_multiply_to_the_whole_when_nothing_moves_back() -> None:
    laws = {
        stage: StageLaw.from_shares(10, advance=0.7, lose=0.3)
        for stage in load_playbook("seven_step").stage_ids[:5]
    }
    truth = RunTruth(plain_floor(laws=laws), n=100_000)
    steps = [truth.step(stage) for stage in truth.floor.playbook.stage_ids[:5]]
    assert np.prod(steps) == pytest.approx(truth.won_by(1e6), abs=1e-12)
    assert steps == pytest.approx([0.7] * 5, abs=0.02)
    assert truth.step("qualify", 10) == pytest.approx(0.35, abs=0.01)  # half have left by the median


def test_by_day_t_counts_recorded_days_where_only_days_are_recorded() -> None:
    # created at a uniform time of day, ends after an exponential time: the recorded days differ by at most d
    # with probability 1 - exp(-rate (d + 1)) (exp(rate) - 1) / rate
    rate, share = 0.8, 0.6
    ways = {"advance": Exit(days=1 / (rate * share)), "lose": Exit(days=1 / (rate * (1 - share)))}
    floor = plain_floor(playbook=two_stages(), laws={"in_work": StageLaw(**ways)}, whole_days=True)
    truth = RunTruth(floor, n=100_000)
    for days in range(4):
        exact = share * (1 - np.exp(-rate * (days + 1)) * (np.exp(rate) - 1) / rate)
        assert truth.won_by(days) == pytest.approx(exact, abs=four_sd(exact, truth.n))


def test_tables_agree_with_the_truth_where_nothing_is_censored() -> None:
    """Deals old enough to have been watched to the horizon: the plain share of the export is the truth."""
    sales = simulate(Floor(deals_n=40_000), seed=4)
    deals = sales.tables["opportunities"]
    old = deals[deals["created_at"] <= np.datetime64(sales.as_of) - 200 * DAY]
    took = (old["closed_at"] - old["created_at"]).dt.days
    for region in (None, "East", "West"):
        rows = old["region"].eq(region) if region else np.ones(len(old), dtype=bool)
        where = {"region": region} if region else {}
        for days in (60, 120, 200):
            true = sales.truth.won_by(days, **where)
            seen = float(np.mean((old["outcome"].eq("won") & (took <= days))[rows]))
            n = int(np.sum(rows))
            # accounts are clusters: the design effect stays under 1.3 here
            assert seen == pytest.approx(true, abs=1.3 * four_sd(true, n) + four_sd(true, sales.truth.n))


def test_truth_without_withdrawals_only_takes_withdrawals_away() -> None:
    truth = RunTruth(plain_floor(), n=50_000)
    without = truth.without_withdrawals()
    assert truth.won_by(1e6) + truth.lost_by(1e6) < 0.99
    assert without.won_by(1e6) + without.lost_by(1e6) == pytest.approx(1.0, abs=1e-12)
    assert without.won_by(1e6) > truth.won_by(1e6)


@pytest.mark.parametrize(
    ("change", "won", "lost"),
    [
        ({"advance": 1.5}, 1, -1),
        ({"lose": 1.5}, -1, 1),
        ({"back": 4.0}, -1, 1),
        ({"advance": 1 / 1.5}, -1, 1),
    ],
)
def test_effects_move_the_region_they_name_and_no_other(
    change: dict[str, float], won: int, lost: int
) -> None:
    before = RunTruth(Floor(), n=40_000)
    after = RunTruth(Floor(effects=(Effect(attribute="region", value="East", **change),)), n=40_000)
    noise = 2 * four_sd(0.5, 40_000)
    assert won * (after.won_by(1e6, region="East") - before.won_by(1e6, region="East")) > 0.01
    assert lost * (after.lost_by(1e6, region="East") - before.lost_by(1e6, region="East")) > 0.01
    assert abs(after.won_by(1e6, region="West") - before.won_by(1e6, region="West")) < noise


def test_pace_changes_when_and_not_whether() -> None:
    slow = RunTruth(Floor(effects=(Effect(attribute="segment", value="Large", pace=0.5),)), n=60_000)
    usual = RunTruth(Floor(), n=60_000)
    assert slow.won_by(90, segment="Large") < usual.won_by(90, segment="Large") - 0.05
    assert slow.won_by(1e6, segment="Large") == pytest.approx(usual.won_by(1e6, segment="Large"), abs=0.015)
    # half the hazard of a Weibull of shape 1.2 stretches time by 2^(1/1.2)
    stretched = 2 ** (1 / 1.2) * usual.cycle_median_days(segment="Large")
    assert slow.cycle_median_days(segment="Large") == pytest.approx(stretched, rel=0.03)


def test_an_effect_in_one_stage_moves_that_step_alone() -> None:
    effect = Effect(attribute="source", value="web", stage="shortlist", lose=3.0)
    after, before = RunTruth(Floor(effects=(effect,)), n=60_000), RunTruth(Floor(), n=60_000)
    moved = {
        stage: after.step(stage, source="web") - before.step(stage, source="web")
        for stage in ("qualify", "shortlist")
    }
    assert moved["shortlist"] < -0.15
    assert abs(moved["qualify"]) < 0.015


def test_amounts_depend_on_segment_and_on_outcome() -> None:
    sales = simulate(Floor(deals_n=30_000, size_effects={"advance": -0.4}), seed=2)
    deals = sales.tables["opportunities"]
    medians = deals.groupby("segment")["amount"].median()
    assert medians["Large"] > 2 * medians["Medium"] > 4 * medians["Small"]
    large = deals[deals["segment"] == "Large"]
    assert large.loc[large["outcome"] == "won", "amount"].median() < 0.9 * large["amount"].median()
    assert sales.truth.won_amount_by(1e6) < sales.truth.won_by(1e6) - 0.02


def test_deals_of_one_account_are_alike_only_if_told_so() -> None:
    def likeness(account_sd: float) -> float:
        floor = Floor(deals_n=20_000, account_sd=account_sd, deals_per_account=5.0, effects=())
        deals = simulate(floor, seed=3).tables["opportunities"]
        known = deals[(deals["customer_type"] == "existing") & deals["outcome"].ne("open")]
        win = known["outcome"].eq("won") - known.groupby("segment")["outcome"].transform(
            lambda one: one.eq("won").mean()
        )
        groups = win.groupby(known["account_id"])
        pairs = (groups.sum() ** 2 - groups.agg(lambda one: (one**2).sum())).sum()
        return float(pairs / (groups.size() * (groups.size() - 1)).sum() / win.var())

    assert likeness(1.2) > 0.1
    assert abs(likeness(0.0)) < 0.03


def test_setting_a_gives_the_known_wrong_and_right_rates() -> None:
    """Anchors of 60 runs: won/(won+lost) .341, won/all .255, mean cycle seen 49.5; truth .297 and 53.9."""
    rates = []
    for seed in range(60):
        deals = setting_a(seed).tables["opportunities"]
        won, lost = (int(deals["outcome"].eq(one).sum()) for one in ("won", "lost"))
        took = (deals["closed_at"] - deals["created_at"])[deals["outcome"] == "won"] / pd.Timedelta(days=1)
        rates.append((won / (won + lost), won / len(deals), took.mean()))
        assert len(deals) == 1_200
    # one run scatters by .016, .013 and 1.6 days: the mean of 60 by an eighth of that
    assert np.mean(rates, axis=0)[:2] == pytest.approx([0.341, 0.255], abs=0.006)
    assert np.mean(rates, axis=0)[2] == pytest.approx(49.5, abs=0.6)
    truth = setting_a(0).truth
    assert truth.won_by(180) == pytest.approx(0.297, abs=0.0005)
    assert truth.won_mean_days == pytest.approx(53.9, abs=0.05)
    assert truth.won_by(1e9) + truth.lost_by(1e9) == pytest.approx(1.0)


def test_setting_a_without_censoring_shows_its_truth() -> None:
    sales = setting_a(1, deals_n=100_000, as_of_day=4_000)
    deals = sales.tables["opportunities"]
    took = (deals["closed_at"] - deals["created_at"]) / pd.Timedelta(days=1)
    for days in (30, 90, 180):
        seen = float(np.mean(deals["outcome"].eq("won") & (took <= days)))
        assert seen == pytest.approx(sales.truth.won_by(days), abs=four_sd(0.3, 100_000))
    assert not deals["outcome"].eq("open").any()
