"""What is the rate of each group, and does it differ from that of everybody else?

Two ways to a rate per group (decided deals, or won by a day); one way to compare them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import caveats, steps, timing
from funnelnb.analysis.horizon import settle
from funnelnb.analysis.obtain import (
    SECONDS_PER_DAY,
    Origin,
    Source,
    source_notes,
    stage_counts,
    time_counts,
    unwatched_n,
)
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.count import ADVANCED
from funnelnb.stats.compare import (
    benjamini_hochberg,
    funnel_limits,
    group_vs_rest,
    homogeneity,
    newcombe,
    overdispersion,
)
from funnelnb.stats.proportion import wilson
from funnelnb.stats.shrink import beta_binomial

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    """Rates of G groups and of the rest of each.

    Attributes
    ----------
    groups : tuple of tuple of str
    decided_n, won_n : ndarray of int64, shape (G,)
    rate, ci_lower, ci_upper, rest_rate : ndarray of float64, shape (G,)
    trials, rest_trials : ndarray of float64, shape (G,)
        Effective number of deals behind `rate` and `rest_rate`; 0 where there is no rate.
    pooled_rate : float
    horizon_days : float
        NaN for decided deals.
    notes : tuple of Note
    """

    groups: tuple[tuple[str, ...], ...]
    decided_n: Ints
    won_n: Ints
    rate: Floats
    ci_lower: Floats
    ci_upper: Floats
    rest_rate: Floats
    trials: Floats
    rest_trials: Floats
    pooled_rate: float
    horizon_days: float
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How the groups compare.

    Attributes
    ----------
    columns : dict of str to ndarray, shape (G,)
        Shrunken rates, differences and p-values, by field name of ``SegmentRow``.
    verdicts : tuple of str, length G
    omnibus_p_value, overdispersion, shrunk_to_rate : float
    notes : tuple of Note
    """

    columns: dict[str, Floats]
    verdicts: tuple[str, ...]
    omnibus_p_value: float
    overdispersion: float
    shrunk_to_rate: float
    notes: tuple[Note, ...]


def decided(source: Source, by: tuple[str, ...], origin: int, confidence_level: float) -> GroupRates:
    """Share of the deals won or lost that were won, for each group; who left undecided is in neither."""
    counts = stage_counts(source, by)
    sums = steps.overall_sums(counts, origin)
    won_n, lost_n = sums["advanced_n"], sums["lost_n"]
    decided_n = won_n + lost_n
    lower, upper = wilson(won_n, decided_n, confidence_level)
    rest_n = decided_n.sum() - decided_n
    n = int(sums["reached_n"].sum())
    notes = source_notes(source) + caveats.partly("open_deals", sums["here_n"].sum(), n)
    notes += caveats.partly("left_undecided", sums["left_n"].sum(), n)
    notes += caveats.no_losses(lost_n.sum(), n)
    return GroupRates(
        groups=counts.groups,
        decided_n=decided_n,
        won_n=won_n,
        rate=steps.ratio(won_n, decided_n),
        ci_lower=lower,
        ci_upper=upper,
        rest_rate=steps.ratio(won_n.sum() - won_n, rest_n),
        trials=decided_n.astype(np.float64),
        rest_trials=rest_n.astype(np.float64),
        pooled_rate=float(steps.ratio(won_n.sum(), decided_n.sum())),
        horizon_days=float("nan"),
        notes=notes,
    )


def by_day(
    source: Source, by: tuple[str, ...], origin: Origin, horizon_days: float | None, confidence_level: float
) -> GroupRates:
    """Share won by the horizon for each group and for the rest of each; open deals are not known yet."""
    counts = time_counts(source, origin.position, source.playbook.won, by)
    horizon = settle(horizon_days, counts)
    parts = timing.split(counts)
    days = [timing.watch(part, horizon.days, confidence_level).day for part in parts]
    rests = [
        timing.watch(timing.pooled([*parts[:g], *parts[g + 1 :]]), horizon.days, confidence_level).day
        if len(parts) > 1
        else timing.AtDay()
        for g in range(len(parts))
    ]
    whole = timing.watch(timing.pooled(parts), horizon.days, confidence_level).day
    horizon_s = horizon.days * SECONDS_PER_DAY
    won = [part.n[(part.outcome == ADVANCED) & (part.time_s <= horizon_s)].sum() for part in parts]
    n, unknown_n = int(sum(part.n.sum() for part in parts)), int(counts.unknown_n.sum())
    notes = (*source_notes(source), *origin.notes, *horizon.notes)
    late_n = sum(part.late_n for part in parts)
    notes += caveats.timed(n, unknown_n, late_n, unwatched_n(source, counts))
    notes += caveats.at_horizon(list(zip(counts.groups, days, strict=True)), horizon.days)
    return GroupRates(
        groups=counts.groups,
        decided_n=np.array([day.known_n for day in days], dtype=np.int64),
        won_n=np.array(won, dtype=np.int64),
        rate=np.array([day.rate for day in days]),
        ci_lower=np.array([day.ci_lower for day in days]),
        ci_upper=np.array([day.ci_upper for day in days]),
        rest_rate=np.array([day.rate for day in rests]),
        trials=_trials(days),
        rest_trials=_trials(rests),
        pooled_rate=whole.rate,
        horizon_days=horizon.days,
        notes=notes,
    )


def compare(rates: GroupRates, confidence_level: float) -> Compared:
    """Shrink the rates, test each group against the rest and all together, and say what may be said."""
    known = np.isfinite(rates.rate) & (rates.trials > 0)
    trials = np.where(known, rates.trials, 0.0)
    won = np.where(known, rates.rate, 0.0) * trials
    won, trials = _whole(won), _whole(trials)
    shrunken = beta_binomial(won, trials, confidence_level)
    omnibus = homogeneity(won, trials).p_value
    spread = overdispersion(won, trials)
    enough = known & (rates.decided_n >= TOO_FEW_N)
    tested = enough & np.isfinite(rates.rest_rate) & (rates.rest_trials > 0)
    rest_trials = np.where(np.isfinite(rates.rest_rate), rates.rest_trials, 0.0)
    rest_won = _whole(np.where(rest_trials > 0, rates.rest_rate, 0.0) * rest_trials)
    lower, upper = newcombe(won, trials, rest_won, _whole(rest_trials), confidence_level)
    p_value = np.full(trials.shape, np.nan)
    for g in np.flatnonzero(tested):
        pair = group_vs_rest([won[g], rest_won[g]], [trials[g], _whole(rest_trials)[g]], confidence_level)
        p_value[g] = pair.p_value[0]
    p_adjusted = benjamini_hochberg(np.clip(p_value, 0.0, 1.0))
    difference = rates.rate - rates.rest_rate
    named = p_adjusted <= 1 - confidence_level
    verdicts = np.where(named, np.where(difference > 0, "higher", "lower"), "not_separable")
    verdicts = np.where(enough, verdicts, "too_few")
    return Compared(
        columns={
            "shrunken_rate": shrunken.rate,
            "shrunken_ci_lower": shrunken.ci_lower,
            "shrunken_ci_upper": shrunken.ci_upper,
            "difference": difference,
            "difference_ci_lower": lower,
            "difference_ci_upper": upper,
            "p_value": p_value,
            "p_adjusted": p_adjusted,
        },
        verdicts=tuple(verdicts.tolist()),
        omnibus_p_value=omnibus,
        overdispersion=spread,
        shrunk_to_rate=shrunken.pooled_rate,
        notes=_notes(rates, enough, spread, shrunken.precision)
        + caveats.alike(omnibus, 1 - confidence_level, named=bool(named.any())),
    )


def limit_columns(pooled_rate: float, n: Ints, overdispersion: float) -> dict[str, Floats]:
    """Funnel-plot limits at `n` deals, by field name; NaN where there is no whole to compare with."""
    columns = {}
    for name, share in (("limit_95", 0.95), ("limit_998", 0.998)):
        if np.isfinite(pooled_rate):
            bounds = funnel_limits(pooled_rate, n, share, overdispersion)
        else:
            bounds = (np.full(np.shape(n), np.nan),) * 2
        columns[f"{name}_lower"], columns[f"{name}_upper"] = bounds
    return columns


def _trials(days: list[timing.AtDay]) -> Floats:
    return np.array([day.effective_n if np.isfinite(day.rate) else 0.0 for day in days])


def _whole(values: Floats) -> Floats:
    """Return `values` with those that are whole but for rounding made whole, so that exact tests apply."""
    nearest = np.rint(values)
    return np.where(np.abs(values - nearest) <= 1e-7 * np.maximum(nearest, 1.0), nearest, values)


def _notes(
    rates: GroupRates,
    enough: NDArray[np.bool_],
    spread: float,
    precision: float,
) -> tuple[Note, ...]:
    """Return what has to be said about the comparison."""
    notes = caveats.too_few([group for group, fine in zip(rates.groups, enough, strict=True) if not fine])
    if int((rates.trials > 0).sum()) < 2:
        return (*notes, Note("one_group"))
    if np.isinf(precision):
        notes += (Note("shrinkage_full"),)
    if spread > 1:
        notes += (Note("overdispersed", {"overdispersion": spread}),)
    return notes
