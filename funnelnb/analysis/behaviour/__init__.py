"""Behaviour funnels: everything beside ``fn.events`` and ``fn.funnel``.

How is the funnel defined, and where does a large log lie?
    step, exclusion, RULES, scan
Does it change, and do groups differ?
    trend, compare
Why do people get through, and what do they do instead?
    drivers, paths
Do they come back, pay, bring others?
    retention, aarrr
"""

from funnelnb.analysis.behaviour.aarrr import aarrr
from funnelnb.analysis.behaviour.compare import compare
from funnelnb.analysis.behaviour.retention import retention
from funnelnb.analysis.behaviour.trend import trend
from funnelnb.analysis.behaviour.why import drivers, paths
from funnelnb.data.events.definition import RULES, exclusion, step
from funnelnb.data.events.in_place import scan

__all__ = ["RULES", "aarrr", "compare", "drivers", "exclusion", "paths", "retention", "scan", "step", "trend"]
