"""May a fitted distribution be trusted? The test, and what follows from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import caveats, pace
from funnelnb.analysis.fits import CLOSE
from funnelnb.analysis.obtain import SECONDS_PER_DAY
from funnelnb.core.note import Note
from funnelnb.data.count import CENSORED
from funnelnb.data.watched import WatchedDeals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.distribution_rows import DistributionRow
    from funnelnb.analysis.fits import FitRow
    from funnelnb.analysis.timing import Times
    from funnelnb.stats.goodness import Goodness, Sample
    from funnelnb.stats.lifetime import Lifetime

DealsOf = tuple[WatchedDeals, NDArray[np.bool_]]
"""All deals, and which of them are meant."""
REFUTED = 0.05
"""A fit whose p lies at or below this does not describe the data."""
TESTED_MOST, TESTED_LEAST = 4_000, 500
"""Deals that the test looks at, shared among the groups, but so many in each at least. Of more a random part is
taken: the answer then says what so many deals can tell, and whether a difference matters is said by the gap."""


def trust(verdict: str, p_value: float) -> str:
    """Return what a fit may be used for: see ``DistributionRow.trust``."""
    refuted = p_value <= REFUTED
    if verdict == "too_far" and not refuted and not math.isnan(p_value):
        return "unproven"
    if verdict != "chosen":
        return "no"
    if math.isnan(p_value):
        return "untested"
    return "roughly" if refuted else "describes"


def sample_of(times: Times, deals: DealsOf | None, fit: Lifetime) -> Sample:
    """Return the times to be tested: deal by deal, with the age at which each would have been cut, if known."""
    from funnelnb.stats.goodness import Sample

    exact = fit.shape.at_once and not pace.whole_days(times)
    same_day = None if exact else pace.same_day_of(times)
    if deals is None:
        return Sample(
            time=pace.days_of(times),
            event=pace.events(times, "any"),
            n=times.n,
            entry=pace.late(times),
            same_day=same_day,
        )
    columns, mine = deals
    time_s, entry_s, outcome, limit_s = (
        one[mine] for one in (columns.time_s, columns.entry_s, columns.outcome, columns.limit_s)
    )
    order = np.lexsort((limit_s, entry_s, outcome, time_s))  # so that the order of rows does not matter
    return Sample(
        time=time_s[order] / SECONDS_PER_DAY,
        event=outcome[order] != CENSORED,
        entry=entry_s[order] / SECONDS_PER_DAY,
        limit=limit_s[order] / SECONDS_PER_DAY,
        same_day=same_day,
    )


def tested_by(sample: Sample, fit: Lifetime, runs: int, groups_n: int) -> Goodness:
    """Return whether the times could come from the fit; stops as soon as the answer at 5 % stands."""
    from funnelnb.stats.goodness import Effort, bootstrap

    enough = math.ceil(REFUTED * (runs + 1))
    most = max(TESTED_LEAST, TESTED_MOST // groups_n)
    return bootstrap(sample, fit, Effort(runs=runs, most=most, enough=enough))


def trust_notes(
    rows: Sequence[DistributionRow], fits: Sequence[FitRow], flexible_n: int, *, never: bool
) -> tuple[Note, ...]:
    """Return what has to be said of fits that are not, or not fully, to be trusted.

    `flexible_n` groups would be described by a family that was not asked for; `never`: a share that never ends
    was asked for.
    """
    fitted = [row for row in rows if row.family]
    far_n = sum(row.verdict == "too_far" for row in fitted)
    notes: tuple[Note, ...] = ()
    if far_n:
        notes += (Note("fits_too_far", {"rows_n": far_n, "of_n": len(fitted), "close_share": CLOSE}),)
    if flexible_n:
        notes += (Note("fit_flexible", {"rows_n": flexible_n, "of_n": len(fitted), "close_share": CLOSE}),)
    rough = [row.group for row in rows if row.trust == "roughly" and row.group]
    notes += caveats.named("fit_refuted", rough, level_rate=REFUTED, close_share=CLOSE)
    seen = {fit.group for fit in fits if fit.never and fit.verdict != "follow_up_too_short"}
    unseen_n = sum(row.enough and row.group not in seen for row in rows)
    if never and unseen_n:
        notes += (Note("never_unseen", {"rows_n": unseen_n, "of_n": sum(row.enough for row in rows)}),)
    part = [row for row in fitted if 0 < row.tested_n < row.n]
    if part:
        facts = {"deals_n": sum(row.tested_n for row in part), "of_n": sum(row.n for row in part)}
        notes += (Note("part_tested", facts),)
    return notes
