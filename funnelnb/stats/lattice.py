"""How are amounts laid on a lattice, summed by Fourier transform, and a chance read from the sum?

What ``stats.compound`` and ``stats.portfolio`` work with.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.stats.size import Size

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
    error = (n + 1) / 10 * third + loose / 12 * second + round_off
    return value.clip(0, 1), np.minimum(error, 1.0)


def _inside(chance: Floats) -> Floats:
    made: Floats = np.clip(chance, 0.0, 1.0)
    return made


def loose_n(size: Size, lattice: Lattice, most: int) -> Floats:
    """Return how many of 1, 2 ... `most` deals are points off the lattice on average, shape (most,)."""
    at = size.lower / lattice.step
    off = (size.upper == size.lower) & (np.abs(at - np.rint(at)) > 1e-9) & (at < lattice.length)
    return float(size.weight[off].sum()) * np.arange(1.0, most + 1)
