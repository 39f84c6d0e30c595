"""Can these data tell how deals end at all? What an export leaves out shows in what it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, OPEN_DEAL, WON_DEAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.count.counts import TimeCounts
    from funnelnb.data.ledger.ledger import Ledger

CLOSED_ONLY, ONLY_WINS, NEVER_LOST, UNDECIDED = (
    "closed_only",
    "only_wins",
    "losses_never_set",
    "nobody_decided",
)
EXPECTED_OPEN = 3.0
"""So many open deals must be expected before their absence is no accident (chance of none: e^-3 = 5 %)."""


def unjudged(source: Any) -> str:
    """Return why nothing is known of the times of a source; empty where they can be judged.

    Parameters
    ----------
    source : Book or Scan

    Returns
    -------
    str
        ``nobody_decided``: nobody is won or lost. ``closed_only``: no deal is open although some must be, going by how
        long the closed ones took: open deals were left out, so slow ones are missing. ``only_wins``: no deal is lost
        and no more are open than the pace of the wins leaves: lost deals were left out, or there is nothing to tell.
        ``losses_never_set``: no deal is lost and deals far older than any win are open: lost ones were never marked.

    Notes
    -----
    With S the share of closed deals that took longer, a complete export holds about ``sum of S(age)`` open deals, the
    ages being those of all deals at the as-of date. The sum is too low where open deals were left out, so that the
    test errs on the side of believing the data.
    """
    if getattr(source, "in_engine", False):
        counts = source.stage_counts()
        here = counts.here_n[:, : counts.won].sum()
        if here and counts.lost_n.any():
            return ""
    return unjudged_ledger(source.ledger) if hasattr(source, "ledger") else ""


def unjudged_ledger(ledger: Ledger) -> str:
    """Return the same of the deals of a ledger."""
    outcome = ledger.outcome
    won, lost, still = (outcome == code for code in (WON_DEAL, LOST_DEAL, OPEN_DEAL))
    if not outcome.size:
        return ""
    if not (won.any() or lost.any()):
        return UNDECIDED
    if lost.any() and still.any():
        return ""
    age_s = np.where(ledger.created_s == UNKNOWN, -1, ledger.as_of_s - ledger.created_s)
    took_s = np.where(ledger.closed_s == UNKNOWN, -1, ledger.closed_s - ledger.created_s)
    known = (age_s >= 0) & (took_s >= 0) & (won | lost)
    if not known.any():
        return ONLY_WINS if not lost.any() else ""
    if lost.any():
        return CLOSED_ONLY if _expected_open(took_s[known], age_s[known]) >= EXPECTED_OPEN else ""
    if not still.any():
        return ONLY_WINS
    expected = _expected_open(took_s[known], age_s[age_s >= 0])
    return NEVER_LOST if still.sum() > expected + 3 * np.sqrt(expected) + 3 else ONLY_WINS


def _expected_open(took_s: NDArray[np.int64], age_s: NDArray[np.int64]) -> float:
    """Return how many of the deals of these ages would still be open if all took as long as those that closed."""
    beyond = took_s.size - np.searchsorted(np.sort(took_s), age_s, side="right")
    return float(beyond.sum() / took_s.size)


def judged(counts: TimeCounts, why: str) -> TimeCounts:
    """Return the counts with what cannot be judged taken out: no times at all, or nothing of losing."""
    if not why:
        return counts
    if why == NEVER_LOST:
        return replace(counts, losses_known=False)
    gone = np.bincount(counts.group, weights=counts.n, minlength=len(counts.groups)).astype(np.int64)
    columns = {
        name: getattr(counts, name)[:0] for name in ("group", "time_s", "entry_s", "outcome", "n", "amount")
    }
    return replace(
        counts, **columns, unknown_n=counts.unknown_n + gone, limit_s=None, weight=None, cluster=None
    )


def notes_of(source: Any) -> tuple[Note, ...]:
    """Return what has to be said of data that cannot be judged, and of data in which nobody is won."""
    if not hasattr(source, "ledger") or getattr(source, "in_engine", False):
        return ()
    why, outcome = unjudged_ledger(source.ledger), source.ledger.outcome
    facts = {"deals_n": int(outcome.size), "open_n": int((outcome == OPEN_DEAL).sum())}
    if why:
        return (Note(why, facts),)
    if outcome.size and not (outcome == WON_DEAL).any():
        return (Note("no_wins", facts),)
    return ()
