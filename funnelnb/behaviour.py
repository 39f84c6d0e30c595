"""Behaviour funnels: what stands beside ``fn.events`` and ``fn.funnel``.

``step`` and ``exclusion`` define a funnel by the ``RULES``; ``trend`` and ``compare`` say whether it changes and groups
differ, ``drivers`` and ``paths`` why people get through, ``retention`` and ``aarrr`` whether they come back and pay.
"""

from funnelnb.analysis.behaviour.aarrr import aarrr
from funnelnb.analysis.behaviour.compare import compare
from funnelnb.analysis.behaviour.retention import retention
from funnelnb.analysis.behaviour.trend import trend
from funnelnb.analysis.behaviour.why import drivers, paths
from funnelnb.data.events.definition import RULES, exclusion, step

__all__ = ["RULES", "aarrr", "compare", "drivers", "exclusion", "paths", "retention", "step", "trend"]


def __dir__() -> list[str]:
    return __all__
