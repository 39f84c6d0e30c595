"""Which segments, regions or people really convert differently, and which only look so?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.contrast import Compared, GroupRates, by_day, compare, decided, limit_columns
from funnelnb.analysis.obtain import Source, grouping, level, origin_of
from funnelnb.analysis.result import Result
from funnelnb.core import check
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        The raw rate of everybody else.
    difference, difference_ci_lower, difference_ci_upper : float
        raw - rest.
    p_value, p_adjusted : float
        Two-sided, group against the rest; adjusted for the number of groups (false-discovery rate). NaN for a
        group with too few deals, which is not tested.
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


def segments(
    book: Source,
    *,
    by: str | Sequence[str],
    measure: str = "decided",
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    origin_stage: str | None = None,
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
        For measure "by_day"; None: chosen by :func:`funnelnb.analysis.horizon.choose`, the same for all
        groups.
    confidence_level : float, optional
        Level of every interval; one minus it is the false-discovery rate of the verdicts. None: the package
        option.
    origin_stage : str, optional
        Only deals that reached this stage, and for "by_day" the stage the clock starts at; None: the first,
        for "by_day" the first that has dates.

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
      Newcombe's interval; by day, where part of the deals is censored, the score test on the effective
      numbers of deals rate (1 - rate) / variance, which is Fisher's test again where nothing is censored.
    - A group is called "higher" or "lower" if its own p-value, adjusted by Benjamini and Hochberg over the
      groups tested, is at most 1 - confidence_level. All others are "not_separable", groups under
      ``TOO_FEW_N`` deals "too_few"; those are not tested but count in the whole.
    - The test that all groups are alike is told beside. It does not veto: against a single group far out
      among many it has little power, while the adjusted p-values hold false discoveries down by themselves.
    - Funnel-plot limits hold 95 % and 99.8 % of groups of equal true rate, widened by the overdispersion.

    References
    ----------
    Spiegelhalter (2005), doi:10.1002/sim.1970. Benjamini & Hochberg (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.

    Checked against counts by hand, a real lead funnel and simulated floors without any difference:
    ``tests/analysis/test_segments.py``, ``test_real.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.segments(fn.sample(), by="region", measure="by_day", horizon_days=180)
    >>> best = result.rows[0]
    >>> best.group, best.verdict
    (('DACH',), 'higher')
    """
    _check_measure(measure, horizon_days)
    names, confidence = grouping(book, by), level(confidence_level)
    if not names:
        raise ParameterError(f"by = {by!r}", expected="one or two attributes to compare")
    origin = origin_of(book, origin_stage)
    rates = (
        decided(book, names, origin.first, confidence)
        if measure == "decided"
        else by_day(book, names, origin, horizon_days, confidence)
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
        rows=_rows(rates, compared),
        limits=_limits(rates, compared.overdispersion),
        shrunk_to_rate=compared.shrunk_to_rate,
    )


def _check_measure(measure: str, horizon_days: float | None) -> None:
    check.one_of("measure", measure, MEASURES)
    if measure == "decided" and horizon_days is not None:
        raise ParameterError(
            f"horizon_days = {horizon_days!r} with measure = 'decided'",
            expected="no horizon: decided deals are counted whatever their age",
            hint="use measure='by_day'",
        )


def _rows(rates: GroupRates, compared: Compared) -> tuple[SegmentRow, ...]:
    """Return the rows, highest shrunken rate first; groups without a rate last, equals by name."""
    columns = {
        "decided_n": rates.decided_n,
        "won_n": rates.won_n,
        "raw_rate": rates.rate,
        "raw_ci_lower": rates.ci_lower,
        "raw_ci_upper": rates.ci_upper,
        "rest_rate": rates.rest_rate,
        **compared.columns,
        **limit_columns(rates.pooled_rate, rates.decided_n, compared.overdispersion),
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


def _limits(rates: GroupRates, overdispersion: float) -> tuple[LimitRow, ...]:
    """Return the limits at numbers of deals between the smallest and the largest group."""
    seen = rates.decided_n[rates.decided_n > 0]
    if not seen.size:
        return ()
    stops = np.unique(np.rint(np.geomspace(seen.min(), seen.max(), LIMIT_POINTS)).astype(np.int64))
    columns = limit_columns(rates.pooled_rate, stops, overdispersion)
    return tuple(
        LimitRow(decided_n=int(n), **{name: float(column[k]) for name, column in columns.items()})
        for k, n in enumerate(stops)
    )
