"""Behaviour funnels: everything beside ``fn.events`` and ``fn.funnel``.

How is the funnel defined?
    step, exclusion, RULES
"""

from funnelnb.data.events.definition import RULES, exclusion, step

__all__ = ["RULES", "exclusion", "step"]
