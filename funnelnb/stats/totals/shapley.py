"""How does the change of a whole split into its parts, so that the parts sum to it exactly?"""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MOST_PARTS = 14


def shapley_split(value: Callable[[NDArray[np.bool_]], Floats], parts_n: int) -> Floats:
    """How much of a change does each part carry, whatever the order in which parts change?

    Parameters
    ----------
    value : callable
        ``value(after) -> ndarray``: the whole when the parts that are True in `after`, shape (parts_n,), have their
        later value and the others their earlier one. May return an array, such as one value per resample.
    parts_n : int
        Number of parts, 1 to 14: every one of the 2^n combinations is looked at.

    Returns
    -------
    ndarray of float64, shape (parts_n, ...)
        Sums over the first axis to ``value(all) - value(none)``.

    Notes
    -----
    The mean of a part's contribution over all orders in which the parts can change: Shapley's value of the game whose
    worth is the whole. A part that changes nothing gets 0; parts that play alike get alike; nothing is left over.

    References
    ----------
    Shapley (1953), in *Contributions to the Theory of Games II*, 307-317. Das Gupta (1993), *Standardization and
    Decomposition of Rates*, P23-186, US Bureau of the Census. Shorrocks (2013), doi:10.1007/s10888-011-9214-z.

    Checked against the mean over all orders and closed forms of two parts: ``tests/stats/test_shapley.py``.

    Examples
    --------
    >>> import numpy as np
    >>> n, rate = (100, 120), (0.2, 0.3)
    >>> whole = lambda after: np.array(n[int(after[0])] * rate[int(after[1])])
    >>> shapley_split(whole, 2).round(6).tolist()
    [5.0, 11.0]
    """
    if not 1 <= parts_n <= MOST_PARTS:
        raise ParameterError(f"parts_n = {parts_n!r}", expected=f"1 to {MOST_PARTS}")
    sets = (np.arange(2**parts_n)[:, None] >> np.arange(parts_n) & 1).astype(bool)
    worth = np.stack([np.asarray(value(one), dtype=float) for one in sets])
    size = sets.sum(axis=1)
    weight = np.array(
        [factorial(k) * factorial(parts_n - k - 1) / factorial(parts_n) for k in range(parts_n)] + [0.0]
    )
    found = []
    for part in range(parts_n):
        without = np.flatnonzero(~sets[:, part])
        gain = worth[without + (1 << part)] - worth[without]
        found.append(np.tensordot(weight[size[without]], gain, axes=1))
    return np.asarray(found)


def product_split(before: ArrayLike, after: ArrayLike) -> Floats:
    """How does the change of a product split into its factors?

    Parameters
    ----------
    before, after : array_like of shape (parts_n, ...)
        The factors on both sides.

    Returns
    -------
    ndarray of float64, shape (parts_n, ...)
        Sums over the first axis to ``prod(after) - prod(before)``.

    Examples
    --------
    >>> product_split([100, 0.2], [120, 0.3]).round(6).tolist()
    [5.0, 11.0]
    """
    one, two = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    lift = (slice(None), *[None] * (one.ndim - 1))
    return shapley_split(lambda later: np.where(later[lift], two, one).prod(axis=0), len(one))
