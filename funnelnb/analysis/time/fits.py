"""Which distribution describes the days to leaving, and may it be used?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.shared import group_curve
from funnelnb.core import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.stats.lifetime.fit import Lifetime


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
        As in :class:`~funnelnb.analysis.time.duration.DurationRow`.
    family : str
    never, at_once : bool
        Whether a share that never ends, and one that ends the same day, were fitted besides.
    rank : int
        1: lowest AICc. Refused fits come last.
    first_name, second_name, third_name : str
        Names of the parameters of the family; empty where it has fewer.
    first_value, second_value, third_value : float
        In days where it is a scale.
    never_share, never_ci_lower, never_ci_upper : float
        Of all deals; NaN where not fitted.
    same_day_share, same_day_ci_lower, same_day_ci_upper : float
        Beyond what the family itself has on the first day; NaN where not fitted.
    log_likelihood, aicc, bic : float
    behind : float
        AICc less that of the best family.
    median_days, median_ci_lower, median_ci_upper : float
        According to the fit.
    gap_share : float
        Largest distance from the observed curve over the ages that can be trusted.
    gap_days : float
        Age at which that is.
    ended_n, needed_n : int
        Deals that ended, and how many so many parameters need (0 where that was not asked).
    unsure_share : float
        Maller and Zhou's measure of how possible it is that all would end if only watched longer; NaN where
        that was no obstacle.
    verdict : str
        ``"chosen"``, ``"runner_up"``, ``"other"``; or why it cannot be trusted: ``"too_far"`` (see
        :data:`CLOSE`) or a code of :data:`funnelnb.stats.lifetime.fit.REFUSALS`.
    """

    group: tuple[str, ...]
    stage: str
    overall: bool
    family: str
    never: bool
    at_once: bool
    rank: int
    first_name: str
    first_value: float
    second_name: str
    second_value: float
    third_name: str
    third_value: float
    never_share: float
    never_ci_lower: float
    never_ci_upper: float
    same_day_share: float
    same_day_ci_lower: float
    same_day_ci_upper: float
    log_likelihood: float
    aicc: float
    bic: float
    behind: float
    median_days: float
    median_ci_lower: float
    median_ci_upper: float
    gap_share: float
    gap_days: float
    ended_n: int
    needed_n: int
    unsure_share: float
    verdict: str


def families_of(family: str | None) -> tuple[str, ...]:
    """Return the families to compare: the one named, checked, or the usual ones."""
    if family is None:
        return FAMILIES
    from funnelnb.stats.lifetime.fit import FAMILIES as KNOWN

    return (check.one_of("family", family, tuple(KNOWN)),)


def fitted_to(
    times: Times,
    families: tuple[str, ...],
    confidence_level: float,
    *,
    never: bool = False,
    at_once: bool = False,
) -> tuple[Lifetime, ...]:
    """Return the families fitted to the times to leaving, the lowest AICc first.

    Each plain; with `never` also with a share that never ends; with `at_once` also with one that ends the same
    day; with both, with both. Times of exactly 0 among times of day are a mass that no plain family has: then
    only fits with a share that ends at once are comparable with each other.
    """
    from funnelnb.stats.lifetime.fit import fit_all

    instant = not group_curve.whole_days(times) and bool(
        (group_curve.events(times, "any") & (times.time_s == 0)).any()
    )
    found = [
        one
        for same_day in ((False, True) if at_once and not instant else (at_once,))
        for dead in ((False, True) if never else (False,))
        for one in fit_all(
            group_curve.observed_of(times, at_once=same_day), families, dead, same_day, confidence_level
        )
    ]
    return tuple(sorted(found, key=lambda one: (bool(one.refusal), one.aicc)))


def fit_rows(fitted: Sequence[Lifetime], known: group_curve.Pace, place: group_curve.Place) -> list[FitRow]:
    """Return the fits as rows, each with its distance from the observed curve and a verdict."""
    rows = []
    for rank, one in enumerate(fitted, start=1):
        half = one.quantile(0.5)
        gap_share, gap_days = group_curve.gap(one, known)
        rows.append(
            FitRow(
                family=one.family,
                never=one.shape.never,
                at_once=one.shape.at_once,
                rank=rank,
                **_values(one),
                log_likelihood=float(one.log_likelihood),
                aicc=float(one.aicc),
                bic=float(one.bic),
                behind=float(one.aicc - fitted[0].aicc),
                median_days=float(half.value[0]),
                median_ci_lower=float(half.ci_lower[0]),
                median_ci_upper=float(half.ci_upper[0]),
                gap_share=gap_share,
                gap_days=gap_days,
                ended_n=int(one.event_n),
                needed_n=int(one.facts.get("needed_n", 0)),
                unsure_share=float(one.facts.get("doubt", np.nan)),
                verdict=_verdict(rank, one.refusal, gap_share),
                **place,
            )
        )
    return rows


def never_share(fit: Lifetime) -> tuple[float, float, float]:
    """Return the share of all deals that never ends, with its bounds; NaN where it was not fitted.

    Of those that do not end the same day, `finishing_share` ends: the rest of them never does.
    """
    if not fit.shape.never or fit.refusal:
        return (np.nan,) * 3
    place = fit.parameters.index("finishing_share")
    later = 1.0 - (fit.estimate[fit.parameters.index("at_once_share")] if fit.shape.at_once else 0.0)
    values = (fit.estimate[place], fit.ci_upper[place], fit.ci_lower[place])
    value, lower, upper = (float(later * (1 - one)) for one in values)
    return value, lower, upper


class _Values(TypedDict):
    """The parameters of a fit and its two shares."""

    first_name: str
    first_value: float
    second_name: str
    second_value: float
    third_name: str
    third_value: float
    never_share: float
    never_ci_lower: float
    never_ci_upper: float
    same_day_share: float
    same_day_ci_lower: float
    same_day_ci_upper: float


def _values(fit: Lifetime) -> _Values:
    """Return the parameters of a fit and its two shares."""
    own = fit.shape.family.parameters
    named = [(name, float(fit.estimate[place])) for place, name in enumerate(own)]
    first, second, third = (*named, *[("", np.nan)] * (3 - len(named)))
    dead = never_share(fit)
    same_day: tuple[float, ...] = (np.nan,) * 3
    if fit.shape.at_once:
        place = fit.parameters.index("at_once_share")
        same_day = tuple(float(one[place]) for one in (fit.estimate, fit.ci_lower, fit.ci_upper))
    return {
        "first_name": first[0],
        "first_value": first[1],
        "second_name": second[0],
        "second_value": second[1],
        "third_name": third[0],
        "third_value": third[1],
        "never_share": dead[0],
        "never_ci_lower": dead[1],
        "never_ci_upper": dead[2],
        "same_day_share": same_day[0],
        "same_day_ci_lower": same_day[1],
        "same_day_ci_upper": same_day[2],
    }


def _verdict(rank: int, refusal: str, gap: float) -> str:
    if refusal:
        return refusal
    if not gap <= CLOSE:
        return "too_far"
    return {1: "chosen", 2: "runner_up"}.get(rank, "other")
