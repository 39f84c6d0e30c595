"""The log-likelihood of observed times under any family, its gradient and its second derivatives.

With F the family's distribution of w = alpha + beta log(time), c the share that ever finishes and p the share
that does so at once, the probability of having finished by t is ``G(t) = p + (1 - p) c F(t)``. A row known
exactly adds ``log G'``, one still open ``log(1 - G)``, an interval ``log(G(upper) - G(lower))``, and one
first seen at an entry age subtracts ``log(1 - G(entry))``: the same term as a row still open, with a negative
weight. That is why the truncation always sees the whole mixture, and why everything is a sum over four kinds
of points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core.arrays import blocks
from funnelnb.core.errors import ParameterError
from funnelnb.stats.lifetime.family import Family, Standard, log_one_minus_exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnelnb.stats.lifetime.observed import Observed


Floats = NDArray[np.float64]
_FORM_STEP = 3e-4
"""Of differences by the form: standard errors that do not depend on the unit of time to six digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Observed times sorted by what is known of them: logarithms (less `shift`) and weights.

    Attributes
    ----------
    exact, above, below, low, high : ndarray of float64
        Exactly then; still open then (weights negative for entries); at most then, from the start; between
        `low` and `high`.
    exact_n, above_n, below_n, between_n : ndarray of float64
        Weights.
    at_once_n : float
        Exact zeros.
    later_n : float
        Weight of ``log(1 - p)``.
    log_time_sum : float
        Sum of the logarithms of the exact times.
    shift : float
        Subtracted from all logarithms, so that alpha and beta are nearly independent.
    total_n : float
    """

    exact: Floats
    exact_n: Floats
    above: Floats
    above_n: Floats
    below: Floats
    below_n: Floats
    low: Floats
    high: Floats
    between_n: Floats
    at_once_n: float
    later_n: float
    log_time_sum: float
    shift: float
    total_n: float

    @property
    def size(self) -> int:
        """Points of all kinds."""
        return self.exact.size + self.above.size + self.below.size + self.between_n.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Which parameters are estimated, and where each stands in the vector.

    The order is alpha, beta, form, logit(c), logit(p), as far as they are free.
    """

    family: Family
    never: bool
    at_once: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters in their order."""
        free = (True, self.family.free_scale, self.family.free_form, self.never, self.at_once)
        return tuple(
            name for name, one in zip(("alpha", "beta", "form", "never", "at_once"), free, strict=True) if one
        )

    def unpack(self, theta: Floats) -> tuple[float, float, float, float, float]:
        """Return alpha, beta, form, c and p."""
        given = dict(zip(self.names, (float(one) for one in theta), strict=True))
        return (
            given["alpha"],
            given.get("beta", 1.0),
            given.get("form", 0.0),
            _logistic(given["never"]) if self.never else 1.0,
            _logistic(given["at_once"]) if self.at_once else 0.0,
        )


def points(known: Observed, at_once: bool = False) -> Points:
    """Sort the rows of `known` by what is known, and merge equal whole times.

    Raises
    ------
    ParameterError
        If there are exact zeros without a share that moves at once.
    """
    is_open, exact = np.isinf(known.upper), known.lower == known.upper
    within = ~(is_open | exact)
    zero = exact & (known.upper == 0)
    if zero.any() and not at_once:
        raise ParameterError(
            f"{known.n[zero].sum():g} times are exactly 0",
            expected="times above 0, or same-day moves as an interval",
            hint="give same_day=1.0 to observed(), or fit a share that moves at once",
        )
    late = known.entry > 0
    exact_t, exact_n = _merged(*_rows(exact & ~zero, known.upper, known.n))
    open_t, open_n = _rows(is_open & (known.lower > 0), known.lower, known.n)
    late_t, late_n = _rows(late, known.entry, known.n)
    above_t, above_n = _merged(np.concatenate((open_t, late_t)), np.concatenate((open_n, -late_n)))
    below_t, below_n = _merged(*_rows(within & (known.lower == 0), known.upper, known.n))
    between = _rows(within & (known.lower > 0), known.lower, known.upper, known.n)
    low_t, high_t, between_n = _merged_pairs(*between)
    exact_x, above_x, below_x, low_x, high_x = map(np.log, (exact_t, above_t, below_t, low_t, high_t))
    log_time_sum = float(exact_n @ exact_x)
    finished_n = exact_n.sum() + below_n.sum() + between_n.sum()
    finished_sum = log_time_sum + below_n @ below_x + between_n @ high_x
    shift = float(finished_sum / finished_n) if finished_n else 0.0
    return Points(
        exact=exact_x - shift,
        exact_n=exact_n,
        above=above_x - shift,
        above_n=above_n,
        below=below_x - shift,
        below_n=below_n,
        low=low_x - shift,
        high=high_x - shift,
        between_n=between_n,
        at_once_n=float(known.n[zero].sum()),
        later_n=float(exact_n.sum() + above_n.sum() + between_n.sum()),
        log_time_sum=log_time_sum,
        shift=shift,
        total_n=known.total_n,
    )


def _rows(wanted: NDArray[np.bool_], *columns: Floats) -> tuple[Floats, ...]:
    """Return the wanted rows of every column."""
    rows = np.flatnonzero(wanted)
    return tuple(column[rows] for column in columns)


def _whole(time: Floats) -> bool:
    """Return whether there are enough whole times, few enough of them different, to be worth merging."""
    return time.size > 1 and time.max() <= 16 * time.size + 100_000 and np.array_equal(time, np.floor(time))


def _merged(time: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return distinct times with summed weights where times are whole numbers; otherwise all rows as they are."""
    if not _whole(time):
        return time, weight
    sums: Floats = np.bincount(time.astype(np.int64), weights=weight).astype(float)
    present = np.flatnonzero(sums)
    return present.astype(float), sums[present]


def _merged_pairs(low: Floats, high: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return distinct intervals with summed weights where both ends are whole numbers, as :func:`_merged` does."""
    if not (_whole(low) and _whole(high)):
        return low, high, weight
    base = int(high.max()) + 1
    keys, place = np.unique(low.astype(np.int64) * base + high.astype(np.int64), return_inverse=True)
    firsts, seconds = np.divmod(keys, base)
    return firsts.astype(float), seconds.astype(float), np.bincount(place, weights=weight).astype(float)


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x))) if x >= 0 else float(np.exp(x) / (1 + np.exp(x)))


class _Sum:
    """Value, gradient and second derivatives, added up set by set. Parameters: alpha, beta, logit c, logit p."""

    def __init__(self) -> None:
        self.value = 0.0
        self.gradient = np.zeros(4)
        self.second = np.zeros((4, 4))

    def along_line(self, n: Floats, x: Floats, slope: Floats, bend: Floats) -> None:
        """Add a term that depends on alpha and beta through w = alpha + beta x."""
        weighed, bent = n * slope, n * bend
        bent_x = bent * x
        self.gradient[:2] += weighed.sum(), weighed @ x
        self.second[:2, :2] += [[bent.sum(), bent_x.sum()], [bent_x.sum(), bent_x @ x]]

    def share(self, which: int, n: Floats, x: Floats, first: Floats, second: Floats, cross: Floats) -> None:
        """Add the derivatives by a share (2: c, 3: p), and the mixed ones with the line."""
        self.gradient[which] += n @ first
        self.second[which, which] += n @ second
        mixed = n * cross
        self.second[which, :2] += mixed.sum(), mixed @ x
        self.second[:2, which] += mixed.sum(), mixed @ x

    def constant(self, which: int, weight: float, log_value: float, first: float, second: float) -> None:
        """Add a term that depends on one share alone, `weight` times."""
        self.value += weight * log_value
        self.gradient[which] += weight * first
        self.second[which, which] += weight * second


def log_likelihood(at: Points, shape: Shape, theta: Floats) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood at `theta`, its gradient and its matrix of second derivatives.

    Parameters
    ----------
    at : Points
    shape : Shape
    theta : ndarray, shape (P,)
        alpha belongs to the shifted logarithms of `at`.

    Notes
    -----
    Derivatives by alpha, beta and both shares are exact. Those by the form of the gamma families, for which
    no closed form exists, are central differences of value and gradient.
    """
    alpha, beta, form, finishing, at_once = shape.unpack(theta)
    value, gradient, second = _fixed_form(at, shape, alpha, beta, form, finishing, at_once)
    free = [
        0,
        *([1] if shape.family.free_scale else []),
        *([2] if shape.never else []),
        *([3] if shape.at_once else []),
    ]
    gradient, second = gradient[free], second[np.ix_(free, free)]
    if not shape.family.free_form:
        return value, gradient, second
    step = _FORM_STEP * max(1.0, abs(form))
    up = _fixed_form(at, shape, alpha, beta, form + step, finishing, at_once)
    down = _fixed_form(at, shape, alpha, beta, form - step, finishing, at_once)
    place = shape.names.index("form")
    slope, bend = (up[0] - down[0]) / (2 * step), (up[0] - 2 * value + down[0]) / step**2
    mixed = (up[1][free] - down[1][free]) / (2 * step)
    gradient = np.insert(gradient, place, slope)
    second = np.insert(np.insert(second, place, mixed, axis=0), place, np.insert(mixed, place, bend), axis=1)
    return value, gradient, second


def _fixed_form(
    at: Points, shape: Shape, alpha: float, beta: float, form: float, c: float, p: float
) -> tuple[float, Floats, Floats]:
    """Return value, gradient and second derivatives by alpha, beta, logit c and logit p."""
    total = _Sum()
    standard = shape.family.standard
    for n, x in _blocks(at.exact_n, at.exact):
        base = standard(alpha + beta * x, form)
        total.value += float(n @ base.log_density)
        total.along_line(n, x, base.slope, base.bend)
    if at.exact.size:
        size = float(at.exact_n.sum())
        total.value += size * np.log(beta) - at.log_time_sum
        total.gradient[1] += size / beta
        total.second[1, 1] -= size / beta**2
        if shape.never:
            total.constant(2, size, np.log(c), 1 - c, -c * (1 - c))
    for n, x in _blocks(at.above_n, at.above):
        _still_open(total, n, x, standard(alpha + beta * x, form), shape.never, c)
    for n, x in _blocks(at.below_n, at.below):
        _from_the_start(total, n, x, standard(alpha + beta * x, form), shape, c, p)
    for n, low, high in _blocks(at.between_n, at.low, at.high):
        ends = standard(alpha + beta * low, form), standard(alpha + beta * high, form)
        _between(total, n, low, high, *ends)
    if shape.never and at.between_n.size:
        total.constant(2, float(at.between_n.sum()), np.log(c), 1 - c, -c * (1 - c))
    if shape.at_once:
        total.constant(3, at.later_n, np.log1p(-p), -p, -p * (1 - p))
        if at.at_once_n:
            total.constant(3, at.at_once_n, np.log(p), 1 - p, -p * (1 - p))
    return total.value, total.gradient, total.second


def _blocks(*columns: Floats) -> Iterator[tuple[Floats, ...]]:
    """Yield the same stretch of every column, one stretch after the other."""
    for rows in blocks(columns[0].size):
        yield tuple(column[rows] for column in columns)


def _still_open(total: _Sum, n: Floats, x: Floats, base: Standard, never: bool, c: float) -> None:
    """Add log(1 - c F) of every row still open, and subtract it for every entry."""
    if not never:
        log_above = base.log_above
        hazard = np.exp(base.log_density - log_above)
        total.value += float(n @ log_above)
        total.along_line(n, x, -hazard, -hazard * (base.slope + hazard))
        return
    below, density = np.exp(base.log_below), np.exp(base.log_density)
    left = (1 - c) + c * np.exp(base.log_above)
    hazard, part = c * density / left, c * (1 - c) * below / left
    total.value += float(n @ np.log(left))
    total.along_line(n, x, -hazard, -hazard * (base.slope + hazard))
    total.share(2, n, x, -part, -part * (1 - 2 * c) - part**2, -c * (1 - c) * density / left**2)


def _from_the_start(
    total: _Sum, n: Floats, x: Floats, base: Standard, shape: Shape, c: float, p: float
) -> None:
    """Add log(p + (1 - p) c F) of every row known only to lie at or below a time."""
    if not shape.at_once:
        log_below = base.log_below
        reverse = np.exp(base.log_density - log_below)
        total.value += float(n @ log_below)
        total.along_line(n, x, reverse, reverse * (base.slope - reverse))
        if shape.never:
            total.constant(2, float(n.sum()), np.log(c), 1 - c, -c * (1 - c))
        return
    below, density = np.exp(base.log_below), np.exp(base.log_density)
    whole = p + (1 - p) * c * below
    line, of_p = (1 - p) * c * density / whole, p * (1 - p) * (1 - c * below) / whole
    total.value += float(n @ np.log(whole))
    total.along_line(n, x, line, line * base.slope - line**2)
    total.share(3, n, x, of_p, of_p * (1 - 2 * p) - of_p**2, -p * (1 - p) * c * density / whole - line * of_p)
    if shape.never:
        of_c = (1 - p) * c * (1 - c) * below / whole
        total.share(2, n, x, of_c, of_c * (1 - 2 * c) - of_c**2, line * (1 - c) - line * of_c)
        mixed = float(n @ (-p * (1 - p) * c * (1 - c) * below / whole - of_c * of_p))
        total.second[2, 3] += mixed
        total.second[3, 2] += mixed


def _between(total: _Sum, n: Floats, low_x: Floats, high_x: Floats, low: Standard, high: Standard) -> None:
    """Add log(F(high) - F(low)) of every interval, from whichever tail loses fewer digits."""
    low_above, low_below, high_above, high_below = (
        low.log_above,
        low.log_below,
        high.log_above,
        high.log_below,
    )
    upper_tail = low_above < high_below
    first, second = np.where(upper_tail, low_above, high_below), np.where(upper_tail, high_above, low_below)
    log_mass = first + log_one_minus_exp(np.minimum(second - first, -1e-300))
    total.value += float(n @ log_mass)
    above, below = np.exp(high.log_density - log_mass), np.exp(low.log_density - log_mass)
    scores = np.stack((above - below, above * high_x - below * low_x))
    total.gradient[:2] += scores @ n
    total.second[:2, :2] -= (scores * n) @ scores.T
    for bent, x in ((above * high.slope, high_x), (-below * low.slope, low_x)):
        weighed = n * bent
        total.second[:2, :2] += [[weighed.sum(), weighed @ x], [weighed @ x, (weighed * x) @ x]]
