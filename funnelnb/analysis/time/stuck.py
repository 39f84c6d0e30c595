"""Which open deals have been in their stage for unusually long, and what is still likely of them?

Longer than most modules: how unusual an age is, what chance is left and which deals are listed is one thought.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.analysis.shared import by_day, group_curve
from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    calendar_notes,
    grouping,
    level,
    source_notes,
    time_counts,
    working_stage,
)
from funnelnb.analysis.shared.open_deals import OpenDeals, days_since, groups_of_deals, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result, about
from funnelnb.analysis.shared.time_to_close import group_curves, stage_curve, watched_beyond
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.contract.calendar import calendar_of
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL
from funnelnb.stats.curves.chance import Ahead, Chance
from funnelnb.stats.rates.compare import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.stats.curves.incidence import Incidence

    Curves = tuple[Incidence, Incidence | None]
    Group = tuple[str, ...]

    from funnelnb.analysis.shared.by_day import Times
    from funnelnb.analysis.shared.group_curve import Pace
    from funnelnb.data.book import Book
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.curves.incidence import Incidence


# ---- How unusual is it that a deal of this age is still open? Tail probabilities from a stage's curve ------

Floats = NDArray[np.float64]

PRIOR_N = 50.0
"""A group's curve counts by its ended deals, that of all groups by this many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordinary:
    """How long ordinary deals stay: the share still there by age, in days.

    Attributes
    ----------
    known : Pace
    ended_n : int
        Deals that ended: the weight of the curve.
    never_rate : float
        Share that never ends, where the data show a plateau; else 0. Ordinary deals are the others.
    """

    known: Pace
    ended_n: int
    never_rate: float

    def still(self, age: ArrayLike, spare_n: float = 1.0) -> Floats:
        """Return the share of ordinary deals that stay longer than each age.

        `spare_n` more ordinary deals than were seen are taken to stay for ever: one, so that no age is
        impossible; none where deals are to be counted rather than judged. Beyond the longest age observed the
        curve stays where it is.
        """
        ages = np.asarray(age, dtype=float)
        row = np.searchsorted(self.known.time, ages, side="right") - 1
        there = (self.known.still[row] - self.never_rate) / (1 - self.never_rate)
        seen: Floats = (self.ended_n * np.clip(there, 0.0, 1.0) + spare_n) / (self.ended_n + spare_n)
        return seen


def shrunk(own: Ordinary | None, whole: Ordinary, age: ArrayLike, spare_n: float = 1.0) -> Floats:
    """Return the share of ordinary deals of a group that stay longer, pulled to the whole when few ended."""
    common = whole.still(age, spare_n)
    if own is None or not own.ended_n:
        return common
    mixed: Floats = (own.ended_n * own.still(age, spare_n) + PRIOR_N * common) / (own.ended_n + PRIOR_N)
    return mixed


def p_values(age: ArrayLike, entered: ArrayLike, still: ArrayLike) -> Floats:
    """How often would an ordinary deal that is open today be at least so old?

    Parameters
    ----------
    age : array_like of shape (D,)
        Days that the open deals have been there.
    entered : array_like of shape (E,)
        Days since each deal entered the stage, all that ever did, ended or not.
    still : array_like of shape (E,)
        Share of ordinary deals that stay longer than `entered`.

    Returns
    -------
    ndarray of float64, shape (D,)

    Notes
    -----
    A deal that entered ``e`` days ago is open today with probability S(e) if it is ordinary. Among ordinary
    deals that are open today the share aged ``a`` or more is therefore ``sum of S(e) over e >= a`` divided by
    ``sum of S(e)``. The plain tail S(a) is not that: slow deals are over-represented among the open ones.

    Examples
    --------
    >>> p_values([0, 20], entered=[0, 10, 20, 30], still=[1.0, 0.5, 0.25, 0.25]).tolist()
    [1.0, 0.25]
    """
    ages, days = np.asarray(age, dtype=float), np.asarray(entered, dtype=float)
    order = np.argsort(days)
    open_n = np.asarray(still, dtype=float)[order]
    beyond = np.append(np.cumsum(open_n[::-1])[::-1], 0.0)
    total = beyond[0]
    tail = beyond[np.searchsorted(days[order], ages, side="left")]
    return tail / total if total > 0 else np.full(ages.shape, np.nan)


# ---- How likely is each open deal won within some days, given its stage, its age and its segment? ----------

CELLS = 1 << 20
"""So many ages times days are worked on at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WinChances:
    """The chance of each open deal to be won. D deals.

    Attributes
    ----------
    win_rate, win_ci_lower, win_ci_upper : ndarray of float64, shape (D,)
        NaN where fewer than ``TOO_FEW_N`` deals were ever watched at that age in that stage, or the data see less
        than a day ahead.
    win_days : ndarray of float64, shape (D,)
        Days ahead that the chance speaks of: those asked for, or as far as the data see.
    """

    win_rate: Floats
    win_ci_lower: Floats
    win_ci_upper: Floats
    win_days: Floats

    @classmethod
    def unknown(cls, size: int) -> WinChances:
        """Return chances of which nothing is known yet."""
        rate, lower, upper, days = (np.full(size, np.nan) for _ in range(4))
        return cls(win_rate=rate, win_ci_lower=lower, win_ci_upper=upper, win_days=days)

    def put(self, rows: NDArray[np.int64], found: WinChances, places: NDArray[np.int64]) -> None:
        """Write what was `found` at `places` into `rows`."""
        self.win_rate[rows] = found.win_rate[places]
        self.win_ci_lower[rows] = found.win_ci_lower[places]
        self.win_ci_upper[rows] = found.win_ci_upper[places]
        self.win_days[rows] = found.win_days[places]


def win_chances(
    book: Book,
    deals: OpenDeals,
    groups: list[Group],
    names: Group,
    within_days: float,
    confidence_level: float,
    calendar: Calendar,
) -> WinChances:
    """Return the chance of each open deal to be won, its interval, and the days ahead that it speaks of.

    Parameters
    ----------
    book : Book
    deals : OpenDeals
        D deals.
    groups : list of tuple of str
        Group of every deal of the ledger.
    names : tuple of str
        Attributes that make the groups; empty: all deals alike.
    within_days : float
        Days ahead, taken to whole days.
    confidence_level : float
    calendar : Calendar

    Returns
    -------
    WinChances

    Notes
    -----
    With groups the chance leans on the own one, see :func:`lean`. How far ahead it looks is the same with and
    without. Where nobody (or everybody) was won, only the number of deals known carries the interval: there it
    looks no further than the state of ``TOO_FEW_N`` deals of that age is known.
    """
    made = WinChances.unknown(len(deals))
    steps = round(within_days)
    for k in range(book.ledger.won):
        here = np.flatnonzero((deals.position == k) & ~np.isnan(deals.age_days))
        if not here.size:
            continue
        curves = _curves(book, k, confidence_level, calendar)
        parts = _parts(book, k, names, confidence_level, calendar) if names else None
        members: dict[Group, list[int]] = {}
        for d in here.tolist():
            members.setdefault(groups[deals.index[d]], []).append(d)
        for group, deals_here in members.items():
            mine = np.array(deals_here)
            ages, row = np.unique(deals.age_days[mine], return_inverse=True)
            for block in np.array_split(np.arange(ages.size), -(-ages.size * steps // CELLS)):
                inside = np.isin(row, block)
                found = _chances(curves, parts, group, ages[block], steps, confidence_level)
                made.put(mine[inside], found, row[inside] - block[0])
    return made


def lean(own: Chance, whole: Chance) -> Chance:
    """Return the chance of a segment, pulled to that of all deals when few of its own speak of it.

    Notes
    -----
    The own chance counts by n, the deals of the segment whose state at the end of the time ahead is known (0
    where it cannot be seen so far ahead), that of the whole by ``PRIOR_N``: ``(n own + 50 whole) / (n + 50)``.
    That weight says that segments differ like shares of 50 deals, and the interval allows for it: it is that
    of n + 50 deals, each telling as much as one of the whole does, to which the share that is not the
    segment's own adds the doubt about the whole.
    """
    n = np.where(np.isnan(own.rate), 0.0, own.known_n)
    share = n / (n + PRIOR_N)
    rate, slack = (
        np.where(n > 0, share * np.nan_to_num(one), 0.0) + (1 - share) * other
        for one, other in ((own.rate, whole.rate), (own.slack, whole.slack))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        doubt = whole.known_n / whole.effective_n / (n + PRIOR_N) + (1 - share) ** 2 / whole.effective_n
        return replace(whole, rate=rate, variance=rate * (1 - rate) * doubt, known_n=1 / doubt, slack=slack)


def _chances(
    curves: Curves,
    parts: dict[Group, Curves] | None,
    group: Group,
    ages: Floats,
    steps: int,
    confidence_level: float,
) -> WinChances:
    """Return what is said of deals of some ages in one stage and group; without `parts` all deals are alike."""
    ahead = Ahead(*curves, ages * SECONDS_PER_DAY, steps, SECONDS_PER_DAY)
    days = np.minimum(ahead.known, steps)
    days = np.where((watched_beyond(curves[0], ages) >= TOO_FEW_N) & (days >= 1), days, np.nan)
    rate = ahead.chance(days).rate
    days = np.where((rate == 0) | (rate == 1), np.minimum(days, ahead.known_by(TOO_FEW_N)), days)
    found = ahead.chance(days)
    if parts is not None:
        none = np.full(ages.shape, np.nan)
        own = Chance(rate=none, variance=none, known_n=none, slack=none)
        if group in parts:
            own = Ahead(*parts[group], ages * SECONDS_PER_DAY, steps, SECONDS_PER_DAY).chance(days)
        found = lean(own, found)
    lower, upper = found.bounds(confidence_level)
    return WinChances(win_rate=found.rate, win_ci_lower=lower, win_ci_upper=upper, win_days=days)


def _curves(book: Book, k: int, confidence_level: float, calendar: Calendar) -> Curves:
    won = book.ledger.won
    onward = stage_curve(book, (k + 1, won), confidence_level, calendar) if k + 1 < won else None
    return stage_curve(book, (k, k + 1), confidence_level, calendar), onward


def _parts(
    book: Book, k: int, names: Group, confidence_level: float, calendar: Calendar
) -> dict[Group, Curves]:
    """Return the curves of each group that has both."""
    won = book.ledger.won
    steps = ((k, k + 1), (k + 1, won)) if k + 1 < won else ((k, k + 1),)
    both = [group_curves(book, step, names, confidence_level, calendar) for step in steps]
    return {
        group: (one, both[1][group] if len(both) > 1 else None)
        for group, one in both[0].items()
        if all(group in each for each in both)
    }


# ---- Which open deals have been in their stage for unusually long, and which money is in them? -------------

FALSE_ALARM_RATE = 0.10
WITHIN_DAYS = 90
SLOW_SHARE = 0.10
"""A deal is slow when at most this share of ordinary deals stay longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckDeal:
    """One open deal.

    Attributes
    ----------
    rank : int
        1: the most unusual age; of equal ones the larger amount first.
    opportunity_id, account_id, owner, region, stage : str
    group : tuple of str
    age_days : float
        Days in the stage; NaN where not recorded.
    usual_days : float
        Median days in the stage and group; infinite where not reached.
    tail_rate : float
        Share of ordinary deals of the stage and group that stay longer.
    p_value : float
        How often an ordinary deal that is open today would be at least so old.
    p_adjusted : float
        The same adjusted for looking at all open deals (Benjamini and Hochberg).
    listed : bool
        Called stuck at the false-alarm rate asked for.
    slow : bool
        Of ordinary deals of the stage and group at most ``SLOW_SHARE`` stay longer.
    win_rate, win_ci_lower, win_ci_upper : float
        Chance to be won within `win_days` given stage, age and group, with its interval; NaN unknown.
    win_days : float
        Days ahead that the chance speaks of: those asked for, or as far as the data see; where no deal was
        won, as far as the state of at least ``TOO_FEW_N`` deals of that age is known.
    deal_amount : float
        NaN where not known.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    rank: int
    opportunity_id: str
    account_id: str
    owner: str
    region: str
    stage: str
    group: tuple[str, ...]
    age_days: float
    usual_days: float
    tail_rate: float
    p_value: float
    p_adjusted: float
    listed: bool
    slow: bool
    win_rate: float
    win_ci_lower: float
    win_ci_upper: float
    win_days: float
    deal_amount: float
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckStage:
    """One stage: how many of its open deals are called stuck.

    Attributes
    ----------
    stage : str
    open_n, listed_n : int
    slow_n : int
        Those whose age at most ``SLOW_SHARE`` of ordinary deals exceed.
    slow_expected_n : float
        How many of as many ordinary deals, open today, would be as slow.
    open_amount, listed_amount, slow_amount : float
        Sums of the known amounts; NaN if none is known.
    last_event_days : float
        Age of the oldest deal that ever left the stage.
    pause : bool
        True when the data show that some deals never leave: ordinary deals are then those that do.
    """

    stage: str
    open_n: int
    listed_n: int
    open_amount: float
    listed_amount: float
    slow_n: int
    slow_expected_n: float
    slow_amount: float
    last_event_days: float
    pause: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Stuck(Result):
    """Open deals by how unusual their age is.

    Attributes
    ----------
    by : tuple of str
    false_alarm_rate : float
        Of the deals listed, at most this share is expected to be ordinary.
    within_days : float
    listed_n : int
    listed_amount : float
    slow_n : int
    slow_expected_n : float
    slow_amount : float
        As of :class:`StuckStage`, over all stages.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    stages : tuple of StuckStage
    deals : tuple of StuckDeal
        All open deals, the most unusual first.
    calendar : str
        What all days are; empty for calendar days, else the name of a calendar of business days.
    """

    by: tuple[str, ...]
    false_alarm_rate: float
    within_days: float
    listed_n: int
    listed_amount: float
    slow_n: int
    slow_expected_n: float
    slow_amount: float
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    stages: tuple[StuckStage, ...]
    deals: DealRows[StuckDeal] = field()
    calendar: str = ""


@question(formerly={"within_days": "horizon_days"})
def stuck(
    book: Book,
    *,
    by: str | Sequence[str] | None = None,
    stage: str | None = None,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
    calendar: str | Calendar | None = None,
) -> Stuck:
    """Which open deals have been in their stage for unusually long?

    Parameters
    ----------
    book : Book
    by : str or sequence of str, optional
        One or two attributes: an age is then judged against deals of the same values, pulled towards all
        where few of them have left the stage.
    stage : str, optional
        One stage before the win; None: all.
    false_alarm_rate : float
        Share of ordinary deals that the list may hold on average, between 0 and 1.
    horizon_days : float, optional
        Days ahead for the chance to win, 1 to 730; None: 90.
    confidence_level : float, optional
    calendar : str or Calendar, optional
        Which days count, in ages and ahead; as for :func:`~funnelnb.analysis.time.duration.duration`.

    Returns
    -------
    Stuck

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have.
    MissingDataError
        The deals have no attribute `by`.

    Notes
    -----
    - No fixed limit: an age is judged by the Kaplan-Meier curve of its stage (leaving in any way). Where
      nothing left the stage after some age, and that is no accident, the share that never leaves is taken
      out: ordinary deals are those that leave. Without such a plateau the curve holds the slow deals too,
      and hardly any age is called unusual: then nothing shows that they will not leave.
    - p is the share of ordinary deals open today that would be at least so old, given when every deal entered
      (:func:`funnelnb.analysis.time.stuck.p_values`); the list is cut by Benjamini and Hochberg over all open
      deals.
    - Slow is less than stuck: the age is among the longest tenth of ordinary deals. Of ordinary deals open
      today more than a tenth are, as slow deals are over-represented among the open ones; how many is told.
    - The chance to win is that of the stage curves given the age (:class:`funnelnb.stats.curves.chance.Ahead`), with
      `by` that of the group pulled towards all (:func:`funnelnb.analysis.time.stuck.lean`).

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Checked against floors with a known dead share (false alarms counted) and a public CRM export:
    ``tests/analysis/test_stuck.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.stuck(fn.sample())
    >>> len(result.deals) == result.n
    True
    """
    names, confidence = grouping(book, by), level(confidence_level)
    rate = check.number("false_alarm_rate", false_alarm_rate, gt=0, lt=1)
    days = check.number("horizon_days", WITHIN_DAYS if horizon_days is None else horizon_days, ge=1, le=730)
    which = calendar_of(calendar, book)
    deals, groups = open_deals(book, which), groups_of_deals(book, names)
    if stage is not None:
        deals = deals.at(working_stage(book.playbook, stage))
    ages, wholes = _judged(book, deals, groups, names, confidence, which)
    kinds = _Kinds.of(ages, rate)
    chances = win_chances(book, deals, groups, names, days, confidence, which)
    told = _notes(deals, ages, chances, wholes)
    return Stuck(
        n=len(deals),
        method="stuck",
        confidence_level=confidence,
        notes=(*source_notes(book), *calendar_notes(book, which), *told, *_undated(book)),
        by=names,
        false_alarm_rate=rate,
        within_days=days,
        slow_expected_n=float(np.nansum(ages.slow_expected)),
        **about(book),
        stages=_stages(book, deals, kinds, ages.slow_expected, wholes),
        deals=DealRows(_deals(book, deals, groups, ages, kinds, chances)),
        calendar=which.name,
        **_sums(deals, kinds, np.ones(len(deals), bool)),
    )


def stay_longer(book: Book) -> dict[str, float]:
    """Return of each open deal the share of ordinary deals that stay longer in its stage; NaN where not known.

    The same figure as the `tail_rate` of :func:`stuck`, without the chances to win.
    """
    which = calendar_of(None, book)
    deals, confidence = open_deals(book, which), level(None)
    ages, _ = _judged(book, deals, groups_of_deals(book, ()), (), confidence, which)
    return dict(zip(deals.opportunity_id, ages.tail_rate.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ages:
    """What is known of every open deal's age. D deals; NaN: not known."""

    usual_days: Floats
    tail_rate: Floats
    p_value: Floats
    slow_expected: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kinds:
    """Which open deals are called stuck, and which are slow. D deals."""

    p_adjusted: Floats
    listed: NDArray[np.bool_]
    slow: NDArray[np.bool_]

    @classmethod
    def of(cls, ages: _Ages, false_alarm_rate: float) -> _Kinds:
        adjusted = benjamini_hochberg(np.clip(ages.p_value, 0.0, 1.0))
        return cls(
            p_adjusted=adjusted,
            listed=np.nan_to_num(adjusted, nan=1.0) <= false_alarm_rate,
            slow=np.nan_to_num(ages.tail_rate, nan=1.0) <= SLOW_SHARE,
        )


def _ordinary(times: Times, never: float | None, confidence_level: float) -> Ordinary | None:
    """Return the curve of one group, None where nothing can be said; `never` as given, or as found."""
    known = group_curve.pace(times, "any", confidence_level)
    if known is None:
        return None
    if known.still_most is not None:  # unusual only where it is so whenever losses without a date fell
        known = replace(known, still=known.still_most)
    if never is None:
        last = group_curve.pause(times)
        never = known.at(known.still, last["last_event_days"]) if last["pause"] else 0.0
    elif never:
        never = float(known.still[-1]) if known.still[-1] < 1 else 0.0
    return Ordinary(known=known, ended_n=int(times.n[times.outcome != 0].sum()), never_rate=never)


def _judged(
    book: Book,
    deals: OpenDeals,
    groups: list[tuple[str, ...]],
    names: tuple[str, ...],
    confidence_level: float,
    calendar: Calendar,
) -> tuple[_Ages, dict[int, group_curve.Pause]]:
    """Return what is known of every open deal's age, and of every stage's last leaving."""
    usual, tail, p, slow = (np.full(len(deals), np.nan) for _ in range(4))
    ledger, wholes = book.ledger, dict[int, group_curve.Pause]()
    places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    coded = np.fromiter((places[group] for group in groups), np.int64, len(groups))
    for k in range(ledger.won):
        (times,) = by_day.split(time_counts(book, k, k + 1, calendar=calendar, durations=True))
        wholes[k] = group_curve.pause(times)
        if times.undated_n:  # the longest stay may be that of a loss without a date
            wholes[k]["last_event_days"] = np.nan
        whole = _ordinary(times, None, confidence_level)
        if whole is None or whole.ended_n < TOO_FEW_N:
            continue
        counts = time_counts(book, k, k + 1, names, calendar, durations=True)
        for group, own_times in zip(counts.groups, by_day.split(counts), strict=True):
            in_group = coded == places.get(group, -1)
            mine = (deals.position == k) & in_group[deals.index] & ~np.isnan(deals.age_days)
            if not mine.any():
                continue
            own = _ordinary(own_times, whole.never_rate, confidence_level) if names else None
            here = in_group & (ledger.reached_s[:, k] != UNKNOWN)
            entered = days_since(ledger.reached_s[here, k], ledger.as_of_s, calendar)
            age = deals.age_days[mine]
            still = shrunk(own, whole, entered)
            p[mine] = p_values(age, entered, still)
            open_n = shrunk(own, whole, entered, spare_n=0.0)
            slow[mine] = open_n[still <= SLOW_SHARE].sum() / max(open_n.sum(), 1e-12)
            tail[mine] = shrunk(own, whole, age)
            usual[mine] = (own or whole).known.reaches(0.5)[0]
    return _Ages(usual_days=usual, tail_rate=tail, p_value=p, slow_expected=slow), wholes


def _stages(
    book: Book,
    deals: OpenDeals,
    kinds: _Kinds,
    slow_expected: Floats,
    wholes: dict[int, group_curve.Pause],
) -> tuple[StuckStage, ...]:
    rows = []
    for k, last in wholes.items():
        here = deals.position == k
        if here.any():
            rows.append(
                StuckStage(
                    stage=book.playbook.stage_ids[k],
                    open_n=int(here.sum()),
                    open_amount=total(deals.amount[here]),
                    slow_expected_n=float(np.nansum(slow_expected[here])),
                    last_event_days=last["last_event_days"],
                    pause=last["pause"],
                    **_sums(deals, kinds, here),
                )
            )
    return tuple(rows)


class _Sums(TypedDict):
    """How many deals of each kind, and their amount."""

    listed_n: int
    listed_amount: float
    slow_n: int
    slow_amount: float


def _sums(deals: OpenDeals, kinds: _Kinds, here: NDArray[np.bool_]) -> _Sums:
    """Return how many deals of each kind there are among those `here`, and their amount."""
    return {
        "listed_n": int((here & kinds.listed).sum()),
        "listed_amount": total(deals.amount[here & kinds.listed]),
        "slow_n": int((here & kinds.slow).sum()),
        "slow_amount": total(deals.amount[here & kinds.slow]),
    }


def _deals(
    book: Book,
    deals: OpenDeals,
    groups: list[tuple[str, ...]],
    ages: _Ages,
    kinds: _Kinds,
    chances: WinChances,
) -> tuple[StuckDeal, ...]:
    stages = book.playbook.stage_ids
    p, amount = np.nan_to_num(ages.p_value, nan=2.0), np.nan_to_num(deals.amount)
    order = np.lexsort((np.arange(len(deals)), -np.nan_to_num(deals.age_days), -amount, p))
    return tuple(
        StuckDeal(
            rank=rank,
            opportunity_id=deals.opportunity_id[d],
            customer=deals.customer[d],
            account_id=deals.account_id[d],
            owner=deals.owner[d],
            region=deals.region[d],
            stage=stages[deals.position[d]],
            group=groups[deals.index[d]],
            age_days=float(deals.age_days[d]),
            deal_amount=float(deals.amount[d]),
            usual_days=float(ages.usual_days[d]),
            tail_rate=float(ages.tail_rate[d]),
            p_value=float(ages.p_value[d]),
            p_adjusted=float(kinds.p_adjusted[d]),
            listed=bool(kinds.listed[d]),
            slow=bool(kinds.slow[d]),
            win_rate=float(chances.win_rate[d]),
            win_ci_lower=float(chances.win_ci_lower[d]),
            win_ci_upper=float(chances.win_ci_upper[d]),
            win_days=float(chances.win_days[d]),
        )
        for rank, d in enumerate(order.tolist(), start=1)
    )


def _undated(book: Book) -> tuple[Note, ...]:
    """Return a note on how ages are judged where some losses have no date."""
    lost = book.ledger.outcome == LOST_DEAL
    return (Note("stuck_losses_undated"),) if (lost & (book.ledger.closed_s == UNKNOWN)).any() else ()


def _notes(
    deals: OpenDeals, ages: _Ages, chances: WinChances, wholes: dict[int, group_curve.Pause]
) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = ()
    unknown = np.isnan(ages.p_value)
    unknown_n, unseen_n = int(unknown.sum()), int((~unknown & np.isnan(chances.win_rate)).sum())
    if unknown_n:
        notes += (Note("age_not_judged", {"deals_n": unknown_n, "of_n": len(deals), "min_n": TOO_FEW_N}),)
    if unseen_n:
        notes += (Note("win_unseen", {"deals_n": unseen_n, "of_n": len(deals), "min_n": TOO_FEW_N}),)
    if len(deals) and not any(last["pause"] for last in wholes.values()):
        notes += (Note("no_plateau"),)
    return notes
