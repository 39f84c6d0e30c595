"""Stuck deals: false alarms counted on floors of known truth, tails by plain loops, a public export."""

from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.stuck import p_values, stuck
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.desk import book, relabelled, shuffled
from tests.analysis.floors import Deal, playbook
from tests.conftest import ROOT

MODEL = playbook("lead")


def floor(seed: int, *, n: int, dead_share: float, span: float = 300.0):
    """Leads that come in evenly and leave after 15 days on average, but for a share that never does."""
    rng = np.random.default_rng(seed)
    made = []
    for start, days, dead in zip(
        rng.uniform(0, span, n), rng.exponential(15, n), rng.random(n) < dead_share, strict=True
    ):
        kind = "dead" if dead else "ordinary"
        open_still = dead or start + days > span
        made.append(
            Deal(
                visits=((0, start),),
                end="open" if open_still else "won" if rng.random() < 0.4 else "lost",
                closed=None if open_still else start + days,
                amount=1.0 if open_still else 2.0,
                attributes={"segment": kind},
            )
        )
    return book(*made, model=MODEL, today=span)


def truth(whole) -> dict[str, str]:
    deals = whole.opportunities
    return dict(zip(deals["opportunity_id"], deals["segment"], strict=True))


def test_false_alarms_stay_below_the_rate_and_dead_deals_are_found() -> None:
    shares, found_n, dead_n = [], 0, 0
    for seed in range(20):
        whole = floor(seed, n=300, dead_share=0.1)
        result = stuck(whole, false_alarm_rate=0.2)
        kind = truth(whole)
        listed = [kind[deal.opportunity_id] for deal in result.deals if deal.listed]
        shares.append(listed.count("ordinary") / max(len(listed), 1))
        found_n += listed.count("dead")
        dead_n += sum(kind[deal.opportunity_id] == "dead" for deal in result.deals)
    assert np.mean(shares) <= 0.2
    assert found_n > 0.7 * dead_n


def test_hardly_ever_a_deal_is_listed_where_all_are_ordinary() -> None:
    any_listed = [stuck(floor(100 + seed, n=300, dead_share=0.0)).listed_n > 0 for seed in range(20)]
    assert sum(any_listed) <= 6  # 0.1 of 20, with 3 standard errors' room
    codes = {note.code for note in stuck(floor(100, n=300, dead_share=0.0)).notes}
    assert "no_plateau" in codes


def test_p_is_uniform_for_ordinary_deals_whatever_the_shape() -> None:
    """Slow ones are over-represented among open deals; the plain tail would call too many unusual."""
    rng = np.random.default_rng(7)
    p, tail = [], []
    for _ in range(300):
        entered = rng.uniform(0, 400, 200)
        days = 20 * rng.weibull(0.6, 200)
        still = np.exp(-((entered / 20) ** 0.6))
        is_open = days > entered
        p += p_values(entered[is_open], entered, still).tolist()
        tail += still[is_open].tolist()
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.02)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.03)
    assert np.mean(np.array(tail) <= 0.1) > 0.2


def test_p_by_a_loop() -> None:
    rng = np.random.default_rng(3)
    entered, still, ages = rng.integers(0, 30, 40), rng.random(40), rng.integers(0, 35, 9)
    expected = [sum(s for e, s in zip(entered, still, strict=True) if e >= age) / still.sum() for age in ages]
    np.testing.assert_allclose(p_values(ages, entered, still), expected, atol=1e-12)


def test_all_open_deals_are_ranked_once() -> None:
    whole = fn.sample()
    result = stuck(whole, by="region")
    assert [deal.rank for deal in result.deals] == list(range(1, result.n + 1))
    p = [deal.p_value for deal in result.deals]
    assert p == sorted(p)
    assert sum(row.open_n for row in result.stages) == result.n
    assert result.listed_n == sum(deal.listed for deal in result.deals)


def test_a_slow_segment_has_its_own_measure() -> None:
    """An age that is ordinary in the north is unusual in the south."""
    rng = np.random.default_rng(2)
    made = []
    for region, pace in (("north", 60.0), ("south", 6.0)):
        for start, days in zip(rng.uniform(0, 300, 400), rng.exponential(pace, 400), strict=True):
            gone = start + days <= 300
            made.append(
                Deal(visits=((0, start),), end="lost" if gone else "open",
                     closed=start + days if gone else None, attributes={"region": region})
            )  # fmt: skip
        made.append(Deal(visits=((0, 245.0),), attributes={"region": region}))
    whole = book(*made, model=MODEL, today=300.0)
    for by in (None, "region"):
        tail = {d.region: d.tail_rate for d in stuck(whole, by=by).deals if d.age_days == 55.0}
        ratio = tail["south"] / tail["north"]
        assert ratio == 1.0 if by is None else ratio < 0.2


def test_few_or_undated_deals_are_not_judged() -> None:
    few = stuck(
        book(Deal(visits=((0, 10.0),)), Deal(visits=((0, 1.0),), end="lost", closed=9.0), model=MODEL)
    )
    (deal,) = few.deals
    assert np.isnan(deal.p_value)
    assert not deal.listed
    assert "age_not_judged" in {note.code for note in few.notes}
    assert stuck(book(Deal(visits=((0, 1.0),), end="lost", closed=9.0), model=MODEL)).n == 0


def test_row_order_and_ids_do_not_matter() -> None:
    whole = fn.sample()

    def told(result):
        return [(d.p_value, d.win_rate, d.win_ci_lower, d.win_ci_upper, d.slow) for d in result.deals]

    def ids(result):
        return [d.opportunity_id for d in result.deals]

    for by in (None, "region"):
        known = stuck(whole, by=by)
        same, other = stuck(shuffled(whole), by=by), stuck(relabelled(whole), by=by)
        assert ids(same) == ids(known) == [one[1:] for one in ids(other)]
        np.testing.assert_allclose(told(same), told(known), rtol=1e-12)
        np.testing.assert_allclose(told(other), told(known), rtol=1e-12)


def test_how_many_are_slow_is_held_against_ordinary_deals() -> None:
    """All are ordinary: as many open deals are in the slowest tenth as are expected to be."""
    found = [stuck(floor(100 + seed, n=300, dead_share=0.0)) for seed in range(20)]
    slow, expected = (
        np.array([getattr(one, name) for one in found]) for name in ("slow_n", "slow_expected_n")
    )
    assert slow.sum() == pytest.approx(expected.sum(), abs=3 * np.sqrt(expected.sum()))
    for one in found:
        assert one.slow_n == sum(deal.tail_rate <= 0.1 for deal in one.deals)
        assert one.slow_n == sum(row.slow_n for row in one.stages) == sum(deal.slow for deal in one.deals)
        assert one.slow_expected_n == pytest.approx(sum(row.slow_expected_n for row in one.stages))
    dead = stuck(floor(3, n=300, dead_share=0.1))
    assert dead.slow_n > 2 * dead.slow_expected_n


@pytest.mark.parametrize(
    "wrong", [{"false_alarm_rate": 0}, {"horizon_days": 0}, {"false_alarm_rate": "much"}]
)
def test_wrong_parameters(wrong) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        stuck(fn.sample(), **wrong)
    with pytest.raises(MissingDataError, match="regio"):
        stuck(fn.sample(), by="regio")


@pytest.mark.realdata
def test_the_dead_pipeline_of_a_public_export(shared_data: Path) -> None:
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    result = stuck(maven)
    engaged = {row.stage: row for row in result.stages}["engaging"]
    assert (engaged.open_n, engaged.last_event_days, engaged.pause) == (1589, 138, True)
    dead = [deal for deal in result.deals if deal.age_days > 138]
    assert len(dead) == 1291
    assert all(deal.listed for deal in dead)
    assert engaged.listed_n < 1589


def test_one_stage_alone_holds_its_deals_and_its_own_list() -> None:
    whole, one = (
        fn.stuck(fn.sample()),
        fn.stuck(fn.sample(), stage="Negotiate and sign", confidence_level=0.8),
    )
    ages = {deal.opportunity_id: deal.p_value for deal in whole.deals if deal.stage == "negotiation"}
    assert {deal.opportunity_id: deal.p_value for deal in one.deals} == ages
    assert [row.stage for row in one.stages] == ["negotiation"]
    assert one.confidence_level == 0.8
