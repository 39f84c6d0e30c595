"""What sellers' categories were worth: counts by hand over three snapshots."""

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.forecast.categories import worth_then
from funnelnb.analysis.forecast.periods import day_number


def book_of(as_of, rows, closed=0):
    """A book of (id, category, amount, outcome, closed), and of wins and losses long ago to learn from."""
    old = [
        (f"{how}{k}", "", 10.0, how, f"2025-{1 + k % 12:02d}-15")
        for how in ("won", "lost")
        for k in range(closed)
    ]
    frame = pd.DataFrame(
        [*old, *rows], columns=["opportunity_id", "forecast_category", "amount", "outcome", "closed_at"]
    )
    frame["created_at"] = "2025-01-01"
    frame["stage"] = np.where(frame["outcome"] == "won", "won", "lead")
    own = {"tables": {"opportunities": {"attributes": {"forecast_category": "forecast_category"}}}}
    return fn.load(frame, mapping=own, playbook=["lead", "won"], as_of=as_of, name="small")


def store_of(path):
    """Of 4 in commit 3 are won within 30 days, of 5 in pipeline 1; the next 30 days bring 1 of 1, and 0 of 4."""
    store = fn.snapshots(path)
    commit = [(f"c{k}", "commit", 100.0, "open", None) for k in range(4)]
    rest = [(f"p{k}", "pipeline", 50.0, "open", None) for k in range(5)]
    store.append(book_of("2026-01-31", [*commit, *rest], 24))
    won = [(f"c{k}", "closed", 110.0, "won", "2026-02-20") for k in range(3)]
    later = [*won, commit[3], ("p0", "closed", 50.0, "won", "2026-03-01"), *rest[1:]]
    store.append(book_of("2026-03-02", later, 24))
    won += [("c3", "closed", 90.0, "won", "2026-03-20")]
    store.append(book_of("2026-04-01", [*won, later[4], *rest[1:]], 24))
    return store


def test_what_categories_brought_by_hand(tmp_path):
    store, today = store_of(tmp_path), day_number("2026-04-01")
    found = worth_then(store, 30, today)
    assert (found["commit"].deal_n, found["commit"].won_n) == (4 + 1, 3 + 1)
    assert (found["commit"].amount, found["commit"].won_amount) == (500, 3 * 110 + 90)
    assert (found["pipeline"].deal_n, found["pipeline"].won_n) == (5 + 4, 1)
    early = worth_then(store, 30, day_number("2026-03-02"))
    assert (early["commit"].deal_n, early["commit"].won_n) == (4, 3)  # nothing after that day
    assert worth_then(store, 90, today) == {}


def test_the_forecast_shows_them_beside_what_it_expects(tmp_path):
    store = store_of(tmp_path)
    book = store.at("2026-04-01")
    result = fn.forecast(book, "2026-04", record=False, snapshots=store, draws=100)
    (row,) = result.categories
    assert (row.category, row.deal_n, row.past_n) == ("pipeline", 4, 9)
    assert row.past_won_rate == pytest.approx(1 / 9) and row.past_share == pytest.approx(50 / 450)
    assert row.past_won_ci_lower < row.past_won_rate < row.past_won_ci_upper
    bare = fn.forecast(book, "2026-04", record=False, draws=100)
    assert bare.categories[0].past_n == 0 and np.isnan(bare.categories[0].past_won_rate)
    assert "Won of them" in result.text("en") and "Won of them" not in bare.text("en")
    assert "历史商机" in result.text("zh")
