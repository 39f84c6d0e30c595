"""What must not change a number: row order, names of ids, what happens later, a stage row cut in two."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.analysis.conversion.cohort import cohort
from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.segments import segments
from funnelnb.data.book import Book
from tests.analysis import oracle
from tests.analysis.desk import changed, renamed, shuffled
from tests.analysis.floors import EPOCH, Deal, random_floor, when

FEW = settings(max_examples=8, deadline=None)
SEEDS = st.integers(0, 10_000)


def numbers(book: Book, horizon_days: float = 45.0) -> list:
    """Every number of every analysis of a book."""
    found = []
    for by in (None, "region"):
        result = conversion(book, by=by, horizon_days=horizon_days)
        found += [*result.steps, *result.overall, *result.loss_points]
        found += [
            value for curve in result.curves for value in (curve.won_rate, curve.lost_rate, curve.at_risk_n)
        ]
    trend = cohort(book, horizon_days=horizon_days)
    found += [*trend.rows, *trend.cells]
    for parameters in ({}, {"measure": "by_day", "horizon_days": horizon_days}):
        found += segments(book, by="region", **parameters).rows
    return [
        part for one in found for part in (dataclasses.astuple(one) if dataclasses.is_dataclass(one) else one)
    ]


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
def test_a_stage_row_said_twice_changes_nothing(seed):
    floor = random_floor(seed)
    book = floor.book()
    history = book.tables["stage_history"]
    again = []
    for number, deal in enumerate(floor.deals):
        visits = sorted(deal.visits, key=lambda visit: visit[::-1])  # stages of one day in their order
        ends = [day for _, day in visits[1:]] + [deal.closed if deal.closed is not None else floor.today]
        for (stage, day), end in zip(visits, ends, strict=True):
            if end - day >= 2 and stage < floor.playbook.won:
                again.append((f"d{number:05d}", floor.playbook.stage_ids[stage], when((day + end) // 2)))
    assert again
    rows = pd.DataFrame(again, columns=["opportunity_id", "stage", "entered_at"])
    rows = rows.astype({"opportunity_id": "str", "stage": "str", "entered_at": "datetime64[us]"})
    same(book, changed(book, stage_history=pd.concat([history, rows], ignore_index=True)))


@FEW
@given(seed=SEEDS, day=st.integers(60, 170))
def test_what_happens_later_changes_nothing(seed, day):
    """The full export read as of a day gives what an export made on that day gives."""
    later = random_floor(seed, today=400.0)
    then = tuple(known for known in (deal.as_of(day) for deal in later.deals) if known is not None)
    truncated = dataclasses.replace(later, deals=then, today=float(day))
    full = later.book()
    as_of = EPOCH + np.timedelta64(day, "D")
    same(truncated.book(), Book(tables=full.tables, playbook=full.playbook, as_of=as_of))


@FEW
@given(seed=SEEDS)
def test_deals_created_later_change_nothing(seed):
    floor = random_floor(seed)
    extra = tuple(
        Deal(
            visits=((0, floor.today + 1 + k),),
            end="lost",
            closed=floor.today + 9,
            attributes={"region": "East"},
        )
        for k in range(5)
    )
    same(floor.book(), dataclasses.replace(floor, deals=(*floor.deals, *extra)).book())


@FEW
@given(seed=SEEDS)
def test_groups_add_to_the_whole(seed):
    book = random_floor(seed).book()
    whole = conversion(book, horizon_days=45)
    for by in ("region", ("region", "size")):
        parts = conversion(book, by=by, horizon_days=45)
        for row in (*whole.steps, *whole.overall):
            mine = [
                part
                for part in (*parts.steps, *parts.overall)
                if (part.stage, part.next_stage, part.overall) == (row.stage, row.next_stage, row.overall)
            ]
            for name in (
                "reached_n",
                "advanced_n",
                "here_n",
                "lost_n",
                "left_n",
                "decided_n",
                "by_day_n",
                "amount_n",
            ):
                assert getattr(row, name) == sum(getattr(part, name) for part in mine)
            assert row.reached_amount == pytest.approx(sum(part.reached_amount for part in mine))
            assert row.reached_n == row.advanced_n + row.here_n + row.lost_n + row.left_n


@FEW
@given(seed=SEEDS)
def test_split_books_are_the_groups(seed):
    """A report per region says what the comparison of regions says."""
    book = random_floor(seed).book()
    together = conversion(book, by="region", horizon_days=45)
    for value, part in book.split("region").items():
        alone = conversion(part, horizon_days=45)
        row = next(row for row in together.overall if row.group == (value,))
        blank = ("group", "here_amount", "lost_amount")
        for field in dataclasses.fields(row):
            mine, theirs = getattr(alone.overall[0], field.name), getattr(row, field.name)
            if field.name in blank or "amount" in field.name:
                continue
            assert (
                mine == pytest.approx(theirs, rel=1e-12, nan_ok=True)
                if isinstance(mine, float)
                else mine == theirs
            )


@FEW
@given(seed=SEEDS)
def test_shares_are_shares_and_intervals_hold_them(seed):
    result = conversion(random_floor(seed).book(), by="region", horizon_days=45)
    for row in (*result.steps, *result.overall):
        if not np.isnan(row.by_day_rate):
            assert row.by_day_rate + row.by_day_lost_rate + row.by_day_open_rate == pytest.approx(
                1, abs=1e-12
            )
        for name in ("so_far", "decided", "by_day", "so_far_amount", "decided_amount", "by_day_amount"):
            rate, lower, upper = (getattr(row, f"{name}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
            if np.isnan(rate):
                assert np.isnan(lower)
                assert np.isnan(upper)
            else:
                assert 0 <= lower <= rate <= upper <= 1
    for curve in result.curves:
        np.testing.assert_allclose(curve.won_rate + curve.lost_rate + curve.open_rate, 1, atol=1e-12)
        assert (np.diff(curve.won_rate) >= 0).all()
        assert (np.diff(curve.open_rate) <= 1e-12).all()


@FEW
@given(seed=SEEDS)
def test_won_and_lost_can_change_places(seed):
    """With one step, calling every won deal lost and every lost deal won swaps the two curves."""
    floor = random_floor(seed, positions=1)
    swap = {"won": "lost", "lost": "won"}
    deals = tuple(
        dataclasses.replace(deal, visits=deal.visits[:1], end=swap.get(deal.end, deal.end))
        for deal in floor.deals
        if deal.visits[0][0] == 0
    )
    before = tuple(
        dataclasses.replace(deal, visits=deal.visits[:1]) for deal in floor.deals if deal.visits[0][0] == 0
    )
    one = conversion(dataclasses.replace(floor, deals=before).book(), horizon_days=20).curves[0]
    other = conversion(dataclasses.replace(floor, deals=deals).book(), horizon_days=20).curves[0]
    np.testing.assert_allclose(one.won_rate, other.lost_rate, atol=1e-12)
    np.testing.assert_allclose(one.lost_ci_upper, other.won_ci_upper, atol=1e-12)
