"""How far do these deals let one see?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import level, origin_of, time_counts
from funnelnb.analysis.shared.horizon import CANDIDATES_DAYS
from funnelnb.core import check

if TYPE_CHECKING:
    from funnelnb.analysis.shared.counts import Source


def longest_horizon(source: Source, wanted_days: float) -> float:
    """Which is the longest horizon, up to the one wanted, that these deals give a rate for?

    Parameters
    ----------
    source : Book or Scan
    wanted_days : float

    Returns
    -------
    float
        `wanted_days` where the share won by then can be read; else the longest of
        :data:`~funnelnb.analysis.shared.horizon.CANDIDATES_DAYS` for which it can; `wanted_days` where none can.

    Notes
    -----
    A horizon is out of reach where :func:`funnelnb.analysis.shared.by_day.at_day` withholds the rate: nobody was
    followed for so long while more than a few deals are still open.

    Checked against ``fn.conversion`` asked at every candidate: ``tests/analysis/test_horizon.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> longest_horizon(fn.sample(), 180.0)
    180.0
    """
    wanted = check.horizon_days(wanted_days)
    counts = time_counts(source, origin_of(source, None).position, source.playbook.won)
    times = by_day.split(counts)
    if len(times) != 1:
        return wanted
    seen = by_day.watch(times[0], wanted, level(None))
    offered = [wanted, *sorted((days for days in CANDIDATES_DAYS if days < wanted), reverse=True)]
    read = (days for days in offered if math.isfinite(by_day.at_day(times[0], seen.incidence, days).rate))
    return next(read, wanted)
