"""How likely do n deals bring the target? The sum of deal sizes, worked out on a lattice, without simulation."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.size import Size

if TYPE_CHECKING:
    from collections.abc import Sequence


# ---- How are amounts laid on a lattice, summed by Fourier transform, and a chance read from the sum? -------

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

MOST_CELLS = 1 << 14
"""Cells of the finest lattice."""
WRAPPED = 1e-12
"""What wraps around the lattice once is damped to this; rounding grows by less than its inverse root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Where sums are laid: cells of `step`, of which cell `target_cell` is the target.

    Attributes
    ----------
    step : float
    target_cell : int
    length : int
        Cells kept: some more than `target_cell`, for reading slopes there.
    exact : bool
        True where every amount and the target lie on the lattice: then nothing is approximated.
    """

    step: float
    target_cell: int
    length: int
    exact: bool


def lattice_for(sizes: Sequence[Size], target: float, cells: int, n: int) -> Lattice:
    """Return the lattice on which up to `n` deals of `sizes` are summed up to `target`.

    Where all amounts are points that lie on a lattice of at most `MOST_CELLS` cells with the target, on that.
    """
    step = common_step(sizes, target)
    if step:
        cell = round(target / step)
        return Lattice(step=step, target_cell=cell, length=cell, exact=True)
    margin = 8 + math.ceil(2 * math.sqrt(min(n, 4096)))
    length = max(cells, 1 << (4 * margin - 1).bit_length())
    return Lattice(step=target / (length - margin), target_cell=length - margin, length=length, exact=False)


def common_step(sizes: Sequence[Size], target: float) -> float:
    """Return the largest step that divides all amounts and the target, 0 where there is none."""
    if any(np.any(size.lower != size.upper) for size in sizes):
        return 0.0
    amounts = np.concatenate([*(size.lower for size in sizes), [target]])
    for scale in (1.0, 100.0):
        whole = np.rint(amounts * scale)
        if np.all(np.abs(amounts * scale - whole) < 1e-9 * np.maximum(whole, 1)) and whole.max() < 2**53:
            step = int(np.gcd.reduce(whole.astype(np.int64)))
            return step / scale if whole[-1] / step <= MOST_CELLS else 0.0
    return 0.0


def on_lattice(size: Size, lattice: Lattice) -> Floats:
    """Return the mass of one deal in each cell; what lies beyond the lattice is left out."""
    length = lattice.length
    low, high = size.lower / lattice.step, size.upper / lattice.step
    if lattice.exact:
        cell = np.rint(low).astype(np.int64)
        inside = cell < length
        return np.bincount(cell[inside], weights=size.weight[inside], minlength=length).astype(float)
    mass, excess = np.zeros(length + 2), np.zeros(length + 2)
    point = high - low < 1e-9
    _add_points(low[point], size.weight[point], mass, excess)
    for first, last, weight in zip(low[~point], high[~point], size.weight[~point], strict=True):
        _add_stretch(float(first), float(last), float(weight), mass, excess)
    # mass split linearly between neighbours is too wide by `excess`: a second difference takes it out again
    excess[1] += excess[0]
    excess[0] = 0.0
    mass += excess
    mass[:-1] -= excess[1:] / 2
    mass[1:] -= excess[:-1] / 2
    return mass[:length]


def _add_points(at: Floats, weight: Floats, mass: Floats, excess: Floats) -> None:
    inside = at < mass.size - 1
    at, weight = at[inside], weight[inside]
    cell = np.floor(at).astype(np.int64)
    part = at - cell
    split = weight * part * (1 - part)
    mass += np.bincount(cell, weights=weight * (1 - part), minlength=mass.size)
    mass += np.bincount(cell + 1, weights=weight * part, minlength=mass.size)
    excess += np.bincount(cell, weights=split * (1 - part), minlength=mass.size)
    excess += np.bincount(cell + 1, weights=split * part, minlength=mass.size)


def _add_stretch(first: float, last: float, weight: float, mass: Floats, excess: Floats) -> None:
    """Add an even stretch from `first` to `last` (in cells) to `mass`, and what it is made too wide by."""
    density = weight / (last - first)
    start, end = int(first), min(math.ceil(last), mass.size - 1)
    if start >= end:
        return
    edge = np.clip(np.arange(start, end + 1, dtype=float), first, last)
    left = edge[:-1] - np.arange(start, end)
    right = edge[1:] - np.arange(start, end)
    up = (right**2 - left**2) / 2 * density
    both = (right - left) * density
    spread = ((right**2 - left**2) / 2 - (right**3 - left**3) / 3) / 2 * density
    mass[start:end] += both - up
    mass[start + 1 : end + 1] += up
    excess[start:end] += spread
    excess[start + 1 : end + 1] += spread


def transform(mass: Floats) -> Complex:
    """Return the spectrum of `mass`, damped so that sums beyond twice the lattice come back as nothing."""
    made: Complex = np.fft.rfft(mass * _damping(mass.shape[-1]), 2 * mass.shape[-1])
    return made


def inverse(spectrum: Complex, length: int) -> Floats:
    """Return the first `length` cells of what has this damped spectrum."""
    made: Floats = np.fft.irfft(spectrum, 2 * length)[..., :length] / _damping(length)
    return made


@functools.lru_cache(maxsize=8)
def _damping(length: int) -> Floats:
    return np.exp(np.arange(length) * (math.log(WRAPPED) / (2 * length)))


_FLOOR = 2e-7
"""Smallest error told off an exact lattice. The factors of the bound are read from 117,505 drawn totals: one was
further from a lattice sixteen times as fine than its bound (of two deals: 0.036 of 0.030), all others
had 1e-7 to spare."""


def chance_on(rows: Floats, lattice: Lattice, n: NDArray[np.int64], loose: Floats) -> tuple[Floats, Floats]:
    """Return for each row the chance of the target or more, and a bound on its error.

    Parameters
    ----------
    rows : ndarray of float64, shape (R, length)
        Masses of totals, one a row.
    lattice : Lattice
    n : ndarray, shape (R,)
        Deals in each total.
    loose : ndarray of float64, shape (R,)
        How many of them lie off the lattice on average (:func:`loose_n`).

    Returns
    -------
    value, error : ndarray of float64, shape (R,)
    """
    at = lattice.target_cell
    round_off: Floats = np.asarray(1e-10 + 1e-15 * n, dtype=np.float64)
    below: Floats = rows[:, :at].sum(axis=1)
    if lattice.exact:
        return _inside(1.0 - below), round_off
    slope = (rows[:, at + 1] - rows[:, at - 1]) / 2
    value: Floats = 1 - below - rows[:, at] / 2 + slope / 12
    near = rows[:, max(0, 2 * at - lattice.length) :]
    second = np.abs(np.diff(near, 2)).max(axis=1)
    third = np.abs(np.diff(near, 3)).max(axis=1)
    error = (n + 1) / 8 * third + loose / 6 * second + _FLOOR + round_off
    return value.clip(0, 1), np.minimum(error, 1.0)


SMALLEST = float(np.finfo(float).tiny)
LARGEST = float(np.nextafter(1.0, 0.0))


def extremes(size: Size) -> tuple[float, float]:
    """Return the least and the most that one deal can bring."""
    real = size.weight > 0
    return float(size.lower[real].min()), float(size.upper[real].max())


def likely(value: float, ends: tuple[float, ...], target: float) -> float:
    """Return a chance that is 0 only where the target lies beyond all totals, and 1 only where none falls short.

    `ends`: the least and the most that the total can be.
    """
    if target > ends[1] * (1 + 1e-9):
        return 0.0
    return value if ends[0] >= target else min(max(value, SMALLEST), LARGEST)


def _inside(chance: Floats) -> Floats:
    made: Floats = np.clip(chance, 0.0, 1.0)
    return made


def loose_n(size: Size, lattice: Lattice, most: int) -> Floats:
    """Return how many of 1, 2 ... `most` deals are points off the lattice on average, shape (most,)."""
    at = size.lower / lattice.step
    off = (size.upper == size.lower) & (np.abs(at - np.rint(at)) > 1e-9) & (at < lattice.length)
    return float(size.weight[off].sum()) * np.arange(1.0, most + 1)


# ---- How likely do n deals bring the target? The sum of deal sizes, worked out on a lattice ---------------

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
    >>> from funnelnb.stats.totals.size import points
    >>> round(total_chance([(points([0, 1]), 10)], 6).value, 6)
    0.376953
    """
    deals = _checked(groups)
    goal = _target(target)
    count = sum(n for _, n in deals)
    if not count:
        return Chance(value=0.0, error=0.0)
    ends = tuple(np.add.reduce([n * np.array(extremes(size)) for size, n in deals]).tolist())
    cells = CELLS
    while True:
        lattice = lattice_for([size for size, _ in deals], goal, cells, count)
        mass = _product(deals, lattice)
        chance = chance_on(mass[None, :], lattice, np.array([count]), _loose(deals, lattice))
        found = Chance(value=likely(float(chance[0][0]), ends, goal), error=float(chance[1][0]))
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
    >>> from funnelnb.stats.totals.size import points
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
        if len(powers) >= MOST_DEALS.bit_length():
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
