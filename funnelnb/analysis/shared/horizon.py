"""By which day should conversion be judged, when nobody says?

A share "won by day t" needs one t for everybody. The choice here is made from the data by a fixed rule, is
the same for all groups of one call, and is named in a note of every result that used it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, Source, origin_of, time_counts
from funnelnb.core import check
from funnelnb.core.note import Note
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT, LOST_UNDATED, TimeCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray


CANDIDATES_DAYS = (30.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0)
"""Horizons that are offered, shortest first."""

DECIDED_SHARE = 0.9
"""The horizon is the first by which this share of the decisions seen so far had been made."""

WATCHED_SHARE = 0.1
"""No horizon is chosen that fewer than this share of the deals could have been watched to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """A horizon and how it came about.

    Attributes
    ----------
    days : float
    chosen : bool
        True when the rule chose it, False when the caller did.
    notes : tuple of Note
        How it was chosen; empty when the caller gave it.
    """

    days: float
    chosen: bool
    notes: tuple[Note, ...] = ()


def automatic(source: Source, *, origin_stage: str | None = None) -> float:
    """By which day should deals of this book be judged?

    A batch of reports takes the horizon of the whole book, so that its regions can be compared.

    Parameters
    ----------
    source : Book or Scan
    origin_stage : str, optional
        Stage the clock starts at; None is the first one that has dates.

    Returns
    -------
    float
        Days, see :func:`choose`.
    """
    origin = origin_of(source, origin_stage)
    return choose(time_counts(source, origin.position, source.playbook.won)).days


def settle(horizon_days: float | None, counts: TimeCounts) -> Horizon:
    """Return the caller's horizon, checked, or the one :func:`choose` finds."""
    if horizon_days is None:
        return choose(counts)
    return Horizon(days=check.horizon_days(horizon_days), chosen=False)


def choose(counts: TimeCounts) -> Horizon:
    """By which day have most decisions been made, as far as the data can see?

    Parameters
    ----------
    counts : TimeCounts
        Times from the origin to won; groups are ignored, so that all groups get the same horizon.

    Returns
    -------
    Horizon

    Notes
    -----
    The smallest of :data:`CANDIDATES_DAYS` by which nine in ten of the decisions (won or lost) seen so far
    had been made; the largest where none is. Recent decisions over-represent quick ones, so this is a
    convention for where to look, not an estimate. It is capped by the age to which the oldest tenth of the
    deals could be watched: the largest t with G(t-) >= 0.1, where G is the Kaplan-Meier curve of the time to
    censoring (reverse Kaplan-Meier: decisions end the watching, open deals are the events). Under the cap,
    the largest candidate below it is taken, or the cap itself in whole days (at least 1) where even the
    smallest candidate is above.

    References
    ----------
    Schemper M, Smith TL (1996). A note on quantifying follow-up in studies of failure time. Controlled
    Clinical Trials 17, 343-346. doi:10.1016/0197-2456(96)00075-X

    Examples
    --------
    >>> import numpy as np
    >>> from funnelnb.data.count.counts import TimeCounts
    >>> day = 86400
    >>> counts = TimeCounts(by=(), groups=((),), origin=0, target=1, group=np.zeros(3, np.int32),
    ...     time_s=np.array([20, 50, 400]) * day, entry_s=np.zeros(3, np.int64), outcome=np.array([1, 2, 0]),
    ...     n=np.array([85, 15, 40]), amount=np.zeros(3), unknown_n=np.zeros(1, np.int64))
    >>> choose(counts).days
    60.0
    """
    decided = (counts.outcome == ADVANCED) | (counts.outcome == LOST_OUT)  # with a date
    decisions_n = int(counts.n[decided].sum())
    made = [
        int(counts.n[decided & (counts.time_s <= days * SECONDS_PER_DAY)].sum()) for days in CANDIDATES_DAYS
    ]
    enough = [
        days
        for days, n in zip(CANDIDATES_DAYS, made, strict=True)
        if decisions_n and n >= DECIDED_SHARE * decisions_n
    ]
    wanted = enough[0] if enough else CANDIDATES_DAYS[-1]
    days = _capped(wanted, watched_days(counts))
    if not decisions_n:
        return Horizon(days=days, chosen=True, notes=(Note("horizon_undecided", {"horizon_days": days}),))
    by_then = int(counts.n[decided & (counts.time_s <= days * SECONDS_PER_DAY)].sum())
    facts = {"horizon_days": days, "decided_share": by_then / decisions_n, "decisions_n": decisions_n}
    code = "horizon_chosen" if days == wanted else "horizon_capped"
    if counts.n[counts.outcome == LOST_UNDATED].sum() or counts.unknown_n.sum():
        code += "_dated"  # more deals closed than those whose time is known
    return Horizon(days=days, chosen=True, notes=(Note(code, facts),))


def watched_days(counts: TimeCounts) -> float:
    """To which age could the oldest tenth of the deals be watched?

    Returns
    -------
    float
        Days; infinite when no deal is open or left, since then nothing is hidden.
    """
    if not counts.n[counts.outcome == CENSORED].sum():
        return float("inf")
    time_s, inverse = np.unique(counts.time_s, return_inverse=True)
    censored = _sums(inverse, np.where(counts.outcome == CENSORED, counts.n, 0), time_s.size)
    total = _sums(inverse, counts.n, time_s.size)
    # decisions come before censorings of the same time: they have left the risk set of being censored
    at_risk = total[::-1].cumsum()[::-1] - (total - censored)
    after = np.cumprod(1.0 - np.divide(censored, at_risk, out=np.zeros(time_s.size), where=at_risk > 0))
    before = np.concatenate(([1.0], after[:-1]))
    return float(time_s[before >= WATCHED_SHARE - 1e-12].max()) / SECONDS_PER_DAY


def _sums(inverse: NDArray[np.intp], values: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.bincount(inverse, weights=values, minlength=size).astype(np.float64)


def _capped(wanted: float, cap_days: float) -> float:
    if wanted <= cap_days:
        return wanted
    below = [days for days in CANDIDATES_DAYS if days <= cap_days]
    return below[-1] if below else max(1.0, float(np.floor(cap_days)))
