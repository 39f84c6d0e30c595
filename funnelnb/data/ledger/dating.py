"""Do the dates of closes say when deals closed? Exports that start late, days on which many were closed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL

if TYPE_CHECKING:
    from funnelnb.data.ledger.ledger import Ledger

Seconds = NDArray[np.int64]
DAY_S, LAST_S = 86_400, np.iinfo(np.int64).max

LATE_STARTERS = 30
"""So many deals began a usual duration before the first close, and none closed: closes were not recorded."""

BULK_SHARE, BULK_TIMES, BULK_DEALS = 0.02, 8, 10
"""A day is a bulk close with this share of all closes, this multiple of a usual day, and this many deals."""


def starts_late(started_s: Seconds, closed_s: Seconds, decided: NDArray[np.bool_]) -> tuple[Note, ...] | None:
    """Do the closes start much later than the deals? Then earlier closes are missing. None: too few to tell.

    Parameters
    ----------
    started_s, closed_s : ndarray of int64, shape (N,)
        Seconds; ``UNKNOWN`` where there is none.
    decided : ndarray of bool, shape (N,)
        Won or lost.
    """
    dated = decided & (started_s != UNKNOWN) & (closed_s != UNKNOWN)
    if dated.sum() < LATE_STARTERS:
        return None
    usual_s = float(np.median(closed_s[dated] - started_s[dated]))
    known, first_close_s = started_s[started_s != UNKNOWN], closed_s[dated].min()
    waiting = int((known < first_close_s - usual_s).sum())
    if waiting < LATE_STARTERS:
        return ()
    facts = {"first_start": _day(known.min()), "first_close": _day(first_close_s)}
    return (Note("closes_start_late", {**facts, "n": waiting, "usual_days": usual_s / DAY_S}),)


def closed_in_bulk(
    closed_s: Seconds, decided: NDArray[np.bool_], lost: NDArray[np.bool_]
) -> tuple[Note, ...] | None:
    """Were many deals closed on one day, as after a clean-up? None: no close has a date."""
    dated = decided & (closed_s != UNKNOWN)
    days, place, count = np.unique(closed_s[dated] // DAY_S, return_inverse=True, return_counts=True)
    if not days.size:
        return None
    usual = float(np.median(count))
    lost_n = np.bincount(place, weights=lost[dated], minlength=days.size)
    bulk = count >= max(BULK_DEALS, BULK_TIMES * usual, BULK_SHARE * dated.sum())
    return tuple(
        Note("bulk_close", {"day": _day(day * DAY_S), "n": int(n), "of_n": int(dated.sum()), "usual": f"{usual:g}",
                            "lost_n": int(lost)})
        for day, n, lost in zip(days[bulk], count[bulk], lost_n[bulk], strict=True)
    )  # fmt: skip


def notes_of(ledger: Ledger, *, observed: bool) -> tuple[Note, ...]:
    """Return both of the deals of a ledger; `observed`: the settings say when records begin."""
    decided = np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL))
    first_s = np.where(ledger.reached_s == UNKNOWN, LAST_S, ledger.reached_s).min(axis=1, initial=LAST_S)
    started_s = np.where(
        ledger.created_s != UNKNOWN, ledger.created_s, np.where(first_s < LAST_S, first_s, UNKNOWN)
    )
    late = None if observed else starts_late(started_s, ledger.closed_s, decided)
    bulk = closed_in_bulk(ledger.closed_s, decided, ledger.outcome == LOST_DEAL)
    return (*(late or ()), *(bulk or ()))


def _day(at_s: float) -> str:
    return str(np.datetime64(int(at_s), "s"))[:10]
