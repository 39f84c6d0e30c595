"""Durations: stays counted by hand, plain loops, a public export's published figures, and invariants."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.duration import duration
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.desk import book, relabelled, shuffled
from tests.analysis.floors import Deal
from tests.analysis.test_scan import frames
from tests.conftest import ROOT


def lead(days: float, *, end: str = "won", since: float = 0.0, **attributes: str) -> Deal:
    """A deal that is a lead for so many days, then an offer for 10, then won; or lost; or still a lead."""
    if end == "open":
        return Deal(visits=((0, 100.0 - days),), attributes=attributes)
    if end == "lost":
        return Deal(visits=((0, since),), end="lost", closed=since + days, attributes=attributes)
    visits = ((0, since), (1, since + days), (2, since + days + 5.0))
    return Deal(visits=visits, end="won", closed=since + days + 10, amount=1.0, attributes=attributes)


TWELVE = (
    *(lead(d) for d in (2, 4, 6, 8)),
    *(lead(d, end="lost") for d in (10, 12)),
    *(lead(d, end="open") for d in (1, 5, 20, 30, 40, 50)),
)
"""Kaplan-Meier by hand: at risk 11, 10, 8, 7, 6, 5 at days 2, 4, 6, 8, 10, 12."""


def test_days_in_a_stage_by_hand() -> None:
    row = duration(book(*TWELVE), stage="lead").rows[0]
    assert (row.n, row.closed_n, row.open_n) == (12, 6, 6)
    still = np.cumprod([10 / 11, 9 / 10, 7 / 8, 6 / 7, 5 / 6, 4 / 5])
    assert still[4:].round(3).tolist() == [0.511, 0.409]
    assert row.median_days == 12
    assert row.q25_days == 6  # 0.716 is the first below 3/4
    assert row.q75_days == np.inf
    assert row.still_30_rate == pytest.approx(still[-1])
    assert row.still_60_rate != row.still_60_rate, "nobody was watched so long"
    assert (row.naive_median_days, row.naive_mean_days) == (7, 7)
    assert row.naive_difference_days == -5
    assert (row.last_event_days, row.older_n) == (12, 4)


def test_restricted_mean_is_the_area_by_a_loop() -> None:
    deals = [lead(float(d)) for d in range(1, 31)] + [lead(float(d), end="open") for d in range(5, 95, 5)]
    deals.append(lead(31.0, end="lost"))  # where nothing is ever lost, open deals tell nothing
    row = duration(book(*deals), stage="lead").rows[0]
    ends, watched = list(range(1, 32)), [*range(1, 32), *range(5, 95, 5)]
    still, area = 1.0, 0.0
    for day in range(int(row.limit_days)):
        at_risk = sum(one >= day for one in watched)
        still *= 1 - ends.count(day) / at_risk
        area += still
    assert sum(one >= row.limit_days for one in watched) >= 10
    assert sum(one >= row.limit_days + 5 for one in watched) < 10
    assert row.mean_days == pytest.approx(area)
    assert row.mean_ci_lower < area < row.mean_ci_upper


def test_advance_and_loss_compete() -> None:
    """All decided: half of the leads advance on days 1 to 6, the other half is lost: no median of either."""
    deals = [lead(float(d)) for d in range(1, 7)] + [lead(float(d), end="lost") for d in range(3, 9)]
    whole = book(*deals)
    advance, lose = (duration(whole, stage="lead", to=to) for to in ("advance", "lose"))
    assert (advance.rows[0].closed_n, lose.rows[0].closed_n) == (6, 6)
    assert advance.rows[0].median_days == 6, "exactly half, on the last advance"
    assert advance.rows[0].q75_days == np.inf
    assert lose.rows[0].q25_days == 5
    one, other = advance.curves[0], lose.curves[0]
    both = (1 - one.not_yet_rate) + (1 - other.not_yet_rate)
    any_end = duration(whole, stage="lead").curves[0]
    np.testing.assert_allclose(both, 1 - any_end.not_yet_rate, atol=1e-12)
    assert advance.fits == ()


def test_rows_are_the_stages_and_the_whole_way() -> None:
    result = duration(book(*TWELVE))
    assert [(row.stage, row.overall) for row in result.rows] == [
        ("lead", False), ("offer", False), ("talks", False), ("lead", True),
    ]  # fmt: skip
    assert result.rows[-1].closed_n == 6
    assert result.rows[-1].naive_median_days == 13  # 10, 12, 12, 14, 16, 18
    assert not result.rows[1].enough


def test_a_pause_is_named_when_it_is_no_accident() -> None:
    quick = [lead(float(d)) for d in range(1, 41)]
    dead = [lead(95.0, end="open") for _ in range(15)]
    row = duration(book(*quick, *dead), stage="lead").rows[0]
    assert (row.pause, row.older_n, row.last_event_days) == (True, 15, 40)
    young = duration(book(*quick, *(lead(41.0, end="open") for _ in range(15))), stage="lead").rows[0]
    assert (young.pause, young.older_n) == (False, 15), "a day without an end is nothing"


def test_a_fit_that_cannot_be_trusted_says_so() -> None:
    none_ended = duration(book(*(lead(float(d), end="open") for d in range(10, 60))), stage="lead")
    assert {row.verdict for row in none_ended.fits} == {"all_open"}
    assert none_ended.rows[0].median_days == np.inf
    tied = duration(book(*(lead(7.0) for _ in range(20))), stage="lead")
    assert {row.family: row.verdict for row in tied.fits}["weibull"] == "no_spread"
    assert tied.rows[0].median_days == 7
    few = duration(book(lead(3.0)), stage="lead")
    assert not few.rows[0].enough
    assert few.fits == ()


def test_the_drawn_family_is_found() -> None:
    """Exponential days with mean 20, watched 100 at most."""
    rng = np.random.default_rng(5)
    deals = []
    for start, days in zip(rng.uniform(0, 100, 1500), rng.exponential(20, 1500), strict=True):
        ended = start + days + 10 < 100
        deals.append(lead(days, since=start) if ended else Deal(visits=((0, start),)))
        if not ended and start + days < 100:
            deals[-1] = Deal(visits=((0, start), (1, start + days)))
    deals.append(lead(20.0, end="lost"))  # where nothing is ever lost, open deals tell nothing
    result = duration(book(*deals), stage="lead")
    by_name = {row.family: row for row in result.fits}
    assert by_name["exponential"].verdict in ("chosen", "runner_up", "other")
    assert by_name["exponential"].behind < 4
    assert by_name["exponential"].first_value == pytest.approx(20, rel=0.08)
    assert by_name["exponential"].gap_share < 0.05
    assert result.rows[0].median_days == pytest.approx(20 * np.log(2), rel=0.12)
    assert result.rows[0].naive_median_days < result.rows[0].median_days


def same(one, other) -> None:
    for left, right in zip(one.rows, other.rows, strict=True):
        for name in left.__slots__:
            a, b = getattr(left, name), getattr(right, name)
            np.testing.assert_equal(a, b, err_msg=name)


def test_row_order_and_ids_do_not_matter() -> None:
    whole = fn.sample()
    known = duration(whole)
    same(known, duration(shuffled(whole)))
    same(known, duration(relabelled(whole)))


def test_a_deal_of_later_changes_nothing() -> None:
    later = replace(lead(3.0), visits=((0, 120.0),), end="open", closed=None)
    same(duration(book(*TWELVE)), duration(book(*TWELVE, later)))


def test_a_scan_gives_what_a_book_gives() -> None:
    whole, scan = frames("polars", seed=5)
    same(duration(whole, by="region"), duration(scan, by="region"))


def test_groups_are_the_books_of_their_own() -> None:
    whole = fn.sample()
    grouped = {row.group[0]: row for row in duration(whole, by="region", stage="qualify").rows}
    for name, part in whole.split("region").items():
        alone = duration(part, stage="qualify").rows[0]
        assert grouped[name].median_days == alone.median_days
        assert grouped[name].median_ci_upper == alone.median_ci_upper


def test_the_sample_as_r_has_it() -> None:
    """R survival 3.5-3 on the counted times: survfit(conf.int = .9, conf.type = "log-log"), print(rmean = 183)."""
    sample = fn.sample()  # R takes all deals for independent: without accounts
    tables = {**sample.tables, "opportunities": sample.opportunities.drop(columns="account_id")}
    (row,) = duration(replace(sample, tables=tables), stage="qualify").rows
    (whole,) = duration(sample, stage="qualify").rows
    assert whole.median_days == row.median_days
    assert whole.mean_ci_upper - whole.mean_ci_lower > row.mean_ci_upper - row.mean_ci_lower
    assert (row.n, row.closed_n) == (2811, 2606)
    assert (row.q25_days, row.median_days, row.q75_days) == (5, 14, 35)
    assert (row.median_ci_lower, row.median_ci_upper) == (14, 15)
    still = [row.still_30_rate, row.still_60_rate, row.still_90_rate, row.still_120_rate]
    np.testing.assert_allclose(still, [0.29020024, 0.11508564, 0.05603383, 0.02469441], atol=5e-9)
    assert row.limit_days == 183
    assert row.mean_days == pytest.approx(26.2, abs=0.05)
    assert (row.mean_ci_upper - row.mean_ci_lower) / 2 / 1.6448536 == pytest.approx(0.637, abs=5e-4)


def test_deals_that_began_before_the_history_count_from_then() -> None:
    """Recorded from day 20: leads of day 0 that left before are missing, and a loop counts those at risk."""
    deals = [
        lead(float(days), since=float(start), region="North" if start % 4 else "South")
        for start in range(0, 60, 2)
        for days in (5, 12, 25)
    ]
    whole = replace(book(*deals), observed_from=np.datetime64("2026-01-21", "s"))
    (row,) = duration(whole, stage="lead").rows
    still, pairs = 1.0, [(max(20 - s, 0), d) for s in range(0, 60, 2) for d in (5, 12, 25)]
    pairs = [(entry, days) for entry, days in pairs if days > entry]
    for day in (5, 12):
        at_risk = sum(entry < day <= days for entry, days in pairs)
        still *= 1 - sum(days == day for _, days in pairs) / at_risk
    assert row.n == len(pairs) < len(deals)
    assert row.still_30_rate == 0
    assert row.median_days == 12
    curve = duration(whole, stage="lead").curves[0]
    assert curve.not_yet_rate[np.searchsorted(curve.days, 12)] == pytest.approx(still)
    notes = {note.code: note.values for note in duration(whole).notes}
    assert "late_entry" in notes
    ended_n = sum(start + days + 10 <= 20 for start in range(0, 60, 2) for days in (5, 12, 25))
    assert dict(notes["ended_before_records"]) == {"deals_n": ended_n, "of_n": 90}
    assert "ended_before_records" not in {note.code for note in duration(book(*deals)).notes}
    segments = fn.segments(whole, by="region", measure="by_day", horizon_days=30)
    results = fn.conversion(whole), fn.distribution(whole), segments
    for result in results:
        told = {note.code: dict(note.values) for note in result.notes}
        assert told["ended_before_records"] == {"deals_n": ended_n, "of_n": 90}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"to": "win"}, "advance"),
        ({"stage": "leed"}, "lead"),
        ({"stage": "won"}, "before won"),
        ({"family": "weibul"}, "weibull"),
        ({"confidence_level": 1.5}, "confidence_level"),
    ],
)
def test_wrong_parameters_name_the_right_ones(wrong, says) -> None:
    with pytest.raises(ParameterError, match=says):
        duration(book(*TWELVE), **wrong)


def test_an_unknown_attribute() -> None:
    with pytest.raises(MissingDataError, match="regio"):
        duration(book(*TWELVE), by="regio")


@pytest.mark.realdata
def test_published_figures_of_a_public_export(shared_data: Path) -> None:
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    result = duration(maven)
    (row,) = result.rows
    assert (row.n, row.closed_n, row.open_n) == (8300, 6711, 1589)
    assert (row.median_days, row.naive_median_days) == (69, 45)
    assert row.naive_mean_days == pytest.approx(47.99, abs=0.005)
    still = [row.still_30_rate, row.still_60_rate, row.still_90_rate, row.still_120_rate]
    assert np.round(still, 4).tolist() == [0.6188, 0.5498, 0.3509, 0.2045]
    curve = result.curves[0]
    assert curve.not_yet_rate[np.searchsorted(curve.days, 138)] == pytest.approx(0.1788203, abs=5e-8)
    assert (row.last_event_days, row.older_n, row.pause) == (138, 1291, True)
    assert "pipeline_pause" in {note.code for note in result.notes}
    fits = {fit.family: fit for fit in result.fits if not fit.never}
    for name, first, second, log_likelihood in (
        ("weibull", 88.2577, 0.7013, -36_571.39),
        ("lognormal", 3.7672, 1.7804, -36_389.01),
        ("loglogistic", 45.0999, 0.9482, -36_483.79),
        ("exponential", 95.0602, np.nan, -37_276.32),
    ):
        assert fits[name].first_value == pytest.approx(first, abs=6e-5)
        assert fits[name].second_value == pytest.approx(second, abs=6e-5, nan_ok=True)
        assert fits[name].log_likelihood == pytest.approx(log_likelihood, abs=0.006)
        assert fits[name].verdict == "too_far", "no single distribution fits"
    assert next(fit.family for fit in result.fits if not fit.never) == "lognormal"
