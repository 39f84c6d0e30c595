"""How do deals convert, step by step and overall, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.result import Result
from funnelnb.playbooks.model import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """Conversion out of one stage of one group. Rates are NaN where their denominator is 0.

    Attributes
    ----------
    group : tuple of str
        Values of the `by` attributes; ``()`` for the whole book.
    stage, next_stage : str
        Stage ids. The overall row goes from the first stage to the won stage.
    overall : bool
        True for the end-to-end row.
    reached_n, advanced_n, here_n, lost_n, left_n : int
        reached = advanced + here + lost + left.
    so_far_rate, so_far_ci_lower, so_far_ci_upper : float
        (a) advanced / reached.
    decided_n : int
        Those no longer sitting in the stage: reached - here.
    decided_rate, decided_ci_lower, decided_ci_upper : float
        (b) advanced / decided.
    by_day_n : int
        Deals whose times are known: behind (c).
    by_day_rate, by_day_ci_lower, by_day_ci_upper : float
        (c) advanced within `horizon_days` of reaching the stage: Aalen-Johansen, lost competing, open censored.
        NaN when the data cannot see that far.
    by_day_lost_rate, by_day_open_rate : float
        Lost, and neither, at the horizon; the three add to 1.
    at_risk_n : int
        Deals still under observation at the horizon.
    reached_amount, advanced_amount, here_amount, lost_amount : float
    amount_n : int
        Deals whose amount is known.
    so_far_amount_rate, so_far_amount_ci_lower, so_far_amount_ci_upper : float
        (a) weighted by amount; interval on the effective number of deals.
    decided_amount_rate, decided_amount_ci_lower, decided_amount_ci_upper : float
        (b) weighted by amount.
    enough : bool
        False: too few deals to say.
    """

    group: tuple[str, ...]
    stage: str
    next_stage: str
    overall: bool
    reached_n: int
    advanced_n: int
    here_n: int
    lost_n: int
    left_n: int
    so_far_rate: float
    so_far_ci_lower: float
    so_far_ci_upper: float
    decided_n: int
    decided_rate: float
    decided_ci_lower: float
    decided_ci_upper: float
    by_day_n: int
    by_day_rate: float
    by_day_ci_lower: float
    by_day_ci_upper: float
    by_day_lost_rate: float
    by_day_open_rate: float
    at_risk_n: int
    reached_amount: float
    advanced_amount: float
    here_amount: float
    lost_amount: float
    amount_n: int
    so_far_amount_rate: float
    so_far_amount_ci_lower: float
    so_far_amount_ci_upper: float
    decided_amount_rate: float
    decided_amount_ci_lower: float
    decided_amount_ci_upper: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeCurve:
    """Won, lost and still open by days since the origin, for one group; the three add to 1 at every day.

    Attributes
    ----------
    group : tuple of str
    days : ndarray of float64, shape (T,)
        0 and every event time, in days, up to the last time that the risk set supports.
    won_rate, won_ci_lower, won_ci_upper, lost_rate, lost_ci_lower, lost_ci_upper, open_rate : ndarray, shape (T,)
    at_risk_n : ndarray of int64, shape (T,)
    trusted_days : float
        Beyond this age fewer than ``TOO_FEW_N`` deals are still observed: draw it as an estimate.
    """

    group: tuple[str, ...]
    days: NDArray[np.float64]
    won_rate: NDArray[np.float64]
    won_ci_lower: NDArray[np.float64]
    won_ci_upper: NDArray[np.float64]
    lost_rate: NDArray[np.float64]
    lost_ci_lower: NDArray[np.float64]
    lost_ci_upper: NDArray[np.float64]
    open_rate: NDArray[np.float64]
    at_risk_n: NDArray[np.int64]
    trusted_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPoint:
    """The step at which most deals are lost for good, with the money behind it.

    Attributes
    ----------
    group : tuple of str
    stage : str
    lost_n : int
        Deals whose furthest stage this was and that are lost.
    lost_share : float
        Of all lost deals of the group.
    lost_share_ci_lower, lost_share_ci_upper : float
    lost_amount : float
        Sum of their known amounts.
    clear : bool
        False when another stage's interval overlaps: the data cannot name one.
    """

    group: tuple[str, ...]
    stage: str
    lost_n: int
    lost_share: float
    lost_share_ci_lower: float
    lost_share_ci_upper: float
    lost_amount: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversion(Result):
    """Conversion per step and overall, for the whole or by group.

    Attributes
    ----------
    by : tuple of str
    stage_ids : tuple of str
    stage_labels : tuple of Label
        What the playbook calls the stages, in the order of `stage_ids`; empty: the ids are shown.
    horizon_days : float
        Day of (c), the headline.
    steps : tuple of StepRow
        For each group its steps in order.
    overall : tuple of StepRow
        One row per group: first stage to won.
    curves : tuple of OutcomeCurve
        One per group: from the first stage to won or lost.
    loss_points : tuple of LossPoint
        One per group that lost any deal.
    """

    by: tuple[str, ...]
    stage_ids: tuple[str, ...]
    horizon_days: float
    steps: tuple[StepRow, ...]
    overall: tuple[StepRow, ...]
    curves: tuple[OutcomeCurve, ...]
    loss_points: tuple[LossPoint, ...]
    stage_labels: tuple[Label, ...] = ()
