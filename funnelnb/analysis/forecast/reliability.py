"""Of deals that got a chance of p, was a share p won? The model, the CRM's own probability and the stage weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.forecast.engine import foresee
from funnelnb.analysis.forecast.history import history_of, require_dated
from funnelnb.analysis.forecast.scorecard import has_history, segments_of, source_of, weights_of
from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.judged import require_judged
from funnelnb.analysis.shared.question import renamed
from funnelnb.analysis.shared.result import Result, about
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.stats.rates import calibration as measured
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from funnelnb.data.book import Book
    from funnelnb.data.snapshots import Store
    from funnelnb.playbooks.model import Label

Floats = NDArray[np.float64]

WHO = ("model", "crm_probability", "weights")
AGES = (14, 30, 60, 90, 180)
"""Ages in the stage, in days, at which deals are divided."""
MOST_DAYS = 24
FEW_DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityRow:
    """Open deals of past days that got about the same chance.

    Attributes
    ----------
    who : str
        One of :data:`WHO`.
    deal_n : int
    said_rate : float
        Mean chance that was said.
    won_rate, won_ci_lower, won_ci_upper : float
        Share that was won within the days.
    verdict : {"kept", "too_high", "too_low"}
        Whether what was said lies within the interval.
    """

    who: str
    deal_n: int
    said_rate: float
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAgeRow:
    """Open deals of past days in one stage at one age.

    Attributes
    ----------
    stage : str
    from_days, to_days : float
        Age in the stage; the last has no end (infinite).
    deal_n : int
    said_rate : float
        By the model.
    won_rate, won_ci_lower, won_ci_upper : float
    weight_rate : float
        The stage model's weight; NaN without one.
    enough : bool
    """

    stage: str
    from_days: float
    to_days: float
    deal_n: int
    said_rate: float
    won_rate: float
    won_ci_lower: float
    won_ci_upper: float
    weight_rate: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityScore:
    """How good the chances of one source were.

    Attributes
    ----------
    who : str
    deal_n : int
    said_n, won_n : float
        Wins that were said to come, and that came.
    brier : float
        Mean squared distance between chance and outcome; lower is better.
    error_rate : float
        Mean distance between chance and share won, over the bins.
    """

    who: str
    deal_n: int
    said_n: float
    won_n: float
    brier: float
    error_rate: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reliability(Result):
    """Chances of past days against what came. `n` counts open deals of past days.

    Attributes
    ----------
    within_days : float
    days_n : int
        Past days, so far apart that no stretch is counted twice.
    rows : tuple of ReliabilityRow
    stages : tuple of StageAgeRow
    scores : tuple of ReliabilityScore
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    within_days: float
    days_n: int
    rows: tuple[ReliabilityRow, ...]
    stages: tuple[StageAgeRow, ...]
    scores: tuple[ReliabilityScore, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()


@renamed(within_days="horizon_days")
def calibration(
    source: Book | Store,
    *,
    horizon_days: float | None = None,
    weights: Mapping[str, float] | None = None,
    bins: int = 8,
    confidence_level: float | None = None,
) -> Reliability:
    """Of deals that got a chance of p, was a share p won?

    Parameters
    ----------
    source : Book or Snapshots
        Only snapshots tell which probability the CRM held on a past day.
    horizon_days : float, optional
        Days within which a deal had to be won, 1 to 730.
    weights : mapping of str to float, optional
        Stage to weight; None: those of the stage model. They speak of being won at all: within few days they are too
        high by nature.
    bins : int
        Bins of equal numbers of deals, 2 to 20; fewer where a bin would hold fewer than ten deals. Verdicts take into
        account that all bins are judged.
    confidence_level : float, optional

    Returns
    -------
    Reliability

    Raises
    ------
    MissingDataError
        No past day has history before it and so many days after it.

    Notes
    -----
    Every `horizon_days` days back from the end the open deals of that day get the chance that the model would have
    given them then. Stretches do not overlap, so that a win counts once.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.forecasts.calibration(fn.sample(), horizon_days=90)
    >>> result.scores[0].who, result.days_n > 3
    ('model', True)
    """
    latest, at, name = source_of(source)
    days = int(check.number("horizon_days", 90 if horizon_days is None else horizon_days, ge=1, le=730))
    parts = int(check.number("bins", bins, ge=2, le=20))
    confidence = level(confidence_level)
    weight = weights_of(latest, weights)
    found = _past_days(latest, at, days, weight, replayed=name == "history")
    if not found:
        raise MissingDataError(
            f"no past day has history before it and {days} days after it",
            expected="a longer history, or fewer days",
            hint="fn.forecasts.calibration(book, horizon_days=30)",
        )
    whole = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    rows, scored = [], []
    for who in WHO:
        known = np.isfinite(whole[who])
        if known.sum() >= TOO_FEW_N:
            more, score = _who(who, whole[who][known], whole["won"][known], parts, confidence)
            rows += more
            scored.append(score)
    return Reliability(
        n=len(whole["won"]),
        method="reliability",
        confidence_level=confidence,
        notes=() if len(scored) > 1 else (Note("reliability_model_only"),),
        within_days=float(days),
        days_n=len(found),
        rows=tuple(rows),
        stages=_stage_rows(latest, whole, weight, confidence),
        scores=tuple(scored),
        **about(latest),
    )


def _past_days(
    latest: Book, at: Callable[[int], Book | None], days: int, weight: Floats, *, replayed: bool
) -> list[dict[str, Any]]:
    """Return the open deals of past days that lie so many days apart, with what became of them."""
    require_judged(latest)
    if replayed:
        require_dated(history_of(latest))
    found, last = [], history_of(latest).day
    for day in range(last - days, last - (MOST_DAYS + 1) * days, -days):
        book = at(day)
        if book is not None and has_history(history_of(book), min(day, history_of(book).day)):
            found.append(_of_day(latest, book, day, days, weight))
    return found


def _of_day(latest: Book, book: Book, day: int, days: int, weight: Floats) -> dict[str, Any]:
    """Return stage, age, chances said and outcome of the deals that were open on a day."""
    history = history_of(book)
    made_on = min(day, history.day)
    seen = foresee(
        history, made_on, [day + days], np.zeros(len(history.win_day), np.int64), 1,
        classes=segments_of(book), draws=FEW_DRAWS,
    )  # fmt: skip
    index = seen.index
    reached = np.where(history.stage_day[:, index] <= made_on, history.stage_day[:, index], -1)
    place = np.where(reached >= 0, np.arange(history.won + 1)[:, None], 0).max(axis=0)
    place = np.minimum(place, history.won - 1)
    crm = np.full(index.size, np.nan)
    if history.day <= day and "probability" in book.opportunities:
        crm = book.opportunities["probability"].to_numpy(dtype=float)[index]
    return {
        "place": place,
        "age": made_on - reached[place, np.arange(index.size)],
        "model": np.clip(seen.chance[-1], 0.0, 1.0),
        "crm_probability": crm,
        "weights": weight[place],
        "won": _won_by(latest, book, index, made_on, day + days),
    }


def _won_by(latest: Book, book: Book, index: NDArray[np.int64], day: int, end: int) -> Floats:
    """Return which deals of a day were won by another, as the latest book tells it."""
    truth = history_of(latest)
    if latest is book:
        win = truth.win_day[index]
    else:
        place = {str(one): k for k, one in enumerate(latest.ledger.deal_ids)}
        mine = np.array([place.get(str(one), -1) for one in book.ledger.deal_ids[index]], dtype=np.int64)
        win = np.where(mine >= 0, truth.win_day[mine], end + 1)
    return ((win > day) & (win <= end)).astype(float)


def _who(
    who: str, said: Floats, won: Floats, bins: int, confidence_level: float
) -> tuple[list[ReliabilityRow], ReliabilityScore]:
    weight = np.ones(said.size)
    bins = max(min(bins, said.size // TOO_FEW_N), 1)  # no share of fewer deals
    found = measured.calibration(said, won, weight, bins, confidence_level)
    sure = measured.calibration(
        said, won, weight, bins, 1 - (1 - confidence_level) / bins
    )  # all bins are judged
    rows = [
        ReliabilityRow(
            who=who, deal_n=round(float(n)), said_rate=float(p), won_rate=float(rate), won_ci_lower=float(low),
            won_ci_upper=float(high), verdict="too_high" if p > most else "too_low" if p < least else "kept",
        )
        for p, rate, low, high, n, least, most in zip(
            found.forecast, found.observed, found.ci_lower, found.ci_upper, found.n, sure.ci_lower, sure.ci_upper,
            strict=True,
        )
    ]  # fmt: skip
    score = measured.score(said, won, weight)
    return rows, ReliabilityScore(
        who=who,
        deal_n=said.size,
        said_n=float(said.sum()),
        won_n=float(won.sum()),
        brier=score.brier,
        error_rate=found.error,
    )


def _stage_rows(
    book: Book, whole: dict[str, Any], weight: Floats, confidence_level: float
) -> tuple[StageAgeRow, ...]:
    rows = []
    for k, stage in enumerate(book.playbook.stage_ids[: book.playbook.won]):
        for low, high in zip((0, *AGES), (*AGES, np.inf), strict=True):
            mine = (whole["place"] == k) & (whole["age"] >= low) & (whole["age"] < high)
            n = int(mine.sum())
            if not n:
                continue
            won = float(whole["won"][mine].sum())
            lower, upper = wilson([won], [n], confidence_level)
            rows.append(
                StageAgeRow(
                    stage=stage, from_days=float(low), to_days=float(high), deal_n=n,
                    said_rate=float(whole["model"][mine].mean()), won_rate=won / n,
                    won_ci_lower=float(lower[0]), won_ci_upper=float(upper[0]),
                    weight_rate=float(weight[k]), enough=n >= TOO_FEW_N,
                )
            )  # fmt: skip
    return tuple(rows)
