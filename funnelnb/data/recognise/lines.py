"""Does a file hold one row per product or payment of a deal instead of one per deal?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.parse.values import as_text

if TYPE_CHECKING:
    from funnelnb.data.recognise.shape import Sheet

SAME = 0.95
"""Share of the repeated ids whose rows must agree in stage, outcome and dates."""

LINES_MOST = 30
"""An id with more rows on average than this is no deal."""


def lines_of_deals(deals: Sheet) -> str:
    """Are the rows of one id lines of one deal, and are their amounts to be added up?

    Parameters
    ----------
    deals : Sheet

    Returns
    -------
    str
        ``"add"``; ``"first"`` where each line repeats the amount of the deal; empty if the rows are no lines.

    Notes
    -----
    Rows of one deal agree in stage, outcome and dates; rows of a log or of snapshots do not.
    """
    at = deals.columns.source("opportunity_id")
    if at not in deals.raw.frame:
        return ""
    frame = deals.raw.frame
    ids = as_text(frame[at], blanks=False)
    some = frame[ids.duplicated(keep=False) & ids.notna()]
    keys = ids[some.index]
    told = [deals.columns.source(one) for one in ("stage", "outcome", "created_at", "closed_at")]
    told = [one for one in told if one in frame]
    if some.empty or len(some) > LINES_MOST * keys.nunique() or len(told) < 2:
        return ""
    for one in told:
        if (as_text(some[one]).fillna("").groupby(keys).nunique() <= 1).mean() < SAME:
            return ""
    amount = deals.columns.source("amount") or deals.columns.source("expected_amount")
    if amount in frame and (as_text(some[amount]).fillna("").groupby(keys).nunique() <= 1).mean() >= SAME:
        return "first"
    return "add"
