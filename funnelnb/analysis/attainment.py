"""How likely is a target attained, by what is won, what is open and what is yet to come?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis import pipeline as pipes
from funnelnb.analysis.history import closed_between
from funnelnb.core.note import Note
from funnelnb.data.codes import WON_DEAL
from funnelnb.stats.portfolio import portfolio
from funnelnb.stats.size import Size, points

if TYPE_CHECKING:
    from funnelnb.analysis.period import Period
    from funnelnb.data.book import Book

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainCurve:
    """Chance that at least so much is attained.

    Attributes
    ----------
    total_amount : ndarray of float64, shape (C,)
        What has been won in the period included.
    chance_rate : ndarray of float64, shape (C,)
    probability_rate : ndarray of float64, shape (C,)
        In a cell around the total.
    """

    total_amount: Floats
    chance_rate: Floats
    probability_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attainment:
    """What the open deals, the wins so far and the deals yet to come make likely.

    Attributes
    ----------
    won_amount, new_amount, new_n, expected_amount, chance_rate, chance_open_rate, assured_amount, shock_sd, curve
        As in :class:`~funnelnb.analysis.quota.Quota`.
    notes : tuple of Note
        What the total assumes.
    """

    won_amount: float
    new_amount: float
    new_n: float
    expected_amount: float
    chance_rate: float
    chance_open_rate: float
    assured_amount: float
    shock_sd: float
    curve: AttainCurve
    notes: tuple[Note, ...]


def attainment(
    book: Book,
    deals: pipes.Pipeline,
    chance: Floats,
    period: Period | None,
    target: float,
    *,
    measured: bool,
    assurance: float,
    confidence_level: float,
) -> Attainment:
    """How likely is the target attained by the end of the period, and what is attained with some assurance?

    Parameters
    ----------
    book : Book
    deals : Pipeline
        Open deals.
    chance : ndarray of float64, shape (deals,)
        Of each to be won.
    period : Period, optional
        None: without end, and without deals yet to come.
    target : float
        NaN where none is known.
    measured : bool
        Whether the chances are measured: only then do they move together, and only then are there deals yet to
        come.
    assurance : float
    confidence_level : float
    """
    sources = _Sources.of(book, deals, chance, period, measured, confidence_level)
    curve, with_new, alone = sources.attain(target)
    weighted = float((np.where(np.isnan(deals.amount), 0.0, deals.amount) * chance).sum())
    return Attainment(
        won_amount=sources.won,
        new_amount=sources.new_amount,
        new_n=sources.coming.mean_n,
        expected_amount=sources.won + weighted + float(np.nan_to_num(sources.new_amount)),
        chance_rate=with_new,
        chance_open_rate=alone,
        assured_amount=_assured(curve, assurance),
        shock_sd=sources.spread,
        curve=curve,
        notes=sources.notes(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Everything that the total of a period is made of."""

    deals: pipes.Pipeline
    chance: Floats
    whole: Size | None
    won: float
    coming: pipes.Arrivals
    spread: float

    @classmethod
    def of(
        cls,
        book: Book,
        deals: pipes.Pipeline,
        chance: Floats,
        period: Period | None,
        measured: bool,
        level: float,
    ) -> _Sources:
        ledger = book.ledger
        sold = ledger.amount[(ledger.outcome == WON_DEAL) & (ledger.amount > 0)]
        none = pipes.Arrivals(mean_n=0.0, shape=np.inf, window_days=0.0, new_n=0)
        arriving = measured and period is not None and sold.size > 0
        return cls(
            deals=deals,
            chance=chance,
            whole=points(sold) if sold.size else None,
            won=closed_between(book, period.start) if period else 0.0,
            coming=pipes.arrivals(book, period, level) if arriving and period else none,
            spread=pipes.shock(book) if measured else 0.0,
        )

    @property
    def new_amount(self) -> float:
        """Expected from deals yet to be entered."""
        if not self.coming.window_days or self.whole is None:
            return np.nan
        return self.coming.mean_n * self.whole.mean

    def notes(self) -> tuple[Note, ...]:
        """What the total assumes."""
        found: tuple[Note, ...] = ()
        if self.coming.window_days:
            found += (
                Note(
                    "quota_new", {"new_n": self.coming.new_n, "window_days": round(self.coming.window_days)}
                ),
            )
        if self.spread:
            found += (Note("quota_shock", {"factor": float(np.exp(self.spread))}),)
        return found

    def attain(self, target: float) -> tuple[AttainCurve, float, float]:
        """Return the curve of the total, and the chance of `target` with and without deals yet to come."""
        sizes, groups = pipes.size_groups(self.deals, self.chance, self.whole)
        if self.coming.mean_n > 0 and self.whole is not None:
            sizes = [*sizes, self.whole]
        arrivals = [(len(sizes) - 1, self.coming.mean_n, self.coming.shape)] if self.coming.mean_n > 0 else []
        upto = self._upto(sizes, groups, arrivals)
        rest = target - self.won if target > self.won else np.nan
        goal = rest if np.isfinite(rest) else upto / 2
        levels = pipes.shocked(self.chance, self.spread)
        parts = [(place, levels[:, mine]) for place, mine in groups]
        total, mass, found, without = portfolio(
            sizes,
            parts,
            arrivals,
            goal,
            max(upto, 1.05 * goal),
            level_weight=np.full(len(levels), 1 / len(levels)),
        )
        curve = AttainCurve(
            total_amount=total + self.won,
            chance_rate=np.clip(1 - np.cumsum(mass) + mass / 2, 0, 1),
            probability_rate=mass,
        )
        if np.isfinite(target) and target <= self.won:
            return curve, 1.0, 1.0
        known = np.isfinite(rest)
        return curve, found.value if known else np.nan, without.value if known else np.nan

    def _upto(self, sizes: list[Size], groups: list[Any], arrivals: list[Any]) -> float:
        """Return an amount that the total hardly ever exceeds."""
        mean = variance = 0.0
        for place, mine in groups:
            rate, size = self.chance[mine], sizes[place]
            square = size.variance + size.mean**2
            mean += float(rate.sum()) * size.mean
            variance += float((rate * square - (rate * size.mean) ** 2).sum())
        for place, count, shape in arrivals:
            size = sizes[place]
            mean += count * size.mean
            variance += count * (size.variance + size.mean**2) + (count * size.mean) ** 2 / shape
        return max(mean * np.exp(2.5 * self.spread) + 4 * np.sqrt(variance), 1.0)


def _assured(curve: AttainCurve, assurance: float) -> float:
    """Return the amount that is attained with this chance."""
    reached = np.flatnonzero(curve.chance_rate >= assurance)
    return float(curve.total_amount[reached[-1]]) if reached.size else float(curve.total_amount[0])
