"""The weighted pipeline, chances by stage and age, and what a period brings."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.shared.period import period_of, still_to_come
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.book import Book
from funnelnb.playbooks import load_playbook


@cache
def sample(as_of=None):
    return fn.sample(as_of=as_of) if as_of else fn.sample()


def territory(*deals, playbook="product_funnel", as_of="2026-03-31", **tables):
    """A book of (stage, amount, outcome, created, closed)."""
    frame = pd.DataFrame(
        {
            "opportunity_id": [f"D{k}" for k in range(len(deals))],
            "stage": [deal[0] for deal in deals],
            "amount": [float(deal[1]) for deal in deals],
            "outcome": [deal[2] for deal in deals],
            "created_at": pd.to_datetime([deal[3] for deal in deals]),
            "closed_at": pd.to_datetime([deal[4] for deal in deals]),
            "region": ["North" if k % 2 == 0 else "South" for k in range(len(deals))],
        }
    )
    frame["opportunity_id"] = frame["opportunity_id"].astype("str")
    return Book(
        tables={"opportunities": frame, **tables},
        playbook=load_playbook(playbook),
        as_of=np.datetime64(as_of, "s"),
        currency="CNY",
    )


def test_a_million_at_a_quarter_is_a_quarter_of_a_million():
    book = territory(("candidate", 1_000_000, "open", "2026-01-10", None))
    result = fn.quota(book, weights="playbook")
    assert result.weighted_amount == 250_000
    assert result.rows[-1].weight_rate == 0.25


def test_a_territory_is_the_sum_of_its_deals():
    book = territory(
        ("candidate", 1_000_000, "open", "2026-01-10", None),
        ("preferred", 400_000, "open", "2026-01-10", None),
        ("decided", 200_000, "open", "2026-01-10", None),
        ("candidate", 100_000, "open", "2026-01-10", None),
    )
    result = fn.quota(book, weights="playbook", by="region", amount=500_000)
    assert result.weighted_amount == 250_000 + 200_000 + 150_000 + 25_000
    totals = {row.group: row.weighted_amount for row in result.rows if not row.stage}
    assert totals == {("North",): 400_000, ("South",): 225_000, (): 625_000}
    # the 16 outcomes of four independent deals, counted
    chance = sum(
        np.prod([p if bit else 1 - p for p, bit in zip((0.25, 0.5, 0.75, 0.25), bits, strict=True)])
        for bits in np.ndindex(2, 2, 2, 2)
        if np.dot(bits, (1e6, 4e5, 2e5, 1e5)) >= 500_000
    )
    assert result.chance_rate == pytest.approx(chance, abs=1e-6)
    own = fn.quota(book, weights={"candidate": 0.1, "preferred": 0.5, "decided": 0.75})
    assert own.weighted_amount == 110_000 + 200_000 + 150_000


def test_chances_by_stage_and_age_agree_with_what_then_happened():
    expected = actual = variance = 0.0
    for start, end in (
        ("2025-06-30", "2025-09-30"),
        ("2025-09-30", "2025-12-31"),
        ("2025-12-31", "2026-03-31"),
    ):
        book = sample(start)
        deals = pipes.pipeline(book)
        chance = pipes.chances_in(book, deals, still_to_come(book, None, end), 0.9)
        later = sample()
        closed = dict(
            zip(
                later.ledger.deal_ids,
                zip(later.ledger.outcome, later.ledger.closed_s, strict=True),
                strict=True,
            )
        )
        last = np.datetime64(end, "s").astype(np.int64) + 86_400
        won = [closed[one][0] == 1 and closed[one][1] < last for one in book.ledger.deal_ids[deals.index]]
        expected, actual = expected + chance.sum(), actual + sum(won)
        variance += (chance * (1 - chance)).sum()
    assert abs(expected - actual) < 4 * np.sqrt(variance)


def test_a_deal_that_stands_longer_has_a_chance_of_its_own():
    """Ten deals leave stage 0 on day 10 and are won on day 20; ten never leave it."""
    rows = [("candidate", 1.0, "won", "2026-01-01", "2026-01-21")] * 10
    rows += [("candidate", 1.0, "open", "2026-01-01", None)] * 10
    assert np.isnan(
        pipes.measured_chances(territory(*rows), pipes.pipeline(territory(*rows)), 90.0, 0.9)
    ).all()
    rows += [("candidate", 1.0, "lost", "2026-01-01", "2026-01-15")] * 10
    book = territory(*rows, as_of="2026-03-31")
    deals = pipes.pipeline(book)
    assert np.all(pipes.measured_chances(book, deals, 90.0, 0.9) == 0)


def test_a_future_quarter_takes_only_what_is_won_within_it():
    book = sample()
    deals = pipes.pipeline(book)
    third, fourth = period_of("2026-Q3"), period_of("2026-Q4")
    both = pipes.chances_in(book, deals, still_to_come(book, None, "2026-12-31"), 0.9)
    parts = pipes.chances_in(book, deals, third, 0.9) + pipes.chances_in(book, deals, fourth, 0.9)
    np.testing.assert_allclose(parts, both, atol=1e-9)


def test_the_curve_and_the_chance_agree_and_fall():
    result = fn.quota(sample(), period="2026-Q3", amount=12_000_000)
    curve = result.curve
    assert np.all(np.diff(curve.chance_rate) <= 1e-9)
    at = np.interp(12_000_000, curve.total_amount, curve.chance_rate)
    assert result.chance_rate == pytest.approx(at, abs=0.01)
    assert result.chance_open_rate < result.chance_rate
    assured = np.interp(result.assured_amount, curve.total_amount, curve.chance_rate)
    assert assured == pytest.approx(0.8, abs=0.01)
    mean = curve.total_amount @ curve.probability_rate / curve.probability_rate.sum()
    assert mean == pytest.approx(result.expected_amount, rel=0.01)
    assert fn.quota(sample(), period="2026-Q3", amount=14_000_000).chance_rate < result.chance_rate


def test_the_target_comes_from_the_table():
    result = fn.quota(sample(), period="2026-Q3")
    table = sample().tables["targets"]
    assert result.target_amount == table.loc[table["period"] == "2026-Q3", "amount"].sum()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("as_of", "period", "truth"), [("2017-09-30", "2017-Q4", 2_802_496), ("2017-06-30", "2017-Q3", 2_982_255)]
)
def test_maven_quarters_fall_within_what_was_likely(shared_data, as_of, period, truth):
    from tests.conftest import ROOT

    book = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml", as_of=as_of)
    result = fn.quota(book, period=period, amount=truth)
    assert 0.1 < result.chance_rate < 0.9
    assert result.chance_open_rate < 0.15
    # more than half of the quarter came from deals that were not yet engaged
    assert 450 < result.new_n < 750


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"amount": 0}, ParameterError, "amount = 0"),
        ({"weights": "guessed"}, ParameterError, "weights = 'guessed'"),
        ({"weights": {"nowhere": 0.5}}, ParameterError, "no stage 'nowhere'"),
        ({"weights": {"qualify": 1.5}}, ParameterError, "1.5"),
        ({"period": "2025-Q4"}, ParameterError, "ends on 2025-12-31"),
        ({"assurance": 2}, ParameterError, "assurance = 2"),
        ({"by": "planet"}, MissingDataError, "planet"),
    ],
)
def test_bad_input_is_named(changes, error, says):
    with pytest.raises(error, match=says):
        fn.quota(sample(), **changes)


def test_amounts_that_then_came_in_lie_within_the_spread_expected():
    """Large deals are won less often: with one chance for all sizes too much is expected."""
    expected = actual = variance = 0.0
    later = sample()
    for start, end in (
        ("2025-09-30", "2025-12-31"),
        ("2025-12-31", "2026-03-31"),
        ("2026-03-31", "2026-06-30"),
    ):
        book = sample(start)
        deals = pipes.pipeline(book)
        chance = pipes.chances_in(book, deals, still_to_come(book, None, end), 0.9)
        amount = np.nan_to_num(deals.amount)
        closed = dict(
            zip(
                later.ledger.deal_ids,
                zip(later.ledger.outcome, later.ledger.closed_s, strict=True),
                strict=True,
            )
        )
        last = np.datetime64(end, "s").astype(np.int64) + 86_400
        won = [closed[one][0] == 1 and closed[one][1] < last for one in book.ledger.deal_ids[deals.index]]
        mean = float((chance * amount).sum())
        expected, actual = expected + mean, actual + float(amount[won].sum())
        swing = mean * np.std(pipes.shock(book).levels) / 2
        variance += float((chance * (1 - chance) * amount**2).sum()) + swing**2
    assert abs(expected - actual) < 3 * np.sqrt(variance)


def test_large_deals_get_the_chances_of_large_deals():
    rows = [("candidate", 10.0, "won", "2025-06-01", "2025-07-01")] * 150
    rows += [("candidate", 10.0, "lost", "2025-06-01", "2025-07-01")] * 50
    rows += [("candidate", 1000.0, "won", "2025-06-01", "2025-07-01")] * 150
    rows += [("candidate", 1000.0, "lost", "2025-06-01", "2025-07-01")] * 450
    rows += [
        ("candidate", 10.0, "open", "2026-03-31", None),
        ("candidate", 1000.0, "open", "2026-03-31", None),
    ]
    book = territory(*rows)
    deals = pipes.pipeline(book)
    chance = pipes.measured_chances(book, deals, 365.0, 0.9)
    assert dict(zip(deals.amount.tolist(), chance.tolist(), strict=True)) == pytest.approx(
        {10.0: 0.75, 1000.0: 0.25}, abs=0.02
    )


def test_a_stage_without_a_weight_counts_nothing_and_is_named():
    """The model gives the top of the funnel no weight (DOMAIN A6): it neither refuses nor guesses."""
    book = territory(
        ("candidate", 1_000_000, "open", "2026-01-10", None), ("need", 800_000, "open", "2026-01-10", None)
    )
    result = fn.quota(book, weights="playbook")
    assert result.weighted_amount == 250_000
    (note,) = [one for one in result.notes if one.code == "quota_without_weight"]
    assert note.values == {"stages": "need", "deals_n": 1, "of_n": 2}
    assert "有需求" in result.text("zh") and "Has a need" in result.text("en")


def test_all_weights_stand_side_by_side():
    book = territory(
        ("candidate", 1_000_000, "open", "2026-01-10", None), ("decided", 200_000, "open", "2026-01-10", None)
    )
    whole = fn.quota(book, weights={"candidate": 0.1}).rows[-1]
    assert (whole.model_amount, whole.own_amount) == (250_000 + 150_000, 100_000 + 150_000)
    assert whole.own_amount == whole.weighted_amount
    measured = fn.quota(sample(), period="2026-Q3").rows[-1]
    assert measured.measured_amount == pytest.approx(measured.weighted_amount)
    assert np.isnan(measured.own_amount) and measured.model_amount > 0


def test_a_model_without_any_weight_is_refused():
    with pytest.raises(MissingDataError, match="no win weight for any stage"):
        fn.quota(
            territory(("proposal", 1_000, "open", "2026-01-10", None), playbook="weekly_report"),
            weights="playbook",
        )


def test_two_attributes_make_groups_that_add_up() -> None:
    book = fn.sample().where(region="DACH")
    found = fn.quota(book, by=["segment", "owner"], period="2026-Q3", amount=1e6)
    totals = [row for row in found.rows if not row.stage]
    parts, whole = totals[:-1], totals[-1]
    assert all(len(row.group) == 2 for row in parts)
    assert sum(row.open_n for row in parts) == whole.open_n == found.n
    assert sum(row.weighted_amount for row in parts) == pytest.approx(whole.weighted_amount)
    for row in parts[:3]:
        alone = book.where(segment=row.group[0], owner=row.group[1])
        assert row.open_amount == pytest.approx(
            alone.opportunities.query("outcome == 'open'")["amount"].sum()
        )
