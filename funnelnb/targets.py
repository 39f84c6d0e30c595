"""Targets: what they need, how they are shared out, what moves them, what has changed, how honest they are.

``fn.targets.levers(book, …)``, ``fn.targets.fair_shares(book, …)`` and so on; the whole of it is ``fn.target``.
"""

from funnelnb.analysis.conversion.ideal import ideal_funnel
from funnelnb.analysis.targets.attained import attained
from funnelnb.analysis.targets.before_after import before_after
from funnelnb.analysis.targets.integrity import integrity
from funnelnb.analysis.targets.levers import levers
from funnelnb.analysis.targets.mix import deal_mix
from funnelnb.analysis.targets.reverse import reverse_funnel
from funnelnb.analysis.targets.shares import fair_shares
from funnelnb.analysis.targets.stage_targets import stage_targets

__all__ = [
    "attained",
    "before_after",
    "deal_mix",
    "fair_shares",
    "ideal_funnel",
    "integrity",
    "levers",
    "reverse_funnel",
    "stage_targets",
]


def __dir__() -> list[str]:
    return __all__
