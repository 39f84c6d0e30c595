"""Durations of real exports, loaded as a user would: the figures of their sheets, and nothing lasts less than 0."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import DataProblems
from tests.conftest import ROOT

pytestmark = pytest.mark.realdata

LEADS, CLOSED = "olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv"
SELLERS = {
    "playbook": ["lead", "won"],
    "tables": {
        "opportunities": {
            "file": LEADS,
            "columns": {
                "opportunity_id": "mql_id", "created_at": "first_contact_date", "source": "origin",
            },
            "constants": {"stage": "lead"},
        },
        "stage_history": {
            "file": CLOSED,
            "columns": {"opportunity_id": "mql_id", "entered_at": "won_date"},
            "constants": {"stage": "won"},
        },
    },
}  # fmt: skip
"""Leads in one file, wins in another: the wins are a stage history of one stage."""
WON_WITHIN = {7: 284, 14: 428, 30: 555, 60: 647, 90: 692, 180: 775}


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "olist_marketing"


@pytest.fixture(scope="module")
def sellers(folder):
    return fn.load(folder, mapping=SELLERS)


@pytest.fixture(scope="module")
def by_date(folder, tmp_path_factory):
    """The same with the time of day cut off the wins."""
    made = tmp_path_factory.mktemp("olist")
    closed = pd.read_csv(folder / CLOSED, dtype=str)
    closed.assign(won_date=closed["won_date"].str[:10]).to_csv(made / CLOSED, index=False)
    (made / LEADS).write_bytes((folder / LEADS).read_bytes())
    return fn.load(made, mapping=SELLERS)


def days_to_win(book):
    ledger = book.ledger
    won = ledger.furthest == 1
    return (ledger.reached_s[won, 1] - ledger.reached_s[won, 0]) / 86_400


def test_days_to_win(sellers):
    """Median 14.65 and mean 49.10 to the digits given; wins within so many whole days exactly."""
    assert (sellers.describe()["won_n"], sellers.describe()["open_n"]) == (842, 7158)
    days = days_to_win(sellers)
    assert (len(days), days.min()) == (842, 0)
    assert round(float(np.median(days)), 2) == 14.65
    assert round(float(days.mean()), 2) == 49.10
    assert {limit: int((np.floor(days) <= limit).sum()) for limit in WON_WITHIN} == WON_WITHIN


def test_durations_of_leads(sellers):
    """7,158 leads are open: half are never won, whatever the median of the won ones says."""
    result = fn.duration(sellers)
    (row,) = result.rows
    assert (row.n, row.closed_n, row.open_n) == (8000, 842, 7158)
    assert (round(row.naive_median_days, 2), round(row.naive_mean_days, 2)) == (14.65, 49.10)
    assert (row.median_days, row.naive_difference_days) == (np.inf, -np.inf)
    assert (result.curves[0].days >= 0).all()
    assert (fn.duration(sellers, to="advance").rows[0].closed_n, result.rows[0].older_n) == (842, 747)
    assert "losses_never_set" in {note.code for note in result.notes}
    lose = fn.duration(sellers, to="lose").rows[0]
    assert np.isnan([lose.median_days, lose.q25_days]).all(), (
        "of losing nothing is known, not that it never happens"
    )


def test_durations_of_leads_by_date(by_date):
    """Nobody was watched for less than 167 days, so up to day 120 the shares are plain counts."""
    days = days_to_win(by_date)
    assert {limit: int((days <= limit).sum()) for limit in WON_WITHIN} == WON_WITHIN
    (row,) = fn.duration(by_date).rows
    for limit in (30, 60, 90):
        still = getattr(row, f"still_{limit}_rate")
        assert still == pytest.approx(1 - WON_WITHIN[limit] / 8000, abs=1e-12)


def test_the_win_dated_before_its_lead_is_reported(sellers, folder):
    """Row 669: won on 2018-03-06, first contact on 2018-03-08. It counts as won at once, not after -2 days."""
    (note,) = (one for one in sellers.notes if one.code == "history_before_created_kept")
    assert dict(note.values) == {
        "n": 1, "file": CLOSED, "column": "won_date", "row": 669, "value": "2018-03-06 19:38:55",
    }  # fmt: skip
    with pytest.raises(DataProblems, match=r"row 669, column 'won_date'.*before the deal was created"):
        fn.load(folder, mapping={**SELLERS, "problems": {"history_before_created": "stop"}})
    dropped = fn.load(folder, mapping={**SELLERS, "problems": {"history_before_created": "drop"}})
    assert fn.duration(dropped).rows[0].closed_n == 841
    codes = {item.note.code for item in fn.data.check_data(folder, mapping=SELLERS).items}
    assert {"history_before_created_kept", "closes_start_late", "open_older_than_any_close"} <= codes


def test_wins_recorded_from_december_on(folder, sellers):
    """No win before 2017-12-05 though leads began in June: with that said, older leads count from then.

    One win is dated on that very day: a row of the first day says where a deal stood, not since when. The others won
    of its quarter stand for it.
    """
    late = fn.load(folder, mapping=SELLERS, observed_from="2017-12-05")
    result = fn.duration(late)
    (row,), (before,) = result.rows, fn.duration(sellers).rows
    assert "late_entry" in {note.code for note in result.notes}
    assert (row.n, row.closed_n) == (7999, 841), (
        "none came before; of one only that it was won by then is known"
    )
    assert "times_unknown" in {note.code for note in result.notes}
    assert row.still_30_rate < before.still_30_rate, "leads that could not be seen to win no longer count"
    times = fn.load(folder, mapping=SELLERS).ledger
    created = times.reached_s[:, 0]
    entry = np.maximum(np.datetime64("2017-12-05", "s").astype(int) - created, 0) / 86_400
    ends = np.where(times.furthest == 1, times.reached_s[:, 1], times.as_of_s)
    days = (ends - created) / 86_400
    won, still = times.furthest == 1, 1.0
    began = np.datetime64("2017-12-05", "s").astype(int)
    hidden = (
        won & (times.reached_s[:, 1] >= began) & (times.reached_s[:, 1] < began + 86_400) & (created < began)
    )
    assert hidden.sum() == 1
    quarter = (times.as_of_s - created) // (91 * 86_400)
    alike = won & ~hidden & (quarter == quarter[hidden])
    weight = np.where(hidden, 0.0, np.where(alike, 1 + 1 / alike.sum(), 1.0))
    for day in np.unique(days[won & ~hidden & (days <= 30)]):
        at_risk = weight[(entry < day) & (day <= days) | (entry == 0) & (day == 0)].sum()
        still *= 1 - weight[won & (days == day)].sum() / at_risk
    assert row.still_30_rate == pytest.approx(still, rel=1e-12)


def test_open_ends_of_hubspot_and_salesforce_are_no_durations(shared_data):
    """9999-12-31 and 2050-01-01 stand for "not yet": nothing lasts longer than the data reach."""
    salesforce = fn.load(
        shared_data / "salesforce",
        mapping={
            "playbook": ["proposal", "won"], "deleted": "keep",
            "outcomes": {"GavUFuuf4DrnQAoiRGlWpQ==": "won", "tXi3M8u3iPxq0ggxTSxMKw==": "lost"},
            "stages": {"9RN9J3tlxr89gDctReax5w==": "proposal"},
            "problems": {"closed_before_created": "drop"},
        },
    )  # fmt: skip
    stages = {"f66ca9bc5a02c2f1513ce83f0a0e117d": "a", "09a969da1d61b38bd3746f0f49c1475a": "b",
              "6e81db225a3757a3fc20cc9b1b3d9e1b": "c"}  # fmt: skip
    hubspot = fn.load(
        shared_data / "hubspot",
        mapping={"playbook": ["a", "b", "c"], "stages": stages, "problems": {"history_unknown_deal": "drop"}},
    )
    for book in (salesforce, hubspot):
        assert "open_ended_dates" in {note.code for note in book.notes}
        assert book.as_of < np.datetime64("2026-01-01")
        first = book.opportunities["created_at"].min()
        reach = (pd.Timestamp(book.as_of) - first) / pd.Timedelta(days=1)
        for to in ("any", "advance", "lose"):
            result = fn.duration(book, to=to)
            assert all(curve.days.max() <= reach for curve in result.curves)
            assert not any(row.last_event_days > reach for row in result.rows)
        assert all(not deal.age_days > reach for deal in fn.stuck(book).deals)
        assert all(cell.from_days <= reach for cell in fn.ageing(book).cells)


def test_every_figure_of_the_maven_sheet_about_time(shared_data: Path):
    """As of 2017-12-31, to the digits given: see also test_duration.py (shares, fits) and test_real.py (incidence)."""
    maven = fn.load(shared_data / "maven_crm", mapping=ROOT / "examples" / "maven_crm.toml")
    whole = {to: fn.duration(maven, to=to) for to in ("any", "advance", "lose")}
    (row,) = whole["any"].rows
    assert (row.n, row.closed_n, row.open_n, row.older_n) == (8300, 6711, 1589, 1291)
    assert (row.median_days, row.naive_median_days, row.last_event_days) == (69, 45, 138)
    assert round(row.naive_mean_days, 2) == 47.99
    for to, closed_n, rates in (
        ("advance", 4238, {30: 0.2189948, 90: 0.3970147, 138: 0.5194392}),
        ("lose", 2473, {30: 0.1622065, 90: 0.2521246, 138: 0.3017405}),
    ):
        assert whole[to].rows[0].closed_n == closed_n
        (curve,) = whole[to].curves
        for day, rate in rates.items():
            at = np.searchsorted(curve.days, day, side="right") - 1
            assert 1 - curve.not_yet_rate[at] == pytest.approx(rate, abs=5.1e-8)
        assert 1 - curve.not_yet_rate[-1] == pytest.approx(rates[138], abs=5.1e-8)
