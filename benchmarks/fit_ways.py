"""The same families fitted to the same times in several ways; run as a script, one way in one process.

    python benchmarks/fit_ways.py WAY TIMES.npz

prints as JSON the seconds, the memory added and the parameters, in one parametrisation for all ways.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure

FAMILIES = ("exponential", "weibull", "lognormal", "loglogistic", "gamma")
FOUR = FAMILIES[:4]  # those of lifelines

Parameters = dict[str, list[float]]


def with_funnelnb(times: dict[str, Any], families: tuple[str, ...] = FAMILIES) -> Parameters:
    """Rows as they are: one per deal, or counted where `n` is given."""
    from funnelnb.stats.lifetime.fit import fit_all, observed

    found = fit_all(observed(times["time"], times["event"], times.get("n")), families)
    return {one.family: one.estimate.tolist() for one in found}


def four_with_funnelnb(times: dict[str, Any]) -> Parameters:
    return with_funnelnb(times, FOUR)


def with_scipy(times: dict[str, Any]) -> Parameters:
    from scipy import stats

    data = stats.CensoredData(uncensored=times["time"][times["event"]], right=times["time"][~times["event"]])
    read: dict[str, tuple[Any, Callable[..., list[float]]]] = {
        "exponential": (stats.expon, lambda loc, scale: [scale]),
        "weibull": (stats.weibull_min, lambda shape, loc, scale: [scale, shape]),
        "lognormal": (stats.lognorm, lambda sigma, loc, scale: [np.log(scale), sigma]),
        "loglogistic": (stats.fisk, lambda shape, loc, scale: [scale, shape]),
        "gamma": (stats.gamma, lambda shape, loc, scale: [shape, scale]),
    }
    return {
        name: [float(value) for value in plain(*distribution.fit(data, floc=0))]
        for name, (distribution, plain) in read.items()
    }


def with_lifelines(times: dict[str, Any]) -> Parameters:
    """Rows as they are, or counted where `n` is given (weights); lifelines has no gamma."""
    import lifelines

    fitters = ("ExponentialFitter", "WeibullFitter", "LogNormalFitter", "LogLogisticFitter")
    names = (("lambda_",), ("lambda_", "rho_"), ("mu_", "sigma_"), ("alpha_", "beta_"))
    found = {}
    for family, fitter, wanted in zip(FOUR, fitters, names, strict=True):
        fitted = getattr(lifelines, fitter)().fit(times["time"], times["event"], weights=times.get("n"))
        found[family] = [float(fitted.params_[name]) for name in wanted]
    return found


WAYS = {
    "funnelnb": with_funnelnb,
    "funnelnb, four families": four_with_funnelnb,
    "scipy": with_scipy,
    "lifelines": with_lifelines,
}


def part_of(times: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the first rows, to load modules with."""
    return {name: column[:rows] for name, column in times.items()}


def main() -> None:
    way, file = sys.argv[1:]
    with np.load(file) as stored:
        times = dict(stored)
    WAYS[way](part_of(times, 200))
    took, parameters = measure.measured(lambda: WAYS[way](times))
    print(json.dumps(took | {"parameters": parameters}))


if __name__ == "__main__":
    main()
