"""How likely do n deals bring the target? The sum of deal sizes, worked out on a lattice, without simulation.

Sizes are laid on a lattice that ends just above the target. Amounts are never negative, so a sum that has
passed the target never comes back, so the lattice can end there; what would wrap around it is damped away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.lattice import (
    MOST_CELLS,
    Complex,
    Lattice,
    chance_on,
    inverse,
    lattice_for,
    loose_n,
    on_lattice,
    transform,
)
from funnelnb.stats.size import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]
Group = tuple[Size, int]
"""So many independent deals of one size."""

ERROR = 1e-6
"""Error of a chance that the lattice is refined for."""
CELLS = 256
"""Cells of the first lattice."""
MOST_DEALS = 1 << 20
"""More deals than this are not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A chance and how far it may be off.

    Attributes
    ----------
    value : float
        Between 0 and 1.
    error : float
        Bound on the error that comes from the lattice.
    """

    value: float
    error: float


def total_chance(groups: Sequence[Group], target: float, *, error: float = ERROR) -> Chance:
    """How likely do these deals together bring at least the target?

    Parameters
    ----------
    groups : sequence of (Size, int)
        So many independent deals of each size; a deal that may be lost is ``size.with_chance(p)``.
    target : float
        Above 0, in the unit of the sizes.
    error : float
        The lattice is refined until the bound on its error is at most this (or it has `MOST_CELLS` cells).

    Returns
    -------
    Chance

    Raises
    ------
    ParameterError
        The target is not above 0, or a number of deals is negative.

    Notes
    -----
    Each size is laid on the lattice so that mean and variance are kept: a point between two cells is split
    linearly between them, and the variance this adds is taken out again by a second difference. The spectrum
    of the total is the product of the spectra, and one Fourier transform leads back. Masses are damped
    exponentially before, so that sums that wrap around the lattice come back with a weight of at most 1e-12.
    The bound is read from the third differences of the result near the target (second differences for points
    off the lattice); where all amounts lie on the lattice only rounding is left.

    References
    ----------
    Gerber (1982), On the numerical evaluation of the distribution of aggregate claims and its stop-loss
    premiums, Insurance: Mathematics and Economics 1, 13-18. Gruebel & Hermesmeier (1999), Computation of
    compound distributions I, ASTIN Bulletin 29, doi:10.2143/AST.29.2.504611.

    Checked against direct convolution, against Irwin's and Hall's closed form for sums of even amounts and
    against simulation: ``tests/stats/test_compound.py``.

    Examples
    --------
    >>> from funnelnb.stats.size import points
    >>> round(total_chance([(points([0, 1]), 10)], 6).value, 6)
    0.376953
    """
    deals = _checked(groups)
    goal = _target(target)
    count = sum(n for _, n in deals)
    if not count:
        return Chance(value=0.0, error=0.0)
    cells = CELLS
    while True:
        lattice = lattice_for([size for size, _ in deals], goal, cells, count)
        mass = _product(deals, lattice)
        chance = chance_on(mass[None, :], lattice, np.array([count]), _loose(deals, lattice))
        found = Chance(value=float(chance[0][0]), error=float(chance[1][0]))
        if found.error <= error or lattice.exact or cells >= MOST_CELLS:
            return found
        cells *= 2 if found.error < 64 * error else 4


def chance_of_n(size: Size, n: int, target: float, *, error: float = ERROR) -> Chance:
    """How likely do n deals of one kind bring at least the target? See :func:`total_chance`."""
    return total_chance([(size, n)], target, error=error)


def chances(size: Size, target: float, n_most: int = 100, *, error: float = ERROR) -> tuple[Floats, Floats]:
    """How likely is the target with 0, 1, 2 ... deals?

    Parameters
    ----------
    size : Size
        Of each deal.
    target : float
        Above 0.
    n_most : int
        Largest number of deals, at least 1.
    error : float
        As in :func:`total_chance`, but for two deals and more: with one, sharp edges may lie at the target.

    Returns
    -------
    value, error : ndarray of float64, shape (n_most + 1,)
        Position n is the chance with n deals and the bound on its error.
    """
    goal, most = _target(target), _count("n_most", n_most, least=1)
    cells = CELLS
    while True:
        lattice = lattice_for([size], goal, cells, most)
        spectrum = transform(on_lattice(size, lattice))
        powers = np.cumprod(np.broadcast_to(spectrum, (most, spectrum.size)), axis=0, dtype=np.complex128)
        rows = inverse(powers, lattice.length)
        value, bound = chance_on(rows, lattice, np.arange(1, most + 1), loose_n(size, lattice, most))
        worst = float(np.max(bound[2:], initial=0.0))
        if worst <= error or lattice.exact or cells >= MOST_CELLS // 4:
            return np.concatenate(([0.0], value)), np.concatenate(([0.0], bound))
        cells *= 2


def required_n(size: Size, target: float, assurance: float = 0.8) -> int:
    """How many deals of this kind are needed to bring the target with this chance?

    Parameters
    ----------
    size : Size
        Of each deal.
    target : float
        Above 0.
    assurance : float
        Chance wanted, strictly between 0 and 1.

    Returns
    -------
    int
        The smallest number; one deal fewer gives a smaller chance than `assurance`.

    Raises
    ------
    ParameterError
        The deals bring nothing, or more than `MOST_DEALS` would be needed.

    Notes
    -----
    Binary lifting: the spectrum is squared until the chance is there, then taken back down, so that the
    chance is read about 2 log2(n) times.

    Examples
    --------
    >>> from funnelnb.stats.size import points
    >>> required_n(points([0, 1]), 6, 0.8)
    15
    """
    goal = _target(target)
    level = check.number("assurance", assurance, gt=0, lt=1)
    if not size.mean > 0:
        raise ParameterError("the deals bring nothing", expected="deals whose mean amount is above 0")
    expected = goal / size.mean
    if expected > MOST_DEALS / 2:
        raise ParameterError(
            f"target = {goal:g} needs more than {MOST_DEALS} deals of {size.mean:g}",
            expected="a target in the same unit as the amounts",
            hint="look whether one is in thousands and the other not",
        )
    return _lift(size, goal, level, math.ceil(expected * 1.5 + 20))


def _lift(size: Size, goal: float, level: float, guess: int) -> int:
    lattice = lattice_for([size], goal, CELLS, guess)
    loose = loose_n(size, lattice, 1)[0]

    def enough(spectrum: Complex, n: int) -> bool:
        mass = inverse(spectrum, lattice.length)
        value, _ = chance_on(mass[None, :], lattice, np.array([n]), np.array([loose * n]))
        return bool(value[0] >= level)

    powers = [transform(on_lattice(size, lattice))]
    while not enough(powers[-1], 1 << (len(powers) - 1)):
        if len(powers) > MOST_DEALS.bit_length():
            raise ParameterError(f"more than {MOST_DEALS} deals are needed", expected="a smaller target")
        powers.append(powers[-1] ** 2)
    if len(powers) == 1:
        return 1
    below, n = powers[-2], 1 << (len(powers) - 2)
    for k in range(len(powers) - 3, -1, -1):
        further = below * powers[k]
        if not enough(further, n + (1 << k)):
            below, n = further, n + (1 << k)
    return n + 1


def chance_random_n(size: Size, n_probability: ArrayLike, target: float) -> Chance:
    """How likely is the target when the number of deals itself is uncertain?

    Parameters
    ----------
    size : Size
        Of each deal.
    n_probability : array_like of shape (M,)
        Position n is the probability of n deals; adds to at most 1, what is missing counts as no deal.
    target : float
        Above 0.

    Returns
    -------
    Chance

    Notes
    -----
    The mean of :func:`chances` over the number of deals. For a binomial number the same comes out of
    ``chance_of_n(size.with_chance(p), leads, target)``.
    """
    probability = np.atleast_1d(np.asarray(n_probability, dtype=float))
    if not (np.all(probability >= -1e-12) and probability.sum() <= 1 + 1e-9):
        raise ParameterError("n_probability", expected="probabilities that add to at most 1")
    value, bound = chances(size, target, max(1, probability.size - 1))
    value, bound = value[: probability.size], bound[: probability.size]
    return Chance(value=float(np.clip(probability @ value, 0, 1)), error=float(probability @ bound))


def distribution(groups: Sequence[Group], upto: float, cells: int = 512) -> tuple[Floats, Floats]:
    """How is the total of these deals distributed?

    Parameters
    ----------
    groups : sequence of (Size, int)
        As in :func:`total_chance`.
    upto : float
        Totals at or above this are put together in the last cell.
    cells : int
        Number of cells below `upto`.

    Returns
    -------
    total : ndarray of float64, shape (cells + 1,)
        Middle of each cell; the last is `upto`.
    probability : ndarray of float64, shape (cells + 1,)
        Probability of a total in each cell, adds to 1.
    """
    deals, end = _checked(groups), _target(upto)
    lattice = Lattice(step=end / cells, target_cell=cells, length=cells, exact=False)
    start = np.zeros(cells)
    start[0] = 1.0
    mass = np.clip(_product(deals, lattice), 0.0, None) if sum(n for _, n in deals) else start
    total: Floats = np.arange(cells + 1, dtype=np.float64) * lattice.step
    below: Floats = mass / max(float(mass.sum()), 1.0)
    beyond = max(0.0, 1.0 - float(below.sum()))
    probability: Floats = np.append(below, beyond)
    return total, probability


def _product(groups: Sequence[Group], lattice: Lattice) -> Floats:
    total: Complex = np.ones(1, dtype=complex)
    for size, n in groups:
        total = total * transform(on_lattice(size, lattice)) ** n
    return inverse(total, lattice.length)


def _loose(groups: Sequence[Group], lattice: Lattice) -> Floats:
    """Return how many deals are points off the lattice on average."""
    return np.array([sum(loose_n(size, lattice, n)[-1] for size, n in groups if n)])


def _checked(groups: Sequence[Group]) -> list[Group]:
    return [(size, _count("deals", n)) for size, n in groups if _count("deals", n)]


def _count(name: str, value: float, least: int = 0) -> int:
    number = check.number(name, value, ge=least, le=MOST_DEALS)
    if number != int(number):
        raise ParameterError(f"{name} = {value!r}", expected="a whole number")
    return int(number)


def _target(value: float) -> float:
    return check.number("target", value, gt=0, lt=float("inf"))
