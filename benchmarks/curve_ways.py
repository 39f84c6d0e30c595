"""Kaplan-Meier and Aalen-Johansen of the same times in several ways; run as a script, one package in one process.

    python benchmarks/curve_ways.py PACKAGE TIMES.npz REPEATS

prints as JSON, for each curve, the median seconds, the memory added, and the curve at the times asked for.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure

Times = dict[str, Any]
Read = dict[str, list[float]]
"""Values at the times asked for: ``not_yet`` (Kaplan-Meier), ``on`` and ``lost`` (Aalen-Johansen), and bounds."""
LEVEL = 0.9


# --- each returns what the package computes; `read` below takes the values from it, outside the clock -------------


def sort(times: Times) -> Any:
    return np.sort(times["time"])


def funnelnb_km(times: Times) -> Any:
    """With variance."""
    from funnelnb.stats.curves.survival import kaplan_meier

    return kaplan_meier(times["time"], times["outcome"] > 0, confidence_level=LEVEL)


def funnelnb_aj(times: Times) -> Any:
    """With variance."""
    from funnelnb.stats.curves.incidence import aalen_johansen

    return aalen_johansen(times["time"], times["outcome"], confidence_level=LEVEL)


def scipy_km(times: Times) -> Any:
    """The curve alone: SciPy works out the variance when an interval is asked for."""
    from scipy import stats

    over = times["outcome"] > 0
    return stats.ecdf(stats.CensoredData(uncensored=times["time"][over], right=times["time"][~over])).sf


def lifelines_km(times: Times) -> Any:
    """With bounds, as always."""
    import lifelines

    return lifelines.KaplanMeierFitter(alpha=1 - LEVEL).fit(times["time"], times["outcome"] > 0)


def lifelines_aj(times: Times) -> Any:
    """Both causes, without variance: its time grows with the square of the number of rows."""
    import lifelines

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it moves equal times apart at random, and says so
        fitters = [lifelines.AalenJohansenFitter(calculate_variance=False, seed=1) for _ in range(2)]
        return [fitters[k].fit(times["time"], times["outcome"], k + 1) for k in range(2)]


def sksurv_km(times: Times) -> Any:
    """With bounds."""
    from sksurv.nonparametric import kaplan_meier_estimator

    over = times["outcome"] > 0
    return kaplan_meier_estimator(over, times["time"], conf_type="log-log", conf_level=LEVEL)


def sksurv_aj(times: Times) -> Any:
    """Without variance: its memory grows with the square of the number of rows."""
    from sksurv.nonparametric import cumulative_incidence_competing_risks

    return cumulative_incidence_competing_risks(times["outcome"], times["time"])


# --- reading -----------------------------------------------------------------------------------------------------


def _step(at: Any, values: Any, asked: Any, start: float) -> list[float]:
    """Read a step function that is `start` before its first time."""
    row = np.searchsorted(np.asarray(at, float), asked, side="right")
    return np.concatenate(([start], np.asarray(values, float)))[row].tolist()


def _read_funnelnb_km(curve: Any, asked: Any) -> Read:
    read = curve.at(asked)
    return {name: getattr(read, field).tolist() for name, field in _KM_FIELDS.items()}


_KM_FIELDS = {"not_yet": "survival", "not_yet_lower": "ci_lower", "not_yet_upper": "ci_upper"}


def _read_funnelnb_aj(curve: Any, asked: Any) -> Read:
    on, lost = curve.at(asked).rate
    return {"on": on.tolist(), "lost": lost.tolist()}


def _read_lifelines_km(fitted: Any, asked: Any) -> Read:
    band = fitted.confidence_interval_
    columns = (fitted.survival_function_.iloc[:, 0], band.iloc[:, 0], band.iloc[:, 1])
    return {name: _step(one.index, one, asked, 1.0) for name, one in zip(_KM_FIELDS, columns, strict=True)}


def _read_lifelines_aj(fitted: Any, asked: Any) -> Read:
    curves = [one.cumulative_density_.iloc[:, 0] for one in fitted]
    return {name: _step(one.index, one, asked, 0.0) for name, one in zip(("on", "lost"), curves, strict=True)}


def _read_sksurv_km(found: Any, asked: Any) -> Read:
    at, curve, (lower, upper) = found
    return {
        name: _step(at, one, asked, 1.0) for name, one in zip(_KM_FIELDS, (curve, lower, upper), strict=True)
    }


Way = tuple[Callable[[Times], Any], Callable[[Any, Any], Read]]
WAYS: dict[str, dict[str, Way]] = {
    "funnelnb": {
        "sort": (sort, lambda found, asked: {}),
        "Kaplan-Meier": (funnelnb_km, _read_funnelnb_km),
        "Aalen-Johansen": (funnelnb_aj, _read_funnelnb_aj),
    },
    "scipy": {
        "Kaplan-Meier": (
            scipy_km,
            lambda sf, asked: {"not_yet": _step(sf.quantiles, sf.probabilities, asked, 1.0)},
        )
    },
    "lifelines": {
        "Kaplan-Meier": (lifelines_km, _read_lifelines_km),
        "Aalen-Johansen": (lifelines_aj, _read_lifelines_aj),
    },
    "scikit-survival": {
        "Kaplan-Meier": (sksurv_km, _read_sksurv_km),
        "Aalen-Johansen": (
            sksurv_aj,
            lambda found, asked: {
                name: _step(found[0], found[1][k + 1], asked, 0.0) for k, name in enumerate(("on", "lost"))
            },
        ),
    },
}


def run(package: str, times: Times, asked: Any, repeats: int) -> dict[str, dict[str, Any]]:
    """Return seconds, memory and values of every curve of a package; its curves take turns."""
    small = {name: column[:500] for name, column in times.items()}
    ways = WAYS[package]
    for make, _ in ways.values():
        make(small)  # imports
    taken: dict[str, list[dict[str, float]]] = {curve: [] for curve in ways}
    values: dict[str, Read] = {}
    for _ in range(repeats):
        for curve, (make, read) in ways.items():
            took, found = measure.measured(lambda make=make: make(times))
            taken[curve].append(took)
            values[curve] = values.get(curve) or read(found, asked)
            del found
    return {curve: measure.median(taken[curve]) | {"values": values[curve]} for curve in ways}


def main() -> None:
    package, file, repeats = sys.argv[1:]
    with np.load(file) as stored:
        times = dict(stored)
    asked = times.pop("asked")
    print(json.dumps(run(package, times, asked, int(repeats))))


if __name__ == "__main__":
    main()
