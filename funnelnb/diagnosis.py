"""Diagnosis: symptoms, what changed and why, why deals are lost, how they wander, trends, costs.

``fn.diagnosis.change(book, …)``, ``fn.diagnosis.why_lost(book)`` and so on; what is sick is
``fn.diagnosis.symptoms(book)``, the report that puts it together ``fn.weekly_report(book)``.
"""

from funnelnb.analysis.diagnosis.change import change
from funnelnb.analysis.diagnosis.costs import costs
from funnelnb.analysis.diagnosis.describe import describe
from funnelnb.analysis.diagnosis.drill import drill
from funnelnb.analysis.diagnosis.losses import why_lost
from funnelnb.analysis.diagnosis.sales import breaks, sales_trend
from funnelnb.analysis.diagnosis.symptoms import symptoms
from funnelnb.analysis.diagnosis.verdict import verdict
from funnelnb.analysis.diagnosis.wander import wander
from funnelnb.analysis.quality.harm import harm

__all__ = [
    "breaks",
    "change",
    "costs",
    "describe",
    "drill",
    "harm",
    "sales_trend",
    "symptoms",
    "verdict",
    "wander",
    "why_lost",
]


def __dir__() -> list[str]:
    return __all__
