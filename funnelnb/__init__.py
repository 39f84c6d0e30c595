"""Sales-funnel workbooks for Jupyter: from a CRM export to answers, every number with how sure it is.

What is public stands in ``__init__.pyi``, grouped by the question it answers, and is loaded on first use. Questions
stand at the top (``fn.conversion``, ``fn.duration``, ``fn.call_list``, ``fn.target``); further instruments stand in
namespaces that tab completion shows: ``fn.customers``, ``fn.targets``, ``fn.data``, ``fn.widgets``, ``fn.notebook``,
``fn.playbooks`` and ``fn.simulate``.
"""

import sys
from typing import Any

from funnelnb.core.lazy import attach

__version__ = "0.1.0"

_FORMER = {
    "Calendar": "data.Calendar",
    "Scan": "data.Scan",
    "assess": "customers.add_marks",
    "assessment": "customers.assessment",
    "assessment_sheet": "widgets.assessment_sheet",
    "attempt": "notebook.attempt",
    "before_after": "targets.before_after",
    "check_data": "data.check_data",
    "comparison": "notebook.comparison",
    "deal_mix": "targets.deal_mix",
    "explore": "widgets.explore",
    "explore_durations": "widgets.explore_durations",
    "fair_shares": "targets.fair_shares",
    "harm": "diagnosis.harm",
    "honest_funnel": "customers.honest_funnel",
    "ideal_funnel": "targets.ideal_funnel",
    "integrity": "targets.integrity",
    "level_moves": "customers.level_moves",
    "levels": "customers.levels",
    "levers": "targets.levers",
    "load_playbook": "playbooks.load_playbook",
    "mapper": "widgets.mapper",
    "man": "customers.money_authority_need",
    "open_book": "notebook.open_book",
    "pick": "notebook.pick",
    "prioritise": "widgets.prioritise",
    "propensity": "customers.propensity",
    "quadrant": "customers.quadrant",
    "reverse_funnel": "targets.reverse_funnel",
    "roles": "customers.roles",
    "scorecard": "forecasts.scorecard",
    "seen_as": "data.seen_as",
    "snapshots": "forecasts.snapshots",
    "symptoms": "diagnosis.symptoms",
    "target_simulator": "widgets.target_simulator",
}
"""Names that stood at the top in 0.1 -> where they are now; they still answer, but are not shown."""

_find, __dir__, __all__ = attach(__name__, __file__, also=_FORMER)


def __getattr__(name: str) -> Any:
    if name in _FORMER:
        space, _, own = _FORMER[name].partition(".")
        return getattr(_find(space), own)
    return _find(name)


def load_ipython_extension(shell: Any) -> None:
    """Offer attributes, values and stages of the book at hand between quotation marks when Tab is pressed."""
    from funnelnb.notebook.completion import register

    register(shell)


def _complete_in_notebooks() -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and getattr(shell, "Completer", None) is not None:
        load_ipython_extension(shell)


_complete_in_notebooks()
