"""Which deals of which size reach the target, how likely, and at which effort?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.targets.deal_sizes import Band, given_bands, measured_bands
from funnelnb.analysis.targets.plans import Planner
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.stats.totals import compound
from funnelnb.stats.totals.mix import Limit, Task
from funnelnb.stats.totals.size import Size, mixture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.analysis.targets.plans import MixRow
    from funnelnb.data.book import Book


# ---- What is asked of a mix of deals: from which history, at which effort, within which limits? ------------


def history_bands(
    book: Book | None,
    bands: str | Sequence[float] | None,
    counts: Sequence[float] | None,
    means: Sequence[float] | None,
    confidence_level: float,
) -> tuple[tuple[Band, ...], tuple[Note, ...]]:
    """Return the bands of the history, counted in the book or given as counts, and what they assume."""
    if counts is not None:
        if bands is None or isinstance(bands, str):
            raise ParameterError(
                f"bands = {bands!r}",
                expected="the amounts at which the bands meet, since counts are given",
                hint="bands=[10_000, 30_000, 50_000]",
            )
        return given_bands(bands, counts, means, confidence_level)
    if book is None:
        raise ParameterError("neither a book nor counts", expected="a book, or counts= with bands=")
    return measured_bands(book, bands, confidence_level)


def efforts(
    bands: tuple[Band, ...], effort: Sequence[float] | None, unit: str | None
) -> tuple[tuple[float, ...], str, tuple[Note, ...]]:
    """Return the effort of one deal in each band, its unit, and a note where it was not given."""
    if effort is not None:
        if len(effort) != len(bands):
            raise ParameterError(f"effort has {len(effort)} values", expected=f"one per band, {len(bands)}")
        return tuple(float(one) for one in effort), unit or "", ()
    leads = [band.leads_n for band in bands]
    if all(np.isfinite(leads)):
        return tuple(float(one) for one in leads), "leads", (Note("mix_effort_leads"),)
    return (1.0,) * len(bands), "deals", (Note("mix_effort_deals"),)


def plan_counts(plan: Sequence[int], bands: int) -> tuple[int, ...]:
    """Return the plan to be examined as whole numbers, one per band."""
    given = tuple(plan)
    if len(given) != bands:
        raise ParameterError(f"plan has {len(given)} values for {bands} bands", expected="one per band")
    for place, n in enumerate(given):
        if check.number(f"plan[{place}]", n, ge=0) != int(n):
            raise ParameterError(f"plan[{place}] = {n!r}", expected="a whole number of deals")
    if not sum(given):
        raise ParameterError(f"plan = {list(given)}", expected="at least one deal")
    return tuple(int(n) for n in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a mix has to keep to. Attributes as the parameters of :func:`funnelnb.analysis.targets.mix.deal_mix`."""

    limits: Mapping[str, tuple[Sequence[float], float]] | None
    most_share: float
    least_n: Sequence[int] | None
    most_n: Sequence[int] | None
    stretch: float | None

    def planner(
        self,
        target: float,
        assurance: float,
        bands: tuple[Band, ...],
        costs: tuple[float, ...],
        required: int,
    ) -> tuple[Planner, tuple[Note, ...]]:
        """Return who looks for mixes that keep to this, and what that assumes.

        Parameters
        ----------
        target, assurance : float
        bands : tuple of Band
        costs : tuple of float
            Effort of one deal in each band.
        required : int
            Deals that history's proportions would take; what `stretch` counts from.
        """
        least_n = check.whole_numbers("least_n", self.least_n or ())
        most_n = check.whole_numbers("most_n", self.most_n or ())
        notes: tuple[Note, ...] = ()
        if not most_n and self.stretch is not None:
            most_n, notes = _stretched(bands, required, self.stretch, least_n)
        task = Task(
            target=target,
            amount=tuple(band.mean_amount for band in bands),
            effort=costs,
            limits=_limits(self.limits),
            most_share=self.most_share,
            least_n=tuple(least_n),
            most_n=tuple(most_n),
        )
        return Planner(task=task, sizes=tuple(band.size for band in bands), assurance=assurance), notes


def _stretched(
    bands: tuple[Band, ...], required: int, stretch: float, least_n: Sequence[int]
) -> tuple[tuple[int, ...], tuple[Note, ...]]:
    """Return how many deals each band may have at most, from history's proportions."""
    factor = check.number("stretch", stretch, gt=0, lt=float("inf"))
    least = list(least_n) or [0] * len(bands)
    most = [max(int(np.ceil(factor * band.history_share * required)), 0) for band in bands]
    wide = tuple(max(int(low), high) for low, high in zip(least, most, strict=False))
    return wide, (Note("mix_stretch", {"factor": factor}),)


def _limits(limits: Mapping[str, tuple[Sequence[float], float]] | None) -> tuple[Limit, ...]:
    made = []
    for name, pair in (limits or {}).items():
        try:
            use, capacity = pair
            made.append(Limit(name=str(name), use=tuple(map(float, use)), capacity=float(capacity)))
        except (TypeError, ValueError):
            raise ParameterError(
                f"limits[{name!r}] = {pair!r}",
                expected="(use of one deal in each band, capacity)",
                hint='limits={"hours": ([8, 20, 45, 90], 900)}',
            ) from None
    return tuple(made)


# ---- Which deals of which size reach the target, how likely, and at which effort? --------------------------

Floats = NDArray[np.float64]

CURVE_MOST = 400
"""The chance is given for at most so many deals."""
_CELLS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRow:
    """One band: its history, and what a plan asks of it.

    Attributes
    ----------
    band, lower_amount, upper_amount, history_n, history_share, history_ci_lower, history_ci_upper
        As in :class:`~funnelnb.analysis.targets.deal_sizes.Band`.
    mean_amount : float
    measured : bool
    effort : float
        Of one deal, in the unit of :attr:`DealMix.effort_unit`.
    plan_n, cheapest_n : int
        Deals of this band in the plan, and in the cheapest mix that reaches the target with the assurance; -1
        where there is none.
    needed_mean_amount : float
        What the average would have to be for the plan to reach the target with the assurance, if all bands
        grew alike; NaN without a plan.
    """

    band: str
    lower_amount: float
    upper_amount: float
    history_n: int
    history_share: float
    history_ci_lower: float
    history_ci_upper: float
    mean_amount: float
    measured: bool
    effort: float
    plan_n: int
    cheapest_n: int
    needed_mean_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceCurve:
    """Chance of the target by the number of deals, in history's proportions.

    Attributes
    ----------
    deal_n : ndarray of int64, shape (M,)
    chance_rate : ndarray of float64, shape (M,)
    """

    deal_n: NDArray[np.int64]
    chance_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalCurve:
    """How the total is distributed.

    Attributes
    ----------
    what : {"history", "plan", "cheapest"}
        Whose total: as many deals as are required, in history's proportions; the plan; the cheapest mix.
    total_amount : ndarray of float64, shape (C,)
    probability_rate : ndarray of float64, shape (C,)
        In a cell around the total; adds to 1.
    """

    what: str
    total_amount: Floats
    probability_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DealMix(Result):
    """Mixes of deal sizes for a target.

    Attributes
    ----------
    target_amount : float
    assurance_rate : float
        Chance wanted.
    required_n : int
        Deals in history's proportions that reach the target with that chance.
    average_n : int
        Deals that reach it on average only: target / mean, rounded up.
    average_rate : float
        Chance with those.
    plan : MixRow or None
        The plan that was to be examined.
    plan_factor : float
        By which factor all average sizes would have to grow for the plan to reach the target with the
        assurance; below 1 where they may shrink; NaN without a plan.
    bands : tuple of BandRow
    mixes : tuple of MixRow
        Feasible mixes that reach the target on average, least effort first.
    frontier : tuple of MixRow
        Mixes of which none other has a better chance with less effort.
    cheapest : MixRow or None
        Least effort among the mixes whose chance is at least the assurance.
    curve : ChanceCurve
    totals : tuple of TotalCurve
    effort_unit : str
        What effort is counted in; ``"leads"`` where it was measured, ``"deals"`` where nothing is known.
    by : tuple of str
        The attribute that makes the bands; empty for bands of the amount.
    """

    target_amount: float
    assurance_rate: float
    required_n: int
    average_n: int
    average_rate: float
    plan: MixRow | None
    plan_factor: float
    bands: tuple[BandRow, ...]
    mixes: tuple[MixRow, ...]
    frontier: tuple[MixRow, ...]
    cheapest: MixRow | None
    curve: ChanceCurve
    totals: tuple[TotalCurve, ...]
    effort_unit: str
    by: tuple[str, ...]


class MixLimits(TypedDict, total=False):
    """What a mix has to keep to, as :func:`deal_mix` takes it by name."""

    counts: Sequence[float] | None
    means: Sequence[float] | None
    plan: Sequence[int] | None
    effort: Sequence[float] | None
    effort_unit: str | None
    limits: Mapping[str, tuple[Sequence[float], float]] | None
    most_share: float
    least_n: Sequence[int] | None
    most_n: Sequence[int] | None
    stretch: float | None


@question("targets")
def deal_mix(  # noqa: PLR0913 - every limit has its own name
    book: Book | None = None,
    *,
    amount: float,
    bands: str | Sequence[float] | None = None,
    counts: Sequence[float] | None = None,
    means: Sequence[float] | None = None,
    plan: Sequence[int] | None = None,
    effort: Sequence[float] | None = None,
    effort_unit: str | None = None,
    limits: Mapping[str, tuple[Sequence[float], float]] | None = None,
    most_share: float = 1.0,
    least_n: Sequence[int] | None = None,
    most_n: Sequence[int] | None = None,
    stretch: float | None = 1.5,
    assurance: float = 0.8,
    currency: str | None = None,
    confidence_level: float | None = None,
) -> DealMix:
    """Which deals of which size reach the target, how likely, and at which effort?

    Parameters
    ----------
    book : Book, optional
        Whose won deals are the history. Not needed when `counts` are given.
    amount : float
        Target, above 0, in the book's currency.
    bands : sequence of float, or str, optional
        Amounts at which bands meet, the last band being open (``[10_000, 30_000, 50_000]`` makes four), or an
        attribute such as ``"product"``. None: the quarters of the history.
    counts : sequence of float, optional
        History as deals per band, instead of a book.
    means : sequence of float, optional
        With `counts`: average amount in each band. None: the middle, and 1.5 times the lower bound for the
        open band, which a note says.
    plan : sequence of int, optional
        Deals per band to be examined, such as ``[28, 7, 2, 1]``.
    effort : sequence of float, optional
        Effort of one deal in each band (hours, meetings, cost). None: decided deals per won one where that is
        known, else 1 for every deal.
    effort_unit : str, optional
        What `effort` is counted in.
    limits : mapping, optional
        Name to (use by one deal of each band, capacity), such as ``{"hours": ([8, 20, 45, 90], 900)}``.
    most_share : float
        No band may bring more than this share of the total (concentration).
    least_n, most_n : sequence of int, optional
        Fewest and most deals in each band.
    stretch : float, optional
        Without `most_n`: a band may have so many times the deals that history's proportions would give it,
        because large deals cannot be had at will. None: no such limit.
    assurance : float
        Chance wanted, strictly between 0 and 1.
    currency : str, optional
        Where no book names one.
    confidence_level : float, optional

    Returns
    -------
    DealMix

    Raises
    ------
    ParameterError
        A parameter is out of range, or no mix reaches the target under the limits; the message then says
        which limit binds and by how much.

    Notes
    -----
    Chances are exact for the distribution of sizes used (:func:`funnelnb.stats.totals.compound.total_chance`), to
    1e-6. That distribution is the history's own amounts; where only counts are known, amounts are taken as
    even inside a band. That shares and sizes stay as they were is an assumption.

    Checked against the worked case (56.5, 27.8, 11.1, 4.6 %), simulation and integer programming:
    ``tests/analysis/test_mix.py``, ``tests/stats/test_compound.py``, ``tests/stats/test_mix.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> case = dict(bands=[10_000, 30_000, 50_000], counts=[61, 30, 12, 5], currency="CNY")
    >>> result = fn.targets.deal_mix(amount=500_000, plan=[28, 7, 2, 1], **case)
    >>> result.required_n, round(result.plan.chance_rate, 3)
    (37, 0.008)
    """
    target = check.number("amount", amount, gt=0, lt=float("inf"))
    wanted = check.number("assurance", assurance, gt=0, lt=1)
    found, notes = history_bands(book, bands, counts, means, level(confidence_level))
    costs, unit, told = efforts(found, effort, effort_unit)
    needed = _in_proportion(found, target, wanted)
    kept = Constraints(limits=limits, most_share=most_share, least_n=least_n, most_n=most_n, stretch=stretch)
    planner, assumed = kept.planner(target, wanted, found, costs, needed.required_n)
    planned = _planned(planner, found, plan, needed)
    known = () if book is None else (*book.notes, *source_notes(book))
    return _answer(
        book, needed, planned, unit, (*known, *notes, *told, *assumed),
        currency=currency, typed=counts is not None, by=(bands,) if isinstance(bands, str) else (),
        confidence_level=level(confidence_level),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Needed:
    """How many deals in history's proportions the target takes."""

    history: Size
    target_amount: float
    assurance_rate: float
    required_n: int
    average_n: int
    average_rate: float
    curve: ChanceCurve


def _in_proportion(bands: tuple[Band, ...], target: float, assurance: float) -> _Needed:
    history = mixture([band.history_share for band in bands], [band.size for band in bands])
    required = compound.required_n(history, target, assurance)
    average = int(np.ceil(target / history.mean - 1e-9))
    return _Needed(
        history=history,
        target_amount=target,
        assurance_rate=assurance,
        required_n=required,
        average_n=average,
        average_rate=compound.chance_of_n(history, average, target).value,
        curve=_curve(history, target, required),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Planned:
    """The mixes under the limits, and the plan among them."""

    plan: MixRow | None
    plan_factor: float
    bands: tuple[BandRow, ...]
    mixes: tuple[MixRow, ...]
    frontier: tuple[MixRow, ...]
    cheapest: MixRow | None
    totals: tuple[TotalCurve, ...]
    notes: tuple[Note, ...]


def _planned(
    planner: Planner, bands: tuple[Band, ...], plan: Sequence[int] | None, needed: _Needed
) -> _Planned:
    counts = None if plan is None else plan_counts(plan, len(bands))
    examined = None if counts is None else planner.row(counts, rank=0)
    factor = np.nan if counts is None else planner.factor(counts)
    cheapest = planner.cheapest()
    beyond = (Note("mix_assurance_unreachable", {"assurance_rate": needed.assurance_rate}),)
    chosen = {"plan": examined, "cheapest": cheapest}
    groups = {"history": [(needed.history, needed.required_n)]} | {
        name: planner.groups(row.counts) for name, row in chosen.items() if row is not None
    }
    return _Planned(
        plan=examined,
        plan_factor=factor,
        bands=_band_rows(bands, planner.task.effort, examined, cheapest, factor),
        mixes=planner.ranked(),
        frontier=planner.frontier(cheapest),
        cheapest=cheapest,
        totals=_totals(groups, needed.target_amount),
        notes=beyond if cheapest is None else (),
    )


def _answer(
    book: Book | None,
    needed: _Needed,
    planned: _Planned,
    effort_unit: str,
    notes: tuple[Note, ...],
    *,
    currency: str | None,
    typed: bool,
    by: tuple[str, ...],
    confidence_level: float,
) -> DealMix:
    return DealMix(
        n=sum(band.history_n for band in planned.bands),
        method="mix_given" if typed else "mix_measured",
        confidence_level=confidence_level,
        as_of=np.datetime64("NaT", "s") if book is None else book.as_of,
        currency=currency or ("" if book is None else book.currency),
        notes=(*notes, *planned.notes),
        target_amount=needed.target_amount,
        assurance_rate=needed.assurance_rate,
        required_n=needed.required_n,
        average_n=needed.average_n,
        average_rate=needed.average_rate,
        curve=needed.curve,
        plan=planned.plan,
        plan_factor=planned.plan_factor,
        bands=planned.bands,
        mixes=planned.mixes,
        frontier=planned.frontier,
        cheapest=planned.cheapest,
        totals=planned.totals,
        effort_unit=effort_unit,
        by=by,
    )


def _band_rows(
    bands: tuple[Band, ...],
    costs: tuple[float, ...],
    plan: MixRow | None,
    cheapest: MixRow | None,
    factor: float,
) -> tuple[BandRow, ...]:
    return tuple(
        BandRow(
            band=band.band,
            lower_amount=band.lower_amount,
            upper_amount=band.upper_amount,
            history_n=band.history_n,
            history_share=band.history_share,
            history_ci_lower=band.history_ci_lower,
            history_ci_upper=band.history_ci_upper,
            mean_amount=band.mean_amount,
            measured=band.measured,
            effort=costs[place],
            plan_n=-1 if plan is None else plan.counts[place],
            cheapest_n=-1 if cheapest is None else cheapest.counts[place],
            needed_mean_amount=band.mean_amount * factor,
        )
        for place, band in enumerate(bands)
    )


def _curve(history: Size, target: float, required: int) -> ChanceCurve:
    most = int(min(CURVE_MOST, max(required * 1.6, required + 10)))
    chance, _ = compound.chances(history, target, most)
    return ChanceCurve(deal_n=np.arange(most + 1), chance_rate=np.maximum.accumulate(chance))


def _totals(groups: Mapping[str, Sequence[tuple[Size, int]]], target: float) -> tuple[TotalCurve, ...]:
    """Return the distributions of all totals over one axis that holds them and the target."""
    ends = [target * 1.1]
    for parts in groups.values():
        mean = sum(size.mean * n for size, n in parts)
        spread = np.sqrt(sum(size.variance * n for size, n in parts))
        ends.append(mean + 4 * spread)
    curves = []
    for name, parts in groups.items():
        total, probability = compound.distribution(parts, max(ends), _CELLS)
        curves.append(TotalCurve(what=name, total_amount=total, probability_rate=probability))
    return tuple(curves)
