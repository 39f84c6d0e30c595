"""Which segments, regions or people really convert differently, and which only look so?"""

from __future__ import annotations

from dataclasses import dataclass

from funnelnb.analysis.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """One group compared with the rest.

    Attributes
    ----------
    group : tuple of str
    decided_n, won_n : int
        Deals won or lost; deals won.
    raw_rate, raw_ci_lower, raw_ci_upper : float
        won / decided with its interval.
    shrunken_rate, shrunken_ci_lower, shrunken_ci_upper : float
        Pulled towards the whole (beta-binomial); between raw and pooled.
    rest_rate : float
        The same for everybody else.
    difference, difference_ci_lower, difference_ci_upper : float
        raw - rest.
    p_value, p_adjusted : float
        Two-sided, group against the rest; adjusted for the number of groups (false-discovery rate).
    limit_95_lower, limit_95_upper, limit_998_lower, limit_998_upper : float
        Funnel-plot limits around the pooled rate at this `decided_n`, overdispersion included.
    verdict : {"too_few", "not_separable", "higher", "lower"}
    """

    group: tuple[str, ...]
    decided_n: int
    won_n: int
    raw_rate: float
    raw_ci_lower: float
    raw_ci_upper: float
    shrunken_rate: float
    shrunken_ci_lower: float
    shrunken_ci_upper: float
    rest_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_value: float
    p_adjusted: float
    limit_95_lower: float
    limit_95_upper: float
    limit_998_lower: float
    limit_998_upper: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """Funnel-plot limits at one number of deals, for drawing the curves between the groups.

    Attributes
    ----------
    decided_n : int
    limit_95_lower, limit_95_upper, limit_998_lower, limit_998_upper : float
        As in :class:`SegmentRow`.
    """

    decided_n: int
    limit_95_lower: float
    limit_95_upper: float
    limit_998_lower: float
    limit_998_upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments(Result):
    """Groups compared on the share of decided deals that were won (or, with a horizon, won by that day).

    Attributes
    ----------
    by : tuple of str
    measure : {"decided", "by_day"}
    horizon_days : float
        NaN for measure "decided".
    pooled_rate : float
    omnibus_p_value : float
        Are all groups alike? Chi-squared test of homogeneity.
    overdispersion : float
        Factor by which the spread exceeds the binomial (1: none).
    rows : tuple of SegmentRow
        Sorted by shrunken rate, highest first.
    limits : tuple of LimitRow
        About 60 numbers of deals from the smallest group's to the largest's; empty: only the groups' own are
        drawn.
    """

    by: tuple[str, ...]
    measure: str
    horizon_days: float
    pooled_rate: float
    omnibus_p_value: float
    overdispersion: float
    rows: tuple[SegmentRow, ...]
    limits: tuple[LimitRow, ...] = ()
