"""Groups compared by their times: R's tests, shares by hand, false alarms counted, small groups not named."""

from dataclasses import replace

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.duration import duration
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.desk import book, shuffled
from tests.analysis.floors import Deal

REGIONS = ("DACH", "Iberia", "Nordics", "华东", "华北", "华南")


def lead(days: float, *, end: str = "won", since: float = 0.0, **attributes: str) -> Deal:
    """A deal that is a lead for so many days, then won; or lost; or still a lead since day 100 - days."""
    if end == "open":
        return Deal(visits=((0, 100.0 - days),), attributes=attributes)
    if end == "lost":
        return Deal(visits=((0, since),), end="lost", closed=since + days, attributes=attributes)
    visits = ((0, since), (1, since + days))
    return Deal(visits=visits, end="won", closed=since + days, amount=1.0, attributes=attributes)


@pytest.fixture
def deals_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every deal stand for itself, as R takes them; in the sample customers have several."""
    monkeypatch.setattr("funnelnb.data.count.tally.clusters", lambda *_: None)


@pytest.mark.usefixtures("deals_of_their_own")
@pytest.mark.parametrize(
    ("to", "within", "statistic", "p_value"),
    [
        ("any", None, 185.0313052, None),
        ("any", "segment", 188.1234784, None),
        ("advance", None, 36.13663290, 8.918722854e-07),
        ("lose", None, 69.88487992, 1.0829071e-13),
        ("advance", "segment", 37.40075291, 4.977579000e-07),
        ("lose", "segment", 63.32704058, None),
    ],
)
def test_the_sample_as_r_has_it(to: str, within: str | None, statistic: float, p_value: float | None) -> None:
    """R survival 3.5-3 ``survdiff(~ region + strata(segment))`` and cmprsk 2.2-11 ``cuminc(strata =)``."""
    (*_, test) = duration(fn.sample(), by="region", to=to, within=within).tests
    assert test.statistic == pytest.approx(statistic, rel=1e-8)
    assert (test.df, test.groups_n, test.n, test.overall) == (5, 6, 4000, True)
    if p_value:
        assert test.p_value == pytest.approx(p_value, rel=1e-4)
    assert test.test == ("log_rank" if to == "any" else "gray")
    assert test.verdict == "differ"


def test_customers_with_several_deals_never_make_a_difference_clearer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without customers the sample gives R's 185.0 and 69.9; with them no more, and the gaps are wider."""
    for to, statistic in (("any", 185.0313052), ("lose", 69.88487992)):
        result = duration(fn.sample(), by="region", to=to)
        assert 0 < result.tests[-1].statistic < statistic
        assert result.tests[-1].verdict == "differ"
        wide = [row.difference_ci_upper - row.difference_ci_lower for row in result.gaps]
        with monkeypatch.context() as patch:
            patch.setattr("funnelnb.data.count.tally.clusters", lambda *_: None)
            alone = duration(fn.sample(), by="region", to=to).gaps
        narrow = [row.difference_ci_upper - row.difference_ci_lower for row in alone]
        assert np.nanmin(np.array(wide) - np.array(narrow)) >= 0


@pytest.mark.usefixtures("deals_of_their_own")
def test_the_gap_on_the_day_as_r_has_it() -> None:
    """R ``survfit``: by day 67, Nordics .3118380637 (se .02070905), all others .535177396 (se .009018137)."""
    gaps = {row.group[0]: row for row in duration(fn.sample(), by="region").gaps if row.overall}
    assert tuple(gaps) == REGIONS
    nordics = gaps["Nordics"]
    assert nordics.by_days == 67, "half of all deals have ended by then"
    assert nordics.done_rate == pytest.approx(0.3118380637, abs=1e-9)
    assert nordics.rest_rate == pytest.approx(0.535177396, abs=1e-9)
    assert nordics.difference == pytest.approx(0.3118380637 - 0.535177396, abs=1e-9)
    wide = 2 * 1.644853627 * np.hypot(0.02070904528, 0.009018137399)
    assert nordics.difference_ci_upper - nordics.difference_ci_lower == pytest.approx(wide, rel=0.02)
    assert nordics.verdict == "slower"
    assert gaps["Iberia"].verdict == "not_separable", "52 deals: the largest gap but one, and not named"
    assert gaps["华东"].verdict == "faster"


def test_shares_by_hand() -> None:
    """Twelve leads a side, all watched to the end: by day 10 all of one are done and three of the other."""
    quick = [lead(float(d), side="quick") for d in (2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9, 10)]
    slow = [lead(float(d), side="slow") for d in (5, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28)]
    rows = duration(book(*quick, *slow), stage="lead", by="side").gaps
    half = 8.0  # 12 of 24: 2 2 3 4 4 5 5 6 6 7 8 8
    assert [row.by_days for row in rows] == [half, half]
    assert [row.done_rate for row in rows] == pytest.approx([10 / 12, 2 / 12])
    assert [row.rest_rate for row in rows] == pytest.approx([2 / 12, 10 / 12])
    assert [row.verdict for row in rows] == ["faster", "slower"]


def drawn(seed: int, slow: float = 1.0) -> fn.Book:
    """Five groups of 60 leads, some open; those of group e take `slow` times as long."""
    rng = np.random.default_rng(seed)
    deals = []
    for name in "abcde":
        for days in rng.exponential(20 * (slow if name == "e" else 1), 60):
            since = float(rng.uniform(0, 90))
            over = since + days < 100
            end = str(rng.choice(["won", "lost"])) if over else "open"
            deals.append(lead(days if over else 100 - since, end=end, since=since, group=name))
    return book(*deals)


def test_groups_that_are_alike_are_seldom_named() -> None:
    """60 floors without any difference at 10 %: naming any group in more than 12 has a chance below 1 %."""
    found = [duration(drawn(seed), stage="lead", by="group") for seed in range(60)]
    named = sum(any(row.verdict in ("slower", "faster") for row in one.gaps) for one in found)
    differ = sum(one.tests[0].p_value <= 0.1 for one in found)
    assert named <= 12
    assert differ <= 12


def test_a_slow_group_is_found() -> None:
    found = [duration(drawn(seed, slow=2.5), stage="lead", by="group") for seed in range(20)]
    slower = [[row.group[0] for row in one.gaps if row.verdict == "slower"] for one in found]
    assert sum(one == ["e"] for one in slower) >= 17
    assert all(one.tests[0].p_value < 0.05 for one in found)


def test_a_mix_does_not_pass_for_a_difference() -> None:
    """North has more large deals, which take longer in both regions: within equal sizes nothing differs."""
    rng = np.random.default_rng(4)
    deals = []
    for region, share in (("North", 0.8), ("South", 0.2)):
        for _ in range(200):
            size = "large" if rng.random() < share else "small"
            days = float(rng.exponential(30 if size == "large" else 8))
            deals.append(lead(min(days, 99.0), region=region, size=size))
    whole = book(*deals)
    (plain,) = duration(whole, stage="lead", by="region").tests
    (fair,) = duration(whole, stage="lead", by="region", within="size").tests
    assert plain.p_value < 1e-6
    assert fair.p_value > 0.1


def test_small_groups_are_not_named() -> None:
    many = [lead(float(d), side="many") for d in range(10, 60)]
    few = [lead(1.0, side="few") for _ in range(9)]
    result = duration(book(*many, *few), stage="lead", by="side")
    assert result.tests == ()
    verdicts = {row.group[0]: row.verdict for row in result.gaps}
    assert verdicts == {"few": "too_few", "many": "too_few"}, "all nine are done on day 1, and still: nine"
    assert "faster" not in result.finding("en")


def test_late_history_leaves_competing_ends_untested() -> None:
    deals = [
        lead(float(days), since=float(start), end=end, side=side)
        for start in range(0, 60, 2)
        for days, side, end in ((5, "a", "won"), (12, "b", "lost"), (25, "a", "lost"), (30, "b", "won"))
    ]
    whole = replace(book(*deals), observed_from=np.datetime64("2026-01-21", "s"))
    assert duration(whole, stage="lead", by="side").tests[0].verdict == "differ"
    advance = duration(whole, stage="lead", by="side", to="advance")
    assert advance.tests[0].verdict == "untested"
    assert np.isnan(advance.tests[0].p_value)
    assert (
        "All groups together are not tested: there is no such test for data that start late."
        in advance.finding("en")
    )


def test_row_order_does_not_matter_and_curves_carry_all_groups() -> None:
    whole = fn.sample()
    known, again = (duration(one, by="segment", stage="qualify") for one in (whole, shuffled(whole)))
    assert known.tests == again.tests
    assert known.gaps == again.gaps
    (alone,) = duration(whole, stage="qualify").curves
    for curve in known.curves:
        shared = np.isin(curve.days, alone.days)
        row = np.searchsorted(alone.days, curve.days[shared])
        np.testing.assert_allclose(curve.all_rate[shared], alone.not_yet_rate[row])
    assert np.isnan(alone.all_rate).all()


def test_without_groups_nothing_is_compared() -> None:
    result = duration(fn.sample())
    assert (result.tests, result.gaps, result.within) == ((), (), "")


@pytest.mark.parametrize(
    ("by", "within", "kind", "says"),
    [
        ("region", "segmnt", MissingDataError, "within = 'segmnt'.*\n.*\n.*did you mean 'segment'"),
        ("region", "region", ParameterError, "within = 'region' with by = 'region'"),
        (None, "region", ParameterError, "within = 'region' with by = None"),
        ("region", ["segment", "team"], ParameterError, "one attribute"),
    ],
)
def test_a_wrong_stratum_is_named_as_such(by: object, within: object, kind: type, says: str) -> None:
    with pytest.raises(kind, match=says):
        duration(fn.sample(), by=by, within=within)
