"""How good have forecasts been? Every past period forecast again with what was known then, against what came.

Longer than most modules: what is scored, against whom, and what a forecast says of itself are read together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast import periods as when
from funnelnb.analysis.forecast.engine import foresee
from funnelnb.analysis.forecast.history import NEVER, History, history_of, priced, require_dated, valued
from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.judged import require_judged
from funnelnb.analysis.shared.question import renamed
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.arrays import in_months
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.book import Book
from funnelnb.data.snapshots import Store
from funnelnb.stats.forecast import scores
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from funnelnb.analysis.shared.period import Period

Floats = NDArray[np.float64]

RIVALS = ("weighted", "crm_probability", "expected_closes", "last_period", "last_year", "run_rate")
"""What people use instead, in the order in which it is shown."""
SCORE_DRAWS = 800
MOST_PERIODS = 12
RECORD_PERIODS = 10
HISTORY_DAYS = 60
"""A day has history when the first recorded close lies so many days before it, and ten wins."""
RATE_DAYS = 90
STALE_DAYS = 10
"""A snapshot stands for a day up to so many days after it."""
SURE_N = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One forecast of the past and what came.

    Attributes
    ----------
    period : str
    lead_days : int
        Days from the day of the forecast to the eve of the period; negative: days into it.
    made_on : numpy.datetime64
    came_amount, came_n : float
    expected_amount, q05_amount, q10_amount, q25_amount, q50_amount, q75_amount, q90_amount, q95_amount : float
    place_share : float
        Share of the forecast below what came: 0.5 in the middle.
    crps_amount : float
    width_factor : float
        By which earlier periods had the range widened or narrowed.
    inside_50, inside_80, inside_90 : bool
    weighted_amount, crm_probability_amount, expected_closes_amount : float
    last_period_amount, last_year_amount, run_rate_amount : float
        What others would have said; NaN where the data of then do not tell.
    """

    period: str
    lead_days: int
    made_on: np.datetime64
    came_amount: float
    came_n: float
    expected_amount: float
    q05_amount: float
    q10_amount: float
    q25_amount: float
    q50_amount: float
    q75_amount: float
    q90_amount: float
    q95_amount: float
    place_share: float
    crps_amount: float
    width_factor: float
    inside_50: bool
    inside_80: bool
    inside_90: bool
    weighted_amount: float
    crm_probability_amount: float
    expected_closes_amount: float
    last_period_amount: float
    last_year_amount: float
    run_rate_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """All forecasts made so long ahead.

    Attributes
    ----------
    lead_days : int
    period_n : int
    inside_50_rate, inside_80_rate, inside_90_rate : float
        Share of periods in which what came lay in the range.
    inside_80_ci_lower, inside_80_ci_upper : float
    bias_share : float
        Sum of expected / sum of what came - 1.
    sharpness_share : float
        Width of the 80 % range / what came, on average.
    crps_amount : float
        Mean.
    width_factor : float
        That the next forecast will use.
    """

    lead_days: int
    period_n: int
    inside_50_rate: float
    inside_80_rate: float
    inside_80_ci_lower: float
    inside_80_ci_upper: float
    inside_90_rate: float
    bias_share: float
    sharpness_share: float
    crps_amount: float
    width_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRow:
    """The forecast against what people use instead, over the periods that both have.

    Attributes
    ----------
    rival : str
        One of :data:`RIVALS`.
    lead_days : int
    period_n : int
    bias_share : float
        Sum of what the rival said / sum of what came - 1.
    crps_amount, rival_crps_amount : float
        Mean distance from what came: of the forecast, and of the rival (for a single figure: the distance itself).
    gain_amount, gain_ci_lower, gain_ci_upper : float
        Rival's less ours: above 0 the forecast was better.
    verdict : {"better", "worse", "not_separable", "too_few"}
    """

    rival: str
    lead_days: int
    period_n: int
    bias_share: float
    crps_amount: float
    rival_crps_amount: float
    gain_amount: float
    gain_ci_lower: float
    gain_ci_upper: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of forecasts of one kind: what a forecast says of itself. Without amounts, of the number of wins.

    Attributes
    ----------
    kind : {"month", "quarter", "year"}
    unit : {"amount", "wins"}
        What was forecast and came, see :class:`Scorecard`.
    lead_days : int
    n : int
        Past periods.
    inside_80_n : int
        In which what came lay in the 80 % range.
    bias_share : float
    width_factor : float
    rival : str
        Of the others the weighted pipeline, else the run rate; empty where there is none.
    rival_bias_share : float
    verdict : str
        As in :class:`RivalRow`.
    rows : tuple of ScoreRow
    """

    kind: str
    unit: str
    lead_days: int
    n: int
    inside_80_n: int
    bias_share: float
    width_factor: float
    rival: str
    rival_bias_share: float
    verdict: str
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scorecard(Result):
    """Past forecasts against what came. `n` counts forecasts.

    Attributes
    ----------
    kind : {"month", "quarter", "year"}
    source : {"history", "snapshots"}
        Whether the past was replayed from one export's history, or read from dated snapshots.
    unit : {"amount", "wins"}
        What is scored: where no won deal has an amount, the number of wins, in all fields that are called amounts.
    rows : tuple of ScoreRow
        Oldest period first, within it the longest lead.
    leads : tuple of LeadRow
    rivals : tuple of RivalRow
    """

    kind: str
    source: str
    unit: str
    rows: tuple[ScoreRow, ...]
    leads: tuple[LeadRow, ...]
    rivals: tuple[RivalRow, ...]


@renamed(period="every")
def scorecard(
    source: Book | Store,
    every: str = "quarter",
    leads: Sequence[int] = (0, 30, 60),
    *,
    most: int = MOST_PERIODS,
    weights: Mapping[str, float] | None = None,
    fiscal_start: int = 1,
    confidence_level: float | None = None,
) -> Scorecard:
    """How good have forecasts been, and were they better than what people use?

    Parameters
    ----------
    source : Book or Snapshots
        Of a book the past is replayed from its history; snapshots tell it as it was known, with amount, expected close,
        owner and probability of then.
    every : {"month", "quarter", "year"}
    leads : sequence of int
        Days between the forecast and the eve of the period: 0 on its eve, 30 a month before, -30 thirty days into it.
    most : int
        Last periods that are scored, 2 to 120.
    weights : mapping of str to float, optional
        Stage to weight for the weighted pipeline; None: those of the stage model.
    fiscal_start : int
        First month of the fiscal year.
    confidence_level : float, optional

    Returns
    -------
    Scorecard

    Raises
    ------
    ParameterError
        A parameter is out of range, or `source` is neither a book nor snapshots.
    MissingDataError
        Fewer than two past periods have history before them.

    Notes
    -----
    Every forecast is made with what was known on its day; a property test adds later rows and finds no digit changed.
    The range of each is widened or narrowed by a conformal factor from periods that were over on that day. A single
    figure is scored by its distance from what came, which is its CRPS. Skill is the mean paired difference with
    Student's t.

    References
    ----------
    Gneiting & Raftery (2007), doi:10.1198/016214506000001437. Diebold & Mariano (1995),
    doi:10.1080/07350015.1995.10524599.

    Checked against hand counts and the month ends of a public data set:
    ``tests/analysis/forecast/test_scorecard.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> card = fn.forecasts.scorecard(fn.sample(), every="quarter", leads=[0], most=4)
    >>> len(card.rows), card.source
    (4, 'history')
    """
    kind = check.one_of("every", every, when.LENGTHS)
    ahead = _leads(leads)
    latest, at, name = source_of(source)
    require_judged(latest)
    history = history_of(latest)
    if name == "history":
        require_dated(history)
    start_month = when.month_of_start(fiscal_start)
    asked, weighed = int(check.number("most", most, ge=2, le=120)), weights_of(latest, weights)
    rows: list[ScoreRow] = []
    for lead in ahead:
        rows += _scored(latest, at, kind, lead, history.day, asked, start_month, weighed)
    if len({row.period for row in rows}) < 2:
        raise _too_few(kind, len({row.period for row in rows}))
    confidence, money = level(confidence_level), priced(history)
    rows.sort(key=_time_order)
    return Scorecard(
        n=len(rows),
        method="scorecard",
        confidence_level=confidence,
        as_of=latest.as_of,
        currency=latest.currency if money else "",
        notes=_notes(latest, name, rows),
        kind=kind,
        source=name,
        unit="amount" if money else "wins",
        rows=tuple(rows),
        leads=_lead_rows(rows, ahead, confidence),
        rivals=_rival_rows(rows, ahead, confidence),
    )


def _time_order(row: ScoreRow) -> tuple[str, int]:
    eve = row.made_on.astype("datetime64[D]") + np.timedelta64(row.lead_days, "D")
    return str(eve), -row.lead_days


def _too_few(kind: str, n: int) -> MissingDataError:
    shorter = "score shorter periods: fn.forecasts.scorecard(book, every='month')"
    return MissingDataError(
        f"{n} past {kind}{'s have' if n != 1 else ' has'} history before {'them' if n != 1 else 'it'}",
        expected=f"at least two past {kind}s with {TOO_FEW_N} wins and {HISTORY_DAYS} days of closes before them",
        hint="load more history" if kind == "month" else shorter,
    )


def _leads(value: Any) -> list[int]:
    given = [value] if isinstance(value, (int, float)) else list(value)
    found = sorted({int(check.number("leads", one, ge=-400, le=400)) for one in given}, reverse=True)
    if not found:
        raise ParameterError("leads = []", expected="at least one lead time in days, such as (0, 30, 60)")
    return found


def source_of(source: Any) -> tuple[Book, Callable[[int], Book | None], str]:
    """Return the latest book, how the book of a day is had, and where it comes from."""
    if isinstance(source, Book):
        return source, lambda _: source, "history"
    if not isinstance(source, Store):
        raise ParameterError(
            f"scorecard was given a value of type {type(source).__name__}",
            expected="a book, or a store of snapshots",
            hint="fn.forecasts.scorecard(fn.load('export/')), or "
            "fn.forecasts.scorecard(fn.forecasts.snapshots('pipeline/'))",
        )
    dates = source.dates
    if len(dates) < 2:
        raise MissingDataError(
            f"{source.path}: the store holds {len(dates)} snapshot{'s' if len(dates) != 1 else ''}",
            expected="snapshots of at least two days",
            hint=f"funnelnb snapshot EXPORT --store {source.path}",
        )
    days = np.array([when.day_number(one) for one in dates])

    def at(day: int) -> Book | None:
        before = np.flatnonzero((days <= day) & (days > day - STALE_DAYS))
        return source.at(dates[before[-1]]) if before.size else None

    return source.at(dates[-1]), at, "snapshots"


def weights_of(book: Book, given: Mapping[str, float] | None) -> Floats:
    """Return the weight of each stage before won; NaN where there is none.

    A stage without a weight of its own, behind one whose weight rises until its end, has that of this end.
    """
    stages = book.playbook.stages[: book.playbook.won]
    found = np.array([np.nan if one.win_weight is None else float(one.win_weight) for one in stages])
    for k in range(1, found.size):
        left = stages[k - 1].win_weight_exit
        if np.isnan(found[k]) and left is not None:
            found[k] = float(left)
    for name, value in (given or {}).items():
        place = book.playbook.position(str(name))
        if place is None or place >= len(stages):
            raise ParameterError(
                f"weights: there is no stage {name!r} before won",
                expected="one of " + ", ".join(one.id for one in stages),
            )
        found[place] = check.number(f"weights[{name!r}]", value, ge=0, le=1)
    return found


def segments_of(book: Book) -> tuple[NDArray[np.int64], ...]:
    """Return the segment of each deal, where the book has segments that are few enough to learn of."""
    coded = book.ledger.attributes.get("segment")
    if coded is None or not 1 < len(coded.labels) <= 30:
        return ()
    return (coded.codes.astype(np.int64),)


def past_periods(kind: str, day: int, most: int, start_month: int) -> list[Period]:
    """Return the last periods that were over at the end of a day, oldest first."""
    now = when.containing(np.datetime64(day + 1, "D"), kind, start_month)
    return [when.following(now, kind, -n, start_month) for n in range(most, 0, -1)]


def has_history(history: History, day: int) -> bool:
    """Return whether enough is known before a day to make a forecast on it."""
    closes = np.minimum(history.win_day, history.end_day)
    first = int(closes.min(initial=int(NEVER)))
    return first <= day - HISTORY_DAYS and int((history.win_day <= day).sum()) >= TOO_FEW_N


def _scored(
    latest: Book, at: Callable[[int], Book | None], kind: str, lead: int, day: int, most: int,
    start_month: int, weights: Floats,
) -> list[ScoreRow]:  # fmt: skip
    """Return the forecasts of past periods made `lead` days before them, with what came."""
    truth, money = valued(history_of(latest)), priced(history_of(latest))
    rows: list[ScoreRow] = []
    places: list[tuple[int, float]] = []
    for period in past_periods(kind, day, most, start_month):
        start, end = when.day_number(period.start), when.day_number(period.end)
        today = start - 1 - lead
        book = at(today) if today < end else None
        if book is None or not has_history(history_of(book), min(today, history_of(book).day)):
            continue
        history = history_of(book) if money else valued(history_of(book))
        made_on = min(today, history.day)
        draws = _redone(book, history, made_on, start, end)
        factor = scores.width_factor([place for over, place in places if over <= made_on])
        amount, wins = _between(truth, start, end)
        places.append((end, scores.place(draws.amount, amount)))
        case = _Case(book=book, history=history, period=period, lead=lead, day=made_on, weights=weights)
        rows.append(_row(case, draws, factor, (amount, wins)))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Redone:
    """A forecast of the past: draws of the amount, what was won by then, and the open deals."""

    amount: Floats
    won: float
    index: NDArray[np.int64]
    worth: Floats


def _redone(book: Book, history: History, day: int, start: int, end: int) -> _Redone:
    edges = [start - 1, end] if start - 1 > day else [end]
    nobody = np.zeros(len(history.win_day), np.int64)
    seen = foresee(history, day, edges, nobody, 1, classes=segments_of(book), draws=SCORE_DRAWS)
    total = (seen.landing.open_amount + seen.landing.new_amount)[:, :, 0]
    coming = total[:, -1] - (total[:, 0] if len(edges) > 1 else 0.0)
    won = _between(history, start, min(day, end))[0]
    return _Redone(amount=won + coming, won=won, index=seen.index, worth=seen.amount)


def _between(history: History, start: int, end: int) -> tuple[float, float]:
    """Return the amount and the number of wins from one day to another."""
    mine = (history.win_day >= start) & (history.win_day <= end)
    return float(np.nansum(history.won_amount[mine])), float(mine.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """One forecast that is made again: of which period, on which day, from what."""

    book: Book
    history: History
    period: Period
    lead: int
    day: int
    weights: Floats


def _row(case: _Case, made: _Redone, factor: float, came: tuple[float, float]) -> ScoreRow:
    draws = scores.widened(made.amount, factor, made.won)
    q = {one: float(np.quantile(draws, one / 100)) for one in (5, 10, 25, 50, 75, 90, 95)}
    amount = came[0]
    return ScoreRow(
        period=case.period.name,
        lead_days=case.lead,
        made_on=np.datetime64(case.day, "D"),
        came_amount=amount,
        came_n=came[1],
        expected_amount=float(draws.mean()),
        **{f"q{one:02d}_amount": value for one, value in q.items()},
        place_share=scores.place(draws, amount),
        crps_amount=scores.crps(draws, amount),
        width_factor=factor,
        inside_50=q[25] <= amount <= q[75],
        inside_80=q[10] <= amount <= q[90],
        inside_90=q[5] <= amount <= q[95],
        **_others(case, made),
    )


def _others(case: _Case, made: _Redone) -> dict[str, float]:
    """Return what others would have said on that day."""
    history, day, weights = case.history, case.day, case.weights
    start, end = when.day_number(case.period.start), when.day_number(case.period.end)
    said = dict.fromkeys((f"{name}_amount" for name in RIVALS), float("nan"))
    if made.index.size and np.isfinite(weights).any():
        reached = history.stage_day[:, made.index] <= day
        place = np.where(reached, np.arange(history.won + 1)[:, None], 0).max(axis=0)
        weighed = np.nan_to_num(weights)[np.minimum(place, history.won - 1)] * made.worth
        said["weighted_amount"] = made.won + float(
            weighed[_due(case.book, history, made.index, day, end)].sum()
        )
    if history.day <= day:
        said |= _by_sellers(case.book, made, start, end)
    said |= _by_past(history, case.period, day)
    first_win = int(np.min(history.win_day, initial=int(NEVER)))
    back = min(RATE_DAYS, day - first_win + 1)
    if back > 0:
        rate = _between(history, day - back + 1, day)[0] / back
        said["run_rate_amount"] = made.won + rate * (end - max(day, start - 1))
    return said


def _by_past(history: History, period: Period, day: int) -> dict[str, float]:
    """Return what came in the last period that was over on the day, and in the same period a year before."""
    said: dict[str, float] = {}
    first_win = int(np.min(history.win_day, initial=int(NEVER)))
    first, end = period.start.astype("datetime64[M]"), period.end.astype("datetime64[M]")
    months = int((end - first).astype(np.int64)) + 1
    for name, back, steps in (("last_period_amount", months, 4), ("last_year_amount", 12, 1)):
        for step in range(1, steps + 1):
            since = (first - in_months(back * step)).astype("datetime64[D]")
            until = when.day_number((first + in_months(months - back * step)).astype("datetime64[D]")) - 1
            if until <= day and first_win <= when.day_number(since) + 31:
                said[name] = _between(history, when.day_number(since), until)[0]
                break
    return said


def _due(book: Book, history: History, index: NDArray[np.int64], day: int, end: int) -> NDArray[np.bool_]:
    """Return which open deals are expected by the end of the period; all where the dates of then are not known."""
    deals = book.opportunities
    if history.day > day or "expected_close_at" not in deals:
        return np.ones(index.size, bool)
    expected = deals["expected_close_at"].to_numpy().astype("datetime64[D]")[index]
    made: NDArray[np.bool_] = np.isnat(expected) | (expected <= np.datetime64(end, "D"))
    return made


def _by_sellers(book: Book, made: _Redone, start: int, end: int) -> dict[str, float]:
    """Return what the CRM's own probability and the sellers' dates said, of a snapshot of that day."""
    deals, said = book.opportunities, {}
    due = np.ones(made.index.size, bool)
    if "expected_close_at" in deals:
        expected = deals["expected_close_at"].to_numpy().astype("datetime64[D]")[made.index]
        due = ~np.isnat(expected) & (expected <= np.datetime64(end, "D"))
        if (~np.isnat(expected)).any():
            said["expected_closes_amount"] = made.won + float(made.worth[due].sum())
    if "probability" in deals:
        chance = deals["probability"].to_numpy(dtype=float)[made.index]
        if np.isfinite(chance).any():
            said["crm_probability_amount"] = made.won + float((np.nan_to_num(chance) * made.worth)[due].sum())
    return said


def _lead_rows(rows: list[ScoreRow], ahead: list[int], confidence_level: float) -> tuple[LeadRow, ...]:
    return tuple(
        _lead_row(lead, [row for row in rows if row.lead_days == lead], confidence_level) for lead in ahead
    )


def _lead_row(lead: int, rows: list[ScoreRow], confidence_level: float) -> LeadRow:
    n = len(rows)
    if not n:
        nan = float("nan")
        return LeadRow(
            lead_days=lead, period_n=0, inside_50_rate=nan, inside_80_rate=nan, inside_80_ci_lower=nan,
            inside_80_ci_upper=nan, inside_90_rate=nan, bias_share=nan, sharpness_share=nan, crps_amount=nan,
            width_factor=1.0,
        )  # fmt: skip
    hits = {one: sum(getattr(row, f"inside_{one}") for row in rows) for one in (50, 80, 90)}
    lower, upper = wilson([hits[80]], [n], confidence_level)
    came = sum(row.came_amount for row in rows)
    return LeadRow(
        lead_days=lead,
        period_n=n,
        inside_50_rate=hits[50] / n,
        inside_80_rate=hits[80] / n,
        inside_80_ci_lower=float(lower[0]),
        inside_80_ci_upper=float(upper[0]),
        inside_90_rate=hits[90] / n,
        bias_share=_share(sum(row.expected_amount for row in rows), came),
        sharpness_share=_share(sum(row.q90_amount - row.q10_amount for row in rows), came) + 1,
        crps_amount=float(np.mean([row.crps_amount for row in rows])),
        width_factor=_next_factor(rows),
    )


def bare_places(rows: Sequence[ScoreRow]) -> list[float]:
    """Return where each result lay in its forecast, seen without the factor of its own day."""
    from scipy.special import ndtr, ndtri

    return [float(ndtr(ndtri(min(max(row.place_share, 1e-4), 1 - 1e-4)) * row.width_factor)) for row in rows]


def _next_factor(rows: Sequence[ScoreRow]) -> float:
    """Return the factor for the next forecast: from all past places."""
    return scores.width_factor(bare_places(rows))


def _share(part: float, whole: float) -> float:
    return part / whole - 1 if whole > 0 else float("nan")


def _rival_rows(rows: list[ScoreRow], leads: list[int], confidence_level: float) -> tuple[RivalRow, ...]:
    found = []
    for rival in RIVALS:
        for lead in leads:
            mine = [
                row for row in rows if row.lead_days == lead and np.isfinite(getattr(row, f"{rival}_amount"))
            ]
            if mine:
                found.append(_rival_row(rival, lead, mine, confidence_level))
    return tuple(found)


def _rival_row(rival: str, lead: int, rows: list[ScoreRow], confidence_level: float) -> RivalRow:
    said = np.array([getattr(row, f"{rival}_amount") for row in rows])
    came = np.array([row.came_amount for row in rows])
    won = scores.skill([row.crps_amount for row in rows], np.abs(said - came), confidence_level)
    verdict = "too_few" if won.n < SURE_N else "not_separable"
    if won.ci_lower > 0:
        verdict = "better"
    elif won.ci_upper < 0:
        verdict = "worse"
    return RivalRow(
        rival=rival,
        lead_days=lead,
        period_n=won.n,
        bias_share=_share(float(said.sum()), float(came.sum())),
        crps_amount=won.score,
        rival_crps_amount=won.other_score,
        gain_amount=won.gain,
        gain_ci_lower=won.ci_lower,
        gain_ci_upper=won.ci_upper,
        verdict=verdict,
    )


def record_of(book: Book, kind: str, lead: int, day: int, start_month: int) -> Record:
    """Return the record of forecasts of this kind, made so many days before the end of their period, known on a day.

    `lead` counts to the end of the period here, as a forecast in the middle of it asks. Kept with the book.
    """
    kept: dict[Any, Record] = book.__dict__.setdefault("_forecast_records", {})
    key = (kind, lead, day, start_month)
    if key not in kept:
        kept[key] = _recorded(book, kind, lead, day, start_month)
    return kept[key]


def _recorded(book: Book, kind: str, lead: int, day: int, start_month: int) -> Record:
    whole = round(when.LENGTHS[kind] * 30.4375)
    before = lead - whole
    rows = _scored(
        book, lambda _: book, kind, before, day, RECORD_PERIODS, start_month, weights_of(book, None)
    )
    rivals = _rival_rows(rows, [before], check.CONFIDENCE_LEVEL)
    rival = next((one for name in ("weighted", "run_rate") for one in rivals if one.rival == name), None)
    came = sum(row.came_amount for row in rows)
    return Record(
        kind=kind,
        unit="amount" if priced(history_of(book)) else "wins",
        lead_days=before,
        n=len(rows),
        inside_80_n=sum(row.inside_80 for row in rows),
        bias_share=_share(sum(row.expected_amount for row in rows), came),
        width_factor=_next_factor(rows),
        rival="" if rival is None else rival.rival,
        rival_bias_share=float("nan") if rival is None else rival.bias_share,
        verdict="" if rival is None else rival.verdict,
        rows=tuple(rows),
    )


def _notes(book: Book, source: str, rows: list[ScoreRow]) -> tuple[Note, ...]:
    found: tuple[Note, ...] = ()
    if source == "history":
        deals = book.opportunities
        columns = [name for name in ("amount", "expected_close_at", "probability", "owner") if name in deals]
        found += (Note("score_replayed", {"columns": ", ".join(columns)}),)
    if not priced(history_of(book)):
        found += (Note("score_wins"),)
    if len({row.period for row in rows}) < 8:
        found += (Note("score_few", {"periods_n": len({row.period for row in rows})}),)
    return found
