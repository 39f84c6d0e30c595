"""Which segments, regions or people really convert differently, and which only look so?

Longer than most modules: rates, comparison and verdict of groups are read together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.conversion.like_with_like import AUTO, LikeWithLike, like_with_like
from funnelnb.analysis.conversion.like_with_like import notes_of as alike_notes
from funnelnb.analysis.shared import by_day, caveats, steps
from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    Origin,
    Source,
    grouping,
    level,
    origin_of,
    source_notes,
    stage_counts,
    time_counts,
    unwatched_n,
)
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.open_deals import MOST_UNSURE
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.data.count.counts import ADVANCED
from funnelnb.stats.rates.clustered import student_p_value, student_quantile
from funnelnb.stats.rates.compare import (
    benjamini_hochberg,
    funnel_limits,
    group_vs_rest,
    homogeneity,
    newcombe,
    overdispersion,
)
from funnelnb.stats.rates.proportion import normal_quantile, wilson
from funnelnb.stats.rates.shrink import beta_binomial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.stats.rates.stratified import Within


# ---- What is the rate of each group, and does it differ from that of everybody else? -----------------------

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
    within : Within or None
        The comparison within strata of equal deals, which is then the one that counts.
    adjusted_for : tuple of str
        What those strata are made of.
    df : float
        Degrees of freedom with which deals of one account or owner are alike; infinite where none are.
    fair : tuple of bool, length G
        False where the grouping is known only after the deals have gone their way; empty: all are.
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
    within: Within | None = None
    adjusted_for: tuple[str, ...] = ()
    df: float = np.inf
    fair: tuple[bool, ...] = ()


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


def decided(
    source: Source,
    by: tuple[str, ...],
    origin: int,
    confidence_level: float,
    adjust_for: str | Sequence[str] | None = AUTO,
) -> GroupRates:
    """Share of the deals won or lost that were won, for each group; who left undecided is in neither."""
    counts = stage_counts(source, by)
    sums = steps.overall_sums(counts, origin)
    won_n, lost_n = sums["advanced_n"], sums["lost_n"]
    decided_n = won_n + lost_n
    rest_n = decided_n.sum() - decided_n
    alike = _alike(source, by, origin, adjust_for, confidence_level)
    wider, rest_wider = _factors(alike, decided_n)
    rate, trials = steps.ratio(won_n, decided_n), decided_n / wider
    lower, upper = wilson(np.nan_to_num(rate) * trials, trials, confidence_level)
    notes = _decided_notes(source, by, sums, alike)
    unsure = sums["unsure_n"].sum() > MOST_UNSURE * decided_n.sum()  # they may have been open then
    if unsure or not (lost_n.sum() and won_n.sum()):  # nothing to compare where all deals ended alike
        rate = np.full(rate.shape, np.nan)
        lower, upper = rate, rate
    return GroupRates(
        groups=counts.groups,
        decided_n=decided_n,
        won_n=won_n,
        rate=rate,
        ci_lower=np.minimum(lower, rate),
        ci_upper=np.maximum(upper, rate),
        rest_rate=steps.ratio(won_n.sum() - won_n, rest_n) if np.isfinite(rate).any() else rate,
        trials=trials,
        rest_trials=rest_n / rest_wider,
        pooled_rate=float(steps.ratio(won_n.sum(), decided_n.sum()))
        if np.isfinite(rate).any()
        else float("nan"),
        horizon_days=float("nan"),
        notes=notes,
        **_how(alike),
        fair=_fair(notes, counts.groups),
    )


def _decided_notes(
    source: Source, by: tuple[str, ...], sums: steps.Columns, alike: LikeWithLike | None
) -> tuple[Note, ...]:
    """Return what has to be said of shares of closed deals."""
    n = int(sums["reached_n"].sum())
    notes = source_notes(source) + caveats.partly("open_deals", sums["here_n"].sum(), n)
    notes += caveats.partly("left_undecided", sums["left_n"].sum(), n)
    notes += caveats.no_losses(sums["lost_n"].sum(), n)
    return notes + _alike_notes(source, by, alike)


def _alike_notes(source: Source, by: tuple[str, ...], alike: LikeWithLike | None) -> tuple[Note, ...]:
    """Return what has to be said of the comparison."""
    if alike is None or not hasattr(source, "ledger"):
        return ()
    return alike_notes(source.ledger, by, alike)


class _How(TypedDict):
    """Fields of :class:`GroupRates` that say what the comparison counts."""

    within: Within | None
    adjusted_for: tuple[str, ...]
    df: float


def _how(alike: LikeWithLike | None) -> _How:
    if alike is None:
        return {"within": None, "adjusted_for": (), "df": np.inf}
    return {"within": alike.within, "adjusted_for": alike.names, "df": alike.df}


def _fair(notes: tuple[Note, ...], groups: tuple[tuple[str, ...], ...]) -> tuple[bool, ...]:
    """Return for each group whether the grouping is known before the deals have gone their way."""
    return (not any(note.code == "known_afterwards" for note in notes),) * len(groups)


def _alike(
    source: Source,
    by: tuple[str, ...],
    origin: int,
    adjust_for: str | Sequence[str] | None,
    level: float,
    days: float | None = None,
) -> LikeWithLike | None:
    """Return the comparison within strata; None where the rows lie in an engine that only counts."""
    if getattr(source, "in_engine", False) or not hasattr(source, "ledger"):
        return None
    return like_with_like(source.ledger, by, origin, adjust_for, level, days)


def _factors(alike: LikeWithLike | None, decided_n: Ints) -> tuple[Floats, Floats]:
    """Return by how much clusters widen each group's variance, and that of all others together."""
    if alike is None:
        return np.ones(decided_n.shape), np.ones(decided_n.shape)
    return alike.factor, _of_rest(alike.factor, decided_n)


def _of_rest(factor: Floats, n: Ints) -> Floats:
    """Return for each group the factor of all others together, each weighed by its deals."""
    weighed, rest_n = factor * n, np.maximum(n.sum() - n, 1)
    return np.maximum((weighed.sum() - weighed) / rest_n, 1.0)


def rates_by_day(
    source: Source,
    by: tuple[str, ...],
    origin: Origin,
    horizon_days: float | None,
    confidence_level: float,
    adjust_for: str | Sequence[str] | None = AUTO,
) -> GroupRates:
    """Share won by the horizon for each group and for the rest of each; open deals are not known yet."""
    counts = time_counts(source, origin.position, source.playbook.won, by)
    horizon = settle(horizon_days, counts)
    parts = by_day.split(counts)
    days, rests, whole = _days(parts, horizon.days, confidence_level)
    n, late_n = int(sum(part.n.sum() for part in parts)), sum(part.late_n for part in parts)
    notes = (*source_notes(source), *origin.notes, *horizon.notes)
    notes += caveats.timed(n, int(counts.unknown_n.sum()), late_n, unwatched_n(source, counts))
    notes += caveats.at_horizon(list(zip(counts.groups, days, strict=True)), horizon.days)
    if late_n:  # of deals that came under observation late nobody knows for whom they stand
        alike = _alike(source, by, origin.first, None, confidence_level)
    else:
        alike = _alike(source, by, origin.position, adjust_for, confidence_level, horizon.days) if n else None
    known_n = np.array([day.known_n for day in days], dtype=np.int64)
    owners = np.ones(known_n.shape) if alike is None else alike.beyond_accounts
    notes += _alike_notes(source, by, alike)
    return GroupRates(
        groups=counts.groups,
        decided_n=known_n,
        won_n=_won_by(parts, horizon.days),
        rate=np.array([day.rate for day in days]),
        ci_lower=np.array([day.ci_lower for day in days]),
        ci_upper=np.array([day.ci_upper for day in days]),
        rest_rate=np.array([day.rate for day in rests]),
        trials=_trials(days) / owners,
        rest_trials=_trials(rests) / _of_rest(owners, known_n),
        pooled_rate=whole.rate,
        horizon_days=horizon.days,
        notes=notes,
        **_how(alike),
        fair=_fair(notes, counts.groups),
    )


def _won_by(parts: Sequence[by_day.Times], days: float) -> NDArray[np.int64]:
    """Return how many of each group were won by an age."""
    until = days * SECONDS_PER_DAY
    won = [part.n[(part.outcome == ADVANCED) & (part.time_s <= until)].sum() for part in parts]
    return np.array(won, dtype=np.int64)


def _days(
    parts: Sequence[by_day.Times], days: float, confidence_level: float
) -> tuple[list[by_day.AtDay], list[by_day.AtDay], by_day.AtDay]:
    """Return the headline of each group, of all others of each (nothing where there are none), and of the whole."""

    def day(times: by_day.Times) -> by_day.AtDay:
        return by_day.watch(times, days, confidence_level, drawn=False).day

    rests = [by_day.AtDay() for _ in parts]
    if len(parts) > 1:
        rests = [day(by_day.pooled([*parts[:g], *parts[g + 1 :]])) for g in range(len(parts))]
    return [day(one) for one in parts], rests, day(by_day.pooled(parts))


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
    difference, lower, upper, p_value = _against_the_rest(rates, won, trials, tested, confidence_level)
    p_adjusted = benjamini_hochberg(np.clip(p_value, 0.0, 1.0))
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
        + caveats.alike(omnibus, 1 - confidence_level, named=bool(named.any()) or enough.sum() < 2),
    )


def _against_the_rest(
    rates: GroupRates, won: Floats, trials: Floats, tested: NDArray[np.bool_], confidence_level: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return how far each group is from the others, with bounds and p-value; NaN p where it may not be judged."""
    rest_trials = np.where(np.isfinite(rates.rest_rate), rates.rest_trials, 0.0)
    rest_won = _whole(np.where(rest_trials > 0, rates.rest_rate, 0.0) * rest_trials)
    lower, upper = newcombe(won, trials, rest_won, _whole(rest_trials), confidence_level)
    p_value = np.full(trials.shape, np.nan)
    for g in np.flatnonzero(tested):
        pair = group_vs_rest([won[g], rest_won[g]], [trials[g], _whole(rest_trials)[g]], confidence_level)
        p_value[g] = pair.p_value[0]
    p_value = student_p_value(p_value, rates.df, confidence_level)
    difference = rates.rate - rates.rest_rate
    if rates.within is not None:
        within = rates.within
        p_value = np.where(tested, within.p_value, np.nan)
        difference, lower, upper = within.difference, within.ci_lower, within.ci_upper
    if rates.fair:
        p_value = np.where(np.array(rates.fair), p_value, np.nan)
    return difference, lower, upper, p_value


def limit_columns(rates: GroupRates, n: Ints, confidence_level: float) -> dict[str, Floats]:
    """Funnel-plot limits at `n` deals, by field name; NaN where there is no whole to compare with.

    Of groups that are alike: by chance, and by deals of one account or owner counting as alike as they are, as in the
    verdicts.
    """
    columns = {}
    for name, share in (("limit_95", 0.95), ("limit_998", 0.998)):
        if np.isfinite(rates.pooled_rate):
            bounds = funnel_limits(
                rates.pooled_rate, n / _deals_a_trial(rates, share, confidence_level), share
            )
        else:
            bounds = (np.full(np.shape(n), np.nan),) * 2
        columns[f"{name}_lower"], columns[f"{name}_upper"] = bounds
    return columns


def _deals_a_trial(rates: GroupRates, share: float, confidence_level: float) -> float:
    """Return how many deals count as one over all groups; more far out where few clusters tell how alike they are."""
    known = rates.trials > 0
    if not known.any():
        return 1.0
    alike = max(1.0, float(rates.decided_n[known].sum() / rates.trials[known].sum()))
    if np.isinf(rates.df):
        return alike
    wider = [
        float(student_quantile(level, rates.df) / normal_quantile(level))
        for level in (share, confidence_level)
    ]
    return alike * (wider[0] / wider[1]) ** 2  # the trials hold at the confidence level already


def _trials(days: list[by_day.AtDay]) -> Floats:
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
    if enough.sum() < 2:  # nothing was compared
        return notes
    if np.isinf(precision):
        notes += (Note("shrinkage_full"),)
    if spread > 1:
        notes += (Note("overdispersed", {"overdispersion": spread}),)
    return notes


# ---- Which segments, regions or people really convert differently, and which only look so? -----------------

MEASURES = ("decided", "by_day")
LIMIT_POINTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """One group compared with the rest.

    Attributes
    ----------
    group : tuple of str
    decided_n, won_n : int
        Deals won or lost, and those of them that were won. For measure "by_day": deals whose state at the
        horizon is known, and deals won by then.
    raw_rate, raw_ci_lower, raw_ci_upper : float
        won / decided with its interval; for measure "by_day" the Aalen-Johansen share won by the horizon.
    shrunken_rate, shrunken_ci_lower, shrunken_ci_upper : float
        Pulled towards the whole (beta-binomial); between raw and :attr:`Segments.shrunk_to_rate`.
    rest_rate : float
        The rate of everybody else; where deals are held alike (`adjusted_for`), standardised to the mix of the group.
    difference, difference_ci_lower, difference_ci_upper : float
        raw - rest.
    p_value, p_adjusted : float
        Two-sided, group against the rest; adjusted for the number of groups (false-discovery rate). NaN for a
        group with too few deals, which is not tested.
    limit_95_lower, limit_95_upper, limit_998_lower, limit_998_upper : float
        Funnel-plot limits around the pooled rate at this `decided_n`: chance, and deals that are alike.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Segments(Result):
    """Groups compared on the share of decided deals that were won (or, with a horizon, won by that day).

    Attributes
    ----------
    by : tuple of str
    measure : {"decided", "by_day"}
    horizon_days : float
        NaN for measure "decided".
    pooled_rate : float
        Of all deals together; the funnel-plot limits lie around it.
    omnibus_p_value : float
        Are all groups alike? Chi-squared test of homogeneity.
    overdispersion : float
        Factor by which the spread exceeds the binomial (1: none).
    rows : tuple of SegmentRow
        Sorted by shrunken rate, highest first.
    shrunk_to_rate : float
        What small groups are pulled towards: the middle of the groups' true rates as fitted, which no single
        huge group owns. Equal to `pooled_rate` where the groups do not differ more than chance.
    limits : tuple of LimitRow
        About 60 numbers of deals from the smallest group's to the largest's; empty: only the groups' own are
        drawn.
    adjusted_for : tuple of str
        What deals were held alike in for `rest_rate`, `difference` and the tests; empty: nothing.
    """

    by: tuple[str, ...]
    measure: str
    horizon_days: float
    pooled_rate: float
    omnibus_p_value: float
    overdispersion: float
    rows: tuple[SegmentRow, ...]
    limits: tuple[LimitRow, ...] = ()
    shrunk_to_rate: float = float("nan")
    adjusted_for: tuple[str, ...] = ()


@question()
def segments(
    book: Source,
    *,
    by: str | Sequence[str],
    measure: str = "decided",
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    origin_stage: str | None = None,
    adjust_for: str | Sequence[str] | None = AUTO,
) -> Segments:
    """Which segments, regions or people really convert differently, and which only look so?

    Parameters
    ----------
    book : Book or Scan
    by : str or sequence of str
        One or two attributes whose values are compared.
    measure : {"decided", "by_day"}
        Share of decided deals that were won, or share won by the horizon with open deals taken as not known
        yet. "by_day" is the fairer one where groups differ in age or pace, and the only one where losses are
        not recorded.
    horizon_days : float, optional
        For measure "by_day"; None: chosen by :func:`funnelnb.analysis.shared.horizon.choose`, the same for all
        groups.
    confidence_level : float, optional
        Level of every interval; one minus it is the false-discovery rate of the verdicts. None: the package
        option.
    origin_stage : str, optional
        Only deals that reached this stage, and for "by_day" the stage the clock starts at; None: the first,
        for "by_day" the first that has dates.
    adjust_for : {"auto"}, str, sequence of str or None
        What deals are held alike in, so that nobody is called better for having the easier
        deals. "auto": region, segment, customer type, product and three classes of size, as far as the data have them,
        they are known at entry and there are enough deals; None: nothing.

    Returns
    -------
    Segments

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    - Raw rates: Wilson; by day: Aalen-Johansen with log-log bounds.
    - Shrunken rates: beta-binomial empirical Bayes over all groups.
    - Each group is compared with everybody else, never with a total that contains it: Fisher's exact test and
      Newcombe's interval; within strata of equal deals (`adjust_for`) the Cochran-Mantel-Haenszel test and the
      directly standardised difference (:func:`funnelnb.stats.rates.stratified.compared_within`), groups already
      named left out of the others. Deals of one account, and of one owner where regions or segments are compared,
      count as alike as they are; by day the deals whose state at the horizon is known stand for those
      that were watched less long; without strata, or where records begin late, the score test on the effective numbers
      of deals rate (1 - rate) / variance, which is Fisher's test again where nothing is censored.
    - A group is called "higher" or "lower" if its own p-value, adjusted by Benjamini and Hochberg over the
      groups tested, is at most 1 - confidence_level. All others are "not_separable", groups under
      ``TOO_FEW_N`` deals "too_few"; those are not tested but count in the whole.
    - The test that all groups are alike is told beside. It does not veto: against a single group far out
      among many it has little power, while the adjusted p-values hold false discoveries down by themselves.
    - Funnel-plot limits hold 95 % and 99.8 % of groups of equal true rate, deals of one account or owner counted as
      alike as they are: what the verdicts ask. The overdispersion is told beside; limits widened by it would hold
      groups that are called higher or lower.

    References
    ----------
    Spiegelhalter (2005), doi:10.1002/sim.1970. Benjamini & Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.

    Checked against counts by hand, a real lead funnel and simulated floors without any difference:
    ``tests/analysis/test_segments.py``, ``test_real.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.segments(fn.sample(), by="source", measure="by_day", horizon_days=180)
    >>> best = result.rows[0]
    >>> best.group, best.verdict
    (('referral',), 'higher')
    """
    _check_measure(measure, horizon_days)
    names, confidence = grouping(book, by), level(confidence_level)
    if not names:
        raise ParameterError(f"by = {by!r}", expected="one or two attributes to compare")
    origin = origin_of(book, origin_stage)
    rates = (
        decided(book, names, origin.first, confidence, adjust_for)
        if measure == "decided"
        else rates_by_day(book, names, origin, horizon_days, confidence, adjust_for)
    )
    compared = compare(rates, confidence)
    return Segments(
        n=int(rates.decided_n.sum()),
        method=f"segments_{measure}",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*rates.notes, *compared.notes),
        by=names,
        measure=measure,
        horizon_days=rates.horizon_days,
        pooled_rate=rates.pooled_rate,
        omnibus_p_value=compared.omnibus_p_value,
        overdispersion=compared.overdispersion,
        rows=_rows(rates, compared, confidence),
        limits=_limits(rates, confidence),
        shrunk_to_rate=compared.shrunk_to_rate,
        adjusted_for=rates.adjusted_for,
    )


def _check_measure(measure: str, horizon_days: float | None) -> None:
    check.one_of("measure", measure, MEASURES)
    if measure == "decided" and horizon_days is not None:
        raise ParameterError(
            f"horizon_days = {horizon_days!r} with measure = 'decided'",
            expected="no horizon: closed deals are counted whatever their age",
            hint="use measure='by_day'",
        )


def _rows(rates: GroupRates, compared: Compared, confidence_level: float) -> tuple[SegmentRow, ...]:
    """Return the rows, highest shrunken rate first; groups without a rate last, equals by name."""
    columns = {
        "decided_n": rates.decided_n,
        "won_n": rates.won_n,
        "raw_rate": rates.rate,
        "raw_ci_lower": rates.ci_lower,
        "raw_ci_upper": rates.ci_upper,
        "rest_rate": rates.rest_rate if rates.within is None else rates.within.rest_rate,
        **compared.columns,
        **limit_columns(rates, rates.decided_n, confidence_level),
    }
    rows = [
        SegmentRow(
            group=group, verdict=verdict, **{name: column[g].item() for name, column in columns.items()}
        )
        for g, (group, verdict) in enumerate(zip(rates.groups, compared.verdicts, strict=True))
    ]
    return tuple(
        sorted(rows, key=lambda row: (-row.shrunken_rate if row.shrunken_rate >= 0 else 1.0, row.group))
    )


def _limits(rates: GroupRates, confidence_level: float) -> tuple[LimitRow, ...]:
    """Return the limits at numbers of deals between the smallest and the largest group."""
    seen = rates.decided_n[rates.decided_n > 0]
    if not seen.size:
        return ()
    stops = np.unique(np.rint(np.geomspace(seen.min(), seen.max(), LIMIT_POINTS)).astype(np.int64))
    columns = limit_columns(rates, stops, confidence_level)
    return tuple(
        LimitRow(decided_n=int(n), **{name: float(column[k]) for name, column in columns.items()})
        for k, n in enumerate(stops)
    )
