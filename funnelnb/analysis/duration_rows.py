"""How long does one stage, or the whole way, take one group? The rows and curves of a duration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationRow:
    """How long one stage, or the whole way, takes one group. Days are those of the result's `calendar`.

    Attributes
    ----------
    group : tuple of str
    stage, next_stage : str
        Stage ids. The overall row goes from the first stage to won or lost.
    overall : bool
    n : int
        Deals that reached the stage and whose time is known.
    closed_n : int
        Those that ended as asked (left in any way, advanced, or lost).
    open_n : int
        Those still there, or that left without a decision: their time is only known to be longer.
    median_days, median_ci_lower, median_ci_upper : float
        Day by which half have ended as asked. Infinite: not reached within what was observed.
    q25_days, q75_days : float
    mean_days, mean_ci_lower, mean_ci_upper : float
        Mean days spent up to `limit_days`; NaN unless asked for any end.
    limit_days : float
        The same for all groups of a stage: the age to which each group could be watched.
    still_30_rate, still_60_rate, still_90_rate, still_120_rate : float
        Share neither advanced nor lost by then.
    naive_median_days, naive_mean_days : float
        Of the finished deals alone: what is usually reported, and too short while deals are open.
    naive_difference_days : float
        Naive median less the median; minus infinity where the median is not reached, NaN unless asked for any
        end (those that advanced are not comparable with all).
    last_event_days : float
        Age of the oldest deal that ever ended.
    older_n : int
        Open deals older than that.
    older_amount : float
        Sum of their known amounts; NaN if none is known.
    pause : bool
        True when so long a time without any end is no accident: pipeline that looks dead.
    enough : bool
        False: too few deals, or too few watched at young ages, to say.
    """

    group: tuple[str, ...]
    stage: str
    next_stage: str
    overall: bool
    n: int
    closed_n: int
    open_n: int
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    q25_days: float
    q75_days: float
    mean_days: float
    mean_ci_lower: float
    mean_ci_upper: float
    limit_days: float
    still_30_rate: float
    still_60_rate: float
    still_90_rate: float
    still_120_rate: float
    naive_median_days: float
    naive_mean_days: float
    naive_difference_days: float
    last_event_days: float
    older_n: int
    older_amount: float
    pause: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DurationCurve:
    """Share that has not ended as asked, by days since the stage was reached. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DurationRow`.
    days, not_yet_rate, not_yet_ci_lower, not_yet_ci_upper : ndarray of float64, shape (T,)
    fitted_rate : ndarray of float64, shape (T,)
        The family with the lowest AICc; NaN where none was fitted.
    all_rate : ndarray of float64, shape (T,)
        Share not ended of all groups together; NaN without groups.
    at_risk_n : ndarray of int64, shape (T,)
    trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are still observed.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    not_yet_rate: NDArray[np.float64]
    not_yet_ci_lower: NDArray[np.float64]
    not_yet_ci_upper: NDArray[np.float64]
    fitted_rate: NDArray[np.float64]
    all_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float
