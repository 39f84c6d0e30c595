"""Finding the most likely parameters: starting points, Newton's method, profile of a share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.stats.family import FAMILIES
from funnelnb.stats.likelihood import Points, Shape, log_likelihood

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]
EDGE = 12.0  # logit beyond which a share is 0 or 1
SHARES = ("never", "at_once")
_ROUNDS = 100
_CLOSE = 1e-9  # expected gain in log-likelihood at which the search stops
_NEAR = 1e-7  # in the root of twice a fall of the log-likelihood
_SHORT = 1e-3  # a last step no longer than this needs no look at where it leads
_MANY = 20_000  # points from which a part of them is searched first
_PART = 16
_SPREAD = {"exponential": 1.28, "weibull": 1.28, "lognormal": 1.0, "loglogistic": 1.81}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Where a search ended.

    Attributes
    ----------
    theta : ndarray, shape (P,)
    value : float
        Log-likelihood.
    second : ndarray, shape (P, P)
        Second derivatives.
    converged : bool
    """

    theta: Floats
    value: float
    second: Floats
    converged: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """The likelihood of some points under some shape, to be maximised."""

    at: Points
    shape: Shape

    def best(self) -> Found:
        """Return the best maximum over all starting points; many rows start from where a part of them ends."""
        if self.at.size > _MANY:
            few = Search(at=thinned(self.at, _PART), shape=self.shape).best()
            if few.converged and not self._at_edge(few.theta):
                end = self.climb(few.theta)
                if end.converged:
                    return end
        ends = [self.climb(start) for start in self._starts()]
        return max(ends, key=lambda end: (end.converged, end.value))

    def climb(self, start: Floats, fixed: int | None = None) -> Found:
        """Return the maximum reached from `start` by Newton's method; the parameter `fixed` stays where it is.

        Steps go uphill even where the likelihood is not concave (eigenvalues of minus the second derivatives
        are taken by size), are halved until they gain, and are exact Newton steps near the end.
        """
        theta, free = start.copy(), np.delete(np.arange(start.size), [] if fixed is None else [fixed])
        value, gradient, second = self._safe(theta)
        converged = False
        for _ in range(_ROUNDS):
            if not np.isfinite(value) or not np.isfinite(second).all():
                break
            sizes, axes = np.linalg.eigh(-second[np.ix_(free, free)])
            sizes = np.maximum(np.abs(sizes), 1e-10 * max(np.abs(sizes).max(), 1e-300))
            step = np.zeros_like(theta)
            step[free] = axes @ ((axes.T @ gradient[free]) / sizes)
            gain = float(gradient @ step)
            converged = gain < _CLOSE * max(1.0, abs(value) * 1e-6)
            if converged and np.abs(step).max() < _SHORT:
                return Found(theta=theta + step, value=value + gain / 2, second=second, converged=True)
            moved = self._uphill(theta, value, step, gain)
            if moved is None:
                break
            theta, (value, gradient, second) = moved
            if converged or self._at_edge(theta):
                converged = True
                break
        return Found(theta=theta, value=value, second=second, converged=converged)

    def profile(self, found: Found, z: float) -> tuple[float, float]:
        """Return the bounds of the finishing share at which the likelihood has fallen by z^2 / 2."""
        place = self.shape.names.index("never")
        spread = float(np.sqrt(np.linalg.inv(-found.second)[place, place]))
        lower, upper = (self._bound(found, place, side * min(spread, 2.0), z) for side in (-1, 1))
        return lower, upper

    def _bound(self, found: Found, place: int, step: float, z: float) -> float:
        """Follow the ridge from the maximum to where the root of twice the fall is `z`, as a share.

        That root is nearly a straight line, so few steps of the secant do; they stay between the nearest
        point that is too low and the farthest that is too high.
        """
        inner, depth, theta = float(found.theta[place]), 0.0, found.theta
        outer: tuple[float, float] | None = None
        at = inner + z * step
        for _ in range(_ROUNDS):
            trial = theta.copy()
            trial[place] = at
            end = self.climb(trial, fixed=place)
            fall = float(np.sqrt(max(2 * (found.value - end.value), 0.0)))
            if abs(fall - z) < _NEAR:
                break
            if fall > z:
                outer = (at, fall)
            else:
                inner, depth, theta = at, fall, end.theta
            if outer is None:
                if abs(at) > 2 * EDGE:
                    return 0.0 if step < 0 else 1.0
                at += 1.6 * step
            else:
                part = (z - depth) / (outer[1] - depth)
                at = inner + float(np.clip(part, 0.05, 0.95)) * (outer[0] - inner)
        return float(1 / (1 + np.exp(-at)))

    def _at_edge(self, theta: Floats) -> bool:
        """Return whether a share has run off to 0 or 1, where there is nothing more to find."""
        return any(
            abs(one) > EDGE for name, one in zip(self.shape.names, theta, strict=True) if name in SHARES
        )

    def _safe(self, theta: Floats) -> tuple[float, Floats, Floats]:
        with np.errstate(all="ignore"):
            return log_likelihood(self.at, self.shape, theta)

    def _uphill(
        self, theta: Floats, value: float, step: Floats, gain: float
    ) -> tuple[Floats, tuple[float, Floats, Floats]] | None:
        """Return the first of ever shorter steps that gains, or None."""
        length = min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        slack = 1e-12 * abs(value)
        has_beta = "beta" in self.shape.names
        for _ in range(40):
            trial = theta + length * step
            if not has_beta or trial[1] > 0.05 * theta[1]:
                end = self._safe(trial)
                if end[0] >= value + 1e-4 * length * gain - slack and np.isfinite(end[2]).all():
                    return trial, end
            length /= 2
        return None

    def _starts(self) -> Iterator[Floats]:
        """Yield starting points: from simpler shapes where there are any, otherwise from mean and spread."""
        shape, at = self.shape, self.at
        if shape.never:
            simple = Search(at=at, shape=replace(shape, never=False)).best()
            place = shape.names.index("never")
            for share in (at_share(at), 0.5 * (1 + at_share(at)), 0.98):
                yield np.insert(simple.theta, place, np.log(share / (1 - share)))
            yield self._moments(at_share(at), finished_only=True)
        elif shape.family.name == "generalised_gamma":
            for name, form in (("weibull", 1.0), ("lognormal", 0.0)):
                inner = Search(at=at, shape=replace(shape, family=FAMILIES[name])).best()
                yield np.insert(inner.theta, 2, form)
        else:
            yield self._moments(1.0, finished_only=False)

    def _moments(self, share: float, finished_only: bool) -> Floats:
        """Return a start whose median and spread are roughly those of the logarithms of the times."""
        at, shape = self.at, self.shape
        still = np.maximum(at.above_n, 0) * (0 if finished_only else 1)
        x = np.concatenate((at.exact, at.below - 0.7, (at.low + at.high) / 2, at.above))
        n = np.concatenate((at.exact_n, at.below_n, at.between_n, still))
        mean = float(n @ x / n.sum())
        spread = max(float(np.sqrt(n @ (x - mean) ** 2 / n.sum())), 0.05)
        beta = _SPREAD.get(shape.family.name, 1.0) / spread if shape.family.free_scale else 1.0
        form = shape.family.first_form
        alpha = -beta * mean
        if shape.family.name == "gamma":
            form = float(np.clip(-2 * np.log(spread), -2, 4))
            alpha += form
        values = {
            "alpha": alpha,
            "beta": beta,
            "form": form,
            "never": np.log(share / (1 - share)) if share < 1 else 3.0,
            "at_once": np.log(max(at.at_once_n + 0.5 * at.below_n.sum(), 0.5) / at.total_n),
        }
        return np.array([values[name] for name in shape.names])


def thinned(at: Points, every: int) -> Points:
    """Return one in `every` of the points of each kind of which there are many."""

    def part(*columns: Floats) -> tuple[Floats, ...]:
        if columns[0].size < _MANY / every:
            return columns
        *x, n = (column[::every] for column in columns)
        return *x, n * every

    exact, exact_n = part(at.exact, at.exact_n)
    above, above_n = part(at.above, at.above_n)
    below, below_n = part(at.below, at.below_n)
    low, high, between_n = part(at.low, at.high, at.between_n)
    return replace(
        at,
        exact=exact,
        exact_n=exact_n,
        above=above,
        above_n=above_n,
        below=below,
        below_n=below_n,
        low=low,
        high=high,
        between_n=between_n,
    )


def at_share(at: Points) -> float:
    """Return the share of all deals that has finished, kept away from 0 and 1."""
    finished = at.exact_n.sum() + at.below_n.sum() + at.between_n.sum() + at.at_once_n
    return float(np.clip(finished / max(at.total_n, 1e-300), 0.02, 0.95))
