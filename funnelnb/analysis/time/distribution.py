"""Which distribution describes the days, and may it be trusted?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared import by_day, caveats, group_curve
from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    Source,
    calendar_notes,
    grouping,
    level,
    source_notes,
    time_counts,
    unwatched_n,
    watched_deals,
)
from funnelnb.analysis.shared.judged import still_known
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.time import distribution_readings as read
from funnelnb.analysis.time.distribution_readings import (
    DensityCurve,
    DistributionCurve,
    DistributionRow,
    EndedBin,
    ParameterRow,
    QuantilePairs,
    QuantileRow,
    RemainingRow,
)
from funnelnb.analysis.time.duration import spans_of
from funnelnb.analysis.time.fits import CLOSE, FitRow, families_of, fit_rows, fitted_to
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.data.count.counts import CENSORED
from funnelnb.data.count.tally import WatchedDeals
from funnelnb.stats.curves.survival import kaplan_meier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.count.counts import TimeCounts
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.curves.survival import Survival
    from funnelnb.stats.lifetime.fit import Lifetime
    from funnelnb.stats.lifetime.goodness import Goodness, Sample


# ---- May a fitted distribution be trusted? The test, and what follows from it ------------------------------

DealsOf = tuple[WatchedDeals, NDArray[np.bool_]]
"""All deals, and which of them are meant."""
REFUTED = 0.05
"""A fit whose p lies at or below this does not describe the data."""
TESTED_MOST, TESTED_LEAST = 4_000, 500
"""Deals that the test looks at, shared among the groups, but so many in each at least. Of more a random part is
taken: the answer then says what so many deals can tell, and whether a difference matters is said by the gap."""


def trust(verdict: str, p_value: float) -> str:
    """Return what a fit may be used for: see ``DistributionRow.trust``."""
    refuted = p_value <= REFUTED
    if verdict == "too_far" and not refuted and not math.isnan(p_value):
        return "unproven"
    if verdict != "chosen":
        return "no"
    if math.isnan(p_value):
        return "untested"
    return "roughly" if refuted else "describes"


def sample_of(times: Times, deals: DealsOf | None, fit: Lifetime) -> Sample:
    """Return the times to be tested: deal by deal, with the age at which each would have been cut, if known."""
    from funnelnb.stats.lifetime.goodness import Sample

    exact = fit.shape.at_once and not group_curve.whole_days(times)
    same_day = None if exact else group_curve.same_day_of(times)
    if deals is None:
        return Sample(
            time=group_curve.days_of(times),
            event=group_curve.events(times, "any"),
            n=times.n,
            entry=group_curve.late(times),
            same_day=same_day,
        )
    columns, mine = deals
    time_s, entry_s, outcome, limit_s = (
        one[mine] for one in (columns.time_s, columns.entry_s, columns.outcome, columns.limit_s)
    )
    order = np.lexsort((limit_s, entry_s, outcome, time_s))  # so that the order of rows does not matter
    return Sample(
        time=time_s[order] / SECONDS_PER_DAY,
        event=outcome[order] != CENSORED,
        entry=entry_s[order] / SECONDS_PER_DAY,
        limit=limit_s[order] / SECONDS_PER_DAY,
        same_day=same_day,
    )


def tested_by(sample: Sample, fit: Lifetime, runs: int, groups_n: int) -> Goodness:
    """Return whether the times could come from the fit; stops as soon as the answer at 5 % stands."""
    from funnelnb.stats.lifetime.goodness import Effort, bootstrap

    enough = math.ceil(REFUTED * (runs + 1))
    most = max(TESTED_LEAST, TESTED_MOST // groups_n)
    return bootstrap(sample, fit, Effort(runs=runs, most=most, enough=enough))


def trust_notes(
    rows: Sequence[DistributionRow], fits: Sequence[FitRow], flexible_n: int, *, never: bool
) -> tuple[Note, ...]:
    """Return what has to be said of fits that are not, or not fully, to be trusted.

    `flexible_n` groups would be described by a family that was not asked for; `never`: a share that never ends
    was asked for.
    """
    fitted = [row for row in rows if row.family]
    far_n = sum(row.verdict == "too_far" for row in fitted)
    notes: tuple[Note, ...] = ()
    if far_n:
        notes += (Note("fits_too_far", {"rows_n": far_n, "of_n": len(fitted), "close_share": CLOSE}),)
    if flexible_n:
        notes += (Note("fit_flexible", {"rows_n": flexible_n, "of_n": len(fitted), "close_share": CLOSE}),)
    rough = [row.group for row in rows if row.trust == "roughly" and row.group]
    notes += caveats.named("fit_refuted", rough, level_rate=REFUTED, close_share=CLOSE)
    seen = {fit.group for fit in fits if fit.never and fit.verdict != "follow_up_too_short"}
    unseen_n = sum(row.enough and row.group not in seen for row in rows)
    if never and unseen_n:
        notes += (Note("never_unseen", {"rows_n": unseen_n, "of_n": sum(row.enough for row in rows)}),)
    part = [row for row in fitted if 0 < row.tested_n < row.n]
    if part:
        facts = {"deals_n": sum(row.tested_n for row in part), "of_n": sum(row.n for row in part)}
        notes += (Note("part_tested", facts),)
    return notes


# ---- Which distribution describes the days of one group? ---------------------------------------------------

RUNS_BY_GROUPS = ((4, 199), (8, 99))
"""So many data sets are drawn for each of at most so many groups unless told otherwise; `RUNS_FEW` for more, and
where a fit is too far from the data whatever the test says."""
RUNS_FEW = 39
UNDATED = "losses_undated"
"""Verdict where the ends of some deals have no date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What was asked of every group alike, checked."""

    families: tuple[str, ...]
    never: bool | None
    at_once: bool | None
    confidence_level: float
    runs: int | None
    suggest: bool
    week: int

    def runs_for(self, groups_n: int, verdict: str) -> int:
        """Return how many data sets to draw for each of so many groups, fewer where the fit is too far anyway."""
        if self.runs or verdict != "too_far":
            return self.runs or next((runs for most, runs in RUNS_BY_GROUPS if groups_n <= most), RUNS_FEW)
        return RUNS_FEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one group adds to the result."""

    row: DistributionRow
    short: bool = False
    flexible: bool = False
    fits: tuple[FitRow, ...] = ()
    parameters: tuple[ParameterRow, ...] = ()
    quantiles: tuple[QuantileRow, ...] = ()
    remaining: tuple[RemainingRow, ...] = ()
    curves: tuple[DistributionCurve, ...] = ()
    densities: tuple[DensityCurve, ...] = ()
    bins: tuple[EndedBin, ...] = ()
    pairs: tuple[QuantilePairs, ...] = ()


def block_of(
    times: Times, deals: DealsOf | None, asked: Query, place: group_curve.Place, groups_n: int
) -> Block:
    """Return what can be said of one group."""
    known = group_curve.pace(times, "any", asked.confidence_level)
    counted = _counted(times, place)
    if known is None or counted.n < TOO_FEW_N:
        return Block(row=counted, short=known is None and counted.n > 0)
    if times.undated_n:  # a fit needs the day of every end
        return Block(row=replace(counted, enough=True, verdict=UNDATED))
    still = group_curve.pause(times)
    fitted = fitted_to(
        times,
        asked.families,
        asked.confidence_level,
        never=still["pause"] if asked.never is None else asked.never,
        at_once=counted.same_day_n >= TOO_FEW_N if asked.at_once is None else asked.at_once,
    )
    fits = tuple(fit_rows(fitted, known, place))
    judged = replace(
        counted,
        last_event_days=still["last_event_days"],
        pause=still["pause"],
        enough=True,
        trusted_days=known.trusted_days,
        verdict=fits[0].verdict,
    )
    if fitted[0].refusal:
        return Block(row=judged, fits=fits)
    runs = asked.runs_for(groups_n, fits[0].verdict)
    tested = tested_by(sample_of(times, deals, fitted[0]), fitted[0], runs, groups_n)
    curve = _observed(times, asked.confidence_level)
    plateau = curve.at(still["last_event_days"]).survival[0]
    block = Block(
        row=_chosen(judged, fits[0], tested, float(plateau)),
        fits=fits,
        flexible=asked.suggest and fits[0].verdict == "too_far" and _flexible(times, fitted[0], known),
    )
    return _with_readings(block, times, fitted, known, curve, asked.week)


def _observed(times: Times, confidence_level: float) -> Survival:
    """Return the curve of those that have not ended, each deal as one."""
    ended = group_curve.events(times, "any")
    days = group_curve.days_of(times)
    return kaplan_meier(days, ended, times.n, group_curve.late(times), confidence_level)


def _counted(times: Times, place: group_curve.Place) -> DistributionRow:
    """Return how many deals there are, ended, have no end yet, and ended after 0 days."""
    ended = group_curve.events(times, "any")
    return DistributionRow(
        **place,
        n=int(times.n.sum()),
        closed_n=int(times.n[ended].sum()),
        open_n=int(times.n[~ended].sum()),
        same_day_n=int(times.n[ended & (times.time_s == 0)].sum()),
    )


def _with_readings(
    block: Block,
    times: Times,
    fitted: Sequence[Lifetime],
    known: group_curve.Pace,
    curve: Survival,
    week: int,
) -> Block:
    """Return the block with what can be read from the chosen fit."""
    row = block.row
    place: group_curve.Place = {"group": row.group, "stage": row.stage, "overall": row.overall}
    best, trusted = fitted[0], known.trusted_days
    other = fitted[1] if len(fitted) > 1 and not fitted[1].refusal else None
    last = float(curve.time[curve.event_n > 0].max())
    until, drawn = read.drawn_until(best, last, trusted)
    return replace(
        block,
        parameters=tuple(read.parameters(best, place)),
        quantiles=tuple(read.quantiles(best, curve, trusted, place)),
        remaining=tuple(read.remaining(best, known, trusted, place)),
        curves=(read.curve(best, other, known, place),),
        densities=(read.density(best, drawn, place),),
        bins=tuple(read.bins(times, best, curve, until, place, week=week)),
        pairs=(read.pairs(best, curve, trusted, place),),
    )


def _chosen(row: DistributionRow, fit: FitRow, tested: Goodness, plateau_share: float) -> DistributionRow:
    """Return the row with what it says of the chosen fit."""
    return replace(
        row,
        family=fit.family,
        never=fit.never,
        at_once=fit.at_once,
        median_days=fit.median_days,
        median_ci_lower=fit.median_ci_lower,
        median_ci_upper=fit.median_ci_upper,
        never_share=fit.never_share,
        never_ci_lower=fit.never_ci_lower,
        never_ci_upper=fit.never_ci_upper,
        same_day_share=fit.same_day_share,
        same_day_ci_lower=fit.same_day_ci_lower,
        same_day_ci_upper=fit.same_day_ci_upper,
        log_likelihood=fit.log_likelihood,
        aicc=fit.aicc,
        bic=fit.bic,
        gap_share=fit.gap_share,
        gap_days=fit.gap_days,
        plateau_share=plateau_share,
        p_value=tested.p_value,
        runs=tested.runs,
        tested_n=int(tested.n),
        trust=trust(fit.verdict, tested.p_value),
    )


def _flexible(times: Times, best: Lifetime, known: group_curve.Pace) -> bool:
    """Whether the generalised gamma, which was not tried, lies close enough where the others do not.

    Not asked where a share never ends: four parameters then chase the age at which the last deal ended.
    """
    if best.shape.never:
        return False
    found = fitted_to(times, ("generalised_gamma",), best.confidence_level, at_once=best.shape.at_once)
    return any(group_curve.gap(one, known)[0] <= CLOSE for one in found)


# ---- Which distribution describes the days, and may it be trusted? -----------------------------------------

RUNS = (19, 9_999)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Distribution(Result):
    """Which distribution describes the days, per group.

    Attributes
    ----------
    by : tuple of str
    stage : str
        Stage whose time is described; with `overall` the first of the whole way.
    overall : bool
        True: the whole way, until won or lost.
    families : tuple of str
        Compared.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    rows : tuple of DistributionRow
        One per group.
    fits : tuple of FitRow
        Every family tried, with and without a share that never ends and one that ends the same day; by AICc.
    parameters : tuple of ParameterRow
        Of the chosen fit of each group.
    quantiles : tuple of QuantileRow
    remaining : tuple of RemainingRow
    curves : tuple of DistributionCurve
    densities : tuple of DensityCurve
    bins : tuple of EndedBin
    pairs : tuple of QuantilePairs
    calendar : str
        What all days are: empty for calendar days, else the name of a calendar of business days.
    """

    by: tuple[str, ...]
    stage: str
    overall: bool
    families: tuple[str, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    rows: tuple[DistributionRow, ...]
    fits: tuple[FitRow, ...]
    parameters: tuple[ParameterRow, ...]
    quantiles: tuple[QuantileRow, ...]
    remaining: tuple[RemainingRow, ...]
    curves: tuple[DistributionCurve, ...]
    densities: tuple[DensityCurve, ...]
    bins: tuple[EndedBin, ...]
    pairs: tuple[QuantilePairs, ...]
    calendar: str = ""


@question()
def distribution(
    book: Source,
    *,
    stage: str | None = None,
    by: str | Sequence[str] | None = None,
    family: str | Sequence[str] | None = None,
    never: bool | None = None,
    at_once: bool | None = None,
    confidence_level: float | None = None,
    runs: int | None = None,
    calendar: str | Calendar | None = None,
) -> Distribution:
    """Which distribution describes the days until a deal ends or leaves its stage, and may it be trusted?

    Parameters
    ----------
    book : Book or Scan
    stage : str, optional
        Id, label or alias of a stage before won. None: the whole way, until won or lost.
    by : str or sequence of str, optional
        One or two attributes whose values make the groups; None: the whole book.
    family : str or sequence of str, optional
        Of ``stats.lifetime.FAMILIES``; None: :data:`~funnelnb.analysis.time.fits.FAMILIES`, all but the generalised
        gamma, which has one parameter more.
    never : bool, optional
        Try each family also with a share that never ends. None: where so long a time without any end is no
        accident. Where deals were not watched long enough to see such a share it is refused.
    at_once : bool, optional
        Try each family also with a share that ends the same day. None: where at least ``TOO_FEW_N`` deals ended
        after 0 days. Where times of day are known a time of exactly 0 is no short stay but a fact of its own:
        then families are tried with that share only.
    confidence_level : float, optional
        Level of every interval, between 0 and 1; None: the package option (0.90).
    runs : int, optional
        Data sets drawn to test the chosen fit of each group, 19 to 9,999. None: 199, with more than four groups
        99; with more than eight, and for a fit that is too far from the data anyway, 39.
    calendar : str or Calendar, optional
        Which days count, as for :func:`~funnelnb.analysis.time.duration.duration`.

    Returns
    -------
    Distribution

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have; the hint names the nearest.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    - Censored maximum likelihood; the lowest AICc is chosen. With F the family, G(t) = p + (1 - p) c F(t): p
      ends the same day, (1 - p)(1 - c) never.
    - Test: parametric bootstrap of the Cramér-von Mises distance between the fit and Kaplan-Meier. Every time
      drawn is cut at its deal's own age at the as-of date (drawn from the censoring curve where the source
      cannot tell ages), rounded to whole days where the data are, and the family is fitted anew. It stops when
      the answer at 5 % stands. At most
      :data:`~funnelnb.analysis.time.distribution.TESTED_MOST` deals are looked at.
    - A p of 5 % or less means that the distribution does not describe the data. If it still lies within five points
      of the observed curve it may serve for a rough figure; else it is not to be used at all.
    - Beyond the age at which ``TOO_FEW_N`` deals are observed every fit is a guess, whatever its p.

    References
    ----------
    Maller & Zhou (1996), *Survival Analysis with Long-Term Survivors*. Stute, Gonzalez Manteiga & Presedo
    Quindimil (1993), doi:10.1007/BF02613687. Besag & Clifford (1991), doi:10.1093/biomet/78.2.301.

    Checked against R's ``survreg`` and a likelihood written out in R, floors of known distribution, and the
    figures of a public CRM export: ``tests/analysis/test_distribution.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> (row,) = fn.distribution(fn.sample(), stage="qualify", runs=19).rows
    >>> row.family, row.at_once
    ('weibull', True)
    """
    names, days = grouping(book, by), calendar_of(calendar, book)
    asked = Query(
        families=_families(family),
        never=never,
        at_once=at_once,
        confidence_level=level(confidence_level),
        runs=None if runs is None else _runs(runs),
        suggest=family is None,
        week=7 - len(days.weekend),
    )
    spans, notes = spans_of(book, stage)
    blocks, counts = _blocks(book, names, spans[-1], asked, days)
    notes += (*calendar_notes(book, days), *_notes(blocks, counts, unwatched_n(book, counts), asked))
    return _result(book, spans[-1], blocks, asked, names, days, (*source_notes(book), *notes))


def _result(
    book: Source,
    span: tuple[int, int, bool],
    blocks: Sequence[Block],
    asked: Query,
    names: tuple[str, ...],
    days: Calendar,
    notes: tuple[Note, ...],
) -> Distribution:
    """Put the groups together."""
    return Distribution(
        n=sum(one.row.n for one in blocks),
        method="distribution",
        as_of=book.as_of,
        currency=book.currency,
        stage=book.playbook.stage_ids[span[0]],
        overall=span[2],
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
        rows=tuple(one.row for one in blocks),
        fits=tuple(row for one in blocks for row in one.fits),
        parameters=tuple(row for one in blocks for row in one.parameters),
        quantiles=tuple(row for one in blocks for row in one.quantiles),
        remaining=tuple(row for one in blocks for row in one.remaining),
        curves=tuple(row for one in blocks for row in one.curves),
        densities=tuple(row for one in blocks for row in one.densities),
        bins=tuple(row for one in blocks for row in one.bins),
        pairs=tuple(row for one in blocks for row in one.pairs),
        by=names,
        families=asked.families,
        confidence_level=asked.confidence_level,
        calendar=days.name,
        notes=notes,
    )


def _blocks(
    book: Source, names: tuple[str, ...], span: tuple[int, int, bool], asked: Query, days: Calendar
) -> tuple[list[Block], TimeCounts]:
    """Return what can be said of each group, and the counts behind it."""
    origin, target, overall = span
    counts = still_known(time_counts(book, origin, target, names, days, durations=True))
    deals = watched_deals(book, origin, target, names, days)
    parts = by_day.split(counts)
    blocks = []
    for place, (group, times) in enumerate(zip(counts.groups, parts, strict=True)):
        where: group_curve.Place = {
            "group": group,
            "stage": book.playbook.stage_ids[origin],
            "overall": overall,
        }
        own = None if deals is None else (deals, deals.group == place)
        blocks.append(block_of(times, own, asked, where, len(parts)))
    return blocks, counts


def _families(family: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the families to compare, each checked and once."""
    if family is None or isinstance(family, str):
        return families_of(family)
    names = tuple(dict.fromkeys(name for one in family for name in families_of(one)))
    if not names:
        raise ParameterError(
            f"family = {family!r}", expected="at least one family, or None for the usual ones"
        )
    return names


def _runs(runs: int) -> int:
    number = check.number("runs", runs, ge=RUNS[0], le=RUNS[1])
    if number != int(number):
        raise ParameterError(f"runs = {runs!r}", expected=f"a whole number from {RUNS[0]} to {RUNS[1]}")
    return int(number)


def _notes(blocks: Sequence[Block], counts: TimeCounts, gone_n: int, asked: Query) -> tuple[Note, ...]:
    rows = [one.row for one in blocks]
    n = sum(row.n for row in rows)
    notes = caveats.partly("not_ended", sum(row.open_n for row in rows), n)
    notes += caveats.timed(n, counts.unknown_n.sum(), counts.n[counts.entry_s > 0].sum(), gone_n)
    notes += caveats.too_few([row.group for row in rows if row.n < TOO_FEW_N])
    notes += caveats.named(
        "early_risk_small", [one.row.group for one in blocks if one.short], min_n=TOO_FEW_N
    )
    fits = [fit for one in blocks for fit in one.fits]
    return notes + trust_notes(rows, fits, sum(one.flexible for one in blocks), never=bool(asked.never))
