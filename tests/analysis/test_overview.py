"""What a book holds, counted by hand."""

import numpy as np
import pandas as pd

from funnelnb.analysis.conversion.overview import overview
from funnelnb.data.book import Book
from funnelnb.playbooks import load_playbook


def book() -> Book:
    deals = pd.DataFrame(
        {
            "opportunity_id": ["a", "b", "c", "d", "e"],
            "created_at": pd.to_datetime(["2026-01-05", "2026-01-02", None, "2026-02-01", "2026-02-09"]),
            "closed_at": pd.to_datetime(["2026-02-05", "2026-02-02", "2026-02-03", None, None]),
            "outcome": ["won", "won", "lost", "open", "open"],
            "amount": [100.0, 900.0, 50.0, np.nan, np.nan],
        }
    )
    return Book(
        tables={"opportunities": deals},
        playbook=load_playbook("weekly_report"),
        as_of=np.datetime64("2026-03-01", "s"),
    )


def test_counts_and_money_by_outcome() -> None:
    result = overview(book())
    rows = {row.outcome: row for row in result.rows}
    assert {name: row.deal_n for name, row in rows.items()} == {"open": 2, "won": 2, "lost": 1}
    assert rows["won"].total_amount == 1000
    assert rows["won"].mean_amount == rows["won"].median_amount == 500
    assert rows["open"].amount_n == 0
    assert np.isnan(rows["open"].total_amount)
    assert (str(result.first_created), str(result.last_created)) == ("2026-01-02", "2026-02-09")
    assert sum(row.deal_share for row in result.rows) == 1


def test_one_outlier_moves_the_mean_and_not_the_median() -> None:
    """DOMAIN D7: a team around 100 thousand and one deal of a million."""
    deals = pd.DataFrame(
        {
            "opportunity_id": [str(k) for k in range(9)],
            "created_at": pd.Timestamp("2026-01-01"),
            "closed_at": pd.Timestamp("2026-02-01"),
            "outcome": "won",
            "amount": [100_000.0] * 8 + [1_000_000.0],
        }
    )
    parts = {"tables": {"opportunities": deals}, "playbook": load_playbook("weekly_report")}
    (row,) = overview(Book(**parts, as_of=np.datetime64("2026-03-01", "s"))).rows
    assert row.median_amount == 100_000
    assert row.mean_amount == 200_000


def test_it_is_said_in_both_languages() -> None:
    result = overview(book())
    assert "5 deals" in result.finding("en")
    assert "在途 2 单" in result.finding("zh")


def test_undated_deals_are_not_given_a_period() -> None:
    parts = book()
    deals = parts.tables["opportunities"].assign(created_at=pd.NaT)
    undated = Book(tables={"opportunities": deals}, playbook=parts.playbook, as_of=parts.as_of)
    assert "without a creation date" in overview(undated).finding("en")
    assert "没有新建日期" in overview(undated).finding("zh")
