"""May a fitted distribution be trusted? The test, and what follows from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import pace
from funnelnb.analysis.obtain import SECONDS_PER_DAY
from funnelnb.data.count import CENSORED
from funnelnb.data.watched import WatchedDeals

if TYPE_CHECKING:
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
