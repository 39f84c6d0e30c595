"""Ageing: raw shares by plain loops where all is decided, a floor of fixed pace, a public export."""

from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.ageing import ageing
from tests.analysis.desk import book, open_deal, relabelled, shuffled
from tests.analysis.floors import Deal, playbook
from tests.conftest import ROOT

ONE = playbook("lead")


def decided(seed: int = 4, n: int = 400) -> list[tuple[int, str]]:
    rng = np.random.default_rng(seed)
    return [(int(d), "won" if w else "lost") for d, w in zip(rng.integers(1, 120, n), rng.random(n) < 0.4)]  # noqa: B905


def test_shares_of_deals_by_a_loop() -> None:
    """Nothing is censored: the chance at age t is the raw share of those still there then."""
    deals = decided()
    whole = book(
        *(Deal(visits=((0, 0.0),), end=e, closed=float(d)) for d, e in deals), model=ONE, today=900.0
    )
    cells = {cell.from_days: cell for cell in ageing(whole).cells}
    for start, end in ((0, 15), (30, 60), (60, 90)):
        top = weight = lost = 0.0
        for age in range(start, end):
            there = [one for one in deals if one[0] > age]
            top += sum(e == "won" and d <= age + 60 for d, e in there)
            lost += sum(e == "lost" and d <= age + 90 for d, e in there)
            weight += len(there)
        assert cells[start].won_60_rate == pytest.approx(top / weight)
        assert cells[start].lost_90_rate == pytest.approx(lost / weight)
        assert cells[start].watched_n == sum(d > start for d, _ in deals)


def test_the_interval_of_one_day_is_that_of_the_raw_share() -> None:
    """Nothing is censored: at a single age the chance is a binomial share of those still there then."""
    deals = decided(n=900)
    whole = book(
        *(Deal(visits=((0, 0.0),), end=e, closed=float(d)) for d, e in deals), model=ONE, today=900.0
    )
    (first, *_) = ageing(whole).cells
    there = len(deals)
    share = sum(e == "won" and d <= 60 for d, e in deals) / there
    spread = 1.645 * np.sqrt(share * (1 - share) / there)
    # the mean over ages 0 to 14 is about as sure as the share at one of them
    assert first.won_60_ci_lower < first.won_60_rate < first.won_60_ci_upper
    assert first.won_60_ci_upper - first.won_60_ci_lower == pytest.approx(2 * spread, rel=0.1)


def test_every_known_chance_lies_within_its_interval() -> None:
    for cell in ageing(fn.sample()).cells:
        for name in ("won_30", "won_60", "won_90", "lost_90"):
            lower, rate, upper = (getattr(cell, f"{name}_{end}") for end in ("ci_lower", "rate", "ci_upper"))
            assert np.isnan(rate) == np.isnan(lower) == np.isnan(upper)
            assert np.isnan(rate) or 0 <= lower <= rate <= upper <= 1


def aged(seed: int, dead_share: float):
    """Leads without memory, 2 % a day, two in five won; a share never ends: the longer there, the likelier that."""
    rng = np.random.default_rng(seed)
    made = []
    for start, days, dead in zip(
        rng.integers(0, 300, 700), rng.exponential(50, 700), rng.random(700) < dead_share, strict=True
    ):
        ends = not dead and start + days <= 400
        end = "open" if not ends else "won" if rng.random() < 0.4 else "lost"
        made.append(
            Deal(visits=((0, float(start)),), end=end, closed=float(np.ceil(start + days)) if ends else None)
        )
    return book(*made, model=ONE, today=401.0)


def test_a_fall_is_called_clear_only_when_it_is_one() -> None:
    (fall,) = ageing(aged(1, dead_share=0.3)).changes
    assert fall.clear
    assert fall.difference_ci_upper < 0
    assert fall.difference == pytest.approx(fall.old_won_90_rate - fall.won_90_rate)
    clear = [ageing(aged(seed, dead_share=0.0)).changes[0].clear for seed in range(10, 40)]
    assert sum(clear) <= 7, "one in ten of 30, with three standard errors' room"


def test_stages_are_compared_with_an_eye_on_how_many_there_are() -> None:
    result = ageing(fn.sample())
    cells = {(cell.stage, cell.from_days): cell for cell in result.cells}
    for row in result.changes:
        young, old = cells[row.stage, row.from_days], cells[row.stage, row.old_from_days]
        assert min(young.watched_n, old.watched_n) >= 30
        assert (row.won_90_rate, row.old_won_90_rate) == (young.won_90_rate, old.won_90_rate)
        assert row.p_adjusted >= row.p_value
        assert row.clear == (row.p_adjusted < 0.1)
    assert len({row.stage for row in result.changes}) == len(result.changes) == 5


def test_two_stages_of_fixed_pace() -> None:
    """20 days a lead, 20 an offer, 5 in talks, then four in five won: a lead has 25 to 45 days to go."""
    way = ((0, 0.0), (1, 20.0), (2, 40.0))
    done = [
        Deal(visits=way, end=end, closed=45.0, amount=1.0)
        for end, deals_n in (("won", 40), ("lost", 10))
        for _ in range(deals_n)
    ]
    talking = Deal(visits=((0, 58.0), (1, 78.0), (2, 98.0)), amount=8.0)
    result = ageing(book(*done, open_deal(0, since=95.0, amount=70.0), talking))
    cells = {(cell.stage, cell.from_days): cell for cell in result.cells}
    first = cells["lead", 0]
    assert first.won_60_rate == pytest.approx(0.8)
    assert first.won_30_rate == pytest.approx(0.0)
    assert cells["lead", 15].won_30_rate == pytest.approx(0.8)
    assert (first.open_n, first.open_amount) == (1, 70.0)
    assert first.expected_amount == pytest.approx(56.0)
    assert cells["talks", 0].won_30_rate == pytest.approx(0.8)


def test_without_a_lost_deal_no_chance_is_given() -> None:
    """Wins alone cannot tell whether nothing was lost or lost deals were left out of the export."""
    done = [Deal(visits=((0, 0.0), (1, 20.0), (2, 40.0)), end="won", closed=45.0) for _ in range(40)]
    result = ageing(book(*done, open_deal(0, since=95.0, amount=70.0)))
    assert all(np.isnan(cell.won_90_rate) for cell in result.cells)
    assert "only_wins" in {note.code for note in result.notes}


def test_too_few_are_withheld() -> None:
    result = ageing(book(*(Deal(visits=((0, 0.0),), end="lost", closed=50.0) for _ in range(9)), model=ONE))
    assert [(cell.watched_n, cell.enough) for cell in result.cells] == [(9, False)] * 3
    assert all(np.isnan(cell.won_90_rate) for cell in result.cells)
    assert "cells_too_few" in {note.code for note in result.notes}


def test_row_order_and_ids_do_not_matter() -> None:
    whole = fn.sample()
    known = ageing(whole).cells
    for other in (shuffled(whole), relabelled(whole)):
        for one, same in zip(known, ageing(other).cells, strict=True):
            np.testing.assert_equal(one.stage, same.stage)
            for name in set(one.__slots__) - {"stage"}:
                np.testing.assert_allclose(getattr(one, name), getattr(same, name), rtol=1e-12, err_msg=name)


def test_every_dated_open_deal_is_in_one_cell() -> None:
    whole = fn.sample()
    result = ageing(whole)
    assert sum(cell.open_n for cell in result.cells) == result.n == fn.stuck(whole).n


@pytest.mark.realdata
def test_no_win_is_left_where_nothing_ever_closed(shared_data: Path) -> None:
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    cells = {cell.from_days: cell for cell in ageing(maven).cells}
    assert cells[180].won_90_rate == cells[180].won_90_ci_lower == 0
    assert 0.005 < cells[180].won_90_ci_upper < 0.04, "none of 85 customers is not never"
    assert cells[180].open_n + cells[365].open_n + cells[120].open_n == 1378
    assert cells[0].won_90_rate > 0.4


def test_the_cells_of_a_group_are_those_of_its_deals_alone() -> None:
    whole = fn.sample()
    found = ageing(whole, by="segment")
    groups = list(dict.fromkeys(cell.group for cell in found.cells))
    assert groups == sorted(groups)
    assert len(groups) > 2
    for group in groups:
        alone = {(cell.stage, cell.from_days): cell for cell in ageing(whole.where(segment=group[0])).cells}
        mine = [cell for cell in found.cells if cell.group == group]
        assert {(cell.stage, cell.from_days) for cell in mine} == set(alone)
        for cell in mine:
            other = alone[cell.stage, cell.from_days]
            for name in (
                "watched_n",
                "open_n",
                "open_amount",
                "won_30_rate",
                "won_90_rate",
                "lost_90_rate",
            ):
                assert getattr(cell, name) == pytest.approx(getattr(other, name), nan_ok=True), (
                    group,
                    cell.stage,
                    name,
                )
            # of more than 400 accounts the small ones are dealt out in turn: another book deals them otherwise
            near = pytest.approx(other.won_90_ci_lower, abs=0.01, nan_ok=True)
            assert cell.won_90_ci_lower == near, (group, cell.stage)
    assert sum(cell.open_n for cell in found.cells) == found.n


def test_groups_are_told_apart_in_words_tables_and_picture() -> None:
    found = ageing(fn.sample(), by="segment", confidence_level=0.8)
    assert found.confidence_level == 0.8
    assert list(found.to_frame().columns[:2]) == ["segment", "stage"]
    assert "by group and stage" in found.finding("en")
    rows = {row["name"] for row in found.chart(lang="en").to_dict()["datasets"].popitem()[1] if "name" in row}
    assert all(", " in name for name in rows)


def test_a_group_that_nobody_left_on_the_next_stage_has_no_chance_from_nowhere() -> None:
    """Two groups, two stages: of group b nobody was ever seen in the second one; its deals are not taken as won."""
    model = playbook("lead", "talk")
    deals = [Deal(visits=((0, 0.0), (1, 10.0)), end="won", closed=20.0) for _ in range(30)]
    b = [Deal(visits=((0, 0.0),), end="lost", closed=15.0) for _ in range(30)]
    whole = book(*deals, *b, model=model, today=400.0)
    frame = whole.opportunities.assign(region=["a"] * 30 + ["b"] * 30)
    both = fn.load({**whole.tables, "opportunities": frame}, playbook=model, as_of=whole.as_of)
    cells = {(cell.group[0], cell.stage, cell.from_days): cell for cell in ageing(both, by="region").cells}
    assert cells["a", "lead", 0].won_90_rate == pytest.approx(1.0)
    assert np.isnan(cells["b", "lead", 0].won_90_rate)
