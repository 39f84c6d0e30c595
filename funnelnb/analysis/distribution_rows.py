"""What the rows and curves of a :class:`~funnelnb.analysis.distribution.Distribution` hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRow:
    """Which distribution describes the days of one group, and may it be trusted?

    Attributes
    ----------
    group : tuple of str
    stage : str
        Stage whose time is described; with `overall` the first of the whole way.
    overall : bool
    n : int
        Deals whose time is known.
    closed_n, open_n : int
        Those that ended in any way, and those that have no end yet.
    same_day_n : int
        Those that ended after 0 days.
    family : str
        The one with the lowest AICc; empty where none could be fitted.
    never, at_once : bool
        Whether it has a share that never ends, and one that ends the same day.
    median_days, median_ci_lower, median_ci_upper : float
        According to the fit; infinite where fewer than half ever end.
    never_share, never_ci_lower, never_ci_upper : float
        Of all deals; NaN where not part of the fit.
    plateau_share : float
        Share not ended at the age of the oldest deal that ended, as observed: what `never_share` should be
        close to where it is seen at all.
    same_day_share, same_day_ci_lower, same_day_ci_upper : float
        Of all deals, beyond what the family itself has on the first day; NaN where not part of the fit.
    log_likelihood, aicc, bic : float
    gap_share, gap_days : float
        Largest distance from the observed curve over the ages that can be trusted, and where it is.
    p_value : float
        Share of data sets drawn from the fit, cut where these deals were cut, that lie as far from their own
        fit. Small: the distribution does not describe the data. NaN: not tested.
    runs, tested_n : int
        Data sets drawn, and deals in each.
    last_event_days : float
        Age of the oldest deal that ended.
    trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are observed: what the fit says there is a guess.
    pause : bool
        True when so long a time without any end is no accident.
    verdict : str
        Of the family with the lowest AICc, as in :class:`~funnelnb.analysis.fits.FitRow`: ``"chosen"``,
        ``"too_far"`` or why nothing could be fitted; ``"too_few"`` where there are too few deals to say.
    trust : str
        ``"describes"``: within five points of the observed curve and not refuted. ``"roughly"``: within five
        points, but refuted, so good for a rough figure only. ``"unproven"``: not refuted, yet farther than five
        points: too few deals to tell. ``"untested"``: within five points, and the test could not be made.
        ``"no"``: not to be used.
    enough : bool
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    n: int
    closed_n: int
    open_n: int
    same_day_n: int
    family: str = ""
    never: bool = False
    at_once: bool = False
    median_days: float = np.nan
    median_ci_lower: float = np.nan
    median_ci_upper: float = np.nan
    never_share: float = np.nan
    never_ci_lower: float = np.nan
    never_ci_upper: float = np.nan
    plateau_share: float = np.nan
    same_day_share: float = np.nan
    same_day_ci_lower: float = np.nan
    same_day_ci_upper: float = np.nan
    log_likelihood: float = np.nan
    aicc: float = np.nan
    bic: float = np.nan
    gap_share: float = np.nan
    gap_days: float = np.nan
    p_value: float = np.nan
    runs: int = 0
    tested_n: int = 0
    last_event_days: float = np.nan
    trusted_days: float = np.nan
    pause: bool = False
    verdict: str = "too_few"
    trust: str = "no"
    enough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One parameter of the chosen fit.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    family, name : str
    value, value_ci_lower, value_ci_upper : float
        In days where it is a scale.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    family: str
    name: str
    value: float
    value_ci_lower: float
    value_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRow:
    """By when has a share of all deals ended?

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    ended_share : float
    fitted_days, fitted_ci_lower, fitted_ci_upper : float
        According to the chosen fit; infinite where so many never end.
    observed_days, observed_ci_lower, observed_ci_upper : float
        Kaplan-Meier; infinite where not reached.
    beyond : bool
        True when the fitted day lies beyond the ages that can be trusted.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    ended_share: float
    fitted_days: float
    fitted_ci_lower: float
    fitted_ci_upper: float
    observed_days: float
    observed_ci_lower: float
    observed_ci_upper: float
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingRow:
    """How much more time does a deal of some age take?

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    age_days : float
    watched_n : int
        Deals that were ever observed at that age.
    remaining_days, remaining_ci_lower, remaining_ci_upper : float
        Days until half of the deals still open at that age have ended; infinite where fewer ever do.
    observed_days : float
        The same read from the observed curve; infinite where not reached.
    within_30_rate, within_30_ci_lower, within_30_ci_upper : float
        Share of them that ends within 30 more days.
    beyond : bool
        True when that lies beyond the ages that can be trusted.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    age_days: float
    watched_n: int
    remaining_days: float
    remaining_ci_lower: float
    remaining_ci_upper: float
    observed_days: float
    within_30_rate: float
    within_30_ci_lower: float
    within_30_ci_upper: float
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistributionCurve:
    """Share that has not ended, by days: observed, fitted and by the runner-up. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    days : ndarray of float64, shape (T,)
    not_yet_rate, not_yet_ci_lower, not_yet_ci_upper : ndarray of float64, shape (T,)
        Kaplan-Meier.
    fitted_rate, fitted_ci_lower, fitted_ci_upper : ndarray of float64, shape (T,)
    runner_up_rate : ndarray of float64, shape (T,)
        NaN where there is none.
    at_risk_n : ndarray of int64, shape (T,)
    trusted_days : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    not_yet_rate: NDArray[np.float64]
    not_yet_ci_lower: NDArray[np.float64]
    not_yet_ci_upper: NDArray[np.float64]
    fitted_rate: NDArray[np.float64]
    fitted_ci_lower: NDArray[np.float64]
    fitted_ci_upper: NDArray[np.float64]
    runner_up_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensityCurve:
    """Share of all deals that ends per day, at each age. T days.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    days : ndarray of float64, shape (T,)
    per_day_share : ndarray of float64, shape (T,)
        According to the chosen fit, the same-day share left out.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    days: NDArray[np.float64]
    per_day_share: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedBin:
    """Share of all deals that ended between two ages, as observed (Kaplan-Meier).

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    from_days, to_days : float
    ended_share : float
        Deals that ended the same day are left out where the fit has a share of them.
    per_day_share : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    from_days: float
    to_days: float
    ended_share: float
    per_day_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantilePairs:
    """Days by which equal shares have ended: observed against fitted. K points.

    Attributes
    ----------
    group, stage, overall
        As in :class:`DistributionRow`.
    ended_share : ndarray of float64, shape (K,)
    observed_days, fitted_days : ndarray of float64, shape (K,)
        On the diagonal where the distribution is right. Points that by the fit are never reached are left out.
    trusted_days : float
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    ended_share: NDArray[np.float64]
    observed_days: NDArray[np.float64]
    fitted_days: NDArray[np.float64]
    trusted_days: float
