"""How do deals created in different months convert at equal age, and from when can that be trusted?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.analysis.result import Result

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRow:
    """One creation cohort at the horizon.

    Attributes
    ----------
    cohort : str
        Such as ``"2026-03"``, ``"2026-Q1"`` or ``"2026-W09"``.
    starts, ends : numpy.datetime64
        First and last day of the period.
    deal_n, won_n, lost_n, open_n : int
    mature : bool
        True when the youngest deal of the cohort could have been watched to the horizon.
    trusted_from : numpy.datetime64
        First day on which the cohort is mature.
    won_rate, won_ci_lower, won_ci_upper : float
        Won by the horizon (Aalen-Johansen); for an immature cohort an estimate up to `seen_days`.
    seen_days : float
        Age up to which the cohort has been watched (at most the horizon).
    enough : bool
    """

    cohort: str
    starts: np.datetime64
    ends: np.datetime64
    deal_n: int
    won_n: int
    lost_n: int
    open_n: int
    mature: bool
    trusted_from: np.datetime64
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    seen_days: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortCell:
    """One cohort at one age: a cell of the heat map.

    Attributes
    ----------
    cohort : str
    age_days : float
    won_rate, won_ci_lower, won_ci_upper : float
        NaN where no deal of the cohort has been watched that long.
    mature : bool
        True when every deal of the cohort has been watchable to that age.
    at_risk_n : int
    deal_n : int
    """

    cohort: str
    age_days: float
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    mature: bool
    at_risk_n: int
    deal_n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohorts(Result):
    """Creation cohorts compared at equal age.

    Attributes
    ----------
    period : {"week", "month", "quarter", "year"}
    horizon_days : float
    rows : tuple of CohortRow
        In time order; this is the trend.
    cells : tuple of CohortCell
    """

    period: str
    horizon_days: float
    rows: tuple[CohortRow, ...]
    cells: tuple[CohortCell, ...]
