"""Which lever moves the chance of the target most: more leads, a better step, larger deals, more speed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared import by_day
from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, level, source_notes, time_counts
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.judged import require_judged, unjudged
from funnelnb.analysis.shared.period import Period, days_left, if_named, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.analysis.targets.deal_sizes import won_amounts
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.stats.totals import compound
from funnelnb.stats.totals.size import Size, points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label
    from funnelnb.stats.curves.incidence import Incidence


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverRow:
    """One lever.

    Attributes
    ----------
    lever : str
        ``"leads"``, ``"size"``, ``"speed"``, or the id of the stage whose step is meant.
    low_rate, high_rate : float
        Chance of the target with the lever moved down and up.
    gain : float
        `high_rate` less the chance of now, in share.
    swing : float
        `high_rate` less `low_rate`.
    effort : float
        Of moving the lever up; 1 where nobody says.
    gain_per_effort : float
    """

    lever: str
    low_rate: float
    high_rate: float
    gain: float
    swing: float
    effort: float
    gain_per_effort: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Levers(Result):
    """What moves the chance of a target.

    Attributes
    ----------
    target_amount : float
    leads_n : int
        New deals that are counted on.
    step_rates : tuple of float
        Measured share that gets through each step.
    win_rate : float
        Share of the leads that is won in time.
    mean_amount : float
    chance_rate : float
        Of the target as things are.
    change_share : float
        By how much every lever is moved.
    until : numpy.datetime64
        NaT without a period.
    rows : tuple of LeverRow
        Largest gain per effort first.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    target_amount: float
    leads_n: int
    step_rates: tuple[float, ...]
    win_rate: float
    mean_amount: float
    chance_rate: float
    change_share: float
    until: np.datetime64
    rows: tuple[LeverRow, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()


@question("targets")
def levers(
    book: Book,
    *,
    leads: int | None = None,
    amount: float | None = None,
    period: str | None = None,
    until: Day | None = None,
    change: float = 0.1,
    effort: Mapping[str, float] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> Levers:
    """Which lever moves the chance of the target most, for the effort it takes?

    Parameters
    ----------
    book : Book
        Where rates, sizes and times are measured.
    leads : int, optional
        New deals that come in, evenly over the period. None: as many as give an even chance, so that every lever
        can be seen.
    amount : float, optional
        Amount they have to bring; None takes the table ``targets`` of the period.
    period, until : optional
        The time they have; without it the horizon.
    change : float
        How far each lever is moved, between 0 and 1: so many more leads, so much larger deals, so much less time,
        and at a step so large a part of the deals that do not get through now.
    effort : mapping, optional
        Effort of moving a lever up, by ``"leads"``, ``"size"``, ``"speed"`` or stage; 1 where not named.
    horizon_days : float, optional
    confidence_level : float, optional

    Returns
    -------
    Levers

    Raises
    ------
    ParameterError
        A parameter is out of range, or the period is over.
    MissingDataError
        No won deal has an amount, or no target is known.

    Notes
    -----
    Wins are binomial in the leads, each of a size drawn from history; the chance of their sum is exact. Levers
    are moved one at a time. Moving a step up lets so large a part of the deals that fail there get through,
    moving it down makes so many more fail.

    Checked against the binomial for one size, and simulation: ``tests/analysis/test_target.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.levers(fn.sample(), amount=5_000_000, period="2026-Q4")
    >>> all(row.high_rate >= result.chance_rate >= row.low_rate for row in result.rows)
    True
    """
    part = check.number("change", change, gt=0, lt=1)
    ending = if_named(book, period, until)
    target = _target(book, amount, ending)
    left = days_left(book, ending) if ending else None
    model = _Model.of(book, left, horizon_days, level(confidence_level))
    count = _leads(model, target, leads)
    base = model.chance(target, count)
    rows = _rows(book, model, target, count, part, base, _efforts(model, effort))
    assumed = () if leads is not None else (Note("levers_even", {"leads_n": count}),)
    return Levers(
        n=model.deal_n,
        method="levers",
        confidence_level=level(confidence_level),
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *assumed),
        target_amount=target,
        leads_n=count,
        step_rates=model.steps,
        win_rate=model.rate(),
        mean_amount=model.size.mean,
        chance_rate=base,
        change_share=part,
        until=ending.end if ending else np.datetime64("NaT", "D"),
        rows=rows,
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def _target(book: Book, amount: float | None, period: Period | None) -> float:
    if period is not None:
        return target_amount(book, amount, period)
    if amount is None:
        raise ParameterError(
            "neither amount nor period", expected="amount=..., or a period of the table targets"
        )
    return check.number("amount", amount, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """Leads, steps, sizes and time of one book."""

    steps: tuple[float, ...]
    stages: tuple[str, ...]
    won: Incidence
    days: float
    spread_out: bool
    size: Size
    deal_n: int

    @classmethod
    def of(
        cls, book: Book, days: float | None, horizon_days: float | None, confidence_level: float
    ) -> _Model:
        won = book.playbook.won
        whole = time_counts(book, 0, won)
        horizon = settle(horizon_days, whole).days
        steps = []
        for k in range(won):
            (times,) = by_day.split(time_counts(book, k, k + 1))
            rate = (
                by_day.at_day(times, by_day.curve(times, confidence_level), horizon).rate
                if times.n.sum()
                else np.nan
            )
            steps.append(float(rate))
        if np.isnan(steps).any():
            if unjudged(book):
                require_judged(book, what="the share that gets through every step")
            raise MissingDataError(
                "the share that gets through every step cannot be measured",
                expected="dated deals in every stage",
            )
        (times,) = by_day.split(whole)
        return cls(
            steps=tuple(steps),
            stages=book.playbook.stage_ids[:won],
            won=by_day.curve(times, confidence_level),
            days=horizon if days is None else days,
            spread_out=days is not None,
            size=points(won_amounts(book)[0]),
            deal_n=int(times.n.sum()),
        )

    def rate(self, speed: float = 1.0, step: int = -1, moved: float = 0.0) -> float:
        """Return the share of leads won in time, with `speed` times the pace and one step's share moved."""
        grid = np.linspace(0, self.days, 201) if self.spread_out else np.array([self.days])
        at = np.searchsorted(self.won.time, grid * speed * SECONDS_PER_DAY, side="right") - 1
        in_time = float(np.nan_to_num(self.won.rate[by_day.ADVANCED_CAUSE][at]).mean())
        if step < 0:
            return in_time
        now = self.steps[step]
        then = max(0.0, now + moved * (1 - now))
        return min(1.0, in_time * then / now) if now > 0 else in_time

    def chance(self, target: float, leads: int, rate: float | None = None, larger: float = 1.0) -> float:
        """Return the chance of the target."""
        won = self.rate() if rate is None else rate
        return compound.chance_of_n(self.size.with_chance(won), leads, target / larger).value


def _leads(model: _Model, target: float, leads: int | None) -> int:
    if leads is not None:
        number = check.number("leads", leads, ge=1, le=compound.MOST_DEALS)
        if number != int(number):
            raise ParameterError(f"leads = {leads!r}", expected="a whole number")
        return int(number)
    rate = model.rate()
    if not rate > 0:
        raise MissingDataError(
            f"nothing was ever won within {model.days:.0f} days",
            expected="a longer period, or a history with wins",
        )
    return compound.required_n(model.size.with_chance(rate), target, 0.5)


def _efforts(model: _Model, effort: Mapping[str, float] | None) -> dict[str, float]:
    names = ("leads", "size", "speed", *model.stages)
    for name in effort or {}:
        if name not in names:
            raise ParameterError(
                f"effort names {name!r}",
                expected="one of " + ", ".join(names),
                hint=nearest(str(name), names),
            )
    given = {name: check.number(f"effort[{name!r}]", value, gt=0) for name, value in (effort or {}).items()}
    return dict.fromkeys(names, 1.0) | given


def _rows(
    book: Book, model: _Model, target: float, leads: int, part: float, base: float, effort: dict[str, float]
) -> tuple[LeverRow, ...]:
    more, fewer = round(leads * (1 + part)), round(leads * (1 - part))
    moved = {
        "leads": (model.chance(target, fewer), model.chance(target, more)),
        "size": (model.chance(target, leads, larger=1 - part), model.chance(target, leads, larger=1 + part)),
        "speed": tuple(
            model.chance(target, leads, model.rate(speed=pace)) for pace in (1 / (1 + part), 1 / (1 - part))
        ),
    }
    for place, stage in enumerate(model.stages):
        moved[stage] = tuple(
            model.chance(target, leads, model.rate(step=place, moved=one)) for one in (-part, part)
        )
    rows = [
        LeverRow(
            lever=name,
            low_rate=low,
            high_rate=high,
            gain=high - base,
            swing=high - low,
            effort=effort[name],
            gain_per_effort=(high - base) / effort[name],
        )
        for name, (low, high) in moved.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.gain_per_effort, row.lever)))
