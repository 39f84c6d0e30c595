"""What must not change how long things take: row order, ids, a stay cut in two, what comes later, the unit of time."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.analysis.time.ageing import ageing
from funnelnb.analysis.time.duration import duration
from funnelnb.analysis.time.stuck import stuck
from funnelnb.data.book import Book
from tests.analysis import oracle
from tests.analysis.desk import changed, renamed, shuffled
from tests.analysis.floors import EPOCH, Deal, Floor, random_floor, when

FEW = settings(max_examples=6, deadline=None)
SEEDS = st.integers(0, 10_000)
NAMES = ("opportunity_id", "account_id", "rank", "customer")


def facts(one) -> list:
    """Every field of a result row but names of deals; arrays value by value."""
    found = []
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        if field.name not in NAMES:
            found += value.tolist() if isinstance(value, np.ndarray) else [value]
    return found


def numbers(book: Book) -> list:
    """Every number of every analysis of time; open deals in the order of their facts, ids do not matter."""
    found = []
    for by in (None, "region"):
        for to in ("any", "advance", "lose"):
            result = duration(book, by=by, to=to, family="weibull" if by is None else "exponential")
            for row in (*result.rows, *result.fits, *result.curves):
                found += facts(row)
        listed = stuck(book, by=by)
        for row in (*listed.stages, *sorted(listed.deals, key=lambda deal: repr(facts(deal)))):
            found += facts(row)
    for cell in ageing(book).cells:
        found += facts(cell)
    return found


def same(book: Book, other: Book) -> None:
    oracle.same(numbers(book), numbers(other))


@FEW
@given(seed=SEEDS)
def test_row_order_changes_nothing(seed):
    book = random_floor(seed).book()
    same(book, shuffled(book, seed))


@FEW
@given(seed=SEEDS)
def test_names_of_ids_change_nothing(seed):
    book = random_floor(seed).book()
    same(book, renamed(book, seed))


@FEW
@given(seed=SEEDS)
def test_a_stay_cut_in_two_changes_nothing(seed):
    """The same stage twice in a row is one stay, wherever it is cut."""
    floor = random_floor(seed)
    book = floor.book()
    again = []
    for number, deal in enumerate(floor.deals):
        visits = sorted(deal.visits, key=lambda visit: visit[::-1])  # stages of one day in their order
        ends = [day for _, day in visits[1:]] + [deal.closed if deal.closed is not None else floor.today]
        for (stage, day), end in zip(visits, ends, strict=True):
            if end - day >= 2 and stage < floor.playbook.won:
                again += [
                    (f"d{number:05d}", floor.playbook.stage_ids[stage], when(day + k)) for k in (1, 1.5)
                ]
    assert again
    rows = pd.DataFrame(again, columns=["opportunity_id", "stage", "entered_at"])
    rows = rows.astype({"opportunity_id": "str", "stage": "str", "entered_at": "datetime64[us]"})
    history = pd.concat([book.tables["stage_history"], rows], ignore_index=True)
    same(book, changed(book, stage_history=history))


@FEW
@given(seed=SEEDS, day=st.integers(60, 170))
def test_what_comes_after_the_as_of_date_changes_nothing(seed, day):
    """Later stages, later ends and later deals: the full export read as of a day is the export of that day."""
    later = random_floor(seed, today=400.0)
    then = tuple(known for known in (deal.as_of(day) for deal in later.deals) if known is not None)
    full = later.book()
    as_of = EPOCH + np.timedelta64(day, "D")
    same(
        dataclasses.replace(later, deals=then, today=float(day)).book(),
        Book(tables=full.tables, playbook=full.playbook, as_of=as_of),
    )


@FEW
@given(seed=SEEDS)
def test_deals_created_later_change_nothing(seed):
    floor = random_floor(seed)
    extra = tuple(
        Deal(visits=((0, floor.today + 1 + k),), end="lost", closed=floor.today + 9, attributes={"region": "East"})
        for k in range(5)
    )  # fmt: skip
    same(floor.book(), dataclasses.replace(floor, deals=(*floor.deals, *extra)).book())


@FEW
@given(seed=SEEDS)
def test_groups_are_the_books_of_their_own(seed):
    """All but the limit of the mean, which groups share so that they can be compared."""
    book = random_floor(seed, deal_n=150).book()
    shared = ("group", "limit_days", "mean_days", "mean_ci_lower", "mean_ci_upper")
    for to in ("any", "advance", "lose"):
        together = duration(book, by="region", to=to, family="exponential")
        for value, part in book.split("region").items():
            alone = duration(part, to=to, family="exponential")
            mine = [row for row in together.rows if row.group == (value,)]
            for row, other in zip(mine, alone.rows, strict=True):
                for name in set(row.__slots__) - set(shared):
                    oracle.same([getattr(row, name)], [getattr(other, name)])


@FEW
@given(seed=SEEDS)
def test_going_on_losing_and_staying_add_to_one(seed):
    """On every day of every stage, in every group; and what is told at a day is on the curve."""
    book = random_floor(seed, deal_n=150).book()
    for by in (None, "region"):
        results = {
            to: duration(book, by=by, to=to, family="exponential") for to in ("any", "advance", "lose")
        }
        for one, on, lost in zip(*(result.curves for result in results.values()), strict=True):
            ends = (1 - on.not_yet_rate) + (1 - lost.not_yet_rate)
            np.testing.assert_array_equal(on.days, lost.days)
            np.testing.assert_allclose(ends + one.not_yet_rate, 1, atol=1e-12)
            for curve in (one, on, lost):
                rate, lower, upper = curve.not_yet_rate, curve.not_yet_ci_lower, curve.not_yet_ci_upper
                assert (np.diff(rate) <= 1e-12).all()
                assert ((lower <= rate + 1e-12) & (rate <= upper + 1e-12)).all()
                assert ((lower >= -1e-12) & (upper <= 1 + 1e-12)).all()
        for row, on, lost in zip(*(result.rows for result in results.values()), strict=True):
            assert row.closed_n == on.closed_n + lost.closed_n == row.n - row.open_n
            oracle.same([row.still_30_rate, row.still_90_rate], [on.still_30_rate, lost.still_90_rate])
    for cell in ageing(book).cells:
        assert np.isnan(cell.won_90_rate) or cell.won_90_rate + cell.lost_90_rate <= 1 + 1e-12
        rising = [cell.won_30_rate, cell.won_60_rate, cell.won_90_rate]
        known = [rate for rate in rising if not np.isnan(rate)]
        assert (np.diff(known) >= -1e-12).all()
    for deal in stuck(book).deals:
        assert all(np.isnan(one) or 0 <= one <= 1 for one in (deal.tail_rate, deal.p_value, deal.win_rate))


@FEW
@given(seed=SEEDS)
def test_won_and_lost_can_change_places(seed):
    """With one step, calling won deals lost and lost ones won: going on becomes losing, any end stays."""
    floor = random_floor(seed, positions=1, deal_n=120)
    swap = {"won": "lost", "lost": "won"}
    plain = [
        dataclasses.replace(deal, visits=deal.visits[:1]) for deal in floor.deals if deal.visits[0][0] == 0
    ]
    swapped = [dataclasses.replace(deal, end=swap.get(deal.end, deal.end)) for deal in plain]
    book, other = (dataclasses.replace(floor, deals=tuple(deals)).book() for deals in (plain, swapped))
    for to, back in (("any", "any"), ("advance", "lose"), ("lose", "advance")):
        one, two = duration(book, to=to, family="weibull"), duration(other, to=back, family="weibull")
        for left, right in zip((*one.rows, *one.curves), (*two.rows, *two.curves), strict=True):
            oracle.same(facts(left), facts(right))
        for left, right in zip(one.fits, two.fits, strict=True):
            oracle.same(facts(left), facts(right))
    for deal, twin in zip(stuck(book).deals, stuck(other).deals, strict=True):
        oracle.same([deal.tail_rate, deal.p_value, deal.listed], [twin.tail_rate, twin.p_value, twin.listed])
    for cell, twin in zip(ageing(book).cells, ageing(other).cells, strict=True):
        oracle.same([cell.watched_n, cell.open_n], [twin.watched_n, twin.open_n])


def stretched(floor: Floor, times: float) -> Floor:
    """The same with every day so many times as far from the first."""
    deals = tuple(
        dataclasses.replace(
            deal,
            visits=tuple((stage, day * times) for stage, day in deal.visits),
            closed=None if deal.closed is None else deal.closed * times,
        )
        for deal in floor.deals
    )
    return dataclasses.replace(floor, deals=deals, today=floor.today * times)


LENGTHS = (
    "median_days", "median_ci_lower", "median_ci_upper", "q25_days", "q75_days", "mean_days", "mean_ci_lower",
    "mean_ci_upper", "limit_days", "naive_median_days", "naive_mean_days", "naive_difference_days",
    "last_event_days",
)  # fmt: skip
COUNTS = ("n", "closed_n", "open_n", "older_n", "older_amount", "pause", "enough")


@FEW
@given(seed=SEEDS, to=st.sampled_from(["any", "advance", "lose"]))
def test_the_unit_of_time_scales_every_length(seed, to):
    """Weeks instead of days: lengths are seven times as long, counts and shares are the same."""
    floor = random_floor(seed, deal_n=120)
    one = duration(floor.book(), to=to, family="weibull")
    seven = duration(stretched(floor, 7).book(), to=to, family="weibull")
    for row, other in zip(one.rows, seven.rows, strict=True):
        oracle.same([7 * getattr(row, name) for name in LENGTHS], [getattr(other, name) for name in LENGTHS])
        oracle.same([getattr(row, name) for name in COUNTS], [getattr(other, name) for name in COUNTS])
    for curve, other in zip(one.curves, seven.curves, strict=True):
        oracle.same((7 * curve.days).tolist(), other.days.tolist())
        for name in ("not_yet_rate", "not_yet_ci_lower", "not_yet_ci_upper", "at_risk_n"):
            oracle.same(getattr(curve, name).tolist(), getattr(other, name).tolist())


@FEW
@given(seed=SEEDS)
def test_the_unit_of_time_scales_fits(seed):
    """No stay of 0, which means less than half a day in any unit."""
    draw = np.random.default_rng(seed)
    deals = []
    for start, days in zip(draw.integers(0, 300, 150), 1 + draw.weibull(1.3, 150) * 40, strict=True):
        end = float(start) + float(np.ceil(days))
        over = end <= 320
        deals.append(
            Deal(visits=((0, float(start)),), end="lost" if over else "open", closed=end if over else None)
        )
    floor = dataclasses.replace(random_floor(seed, positions=1), deals=tuple(deals), today=320.0)
    one, seven = (
        {(fit.family, fit.never, fit.at_once): fit for fit in duration(made.book()).fits if fit.overall}
        for made in (floor, stretched(floor, 7))
    )
    assert one.keys() == seven.keys()
    for key, fit in one.items():
        other = seven[key]
        assert (fit.verdict, fit.rank) == (other.verdict, other.rank)
        assert other.median_days == pytest.approx(7 * fit.median_days, rel=1e-4, nan_ok=True)
        assert other.median_ci_upper == pytest.approx(7 * fit.median_ci_upper, rel=1e-3, nan_ok=True)
        assert other.gap_share == pytest.approx(fit.gap_share, abs=1e-4, nan_ok=True)
        assert other.behind == pytest.approx(fit.behind, abs=1e-3, nan_ok=True)


@FEW
@given(seed=SEEDS)
def test_the_unit_of_time_does_not_decide_who_is_stuck(seed):
    """Judged by order and counts alone; the chance to win within 90 days is that within 630 of the stretched."""
    floor = random_floor(seed, deal_n=150)
    one = stuck(floor.book(), horizon_days=90)
    seven = stuck(stretched(floor, 7).book(), horizon_days=630)
    assert one.n == seven.n > 0
    for deal, other in zip(one.deals, seven.deals, strict=True):
        assert deal.opportunity_id == other.opportunity_id
        oracle.same([7 * deal.age_days, 7 * deal.usual_days], [other.age_days, other.usual_days])
        for name in ("tail_rate", "p_value", "p_adjusted", "listed", "win_rate"):
            left, right = getattr(deal, name), getattr(other, name)
            assert left == pytest.approx(right, abs=1e-9, nan_ok=True), name
