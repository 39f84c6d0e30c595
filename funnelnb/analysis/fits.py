"""Which distribution describes the days to leaving, and may it be used?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis import pace
from funnelnb.core import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.timing import Times
    from funnelnb.stats.lifetime import Lifetime

FAMILIES = ("exponential", "weibull", "lognormal", "loglogistic", "gamma")
"""Families that are compared unless one is named."""
CLOSE = 0.05
"""A fit further than this from the observed curve, at any age that can be trusted, is not to be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRow:
    """One family fitted to the times of one row.

    Attributes
    ----------
    group, stage, overall
        As in :class:`~funnelnb.analysis.duration_rows.DurationRow`.
    family : str
    rank : int
        1: lowest AICc. Refused fits come last.
    first_name, second_name : str
        Names of the parameters; the second is empty where the family has one.
    first_value, second_value : float
        In days where it is a scale.
    log_likelihood, aicc : float
    behind : float
        AICc less that of the best family.
    median_days, median_ci_lower, median_ci_upper : float
        According to the fit.
    gap_share : float
        Largest distance from the observed curve over the ages that can be trusted.
    verdict : str
        ``"chosen"``, ``"runner_up"``, ``"other"``; or why it cannot be trusted: ``"too_far"`` (see
        :data:`CLOSE`) or a code of :data:`funnelnb.stats.lifetime.REFUSALS`.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    family: str
    rank: int
    first_name: str
    first_value: float
    second_name: str
    second_value: float
    log_likelihood: float
    aicc: float
    behind: float
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    gap_share: float
    verdict: str


def families_of(family: str | None) -> tuple[str, ...]:
    """Return the families to compare: the one named, checked, or the usual ones."""
    if family is None:
        return FAMILIES
    from funnelnb.stats.lifetime import FAMILIES as KNOWN

    return (check.one_of("family", family, tuple(KNOWN)),)


def fitted_to(times: Times, families: tuple[str, ...], confidence_level: float) -> tuple[Lifetime, ...]:
    """Return the families fitted to the times to leaving, the lowest AICc first."""
    from funnelnb.stats.lifetime import fit_all

    return fit_all(pace.observed_of(times), families, confidence_level=confidence_level)


def fit_rows(fitted: Sequence[Lifetime], known: pace.Pace, place: dict[str, Any]) -> list[FitRow]:
    """Return the fits as rows, each with its distance from the observed curve and a verdict."""
    rows = []
    for rank, one in enumerate(fitted, start=1):
        names, values = (*one.parameters, ""), (*one.estimate.tolist(), np.nan)
        half = one.quantile(0.5)
        gap = pace.gap(one, known)
        rows.append(
            FitRow(
                family=one.family,
                rank=rank,
                first_name=names[0],
                first_value=values[0],
                second_name=names[1],
                second_value=values[1],
                log_likelihood=float(one.log_likelihood),
                aicc=float(one.aicc),
                behind=float(one.aicc - fitted[0].aicc),
                median_days=float(half.value[0]),
                median_ci_lower=float(half.ci_lower[0]),
                median_ci_upper=float(half.ci_upper[0]),
                gap_share=gap,
                verdict=_verdict(rank, one.refusal, gap),
                **place,
            )
        )
    return rows


def _verdict(rank: int, refusal: str, gap: float) -> str:
    if refusal:
        return refusal
    if not gap <= CLOSE:
        return "too_far"
    return {1: "chosen", 2: "runner_up"}.get(rank, "other")
