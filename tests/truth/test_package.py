"""What a reader sees of floors that are broken as people's are: seeded and short (the long runs are stored)."""

from __future__ import annotations

import numpy as np
import pytest

import funnelnb as fn
from tests.truth import worlds

WORLD = worlds.World()
TRUTH = worlds.truth(WORLD, 100_000)


def export(seed, world=WORLD, size=500):
    rng = np.random.default_rng(seed)
    return worlds.export(worlds.draw(world, size, rng), world.span), rng


def codes(result):
    return {note.code for note in result.notes}


def test_undated_losses_leave_every_question_about_winning_as_it_was():
    given, rng = export(1)
    full, spoilt = worlds.book(given), worlds.book(worlds.undated_losses(given, 1.0, rng))
    one, other = (fn.conversion(book, horizon_days=90) for book in (full, spoilt))
    assert other.overall[0].by_day_rate == pytest.approx(one.overall[0].by_day_rate, abs=0.01)
    assert "losses_undated" in codes(other)
    row = other.overall[0]
    assert row.by_day_lost_least_rate <= TRUTH.lost_by(90) <= row.by_day_lost_most_rate
    base = [fn.propensity(book, horizon_days=90).base_rate for book in (full, spoilt)]
    assert base[1] == pytest.approx(base[0], abs=0.01)
    leads = [
        fn.targets.reverse_funnel(book, wins=20, horizon_days=90).rows[0].needed_n for book in (full, spoilt)
    ]
    assert leads[1] == pytest.approx(leads[0], rel=0.06)
    cohorts = [
        np.array([row.won_rate for row in fn.cohort(book, period="quarter", horizon_days=90).rows])
        for book in (full, spoilt)
    ]
    assert cohorts[1][:3] == pytest.approx(cohorts[0][:3], abs=0.02)


def test_a_quarter_without_history_keeps_the_steps():
    given, rng = export(2, size=1500)
    spoilt = worlds.book(worlds.missing_history(given, {"lost": 0.25, "won": 0.25, "open": 0.25}, rng))
    full, part = (fn.conversion(book, horizon_days=60) for book in (worlds.book(given), spoilt))
    for one, other in zip(full.steps, part.steps, strict=True):
        assert other.decided_rate == pytest.approx(one.decided_rate, abs=0.03)
        assert other.by_day_rate == pytest.approx(one.by_day_rate, abs=0.03)
        assert other.decided_least_rate <= one.decided_rate <= other.decided_most_rate
    assert part.overall[0].decided_rate == full.overall[0].decided_rate
    assert "stages_stood_for" in codes(part)


def test_history_that_begins_late_has_no_stays_of_zero_days():
    given, _ = export(3, size=1500)
    rows = fn.duration(worlds.book(worlds.late_history(given, 200.0))).rows
    for k in range(3):
        assert rows[k].median_days == pytest.approx(TRUTH.median_stay(k), rel=0.15)


def test_demos_of_long_lived_deals_are_no_way_to_group():
    given, rng = export(4, size=800)
    end = np.where(given.outcome == "open", given.as_of, np.nan_to_num(given.closed))
    demo = np.where((end - given.deals.created > 40) & (rng.random(given.n) < 0.6), "yes", "no")
    spoilt = worlds.replace(given, extra={"segment": demo})
    result = fn.segments(worlds.book(spoilt), by="segment")
    assert "known_afterwards" in codes(result)
    assert {row.verdict for row in result.rows} == {"not_separable"}
    audit = {row.column: row.reason for row in fn.propensity(worlds.book(spoilt)).audit}
    assert audit["segment"] in ("known_later", "filled_by_outcome")
    assert audit["region"] == "used"


def test_accounts_widen_intervals_and_few_of_them_are_said():
    world = worlds.World(accounts=tuple(np.ones(15)), account_sd=1.5)
    given, _ = export(5, world, 300)
    book = worlds.book(given)
    alone = worlds.book(worlds.replace(given, deals=worlds.replace(given.deals, account=np.arange(given.n))))
    one, other = (fn.conversion(each, horizon_days=90).overall[0] for each in (book, alone))
    assert one.by_day_rate == pytest.approx(other.by_day_rate)
    assert one.by_day_ci_upper - one.by_day_ci_lower > 1.3 * (other.by_day_ci_upper - other.by_day_ci_lower)
    assert one.decided_ci_upper - one.decided_ci_lower > 1.3 * (
        other.decided_ci_upper - other.decided_ci_lower
    )
    assert "few_accounts" in codes(fn.conversion(book))


def test_an_as_of_date_long_after_the_last_record_needs_a_reason():
    given, _ = export(6, size=200)
    tables = worlds.frames(given)
    with pytest.raises(fn.core.errors.ParameterError, match="nothing is recorded in the"):
        fn.load(tables, playbook=list(worlds.STAGES), as_of="2030-01-01")
    book = fn.load(
        tables, playbook=list(worlds.STAGES), as_of="2026-01-01", mapping={"as_of_reason": "stocktaking"}
    )
    assert "quiet_before_as_of" in {note.code for note in book.notes}


def test_chances_fall_smoothly_with_the_amount():
    from funnelnb.analysis.targets import pipeline as pipes

    world = worlds.World(size_slope=-0.8)
    given, _ = export(7, world, 1500)
    book = worlds.book(given)
    deals = pipes.pipeline(book)
    chance = pipes.measured_chances(book, deals, 60.0, 0.9)
    small, large = np.log(deals.amount) < 8.3, np.log(deals.amount) > 9.7
    assert chance[small].mean() > 1.5 * chance[large].mean()
    flat, _ = export(8, WORLD, 1500)
    plain = worlds.book(flat)
    deals = pipes.pipeline(plain)
    chance = pipes.measured_chances(plain, deals, 60.0, 0.9)
    small, large = np.log(deals.amount) < 8.3, np.log(deals.amount) > 9.7
    assert 0.7 < chance[small].mean() / chance[large].mean() < 1.4


@pytest.mark.realdata
def test_what_came_in_june_was_no_miracle(shared_data):
    """A public export on 2017-05-31, three closed months, quarters that end high: June's amount was possible."""
    from tests.conftest import ROOT

    settings = ROOT / "examples/maven_crm.toml"
    book = fn.load(shared_data / "maven_crm", mapping=settings, as_of="2017-05-31")
    deals = fn.load(shared_data / "maven_crm", mapping=settings).opportunities
    june = (deals["closed_at"] >= "2017-06-01") & (deals["closed_at"] < "2017-07-01")
    came = float(deals.loc[june & (deals["outcome"] == "won"), "amount"].sum())
    result = fn.quota(book, until="2017-06-30", amount=came)
    assert 0.05 < result.chance_rate < 0.5, "it was said to be less than 1 in 10,000"
    assert {"period_end", "quota_shock_prior"} <= codes(result)
