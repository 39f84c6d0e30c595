"""From the wins wanted back to the leads: how many are needed at each stage, and how soon?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes, time_counts
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.open_deals import standing_n
from funnelnb.analysis.shared.period import Period, days_left, if_named
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.playbooks import load_playbook
from funnelnb.playbooks.model import Label, Playbook
from funnelnb.stats.rates.proportion import jeffreys
from funnelnb.stats.totals import assurance as chances

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.stats.curves.incidence import Incidence


LEAD_SHARE = 0.8
"""A stage's lead time is that within which this share of its wins has come."""

EXACTLY = 1e9
"""Trials that stand for a rate given as exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRow:
    """What is needed at one stage.

    Attributes
    ----------
    stage : str
    win_rate, win_ci_lower, win_ci_upper : float
        Chance of a deal here to be won in time: by the end of the period if it is in by `in_by`, else by the
        horizon. Bounds NaN where the rate was given.
    win_n : float
        Effective number of deals behind the rate; NaN where it was given.
    plug_in_n : int
        Wins divided by the rate, rounded up (at each step, where step rates were given). -1 where the rate
        is 0 or not known.
    plug_in_rate : float
        Chance that so many really give the wins.
    needed_n : int
        Deals that give the wins with the assurance wanted; -1 where no number does.
    open_n : int
        Deals that stand here now.
    lead_days, median_days : float
        Days within which four in five, and half, of the wins have come; NaN where no time is known.
    in_by : numpy.datetime64
        Last day on which the deals must be here; NaT without an end.
    too_late : bool
        True when that day is past: the rate is then that of a deal that comes in today.
    enough : bool
        False where the rate rests on too few deals.
    """

    stage: str
    win_rate: float
    win_ci_lower: float
    win_ci_upper: float
    win_n: float
    plug_in_n: int
    plug_in_rate: float
    needed_n: int
    open_n: int
    lead_days: float
    median_days: float
    in_by: np.datetime64
    too_late: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReverseFunnel(Result):
    """The reverse funnel.

    Attributes
    ----------
    wins_n : int
        Wins wanted.
    assurance_rate : float
        Chance wanted.
    horizon_days : float
    until : numpy.datetime64
        Last day of the period; NaT without one.
    measured : bool
        False where the rates were given.
    rows : tuple of ReverseRow
        One per stage from the first to the last before won.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    won_stage : str
    signed : ReverseRow
        The row of the signed deals themselves: as many as are wanted.
    """

    wins_n: int
    assurance_rate: float
    horizon_days: float
    until: np.datetime64
    measured: bool
    rows: tuple[ReverseRow, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()
    won_stage: str
    signed: ReverseRow


@question("targets")
def reverse_funnel(  # noqa: PLR0913 - two sources of rates, two ways to name the end
    book: Book | None = None,
    *,
    wins: int,
    rates: Sequence[float] | None = None,
    counts: Sequence[tuple[float, float]] | None = None,
    stages: Sequence[str] | None = None,
    playbook: str | os.PathLike[str] | Playbook | None = None,
    period: str | None = None,
    until: Day | None = None,
    assurance: float = 0.8,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> ReverseFunnel:
    """How many leads do so many wins need, at each stage, and how soon?

    Parameters
    ----------
    book : Book, optional
        Where the rates are measured. Not needed when `rates` or `counts` are given.
    wins : int
        Deals that have to be won, at least 1.
    rates : sequence of float, optional
        Share that gets through each step, first step first, taken as exact.
    counts : sequence of (float, float), optional
        Instead of `rates`: deals that got through each step, of how many.
    stages : sequence of str, optional
        With `rates` or `counts`: names of the stages, the won one last (one more than there are steps).
    playbook : str, path or Playbook, optional
        Instead of `stages`: a model whose last stages up to the win name the steps. Without rates and counts its win
        weights are the rates, step by step, as the field's pyramid has them.
    period : str, optional
        Month, quarter or year in which the deals must be won, such as ``"2026-Q3"``.
    until : date, optional
        Instead of `period`: the last day.
    assurance : float
        Chance wanted, strictly between 0 and 1.
    horizon_days : float, optional
        Age by which wins are counted; None finds one.
    confidence_level : float, optional
        Of the intervals.

    Returns
    -------
    ReverseFunnel

    Raises
    ------
    ParameterError
        A parameter is out of range, both or neither source of rates is given, or the period is over.

    Notes
    -----
    Measured rates are those of being won, from each stage directly (Aalen-Johansen, lost deals compete, open
    ones are known so far), not products of steps. With a period, a stage's lead time t is that by which four
    in five of the wins within the horizon have come; its rate is the chance to be won by day t, and it must
    be in t days before the end. The number needed is the smallest whose posterior predictive chance
    (beta-binomial, Jeffreys, with the effective number of deals behind the rate) reaches the assurance. Wins
    divided by the rate miss the target about every second time.

    Checked against the worked case 408, 102, 51, 38 and the anchors of three measured steps:
    ``tests/analysis/test_reverse.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> [row.plug_in_n for row in fn.targets.reverse_funnel(wins=38, rates=[0.25, 0.50, 0.75]).rows]
    [408, 102, 51]
    >>> [row.stage for row in fn.targets.reverse_funnel(wins=38, playbook="pyramid").rows]
    ['potential', 'approaching', 'key']
    """
    need = _wins(wins)
    model = None if playbook is None or isinstance(playbook, Playbook) else load_playbook(playbook)
    model = playbook if isinstance(playbook, Playbook) else model
    wanted = check.number("assurance", assurance, gt=0, lt=1)
    if rates is not None or counts is not None or model is not None:
        if rates is None and counts is None:
            rates = _weights_of(model)
        named = _Named.of(stages, model, len(rates if rates is not None else counts or ()))
        weighted = model is not None and rates is not None and named.weights == tuple(rates)
        return _given(book, need, rates, counts, named, wanted, level(confidence_level), weighted=weighted)
    if book is None:
        raise ParameterError(
            "neither a book nor rates",
            expected="a book, or rates=, or counts=",
            hint="rates=[0.25, 0.5, 0.75]",
        )
    ending = if_named(book, period, until)
    return _measured(book, need, wanted, ending, horizon_days=horizon_days, level=level(confidence_level))


def _wins(wins: int) -> int:
    number = check.number("wins", wins, ge=1, le=chances.MOST_LEADS)
    if number != int(number):
        raise ParameterError(f"wins = {wins!r}", expected="a whole number")
    return int(number)


def _measured(
    book: Book,
    wins: int,
    assurance: float,
    period: Period | None,
    *,
    horizon_days: float | None,
    level: float,
) -> ReverseFunnel:
    won = book.playbook.won
    horizon = settle(horizon_days, time_counts(book, 0, won))
    left = days_left(book, period) if period else np.inf
    standing = standing_n(book.ledger)
    rows = tuple(
        _row(book, k, wins, assurance, horizon.days, left, level, int(standing[k])) for k in range(won)
    )
    return ReverseFunnel(
        n=int(book.ledger.outcome.size),
        method="reverse_measured_dated" if period else "reverse_measured",
        confidence_level=level,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *horizon.notes, *_caveats(rows)),
        wins_n=wins,
        assurance_rate=assurance,
        horizon_days=horizon.days,
        until=period.end if period else np.datetime64("NaT", "D"),
        measured=True,
        rows=rows,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
        won_stage=book.playbook.stage_ids[won],
        signed=_signed(book.playbook.stage_ids[won], wins, period.end if period else None),
    )


def _caveats(rows: tuple[ReverseRow, ...]) -> tuple[Note, ...]:
    few_n, late_n = sum(not row.enough for row in rows), sum(row.too_late for row in rows)
    few = (Note("target_few_rates", {"stages_n": few_n, "min_n": TOO_FEW_N}),) if few_n else ()
    return few + ((Note("target_too_late", {"stages_n": late_n}),) if late_n else ())


def _row(
    book: Book, k: int, wins: int, assurance: float, horizon: float, left: float, level: float, open_n: int
) -> ReverseRow:
    (times,) = by_day.split(time_counts(book, k, book.playbook.won))
    curve = by_day.curve(times, level)
    at_horizon = by_day.at_day(times, curve, horizon)
    lead, median = (_won_within(curve, at_horizon.rate, horizon, share) for share in (LEAD_SHARE, 0.5))
    dated, late = np.isfinite(left), lead > left
    day = by_day.at_day(times, curve, min(lead, left)) if dated and lead > 0 else at_horizon
    rate, trials = day.rate, day.effective_n
    plug, plug_rate, needed = _counts_needed(rate * trials, trials, wins, assurance)
    known = np.isfinite(rate) and trials > 0
    lower, upper = jeffreys(rate * trials, trials, level) if known else (np.nan, np.nan)
    in_by = np.datetime64("NaT", "D")
    if dated and np.isfinite(lead):
        in_by = book.as_of.astype("datetime64[D]") + np.timedelta64(int(np.floor(left - lead)), "D")
    return ReverseRow(
        stage=book.playbook.stage_ids[k],
        win_rate=rate,
        win_ci_lower=float(lower),
        win_ci_upper=float(upper),
        win_n=trials if known else np.nan,
        plug_in_n=plug,
        plug_in_rate=plug_rate,
        needed_n=needed,
        open_n=open_n,
        lead_days=lead,
        median_days=median,
        in_by=in_by,
        too_late=bool(dated and late),
        enough=bool(times.n.sum() >= TOO_FEW_N),
    )


def _won_within(curve: Incidence, rate: float, horizon: float, share: float) -> float:
    """Return the days by which `share` of the wins up to the horizon has come."""
    if not rate > 0:
        return np.nan
    won = curve.rate[by_day.ADVANCED_CAUSE]
    reached = np.flatnonzero((won >= share * rate - 1e-12) & (curve.time <= horizon * SECONDS_PER_DAY))
    return float(curve.time[reached[0]]) / SECONDS_PER_DAY if reached.size else np.nan


def _counts_needed(k: float, n: float, wins: int, assurance: float) -> tuple[int, float, int]:
    """Return the plug-in number, its chance, and the number needed for the assurance; -1 where there is none."""
    if not (np.isfinite(k) and n > 0 and k > 0):
        return -1, np.nan, -1
    plug = chances.in_turn(wins, [min(k / n, 1.0)])[0]
    try:
        needed = chances.required_leads([k], [n], wins, assurance)
    except ParameterError:
        needed = -1
    return plug, chances.step_chance([k], [n], wins, plug), needed


def _given(
    book: Book | None,
    wins: int,
    rates: Sequence[float] | None,
    counts: Sequence[tuple[float, float]] | None,
    named: _Named,
    assurance: float,
    level: float,
    *,
    weighted: bool,
) -> ReverseFunnel:
    if (rates is None) == (counts is None):
        raise ParameterError("both rates and counts", expected="one of them")
    k, n = _step_counts(rates, counts)
    names = named.ids
    shares = list(rates) if rates is not None else [good / tried for good, tried in zip(k, n, strict=True)]
    looked_at = [np.nan] * len(n) if counts is None else n
    plug_in = chances.in_turn(wins, shares)
    rows = tuple(
        _given_row(name, (k[step:], n[step:]), shares[step:], plug_in[step], wins, assurance, tried)
        for step, (name, tried) in enumerate(zip(names[:-1], looked_at, strict=True))
    )
    return ReverseFunnel(
        n=0 if counts is None else int(n[0]),
        method="reverse_given" if counts is None else "reverse_counted",
        confidence_level=level,
        as_of=np.datetime64("NaT", "s") if book is None else book.as_of,
        currency="" if book is None else book.currency,
        notes=_given_notes(wins, shares[0], counted=counts is not None, weighted=weighted),
        wins_n=wins,
        assurance_rate=assurance,
        horizon_days=np.nan,
        until=np.datetime64("NaT", "D"),
        measured=False,
        rows=rows,
        stage_ids=names,
        stage_labels=named.labels,
        won_stage=names[-1],
        signed=_signed(names[-1], wins, None),
    )


def _given_notes(wins: int, rate: float, *, counted: bool, weighted: bool) -> tuple[Note, ...]:
    """Say that the rates were given, and what the model's weights would mean as chances to win."""
    notes: tuple[Note, ...] = () if counted else (Note("target_rates_given"),)
    if weighted:
        notes += (Note("reverse_weights_in_turn", {"direct_n": chances.in_turn(wins, [rate])[0]}),)
    return notes


def _given_row(
    stage: str,
    steps: tuple[list[float], list[float]],
    shares: list[float],
    plug_in: int,
    wins: int,
    assurance: float,
    win_n: float,
) -> ReverseRow:
    """Return what one stage needs when the counts (got through, tried) of the steps still ahead are given."""
    return ReverseRow(
        stage=stage,
        win_rate=float(np.prod(shares)),
        win_ci_lower=np.nan,
        win_ci_upper=np.nan,
        win_n=float(win_n),
        plug_in_n=plug_in,
        plug_in_rate=chances.step_chance(*steps, wins, plug_in),
        needed_n=chances.required_leads(*steps, wins, assurance),
        open_n=0,
        lead_days=np.nan,
        median_days=np.nan,
        in_by=np.datetime64("NaT", "D"),
        too_late=False,
        enough=True,
    )


def _step_counts(
    rates: Sequence[float] | None, counts: Sequence[tuple[float, float]] | None
) -> tuple[list[float], list[float]]:
    if rates is not None:
        checked = [check.number(f"rates[{place}]", rate, gt=0, le=1) for place, rate in enumerate(rates)]
        pairs = [(rate * EXACTLY, EXACTLY) for rate in checked]
    else:
        pairs = [(float(k), float(n)) for k, n in counts or ()]
        for place, (k, n) in enumerate(pairs):
            check.number(f"counts[{place}]: tried", n, gt=0)
            check.number(f"counts[{place}]: got through", k, gt=0, le=n)
    if not pairs:
        raise ParameterError("there is no step", expected="at least one rate")
    return [k for k, _ in pairs], [n for _, n in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Names of the stages of rates that are given, the won one last; and the model's weights of the steps, if any."""

    ids: tuple[str, ...]
    labels: tuple[Label, ...]
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, stages: Sequence[str] | None, model: Playbook | None, steps: int) -> _Named:
        """Return the names of `steps` steps.

        Raises
        ------
        ParameterError
            There are more or fewer names than steps, or both sources of names are given.
        """
        if stages is not None and model is not None:
            raise ParameterError("both stages and playbook", expected="one of them, to name the stages")
        if model is not None:
            mine = model.stages[max(model.won - steps, 0) : model.won + 1]
            if len(mine) != steps + 1:
                raise ParameterError(
                    f"{steps} steps for the {model.won} stages before the win of {model.id!r}",
                    expected=f"at most {model.won} rates",
                )
            weights = tuple(float(one.win_weight or 0) for one in mine[:-1])
            return cls(
                ids=tuple(one.id for one in mine), labels=tuple(one.label for one in mine), weights=weights
            )
        if stages is None:
            ids = (*(f"stage {place}" for place in range(1, steps + 1)), "won")
            labels = [Label(en=f"Stage {place}", zh=f"第{place}阶段") for place in range(1, steps + 1)]
            return cls(ids=ids, labels=(*labels, Label(en="Won", zh="成交")))
        if len(stages) != steps + 1:
            raise ParameterError(
                f"{len(stages)} stages for {steps} steps", expected=f"{steps + 1} names, the won stage last"
            )
        return cls(ids=tuple(stages), labels=tuple(Label(en=name, zh=name) for name in stages))


def _weights_of(model: Playbook | None) -> tuple[float, ...]:
    """Return the win weights of the model's stages before the win, from the first that has one.

    Raises
    ------
    ParameterError
        The model has no weights, or none for its last stages.
    """
    stages = model.stages[: model.won] if model else ()
    weights = [stage.win_weight for stage in stages if stage.win_weight is not None]
    last = [stage.win_weight for stage in stages[len(stages) - len(weights) :]]
    if not weights or any(one is None for one in last):
        raise ParameterError(
            f"the stage model {model.id if model else ''!r} has no win weights up to the win",
            expected="rates=, counts=, or a stage model with weights, such as 'pyramid'",
            hint="rates=[0.25, 0.5, 0.75]",
        )
    return tuple(float(one) for one in last if one is not None)


def _signed(stage: str, wins: int, until: np.datetime64 | None) -> ReverseRow:
    """Return the row of the signed deals themselves."""
    nan = float("nan")
    return ReverseRow(
        stage=stage,
        win_rate=1.0,
        win_ci_lower=nan,
        win_ci_upper=nan,
        win_n=nan,
        plug_in_n=wins,
        plug_in_rate=nan,
        needed_n=wins,
        open_n=0,
        lead_days=nan,
        median_days=nan,
        in_by=np.datetime64("NaT", "D") if until is None else until,
        too_late=False,
        enough=True,
    )
