"""How long could each deal have been watched? For simulations that cut every drawn time where its deal was cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.data.groups import grouping
from funnelnb.data.tally import check_step, spans_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from funnelnb.data.calendar import Calendar
    from funnelnb.data.groups import By
    from funnelnb.data.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WatchedDeals:
    """Times from one position to the next outcome, one row per deal. D deals.

    Attributes
    ----------
    group : ndarray of int64, shape (D,)
        Place in the groups of :func:`~funnelnb.data.tally.time_counts` with the same `by`.
    time_s, entry_s, outcome : ndarray of int64, shape (D,)
        As in :class:`~funnelnb.data.count.TimeCounts`.
    limit_s : ndarray of int64, shape (D,)
        Age at the as-of date, or at which the deal left undecided: where its time would have been cut.
    """

    group: NDArray[np.int64]
    time_s: NDArray[np.int64]
    entry_s: NDArray[np.int64]
    outcome: NDArray[np.int64]
    limit_s: NDArray[np.int64]


def watched_deals(
    ledger: Ledger, origin: int, target: int, by: By = (), calendar: Calendar | None = None
) -> WatchedDeals:
    """How long did each deal take, and how long could it have been watched?

    Parameters
    ----------
    ledger : Ledger
    origin, target, by, calendar
        As given to :func:`~funnelnb.data.tally.time_counts`.

    Returns
    -------
    WatchedDeals
        The deals behind the rows of the counts, in the order of the ledger.

    Notes
    -----
    Checked against: the counts themselves, and ages by a plain loop (``tests/data/test_watched.py``).

    Examples
    --------
    >>> import funnelnb as fn
    >>> deals = watched_deals(fn.sample().ledger, 0, 1)
    >>> bool((deals.time_s <= deals.limit_s).all())
    True
    """
    check_step(origin, target, len(ledger.stage_ids))
    spans, age_s, _ = spans_of(ledger, (origin, target), grouping(ledger, by), calendar)
    seen = (spans.entry_s == 0) | (spans.time_s > spans.entry_s)
    columns = {name: getattr(spans, name)[seen] for name in ("group", "time_s", "entry_s", "outcome")}
    return WatchedDeals(**columns, limit_s=age_s[seen])
