"""How likely do open deals, each with a chance of its own, and deals yet to come bring the target?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.stats.totals.compound import (
    MOST_CELLS,
    Chance,
    Complex,
    Lattice,
    chance_on,
    common_step,
    inverse,
    loose_n,
    on_lattice,
    transform,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.stats.totals.size import Size


Floats = NDArray[np.float64]


def portfolio(
    sizes: Sequence[Size],
    deals: Sequence[tuple[int, ArrayLike]],
    arrivals: Sequence[tuple[int, float, float]],
    target: float,
    upto: float,
    *,
    level_weight: ArrayLike = (1.0,),
    cells: int = 256,
) -> tuple[Floats, Floats, Chance, Chance]:
    """How is the total of deals distributed of which each has a chance of its own, and others are yet to come?

    Parameters
    ----------
    sizes : sequence of Size
    deals : sequence of (int, array_like)
        Position in `sizes`, and the chances of the deals of that size, shape (deals,), or (levels, deals) where
        they move together.
    arrivals : sequence of (int, float, float)
        Position in `sizes`, mean and shape of the negative binomial number of deals yet to come; an infinite
        shape is Poisson.
    target : float
        Above 0.
    upto : float
        Totals are laid out up to here; further if the target lies beyond.
    level_weight : array_like of shape (levels,)
        Probability of each level at which the chances may stand together.
    cells : int
        Cells below the target, at least; more where the total reaches far beyond it.

    Returns
    -------
    total, probability : ndarray of float64, shape (C,)
        Adds to at most 1; the rest lies beyond.
    chance, chance_alone : Chance
        Of the target, with and without the deals yet to come.

    Notes
    -----
    The spectrum of a deal with chance p is ``1 - p + p f``, that of a negative binomial number of them
    ``(1 + mean / shape (1 - f))**-shape``, with f the spectrum of its size; the total is their product.

    Checked against every way in which deals can end, and plain convolution: ``tests/stats/test_portfolio.py``.

    Examples
    --------
    >>> from funnelnb.stats.totals.size import points
    >>> round(portfolio([points([10.0])], [(0, [0.5, 0.5])], [], target=15.0, upto=40.0)[2].value, 6)
    0.25
    """
    goal = check.number("target", target, gt=0, lt=float("inf"))
    end = max(check.number("upto", upto, gt=0, lt=float("inf")), goal)
    lattice = _lattice(sizes, goal, end, cells)
    weights = np.atleast_1d(np.asarray(level_weight, dtype=float))
    rates = [
        (place, np.broadcast_to(chance, (weights.size, np.shape(chance)[-1]))) for place, chance in deals
    ]
    spectra = [transform(on_lattice(size, lattice)) for size in sizes]
    total: Complex = np.zeros(lattice.length + 1, dtype=complex)
    for level, weight in enumerate(weights):
        one: Complex = np.full(lattice.length + 1, weight, dtype=complex)
        for place, chance in rates:
            one *= _any_of(chance[level], spectra[place])
        total += one
    mass = inverse(total, lattice.length)
    expected = [(place, float((weights @ chance).sum())) for place, chance in rates]
    found = without = _chance(mass, lattice, sizes, expected)
    if arrivals:
        for place, mean, shape in arrivals:
            total = total * _random_n(spectra[place], mean, shape)
        mass = inverse(total, lattice.length)
        found = _chance(mass, lattice, sizes, [*expected, *((place, mean) for place, mean, _ in arrivals)])
    grid: Floats = np.arange(lattice.length, dtype=float) * lattice.step
    return grid, np.clip(mass, 0.0, None), found, without


def _lattice(sizes: Sequence[Size], goal: float, end: float, cells: int) -> Lattice:
    """Return a lattice that holds the target and reaches to `end`; where amounts allow it, one they lie on."""
    common = common_step(sizes, goal)
    if common and end / common < MOST_CELLS / 2:
        at, length = round(goal / common), math.ceil(end / common) + 1
        return Lattice(step=common, target_cell=at, length=length, exact=True)
    margin = 48
    at = max(margin, min(cells, math.floor(goal * 4 * cells / end)))
    length = min(max(at, math.ceil(end / (goal / at))) + margin, MOST_CELLS)
    return Lattice(step=goal / at, target_cell=at, length=length, exact=False)


def _chance(
    mass: Floats, lattice: Lattice, sizes: Sequence[Size], expected: Sequence[tuple[int, float]]
) -> Chance:
    """Return the chance of the target by the masses of a total of so many deals of each size."""
    count, loose = 0.0, 0.0
    for place, n in expected:
        count += n
        loose += n * float(loose_n(sizes[place], lattice, 1)[0])
    value, error = chance_on(mass[None, :], lattice, np.array([count]), np.array([loose]))
    return Chance(value=float(value[0]), error=float(error[0]))


def _random_n(spectrum: Complex, mean: float, shape: float) -> Complex:
    """Return the spectrum of the sum of a negative binomial number of deals of one size."""
    rest = mean * (1 - spectrum)
    made: Complex = np.exp(-rest if np.isinf(shape) else -shape * np.log1p(rest / shape))
    return made


def _any_of(rates: Floats, spectrum: Complex) -> Complex:
    """Return the spectrum of the sum of deals of one size, each with its own chance."""
    distinct, n = np.unique(rates, return_counts=True)
    made: Complex = np.ones(spectrum.size, dtype=complex)
    for start in range(0, distinct.size, 64):
        rate, times = distinct[start : start + 64, None], n[start : start + 64, None]
        factors = 1 + rate * (spectrum - 1)
        repeated = times[:, 0] > 1
        if repeated.any():
            factors[repeated] **= times[repeated]
        made = made * np.multiply.reduce(factors, axis=0)
    return made
