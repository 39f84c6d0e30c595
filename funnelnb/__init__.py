"""Sales-funnel workbooks for Jupyter: from a CRM export to answers, every number with how sure it is.

The whole public surface, grouped by the question it answers:

What data is this?
    load, sample, check_data, overview, Book, Calendar, Scan, playbooks, playbook, load_playbook, seen_as
How do deals convert, and where are they lost?
    conversion, cohort, segments, six_properties, before_after
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
    simulate, typed_funnel
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Book": "funnelnb.data.book",
    "Calendar": "funnelnb.data.contract.calendar",
    "Scan": "funnelnb.data.count.scan",
    "ageing": "funnelnb.analysis.time.ageing",
    "assess": "funnelnb.analysis.priority.assessment",
    "assessment": "funnelnb.analysis.priority.assessment",
    "assessment_sheet": "funnelnb.notebook.priorities",
    "attempt": "funnelnb.notebook.page",
    "before_after": "funnelnb.analysis.targets.before_after",
    "call_list": "funnelnb.analysis.priority.call_list",
    "check_data": "funnelnb.data.check",
    "cohort": "funnelnb.analysis.conversion.cohort",
    "conversion": "funnelnb.analysis.conversion.conversion",
    "deal_mix": "funnelnb.analysis.targets.mix",
    "display": "funnelnb.show",
    "distribution": "funnelnb.analysis.time.distribution",
    "explore": "funnelnb.notebook.explore",
    "explore_durations": "funnelnb.notebook.explore",
    "duration": "funnelnb.analysis.time.duration",
    "fair_shares": "funnelnb.analysis.targets.shares",
    "honest_funnel": "funnelnb.analysis.priority.honest_funnel",
    "ideal_funnel": "funnelnb.analysis.conversion.ideal",
    "integrity": "funnelnb.analysis.targets.integrity",
    "levers": "funnelnb.analysis.targets.levers",
    "level_moves": "funnelnb.analysis.priority.level_moves",
    "levels": "funnelnb.analysis.priority.levels",
    "load": "funnelnb.data.load",
    "load_playbook": "funnelnb.playbooks",
    "man": "funnelnb.analysis.priority.man",
    "open_book": "funnelnb.notebook",
    "options": "funnelnb.core.options",
    "overview": "funnelnb.analysis.conversion.overview",
    "pick": "funnelnb.notebook",
    "playbook": "funnelnb.analysis.shared.stage_model",
    "playbooks": "funnelnb.playbooks",
    "prioritise": "funnelnb.notebook.priorities",
    "propensity": "funnelnb.analysis.priority.propensity",
    "quadrant": "funnelnb.analysis.priority.quadrant",
    "quota": "funnelnb.analysis.targets.quota",
    "reverse_funnel": "funnelnb.analysis.targets.reverse",
    "roles": "funnelnb.analysis.priority.roles",
    "sample": "funnelnb.data.load",
    "seen_as": "funnelnb.data.seen_as",
    "segments": "funnelnb.analysis.conversion.segments",
    "simulate": "funnelnb.simulate",
    "six_properties": "funnelnb.analysis.targets.properties",
    "stuck": "funnelnb.analysis.time.stuck",
    "target": "funnelnb.analysis.targets.target",
    "target_simulator": "funnelnb.notebook.simulator",
    "to_csv": "funnelnb.show.pages.export",
    "to_excel": "funnelnb.show.pages.export",
    "typed_funnel": "funnelnb.analysis.shared.typed_counts",
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
    from funnelnb.analysis.conversion.cohort import cohort
    from funnelnb.analysis.conversion.conversion import conversion
    from funnelnb.analysis.conversion.ideal import ideal_funnel
    from funnelnb.analysis.conversion.overview import overview
    from funnelnb.analysis.conversion.segments import segments
    from funnelnb.analysis.priority.assessment import assess, assessment
    from funnelnb.analysis.priority.call_list import call_list
    from funnelnb.analysis.priority.honest_funnel import honest_funnel
    from funnelnb.analysis.priority.level_moves import level_moves
    from funnelnb.analysis.priority.levels import levels
    from funnelnb.analysis.priority.man import man
    from funnelnb.analysis.priority.propensity import propensity
    from funnelnb.analysis.priority.quadrant import quadrant
    from funnelnb.analysis.priority.roles import roles
    from funnelnb.analysis.shared.stage_model import playbook
    from funnelnb.analysis.shared.typed_counts import typed_funnel
    from funnelnb.analysis.targets.before_after import before_after
    from funnelnb.analysis.targets.integrity import integrity
    from funnelnb.analysis.targets.levers import levers
    from funnelnb.analysis.targets.mix import deal_mix
    from funnelnb.analysis.targets.properties import six_properties
    from funnelnb.analysis.targets.quota import quota
    from funnelnb.analysis.targets.reverse import reverse_funnel
    from funnelnb.analysis.targets.shares import fair_shares
    from funnelnb.analysis.targets.target import target
    from funnelnb.analysis.time.ageing import ageing
    from funnelnb.analysis.time.distribution import distribution
    from funnelnb.analysis.time.duration import duration
    from funnelnb.analysis.time.stuck import stuck
    from funnelnb.core.options import options
    from funnelnb.data.book import Book
    from funnelnb.data.check import check_data
    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.count.scan import Scan
    from funnelnb.data.load import load, sample
    from funnelnb.data.seen_as import seen_as
    from funnelnb.notebook import open_book, pick
    from funnelnb.notebook.explore import explore, explore_durations
    from funnelnb.notebook.page import attempt
    from funnelnb.notebook.priorities import assessment_sheet, prioritise
    from funnelnb.notebook.simulator import target_simulator
    from funnelnb.playbooks import load_playbook
    from funnelnb.show import display
    from funnelnb.show.pages.export import to_csv, to_excel
