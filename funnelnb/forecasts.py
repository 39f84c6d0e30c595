"""Forecasts: how well chances and dates were kept, how much pipeline a target needs, how fast money comes.

``fn.forecasts.calibration(book)``, ``fn.forecasts.coverage(book)`` and so on; the forecast itself is ``fn.forecast``,
its record ``fn.forecasts.scorecard``, and what was known on past days ``fn.forecasts.snapshots``.
"""

from funnelnb.analysis.forecast.pipeline import coverage, velocity
from funnelnb.analysis.forecast.promised import expected_closes
from funnelnb.analysis.forecast.reliability import calibration
from funnelnb.analysis.forecast.scorecard import scorecard
from funnelnb.analysis.forecast.snapshots import snapshots

__all__ = ["calibration", "coverage", "expected_closes", "scorecard", "snapshots", "velocity"]


def __dir__() -> list[str]:
    return __all__
