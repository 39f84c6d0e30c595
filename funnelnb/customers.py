"""Customers: whom to spend time on, and what is known of them.

``fn.customers.levels(book)``, ``fn.customers.roles(book)`` and so on; the ranked list of all of it is ``fn.call_list``.
"""

from funnelnb.analysis.conversion.endings import endings
from funnelnb.analysis.priority.assessment import add_marks, assessment
from funnelnb.analysis.priority.honest_funnel import honest_funnel
from funnelnb.analysis.priority.level_moves import level_moves
from funnelnb.analysis.priority.levels import levels
from funnelnb.analysis.priority.money_authority_need import money_authority_need
from funnelnb.analysis.priority.propensity import propensity
from funnelnb.analysis.priority.quadrant import quadrant
from funnelnb.analysis.priority.roles import roles

__all__ = [
    "add_marks",
    "assessment",
    "endings",
    "honest_funnel",
    "level_moves",
    "levels",
    "money_authority_need",
    "propensity",
    "quadrant",
    "roles",
]


def __dir__() -> list[str]:
    return __all__
