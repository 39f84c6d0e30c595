"""Which tables, sentences and charts belong to which result, and what a result says in words."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.options import nameless
from funnelnb.show.tables.table import withheld
from funnelnb.show.text.words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from funnelnb.show.tables.document import Document
    from funnelnb.show.tables.table import Table


# ---- What a result says, in two sentences, and what it does not say ----------------------------------------

UNJUDGED = ("closed_only", "only_wins", "wins_alone", "losses_never_set", "nobody_decided")
"""Notes that say why the data cannot tell how deals end."""
NAMED = 3
"""How many groups a sentence names before it says "and n more"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result in words.

    Attributes
    ----------
    headline : str
        The first sentence: the answer, with n and interval.
    detail : str
        The second sentence: where, or how sure.
    unsaid : str
        What the numbers do not say.
    """

    headline: str
    detail: str
    unsaid: str


def finding_of(result: Any, lang: str | None = None) -> Finding:
    """Return what `result` says, as parts."""
    say = words_of(result, lang)
    found = view_of(result).finding(result, say)
    if found.headline == say.get("words.none_at_all"):
        return replace(found, headline=no_deals(result, say))
    return found


def unjudged(result: Any) -> str:
    """Return the note that says why the data cannot tell how deals end; empty where they can."""
    codes = {note.code for note in result.notes}
    return next((code for code in UNJUDGED if code in codes), "")


def no_open_deals(result: Any, say: Words, key: str) -> str:
    """Return why there is no open deal: they were left out of the data, or there is none, as `key` says."""
    why = unjudged(result)
    return say.get(f"unjudged.{why}") if why in ("closed_only", "wins_alone") else say.get(key)


def no_deals(result: Any, say: Words) -> str:
    """Return why there is nothing to report: there are deals, but the data cannot tell; or there is no deal."""
    why = unjudged(result)
    if not why and withheld(result):
        why = "stage_unknown"
    return say.get(f"unjudged.{why}") if why else say.get("words.none_at_all")


def finding_text(result: Any, lang: str | None = None) -> str:
    """Return what `result` says as plain text: two sentences, and on a new line what they do not say."""
    say = words_of(result, lang)
    found = finding_of(result, lang)
    said = say.get("language.sentence").join(part for part in (found.headline, found.detail) if part)
    if not found.unsaid:
        return said
    unsaid = say.get("language.clause").join((say.get("words.not_said"), found.unsaid))
    return f"{said}\n{unsaid}"


def rate_of(row: Any, stem: str, say: Words) -> str:
    """Return the rate `stem` of a row with its interval: ``63.2 % (62.2–64.1)``."""
    value, lower, upper = (getattr(row, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    return say.numbers.interval(value, lower, upper)


def name_some(items: Sequence[str], say: Words) -> str:
    """Return a list of at most `NAMED` names, the others counted."""
    if len(items) <= NAMED:
        return say.numbers.join(items)
    return say.numbers.join([*items[:NAMED], say.say("words.more", more_n=len(items) - NAMED)])


def deal_named(row: Any, say: Words) -> str:
    """Return what a sentence calls a deal: its customer with the deal's id, or the id alone."""
    if nameless() or not row.customer or row.customer == row.opportunity_id:
        return str(row.opportunity_id)
    return say.say("deals.named", customer=row.customer, opportunity=row.opportunity_id)


# ---- Which tables, sentences and charts belong to which result ---------------------------------------------

_VIEWS: Mapping[str, str] = {
    "Ageing": "ageing.ageing",
    "Assessment": "customers.assessment",
    "Attained": "attained.attained",
    "BeforeAfter": "properties.before_after",
    "BehaviourGroups": "behaviour.groups",
    "CallList": "priority.calls",
    "Change": "diagnosis.change",
    "CheckReport": "data.check",
    "Cohorts": "conversion.cohorts",
    "Conversion": "conversion.conversion",
    "Customer": "customer.customer",
    "DealMix": "targets.deal_mix",
    "Description": "diagnosis_more.description",
    "Distribution": "distribution.distribution",
    "Drivers": "behaviour_why.drivers",
    "Duration": "duration.duration",
    "Endings": "endings.endings",
    "FairShares": "targets.shares",
    "Forecast": "forecast.forecast",
    "Funnel": "behaviour.funnel",
    "FunnelGap": "conversion.ideal",
    "Growth": "behaviour.growth",
    "Harm": "harm.harm",
    "HonestFunnel": "priority.gates",
    "Integrity": "targets.integrity",
    "LevelMoves": "customers.level_moves",
    "Levels": "customers.levels",
    "Levers": "targets.levers",
    "Man": "priority.man",
    "Overview": "data.overview",
    "Paths": "behaviour_why.paths",
    "PipelineCoverage": "forecast.coverage",
    "Promised": "forecast.promised",
    "Propensity": "propensity.propensity",
    "Quadrant": "customers.quadrant",
    "Quota": "targets.quota",
    "Reliability": "forecast.reliability",
    "Retention": "behaviour.retention",
    "ReverseFunnel": "targets.reverse",
    "Roles": "priority.roles",
    "Scorecard": "forecast.scorecard",
    "SalesTrend": "diagnosis_more.sales_trend",
    "Segments": "conversion.segments",
    "SeriesBreaks": "diagnosis_more.series_breaks",
    "SixProperties": "properties.properties",
    "StageModel": "stage_models.stage_model",
    "StageTargets": "attained.stage_targets",
    "Stuck": "ageing.stuck",
    "SymptomDetail": "diagnosis.symptom_detail",
    "Symptoms": "diagnosis.symptoms",
    "Target": "targets.target",
    "Trend": "behaviour.trend",
    "TypedFunnel": "stage_models.typed",
    "Unavailable": "data.unavailable",
    "Velocity": "forecast.velocity",
    "Waterfall": "forecast.waterfall",
    "UnitCosts": "diagnosis_more.unit_costs",
    "Verdict": "diagnosis.verdict",
    "Wander": "diagnosis_more.wander",
    "WeeklyReport": "weekly.weekly",
    "WhyLost": "diagnosis.why_lost",
}
"""Result type -> module of ``show/views`` and the stem of its view in it: ``targets.quota`` is ``QUOTA_VIEW``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How one kind of result is shown.

    Attributes
    ----------
    tables : tuple of Table
        The first is what ``to_frame`` gives.
    finding : callable
        ``finding(result, words) -> Finding``.
    charts : Mapping of str to str
        Kind of chart to module and stem in ``show/charts``: ``groups.forest`` is drawn by ``forest_draw``; the
        first is drawn unless another is asked for.
    document : callable or None
        ``document(result, words) -> Document``, for a result that is read rather than looked up; its tables are
        then for export only.
    """

    tables: tuple[Table, ...]
    finding: Callable[[Any, Words], Finding]
    charts: Mapping[str, str]
    document: Callable[[Any, Words], Document] | None = None


@functools.cache
def _view(name: str) -> View:
    module, stem = _VIEWS[name].split(".")
    view: View = getattr(importlib.import_module(f"funnelnb.show.views.{module}"), f"{stem.upper()}_VIEW")
    return view


def view_of(result: Any) -> View:
    """Return how `result` is shown.

    Raises
    ------
    ParameterError
        It is no result of this package.
    """
    for base in type(result).__mro__:
        if base.__name__ in _VIEWS:
            return _view(base.__name__)
    raise ParameterError(
        f"a value of type {type(result).__name__} cannot be shown",
        expected="a result: one of " + ", ".join(_VIEWS),
        hint="call fn.conversion, fn.cohort or fn.segments first",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One kind of chart: ``data(result)`` gives the rows that are drawn, ``draw(result, lang)`` draws them."""

    data: Callable[[Any], Any]
    draw: Callable[[Any, str], Any]


def chart_of(result: Any, kind: str | None = None) -> Chart:
    """Return the chart that draws `result` as `kind`; None is the result's own first chart.

    Raises
    ------
    ParameterError
        The result has no chart of that kind; the message lists those it has.
    """
    charts = view_of(result).charts
    if not charts:
        raise ParameterError(
            f"a value of type {type(result).__name__} has no chart",
            expected="a result with a chart",
            hint="show its tables: result.to_frame(), or print(result)",
        )
    chosen = next(iter(charts)) if kind is None else check.one_of("chart", kind, charts)
    module, stem = charts[chosen].split(".")
    home = importlib.import_module(f"funnelnb.show.charts.{module}")
    sooner = importlib.import_module("funnelnb.show.charts.sooner").sooner
    return Chart(data=getattr(home, f"{stem}_data"), draw=sooner()(getattr(home, f"{stem}_draw")))
