"""What should each stage and each person attain, so that the target is reached?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.ideal import ideal_rates
from funnelnb.analysis.shared.counts import level, one_attribute, source_notes
from funnelnb.analysis.shared.entered import entered_s
from funnelnb.analysis.shared.open_deals import standing_n
from funnelnb.analysis.shared.period import still_to_come, target_amount
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.targets import pipeline as pipes
from funnelnb.analysis.targets.deal_sizes import won_amounts
from funnelnb.analysis.targets.shares import share_out
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL
from funnelnb.stats.rates.shrink import beta_binomial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.conversion.conversion import StepRow
    from funnelnb.analysis.shared.period import Period
    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

YEAR_DAYS = 365.25
SETTLING_YEARS = 0.25
"""Experience that everybody is credited with at the team's pace, so that a new person is not judged by a few weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTarget:
    """What one stage should do.

    Attributes
    ----------
    stage : str
    actual_rate, actual_ci_lower, actual_ci_upper : float
        Share that goes on by the horizon, from history.
    target_rate : float
        The ideal where one is given and better, else history.
    needed_n : float
        Deals that must come to the stage, at the target rates from here on.
    needed_amount : float
        Sales figure of the stage: needed deals times the mean amount of a won deal.
    open_n : int
        Open deals that stand there.
    enough : bool
    """

    stage: str
    actual_rate: float
    actual_ci_lower: float
    actual_ci_upper: float
    target_rate: float
    needed_n: float
    needed_amount: float
    open_n: int
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTarget:
    """What one person should bring.

    Attributes
    ----------
    group : tuple of str
    experience_days : float
        Since the first deal on record.
    closed_n, won_n : int
    ability_rate, ability_ci_lower, ability_ci_upper : float
        Won of closed deals, shrunk towards the team by how few they are.
    territory_amount : float
        Open deals, each weighted by its measured chance to be won in time.
    new_amount : float
        Expected from deals yet to be entered: pace and ability, both measured and shrunk.
    target_share, target_amount : float
    equal_amount : float
        What it would be if everybody had the same.
    """

    group: tuple[str, ...]
    experience_days: float
    closed_n: int
    won_n: int
    ability_rate: float
    ability_ci_lower: float
    ability_ci_upper: float
    territory_amount: float
    new_amount: float
    target_share: float
    target_amount: float
    equal_amount: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageTargets(Result):
    """Targets by stage and by person. `n` counts the deals behind the rates.

    Attributes
    ----------
    by : tuple of str
    target_amount : float
    until : numpy.datetime64
    wins_n : float
        Wins of mean size that make the target.
    mean_won_amount : float
    horizon_days : float
    reference : str
        What the ideal is: ``"given"``, the name of a book, or empty.
    stages : tuple of StageTarget
    rows : tuple of PersonTarget
        Largest target first; empty without people on record.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    target_amount: float
    until: np.datetime64
    wins_n: float
    mean_won_amount: float
    horizon_days: float
    reference: str
    stages: tuple[StageTarget, ...]
    rows: tuple[PersonTarget, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("targets")
def stage_targets(
    book: Book,
    *,
    amount: float | None = None,
    period: str | None = None,
    until: Day | None = None,
    ideal: Sequence[float] | Mapping[str, float] | Book | None = None,
    by: str | Sequence[str] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> StageTargets:
    """What should each stage and each person attain, so that the target is reached?

    Parameters
    ----------
    book : Book
    amount : float, optional
        Target; None takes the table ``targets`` of the period.
    period, until : optional
        Month, quarter or year still to come or running; or its last day.
    ideal : sequence of float, mapping of stage to float, or Book, optional
        Share that should get through each step. Where it is better than history, it is the stage's target.
    by : str, optional
        Attribute whose values share the target, such as ``"team"`` or ``"region"``; None: ``"owner"``.
    horizon_days : float, optional
        Age by which a step counts; None finds one.
    confidence_level : float, optional

    Returns
    -------
    StageTargets

    Raises
    ------
    ParameterError
        A parameter is out of range, the period is over, or the ideal does not fit the stages.
    MissingDataError
        No target is known, or no won deal has an amount.

    Notes
    -----
    Wins = target / mean won amount. Deals needed at a stage = wins / product of the target rates from there on; its
    sales figure is that times the mean amount. Shares: open deals by their measured chances (territory), and new
    business by pace (deals entered per year of experience, with a quarter of a year at the team's pace added) times
    ability (won of closed, beta-binomial shrinkage), scaled to what new deals are expected to bring.

    References
    ----------
    Morris (1983), doi:10.1080/01621459.1983.10477920.

    Checked against divisions by hand, shares that add up and a floor with planted ability:
    ``tests/analysis/test_stage_targets.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.targets.stage_targets(fn.sample(), period="2026-Q3")
    >>> round(sum(row.target_amount for row in result.rows)) == round(result.target_amount)
    True
    """
    confidence = level(confidence_level)
    name = one_attribute(book, by, "owner")
    ending = still_to_come(book, period, until)
    target = target_amount(book, amount, ending)
    sizes, _ = won_amounts(book)
    mean = float(sizes.mean())
    found = conversion(book, horizon_days=horizon_days, confidence_level=confidence)
    steps = [step for step in found.steps if not step.after_sale]
    wanted, reference = _wanted(book, ideal, steps, found.horizon_days)
    return StageTargets(
        n=found.n,
        method="stage_targets",
        confidence_level=confidence,
        **about(book),
        notes=(*book.notes, *source_notes(book)),
        by=(name,),
        target_amount=target,
        until=ending.end,
        wins_n=target / mean,
        mean_won_amount=mean,
        horizon_days=found.horizon_days,
        reference=reference,
        stages=_stages(steps, wanted, target / mean, mean, standing_n(book.ledger)),
        rows=_people(book, name, target, ending, mean, confidence),
    )


def _history(step: StepRow) -> tuple[float, float, float]:
    """Return the share by the horizon with its bounds; of closed deals only where no deal's times are known."""
    stem = "by_day" if step.by_day_n else "decided"
    rate, lower, upper = (getattr(step, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    return rate, lower, upper


def _wanted(
    book: Book,
    ideal: Sequence[float] | Mapping[str, float] | Book | None,
    steps: list[StepRow],
    horizon_days: float,
) -> tuple[list[float], str]:
    """Return the target rate of each step, and where the ideal comes from."""
    actual = [_history(step)[0] for step in steps]
    if ideal is None:
        return actual, ""
    rates, reference = ideal_rates(book, ideal, [step.stage for step in steps], horizon_days)
    return [float(np.nanmax([one, other])) for one, other in zip(actual, rates, strict=True)], reference


def _stages(
    steps: list[StepRow], wanted: list[float], wins: float, mean: float, standing: NDArray[np.int64]
) -> tuple[StageTarget, ...]:
    rows = []
    for k, step in enumerate(steps):
        through = float(np.prod(wanted[k:]))
        needed = wins / through if through > 0 else float("nan")
        rate, lower, upper = _history(step)
        rows.append(
            StageTarget(
                stage=step.stage,
                actual_rate=rate,
                actual_ci_lower=lower,
                actual_ci_upper=upper,
                target_rate=wanted[k],
                needed_n=needed,
                needed_amount=needed * mean,
                open_n=int(standing[k + len(standing) - len(steps)]),
                enough=step.enough,
            )
        )
    return tuple(rows)


def _people(
    book: Book, name: str, target: float, ending: Period, mean: float, confidence_level: float
) -> tuple[PersonTarget, ...]:
    ledger = book.ledger
    coded = ledger.attributes[name]
    size, codes = len(coded.labels), coded.codes
    entered = entered_s(ledger)
    known = entered != UNKNOWN
    days = _experience(codes[known], entered[known], size, ledger.as_of_s)
    won = np.bincount(codes[ledger.outcome == WON_DEAL], minlength=size)
    closed = won + np.bincount(codes[ledger.outcome == LOST_DEAL], minlength=size)
    kept = np.array([label != "" for label in coded.labels]) & ~np.isnan(days)
    if not kept.any():
        return ()
    ability = beta_binomial(won[kept], closed[kept], confidence_level)
    territory = _territory(book, codes, size, ending, mean, confidence_level)[kept]
    recent = known & (entered > ledger.as_of_s - YEAR_DAYS * 86_400)
    pace = _pace(np.bincount(codes[recent], minlength=size)[kept], days[kept])
    weight = pace * ability.rate
    coming = pipes.arrivals(book, ending, confidence_level).mean_n * mean
    new = coming * weight / max(float(weight.sum()), 1e-300)
    shared, _ = share_out(target, territory + new, np.full(territory.size, np.inf))
    rows = [
        PersonTarget(
            group=(label,),
            experience_days=float(days[kept][k]),
            closed_n=int(closed[kept][k]),
            won_n=int(won[kept][k]),
            ability_rate=float(ability.rate[k]),
            ability_ci_lower=float(ability.ci_lower[k]),
            ability_ci_upper=float(ability.ci_upper[k]),
            territory_amount=float(territory[k]),
            new_amount=float(new[k]),
            target_share=float(shared[k] / target),
            target_amount=float(shared[k]),
            equal_amount=target / territory.size,
        )
        for k, label in enumerate(np.array(coded.labels)[kept].tolist())
    ]
    return tuple(sorted(rows, key=lambda row: (-row.target_amount, row.group)))


def _territory(
    book: Book,
    codes: NDArray[np.int32],
    size: int,
    ending: Period,
    mean: float,
    confidence_level: float,
) -> NDArray[np.float64]:
    """Return what each person's open deals are expected to bring; one without an amount counts as an average one."""
    deals = pipes.pipeline(book)
    chance = pipes.chances_in(book, deals, ending, confidence_level)
    worth = np.where(np.isnan(deals.amount), mean, deals.amount) * chance
    return np.bincount(codes[deals.index], weights=worth, minlength=size).astype(np.float64)


def _experience(
    codes: NDArray[np.int32], entered: NDArray[np.int64], size: int, as_of_s: int
) -> NDArray[np.float64]:
    """Return the days since the first deal of each person; NaN where none is dated."""
    never = np.iinfo(np.int64).max
    first = np.full(size, never)
    np.minimum.at(first, codes, entered)
    days: NDArray[np.float64] = np.where(
        first == never, np.nan, (as_of_s - np.where(first == never, 0, first)) / 86_400
    )
    return days


def _pace(entered_n: NDArray[np.int64], days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return deals entered per year of experience (a year at most), each with some of the team's pace added.

    Examples
    --------
    >>> _pace(np.array([100, 25]), np.array([400.0, 91.3125])).round().tolist()
    [100.0, 100.0]
    """
    years = np.minimum(days, YEAR_DAYS) / YEAR_DAYS
    team = float(entered_n.sum() / max(float(years.sum()), 1e-9))
    made: NDArray[np.float64] = (entered_n + SETTLING_YEARS * team) / (years + SETTLING_YEARS)
    return made
