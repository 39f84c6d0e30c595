"""Sales-funnel workbooks for Jupyter: from a CRM export to answers, every number with how sure it is.

The whole public surface, grouped by the question it answers:

What data is this?
    load, sample, check_data, overview, Book, Calendar, Scan, playbooks, playbook, load_playbook, seen_as
How do deals convert, and where are they lost?
    conversion, cohort, segments
How long does it take, and what is stuck?
    duration, distribution, stuck, ageing
Whom to call first?
    call_list, man, levels, level_moves, quadrant, assessment, assess, roles, honest_funnel, propensity
What does a target need, and how likely is it?
    target, reverse_funnel, deal_mix, quota, fair_shares, levers, ideal_funnel, integrity
How is it shown?
    display, options, to_csv, to_excel
What does a notebook need?
    open_book, pick, attempt, explore, explore_durations, prioritise, assessment_sheet
Try it without a CRM
    simulate
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Book": "funnelnb.data.book",
    "Calendar": "funnelnb.data.calendar",
    "Scan": "funnelnb.data.scan",
    "ageing": "funnelnb.analysis.ageing",
    "assess": "funnelnb.analysis.marks",
    "assessment": "funnelnb.analysis.assessment",
    "assessment_sheet": "funnelnb.notebook.priorities",
    "attempt": "funnelnb.notebook.attempt",
    "call_list": "funnelnb.analysis.call_list",
    "check_data": "funnelnb.data.check",
    "cohort": "funnelnb.analysis.cohort",
    "conversion": "funnelnb.analysis.conversion",
    "deal_mix": "funnelnb.analysis.mix",
    "display": "funnelnb.show",
    "distribution": "funnelnb.analysis.distribution",
    "explore": "funnelnb.notebook.explore",
    "explore_durations": "funnelnb.notebook.durations",
    "duration": "funnelnb.analysis.duration",
    "fair_shares": "funnelnb.analysis.shares",
    "honest_funnel": "funnelnb.analysis.gates",
    "ideal_funnel": "funnelnb.analysis.ideal",
    "integrity": "funnelnb.analysis.integrity",
    "levers": "funnelnb.analysis.sensitivity",
    "level_moves": "funnelnb.analysis.level_moves",
    "levels": "funnelnb.analysis.levels",
    "load": "funnelnb.data.load",
    "load_playbook": "funnelnb.playbooks",
    "man": "funnelnb.analysis.man",
    "open_book": "funnelnb.notebook",
    "options": "funnelnb.core.options",
    "overview": "funnelnb.analysis.overview",
    "pick": "funnelnb.notebook",
    "playbook": "funnelnb.analysis.shared.stage_model",
    "playbooks": "funnelnb.playbooks",
    "prioritise": "funnelnb.notebook.priorities",
    "propensity": "funnelnb.analysis.propensity",
    "quadrant": "funnelnb.analysis.quadrant",
    "quota": "funnelnb.analysis.quota",
    "reverse_funnel": "funnelnb.analysis.reverse",
    "roles": "funnelnb.analysis.roles",
    "sample": "funnelnb.data.sample",
    "seen_as": "funnelnb.data.view",
    "segments": "funnelnb.analysis.segments",
    "simulate": "funnelnb.simulate",
    "stuck": "funnelnb.analysis.stuck",
    "target": "funnelnb.analysis.target",
    "target_simulator": "funnelnb.notebook.simulator",
    "to_csv": "funnelnb.show.export",
    "to_excel": "funnelnb.show.export",
}
"""Public name -> module that defines it; loaded on first use, so that `import funnelnb` costs little."""

_MODULES = {"playbooks", "simulate"}
"""Public names that are modules themselves."""

__all__ = sorted(_HOME)  # noqa: PLE0605 - a list of str, built so that it cannot drift from the table


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'funnelnb' has no attribute {name!r}")
    module = importlib.import_module(_HOME[name])
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])


if TYPE_CHECKING:
    from funnelnb import playbooks, simulate
    from funnelnb.analysis.ageing import ageing
    from funnelnb.analysis.assessment import assessment
    from funnelnb.analysis.call_list import call_list
    from funnelnb.analysis.cohort import cohort
    from funnelnb.analysis.conversion import conversion
    from funnelnb.analysis.distribution import distribution
    from funnelnb.analysis.duration import duration
    from funnelnb.analysis.gates import honest_funnel
    from funnelnb.analysis.ideal import ideal_funnel
    from funnelnb.analysis.integrity import integrity
    from funnelnb.analysis.level_moves import level_moves
    from funnelnb.analysis.levels import levels
    from funnelnb.analysis.man import man
    from funnelnb.analysis.marks import assess
    from funnelnb.analysis.mix import deal_mix
    from funnelnb.analysis.overview import overview
    from funnelnb.analysis.propensity import propensity
    from funnelnb.analysis.quadrant import quadrant
    from funnelnb.analysis.quota import quota
    from funnelnb.analysis.reverse import reverse_funnel
    from funnelnb.analysis.roles import roles
    from funnelnb.analysis.segments import segments
    from funnelnb.analysis.sensitivity import levers
    from funnelnb.analysis.shared.stage_model import playbook
    from funnelnb.analysis.shares import fair_shares
    from funnelnb.analysis.stuck import stuck
    from funnelnb.analysis.target import target
    from funnelnb.core.options import options
    from funnelnb.data.book import Book
    from funnelnb.data.calendar import Calendar
    from funnelnb.data.check import check_data
    from funnelnb.data.load import load
    from funnelnb.data.sample import sample
    from funnelnb.data.scan import Scan
    from funnelnb.data.view import seen_as
    from funnelnb.notebook import open_book, pick
    from funnelnb.notebook.attempt import attempt
    from funnelnb.notebook.durations import explore_durations
    from funnelnb.notebook.explore import explore
    from funnelnb.notebook.priorities import assessment_sheet, prioritise
    from funnelnb.notebook.simulator import target_simulator
    from funnelnb.playbooks import load_playbook
    from funnelnb.show import display
    from funnelnb.show.export import to_csv, to_excel
