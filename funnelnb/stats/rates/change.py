"""When did a rate change, without being told? One or more change points in a series of counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.stats.rates.proportion import counts, normal_quantile, score_bounds

Floats = NDArray[np.float64]
_DRAWS = 1999
_LEAST = 2
"""Fewest periods on either side of a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a rate between two periods of a series.

    Attributes
    ----------
    position : int
        First period of the new rate.
    position_lower, position_upper : int
        Shortest run of positions that holds the change with the confidence level (posterior, all positions
        equally likely before).
    before_rate, before_ci_lower, before_ci_upper, after_rate, after_ci_lower, after_ci_upper : float
        Of the stretch on either side, up to the neighbouring changes; Wilson on n over the dispersion.
    p_value : float
        Of no change in the stretch, adjusted for having looked at every position.
    dispersion : float
        Variance within the two stretches over the binomial, at least 1.
    """

    position: int
    position_lower: int
    position_upper: int
    before_rate: float
    before_ci_lower: float
    before_ci_upper: float
    after_rate: float
    after_ci_lower: float
    after_ci_upper: float
    p_value: float
    dispersion: float


def change_points(
    k: ArrayLike,
    n: ArrayLike,
    confidence_level: float = check.CONFIDENCE_LEVEL,
    most: int = 5,
    seed: int = 20_261_128,
) -> tuple[Change, ...]:
    """At which periods did the rate change?

    Parameters
    ----------
    k, n : array_like of shape (T,)
        Successes and trials per period, in order; periods without trials carry no weight.
    confidence_level : float
        Of the intervals; a change is reported if its p-value is at most one minus it.
    most : int
        Search stops after so many.
    seed : int
        Of the draws behind the p-value.

    Returns
    -------
    tuple of Change
        In order of position; empty where the series can be one rate.

    Raises
    ------
    ParameterError
        A count is not possible.

    Notes
    -----
    For each position the binomial log-likelihood of two rates against one, divided by the dispersion within
    the two stretches (Pearson, at least 1). The p-value is that of the largest of these among series of one
    rate with the same trials and dispersion (normal scores, parametric bootstrap). The interval holds the
    positions of highest posterior: likelihood with both rates integrated out (Jeffreys), to the power 1 over
    the dispersion. Stretches on both sides are searched again (binary segmentation).

    References
    ----------
    Hinkley & Hinkley (1970), doi:10.1093/biomet/57.3.477. Vostrikova (1981), Soviet Math. Dokl. 24, 55-59.

    Checked against enumeration of every position, null series (false alarms) and series with a known change:
    ``tests/stats/test_change.py``.

    Examples
    --------
    >>> found = change_points(k=[8, 7, 9, 8, 2, 1, 2, 3], n=[10] * 8)
    >>> [(one.position, round(one.before_rate, 2), round(one.after_rate, 2)) for one in found]
    [(4, 0.8, 0.2)]
    """
    level = check.confidence_level(confidence_level)
    successes, trials = (np.atleast_1d(array) for array in counts(k, n))
    if successes.ndim != 1:
        raise ParameterError(f"k has {successes.ndim} axes", expected="one count per period")
    generator = np.random.default_rng(seed)
    found: list[tuple[int, float]] = []
    stretches = [(0, len(successes))]
    while stretches and len(found) < most:
        first, stop = stretches.pop(0)
        one = _best(successes[first:stop], trials[first:stop], generator)
        if one is not None and one[1] <= 1 - level:
            position = first + one[0]
            found.append((position, one[1]))
            stretches += [(first, position), (position, stop)]
    places = sorted(found)
    edges = [0, *(position for position, _ in places), len(successes)]
    return tuple(
        _described(successes, trials, (edges[i], edges[i + 1], edges[i + 2]), p_value, level)
        for i, (_, p_value) in enumerate(places)
    )


def _entropy(k: Floats, n: Floats) -> Floats:
    """Return the maximised binomial log-likelihood of k of n."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n > 0, k / n, 0.0)
        yes = np.where(k > 0, k * np.log(share), 0.0)
        no = np.where(n - k > 0, (n - k) * np.log1p(-share), 0.0)
    return np.asarray(yes + no)


def _gain(k: Floats, n: Floats) -> Floats:
    """Return for each position 1 ... T-1 how much two rates explain more than one; shape (..., T-1)."""
    left_k, left_n = np.cumsum(k, axis=-1)[..., :-1], np.cumsum(n, axis=-1)[..., :-1]
    all_k, all_n = k.sum(axis=-1)[..., None], n.sum(axis=-1)[..., None]
    apart = _entropy(left_k, left_n) + _entropy(all_k - left_k, all_n - left_n)
    return np.asarray(apart - _entropy(all_k, all_n))


def _dispersion(k: Floats, n: Floats, position: int) -> float:
    """Return the Pearson dispersion within the two stretches, at least 1."""
    total, free = 0.0, 0
    for part in (slice(position), slice(position, None)):
        used = n[part] > 0
        y, m = k[part][used], n[part][used]
        share = y.sum() / m.sum() if m.sum() else 0.0
        if 0 < share < 1:
            total += float(((y - m * share) ** 2 / (m * share * (1 - share))).sum())
            free += len(m) - 1
    return max(total / free, 1.0) if free > 0 else 1.0


def _best(k: Floats, n: Floats, generator: np.random.Generator) -> tuple[int, float] | None:
    """Return the position that explains most, and its p-value; None where there is nothing to split."""
    if len(k) < 2 * _LEAST or not 0 < k.sum() < n.sum():
        return None
    allowed = slice(_LEAST - 1, len(k) - _LEAST)
    gain = _gain(k, n)[allowed]
    position = int(np.argmax(gain)) + _LEAST
    top = float(gain.max()) / _dispersion(k, n, position)
    weight = np.cumsum(n)[:-1][allowed] / n.sum()
    drawn = np.empty(_DRAWS)
    for part in range(0, _DRAWS, 500):
        size = min(500, _DRAWS - part)
        steps = generator.standard_normal((size, len(n))) * np.sqrt(n)
        walk = np.cumsum(steps, axis=1)
        bridge = walk[:, :-1][:, allowed] - weight * walk[:, -1:]
        spread = n.sum() * weight * (1 - weight)
        score = np.divide(bridge**2, spread, out=np.zeros_like(bridge), where=spread > 0)
        drawn[part : part + size] = score.max(axis=1) / 2
    return position, float((1 + (drawn >= top).sum()) / (1 + _DRAWS))


def _described(k: Floats, n: Floats, edges: tuple[int, int, int], p_value: float, level: float) -> Change:
    from scipy.special import betaln

    first, position, stop = edges
    mine_k, mine_n = k[first:stop], n[first:stop]
    dispersion = _dispersion(mine_k, mine_n, position - first)
    left_k, left_n = np.cumsum(mine_k)[:-1], np.cumsum(mine_n)[:-1]
    right_k, right_n = mine_k.sum() - left_k, mine_n.sum() - left_n
    height = betaln(left_k + 0.5, left_n - left_k + 0.5) + betaln(right_k + 0.5, right_n - right_k + 0.5)
    belief = np.exp((height - height.max()) / dispersion)
    belief /= belief.sum()
    order = np.argsort(-belief, kind="stable")
    held = order[: int(np.searchsorted(np.cumsum(belief[order]), level)) + 1] + 1 + first
    z = normal_quantile(level)
    sides = []
    for part in (slice(first, position), slice(position, stop)):
        total, share = n[part].sum(), k[part].sum() / n[part].sum() if n[part].sum() else np.nan
        lower, upper = score_bounds(np.asarray(share), np.asarray(total / dispersion), z)
        sides.append((float(share), float(lower), float(upper)))
    return Change(
        position=position, position_lower=min(int(held.min()), position),
        position_upper=max(int(held.max()), position),
        before_rate=sides[0][0], before_ci_lower=sides[0][1], before_ci_upper=sides[0][2],
        after_rate=sides[1][0], after_ci_lower=sides[1][1], after_ci_upper=sides[1][2],
        p_value=p_value, dispersion=dispersion,
    )  # fmt: skip


_TRIALS = 1e6
"""Trials per unit of exposure: with so many a binomial count is a Poisson count."""


def count_changes(
    count: ArrayLike,
    exposure: ArrayLike | None = None,
    confidence_level: float = check.CONFIDENCE_LEVEL,
    most: int = 5,
    seed: int = 20_261_128,
) -> tuple[Change, ...]:
    """At which periods did the rate of a count change?

    Parameters
    ----------
    count : array_like of shape (T,)
        Events per period, in order.
    exposure : array_like of shape (T,), optional
        Days, people or what a count should be in proportion to; None: alike.
    confidence_level, most, seed
        As for :func:`change_points`.

    Returns
    -------
    tuple of Change
        Rates are per unit of exposure.

    Notes
    -----
    A Poisson count is a binomial one of very many trials of a very small share: the search is the same.

    Checked against enumeration with the Poisson likelihood and null series (false alarms):
    ``tests/stats/test_change.py``.

    Examples
    --------
    >>> [(one.position, round(one.before_rate, 1), round(one.after_rate, 1))
    ...  for one in count_changes([10, 12, 9, 11, 25, 22, 27, 24])]
    [(4, 10.5, 24.5)]
    """
    counted = np.atleast_1d(np.asarray(count, dtype=float))
    shown = np.ones(counted.shape) if exposure is None else np.asarray(exposure, dtype=float)
    if (counted < 0).any() or (shown < 0).any() or shown.shape != counted.shape:
        raise ParameterError(
            "count or exposure below 0, or of different length", expected="one of each per period"
        )
    per = _TRIALS * max(1.0, float(counted.max(initial=0.0)))
    names = [f"{side}_{part}" for side in ("before", "after") for part in ("rate", "ci_lower", "ci_upper")]
    found = change_points(counted, shown * per, confidence_level, most, seed)
    return tuple(replace(one, **{name: getattr(one, name) * per for name in names}) for one in found)
