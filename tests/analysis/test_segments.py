"""Groups compared: shares by hand, tests by other programs, order, verdicts, limits, and what collapses."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from scipy import stats

import funnelnb as fn
from funnelnb.analysis.conversion.segments import segments
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.floors import Deal, Floor, playbook, random_floor
from tests.analysis.oracle import incidence, lives


def floor_of(groups: dict[str, tuple[int, int]], open_n: int = 0) -> Floor:
    """For each group deals won and lost, all on day 10; and open deals that nobody may count."""
    deals = []
    for name, (won, lost) in groups.items():
        ends = ["won"] * won + ["lost"] * lost
        deals += [Deal(visits=((0, 0.0),), end=end, closed=10.0, attributes={"team": name}) for end in ends]
        deals += [Deal(visits=((0, 0.0),), attributes={"team": name})] * open_n
    return Floor(deals=tuple(deals), playbook=playbook("lead"), today=50.0)


TEAMS = {"a": (70, 30), "b": (30, 30), "c": (45, 55), "d": (3, 2)}


@pytest.mark.parametrize("where", ["book", "counted where it lies"])
def test_each_group_against_everybody_else(where):
    floor = floor_of(TEAMS, open_n=7)
    result = segments(floor.book() if where == "book" else floor, by="team")
    assert result.n == 265
    assert result.pooled_rate == 148 / 265
    for row in result.rows:
        won, lost = TEAMS[row.group[0]]
        assert (row.won_n, row.decided_n, row.raw_rate) == (won, won + lost, won / (won + lost))
        rest = (148 - won, 117 - lost)
        assert row.rest_rate == rest[0] / sum(rest)
        assert row.difference == pytest.approx(row.raw_rate - row.rest_rate)
        assert row.difference_ci_lower < row.difference < row.difference_ci_upper
        if row.verdict == "too_few":
            assert math.isnan(row.p_value)
        else:
            assert row.p_value == pytest.approx(stats.fisher_exact([[won, lost], rest]).pvalue, rel=1e-9)
    tested = [row for row in result.rows if row.verdict != "too_few"]
    assert [row.p_adjusted for row in tested] == pytest.approx(
        stats.false_discovery_control([row.p_value for row in tested])
    )
    assert {row.group[0]: row.verdict for row in result.rows} == {
        "a": "higher",
        "b": "not_separable",
        "c": "lower",
        "d": "too_few",
    }
    (note,) = [note for note in result.notes if note.code == "too_few"]
    assert note.values["groups"] == "d"


def test_sorted_by_shrunken_rate_between_raw_and_the_middle():
    result = segments(floor_of({**TEAMS, "e": (9, 1), "f": (0, 4)}), by="team")
    rates = [row.shrunken_rate for row in result.rows]
    assert rates == sorted(rates, reverse=True)
    for row in result.rows:
        low, high = sorted((row.raw_rate, result.shrunk_to_rate))
        assert low - 1e-12 <= row.shrunken_rate <= high + 1e-12
        assert row.shrunken_ci_lower <= row.shrunken_rate <= row.shrunken_ci_upper
    pulled = {row.group[0]: abs(row.shrunken_rate - row.raw_rate) for row in result.rows}
    assert pulled["f"] > pulled["a"]


def test_nobody_is_named_when_all_may_be_alike():
    """One of twenty groups has a small p of its own, as one of twenty will."""
    alike = floor_of({f"t{k:02d}": (10, 10) for k in range(19)} | {"best": (16, 4)})
    result = segments(alike, by="team")
    best = result.rows[0]
    assert best.group == ("best",)
    assert best.p_value < 0.02
    assert result.omnibus_p_value > 0.1
    assert {row.verdict for row in result.rows} == {"not_separable"}
    assert "omnibus_not_rejected" in {note.code for note in result.notes}


def test_one_group_far_out_is_named_among_many():
    """The test over all groups has little power against one; the adjusted p of the group itself decides."""
    result = segments(floor_of({f"t{k:02d}": (10, 10) for k in range(19)} | {"best": (19, 1)}), by="team")
    assert result.rows[0].group == ("best",)
    assert result.rows[0].verdict == "higher"
    assert result.omnibus_p_value > 0.1
    assert {row.verdict for row in result.rows[1:]} == {"not_separable"}
    assert "omnibus_not_rejected" not in {note.code for note in result.notes}


def test_omnibus_is_the_chi_squared_test():
    large = {name: (10 * won, 10 * lost) for name, (won, lost) in TEAMS.items()}
    result = segments(floor_of(large), by="team")
    expected = stats.chi2_contingency(np.array(list(large.values())), correction=False).pvalue
    assert result.omnibus_p_value == pytest.approx(expected, rel=1e-9)


def test_limits_hold_their_share_and_narrow_with_size():
    result = segments(floor_of({"a": (60, 60), "b": (200, 200), "c": (12, 8)}), by="team")
    assert result.overdispersion == 1
    for row in result.rows:
        for level, name in ((0.95, "limit_95"), (0.998, "limit_998")):
            upper, lower = getattr(row, f"{name}_upper"), getattr(row, f"{name}_lower")
            beyond = stats.binom.sf(math.floor(upper * row.decided_n), row.decided_n, result.pooled_rate)
            assert beyond <= (1 - level) / 2
            assert lower < result.pooled_rate < upper
    sizes = [limit.decided_n for limit in result.limits]
    assert (sizes[0], sizes[-1]) == (20, 400)
    assert sizes == sorted(set(sizes))
    widths = [limit.limit_95_upper - limit.limit_95_lower for limit in result.limits]
    assert all(one >= other for one, other in itertools.pairwise(widths))
    by_size = {limit.decided_n: limit for limit in result.limits}
    for row in result.rows:
        if row.decided_n in by_size:
            assert by_size[row.decided_n].limit_998_upper == row.limit_998_upper


def test_limits_are_those_of_chance_so_that_clear_groups_lie_outside():
    spread = {f"t{k}": (40, 60) if k % 2 else (65, 35) for k in range(12)}
    result = segments(floor_of(spread), by="team")
    assert result.overdispersion > 4
    assert "overdispersed" in {note.code for note in result.notes}
    chance = stats.binom.interval(0.95, 100, result.pooled_rate)
    assert (result.rows[0].limit_95_lower, result.rows[0].limit_95_upper) == pytest.approx(
        [bound / 100 for bound in chance], abs=0.011
    )
    assert {row.verdict for row in result.rows} == {"higher", "lower"}
    assert not any(row.limit_95_lower <= row.raw_rate <= row.limit_95_upper for row in result.rows)


def test_limits_count_deals_of_one_owner_as_alike_as_the_verdicts_do():
    """Regions of the sample are whole owners: far out for deals on their own, none of them for the owners."""
    result = segments(fn.sample(), by="region", measure="by_day", horizon_days=180, adjust_for=None)
    best = result.rows[0]
    alone = stats.binom.interval(0.95, best.decided_n, result.pooled_rate)
    assert best.raw_rate > alone[1] / best.decided_n
    assert {row.verdict for row in result.rows} == {"not_separable"}
    assert all(row.limit_95_lower <= row.raw_rate <= row.limit_95_upper for row in result.rows)


def test_by_day_without_censoring_is_the_same_comparison():
    floor = floor_of(TEAMS)
    plain, by_day = segments(floor, by="team"), segments(floor, by="team", measure="by_day", horizon_days=20)
    assert (by_day.measure, by_day.horizon_days) == ("by_day", 20)
    for one, other in zip(plain.rows, by_day.rows, strict=True):
        assert (one.group, one.decided_n, one.won_n, one.verdict) == (
            other.group,
            other.decided_n,
            other.won_n,
            other.verdict,
        )
        for name in (
            "raw_rate",
            "rest_rate",
            "difference",
            "p_value",
            "p_adjusted",
            "shrunken_rate",
            "limit_95_upper",
        ):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, nan_ok=True)
    assert by_day.omnibus_p_value == pytest.approx(plain.omnibus_p_value)


@pytest.mark.parametrize("seed", range(3))
def test_by_day_rates_are_aalen_johansen_of_group_and_rest(seed):
    floor = random_floor(seed, deal_n=300)
    result = segments(floor.book(), by="region", measure="by_day", horizon_days=45, adjust_for=None)
    groups = floor.groups(("region",))
    assert len(result.rows) == 3
    for row in result.rows:
        mine = lives(floor, groups[row.group], 0, 4)
        rest = [
            life for name, deals in groups.items() if name != row.group for life in lives(floor, deals, 0, 4)
        ]
        assert row.raw_rate == pytest.approx(incidence(mine, 45)[0], abs=1e-12)
        assert row.rest_rate == pytest.approx(incidence(rest, 45)[0], abs=1e-12)
        assert row.won_n == sum(end == "advanced" and time <= 45 for time, end, _ in mine)
        assert row.decided_n == sum(end != "censored" or time >= 45 for time, end, _ in mine)
        assert row.raw_ci_lower < row.raw_rate < row.raw_ci_upper
    everybody = lives(floor, floor.deals, 0, 4)
    assert result.pooled_rate == pytest.approx(incidence(everybody, 45)[0], abs=1e-12)


def test_group_that_cannot_be_seen_so_far_is_too_few_to_say():
    floor = floor_of(TEAMS)
    young = [Deal(visits=((0, 40.0),), attributes={"team": "young"})] * 30
    result = segments(
        dataclasses.replace(floor, deals=(*floor.deals, *young)), by="team", measure="by_day", horizon_days=20
    )
    (row,) = [row for row in result.rows if row.group == ("young",)]
    assert row.verdict == "too_few"
    assert math.isnan(row.raw_rate)
    assert row.decided_n == 0
    assert "horizon_unseen" in {note.code for note in result.notes}


def test_left_deals_are_in_neither():
    floor = floor_of(TEAMS)
    left = [Deal(visits=((0, 0.0),), end="left", closed=5.0, attributes={"team": "a"})] * 9
    result = segments(dataclasses.replace(floor, deals=(*floor.deals, *left)), by="team")
    assert result.rows[0].decided_n == 100
    assert {"deals_n": 9, "of_n": 274} in [
        note.values for note in result.notes if note.code == "left_undecided"
    ]


def test_one_group_and_no_losses_are_said():
    result = segments(floor_of({"only": (30, 10)}), by="team")
    (row,) = result.rows
    assert row.verdict == "not_separable"
    assert math.isnan(row.rest_rate)
    assert math.isnan(result.omnibus_p_value)
    assert "one_group" in {note.code for note in result.notes}
    result = segments(floor_of({"a": (30, 0), "b": (20, 0)}), by="team")
    assert "no_losses" in {note.code for note in result.notes}
    assert {row.verdict for row in result.rows} == {
        "too_few"
    }  # nothing can be said, not even that they are alike
    assert all(math.isnan(row.raw_rate) for row in result.rows)


def test_two_attributes_and_origin():
    floor = random_floor(4, deal_n=300)
    result = segments(floor.book(), by=("region", "size"), origin_stage="s1")
    assert len(result.rows) == 6
    for row in result.rows:
        deals = [d for d in floor.groups(("region", "size"))[row.group] if d.furthest(4) >= 1]
        assert row.won_n == sum(d.end == "won" for d in deals)
        assert row.decided_n == sum(d.end in ("won", "lost") for d in deals)


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ({"by": "taem"}, MissingDataError, "'team'"),
        ({"by": ()}, ParameterError, "to compare"),
        ({"by": "team", "measure": "by day"}, ParameterError, "did you mean 'by_day'"),
        ({"by": "team", "horizon_days": 30}, ParameterError, "measure='by_day'"),
        ({"by": "team", "measure": "by_day", "horizon_days": -1}, ParameterError, "> 0"),
    ],
)
def test_bad_parameters_are_named(parameters, error, said):
    with pytest.raises(error) as caught:
        segments(floor_of(TEAMS), **parameters)
    assert said in str(caught.value)
