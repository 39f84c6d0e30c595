"""Decisions of the practice game: refused when they cannot be, replayed to the same end, judged against luck."""

import numpy as np
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.simulate import year
from funnelnb.simulate.decisions import Decision, checked, judge, lived, place_of, week_of

FLOOR = year.world([11])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hours": {"E": 0.5}}, "hours"),
        ({"hours": {"A": 0.7, "B": 0.6}}, "adds up to 1.30"),
        ({"people": {"P9": {"A": 1.0}}}, "P9"),
        ({"stages": {"closing": 2.0}}, "closing"),
        ({"order": "size"}, "size"),
        ({"first": ("X1",)}, "X1"),
        ({"scoop": -1}, "scoop"),
        ({"let_go": ("D9999",)}, "D9999"),
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        checked(Decision(**wrong), FLOOR)


def test_names_of_deals_are_read_as_people_write_them() -> None:
    assert place_of(" d0007 ", 100) == 6


def test_the_same_decisions_end_the_same_and_their_default_is_a_fixed_rule() -> None:
    decisions = [Decision(hours={"A": 0.5}, let_go=6)] * 52
    np.testing.assert_array_equal(lived(FLOOR, decisions).status, lived(FLOOR, decisions).status)
    plain = lived(FLOOR, [Decision(order="largest")] * 52)
    np.testing.assert_array_equal(plain.status, year.year(FLOOR, year.largest_first).status)


def test_named_deals_come_first_and_let_go_ends_them() -> None:
    state = year.begin(FLOOR)
    open_deals = np.flatnonzero(state.status[0] == year.OPEN)
    worst = int(open_deals[np.argmin(year.value_per_hour(FLOOR, state)[0, open_deals])])
    name = f"D{worst + 1:04d}"
    hours = year.spread(FLOOR, state, week_of(Decision(first=(name,)), FLOOR, state))
    assert hours[0, worst] == FLOOR.law.most_hours
    after = lived(FLOOR, [Decision(let_go=(name,), first=(name,))])
    assert after.status[0, worst] == year.LET_GO


def test_people_and_stages_move_the_hours() -> None:
    state = year.begin(FLOOR)
    to_d = week_of(Decision(people={"P1": {"D": 1.0}}), FLOOR, state)
    mine = (FLOOR.owner == 0) & (FLOOR.quadrant == 3)
    plain = year.spread(FLOOR, state, week_of(Decision(), FLOOR, state))
    assert year.spread(FLOOR, state, to_d)[mine].sum() > plain[mine].sum()
    late = week_of(Decision(stages={"contact": 0.0, "need": 0.0}), FLOOR, state)
    early = state.stage <= 1
    assert year.spread(FLOOR, state, late)[early].sum() < plain[early].sum()


def test_luck_and_skill_are_told_apart() -> None:
    judged = judge(FLOOR, [Decision(order="value", let_go=8)] * 52, lucks_n=60)
    assert judged.total == pytest.approx(judged.result.sum())
    assert judged.luck == pytest.approx(judged.total - judged.others.mean())
    assert judged.rules["value_first"] == year.year(FLOOR, year.value_first).won(FLOOR.amount).sum()
    poor = judge(FLOOR, [Decision(order="newest")] * 52, lucks_n=60)
    assert poor.skill < 0 < judged.skill < 1.05
