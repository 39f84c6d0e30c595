"""Behaviour funnels: everything beside ``fn.events`` and ``fn.funnel``.

How is the funnel defined?
    step, exclusion, RULES
Does it change, and do groups differ?
    trend, compare
"""

from funnelnb.analysis.behaviour.compare import compare
from funnelnb.analysis.behaviour.trend import trend
from funnelnb.data.events.definition import RULES, exclusion, step

__all__ = ["RULES", "compare", "exclusion", "step", "trend"]
