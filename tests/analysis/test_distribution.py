"""Distributions of days: known floors, R's likelihood on the sample, a public export, invariants, bad input."""

from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.distribution import REFUTED, distribution, trust
from funnelnb.data.contract.calendar import Calendar
from funnelnb.data.count.counts import CENSORED
from funnelnb.data.count.tally import time_counts
from tests.analysis.desk import book, relabelled, shuffled
from tests.analysis.floors import Deal
from tests.conftest import ROOT
from tests.stats.reference import reference


def floor(seed, draw, *, size=500, never=0.0, same=0.0, whole=True, weeks=0):
    """Leads created over 150 days and seen on day 200; some never leave, some leave the day they came."""
    rng = np.random.default_rng(seed)
    start, days, kind = rng.uniform(0, 150, size), draw(rng, size), rng.random(size)
    days = np.where(kind < same, 0.0, np.where(kind > 1 - never, np.inf, days))
    deals = []
    for since, until in zip(start, start + days, strict=True):
        first, last = (np.floor(one) if whole else np.round(one, 4) for one in (since, until))
        visits = ((0, float(first)),) if last > 200 else ((0, float(first)), (1, float(last)))
        deals.append(Deal(visits=visits))
    return book(*deals, today=200.0)


def weibull(shape, scale):
    return lambda rng, size: scale * rng.weibull(shape, size)


def lognormal(mu, sigma):
    return lambda rng, size: np.exp(rng.normal(mu, sigma, size))


def only(result):
    (row,) = result.rows
    return row


def values(result):
    return {one.name: (one.value, one.value_ci_lower, one.value_ci_upper) for one in result.parameters}


# Known truth


def test_family_and_both_shares_are_recovered_within_their_intervals():
    """12 floors: Weibull of shape 1.4 and scale 12 days, 12 % leave the same day, 25 % never."""
    held = dict.fromkeys(("shape", "scale", "never_share", "same_day_share"), 0)
    truth = {"shape": 1.4, "scale": 12.0, "never_share": 0.25, "same_day_share": 0.12}
    families = []
    for seed in range(12):
        result = distribution(floor(seed, weibull(1.4, 12.0), never=0.25, same=0.12), stage="lead", runs=19)
        row = only(result)
        families.append(row.family)
        assert (row.never, row.at_once, row.pause) == (True, True, True)
        assert row.plateau_share == pytest.approx(row.never_share, abs=0.02)
        if row.family == "weibull":
            for name, (_, lower, upper) in values(result).items():
                held[name] += lower <= truth[name] <= upper
    assert families.count("weibull") >= 8, families
    share = np.array(list(held.values())) / families.count("weibull")
    assert (share >= 0.6).all(), held
    assert share.mean() > 0.8


def test_a_right_family_is_kept_and_a_wrong_one_refuted():
    """24 floors of 400 lognormal stays in whole days: 5 % of the right fits may be refuted, all wrong ones should."""
    right, wrong = [], []
    for seed in range(12):
        known = floor(seed, lognormal(2.8, 0.9), size=400)
        right.append(only(distribution(known, stage="lead", family="lognormal", runs=99)).p_value)
        wrong.append(only(distribution(known, stage="lead", family="exponential", runs=99)).p_value)
    assert sum(p <= REFUTED for p in right) <= 3, right
    assert np.median(right) > 0.15
    assert sum(p <= REFUTED for p in wrong) == 12, wrong


def test_zeros_among_times_of_day_are_a_fact_of_their_own():
    """Times of day known: 12 % leave in the same second, the others after an exponential time of 20 days."""
    result = distribution(floor(3, weibull(1.0, 20.0), same=0.12, whole=False), stage="lead", runs=19)
    row = only(result)
    assert {fit.at_once for fit in result.fits} == {True}
    assert row.same_day_ci_lower < 0.12 < row.same_day_ci_upper
    assert row.same_day_share == pytest.approx(row.same_day_n / row.n)
    assert row.trust == "describes"
    plain = distribution(
        floor(3, weibull(1.0, 20.0), same=0.12, whole=False), stage="lead", at_once=False, runs=19
    )
    assert {fit.at_once for fit in plain.fits} == {False}


def test_half_a_day_is_what_a_zero_between_two_dates_means():
    """Stays of a Weibull of shape 0.8, 12 floors: a zero read as up to a whole day would give a shape near 0.82."""
    shapes = []
    for seed in range(12):
        known = floor(100 + seed, weibull(0.8, 20.0), size=2000)
        result = distribution(known, stage="lead", family="weibull", at_once=False, runs=19)
        shapes.append(values(result)["shape"][0])
    assert np.mean(shapes) == pytest.approx(0.8, abs=0.009)


def test_too_short_a_follow_up_shows_no_share_that_never_ends():
    """One leaves on each day up to the last but one that anybody was watched: the 30 still there may follow."""
    left = [Deal(visits=((0, 50.0), (1, 50.0 + day))) for day in range(1, 150)]
    known = book(*left, *(Deal(visits=((0, 50.0),)) for _ in range(30)), today=200.0)
    asked = distribution(known, stage="lead", never=True, runs=19)
    refused = [fit for fit in asked.fits if fit.never]
    assert {fit.verdict for fit in refused} == {"follow_up_too_short"}
    doubt = (1 - 1 / 179) ** 179  # one end in the last day, as long as the open day after it
    assert {round(fit.unsure_share, 9) for fit in refused} == {round(doubt, 9)}
    assert not only(asked).never
    assert "never_unseen" in {note.code for note in asked.notes}
    assert not [fit for fit in distribution(known, stage="lead", runs=19).fits if fit.never]


def test_small_groups_are_not_judged_by_five_points():
    """The right family on 40 deals: farther than five points by chance, so nothing is said against it."""
    found = [only(distribution(floor(seed, weibull(1.0, 25.0), size=40), stage="lead", family="exponential", runs=39))
             for seed in range(12)]  # fmt: skip
    far = [row for row in found if row.verdict == "too_far"]
    assert len(far) >= 4
    assert {row.trust for row in far} <= {"unproven", "no"}
    assert sum(row.trust == "no" for row in far) <= 2


def test_trust_follows_from_verdict_and_p():
    assert trust("chosen", 0.4) == "describes"
    assert trust("chosen", 0.05) == "roughly"
    assert trust("chosen", np.nan) == "untested"
    assert trust("too_far", 0.4) == "unproven"
    assert trust("too_far", 0.01) == trust("too_far", np.nan) == trust("flat", 0.5) == "no"


# Another program


@cache
def qualify():
    return distribution(fn.sample(), stage="qualify", runs=19)


def test_the_sample_as_r_has_it():
    """Counts stored for R are those of the sample; R's survreg and optim give the same fits."""
    stored = reference("distribution_times")
    ledger = fn.sample().ledger
    counts = time_counts(ledger, 1, 2)
    cells = {}
    for time_s, outcome, n in zip(counts.time_s, counts.outcome, counts.n, strict=True):
        place = (int(time_s) // 86_400, int(outcome != CENSORED))
        cells[place] = cells.get(place, 0) + int(n)
    assert cells == {(row.time, row.event): row.n for row in stored.itertuples()}
    result = qualify()
    fits = {(fit.family, fit.at_once): fit for fit in result.fits}
    for (family, at_once), rows in reference("distribution_fits").groupby(["family", "at_once"]):
        fit, expected = fits[family, at_once], dict(zip(rows.parameter, rows.estimate, strict=True))
        found = {fit.first_name: fit.first_value, fit.second_name: fit.second_value}
        found["same_day_share"] = fit.same_day_share
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=2e-6), (family, at_once, name)
        assert fit.log_likelihood == pytest.approx(rows.log_likelihood.iloc[0], abs=2e-6)
    chosen = reference("distribution_fits").query("family == 'weibull' and at_once")
    for row in chosen.itertuples():
        assert values(result)[row.parameter] == pytest.approx((row.estimate, row.lower, row.upper), rel=1e-5)


def test_aicc_chooses_and_the_numbers_of_the_choice_agree():
    result, row = qualify(), only(qualify())
    known = [fit for fit in result.fits if np.isfinite(fit.aicc)]
    assert [fit.aicc for fit in known] == sorted(fit.aicc for fit in known)
    assert (row.family, row.at_once, row.never) == ("weibull", True, False)
    k, d = 3, row.closed_n
    assert row.aicc == pytest.approx(2 * k - 2 * row.log_likelihood + 2 * k * (k + 1) / (d - k - 1))
    assert row.bic == pytest.approx(k * np.log(d) - 2 * row.log_likelihood)
    scale, shape, p = (values(result)[name][0] for name in ("scale", "shape", "same_day_share"))

    def not_yet(t):
        return (1 - p) * np.exp(-((t / scale) ** shape))

    for one in result.quantiles:
        assert not_yet(one.fitted_days) == pytest.approx(1 - one.ended_share, abs=1e-9)
        assert one.fitted_ci_lower < one.fitted_days < one.fitted_ci_upper
    for one in result.remaining:
        if one.age_days:
            assert not_yet(one.age_days + one.remaining_days) == pytest.approx(not_yet(one.age_days) / 2)
            expected = 1 - not_yet(one.age_days + 30) / not_yet(one.age_days)
            assert one.within_30_rate == pytest.approx(expected)
    (curve,), (density,) = result.curves, result.densities
    np.testing.assert_allclose(curve.fitted_rate[1:], not_yet(curve.days[1:]), rtol=1e-9)
    step = 1e-4
    slope = (not_yet(density.days - step) - not_yet(density.days + step)) / (2 * step)
    np.testing.assert_allclose(density.per_day_share, slope, rtol=1e-5)
    worst = int(np.searchsorted(curve.days, row.gap_days))
    middle = (curve.not_yet_rate[worst] + curve.not_yet_rate[worst - 1]) / 2
    assert abs(curve.fitted_rate[worst] - middle) == pytest.approx(row.gap_share)


def test_bars_hold_what_the_observed_curve_lost():
    result = qualify()
    (curve,) = result.curves
    assert {one.to_days - one.from_days for one in result.bins} == {10.0}
    last = result.bins[-1].to_days
    sides = [
        curve.not_yet_rate[np.searchsorted(curve.days, last, side=side) - 1] for side in ("left", "right")
    ]
    half = sum(sides) / 2
    total = sum(one.ended_share for one in result.bins)
    assert total == pytest.approx(curve.not_yet_rate[0] - half), "those of day 0 are told as a share"
    assert all(one.per_day_share == pytest.approx(one.ended_share / 10) for one in result.bins)
    pairs = result.pairs[0]
    assert (np.diff(pairs.ended_share) > 0).all()
    assert abs(np.corrcoef(pairs.observed_days, pairs.fitted_days)[0, 1]) > 0.97


@pytest.mark.realdata
def test_no_distribution_describes_a_public_export(shared_data: Path):
    """Published: nothing closes after 138 days, 17.88 % still open then. Fits with a share: R 4.2.2, optim, uniroot."""
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    result = distribution(maven, runs=39)
    row = only(result)
    assert row.plateau_share == pytest.approx(0.1788203, abs=5e-8)
    assert (row.n, row.pause, row.last_event_days) == (8300, True, 138)
    fits = {(fit.family, fit.never): fit for fit in result.fits}
    assert len(fits) == 10
    assert all(fit.gap_share > 0.05 for fit in result.fits if np.isfinite(fit.aicc))
    for family, first, second, share, lower, upper, log_likelihood in (
        ("weibull", 55.04119, 0.8597771, 0.1364649, 0.12804059, 0.14489930, -36341.82902),
        ("gamma", 0.7999723, 71.76545, 0.1417385, 0.13382317, 0.14973892, -36321.77867),
    ):
        fit = fits[family, True]
        assert (fit.first_value, fit.second_value) == pytest.approx((first, second), rel=2e-6)
        bounds = (fit.never_share, fit.never_ci_lower, fit.never_ci_upper)
        assert bounds == pytest.approx((share, lower, upper), abs=2e-7)
        assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-5)
    assert fits["lognormal", True].verdict == "at_bound", "its own tail already explains who never closes"
    assert (row.family, row.never, row.trust, row.verdict) == ("gamma", True, "no", "too_far")
    assert row.p_value == 1 / 40
    assert row.never_ci_upper < row.plateau_share, "the fit expects closes that do not come"
    assert fits["weibull", False].first_value == pytest.approx(88.2577, abs=6e-5)


# Invariants


def same(one, other):
    for name in ("rows", "fits", "parameters", "quantiles", "remaining", "bins"):
        left, right = getattr(one, name), getattr(other, name)
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            for field in fields(a):
                np.testing.assert_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


def test_row_order_and_ids_do_not_matter():
    whole = fn.sample()
    same(qualify(), distribution(shuffled(whole), stage="qualify", runs=19))
    same(qualify(), distribution(relabelled(whole), stage="qualify", runs=19))


def test_deals_after_the_as_of_date_change_nothing():
    known = floor(7, weibull(1.3, 30.0), size=200)
    rng = np.random.default_rng(7)
    days = [(float(np.floor(one)), float(np.floor(one + 9))) for one in rng.uniform(0, 150, 200)]
    deals = [Deal(visits=((0, one), (1, two))) for one, two in days]
    later = Deal(visits=((0, 230.0), (1, 231.0)))
    known, more = book(*deals, today=200.0), book(*deals, later, today=200.0)
    same(distribution(known, stage="lead", runs=19), distribution(more, stage="lead", runs=19))


def test_groups_are_fitted_as_books_of_their_own():
    whole = fn.sample()
    grouped = distribution(whole, stage="qualify", by="region", runs=19)
    for row in grouped.rows:
        alone = only(distribution(whole.where(region=row.group[0]), stage="qualify", runs=19))
        for name in ("n", "family", "aicc", "gap_share", "never_share", "same_day_share", "median_days"):
            np.testing.assert_equal(getattr(row, name), getattr(alone, name), err_msg=name)


def test_a_calendar_scales_what_is_a_time_and_nothing_else():
    """Weeks of six equal days: dates six apart become dates five apart, so every time shrinks by 5/6."""
    rng = np.random.default_rng(11)
    start, stay = rng.integers(0, 15, 300), rng.geometric(0.25, 300)
    weeks = [(7.0 * one, 7.0 * (one + two)) for one, two in zip(start, stay, strict=True)]
    deals = [Deal(visits=((0, one), (1, two)) if two <= 203 else ((0, one),)) for one, two in weeks]
    known = book(*deals, today=203.0)
    plain = distribution(known, stage="lead", family="weibull", runs=19)
    business = distribution(known, stage="lead", family="weibull", runs=19, calendar=Calendar(name="five"))
    for one, two in zip(plain.quantiles, business.quantiles, strict=True):
        assert two.fitted_days == pytest.approx(one.fitted_days * 5 / 7, rel=1e-6)
    assert values(business)["shape"][0] == pytest.approx(values(plain)["shape"][0], rel=1e-6)
    assert values(business)["scale"][0] == pytest.approx(values(plain)["scale"][0] * 5 / 7, rel=1e-6)
    assert only(business).gap_share == pytest.approx(only(plain).gap_share, abs=1e-9)
    assert (business.calendar, plain.calendar) == ("five", "")


def test_seeds_and_runs():
    one, two = (distribution(fn.sample(), stage="qualify", family="gamma", runs=39) for _ in range(2))
    assert only(one).p_value == only(two).p_value
    assert only(one).runs <= 39
    assert only(distribution(fn.sample(), stage="qualify", family="gamma", runs=39)).tested_n == 2811


def test_durations_and_distributions_fit_alike():
    ours = {(f.family, f.never): f for f in qualify().fits if not f.at_once}
    theirs = {(f.family, f.never): f for f in fn.duration(fn.sample(), stage="qualify").fits}
    assert set(ours) == set(theirs)
    for place, fit in theirs.items():
        for name in ("first_value", "second_value", "log_likelihood", "aicc", "gap_share", "median_days"):
            np.testing.assert_equal(getattr(ours[place], name), getattr(fit, name), err_msg=name)
