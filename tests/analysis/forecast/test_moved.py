"""The waterfall: hand counts, and the balance for any two days."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.analysis.forecast.moved import BARS, waterfall
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.book import Book
from funnelnb.playbooks import playbook_from_stages

MODEL = playbook_from_stages(["lead", "won"])


def day(as_of, *rows):
    """A book of (id, outcome, amount, expected close, owner, closed)."""
    frame = pd.DataFrame(
        rows, columns=["opportunity_id", "outcome", "amount", "expected_close_at", "owner", "closed_at"]
    )
    frame = frame.astype({"opportunity_id": "str", "outcome": "str", "owner": "str", "amount": "float64"})
    for name in ("expected_close_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return Book(
        tables={"opportunities": frame}, playbook=MODEL, as_of=np.datetime64(as_of, "s"), currency="EUR"
    )


BEFORE = day(
    "2026-03-31",
    ("grows", "open", 100, "2026-05-01", "Ann", None),
    ("shrinks", "open", 100, "2026-05-01", "Ann", None),
    ("wins", "open", 50, "2026-05-01", "Bob", None),
    ("loses", "open", 60, "2026-05-01", "Bob", None),
    ("leaves", "open", 5, "2026-05-01", "Bob", None),
    ("pushed", "open", 70, "2026-06-01", "Ann", None),
    ("pulled", "open", 80, "2026-09-01", "Ann", None),
    ("vanishes", "open", 30, "2026-05-01", "Bob", None),
    ("reopens", "lost", 40, None, "Bob", "2026-02-01"),
    ("handed", "open", 20, "2026-05-01", "Ann", None),
)
AFTER = day(
    "2026-06-30",
    ("grows", "open", 130, "2026-06-15", "Ann", None),
    ("shrinks", "open", 90, "2026-05-01", "Ann", None),
    ("wins", "won", 55, "2026-05-01", "Bob", "2026-05-02"),
    ("loses", "lost", 60, "2026-05-01", "Bob", "2026-05-02"),
    ("leaves", "left", 5, "2026-05-01", "Bob", "2026-05-02"),
    ("pushed", "open", 70, "2026-08-01", "Ann", None),
    ("pulled", "open", 80, "2026-06-20", "Ann", None),
    ("reopens", "open", 45, "2026-06-20", "Bob", None),
    ("handed", "open", 20, "2026-05-01", "Bob", None),
    ("new", "open", 11, "2026-06-01", "Ann", None),
    ("fast", "won", 7, "2026-06-01", "Ann", "2026-06-02"),
    ("back", "open", 9, "2026-06-01", "Ann", None),
)


def test_each_bar_by_hand():
    found = waterfall(BEFORE, AFTER, seen_before=frozenset({"back"}))
    bars = {row.bar: (row.deal_n, row.net_amount) for row in found.rows if not row.by}
    assert bars == {
        "opening": (9, 515), "new": (2, 18), "reappeared": (1, 9), "reopened": (1, 45), "pulled_in": (0, 0),
        "grown": (2, 35), "shrunk": (1, -10), "pushed_out": (0, 0), "won": (2, -62), "lost": (1, -60),
        "left": (1, -5), "vanished": (1, -30), "closing": (8, 455),
    }  # fmt: skip
    assert found.deals_of("won") == ("wins", "fast")
    assert found.deals_of("taken_over", "Bob") == found.deals_of("handed_over", "Ann") == ("handed",)
    assert {row.direction: row.deal_n for row in found.dates} == {"earlier": 1, "later": 2}


def test_within_a_period_deals_are_pulled_in_and_pushed_out():
    found = waterfall(BEFORE, AFTER, period="2026-Q2")
    bars = {row.bar: (row.deal_n, row.net_amount) for row in found.rows if not row.by}
    assert bars["opening"] == (8, 435)
    assert bars["pulled_in"] == (1, 80) and bars["pushed_out"] == (1, -70)
    assert bars["closing"][0] == 7


def balance(found):
    money, count = defaultdict(float), defaultdict(int)
    for row in found.rows:
        sign = -1 if row.bar == "closing" else 1
        money[row.by, row.group] += round(sign * row.net_amount * 100)
        count[row.by, row.group] += sign * row.net_n
        assert len(row.opportunity_ids) == row.deal_n
    return money, count


DATES = st.one_of(
    st.none(), st.sampled_from(["2026-02-01", "2026-04-15", "2026-06-15", "2026-08-01", "2026-12-31"])
)
DEAL = st.tuples(
    st.sampled_from(["open", "open", "won", "lost", "left", "lost_competitor"]),
    st.one_of(st.just(np.nan), st.integers(0, 10**7).map(lambda n: n / 100)),
    DATES, st.sampled_from(["", "Ann", "Bob"]), DATES,
)  # fmt: skip
DAY = st.dictionaries(st.sampled_from("abcdefghij"), DEAL, min_size=1)


@settings(max_examples=80, deadline=None)
@given(DAY, DAY, st.sampled_from([None, "2026-Q2", "2026"]), st.frozensets(st.sampled_from("abcdefghij")))
def test_any_two_days_balance_to_the_cent_and_groups_add_up(before, after, period, seen):
    books = [
        day(d, *((k, *v) for k, v in x.items())) for d, x in (("2026-03-31", before), ("2026-06-30", after))
    ]
    found = waterfall(*books, period=period, seen_before=seen)
    money, count = balance(found)
    assert set(money.values()) == {0} and set(count.values()) == {0}
    for bar in BARS:
        if bar in ("taken_over", "handed_over"):
            continue
        groups = [row for row in found.rows if row.by == "owner" and row.bar == bar]
        whole = found.bar(bar)
        assert round(sum(row.net_amount for row in groups) * 100) == round(whole.net_amount * 100)
        assert sum(row.deal_n for row in groups) == whole.deal_n


def test_two_snapshots_that_disagree_about_the_past_are_named():
    before = day("2026-03-31", ("a", "won", 10, None, "Ann", "2026-02-01"))
    after = day(
        "2026-06-30", ("a", "won", 12, None, "Ann", "2026-02-03"), ("b", "lost", 1, None, "Ann", "2026-01-01")
    )
    (note,) = [one for one in waterfall(before, after).notes if one.code == "snapshots_disagree"]
    assert (note.values["changed_n"], note.values["late_n"]) == (1, 1)


def test_bad_questions_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="the earlier first"):
        waterfall(AFTER, BEFORE)
    with pytest.raises(ParameterError, match="period"):
        waterfall(BEFORE, AFTER, period="soon")
    store = fn.forecasts.snapshots(tmp_path)
    with pytest.raises(MissingDataError, match="no snapshot"):
        store.moved("2026-03-31", "2026-06-30")
    store.append(BEFORE)
    with pytest.raises(ParameterError, match="two snapshots, the earlier first"):
        store.moved("2026-03-31", "2026-06-30")
    store.append(AFTER)
    assert store.moved("2026-03-31", "2026-06-30").bar("won").net_amount == -62
    with pytest.raises(ParameterError, match="bar = 'gone'"):
        store.moved("2026-03-31", "2026-06-30").bar("gone")
    with pytest.raises(ParameterError, match="a book"):
        store.append("export.csv")
