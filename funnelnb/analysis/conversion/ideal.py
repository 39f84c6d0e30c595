"""How far is the actual funnel from the ideal one, and at which step is the gap?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import of_other_stages
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.conversion.conversion import StepRow
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealRow:
    """One step, as it is and as it should be.

    Attributes
    ----------
    stage : str
    entry_n, exit_n : int
        Deals that reached the stage, and that went beyond it.
    here_n : int
        Still there.
    actual_rate, actual_ci_lower, actual_ci_upper : float
        Share that goes on by the horizon; of decided deals where no time is known.
    ideal_rate : float
    gap : float
        Actual less ideal.
    ideal_n : int
        Deals that would reach the stage if as many as now entered at the top and every step were ideal.
    missing_n : float
        Deals that this step alone lets go too much: (ideal - actual) of those that reached it; negative where it
        does better.
    missing_wins_n : float
        Wins that would come on top of those of now if this step alone were ideal.
    verdict : {"below", "above", "not_separable", "too_few"}
        Whether the interval leaves the ideal outside.
    enough : bool
    """

    stage: str
    entry_n: int
    exit_n: int
    here_n: int
    actual_rate: float
    actual_ci_lower: float
    actual_ci_upper: float
    ideal_rate: float
    gap: float
    ideal_n: int
    missing_n: float
    missing_wins_n: float
    verdict: str
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FunnelGap(Result):
    """The ideal funnel against the actual one.

    Attributes
    ----------
    horizon_days : float
    rows : tuple of IdealRow
    worst : str
        Step below the ideal whose gap costs most wins; empty where none is below for sure.
    actual_overall_rate, ideal_overall_rate : float
        Product of the steps.
    actual_slope_rate, ideal_slope_rate : float
        Slope of the funnel: geometric mean of the steps' rates.
    reference : str
        ``"given"``, or the name of the book that the ideal was measured in.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    horizon_days: float
    rows: tuple[IdealRow, ...]
    worst: str
    actual_overall_rate: float
    ideal_overall_rate: float
    actual_slope_rate: float
    ideal_slope_rate: float
    reference: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...] = ()


@question("targets")
def ideal_funnel(
    book: Book,
    ideal: Sequence[float] | Mapping[str, float] | Book,
    *,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> FunnelGap:
    """How far is the actual funnel from the ideal one, and at which step is the gap?

    Parameters
    ----------
    book : Book
    ideal : sequence of float, mapping of stage to float, or Book
        Share that should get through each step up to won; or a book whose shares are the ideal (the best region,
        last year).
    horizon_days : float, optional
        Age by which a step counts; None finds one.
    confidence_level : float, optional

    Returns
    -------
    FunnelGap

    Raises
    ------
    ParameterError
        There is not one share between 0 and 1 per step, or the other book has other stages.

    Examples
    --------
    >>> import funnelnb as fn
    >>> book = fn.sample()
    >>> result = fn.ideal_funnel(book.where(region="Nordics"), book.where(region="DACH"), horizon_days=180)
    >>> len(result.rows)
    5
    """
    found = conversion(book, horizon_days=horizon_days, confidence_level=confidence_level)
    steps = [step for step in found.steps if not step.after_sale]
    rates, reference = ideal_rates(book, ideal, [step.stage for step in steps], found.horizon_days)
    entered = steps[0].reached_n if steps else 0
    rows = []
    for place, step in enumerate(steps):
        ideal_n = round(entered * float(np.prod(rates[:place])))
        rows.append(_row(step, rates, place, steps, ideal_n))
    below = [row for row in rows if row.verdict == "below"]
    worst = max(below, key=lambda row: row.missing_wins_n).stage if below else ""
    actual = np.array([row.actual_rate for row in rows])
    given = reference == "given"
    source = Note("ideal_is_given") if given else Note("ideal_is_measured", {"groups": reference})
    return FunnelGap(
        n=found.n,
        method="ideal_funnel",
        confidence_level=level(confidence_level),
        as_of=found.as_of,
        currency=found.currency,
        notes=(*found.notes, source),
        horizon_days=found.horizon_days,
        rows=tuple(rows),
        worst=worst,
        actual_overall_rate=float(np.prod(actual)),
        ideal_overall_rate=float(np.prod(rates)),
        actual_slope_rate=float(np.prod(actual) ** (1 / len(rows))) if rows else np.nan,
        ideal_slope_rate=float(np.prod(rates) ** (1 / len(rows))) if rows else np.nan,
        reference=reference,
        stage_ids=found.stage_ids,
        stage_labels=found.stage_labels,
    )


def _measured(book: Book, ideal: Book, stages: list[str], horizon_days: float) -> tuple[list[float], str]:
    """Return the shares of another book of the same stages, and its name."""
    if of_other_stages(book, ideal):
        raise MissingDataError(
            "the ideal funnel: the deals of this pipeline go through stages of their own",
            expected="a book of the same stages to compare with",
        )
    if ideal.playbook.stage_ids != book.playbook.stage_ids:
        raise ParameterError(
            f"the ideal has the stages {', '.join(ideal.playbook.stage_ids)}",
            expected="the stages of the book: " + ", ".join(book.playbook.stage_ids),
            hint="look at both through one stage model with fn.seen_as",
        )
    steps = conversion(ideal, horizon_days=horizon_days).steps
    rates = [_rates(step)[0] for step in steps if not step.after_sale]
    unknown = [stage for stage, rate in zip(stages, rates, strict=True) if np.isnan(rate)]
    if unknown:
        raise MissingDataError(
            f"the ideal book has no deals to measure {', '.join(unknown)}", expected="deals in every step"
        )
    return rates, str(ideal.name)


def ideal_rates(
    book: Book, ideal: Sequence[float] | Mapping[str, float] | Book, stages: list[str], horizon_days: float
) -> tuple[list[float], str]:
    """Return the ideal share of each step, and where it comes from: ``"given"`` or the name of a book.

    Raises
    ------
    ParameterError
        There is not one share between 0 and 1 per step, or the other book has other stages.
    """
    from funnelnb.data.book import Book as SomeBook

    if isinstance(ideal, SomeBook):
        return _measured(book, ideal, stages, horizon_days)
    if isinstance(ideal, Mapping):
        unknown = [name for name in ideal if book.playbook.position(str(name)) is None]
        named = {book.playbook.position(str(name)): value for name, value in ideal.items()}
        missing = [stage for stage in stages if book.playbook.position(stage) not in named]
        if unknown or missing:
            raise ParameterError(
                f"ideal names {', '.join(map(str, ideal)) or 'nothing'}",
                expected="a share for each of " + ", ".join(stages),
                hint=nearest(str(unknown[0]), stages) if unknown else "",
            )
        given = [named[book.playbook.position(stage)] for stage in stages]
    else:
        given = list(ideal)
    if len(given) != len(stages):
        raise ParameterError(
            f"ideal has {len(given)} shares", expected=f"one for each of {', '.join(stages)}"
        )
    pairs = zip(stages, given, strict=True)
    return [check.number(f"ideal[{stage!r}]", value, gt=0, le=1) for stage, value in pairs], "given"


def _rates(step: StepRow) -> tuple[float, float, float]:
    """Return the share of a step by the horizon with its bounds, of decided deals where no time is known."""
    stem = "decided" if np.isnan(step.by_day_rate) else "by_day"
    rate, lower, upper = (getattr(step, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    return rate, lower, upper


def _row(step: StepRow, ideal: list[float], place: int, steps: list[StepRow], ideal_n: int) -> IdealRow:
    rate, lower, upper = _rates(step)
    after = float(np.prod([_rates(one)[0] for one in steps[place + 1 :]]))
    gap = rate - ideal[place]
    missing = -gap * step.reached_n
    return IdealRow(
        stage=step.stage,
        entry_n=step.reached_n,
        exit_n=step.advanced_n,
        here_n=step.here_n,
        actual_rate=rate,
        actual_ci_lower=lower,
        actual_ci_upper=upper,
        ideal_rate=ideal[place],
        gap=gap,
        ideal_n=ideal_n,
        missing_n=missing,
        missing_wins_n=missing * after,
        verdict=_verdict(step, lower, upper, ideal[place]),
        enough=step.enough,
    )


def _verdict(step: StepRow, lower: float, upper: float, ideal: float) -> str:
    if not step.enough:
        return "too_few"
    if upper < ideal:
        return "below"
    return "above" if lower > ideal else "not_separable"
