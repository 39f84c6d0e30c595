"""Rules about the funnel itself: too few deals in hand, a step that leaks, a thin top, few quotations, dead deals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, Missing, Sign, in_days
from funnelnb.analysis.shared.judged import losses_dated, moves_known
from funnelnb.analysis.shared.period import period_of
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT_DEAL
from funnelnb.stats.rates.proportion import normal_quantile, wilson
from funnelnb.stats.rates.tolerance import few, fewer_than_rest, higher_share, lower_share
from funnelnb.stats.totals.means import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.rules import Limits

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

LATE_SHARE = 0.8
"""A step is judged at the age by which so many of its finished stays were over."""
OLD_SHARE = 0.95
"""A deal is beyond the usual age when so many finished stays were shorter."""
YEAR = 365.0
LEAST_STAYS = 20
LEAST_DAYS = 28.0
"""A floor of which fewer days are recorded has older deals that nobody sees."""


# ---- Too few deals in hand ----------------------------------------------------------------------------------


def few_opportunities(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the deals in hand of each person against the number that keeps a person busy."""
    if not desk.names:
        raise Missing("owner")
    if not desk.today - np.nanmin(np.append(desk.entered, np.inf)) >= LEAST_DAYS:
        raise Missing("one_month")
    held = desk.sums(desk.in_hand)
    value = desk.worth(desk.in_hand)[0] / held[0] if held[0] else np.nan
    for unit in desk.people:
        count = float(held[unit])
        lower, upper = poisson_interval(count, level)
        yield Sign(
            unit=unit, value=count, lower=lower, upper=upper, reference=limits.alarm, n=count,
            p=float(few(count, limits.tolerated)), crossed=count < limits.alarm,
            amount=max(limits.alarm - count, 0.0) * value, deals=desk.of(unit, desk.in_hand),
        )  # fmt: skip


# ---- A step that leaks --------------------------------------------------------------------------------------


def _watched(desk: Desk, step: int) -> tuple[Mask, Mask, Floats, float]:
    """Return who was watched in a step for the whole of its days, who went on in them, when they came, and the days."""
    reached, onward = (in_days(desk.ledger.reached_s[:, k]) for k in (step, step + 1))
    gone = np.where(desk.ledger.furthest > step, onward, np.where(desk.ended, desk.closed, np.nan))
    stays = (gone - reached)[~np.isnan(gone - reached)]
    if stays.size < 2:
        return np.zeros(reached.shape, bool), np.zeros(reached.shape, bool), reached, np.nan
    days = max(1.0, float(np.quantile(stays, LATE_SHARE)))
    seen = (reached <= desk.today - days) & ~((desk.ledger.furthest > step) & np.isnan(onward))
    seen &= ~((desk.ledger.outcome == LEFT_DEAL) & (desk.ledger.furthest == step))  # they were not decided
    since = desk.ledger.observed_from_s
    if since != UNKNOWN:
        seen &= reached >= in_days(np.array([since]))[0]
    return seen, seen & (onward - reached <= days), reached, days


def leaking_step(
    desk: Desk, limits: Limits, level: float, ideal: Mapping[str, float] | None = None
) -> Iterator[Sign]:
    """Measure the share that goes on from each stage against the others, the own past and, if given, the ideal."""
    steps = [_watched(desk, k) for k in range(desk.ledger.won)]
    if not any(seen.any() for seen, *_ in steps):
        raise Missing("history")
    rows: dict[tuple[int, str], list[Sign]] = {}
    for k, watched in enumerate(steps):
        if not watched[0].any():
            continue
        stage = desk.ledger.stage_ids[k]
        worth = float(desk.chance[k + 1]) * desk.win_amount
        step = _Step(stage=stage, factor=desk.factor(watched[1], watched[0]), worth=worth)
        for unit, against, counts, mask in _compared(desk, watched, limits, (ideal or {}).get(stage)):
            if counts[0] >= limits.least_n and counts[2] >= limits.least_n:
                sign = _leak(desk, unit, step, against, counts, limits, level, mask)
                rows.setdefault((unit, against), []).append(sign)
    for signs in rows.values():
        worst = min(signs, key=lambda one: (not one.crossed, one.p))
        yield _times(worst, len(signs))


def _compared(
    desk: Desk, watched: tuple[Mask, Mask, Floats, float], limits: Limits, ideal: float | None
) -> Iterator[tuple[int, str, tuple[float, ...], Mask]]:
    """Yield each comparison of a step: the unit, against what, (n, good) of both, the deals that did not go on."""
    seen, onward, reached, days = watched
    latest, window = desk.today - days, limits.window_days
    recent = seen & (reached > latest - window)
    half = seen & (reached > latest - window / 2)
    past = seen & (reached <= latest - window / 2) & (reached > latest - 1.5 * window)
    n, good = desk.sums(recent), desk.sums(recent & onward)
    halves = [desk.sums(mask) for mask in (half, half & onward, past, past & onward)]
    stopped = ~onward & desk.ended
    for unit in desk.units:
        mine = float(n[unit]), float(good[unit])
        if unit:
            yield unit, "peers", (*mine, float(n[0] - n[unit]), float(good[0] - good[unit])), recent & stopped
        yield unit, "past", tuple(float(one[unit]) for one in halves), half & stopped
        if ideal is not None and not unit:
            yield unit, "ideal", (*mine, 1e6, 1e6 * ideal), recent & stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A step that is judged: its stage, how alike deals of one account are, what getting past it is worth."""

    stage: str
    factor: float
    worth: float


def _leak(
    desk: Desk,
    unit: int,
    step: _Step,
    against: str,
    counts: tuple[float, ...],
    limits: Limits,
    level: float,
    mask: Mask,
) -> Sign:
    n, good, others, went = counts
    share, rest = good / n, went / others
    lower, upper = wilson(good / step.factor, n / step.factor, level)
    tail = lower_share(round(good), round(n), went, others, limits.tolerated, step.factor)
    return Sign(
        unit=unit, stage=step.stage, against=against, value=share, lower=float(lower), upper=float(upper),
        reference=rest, n=n, p=float(tail), crossed=share < limits.alarm * rest,
        amount=max(rest - share, 0.0) * n * step.worth, deals=desk.of(unit, mask),
    )  # fmt: skip


def _times(sign: Sign, tests: int) -> Sign:
    """Return a sign whose p-value allows for having looked at so many steps."""
    return replace(sign, p=min(1.0, sign.p * tests))


# ---- A thin top, and too few quotations ---------------------------------------------------------------------


def thin_top(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the deals that entered lately against those that the target needs, or against the own past."""
    return _arrivals(desk, limits, level, desk.entered, 0)


def few_quotations(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the deals that came to the last stage before the win against the need, or against the own past."""
    last = desk.ledger.won - 1
    if last < 1:
        raise Missing("one_stage")
    return _arrivals(desk, limits, level, in_days(desk.ledger.reached_s[:, last]), last)


def _arrivals(desk: Desk, limits: Limits, level: float, came: Floats, stage: int) -> Iterator[Sign]:
    if np.isnan(came).all():
        raise Missing("dates" if not stage else "history")
    days = limits.window_days
    recent = (came > desk.today - days) & (came <= desk.today)
    n = desk.sums(recent)
    worth, doubt = _worth(desk, came, stage)
    wanted = _wanted(desk, days) if np.isfinite(worth) else {}
    before = (came > desk.today - YEAR - days) & (came <= desk.today - YEAR)
    first = float(np.nanmin(came))
    for unit in desk.units:
        name = desk.ledger.stage_ids[stage]
        if unit in wanted:
            needed = wanted[unit] / worth
            if needed >= limits.least_n:
                yield _against_target(desk, unit, name, float(n[unit]), needed, doubt, worth, limits, level)
            continue
        past = float(desk.sums(before)[unit])
        if past >= limits.least_n and first <= desk.today - YEAR - days:
            tail = float(fewer_than_rest(n[unit], days, past, days, limits.tolerated))
            lower, upper = poisson_interval(float(n[unit]), level)
            yield Sign(
                unit=unit, stage=name, against="past", value=float(n[unit]), lower=lower, upper=upper,
                reference=past, n=float(n[unit]), p=tail, crossed=n[unit] < limits.alarm * past,
                amount=max(past - float(n[unit]), 0.0) * worth, deals=desk.of(unit, recent),
            )  # fmt: skip


def _worth(desk: Desk, came: Floats, stage: int) -> tuple[float, float]:
    """Return what a deal that came to a stage brings on average, and the relative variance of that."""
    spans = (desk.closed - came)[desk.ended & ~np.isnan(desk.closed - came)]
    if spans.size < 10:
        return float("nan"), float("nan")
    late = float(np.quantile(spans, 0.9))
    mine = (came <= desk.today - late) & (came > desk.today - late - 2 * YEAR)
    brought = np.where(desk.won & mine, desk.amount, 0.0)
    total, n = float(brought.sum()), int(mine.sum())
    if total <= 0 or n < 20:
        return float("nan"), float("nan")
    return total / n, float((brought**2).sum()) / total**2 * n / (n - 1)


def _wanted(desk: Desk, days: float) -> dict[int, float]:
    """Return the target amount of each unit for as many days, from the targets of the year around today."""
    table = desk.book.tables.get("targets")
    if table is None or not {"period", "amount"} <= set(table.columns):
        return {}
    start, end = (
        np.datetime64(int(desk.today - YEAR / 2), "D"),
        np.datetime64(int(desk.today + YEAR / 2), "D"),
    )
    per_day: dict[int, dict[str, float]] = {}
    people = {name: k + 1 for k, name in enumerate(desk.names)}
    owners = table[desk.by].tolist() if desk.by in table else [None] * len(table)
    for text, owner, amount in zip(table["period"].tolist(), owners, table["amount"].tolist(), strict=True):
        period = period_of(str(text))
        if period is None or not amount > 0 or period.end < start or period.start > end:
            continue
        length = float((period.end - period.start) / np.timedelta64(1, "D")) + 1
        for unit in {0, people.get(owner, 0)}:
            found = per_day.setdefault(unit, {})
            found[period.name] = found.get(period.name, 0.0) + float(amount) / length
    if desk.by in table and table[desk.by].notna().any():
        return {unit: days * _mean_rate(rates) for unit, rates in per_day.items()}
    return {0: days * _mean_rate(per_day[0])} if 0 in per_day else {}


def _mean_rate(rates: Mapping[str, float]) -> float:
    """Return the mean rate of the finest periods, so that a year and its quarters do not count twice."""
    finest = max(len(name) for name in rates)
    return float(np.mean([rate for name, rate in rates.items() if len(name) == finest]))


def _against_target(
    desk: Desk, unit: int, stage: str, n: float, needed: float, doubt: float, worth: float,
    limits: Limits, level: float,
) -> Sign:  # fmt: skip
    from scipy.stats import norm

    spread = np.sqrt(1.0 / max(n, 1.0) + doubt)
    tail = float(norm.cdf((np.log(max(n, 0.5)) - np.log(limits.tolerated * needed)) / spread))
    lower, upper = poisson_interval(n, level)
    return Sign(
        unit=unit, stage=stage, against="target", value=n, lower=lower, upper=upper, reference=needed, n=n,
        p=tail, crossed=n < limits.alarm * needed, amount=max(needed - n, 0.0) * worth,
        second=normal_quantile(level) * spread,
    )  # fmt: skip


# ---- Stalled and dead deals ---------------------------------------------------------------------------------


def usual_age(desk: Desk, stage: int) -> float:
    """Return the days by which nineteen of twenty finished stays in a stage were over; infinite with too few."""
    mine = _lengths(desk, stage)
    return float(np.quantile(mine, OLD_SHARE)) if mine.size >= LEAST_STAYS else np.inf


def _lengths(desk: Desk, stage: int) -> Floats:
    """Return the days of the finished stays in a stage."""
    ledger = desk.ledger
    mine = ledger.stage == stage
    found = in_days(ledger.left_s[mine]) - in_days(ledger.entered_s[mine])
    return np.asarray(found[~np.isnan(found)])


def stalled(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of deals in hand beyond the usual age of their stage against what is ordinary."""
    if not losses_dated(desk.ledger):  # the stays that are known to have finished are then the short ones
        raise Missing("lost_dates")
    if not moves_known(desk.ledger):
        raise Missing("history")
    old, ordinary = np.zeros(len(desk.won), bool), np.zeros(len(desk.won))
    judged = desk.in_hand & ~np.isnan(desk.here_days)
    for k in range(desk.ledger.won):
        mine, usual = _lengths(desk, k), usual_age(desk, k)
        here = judged & (desk.standing == k)
        if np.isinf(usual):
            judged &= ~here
            continue
        old |= here & (desk.here_days > usual)
        # of deals that come evenly, those beyond the age make up this share of those in hand
        ordinary[here] = float(np.maximum(mine - usual, 0).sum() / max(mine.sum(), 1e-9))
    if not judged.any():
        raise Missing("history")
    n, k_old = desk.sums(judged), desk.sums(judged & old)
    usual_share = desk.sums(judged, ordinary) / np.maximum(n, 1)
    worth = desk.worth(judged & old)
    for unit in desk.units:
        if n[unit] < limits.least_n:
            continue
        share = float(k_old[unit] / n[unit])
        lower, upper = wilson(k_old[unit], n[unit], level)
        bound = min(float(usual_share[unit]) + limits.tolerated, 0.99)
        yield Sign(
            unit=unit, value=share, lower=float(lower), upper=float(upper), reference=float(usual_share[unit]),
            n=float(n[unit]), p=float(higher_share(k_old[unit], n[unit], bound)), second=float(k_old[unit]),
            crossed=share >= usual_share[unit] + limits.alarm, amount=float(worth[unit]),
            deals=desk.of(unit, judged & old),
        )  # fmt: skip
