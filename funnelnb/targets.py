"""Targets: what they need, how they are shared out, what moves them, and whether the pipeline behind them is honest.

``fn.targets.levers(book, …)``, ``fn.targets.fair_shares(book, …)`` and so on; the whole of it is ``fn.target``.
"""

from funnelnb.analysis.conversion.ideal import ideal_funnel
from funnelnb.analysis.targets.attained import attained
from funnelnb.analysis.targets.integrity import integrity
from funnelnb.analysis.targets.levers import levers
from funnelnb.analysis.targets.shares import fair_shares
from funnelnb.analysis.targets.stage_targets import stage_targets

__all__ = ["attained", "fair_shares", "ideal_funnel", "integrity", "levers", "stage_targets"]


def __dir__() -> list[str]:
    return __all__
