"""Which distribution describes the days, and may it be trusted?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.analysis import caveats, timing
from funnelnb.analysis.distribution_group import Asked, Block, block_of
from funnelnb.analysis.distribution_trust import trust_notes
from funnelnb.analysis.duration import spans_of
from funnelnb.analysis.fits import FitRow, families_of
from funnelnb.analysis.obtain import (
    Source,
    calendar_notes,
    grouping,
    level,
    source_notes,
    time_counts,
    unwatched_n,
    watched_deals,
)
from funnelnb.analysis.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError
from funnelnb.data.calendar import calendar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.distribution_rows import (
        DensityCurve,
        DistributionCurve,
        DistributionRow,
        EndedBin,
        ParameterRow,
        QuantilePairs,
        QuantileRow,
        RemainingRow,
    )
    from funnelnb.core.note import Note
    from funnelnb.data.calendar import Calendar
    from funnelnb.data.count import TimeCounts
    from funnelnb.playbooks.model import Label

RUNS = (19, 9_999)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
        Of ``stats.lifetime.FAMILIES``; None: :data:`~funnelnb.analysis.fits.FAMILIES`, all but the generalised
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
        Which days count, as for :func:`~funnelnb.analysis.duration.duration`.

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
      the answer at 5 % stands. At most :data:`~funnelnb.analysis.distribution_trust.TESTED_MOST` deals are looked at.
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
    asked = Asked(
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
    return _result(
        book,
        spans[-1],
        blocks,
        by=names,
        families=asked.families,
        confidence_level=asked.confidence_level,
        calendar=days.name,
        notes=(*source_notes(book), *notes),
    )


def _result(book: Any, span: tuple[int, int, bool], blocks: Sequence[Block], **more: Any) -> Distribution:
    """Put the groups together."""
    parts: dict[str, Any] = {
        name: tuple(itertools.chain(*(getattr(one, name) for one in blocks))) for name in _PARTS
    }
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
        **parts,
        **more,
    )


def _blocks(
    book: Any, names: tuple[str, ...], span: tuple[int, int, bool], asked: Asked, days: Calendar
) -> tuple[list[Block], TimeCounts]:
    """Return what can be said of each group, and the counts behind it."""
    origin, target, overall = span
    counts = time_counts(book, origin, target, names, days)
    deals = watched_deals(book, origin, target, names, days)
    parts = timing.split(counts)
    blocks = []
    for place, (group, times) in enumerate(zip(counts.groups, parts, strict=True)):
        where = {"group": group, "stage": book.playbook.stage_ids[origin], "overall": overall}
        own = None if deals is None else (deals, deals.group == place)
        blocks.append(block_of(times, own, asked, where, len(parts)))
    return blocks, counts


_PARTS = ("fits", "parameters", "quantiles", "remaining", "curves", "densities", "bins", "pairs")


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


def _notes(blocks: Sequence[Block], counts: TimeCounts, gone_n: int, asked: Asked) -> tuple[Note, ...]:
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
