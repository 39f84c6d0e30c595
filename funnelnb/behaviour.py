"""Behaviour funnels: what stands beside ``fn.events`` and ``fn.funnel``.

``step`` and ``exclusion`` define a funnel by the ``RULES``; ``trend`` and ``compare`` say whether it changes and groups
differ, ``drivers`` and ``paths`` why people get through, ``retention`` and ``aarrr`` whether they come back and pay.
``scan`` opens a log that is counted where it lies; ``from_deals`` and ``to_deals`` read deals as events and back.
"""

from funnelnb.analysis.behaviour.aarrr import aarrr
from funnelnb.analysis.behaviour.compare import compare
from funnelnb.analysis.behaviour.retention import retention
from funnelnb.analysis.behaviour.trend import trend
from funnelnb.analysis.behaviour.why import drivers, paths
from funnelnb.data.events.deals import from_deals, furthest_steps, to_deals
from funnelnb.data.events.definition import RULES, exclusion, step
from funnelnb.data.events.in_place import scan

__all__ = [
    "RULES",
    "aarrr",
    "compare",
    "drivers",
    "exclusion",
    "from_deals",
    "furthest_steps",
    "paths",
    "retention",
    "scan",
    "step",
    "to_deals",
    "trend",
]


def __dir__() -> list[str]:
    return __all__
