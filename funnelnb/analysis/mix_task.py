"""What is asked of a mix of deals: from which history, at which effort, within which limits?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.bands import Band, given_bands, measured_bands
from funnelnb.analysis.plans import Planner
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note
from funnelnb.stats.mix import Limit, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.data.book import Book


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
    bands: tuple[Band, ...], effort: Sequence[float] | None, unit: str
) -> tuple[tuple[float, ...], str, tuple[Note, ...]]:
    """Return the effort of one deal in each band, its unit, and a note where it was not given."""
    if effort is not None:
        if len(effort) != len(bands):
            raise ParameterError(f"effort has {len(effort)} values", expected=f"one per band, {len(bands)}")
        return tuple(float(one) for one in effort), unit, ()
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
    """What a mix has to keep to. Attributes as the parameters of :func:`funnelnb.analysis.mix.deal_mix`."""

    limits: Mapping[str, tuple[Sequence[float], float]] | None
    most_share: float
    least_n: Sequence[int]
    most_n: Sequence[int]
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
        least_n = check.whole_numbers("least_n", self.least_n)
        most_n = check.whole_numbers("most_n", self.most_n)
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
